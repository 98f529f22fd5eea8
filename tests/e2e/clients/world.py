"""A simulated provider behind a gateway of its own, for as long as one case lasts.

A case is a function that takes a world: it runs a client against `world.url` with `world.token`, and then holds the client's word against
`world.history()` and `world.stats`. Clients run with a home folder of their own, and reach nothing but this machine.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

TIERLINE = os.environ["TIERLINE_BIN"]
E2E = pathlib.Path(os.environ["E2E_DIR"])
HERE = pathlib.Path(__file__).resolve().parent
WORK = E2E / "clients-run"
TOKENS = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"]
NOWHERE = "http://127.0.0.1:9"  # where a client's other connections end: a closed port

CASES = []


def case(provider, *sim):
    """Registers a case, with the provider and the arguments of `tierline sim`."""

    def register(function):
        CASES.append((function, provider, sim))
        return function

    return register


def usage(*, input, output, cache_read=0, cache_write=0, reasoning=0):
    """What a client says it used. `input` came from no cache and went into none; `output` includes `reasoning`."""
    return dict(zip(TOKENS, (input or 0, cache_read or 0, cache_write or 0, output or 0, reasoning or 0)))


class World:
    def __init__(self, name, provider, sim):
        self.folder = WORK / name
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="tierline-"))  # the path of a socket must be short
        self.key = f"sk-e2e-{secrets.token_hex(16)}"
        self.provider = provider
        self.processes = []
        self.rows = None
        first = self.start("sim", "--provider", provider, *sim, "--key-env", "E2E_KEY", "--json")
        self.upstream = json.loads(first)["url"]
        account = ["--provider", provider, "--label", "e2e", "--base-url", self.upstream]
        self.tierline("accounts", "add", *account, "--key-env", "E2E_KEY")
        self.token = json.loads(self.tierline("token", "new", "--client", "e2e", "--json"))["token"]

    def serve(self):
        first = self.start("serve", "--vault", "env", "--listen", "127.0.0.1:0")
        self.url = first.split()[-1].rstrip("/")

    def start(self, command, *arguments):
        """Gives back the first line that it prints: the one that says it is ready."""
        log = open(self.folder / f"{command}.log", "w", encoding="utf-8")
        command = [TIERLINE, command, *arguments]
        process = subprocess.Popen(command, env=self.own(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        self.processes.append(process)
        first = process.stdout.readline()
        assert first, f"{command[1]} did not start: {self.logs()}"
        return first

    def tierline(self, *arguments):
        done = subprocess.run([TIERLINE, "--vault", "env", *arguments], env=self.own(), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def snippet(self, client):
        """What `tierline connect` tells the user to paste, with the token in its place."""
        return re.sub(r"\bTOKEN\b", self.token, self.tierline("connect", "--client", client))

    def connected(self, client):
        """The variables that it tells the user to set, and what it wants in a file, if there is one."""
        head, _, tail = self.snippet(client).partition("# in the shell\n")
        variables = dict(re.findall(r"^export (\w+)=(.*)$", tail or head, re.MULTILINE))
        return variables, head.partition("# ~/")[2].partition("\n")[2]

    def base(self, client):
        """The base URL that it tells the user to write into the program."""
        return re.search(r'(?:api_base=|baseURL: )"([^"]+)"', self.snippet(client))[1]

    def own(self):
        return {"PATH": os.environ["PATH"], "E2E_KEY": self.key, "TIERLINE_DATA_DIR": str(self.data)}

    def env(self, more):
        """The environment of a client: nothing of this process's but the path."""
        away = dict(HTTPS_PROXY=NOWHERE, HTTP_PROXY=NOWHERE, NO_PROXY="127.0.0.1,localhost", no_proxy="127.0.0.1,localhost")
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb", "LANG": "C.UTF-8", **away, **more}

    def popen(self, command, env, **more):
        return subprocess.Popen(
            [str(part) for part in command],
            env=self.env(env),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that a client can be ended with all that it started
            **more,
        )

    def run(self, command, env, seconds=150):
        """Runs a client to its end; gives back its exit code, and what it printed."""
        process = self.popen(command, env)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"not over after {seconds} s, {self.stats}: {out[-1000:]} {err[-1000:]}") from None
        return process.returncode, out, err

    def cut_off(self, command, env, sign=None):
        """Runs a client until a line of its output holds `sign`, and kills it then: the answer is in the middle. A client that prints
        nothing of an answer before its end is waited for at the provider. Gives back the one row, when all is settled."""
        process = self.popen(command, env)
        if sign is None:
            self.until("an answer in flight", lambda stats: stats["in_flight"] == 1)
        else:
            assert any(sign in line for line in process.stdout), f"never saw {sign!r}: {process.stderr.read()[-1000:]}"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.until("the provider to be left", lambda stats: stats["in_flight"] == 0 and stats["disconnects"] == 1, seconds=5)
        (row,) = self.history()
        assert row["outcome"] == "client_gone", row
        return row

    @property
    def stats(self):
        with urllib.request.urlopen(f"{self.upstream}/__sim/stats", timeout=10) as answer:
            return json.load(answer)

    def until(self, what, condition, seconds=20):
        """Waits for a condition on the simulated provider's stats."""
        deadline = time.monotonic() + seconds
        while not condition(stats := self.stats):
            assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}: {stats}"
            time.sleep(0.05)

    def history(self):
        """Stops the gateway, which settles all there is, and gives back its rows in the order of arrival."""
        if self.rows is None:
            server = self.processes[-1]
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == 0, f"the gateway ended badly: {self.logs()}"
            self.rows = json.loads(self.tierline("export", "--what", "requests", "--format", "json", "--out", "-"))
            stats = self.stats
            assert stats["bad_keys"] == 0 and stats["in_flight"] == 0, stats
            self.find_secrets()
        return self.rows

    def agrees(self, said, refused=0):
        """Client, history and provider name the same tokens, and the provider had to refuse nothing. Gives back the rows."""
        rows = [row for row in self.history() if row["api"] not in ("count_tokens", "models")]
        sums = {name: sum(one[name] for one in said) for name in TOKENS}
        stored = {name: sum(row[name] or 0 for row in rows) for name in TOKENS}
        assert stored == sums, f"the history has {stored}, the client says {sums}"
        stats = self.stats
        made = sum(model["output"] for model in stats["models"].values())
        assert made == sums["output_tokens"], f"the provider made {made} tokens of output, the client says {sums}"
        assert sum(stats["refused"].values()) == refused, f"the provider refused: {stats['refused']}"
        return rows

    def came_back_in_time(self):
        """Two went through, the third was refused by the gateway with the time, and its client came back then and got in. Some take up to
        a quarter off what they are told, and are told once more."""
        outcomes = [row["outcome"] for row in self.history()]
        again = outcomes[2:-1]
        assert outcomes[:2] == ["ok", "ok"] and outcomes[-1] == "ok", outcomes
        assert 1 <= len(again) <= 2 and set(again) == {"refused_locally"}, outcomes
        assert sum(self.stats["refused"].values()) == 0, self.stats

    def find_secrets(self):
        """Neither the key nor the token is in what Tierline keeps or logs."""
        for path in [*self.folder.glob("*.log"), *self.data.rglob("*")]:
            if path.is_file():
                held = path.read_bytes()
                assert self.key.encode() not in held and self.token.encode() not in held, f"a key or a token is in {path}"

    def logs(self):
        return " ".join(path.read_text(errors="replace")[-1000:] for path in self.folder.glob("*.log"))

    def close(self):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            process.communicate()
        shutil.rmtree(self.data, ignore_errors=True)
