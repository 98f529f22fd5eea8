"""Calls through LiteLLM, and what each used by its own word, one JSON object a line. Usage: litellm_calls.py completion|responses MODEL."""

import asyncio
import json
import os
import sys

import litellm

KIND, MODEL = sys.argv[1:]
AT_ONCE = 10
WHERE = dict(api_base=os.environ["BASE"], api_key=os.environ["TOKEN"], model=MODEL, max_retries=0)


def tell(used):
    details = used.prompt_tokens_details
    read, written = (details and details.cached_tokens) or 0, getattr(used, "cache_creation_input_tokens", 0) or 0
    said = dict(input=used.prompt_tokens - read - written, output=used.completion_tokens, cache_read=read, cache_write=written)
    print(json.dumps(said))


def ask(text):
    return dict(WHERE, messages=[{"role": "user", "content": text}], max_tokens=200)


async def completions():
    tell(litellm.completion(**ask("Say something.")).usage)
    told = None
    for chunk in litellm.completion(**ask("Say it slowly."), stream=True, stream_options={"include_usage": True}):
        told = getattr(chunk, "usage", None) or told
    tell(told)
    for answer in await asyncio.gather(*(litellm.acompletion(**ask(f"Say {n}.")) for n in range(AT_ONCE))):
        tell(answer.usage)


if KIND == "completion":
    asyncio.run(completions())
else:
    used = litellm.responses(**WHERE, input="Say something.").usage
    read = used.input_tokens_details.cached_tokens or 0
    print(json.dumps(dict(input=used.input_tokens - read, output=used.output_tokens, cache_read=read)))
