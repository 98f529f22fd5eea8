"""`llm`, with OpenAI's models and with those of llm-anthropic."""

import json
import re

from world import E2E, case, usage

LLM = E2E / "clients/venv/bin/llm"
# in the words of `--usage`
USED = re.compile(r"Token usage: ([\d,]+) input, ([\d,]+) output(?:, (\{.*\}))?")


def ask(world, model, prompt, *more):
    """What it says it used."""
    code, out, err = world.run([LLM, "--model", model, "--usage", *more, prompt], world.connected("llm")[0])
    assert code == 0 and out.strip(), err
    used = []
    for input, output, details in USED.findall(err):
        read = json.loads(details or "{}").get("input_tokens_details", {}).get("cached_tokens", 0)
        used.append(usage(input=int(input.replace(",", "")) - read, output=int(output.replace(",", "")), cache_read=read))
    return used


def each_way(world, model):
    tool = ["--functions", 'def get_weather(city: str) -> str:\n  "The weather at a place"\n  return "rain"']
    said = [*ask(world, model, "Say it at once.", "--no-stream"), *ask(world, model, "Use get_weather.", *tool)]
    assert len(world.agrees(said)) == 3


@case("anthropic", "--rpm", "60")
def messages(world):
    each_way(world, "claude-sonnet-5.5")


@case("openai", "--rpm", "60")
def responses(world):
    each_way(world, "gpt-5.4-mini")


@case("openai", "--rpm", "60")
def chat_completions(world):
    each_way(world, "gpt-4o-mini")


@case("openai", "--ms-per-token", "50", "--output-tokens", "600")
def killed_in_the_middle_of_an_answer(world):
    world.cut_off([LLM, "--model", "gpt-5.4-mini", "Say something."], world.connected("llm")[0])
