"""Measures a start that finds many sessions: how long until all of them are followed, and how many begin at a time.

The simulator is a process of its own and has N sessions, of which one in ten runs and the others are ready for a task. A daemon
with an empty store is started. Times count from just before its process is made, on the simulator's clock. A session begins
when its messages are first asked for, and is followed when its event stream is asked for; how many begin at a time is how many
are between both, the provider's answer included. When all are followed, as the daemon says, it is stopped with SIGKILL.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "restart"))
from restart import PAGE, cpu_model, kill, ms, processor_time, version  # noqa: E402

KEY = "bench"
# What a start may need before it counts as failed, in seconds.
PATIENCE = 180.0
# Every so many sessions, one runs already.
RUNS = 10


def main():
    args = arguments()
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    for trip in args.round_trips:
        with tempfile.TemporaryDirectory(prefix="start-", dir=args.scratch) as scratch:
            results[trip] = Run(args, pathlib.Path(scratch), cores, trip).measure()
    report = text(args, cores, results)
    print(report)
    if args.write:
        write(report)


def arguments():
    parser = argparse.ArgumentParser(description="From a start to every session followed.")
    parser.add_argument("--holdpoint", required=True, help="the binary")
    parser.add_argument("--scratch", required=True, type=lambda text: pathlib.Path(text).resolve(), help="where store and logs go; a real disk")
    parser.add_argument("--sessions", type=int, default=10_000, help="how many sessions there are")
    parser.add_argument("--starts", type=int, default=3, help="how often the daemon is started, per condition")
    parser.add_argument("--round-trips", type=int, nargs="+", default=[0, 50], help="added to each call of the provider, in ms")
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md")
    return parser.parse_args()


class Run:
    def __init__(self, args, scratch, cores, trip):
        self.args, self.scratch, self.trip = args, scratch, trip
        self.sim_core, self.daemon_core = cores[0], cores[1 if len(cores) > 1 else 0]
        self.base_url, self.read = "", 0

    def measure(self):
        with contextlib.ExitStack() as stack:
            command = [self.args.holdpoint, "simulate", "--api-key-env", "BENCH_API_KEY", "--scenario", str(HERE / "scenario.toml")]
            simulator = self.start("simulator", command, self.sim_core, stdout=subprocess.PIPE)
            stack.callback(kill, simulator)
            self.base_url = json.loads(simulator.stdout.readline())["base_url"]
            self.http = http.client.HTTPConnection(urllib.parse.urlsplit(self.base_url).netloc, timeout=60)
            self.running = set()
            for number in range(self.args.sessions):
                made = self.ask("POST", "/_sim/sessions", {"scenario": "browses", "goal": "Find a headset.", "start": number % RUNS == 0})
                if number % RUNS == 0:
                    self.running.add(made["session_id"])
            if self.trip:
                self.ask("POST", "/_sim/faults", {"endpoint": "any", "delay": f"{self.trip}ms", "always": True})
            lives = []
            for number in range(self.args.starts):
                lives.append(self.life(number))
                print(f"{self.trip} ms: {number + 1}/{self.args.starts}: {lives[-1].brief()}", file=sys.stderr, flush=True)
            return lives

    def life(self, number):
        self.calls()
        offset = self.clock()
        began = time.monotonic_ns() + offset
        daemon = self.start(f"daemon-{number}", [self.args.holdpoint, "run", "--config", str(HERE / "config.toml")], self.daemon_core, number=number)
        try:
            self.wait(daemon, self.scratch / "holdpoint.sock")
            cpu = processor_time(daemon.pid)
            memory = resident(daemon.pid)
        finally:
            kill(daemon)
        return Life(began, self.calls(), self.running, self.trip, cpu, memory)

    def wait(self, daemon, path):
        """Until all sessions are followed, as the daemon says."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if daemon.poll() is not None:
                raise SystemExit(f"the daemon ended with {daemon.returncode}")
            status = local(path, "/v1/status")
            if status and status["sessions"] == self.args.sessions and status["unfollowed"] == 0:
                if status["blind"]:
                    raise SystemExit(f"{status['blind']} sessions were followed too late and are blind")
                return
            time.sleep(0.2)
        raise SystemExit(f"after {PATIENCE:.0f} s not all sessions are followed")

    def calls(self):
        calls = self.ask("GET", f"/_sim/calls?from={self.read}")
        self.read += len(calls)
        return calls

    def clock(self):
        """What to add to this process's monotonic clock to get the simulator's, in nanoseconds."""
        sent = time.monotonic_ns()
        now = self.ask("GET", "/_sim/clock")["now_ns"]
        return now - (sent + time.monotonic_ns()) // 2

    def start(self, name, command, core, stdout=None, number=0):
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.scratch),
            "BENCH_API_KEY": KEY,
            "HOLDPOINT_PROVIDER_BASE_URL": self.base_url or "http://127.0.0.1:1",
            "HOLDPOINT_STORE_PATH": str(self.scratch / f"{number}.db"),
        }
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


