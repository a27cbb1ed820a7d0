"""Measures what sessions that have ended leave behind in the daemon.

Simulator and daemon are processes of their own, as they are started by hand. Sessions are made at a steady rate, play a script many
times faster than it is written, and are deleted some seconds later. A share of them announces a purchase, is paused, and is decided over
the local API: approved and denied in turn; some are deleted while they wait. Meanwhile what the daemon has is read from /proc and from
its local API. Flat means: over the second half of the sessions, a line fitted by least squares rises by less than a stated bound.
"""

import argparse
import collections
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "restart"))
from restart import PAGE, cpu_model, kill, version  # noqa: E402

PLOT = PAGE.parent / "images" / "soak.svg"
KEY = "bench"
# How many times faster than written the sessions' scripts are played.
SPEED = 10
# How long a session lasts before it is deleted, in seconds: longer than its script and the decision.
LIFE = 9.0
# What announces a purchase, of ten sessions.
BUY = 3
# How much the daemon's memory may rise, in KiB per 1 000 finished sessions, and its files and threads, per 1 000.
RISE = 64.0
RISE_OF_FILES = 1.0
DONE = {"approve": "approved", "deny": "denied"}
# How long the end may take, in seconds.
PATIENCE = 60.0

Sample = collections.namedtuple("Sample", "at finished watched pending rss files threads store")


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="soak-", dir=args.scratch) as scratch:
        soak = Soak(args, pathlib.Path(scratch))
        soak.run()
    report, flat = text(args, soak)
    print(report)
    if args.write:
        plot(soak.samples)
        write(report)
    sys.exit(0 if flat else 1)


def arguments():
    parser = argparse.ArgumentParser(description="What sessions that have ended leave behind.")
    parser.add_argument("--holdpoint", required=True, help="the binary")
    parser.add_argument("--scratch", required=True, type=lambda text: pathlib.Path(text).resolve(), help="where store and logs go; a real disk")
    parser.add_argument("--sessions", type=int, default=23_000, help="how many sessions there are, one after the other")
    parser.add_argument("--rate", type=float, default=40.0, help="how many begin in a second")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two samples")
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md and its plot")
    return parser.parse_args()


class Soak:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.samples, self.finished, self.decided = [], 0, collections.Counter()
        self.alive = collections.deque()

    def run(self):
        with contextlib.ExitStack() as stack:
            scenarios = [part for name in ("talks", "buys") for part in ("--scenario", str(HERE / f"{name}.toml"))]
            command = [self.args.holdpoint, "simulate", "--api-key-env", "BENCH_API_KEY", "--speed", str(SPEED), *scenarios]
            simulator = self.start("simulator", command, "http://127.0.0.1:1", stdout=subprocess.PIPE)
            stack.callback(kill, simulator)
            base = json.loads(simulator.stdout.readline())["base_url"]
            self.provider = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=60)
            daemon = self.start("daemon", [self.args.holdpoint, "run", "--config", str(HERE / "config.toml")], base)
            stack.callback(kill, daemon)
            self.daemon = daemon
            self.local = Local(self.scratch / "holdpoint.sock")
            self.operator = Operator(self.scratch / "holdpoint.sock", self.decided)
            self.turn_over()
            self.end()

    def turn_over(self):
        began, made, sampled, forgot = time.monotonic(), 0, 0.0, 0.0
        while self.finished < self.args.sessions:
            now = time.monotonic() - began
            while made < now * self.args.rate:
                scenario = "buys" if made % 10 < BUY else "talks"
                session = self.ask("POST", "/_sim/sessions", {"scenario": scenario, "start": False})["session_id"]
                self.alive.append((now, session))
                made += 1
            while self.alive and self.alive[0][0] + LIFE < now:
                self.ask("DELETE", f"/v1/sessions/{self.alive.popleft()[1]}")
                self.finished += 1
            if now - sampled >= self.args.every:
                sampled = now
                self.sample(now)
            if now - forgot >= 20:
                forgot = now
                self.ask("POST", "/_sim/forget")
            time.sleep(0.02)

    def end(self):
        """The sessions that are left end, too; until the daemon watches nothing any more."""
        for _, session in self.alive:
            self.ask("DELETE", f"/v1/sessions/{session}")
            self.finished += 1
        end = time.monotonic() + PATIENCE
        while self.local.get("/v1/status")["sessions"] > 0:
            if time.monotonic() > end:
                raise SystemExit(f"after {PATIENCE:.0f} s sessions that are deleted are still watched")
            time.sleep(0.2)
        self.last = self.sample(self.samples[-1].at + self.args.every)

    def sample(self, at):
        if self.daemon.poll() is not None:
            raise SystemExit(f"the daemon ended with {self.daemon.returncode}")
        if not self.operator.is_alive():
            raise SystemExit("the local API closed the operator's stream")
        status = self.local.get("/v1/status")
        proc = pathlib.Path("/proc") / str(self.daemon.pid)
        fields = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        store = sum(path.stat().st_size for path in self.scratch.glob("holdpoint.db*"))
        sample = Sample(
            at,
            self.finished,
            status["sessions"],
            status["pending"],
            int(fields["VmRSS"].split()[0]),
            len(os.listdir(proc / "fd")),
            int(fields["Threads"]),
            store / 2**20,
        )
        self.samples.append(sample)
        if len(self.samples) % 15 == 1:
            print(f"{sample} {dict(self.decided)}", file=sys.stderr, flush=True)
        return sample

    def start(self, name, command, base_url, stdout=None):
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.scratch),
            "BENCH_API_KEY": KEY,
            "HOLDPOINT_PROVIDER_BASE_URL": base_url,
            "HOLDPOINT_STORE_PATH": str(self.scratch / "holdpoint.db"),
        }
        with open(self.scratch / f"{name}.log", "wb") as log:
            return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log)

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.provider.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.provider.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content)


