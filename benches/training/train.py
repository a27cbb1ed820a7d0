"""Makes a holdpoint that counts see a day's work in under a minute, for `deploy/trained.sh`.

Simulator and daemon are processes of their own. Sessions research, write mail, book, order and ask, ten times faster than their
scripts are written; what is held is approved and denied in turn over the local API. The daemon is stopped while some of it waits and
started again on its store, now over TLS, and the trail is verified. Fails unless all of that happened: what never ran would be built
as if it never did. The simulator is not counted.

The sentences are none that any benchmark uses; the way of working, the preset and the simulator are the same.
"""

import argparse
import collections
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "soak"), str(HERE.parent / "fleet")]
from fleet import certificate, stop  # noqa: E402
from soak import DONE, Local, Operator  # noqa: E402

KEY = "training"
# How many times faster than written the scripts are played.
SPEED = 10
# What is begun in turn, beside those that research all the time.
ERRANDS = ("trips", "orders", "letters", "orders", "asks")
# How many of each wait while there is no daemon.
LEFT = 4
# How long a session is still there after it was decided, in seconds.
LINGER = 2.0
# What has to happen within it, in seconds.
PATIENCE = 60.0


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="training-", dir=args.scratch) as scratch:
        day = Day(args, pathlib.Path(scratch))
        try:
            day.run()
        except BaseException:
            print(day.logs(), file=sys.stderr)
            raise
    print(f"{day.events} events of {day.made} sessions; {len(day.paused)} were paused; {dict(sorted(day.decided.items()))}")