class Life:
    """What one start took, in nanoseconds from its beginning."""

    def __init__(self, began, calls, running, trip, cpu, memory):
        self.cpu, self.memory = cpu, memory
        first, followed = {}, {}
        for call in calls:
            if call["session"] and "/messages" in call["path"]:
                first.setdefault(call["session"], call["received_ns"] - began)
            elif call["session"] and "/events" in call["path"]:
                followed.setdefault(call["session"], call["received_ns"] - began + trip * 1_000_000)
        self.first = min(first.values())
        self.running = max(followed[session] for session in running)
        self.all = max(followed.values())
        steps = sorted([(at, 1) for at in first.values()] + [(followed[session], -1) for session in first])
        self.peak = at_once = 0
        for _, step in steps:
            at_once += step
            self.peak = max(self.peak, at_once)

    def brief(self):
        return (
            f"first {ms(self.first)}, all that run {ms(self.running)}, all {ms(self.all)} ms, "
            f"{self.peak} at a time, CPU {self.cpu:.2f} s, {self.memory / 1e6:.0f} MB"
        )


def local(path, what):
    """An answer of the local API; nothing while there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(10)
            stream.connect(str(path))
            stream.sendall(f"GET {what} HTTP/1.1\r\nHost: holdpoint\r\nConnection: close\r\n\r\n".encode())
            response = http.client.HTTPResponse(stream)
            response.begin()
            return json.loads(response.read())
    except OSError:
        return None


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def text(args, cores, results):
    shared = "" if len(cores) > 1 else "; **everything on one core**"
    lines = [
        f"Measured {datetime.date.today()} with `{' '.join(['benches/start/run.sh', *sys.argv[5:]])}`:",
        f"{version(args.holdpoint)}; {len(cores)} × {cpu_model()}, Linux {'.'.join(platform.release().split('.')[:2])}{shared};",
        f"load {os.getloadavg()[1]:.1f} at the end, this run's own processes included. Medians of {args.starts} starts, the worst in brackets.",
        "",
        f"| added round trip | first session begins | the {args.sessions // RUNS} that run are followed | all {args.sessions} are followed | most at a time | the daemon's CPU | its memory |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for trip, lives in results.items():
        of = lambda pick: f"{ms(statistics.median(map(pick, lives)))} ({ms(max(map(pick, lives)))}) ms"
        cells = [
            of(lambda life: life.first),
            of(lambda life: life.running),
            of(lambda life: life.all),
            f"{max(life.peak for life in lives)}",
            f"{statistics.median(life.cpu for life in lives):.2f} s",
            f"{statistics.median(life.memory for life in lives) / 1e6:.0f} MB",
        ]
        lines.append(f"| {trip} ms | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(report):
    begin, end = "<!-- start: written by benches/start/run.sh --write -->", "<!-- start: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {begin!r} and {end!r}")
    PAGE.write_text(f"{before}{begin}\n{report.strip()}\n{end}{after}")


if __name__ == "__main__":
    main()
