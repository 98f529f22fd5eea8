"""The anthropic SDK: plain, streaming, tool use, a wrong key, and more calls at once than the limit lets in."""

import asyncio

import anthropic
from ledger import AT_ONCE, TOKEN, URL, note

MODEL = "claude-sonnet-5-5"
BASE = f"{URL}/anthropic"
WEATHER = {
    "name": "get_weather",
    "description": "The weather at a place",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def count(message):
    usage = message.usage
    note(
        "anthropic",
        MODEL,
        input=usage.input_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write=usage.cache_creation_input_tokens,
        output=usage.output_tokens,
    )


def ask(text, **more):
    return dict(model=MODEL, max_tokens=200, messages=[{"role": "user", "content": text}], **more)


def plain(client):
    message = client.messages.create(**ask("Say something."))
    assert message.content[0].text and message.usage.output_tokens > 0
    count(message)


def streaming(client):
    with client.messages.stream(**ask("Say something, slowly.")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text and message.content[0].text == text
    count(message)


def tool_use(client):
    first = client.messages.create(**ask("Use get_weather for Bergen.", tools=[WEATHER]))
    assert first.stop_reason == "tool_use", first.stop_reason
    call = next(block for block in first.content if block.type == "tool_use")
    assert call.name == "get_weather" and "city" in call.input
    count(first)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
    messages = [
        {"role": "user", "content": "Use get_weather for Bergen."},
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [result]},
    ]
    second = client.messages.create(model=MODEL, max_tokens=200, tools=[WEATHER], messages=messages)
    assert second.stop_reason == "end_turn", second.stop_reason
    count(second)


def tool_use_streaming(client):
    with client.messages.stream(**ask("Use get_weather for Bergen.", tools=[WEATHER])) as stream:
        message = stream.get_final_message()
    assert any(block.type == "tool_use" and "city" in block.input for block in message.content)
    count(message)


def counting(client):
    assert client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "How long is this?"}]).input_tokens > 0


def wrong_key():
    client = anthropic.Anthropic(base_url=BASE, api_key="sk-not-a-key", max_retries=0)
    try:
        client.messages.create(**ask("Say something."))
    except anthropic.AuthenticationError as error:
        assert error.status_code == 401 and error.body["error"]["type"] == "authentication_error", error.body
        return
    raise AssertionError("a wrong key was accepted")


async def at_once():
    client = anthropic.AsyncAnthropic(base_url=BASE, api_key=TOKEN, max_retries=0)
    for message in await asyncio.gather(*(client.messages.create(**ask(f"Say {n}.")) for n in range(AT_ONCE))):
        count(message)


if __name__ == "__main__":
    client = anthropic.Anthropic(base_url=BASE, api_key=TOKEN, max_retries=0)
    plain(client)
    streaming(client)
    tool_use(client)
    tool_use_streaming(client)
    counting(client)
    wrong_key()
    asyncio.run(at_once())