class Local(http.client.HTTPConnection):
    """The local API."""

    def __init__(self, path, patience=PATIENCE):
        super().__init__("holdpoint", timeout=30)
        self.path, self.patience = str(path), patience

    def connect(self):
        end = time.monotonic() + self.patience
        while True:
            self.sock = socket.socket(socket.AF_UNIX)
            try:
                return self.sock.connect(self.path)
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def get(self, path):
        return self.call("GET", path)[1]

    def call(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "application/json"}
        self.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.getresponse()
        return answer.status, json.loads(answer.read() or "null")


class Operator(threading.Thread):
    """Somebody who decides what waits as soon as it can be decided, approving and denying in turn."""

    def __init__(self, path, decided):
        super().__init__(daemon=True)
        self.stream, self.requests, self.decided, self.said = Local(path), Local(path), decided, 0
        self.start()

    def run(self):
        self.stream.request("GET", "/v1/events")
        self.wire = self.stream.sock
        self.wire.settimeout(None)
        client = None
        for line in self.stream.getresponse():
            if not line.startswith(b"data:"):
                continue
            data = json.loads(line[5:])
            client = data.get("client", client)
            views = data["snapshot"]["approvals"] if "snapshot" in data else [data.get("change", {}).get("view")]
            for view in views:
                if view and "card" in view and view["state"]["state"] == "open":
                    self.decide(view, client)

    def decide(self, view, client):
        card = view["card"]
        path, shown = f"/v1/approvals/{card['approval']}", {"revision": card["revision"], "digest": view["digest"]}
        status, presented = self.requests.call("POST", path + "/presented", shown, Holdpoint_Client=client)
        if status != 200:
            self.decided["refused"] += 1
            return
        self.said += 1
        act = "approve" if self.said % 2 else "deny"
        decision = {"approval": card["approval"], **shown, "nonce": presented["nonce"], "act": {"act": act}}
        status, answer = self.requests.call("POST", path + "/decision", decision, Holdpoint_Client=client)
        if answer.get("refusal") == "not_confirmed":
            decision["typed"] = answer["code"]
            status, answer = self.requests.call("POST", path + "/decision", decision, Holdpoint_Client=client)
        self.decided[DONE[act] if status == 200 else f"refused: {answer.get('refusal', answer)}"] += 1


