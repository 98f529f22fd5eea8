"""Compares the history with what the SDKs said, token for token, and asks the simulated providers whether they had to refuse.

Usage: check.py FOLDER, with ledger.jsonl, requests.json and stats-*.json in it.
"""

import collections
import json
import pathlib
import sys

TOKENS = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"]
WAITED_MILLIS = 500


def key(row, model):
    return (row["provider"], row[model], *(row[name] or 0 for name in TOKENS))


def main(folder):
    said = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    history = json.loads((folder / "requests.json").read_text())
    problems = []

    stored = [row for row in history if row["status"] == 200 and row["api"] != "count_tokens"]
    missing = collections.Counter(key(row, "model") for row in said)
    missing.subtract(key(row, "model_asked") for row in stored)
    for row, times in sorted(missing.items()):
        if times:
            whose = "the SDK" if times > 0 else "the history"
            problems.append(f"{abs(times)} x only in {whose}: {dict(zip(['provider', 'model', *TOKENS], row))}")

    for provider in ["anthropic", "openai", "gemini", "deepseek"]:
        stats = json.loads((folder / f"stats-{provider}.json").read_text())
        refused = sum(stats["refused"].values())
        rows = [row for row in history if row["provider"] == provider]
        waits = sorted(row["wait_millis"] for row in rows if row["wait_millis"] >= WAITED_MILLIS)
        print(f"{provider}: {stats['admitted']} admitted, {refused} refused, {len(waits)} waited, the longest {max(waits, default=0)} ms")
        if refused or stats["bad_keys"]:
            problems.append(f"{provider} refused {refused} requests and saw {stats['bad_keys']} wrong keys")
        if not waits:
            problems.append(f"no request to {provider} waited {WAITED_MILLIS} ms: the limit was not felt")
        if any(row["status"] == 200 and row["client"] != "e2e" for row in rows):
            problems.append(f"a request to {provider} was served to a client without a token")

    print(f"{len(said)} calls by SDKs, {sum(row['output_tokens'] for row in said)} output tokens")
    if problems:
        sys.exit("\n".join(problems))


main(pathlib.Path(sys.argv[1]))
