"""Measures how long a restart takes to arm every approval again that waited when the process was killed.

The simulator is a process of its own. A daemon holds N sessions, each with an open approval, and is killed with SIGKILL. Then
another one is started, again and again, each time killed once it is through. Times count from just before the process is
made, on the simulator's clock: when each session's first pause was received there, and when a client of the local API was
shown each approval as open, at a newer revision than before.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "BENCHMARKS.md"
KEY = "bench"
# What a start may need before it counts as failed, in seconds.
PATIENCE = 120.0


def main():
    args = arguments()
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    for trip in args.round_trips:
        with tempfile.TemporaryDirectory(prefix="restart-", dir=args.scratch) as scratch:
            results[trip] = Run(args, pathlib.Path(scratch), cores, trip).measure()
    report = text(args, cores, results)
    print(report)
    if args.write:
        write(report)


def arguments():
    parser = argparse.ArgumentParser(description="From a start to every approval armed again.")
    parser.add_argument("--holdpoint", required=True, help="the binary")
    parser.add_argument("--scratch", required=True, type=lambda text: pathlib.Path(text).resolve(), help="where the store and logs go; a real disk")
    parser.add_argument("--approvals", type=int, default=1000, help="how many approvals wait")
    parser.add_argument("--restarts", type=int, default=5, help="how often the daemon is killed and started, per condition")
    parser.add_argument("--round-trips", type=int, nargs="+", default=[0, 50], help="added to each call of the provider, in ms")
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md")
    return parser.parse_args()


class Run:
    def __init__(self, args, scratch, cores, trip):
        self.args, self.scratch, self.trip = args, scratch, trip
        self.sim_core, self.daemon_core = cores[0], cores[1 if len(cores) > 1 else 0]
        self.store, self.socket = scratch / "holdpoint.db", scratch / "holdpoint.sock"
        self.base_url = ""

    def measure(self):
        with contextlib.ExitStack() as stack:
            simulator = self.start("simulator", self.simulator(), self.sim_core, stdout=subprocess.PIPE)
            stack.callback(kill, simulator)
            self.base_url = json.loads(simulator.stdout.readline())["base_url"]
            self.http = http.client.HTTPConnection(urllib.parse.urlsplit(self.base_url).netloc, timeout=60)
            for _ in range(self.args.approvals):
                self.ask("POST", "/_sim/sessions", {"scenario": "buys", "goal": "Find a headset.", "start": False})
            if self.trip:
                fault = {"endpoint": "any", "delay": f"{self.trip}ms", "always": True}
                self.ask("POST", "/_sim/faults", fault)
            before, _ = self.life({}, 0)
            lives = []
            for number in range(self.args.restarts):
                before, life = self.life(before, number + 1)
                lives.append(life)
                print(f"{self.trip} ms: {number + 1}/{self.args.restarts}: {life.brief()}", file=sys.stderr, flush=True)
            return lives

    def life(self, before, number):
        """One daemon from its start until every approval is open at a newer revision; then it is killed."""
        calls_before = len(self.ask("GET", "/_sim/calls?from=0")) if number == 0 else self.calls_read
        offset = self.clock()
        began = time.monotonic_ns() + offset
        daemon = self.start(f"daemon-{number}", [self.args.holdpoint, "run", "--config", str(HERE / "config.toml")], self.daemon_core)
        try:
            client = Client(self.socket, before, self.args.approvals)
            armed = {id: at + offset - began for id, at in client.wait(daemon).items()}
            cpu = processor_time(daemon.pid)
            # What was shown is written a moment later; the next start has to find it.
            time.sleep(2.0)
        finally:
            kill(daemon)
        calls = self.ask("GET", f"/_sim/calls?from={calls_before}")
        self.calls_read = calls_before + len(calls)
        paused = {}
        for call in calls:
            if call["method"] == "POST" and call["path"].endswith("/pause"):
                paused.setdefault(call["session"], call["received_ns"] - began)
        return client.revisions, Life(sorted(paused.values()), sorted(armed.values()), cpu)

    def clock(self):
        """What to add to this process's monotonic clock to get the simulator's, in nanoseconds."""
        best = None
        for _ in range(10):
            sent = time.monotonic_ns()
            now = self.ask("GET", "/_sim/clock")["now_ns"]
            received = time.monotonic_ns()
            if best is None or received - sent < best[0]:
                best = (received - sent, now - (sent + received) // 2)
        return best[1]

    def simulator(self):
        return [self.args.holdpoint, "simulate", "--api-key-env", "BENCH_API_KEY", "--scenario", str(HERE / "scenario.toml")]

    def start(self, name, command, core, stdout=None):
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.scratch),
            "BENCH_API_KEY": KEY,
            "HOLDPOINT_PROVIDER_BASE_URL": self.base_url or "http://127.0.0.1:1",
            "HOLDPOINT_STORE_PATH": str(self.store),
        }
        # A build with crash points runs only where it is told that none is meant.
        if "crash points" in version(self.args.holdpoint):
            environment["HOLDPOINT_CRASH_AT"] = "none"
        with open(self.scratch / f"{name}.log", "wb") as log:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout or log,
                stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.http.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.http.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content)


class Client:
    """A client of the local API that notes when it is shown each approval as open, at a newer revision than `before`."""

    def __init__(self, path, before, count):
        self.path, self.before, self.count = path, before, count
        self.revisions, self.armed = {}, {}

    def wait(self, daemon):
        end = time.monotonic() + PATIENCE
        reader = threading.Thread(target=self.read, args=(end,), daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(0.1)
            if daemon.poll() is not None:
                raise SystemExit(f"the daemon ended with {daemon.returncode}")
            if time.monotonic() > end:
                raise SystemExit(f"after {PATIENCE:.0f} s, {len(self.armed)} of {self.count} approvals are armed")
        return self.armed

    def read(self, end):
        stream = self.connect(end)
        stream.sendall(b"GET /v1/events HTTP/1.1\r\nHost: holdpoint\r\nAccept: text/event-stream\r\n\r\n")
        response = http.client.HTTPResponse(stream)
        response.begin()
        while len(self.armed) < self.count:
            line = response.readline()
            if not line:
                raise SystemExit("the local API closed the stream")
            if not line.startswith(b"data:"):
                continue
            now = time.monotonic_ns()
            data = json.loads(line[5:])
            views = data["snapshot"]["approvals"] if "snapshot" in data else [data.get("change", {}).get("view")]
            for view in views:
                if view and "card" in view and view["state"]["state"] == "open":
                    self.note(view["card"]["approval"], view["card"]["revision"], now)
        stream.close()

    def note(self, approval, revision, now):
        if revision > self.before.get(approval, 0):
            self.revisions[approval] = max(revision, self.revisions.get(approval, 0))
            self.armed.setdefault(approval, now)

    def connect(self, end):
        while time.monotonic() < end:
            stream = socket.socket(socket.AF_UNIX)
            try:
                stream.connect(str(self.path))
                return stream
            except OSError:
                stream.close()
                time.sleep(0.002)
        raise SystemExit("the daemon's socket never answered")


class Life:
    """What one start took, in nanoseconds from its beginning."""

    def __init__(self, paused, armed, cpu):
        self.paused, self.armed, self.cpu = paused, armed, cpu

    def brief(self):
        return f"first pause {ms(self.paused[0])}, last {ms(self.paused[-1])}, all armed {ms(self.armed[-1])} ms, CPU {self.cpu:.2f} s"


def ms(nanoseconds):
    return f"{nanoseconds / 1e6:.0f}"


def version(binary):
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def processor_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def text(args, cores, results):
    build = pathlib.Path(args.holdpoint).resolve().parent.name
    shared = "" if len(cores) > 1 else "; **everything on one core**"
    load = os.getloadavg()[1]
    lines = [
        f"Measured {datetime.date.today()} with `{' '.join(['benches/restart/run.sh', *sys.argv[5:]])}`:",
        f"{version(args.holdpoint)} ({build} build); {len(cores)} × {cpu_model()}, Linux {'.'.join(platform.release().split('.')[:2])}{shared};",
        f"load {load:.1f} at the end, this run's own processes included. Medians of {args.restarts} restarts, the worst in brackets.",
        "",
        "| added round trip | first pause | last of the first pauses | half of the approvals open | all open | the daemon's CPU |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for trip, lives in results.items():
        of = lambda pick: f"{ms(statistics.median(map(pick, lives)))} ({ms(max(map(pick, lives)))}) ms"
        cells = [
            of(lambda life: life.paused[0]),
            of(lambda life: life.paused[-1]),
            of(lambda life: life.armed[len(life.armed) // 2]),
            of(lambda life: life.armed[-1]),
            f"{statistics.median(life.cpu for life in lives):.2f} s",
        ]
        lines.append(f"| {trip} ms | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cpu_model():
    match = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def write(report):
    begin, end = "<!-- restart: written by benches/restart/run.sh --write -->", "<!-- restart: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {begin!r} and {end!r}")
    PAGE.write_text(f"{before}{begin}\n{report.strip()}\n{end}{after}")


if __name__ == "__main__":
    main()