def arguments():
    parser = argparse.ArgumentParser(description="A day's work, for a build that counts.")
    parser.add_argument("--holdpoint", required=True, help="the binary")
    parser.add_argument("--scratch", required=True, type=lambda text: pathlib.Path(text).resolve(), help="where store and logs go")
    parser.add_argument("--talking", type=int, default=500, help="sessions that research all the time")
    parser.add_argument("--rate", type=float, default=25.0, help="other sessions that begin in a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="in which they begin, before the restart and after it")
    return parser.parse_args()


class Day:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.decided, self.made, self.events = collections.Counter(), 0, 0
        self.research, self.paused = set(), set()
        # Sessions that wait to be decided, with what they are about, and those that were, with when.
        self.errands, self.over = {}, {}

    def run(self):
        with contextlib.ExitStack() as stack:
            scenarios = [part for name in ("research", *sorted(set(ERRANDS))) for part in ("--scenario", str(HERE / f"{name}.toml"))]
            command = [self.args.holdpoint, "simulate", "--api-key-env", "TRAINING_API_KEY", "--speed", str(SPEED), *scenarios]
            simulator = self.start(stack, "simulator", command, "http://127.0.0.1:1", subprocess.PIPE, counted=False)
            base = json.loads(self.first_line(simulator))["base_url"]
            self.provider = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=PATIENCE)
            secure = self.relay(stack, urllib.parse.urlsplit(base).port)

            daemon, operator = self.daemon(stack, base)
            self.research = set(self.begin("research", self.args.talking))
            self.work(operator)
            operator.leave()
            left = {session for name in ERRANDS for session in self.begin(name, LEFT)}
            self.until("what is left waits", lambda: left <= self.waiting())
            self.end(daemon)

            daemon, operator = self.daemon(stack, secure)
            self.work(operator)
            if not left <= operator.sessions:
                sys.exit(f"{len(left - operator.sessions)} of {len(left)} approvals were not taken up by the second daemon")
            for question in (["status"], ["sessions"], ["pending", "--json"]):
                self.ask_daemon(*question)
            operator.leave()
            self.end(daemon)
            self.ask_daemon("audit", "verify", "--config", str(HERE / "config.toml"))
            self.judge()

    def judge(self):
        """Whether the day was what it should have been."""
        fleet = self.ask("GET", "/_sim/fleet?calls=0&sent=0")
        self.events, self.paused = fleet["events"], {one["session"] for one in fleet["paused"]}
        questions = {session for session, name in self.errands.items() if name == "asks"}
        unpaused = self.errands.keys() - questions - self.paused
        if unpaused:
            sys.exit(f"{len(unpaused)} sessions announced something and were not paused")
        if stray := self.paused & (self.research | questions):
            sys.exit(f"{len(stray)} sessions were paused that announced nothing")
        if self.events < 10 * len(self.research):
            sys.exit(f"{len(self.research)} sessions that research came to only {self.events} events")
        if missing := [what for what in DONE.values() if self.decided[what] < len(self.errands) / 4]:
            sys.exit(f"too few were {' and '.join(missing)}: {dict(self.decided)}")

    def daemon(self, stack, base_url):
        daemon = self.start(stack, "daemon", [self.args.holdpoint, "run", "--config", str(HERE / "config.toml")], base_url)
        path = self.scratch / "holdpoint.sock"

        def up():
            if daemon.poll() is not None:
                sys.exit(f"the daemon ended with {daemon.returncode}")
            with contextlib.suppress(OSError):
                Local(path, patience=0).get("/v1/status")
                return True

        self.until("the daemon answers", up)
        self.local = Local(path)
        return daemon, Decider(path, self.decided)

    def work(self, operator):
        """Errands begin at a steady rate, and are deleted when they are decided; until all are."""
        began, number = time.monotonic(), 0

        def step():
            nonlocal number
            if not operator.is_alive():
                sys.exit("nobody decides any more")
            now = time.monotonic()
            while number < min(now - began, self.args.seconds) * self.args.rate:
                self.begin(ERRANDS[number % len(ERRANDS)], 1)
                number += 1
            for session in self.errands.keys() & operator.sessions:
                self.over.setdefault(session, now)
            for session in [session for session, at in self.over.items() if at is not None and now - at > LINGER]:
                self.ask("DELETE", f"/v1/sessions/{session}")
                self.over[session] = None
            return now - began > self.args.seconds and all(self.over.get(session, 0.0) is None for session in self.errands)

        try:
            self.until("all are decided", step, self.args.seconds + PATIENCE)
        except BaseException:
            undecided = {session: name for session, name in self.errands.items() if session not in operator.sessions}
            print(f"not decided: {undecided}; the operator's answers: {dict(self.decided)}", file=sys.stderr)
            raise

    def begin(self, scenario, count):
        new = {"scenario": scenario, "agent": "training", "goal": "Do as you were told.", "start": False, "count": count}
        sessions = self.ask("POST", "/_sim/sessions", new)["session_ids"]
        self.made += count
        if scenario != "research":
            self.errands |= dict.fromkeys(sessions, scenario)
        return sessions

    def waiting(self):
        return {view["card"]["session"] for view in self.local.get("/v1/approvals") if view["state"]["state"] == "open"}

    def until(self, what, holds, patience=PATIENCE):
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() > end:
                sys.exit(f"after {patience:.0f} s it is not so that {what}")
            time.sleep(0.02)

    def end(self, daemon):
        """Orderly: what was counted is written at the end of a process."""
        daemon.send_signal(signal.SIGTERM)
        if (code := daemon.wait(PATIENCE)) != 0:
            sys.exit(f"the daemon ended with {code}")
        if "LLVM Profile Error" in (self.scratch / "daemon.log").read_text(errors="replace"):
            sys.exit("what was counted could not be written")

    def relay(self, stack, port):
        """TLS before the simulator; its certificate is trusted through `SSL_CERT_FILE`."""
        command = [sys.executable, str(HERE.parent / "fleet" / "relay.py"), str(port), "--tls", *certificate(self.scratch)]
        relay = self.start(stack, "relay", command, "", subprocess.PIPE, counted=False)
        return f"https://127.0.0.1:{int(self.first_line(relay))}"

    def first_line(self, process):
        line = process.stdout.readline()
        if not line:
            sys.exit(f"{process.args[0]} said nothing, and ended with {process.wait(PATIENCE)}")
        return line

    def start(self, stack, name, command, base_url, stdout=None, counted=True):
        with open(self.scratch / f"{name}.log", "ab") as log:
            environment = self.environment(base_url, counted)
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log)
        stack.callback(stop, process)
        return process

    def ask_daemon(self, *command):
        environment = self.environment("http://127.0.0.1:1") | {"HOLDPOINT_SOCKET": str(self.scratch / "holdpoint.sock")}
        subprocess.run([self.args.holdpoint, *command], env=environment, stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)

    def environment(self, base_url, counted=True):
        own = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.scratch),
            "TRAINING_API_KEY": KEY,
            "HOLDPOINT_PROVIDER_BASE_URL": base_url,
            "HOLDPOINT_STORE_PATH": str(self.scratch / "holdpoint.db"),
            "HOLDPOINT_STORE_CHECKPOINT": str(self.scratch / "holdpoint.head"),
            "SSL_CERT_FILE": str(self.scratch / "certificate.pem") if base_url.startswith("https") else "",
            "LLVM_PROFILE_FILE": os.environ.get("LLVM_PROFILE_FILE", "") if counted else os.devnull,
        }
        return {name: value for name, value in own.items() if value}

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.provider.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.provider.getresponse()
        content = answer.read()
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content)

    def logs(self):
        return "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n" for log in sorted(self.scratch.glob("*.log")))


class Decider(Operator):
    """Decides until it leaves, and knows the sessions for which it did."""

    def __init__(self, path, decided):
        self.sessions, self.leaving = set(), False
        super().__init__(path, decided)

    def run(self):
        try:
            super().run()
        except (OSError, http.client.HTTPException):
            if not self.leaving:
                raise

    def decide(self, view, client):
        before = sum(self.decided[done] for done in DONE.values())
        super().decide(view, client)
        if sum(self.decided[done] for done in DONE.values()) > before:
            self.sessions.add(view["card"]["session"])

    def leave(self):
        self.leaving = True
        self.wire.shutdown(socket.SHUT_RDWR)
        self.join(PATIENCE)


if __name__ == "__main__":
    main()
