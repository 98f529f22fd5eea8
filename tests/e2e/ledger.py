"""What the SDKs say they used, one line for each call, for `check.py` to compare with the history."""

import json
import os

URL = os.environ["TIERLINE_URL"]
TOKEN = os.environ["TIERLINE_TOKEN"]
AT_ONCE = 60


def note(provider, model, *, input, output, cache_read=0, cache_write=0, reasoning=0):
    """`input` is what came from no cache and went into none; `output` includes `reasoning`."""
    row = dict(
        provider=provider,
        model=model,
        input_tokens=input or 0,
        cache_read_tokens=cache_read or 0,
        cache_write_tokens=cache_write or 0,
        output_tokens=output or 0,
        reasoning_tokens=reasoning or 0,
    )
    with open(os.environ["LEDGER"], "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
