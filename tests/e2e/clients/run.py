"""Runs the cases of all clients, a few at a time, since most of them wait. Usage: run.py [PART OF A NAME]..."""

import concurrent.futures
import shutil
import sys
import time
import traceback

import patience  # first, because its cases wait longest
import claude_code
import codex
import gemini_cli
import litellm_library
import llm_cli
import ai_sdk
from world import CASES, WORK, World

AT_ONCE = 8


def run(function, provider, sim):
    name = f"{function.__module__}.{function.__name__}"
    began = time.monotonic()
    world = World(name, provider, sim)
    try:
        world.serve()
        function(world)
        world.history()
        problem = None
    except Exception:
        problem = f"{traceback.format_exc(limit=-2)}\n{world.logs()}"
    finally:
        world.close()
    print(f"{name:<60} {'ok' if problem is None else 'FAILED'} {time.monotonic() - began:6.1f} s", flush=True)
    return problem and f"{name}: {problem}"


def main(parts):
    shutil.rmtree(WORK, ignore_errors=True)
    chosen = [case for case in CASES if not parts or any(part in f"{case[0].__module__}.{case[0].__name__}" for part in parts)]
    assert chosen, f"no case has a name like {parts}"
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        problems = [problem for problem in pool.map(lambda case: run(*case), chosen) if problem]
    if problems:
        sys.exit("\n".join(problems))


main(sys.argv[1:])
