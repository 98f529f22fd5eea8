"""LiteLLM as a library: `litellm_calls.py` with its own Python."""

import json

from world import E2E, HERE, case, usage

# its list of prices comes from the network unless it is told to use its own
ENV = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": "1"}


def calls(world, kind, model):
    command = [E2E / "clients/venv/bin/python", HERE / "litellm_calls.py", kind, model]
    code, out, err = world.run(command, {**ENV, "BASE": world.base("litellm"), "TOKEN": world.token})
    assert code == 0, err
    return [usage(**json.loads(line)) for line in out.splitlines()]


@case("anthropic", "--rpm", "10")
def messages(world):
    rows = world.agrees(calls(world, "completion", "anthropic/claude-sonnet-5-5"))
    assert len(rows) == 12 and max(row["wait_millis"] for row in rows) > 3_000, "the limit was not felt"


@case("openai", "--rpm", "60")
def chat_completions(world):
    assert len(world.agrees(calls(world, "completion", "openai/gpt-5.4-mini"))) == 12


@case("openai", "--rpm", "60")
def responses(world):
    assert len(world.agrees(calls(world, "responses", "openai/gpt-5.4-mini"))) == 1


@case("gemini", "--rpm", "60")
def generate_content(world):
    assert len(world.agrees(calls(world, "completion", "gemini/gemini-3.8-flash"))) == 12
