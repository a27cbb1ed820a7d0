"""Measures a fleet: from the announcement of a purchase to the pause, while N sessions talk once per second each.

Every client has each N for itself: a new simulator on one core, the client alone on the other, N sessions made at once, a
while of talk, and purchases announced at random moments. Clients take turns, again and again, so that what else the machine
does hits all of them. Both times of a pause are of the simulator's clock: when the announcing frame was handed to its
connection, and when the head of the first call that pauses the session was read.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

import report

HERE = pathlib.Path(__file__).resolve().parent
KEY = "bench"
AGENT = "bench"
# `holdpoint` is as cargo builds it, `trained` as deploy/trained.sh does.
CLIENTS = ("holdpoint", "trained", "aiohttp", "sdk", "polling", "floor")
# Beyond so many sessions a client is not run: it cannot follow them, or not without another simulator.
MOST = {"sdk": 1000, "polling": 1000}
ANNOUNCEMENTS = (
    "Everything looks right. Clicking 'Place your order' to complete the purchase of 129.00 USD.",
    "The address is filled in, so I will click the 'Buy now' button now. The total is 89.90 EUR.",
    "Placing the order now with the saved card, total 410.00 USD including shipping.",
    "I will now press 'Submit payment' to pay 59.00 USD for the headset.",
    "I will now click 'Confirm and pay'; the total is 1,299.00 USD.",
)
# What may be different from the plain fleet, which is `talk`, and how many sessions each condition has.
CONDITIONS = {
    "talk": None,
    "exact": [100, 1000, 10000],
    "idle": [1000, 10000],
    "backlog": [50],
    "stalled": [1000],
    "resets": [1000],
    "rtt50": [100],
    "rtt150": [100],
    "tls": [100, 1000],
    "tls-rtt50": [100],
}
# Events of each session's history in the condition `backlog`.
BACKLOG = 2000
# The share of sessions whose stream falls silent in the condition `stalled`.
STALLED = 0.01
# The share of connections that are reset in the condition `resets`.
RESET = 0.1
# What a fleet may need until it is watched, in seconds; more when it is large.
RAMP = 120.0
# When pauses that have not come count as lost, in seconds after the last announcement.
PATIENCE = 10.0


def main():
    args = arguments()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cores = sorted(os.sched_getaffinity(0))
    # The harness sleeps while it matters; what it does otherwise is the simulator's core's.
    os.sched_setaffinity(0, {cores[0]})
    results, others = [], report.Others()
    for condition in args.conditions:
        for sessions in CONDITIONS[condition] or args.sessions:
            results += fleet(args, cores, condition, sessions)
            if args.keep:
                pathlib.Path(args.keep).write_text(json.dumps([vars(result) for result in results]))
    report.tell(args, cores, results, others.share())


def fleet(args, cores, condition, sessions):
    """All turns of all clients at one number of sessions."""
    names = [name for name in args.clients if can(name, condition, sessions)]
    results = []
    for number in range(args.repeat):
        turn = number % max(1, len(names))
        for name in names[turn:] + names[:turn]:
            with tempfile.TemporaryDirectory(prefix="fleet-", dir=args.scratch) as scratch:
                result = Turn(args, pathlib.Path(scratch), cores, condition, name, sessions, number).measure()
            results.append(result)
            print(f"{condition}, {sessions} sessions, {number + 1}/{args.repeat}: {result.brief()}", file=sys.stderr, flush=True)
    return results


def can(client, condition, sessions):
    """Whether a client is run: the trained build where processor time matters, the floor knows no TLS, polling has no
    stream to stall and nothing that a simulator that is exact could show, and floor and SDK do not come back from a reset."""
    if client == "trained" and condition not in ("talk", "exact", "tls", "backlog"):
        return False
    if client in MOST and condition == "exact" or client in ("sdk", "floor") and condition == "resets" or (client, condition) == ("sdk", "idle"):
        return False
    if client == "floor" and condition.startswith("tls") or client == "polling" and condition in ("stalled", "idle"):
        return False
    return sessions <= MOST.get(client, sessions)


def arguments():
    numbers = lambda text: [int(number) for number in text.split(",")]
    names = lambda text: [name for name in CLIENTS if name in text.split(",")]
    parser = argparse.ArgumentParser(description="A fleet of sessions, client beside client.")
    parser.add_argument("--holdpoint", required=True, help="the binary as cargo builds it, which also is the simulator")
    parser.add_argument("--trained", help="the binary as deploy/trained.sh builds it, to be measured as well")
    parser.add_argument("--floor", required=True, help="the floor's binary")
    parser.add_argument("--scratch", required=True, type=lambda text: pathlib.Path(text).resolve(), help="where stores and logs of a run go; a real disk")
    parser.add_argument("--sessions", type=numbers, default=[10, 100, 1000, 5000, 10000], help="how many; a list with commas")
    parser.add_argument("--clients", type=names, default=list(CLIENTS), help="which, a list with commas")
    conditions = lambda text: [name for name in CONDITIONS if name in text.split(",")]
    parser.add_argument("--conditions", type=conditions, default=list(CONDITIONS), help="which, a list with commas")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each client at each number of sessions")
    parser.add_argument("--pauses", type=int, default=200, help="announcements per turn; fewer than ten sessions bring only as many")
    parser.add_argument("--window", type=float, default=20.0, help="in which they are announced, in seconds")
    parser.add_argument("--settle", type=float, default=8.0, help="talk before the first of them, in seconds")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--keep", help="a file for the raw results")
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md and the plot")
    args = parser.parse_args()
    if not args.trained:
        args.clients = [name for name in args.clients if name != "trained"]
    elif "(trained)" not in report.version(args.trained):
        parser.error(f"{args.trained} is no trained build")
    return args


class Result:
    """What one turn came to. Times in nanoseconds, memory in bytes, processor time in seconds."""

    def __init__(self, condition, client, sessions):
        self.condition, self.client, self.sessions = condition, client, sessions
        self.latencies, self.lost, self.early = [], 0, 0
        self.events = self.late = 0
        self.cpu = self.wall = self.simulator_cpu = self.ramp = 0.0
        self.empty = self.resident = self.peak = 0

    def brief(self):
        at = lambda percent: report.percentile(self.latencies, percent) / 1e6
        return (
            f"{self.client}: {len(self.latencies)} pauses, {self.lost} lost, p50 {at(50):.2f} p99 {at(99):.2f} ms, "
            f"{self.cpu / max(1, self.events) * 1e6:.1f} ms CPU per 1000 events ({self.cpu / max(1e-9, self.wall):.0%} of the core), "
            f"{(self.resident - self.empty) / self.sessions / 1024:.1f} KiB per session, peak {self.peak / 2**20:.0f} MiB, "
            f"watched after {self.ramp:.1f} s; simulator {self.simulator_cpu / max(1e-9, self.wall):.0%}, "
            f"late p50 {report.late(self, 50):.2f} p99 {report.late(self, 99):.2f} ms"
        )


class Turn:
    """One client and N sessions in one condition."""

    def __init__(self, args, scratch, cores, condition, client, sessions, number):
        self.args, self.scratch, self.condition, self.client = args, scratch, condition, client
        self.random = random.Random(f"{args.seed} {sessions} {number}")
        self.sim_core, self.client_core = cores[0], cores[1 if len(cores) > 1 else 0]
        self.result = Result(condition, client, sessions)
        self.base_url, self.seen = "", {"calls": 0, "sent": 0}
        self.processes = []

    def measure(self):
        result = self.result
        with contextlib.ExitStack() as stack:
            self.simulator = self.start(stack, "simulator", self.simulator_command(), self.sim_core, subprocess.PIPE)
            self.base_url = json.loads(self.simulator.stdout.readline())["base_url"]
            self.http = http.client.HTTPConnection(urllib.parse.urlsplit(self.base_url).netloc, timeout=120)
            self.relays(stack)
            self.watcher = self.start(stack, self.client, self.command(), self.client_core)
            time.sleep(3.0)
            result.empty = memory(self.watcher.pid, "VmRSS")
            if self.condition == "backlog":
                return self.backlog()
            watched = self.create(result.sessions)
            result.ramp = self.watched(len(watched))
            time.sleep(self.args.settle)
            result.resident = memory(self.watcher.pid, "VmRSS")
            if self.condition == "idle":
                return result
            for number in range(self.rounds()):
                if number > 0:
                    watched = self.replace(watched)
                self.round(watched)
            result.peak = memory(self.watcher.pid, "VmHWM")
        return result

    def relays(self, stack):
        """What stands between client and simulator in this condition; `base_url` is where the client connects."""
        relay = lambda *options: self.relay(stack, options)
        if self.condition == "resets":
            relay("--reset", str(RESET))
        if self.condition.startswith("tls"):
            relay("--tls", *certificate(self.scratch))
        if "rtt" in self.condition:
            relay("--rtt", self.condition.rpartition("rtt")[2])

    def relay(self, stack, options):
        address = urllib.parse.urlsplit(self.base_url)
        command = [sys.executable, str(HERE / "relay.py"), str(address.port), *options]
        process = self.start(stack, f"relay-{len(self.processes)}", command, self.sim_core, subprocess.PIPE)
        scheme = "https" if "--tls" in options else address.scheme
        self.base_url = f"{scheme}://{address.hostname}:{int(process.stdout.readline())}"

    def backlog(self):
        """Histories to be read: the processor time until the last is through, which an announcement behind it shows."""
        result = self.result
        cpu, began = processor_time(self.watcher.pid), time.monotonic()
        watched = self.create(result.sessions)
        result.ramp = self.watched(len(watched))
        for session in watched:
            self.ask("POST", f"/_sim/sessions/{session}/act", {"do": {"emit": {"thought": ANNOUNCEMENTS[0]}}})
        paused = set()
        while len(paused) < len(watched) and time.monotonic() - began < RAMP:
            paused |= {one["session"] for one in self.news()["paused"]}
            time.sleep(0.1)
        result.lost = len(watched) - len(paused)
        result.cpu, result.wall = processor_time(self.watcher.pid) - cpu, time.monotonic() - began
        result.events = self.news()["events"]
        result.peak = result.resident = memory(self.watcher.pid, "VmHWM")
        return result

    def rounds(self):
        """A few sessions announce again and again, others in their place, until there are enough announcements."""
        return min(5, -(-self.args.pauses // min(self.args.pauses, self.result.sessions)))

    def round(self, watched):
        result, window = self.result, self.args.window / self.rounds()
        before, lateness = self.news(), self.late
        cpu, simulator, began = processor_time(self.watcher.pid), processor_time(self.simulator.pid), time.monotonic()
        chosen = self.random.sample(watched, min(self.args.pauses, len(watched)))
        if self.condition == "stalled":
            # Those that stall announce as well, whatever the draw.
            stalled = watched[: max(1, int(len(watched) * STALLED))]
            chosen = stalled + [session for session in chosen if session not in stalled]
        offset, due = self.clock(), {}
        for session in chosen:
            after = round((0.5 + self.random.uniform(0, window)) * 1000)
            words = self.random.choice(ANNOUNCEMENTS)
            due[session] = time.monotonic_ns() + offset + after * 1_000_000
            self.ask("POST", f"/_sim/sessions/{session}/act", {"after": f"{after}ms", "do": {"emit": {"thought": words}}})
        time.sleep(max(0.0, began + window + 1.0 - time.monotonic()))
        sent, paused = {}, {}
        # What only polling can find takes until the next poll; what was reset, until it is opened again.
        end = time.monotonic() + PATIENCE * (4 if self.condition in ("stalled", "resets") else 1)
        while True:
            news = self.news()
            for one in news["sent"]:
                sent.setdefault(one["session"], one["sent_ns"])
            for one in news["paused"]:
                paused.setdefault(one["session"], one["received_ns"])
            if all(session in paused for session in chosen) or time.monotonic() > end:
                break
            time.sleep(0.5)
        self.alive()
        result.cpu += processor_time(self.watcher.pid) - cpu
        result.simulator_cpu += processor_time(self.simulator.pid) - simulator
        result.wall += time.monotonic() - began
        result.events += news["events"] - before["events"]
        result.late = report.add(result.late, {us: count - lateness.get(us, 0) for us, count in self.late.items()})
        for session in set(chosen) | set(paused):
            # What no stream carried, because there is none or because it stalls, could be polled from when it was due.
            # So could what a stream carries later than that.
            announced = due.get(session, float("inf"))
            if sent.get(session, float("inf")) <= paused.get(session, 0):
                announced = sent[session]
            if session in paused and paused[session] < announced:
                result.early += 1
            elif session in paused:
                result.latencies.append(paused[session] - announced)
            else:
                result.lost += 1
                self.explain(session)
        self.done = set(chosen)

    def explain(self, session):
        """Says what is known of a session whose pause did not come."""
        state = self.ask("GET", f"/_sim/sessions/{session}")
        lines = (self.scratch / f"{self.client}.log").read_text(errors="replace").splitlines()
        told = "\n".join(line for line in lines if session in line)
        print(f"lost: {self.client} did not pause {session}, which is {state}; its log:\n{told}", file=sys.stderr, flush=True)

    def clock(self):
        """What to add to this process's monotonic clock to get the simulator's, in nanoseconds."""
        best = None
        for _ in range(5):
            sent = time.monotonic_ns()
            now = self.ask("GET", "/_sim/clock")["now_ns"]
            received = time.monotonic_ns()
            if best is None or received - sent < best[0]:
                best = (received - sent, now - (sent + received) // 2)
        return best[1]

    def replace(self, watched):
        """Ends the sessions that announced and makes others."""
        for session in self.done:
            self.ask("DELETE", f"/v1/sessions/{session}")
        left = [session for session in watched if session not in self.done]
        watched = left + self.create(len(self.done))
        self.watched(len(watched))
        time.sleep(1.0)
        return watched

    def create(self, count):
        scenario = self.condition if self.condition in ("idle", "backlog") else "browsing"
        new = {"scenario": scenario, "agent": AGENT, "goal": "Find a headset.", "start": False, "count": count}
        sessions = self.ask("POST", "/_sim/sessions", new)["session_ids"]
        if self.condition == "stalled":
            for session in sessions[: max(1, int(len(sessions) * STALLED))]:
                stream = {"stall_after": 3, "no_heartbeat": True}
                self.ask("POST", "/_sim/faults", {"endpoint": "events", "session": session, "stream": stream, "always": True})
        return sessions

    def watched(self, count):
        """Waits until every session is watched, by a stream or by polling, and says how long that took, in seconds."""
        began = time.monotonic()
        while True:
            news = self.news()
            if news["running" if self.client == "polling" else "streams"] >= count:
                return time.monotonic() - began
            self.alive()
            if time.monotonic() - began > RAMP:
                raise SystemExit(f"after {RAMP:.0f} s {self.client} watches {news['streams']} of {count} sessions\n{self.logs()}")
            time.sleep(0.5)

    def news(self):
        """What was announced and paused since the last time."""
        news = self.ask("GET", f"/_sim/fleet?calls={self.seen['calls']}&sent={self.seen['sent']}")
        self.seen = {"calls": news["calls"], "sent": self.seen["sent"] + len(news["sent"])}
        self.late = {int(us): count for us, count in news["late_us"].items()}
        return news

    def simulator_command(self):
        scenario = ["--scenario", str(HERE / "scenario.toml")]
        exact = ["--exact"] if self.condition == "exact" else []
        command = [self.args.holdpoint, "simulate", *exact, "--api-key-env", "BENCH_API_KEY", *scenario]
        if self.condition in ("idle", "backlog"):
            path = self.scratch / "scenario.toml"
            path.write_text(globals()[f"{self.condition}_scenario"]())
            command += ["--scenario", str(path)]
        return command

    def command(self):
        if self.client in ("holdpoint", "trained"):
            return [getattr(self.args, self.client), "run", "--config", str(HERE / "config.toml")]
        if self.client == "floor":
            return [self.args.floor, self.base_url, AGENT]
        scripts = {"aiohttp": HERE.parent / "latency" / "watcher_aiohttp.py"}
        script = scripts.get(self.client, HERE / f"watcher_{self.client}.py")
        return [sys.executable, str(script), self.base_url, AGENT]

    def start(self, stack, name, command, core, stdout=None):
        environment = {
            **os.environ,
            "HOME": str(self.scratch),
            "BENCH_API_KEY": KEY,
            "HOLDPOINT_PROVIDER_BASE_URL": self.base_url,
            "HOLDPOINT_STORE_PATH": str(self.scratch / "holdpoint.db"),
        }
        if (self.scratch / "certificate.pem").exists():
            environment["SSL_CERT_FILE"] = str(self.scratch / "certificate.pem")
        environment.pop("XDG_RUNTIME_DIR", None)
        with open(self.scratch / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout or log,
                stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        self.processes.append(process)
        stack.callback(stop, process)
        return process

    def alive(self):
        for process in self.processes:
            if process.poll() is not None:
                raise SystemExit(f"ended early: {process.args[:3]}\n{self.logs()}")

    def logs(self):
        logs = sorted(self.scratch.glob("*.log"), key=lambda log: log.stat().st_mtime)
        return "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n" for log in logs)

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.http.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.http.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content)


def idle_scenario():
    """An agent that says nothing."""
    return 'name = "idle"\nstart = "on_stream"\npace = "1h"\n[[step]]\nthought = "Hm."\n'


def backlog_scenario():
    """An agent that has said much, and says nothing more."""
    thoughts = re.findall(r'thought = ("[^"]*")', (HERE / "scenario.toml").read_text())
    history = "".join(f"[[history]]\nthought = {thoughts[number % len(thoughts)]}\n" for number in range(BACKLOG))
    return f'name = "backlog"\nstart = "on_stream"\npace = "1h"\n{history}[[step]]\nthought = "Hm."\n'


def memory(pid, name):
    """A size of a process in bytes: `VmRSS` is what it has, `VmHWM` the most it had."""
    found = re.search(rf"{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024


def processor_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def certificate(folder):
    """A certificate for this machine's loopback, which a client can be told to trust, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=fleet", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return str(certificate), str(key)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
