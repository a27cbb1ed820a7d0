"""Measures the time from the event that announces a purchase to the pause, for several clients in one run.

All clients run all the time against one simulated API; sessions are made for one client after the other, batch by batch, so
that what else the machine does hits all of them. Both times are of the simulator's own clock: `written_ns` of the event, and
`received_ns` of the first call that pauses its session.
"""

import argparse
import datetime
import http.client
import importlib.metadata
import json
import os
import pathlib
import platform
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "BENCHMARKS.md"
CLIENTS = ("holdpoint", "aiohttp", "floor")
KEY = "bench"
ANNOUNCEMENTS = (
    "Everything looks right. Clicking 'Place your order' to complete the purchase of 129.00 USD.",
    "The address is filled in, so I will click the 'Buy now' button now. The total is 89.90 EUR.",
    "Placing the order now with the saved card, total 410.00 USD including shipping.",
    "I will now press 'Submit payment' to pay 59.00 USD for the headset.",
    "Clicking on 'Confirm and pay' on the checkout page, the total is 1,299.00 USD.",
)
# When a purchase is announced, in milliseconds after a session's event stream was opened.
ANNOUNCED = (500, 3000)
# What a batch may need on top of that before its missing pauses count as lost, in seconds.
PATIENCE = 10.0


def main():
    args = arguments()
    cores = sorted(os.sched_getaffinity(0))
    results, others = {}, Others()
    for condition, background in (("quiet", 0), ("busy", args.background)):
        if condition in args.conditions:
            with tempfile.TemporaryDirectory(prefix="latency-", dir=args.scratch) as scratch:
                results[condition] = Run(args, pathlib.Path(scratch), cores, background).measure(condition)
    report = text(args, cores, results, others.share())
    print(report)
    if args.write:
        write(report)


def arguments():
    parser = argparse.ArgumentParser(description="From the announcing event to the pause, side by side.")
    parser.add_argument("--holdpoint", required=True, help="the binary")
    parser.add_argument("--before", help="another binary to compare with, as one more client named `before`")
    parser.add_argument("--scratch", required=True, help="where stores and logs of a run go; a real disk")
    parser.add_argument("--pauses", type=int, default=1000, help="pauses per client and condition")
    parser.add_argument("--batch", type=int, default=50, help="sessions that announce a purchase per batch")
    parser.add_argument("--background", type=int, default=250, help="sessions that only talk, in the busy condition")
    parser.add_argument("--conditions", nargs="+", default=["quiet", "busy"], choices=["quiet", "busy"])
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=CLIENTS)
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md")
    args = parser.parse_args()
    args.clients += ["before"] if args.before else []
    return args