def slope(samples, pick):
    """By least squares, for each 1 000 finished sessions."""
    xs, ys = [sample.finished / 1_000 for sample in samples], [pick(sample) for sample in samples]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def text(args, soak):
    running = [sample for sample in soak.samples[:-1] if sample.finished > 0]
    half = [sample for sample in running if sample.finished >= args.sessions / 2]
    rises = {
        "memory": (slope(half, lambda sample: sample.rss), RISE, " KiB"),
        "open files": (slope(half, lambda sample: sample.files), RISE_OF_FILES, ""),
        "threads": (slope(half, lambda sample: sample.threads), RISE_OF_FILES, ""),
    }
    flat = all(rise < bound for rise, bound, _ in rises.values())
    decided = ", ".join(f"{count} {what}" for what, count in sorted(soak.decided.items()))
    lines = [
        f"Measured {datetime.date.today()} with `{' '.join(['benches/soak/run.sh', *sys.argv[5:]])}`:",
        f"{version(args.holdpoint)}; {os.cpu_count()} × {cpu_model()}, Linux {'.'.join(platform.release().split('.')[:2])};",
        f"{running[-1].at:.0f} s, {args.sessions} sessions, scripts played {SPEED} times as fast as written. Decisions: {decided}.",
        "",
        "| finished sessions | watched | waiting | resident memory | open files | threads | store |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for part in range(1, 11):
        sample = min(running, key=lambda sample: abs(sample.finished - args.sessions * part / 10))
        lines.append(row(sample, f"{sample.finished}"))
    lines.append(row(soak.last, f"{soak.last.finished}, all"))
    lines += ["", "| per 1 000 finished sessions, second half | rise | at most |", "|---|--:|--:|"]
    for what, (rise, bound, unit) in rises.items():
        lines.append(f"| {what} | {rise:+.2f}{unit} | {bound:.0f}{unit} |")
    store = slope(half, lambda sample: sample.store * 1024)
    lines += ["", f"The line is **{'flat' if flat else 'not flat'}**. The store grows by {store:.0f} KiB per 1 000: what happened is kept."]
    return "\n".join(lines), flat


def row(sample, finished):
    return f"| {finished} | {sample.watched} | {sample.pending} | {sample.rss / 1024:.1f} MiB | {sample.files} | {sample.threads} | {sample.store:.1f} MiB |"


def plot(samples):
    """Resident memory and watched sessions against finished ones, as an SVG without anything to install."""
    width, height, left, top, right, bottom = 720, 320, 70, 30, 60, 50
    most = max(sample.finished for sample in samples)
    series = [
        ("resident memory, MiB", "#1f77b4", [sample.rss / 1024 for sample in samples], left - 8, "end"),
        ("sessions watched", "#ff7f0e", [sample.watched for sample in samples], width - right + 8, "start"),
    ]
    x = lambda finished: left + (width - left - right) * finished / most
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for tick in range(0, 6):
        at = x(most * tick / 5)
        parts.append(f'<text x="{at:.0f}" y="{height - bottom + 18}" text-anchor="middle">{most * tick // 5}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 10}" text-anchor="middle">finished sessions</text>')
    for index, (name, colour, values, edge, anchor) in enumerate(series):
        highest = max(values) * 1.15 or 1
        y = lambda value: height - bottom - (height - top - bottom) * value / highest
        for tick in range(0, 5):
            value = highest * tick / 4
            parts.append(f'<text x="{edge}" y="{y(value) + 4:.0f}" text-anchor="{anchor}" fill="{colour}">{value:.0f}</text>')
            if index == 0:
                parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y(value):.0f}" y2="{y(value):.0f}" stroke="#ddd"/>')
        points = " ".join(f"{x(sample.finished):.1f},{y(value):.1f}" for sample, value in zip(samples, values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{left + 10 + index * 200}" y="18" fill="{colour}">{name}</text>')
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    PLOT.write_text("\n".join([*parts, "</svg>", ""]))


def write(report):
    begin, end = "<!-- soak: written by benches/soak/run.sh --write -->", "<!-- soak: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {begin!r} and {end!r}")
    image = "![What the daemon has while sessions come and end](images/soak.svg)"
    PAGE.write_text(f"{before}{begin}\n{report.strip()}\n\n{image}\n{end}{after}")


if __name__ == "__main__":
    main()
