"""The official SDKs as they come, with their own time-outs and retries: `sdk_calls.py` with its own Python."""

import json

from world import E2E, HERE, case


def calls(world, way, *texts):
    command = [E2E / "venv/bin/python", HERE / "sdk_calls.py", way, *texts]
    code, out, err = world.run(command, {"TIERLINE_URL": world.url, "TIERLINE_TOKEN": world.token})
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def waits(world, way):
    """The second answer begins a minute after it was asked for."""
    assert all(answer["text"] for answer in calls(world, way, "Say something.", "And again."))
    assert [row["wait_millis"] > 50_000 for row in world.history()] == [False, True]


@case("anthropic", "--rpm", "1")
def a_stream_of_messages_waits_a_minute(world):
    waits(world, "messages")


@case("openai", "--rpm", "1")
def a_stream_of_chat_completions_waits_a_minute(world):
    waits(world, "chat")


@case("openai", "--rpm", "1")
def a_stream_of_responses_waits_a_minute(world):
    waits(world, "responses")


@case("gemini", "--rpm", "60")
def a_stream_of_geminis_waits_half_a_minute(world):
    world.tierline("limits", "set", "--account", "e2e", "--rpm", "2")
    assert all(answer["text"] for answer in calls(world, "gemini", "One.", "Two.", "Three.")), world.logs()
    assert max(row["wait_millis"] for row in world.history()) > 20_000


@case("openai", "--rpm", "2")
def a_refusal_with_a_time_is_waited_for(world):
    """Half a minute, and not twice."""
    assert all(answer["text"] for answer in calls(world, "chat", "One.", "Two.", "deadline: Three."))
    world.came_back_in_time()


@case("openai")
def a_refusal_for_ever_is_not_tried_again(world):
    """429 as OpenAI has it, with `x-should-retry: false`."""
    world.tierline("limits", "set", "--account", "e2e", "--tpm", "10")
    (answer,) = calls(world, "chat", "This is more than ten tokens a minute will ever let through.")
    assert answer["status"] == 429 and "too large" in answer["error"], answer
    assert len(world.history()) == 1 and world.stats["requests"] == 0


@case("anthropic", "--fault", "html-page:1")
def a_page_instead_of_an_answer(world):
    (answer,) = calls(world, "messages", "Say something.")
    assert answer["status"] == 502 and "502 Bad Gateway" in answer["error"], answer


@case("openai", "--fault", "reset-mid-stream:1")
def an_answer_that_breaks_off_is_an_error(world):
    (answer,) = calls(world, "chat", "Say something.")
    assert answer["error"], answer
