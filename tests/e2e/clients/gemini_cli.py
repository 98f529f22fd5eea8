"""Gemini CLI, as `gemini -p`."""

import json

from world import E2E, case, usage

MODEL = "gemini-3.8-flash"
QUIET = {"privacy": {"usageStatisticsEnabled": False}, "general": {"enableAutoUpdate": False}}


def configure(world, rpm):
    """Gemini sends no headers that tell a limit."""
    world.tierline("limits", "set", "--account", "e2e", "--rpm", rpm)
    (world.home / ".gemini").mkdir()
    told = json.loads(world.connected("gemini-cli")[1])
    (world.home / ".gemini/settings.json").write_text(json.dumps({**QUIET, **told}))


def command(prompt, form="json"):
    return [E2E / "clients/node_modules/.bin/gemini", "--skip-trust", "--model", MODEL, "--output-format", form, "--prompt", prompt]


def env(world):
    return world.connected("gemini-cli")[0]


def ask(world, prompt):
    _, out, err = world.run(command(prompt), env(world))
    assert out.startswith("{"), err
    return json.loads(out)


def used(answer):
    tokens = [model["tokens"] for model in answer["stats"]["models"].values()]
    return [
        usage(input=one["input"], output=one["candidates"] + one["thoughts"], cache_read=one["cached"], reasoning=one["thoughts"])
        for one in tokens
    ]


@case("gemini", "--rpm", "60")
def a_prompt_that_waits(world):
    """Long enough to be kept alive, which Google's SDKs do not take from comments."""
    configure(world, "1")
    answers = [ask(world, f"Say {n}.") for n in range(2)]
    assert all(answer["response"] for answer in answers), answers
    rows = world.agrees([one for answer in answers for one in used(answer)])
    assert max(row["wait_millis"] for row in rows) > 16_000, "the limit was not felt"


@case("gemini", "--rpm", "60")
def a_tool_is_called_and_its_result_comes_back(world):
    configure(world, "60")
    answer = ask(world, "Use the tool.")
    assert answer["response"] and answer["stats"]["tools"]["totalCalls"] == 1, answer
    assert len(world.agrees(used(answer))) == 2


@case("gemini", "--ms-per-token", "50", "--output-tokens", "600")
def killed_in_the_middle_of_an_answer(world):
    configure(world, "60")
    world.cut_off(command("Say something.", "stream-json"), env(world), '"assistant"')


@case("gemini", "--fault", "no-credit:1")
def no_credit(world):
    configure(world, "60")
    code, out, err = world.run(command("Say something.", "text"), env(world))
    assert code != 0 and "credit" in (out + err).lower(), (code, out, err)
    assert len(world.history()) == 1