class Run:
    """One condition: a simulator, the clients, and batches of sessions."""

    def __init__(self, args, scratch, cores, background):
        self.args, self.scratch, self.background = args, scratch, background
        self.random = random.Random(args.seed)
        self.sim_core, self.client_core = cores[0], cores[1 if len(cores) > 1 else 0]
        self.calls_read = self.events_read = 0

    def measure(self, condition):
        processes = []
        try:
            simulator = self.start("simulator", self.simulator(), self.sim_core, stdout=subprocess.PIPE)
            processes.append(simulator)
            self.base_url = json.loads(simulator.stdout.readline())["base_url"]
            self.http = http.client.HTTPConnection(urllib.parse.urlsplit(self.base_url).netloc, timeout=60)
            clients = {name: self.start(name, self.client(name), self.client_core) for name in self.args.clients}
            processes += clients.values()
            tallies = {name: Tally() for name in clients}
            rounds = -(-self.args.pauses // self.args.batch)
            for number in range(rounds + 1):
                # The order is turned every round, so that nobody always comes after the same other.
                turn = number % len(clients)
                names = list(clients)[turn:] + list(clients)[:turn]
                for name in names:
                    result = self.batch(name)
                    self.alive(processes)
                    # The first round warms up connections and interpreters.
                    if number > 0:
                        tallies[name].add(result)
                print(f"{condition}: {number}/{rounds}", *(tallies[n].brief(n) for n in clients), file=sys.stderr, flush=True)
            for name, process in clients.items():
                tallies[name].cost(process.pid)
            return tallies
        finally:
            for process in reversed(processes):
                stop(process)

    def simulator(self):
        """The simulator's command line, with a scenario of its own for every session of a batch."""
        template = (HERE / "scenario.toml").read_text()
        command = [self.args.holdpoint, "simulate", "--api-key-env", "BENCH_API_KEY"]
        kinds = [("purchase", self.args.batch), ("browsing", max(1, self.background))]
        for kind, count in kinds:
            for number in range(count):
                name = f"{kind}-{number}"
                scenario = template.replace('"browsing"', f'"{name}"', 1)
                scenario = re.sub('"1s"', lambda _: f'"{self.random.randint(500, 1500)}ms"', scenario)
                if kind == "purchase":
                    words = ANNOUNCEMENTS[number % len(ANNOUNCEMENTS)]
                    at = self.random.randint(*ANNOUNCED)
                    scenario += f'\n[[act]]\nat = "{at}ms"\ndo = {{ emit = {{ thought = {json.dumps(words)} }} }}\n'
                path = self.scratch / f"{name}.toml"
                path.write_text(scenario)
                command += ["--scenario", str(path)]
        return command

    def client(self, name):
        if name in ("holdpoint", "before"):
            config = self.scratch / f"{name}-config.toml"
            config.write_text((HERE / "config.toml").read_text().replace("bench-holdpoint", f"bench-{name}"))
            return [self.args.before if name == "before" else self.args.holdpoint, "run", "--config", str(config)]
        script = {"aiohttp": "watcher_aiohttp.py", "floor": "floor.py"}[name]
        return [sys.executable, str(HERE / script), self.base_url, f"bench-{name}"]

    def start(self, name, command, core, stdout=None):
        environment = {
            **os.environ,
            "BENCH_API_KEY": KEY,
            "HOLDPOINT_PROVIDER_BASE_URL": getattr(self, "base_url", ""),
            "HOLDPOINT_STORE_PATH": str(self.scratch / f"{name}.db"),
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

    def alive(self, processes):
        for process in processes:
            if process.poll() is not None:
                logs = sorted(self.scratch.glob("*.log"), key=lambda log: log.stat().st_mtime)
                tail = "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n" for log in logs)
                raise SystemExit(f"ended early: {process.args[:3]}\n{tail}")

    def batch(self, client):
        """Latencies in nanoseconds, by session that announced; `None`: no pause came. And how many pauses came too early."""
        talking = [self.create(f"browsing-{number}", client) for number in range(self.background)]
        if talking:
            self.until(lambda: self.streams(talking), "the background's streams are not open")
            time.sleep(2.0)
        self.news()
        buying = [self.create(f"purchase-{number}", client) for number in range(self.args.batch)]
        # Nothing is asked of the simulator while it matters: two seconds until the sessions are listed, three until the last
        # of them announces.
        time.sleep(2.0 + ANNOUNCED[1] / 1000 + 0.5)
        written, paused, early = {}, {}, set()

        def complete():
            calls, events = self.news()
            for event in events:
                if event["data"].get("text") in ANNOUNCEMENTS:
                    written.setdefault(event["session"], event["written_ns"])
            for call in calls:
                if call["method"] == "POST" and call["path"].endswith("/pause"):
                    paused.setdefault(call["session"], call["received_ns"])
            return all(session in written and session in paused for session in buying)

        self.until(complete, None)
        for session in talking + buying:
            self.ask("DELETE", f"/v1/sessions/{session}")
        for session in talking + buying:
            if session in paused and (session not in written or paused[session] < written[session]):
                early.add(session)
        latencies = [
            paused[session] - written[session] if session in paused else None
            for session in buying
            if session in written and session not in early
        ]
        # A session that nobody watched never began.
        unseen = sum(session not in written and session not in early for session in buying)
        return latencies, len(early), unseen

    def create(self, scenario, client):
        new = {"scenario": scenario, "agent": f"bench-{client}", "goal": "Find a headset.", "start": False}
        return self.ask("POST", "/_sim/sessions", new)["session_id"]

    def streams(self, sessions):
        return self.ask("GET", f"/_sim/sessions/{sessions[-1]}")["streams"] > 0 and all(
            self.ask("GET", f"/_sim/sessions/{session}")["streams"] > 0 for session in sessions
        )

    def until(self, done, failure):
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                if failure:
                    raise SystemExit(f"after {PATIENCE:.0f} s, {failure}")
                return
            time.sleep(0.25)

    def news(self):
        """What was recorded since the last time."""
        calls = self.ask("GET", f"/_sim/calls?from={self.calls_read}")
        events = self.ask("GET", f"/_sim/events?from={self.events_read}")
        self.calls_read += len(calls)
        self.events_read += len(events)
        return calls, events

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.http.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.http.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content)


