"""Vercel's AI SDK: `ai_sdk.mjs`, with its providers for Anthropic and OpenAI."""

import json

from world import E2E, HERE, case, usage


def calls(world, *models):
    program = E2E / "clients/ai_sdk.mjs"  # beside its packages
    program.write_bytes((HERE / "ai_sdk.mjs").read_bytes())
    code, out, err = world.run(["node", program, *models], {"BASE": world.base("ai-sdk"), "TOKEN": world.token})
    assert code == 0, err
    return [usage(**json.loads(line)) for line in out.splitlines()]


@case("anthropic", "--rpm", "60")
def messages(world):
    assert len(world.agrees(calls(world, "anthropic"))) == 3


@case("openai", "--rpm", "60")
def responses_and_chat_completions(world):
    assert len(world.agrees(calls(world, "openai", "openai-chat"))) == 6
