"""The openai SDK, with OpenAI and with DeepSeek: chat completions, responses, embeddings, plain and streaming, tools, a wrong key,
and more calls at once than the limit lets in."""

import asyncio
import json

import openai
from ledger import AT_ONCE, TOKEN, URL, note

BASES = {"openai": (f"{URL}/openai/v1", "gpt-5.4-mini"), "deepseek": (f"{URL}/deepseek", "deepseek-v4-flash")}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather at a place", "parameters": PARAMETERS}}


def count(provider, model, usage):
    """Chat completions and embeddings."""
    read = getattr(usage, "prompt_cache_hit_tokens", None)
    if read is None:
        details = getattr(usage, "prompt_tokens_details", None)
        read = details.cached_tokens if details and details.cached_tokens else 0
    thought = getattr(usage, "completion_tokens_details", None)
    note(
        provider,
        model,
        input=usage.prompt_tokens - read,
        cache_read=read,
        output=getattr(usage, "completion_tokens", 0),
        reasoning=thought.reasoning_tokens if thought else 0,
    )


def count_response(model, usage):
    read = usage.input_tokens_details.cached_tokens
    note(
        "openai",
        model,
        input=usage.input_tokens - read,
        cache_read=read,
        output=usage.output_tokens,
        reasoning=usage.output_tokens_details.reasoning_tokens,
    )


def ask(model, text, **more):
    return dict(model=model, max_tokens=200, messages=[{"role": "user", "content": text}], **more)


def chat(client, provider, model):
    answer = client.chat.completions.create(**ask(model, "Say something."))
    assert answer.choices[0].message.content
    count(provider, model, answer.usage)


def chat_streaming(client, provider, model):
    text, usage = "", None
    for chunk in client.chat.completions.create(**ask(model, "Say it slowly.", stream=True, stream_options={"include_usage": True})):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    assert text and usage.completion_tokens > 0
    count(provider, model, usage)


def tools(client, provider, model):
    answer = client.chat.completions.create(**ask(model, "Use get_weather for Bergen.", tools=[WEATHER]))
    assert answer.choices[0].finish_reason == "tool_calls", answer.choices[0].finish_reason
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather" and "city" in json.loads(call.function.arguments)
    count(provider, model, answer.usage)
    messages = [
        {"role": "user", "content": "Use get_weather for Bergen."},
        answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "rain"},
    ]
    answer = client.chat.completions.create(model=model, max_tokens=200, tools=[WEATHER], messages=messages)
    assert answer.choices[0].message.content
    count(provider, model, answer.usage)


def responses(client, model):
    answer = client.responses.create(model=model, input="Say something.", max_output_tokens=200)
    assert answer.output_text
    count_response(model, answer.usage)

    with client.responses.stream(model=model, input="Say it slowly.", max_output_tokens=200) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        answer = stream.get_final_response()
    assert text and answer.output_text == text
    count_response(model, answer.usage)

    tool = {"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": False}
    answer = client.responses.create(model=model, input="Use get_weather for Bergen.", tools=[tool], max_output_tokens=200)
    assert any(item.type == "function_call" and "city" in json.loads(item.arguments) for item in answer.output)
    count_response(model, answer.usage)


def embeddings(client):
    model = "text-embedding-3-small"
    answer = client.embeddings.create(model=model, input=["one text", "and another"])
    assert len(answer.data) == 2 and answer.data[0].embedding
    count("openai", model, answer.usage)


def wrong_key(base, model):
    client = openai.OpenAI(base_url=base, api_key="sk-not-a-key", max_retries=0)
    try:
        client.chat.completions.create(**ask(model, "Say something."))
    except openai.AuthenticationError as error:
        assert error.status_code == 401 and error.body, error
        return
    raise AssertionError("a wrong key was accepted")


async def at_once(provider, base, model):
    client = openai.AsyncOpenAI(base_url=base, api_key=TOKEN, max_retries=0)
    calls = (client.chat.completions.create(**ask(model, f"Say {n}.")) for n in range(AT_ONCE))
    for answer in await asyncio.gather(*calls):
        count(provider, model, answer.usage)


if __name__ == "__main__":
    for provider, (base, model) in BASES.items():
        client = openai.OpenAI(base_url=base, api_key=TOKEN, max_retries=0)
        chat(client, provider, model)
        chat_streaming(client, provider, model)
        tools(client, provider, model)
        if provider == "openai":
            responses(client, model)
            embeddings(client)
        wrong_key(base, model)
        asyncio.run(at_once(provider, base, model))