class Others:
    """How much of the machine's processors something else used meanwhile; what a reader has to know of the noise."""

    def __init__(self):
        self.began = self.read()

    def share(self):
        busy, total, ours, stolen = (now - then for now, then in zip(self.read(), self.began))
        return max(0.0, busy - ours) / total, stolen / total

    @staticmethod
    def read():
        """Ticks since the machine started: not idle, all, of this process and the ended ones it started, stolen."""
        ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        times = os.times()
        ours = (times.user + times.system + times.children_user + times.children_system) * os.sysconf("SC_CLK_TCK")
        return sum(ticks) - ticks[3] - ticks[4] - ticks[7], sum(ticks), ours, ticks[7]


class Tally:
    """What one client did in one condition."""

    def __init__(self):
        self.latencies, self.medians = [], []
        self.lost = self.early = self.unseen = 0
        self.cpu = self.memory = 0.0

    def add(self, result):
        latencies, early, unseen = result
        came = [latency for latency in latencies if latency is not None]
        self.latencies += came
        self.medians.append(statistics.median(came) if came else float("nan"))
        self.lost += len(latencies) - len(came)
        self.early += early
        self.unseen += unseen

    def cost(self, pid):
        """Processor time in seconds and the greatest resident size in MiB."""
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        peak = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
        self.memory = int(peak[1]) / 1024

    def at(self, percent):
        """A percentile in milliseconds, by the nearest-rank method."""
        if not self.latencies:
            return float("nan")
        rank = max(1, -(-len(self.latencies) * percent // 100))
        return sorted(self.latencies)[int(rank) - 1] / 1e6

    def brief(self, name):
        return f"{name} {self.at(50):.2f}/{self.at(99):.2f} ms" + (f" ({self.lost} lost)" if self.lost else "")


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def text(args, cores, results, others):
    version = subprocess.run([args.holdpoint, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    build = pathlib.Path(args.holdpoint).resolve().parent.name
    shared = "" if len(cores) > 1 else "; **everything on one core**"
    lines = [
        f"Measured {datetime.date.today()} with `{' '.join(['benches/latency/run.sh', *sys.argv[5:]])}`:",
        f"{version} ({build} build), CPython {platform.python_version()}, aiohttp {importlib.metadata.version('aiohttp')};",
        f"{len(cores)} × {cpu_model()}, Linux {'.'.join(platform.release().split('.')[:2])}{shared}.",
        f"Meanwhile other programs used {others[0]:.0%} of the processors, and {others[1]:.0%} were stolen by the host.",
        "",
    ]
    for condition, tallies in results.items():
        background = args.background if condition == "busy" else 0
        sessions = f"{args.batch} sessions at a time that announce a purchase"
        lines += [f"### {condition.capitalize()}: {sessions}" + (f", {background} that only talk" if background else ""), ""]
        lines += ["| client | pauses | lost | early | p50 ms | p90 ms | p99 ms | max ms | CPU s | peak RSS MiB |"]
        lines += ["|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
        lines += [row(name, tally) for name, tally in tallies.items()]
        lines += ["", *ratios(tallies), ""]
    return "\n".join(lines)


def row(name, tally):
    times = " | ".join(f"{tally.at(percent):.2f}" for percent in (50, 90, 99, 100))
    lost = tally.lost + tally.unseen
    return f"| {name} | {len(tally.latencies)} | {lost} | {tally.early} | {times} | {tally.cpu:.1f} | {tally.memory:.0f} |"


def ratios(tallies):
    if not {"holdpoint", "aiohttp"} <= tallies.keys():
        return []
    ours, theirs = tallies["holdpoint"], tallies["aiohttp"]
    p50, p99 = (theirs.at(percent) / ours.at(percent) for percent in (50, 99))
    batches = sorted(their / our for our, their in zip(ours.medians, theirs.medians))
    low, high = batches[len(batches) // 10], batches[-1 - len(batches) // 10]
    return [
        f"aiohttp : holdpoint is **{p50:.2f}** at p50 and **{p99:.2f}** at p99 (above 1: holdpoint is faster). Of the medians of",
        f"batches side by side: {statistics.median(batches):.2f}, and {low:.2f} to {high:.2f} without the outer tenths.",
    ]


def cpu_model():
    match = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def write(report):
    begin, end = "<!-- latency: written by benches/latency/run.sh --write -->", "<!-- latency: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {begin!r} and {end!r}")
    PAGE.write_text(f"{before}{begin}\n{report.strip()}\n{end}{after}")


if __name__ == "__main__":
    main()
