"""Codex, as `codex exec`."""

import json
import threading

from world import E2E, case, usage

MODEL = "gpt-5.6-sol"
QUIET = """
check_for_update_on_startup = false
analytics.enabled = false
"""
# the provider that is built in, at another address
BUILT_IN = 'openai_base_url = "{url}/openai/v1"\n'


def configure(world, text=None, more=""):
    """Writes its configuration: what the user is told to, unless it is `text`."""
    folder = world.home / ".codex"
    folder.mkdir(exist_ok=True)
    text = text or world.connected("codex")[1]
    (folder / "config.toml").write_text(QUIET + text.format(url=world.url) + more)


def command(prompt, model=MODEL):
    return [E2E / "clients/node_modules/.bin/codex", "exec", "--skip-git-repo-check", "--json", "--model", model, prompt]


def ask(world, prompt, model=MODEL, env=None):
    """The events of a run."""
    _, out, err = world.run(command(prompt, model), env or world.connected("codex")[0])
    assert out.strip(), err
    return [json.loads(line) for line in out.splitlines()]


def said(events):
    return "".join(event["item"]["text"] for event in events if event.get("item", {}).get("type") == "agent_message")


def errors(events):
    return [event["message"] for event in events if event["type"] == "error"]


def used(events):
    (end,) = [event for event in events if event["type"] == "turn.completed"]
    told, read = end["usage"], end["usage"]["cached_input_tokens"]
    return usage(
        input=told["input_tokens"] - read,
        output=told["output_tokens"],
        cache_read=read,
        reasoning=told["reasoning_output_tokens"],
    )


@case("openai", "--rpm", "60")
def one_prompt(world):
    configure(world)
    events = ask(world, "Say something.")
    assert said(events) and not errors(events), events
    world.agrees([used(events)])


@case("openai", "--rpm", "60")
def the_provider_that_is_built_in(world):
    """It asks for a WebSocket first, and goes on with requests as soon as it is told to."""
    configure(world, BUILT_IN)
    events = ask(world, "Say something.", env={"CODEX_API_KEY": world.token})
    assert said(events) and not errors(events), events
    world.agrees([used(events)])


@case("openai", "--rpm", "60")
def a_tool_is_called_and_its_result_comes_back(world):
    configure(world)
    events = ask(world, "Use the tool.", model="gpt-5.4-mini")  # the other gets its tools in a form of OpenAI's own
    assert said(events) and not errors(events), events
    assert len(world.agrees([used(events)])) == 2


@case("openai", "--rpm", "6")
def more_at_once_than_the_limit_lets_in(world):
    configure(world)
    answers = [None] * 8

    def one(n):
        answers[n] = ask(world, f"Say {n}.")

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(answers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer and said(answer) and not errors(answer) for answer in answers), answers
    rows = world.agrees([used(answer) for answer in answers])
    assert max(row["wait_millis"] for row in rows) > 3_000, "the limit was not felt"


@case("openai", "--ms-per-token", "50", "--output-tokens", "600")
def killed_in_the_middle_of_an_answer(world):
    configure(world)
    world.cut_off(command("Say something."), world.connected("codex")[0])


@case("openai", "--fault", "overloaded@1", "--fault", "stream-error-event@3")
def what_passes_is_not_the_end(world):
    """The gateway repeats the first, and Codex the second, which has begun."""
    configure(world)
    events = ask(world, "Say something.")
    assert said(events), events
    outcomes = [(row["attempts"], row["outcome"]) for row in world.history()]
    assert outcomes == [(2, "ok")], outcomes


@case("openai", "--fault", "no-credit:1")
def no_credit_is_not_tried_again(world):
    fails(world, "Quota exceeded", requests=1)


@case("openai")
def a_budget_that_is_spent(world):
    world.tierline("budgets", "set", "--account", "e2e", "--usd-per-day", "0.000001")
    fails(world, "budget", requests=6)
    assert world.stats["requests"] == 0


@case("openai", "--fault", "html-page:1")
def a_page_instead_of_an_answer(world):
    fails(world, "502 Bad Gateway", requests=2, more="request_max_retries = 0\nstream_max_retries = 1\n")


@case("openai", "--fault", "reset-mid-stream:1")
def an_answer_that_breaks_off_is_no_answer(world):
    fails(world, "stream", requests=6)


@case("openai", "--rpm", "2")
def a_deadline_that_cannot_be_met(world):
    """The gateway's own refusal, with the time: Codex comes back when it says, and gets in."""
    configure(world)
    for n in range(2):
        ask(world, f"Say {n}.")
    configure(world, more='http_headers = { "x-tierline-deadline-ms" = "1000" }\n')
    events = ask(world, "And again.")
    assert said(events), events
    world.came_back_in_time()


def fails(world, words, requests, more=""):
    """Codex shows it, after no more requests than that."""
    configure(world, more=more)
    events = ask(world, "Say something.")
    end = events[-1]
    assert end["type"] == "turn.failed" and words in end["error"]["message"], events
    rows = world.history()
    assert 0 < len(rows) <= requests, rows
