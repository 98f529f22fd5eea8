"""The google-genai SDK: plain, streaming, function calls, a wrong key, and more calls at once than the limit lets in."""

import asyncio

from google import genai
from google.genai import errors, types
from ledger import AT_ONCE, TOKEN, URL, note

MODEL = "gemini-3.8-flash"
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather at a place",
            parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]),
        )
    ]
)
CONFIG = types.GenerateContentConfig(max_output_tokens=200)
WITH_TOOL = types.GenerateContentConfig(
    max_output_tokens=200, tools=[WEATHER], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
)


def client_with(key):
    options = types.HttpOptions(base_url=f"{URL}/gemini", retry_options=types.HttpRetryOptions(attempts=1))
    return genai.Client(api_key=key, vertexai=False, http_options=options)


def count(usage):
    read = usage.cached_content_token_count or 0
    thoughts = usage.thoughts_token_count or 0
    note(
        "gemini",
        MODEL,
        input=usage.prompt_token_count - read,
        cache_read=read,
        output=(usage.candidates_token_count or 0) + thoughts,
        reasoning=thoughts,
    )


def plain(client):
    answer = client.models.generate_content(model=MODEL, contents="Say something.", config=CONFIG)
    assert answer.text
    count(answer.usage_metadata)


def streaming(client):
    text, usage = "", None
    for chunk in client.models.generate_content_stream(model=MODEL, contents="Say it slowly.", config=CONFIG):
        text += chunk.text or ""
        usage = chunk.usage_metadata or usage
    assert text
    count(usage)


def tool_use(client):
    answer = client.models.generate_content(model=MODEL, contents="Use get_weather for Bergen.", config=WITH_TOOL)
    call = answer.function_calls[0]
    assert call.name == "get_weather" and "city" in call.args
    count(answer.usage_metadata)
    contents = [
        types.Content(role="user", parts=[types.Part(text="Use get_weather for Bergen.")]),
        answer.candidates[0].content,
        types.Content(role="user", parts=[types.Part.from_function_response(name=call.name, response={"result": "rain"})]),
    ]
    answer = client.models.generate_content(model=MODEL, contents=contents, config=WITH_TOOL)
    assert answer.text
    count(answer.usage_metadata)


def counting(client):
    assert client.models.count_tokens(model=MODEL, contents="How long is this?").total_tokens > 0


def wrong_key():
    client = client_with("not-a-key")  # a client that nobody holds closes its connections
    try:
        client.models.generate_content(model=MODEL, contents="Say something.")
    except errors.ClientError as error:
        assert error.code == 401 and error.status, error
        return
    raise AssertionError("a wrong key was accepted")


async def at_once(client):
    calls = (client.aio.models.generate_content(model=MODEL, contents=f"Say {n}.", config=CONFIG) for n in range(AT_ONCE))
    for answer in await asyncio.gather(*calls):
        count(answer.usage_metadata)


if __name__ == "__main__":
    client = client_with(TOKEN)
    plain(client)
    streaming(client)
    tool_use(client)
    counting(client)
    wrong_key()
    asyncio.run(at_once(client))
