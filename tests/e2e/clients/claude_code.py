"""Claude Code, as `claude -p`."""

import json
import threading

from world import E2E, case, usage

MODEL = "claude-sonnet-5-5"
# no telemetry, no update, no report; what it asks of `ANTHROPIC_BASE_URL` stays as it is
QUIET = dict(CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_AUTOUPDATER="1", DISABLE_TELEMETRY="1", DISABLE_ERROR_REPORTING="1")


def env(world, **more):
    return {**QUIET, **world.connected("claude-code")[0], **more}


def command(prompt, *more):
    return [E2E / "clients/node_modules/.bin/claude", "-p", prompt, "--model", MODEL, "--output-format", "json", *more]


def ask(world, prompt, *more, **variables):
    _, out, err = world.run(command(prompt, *more), env(world, **variables))
    assert out.strip(), err
    return json.loads(out)


def used(answer):
    """Of all models and turns."""
    return [
        usage(
            input=model["inputTokens"],
            output=model["outputTokens"],
            cache_read=model["cacheReadInputTokens"],
            cache_write=model["cacheCreationInputTokens"],
        )
        for model in answer["modelUsage"].values()
    ]


@case("anthropic", "--rpm", "2")
def two_requests_a_minute(world):
    """The third request stands in the line for half a minute, and Claude Code does not mind."""
    answers = [ask(world, f"Say {n}.", "--tools", "") for n in range(3)]
    assert all(answer["result"] and not answer["is_error"] for answer in answers), answers
    rows = world.agrees([one for answer in answers for one in used(answer)])
    assert [row["wait_millis"] > 20_000 for row in rows] == [False, False, True], rows


@case("anthropic", "--rpm", "60")
def a_tool_is_called_and_its_result_comes_back(world):
    (world.home / "sim").write_text("what the simulated provider asks for")
    answer = ask(world, "Use the tool.", "--tools", "Read", "--allowedTools", "Read")
    assert answer["result"] and not answer["is_error"] and answer["num_turns"] == 2, answer
    assert len(world.agrees(used(answer))) == 2


@case("anthropic", "--rpm", "60")
def with_an_api_key_instead_of_a_token(world):
    answer = ask(world, "Say something.", "--tools", "", ANTHROPIC_AUTH_TOKEN="", ANTHROPIC_API_KEY=world.token)
    assert answer["result"] and not answer["is_error"], answer
    world.agrees(used(answer))


@case("anthropic", "--rpm", "60")
def all_its_own_questions_are_answered(world):
    """With nothing switched off that goes to the base URL: whether it is reachable, which models there are."""
    loud = {name: "" for name in QUIET} | {"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"}
    answer = ask(world, "Say something.", "--tools", "", **loud)
    assert answer["result"] and not answer["is_error"], answer
    world.agrees(used(answer))


@case("anthropic", "--rpm", "10")
def more_at_once_than_the_limit_lets_in(world):
    answers = [None] * 12

    def one(n):
        answers[n] = ask(world, f"Say {n}.", "--tools", "")

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(answers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer and answer["result"] and not answer["is_error"] for answer in answers), answers
    rows = world.agrees([one for answer in answers for one in used(answer)])
    assert max(row["wait_millis"] for row in rows) > 3_000, "the limit was not felt"


@case("anthropic", "--ms-per-token", "50", "--output-tokens", "600")
def killed_in_the_middle_of_an_answer(world):
    stream = ["--output-format", "stream-json", "--verbose", "--include-partial-messages"]
    row = world.cut_off(command("Say something.", "--tools", "", *stream), env(world), "text_delta")
    assert row["input_tokens"] + row["cache_write_tokens"] > 0, row


@case("anthropic", "--fault", "overloaded@1", "--fault", "stream-error-event@2")
def what_passes_is_not_seen(world):
    """The gateway repeats the first, and Claude Code the second, which has begun."""
    answer = ask(world, "Say something.", "--tools", "")
    assert answer["result"] and not answer["is_error"], answer
    rows = world.history()
    assert [(row["attempts"], row["outcome"]) for row in rows] == [(2, "refused"), (1, "ok")], rows


@case("anthropic", "--fault", "overloaded:1")
def an_overload_that_stays_is_shown_as_the_provider_said_it(world):
    refused(world, 529, "529 Overloaded", requests=3)


@case("anthropic", "--fault", "html-page:1")
def a_page_instead_of_an_answer(world):
    refused(world, 502, "502 Bad Gateway", requests=3)


@case("anthropic", "--fault", "no-credit:1")
def no_credit_is_not_tried_again(world):
    refused(world, 400, "Credit balance is too low", requests=1)


@case("anthropic", "--fault", "reset-mid-stream:1")
def an_answer_that_breaks_off_is_no_answer(world):
    refused(world, None, "Connection to the API was lost", requests=4)


@case("anthropic")
def a_budget_that_is_spent(world):
    """The gateway's own refusal, with `x-should-retry: false`."""
    world.tierline("budgets", "set", "--account", "e2e", "--usd-per-day", "0.000001")
    refused(world, 402, "budget", requests=1)
    assert world.stats["requests"] == 0


@case("anthropic", "--rpm", "2")
def a_deadline_that_cannot_be_met(world):
    """The gateway's own refusal, with the time: Claude Code comes back when it says, and gets in."""
    for n in range(2):
        ask(world, f"Say {n}.", "--tools", "")
    answer = ask(world, "And again.", "--tools", "", ANTHROPIC_CUSTOM_HEADERS="x-tierline-deadline-ms: 1000")
    assert answer["result"] and not answer["is_error"], answer
    world.came_back_in_time()


def refused(world, status, words, requests):
    """Claude Code shows it, and made no more requests than that."""
    answer = ask(world, "Say something.", "--tools", "", CLAUDE_CODE_MAX_RETRIES="2")
    assert answer["is_error"] and answer["api_error_status"] == status and words in answer["result"], answer
    rows = world.history()
    assert 0 < len(rows) <= requests, rows
