"""One stream for each text, with clients that are told nothing but where to go. Usage: sdk_calls.py messages|chat|responses|gemini TEXT..."""

import json
import os
import sys

import anthropic
import openai
from google import genai

URL, TOKEN = os.environ["TIERLINE_URL"], os.environ["TIERLINE_TOKEN"]
WAY, TEXTS = sys.argv[1], sys.argv[2:]


def messages(text, headers):
    client = anthropic.Anthropic(base_url=f"{URL}/anthropic", api_key=TOKEN)
    ask = [{"role": "user", "content": text}]
    with client.messages.stream(model="claude-sonnet-5-5", max_tokens=200, messages=ask, extra_headers=headers) as stream:
        return "".join(stream.text_stream)


def chat(text, headers):
    client = openai.OpenAI(base_url=f"{URL}/openai/v1", api_key=TOKEN)
    ask = [{"role": "user", "content": text}]
    stream = client.chat.completions.create(model="gpt-5.4-mini", messages=ask, stream=True, extra_headers=headers)
    return "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)


def responses(text, headers):
    client = openai.OpenAI(base_url=f"{URL}/openai/v1", api_key=TOKEN)
    with client.responses.stream(model="gpt-5.4-mini", input=text, extra_headers=headers) as stream:
        return "".join(event.delta for event in stream if event.type == "response.output_text.delta")


def gemini(text, headers):
    options = genai.types.HttpOptions(base_url=f"{URL}/gemini", headers=headers)
    client = genai.Client(api_key=TOKEN, vertexai=False, http_options=options)  # one that nobody holds closes its connections
    stream = client.models.generate_content_stream(model="gemini-3.8-flash", contents=text)
    return "".join(chunk.text or "" for chunk in stream)


for text in TEXTS:
    headers = {"x-tierline-deadline-ms": "1000"} if text.startswith("deadline") else {}
    try:
        print(json.dumps({"text": globals()[WAY](text, headers)}))
    except Exception as error:  # whatever it is, it is what the user sees
        print(json.dumps({"error": f"{type(error).__name__}: {error}", "status": getattr(error, "status_code", None)}))
