"""What a run of the fleet says: tables, goals, and the plot."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "BENCHMARKS.md"
PLOT = ROOT / "docs" / "images" / "fleet.svg"


def percentile(values, percent):
    """By the nearest-rank method; of nothing, it is not a number."""
    if not values:
        return float("nan")
    rank = max(1, -(-len(values) * percent // 100))
    return sorted(values)[int(rank) - 1]


def add(counts, more):
    counts = dict(counts or {})
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count
    return counts


def late(result, percent):
    """How late frames were written against their script, in milliseconds: an upper bound, an eighth too high at most."""
    counts, total = sorted((result.late or {}).items()), 0
    wanted = sum(count for _, count in counts) * percent / 100
    for below, count in counts:
        total += count
        if total >= wanted:
            return below / 1000
    return float("nan")


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


class Client:
    """The turns of one client at one number of sessions."""

    def __init__(self, turns):
        self.turns = turns
        self.latencies = [latency for turn in turns for latency in turn.latencies]
        self.lost, self.early = sum(turn.lost for turn in turns), sum(turn.early for turn in turns)

    def at(self, percent):
        """A percentile over all turns, in milliseconds."""
        return percentile(self.latencies, percent) / 1e6

    def range(self, percent):
        each = [percentile(turn.latencies, percent) / 1e6 for turn in self.turns]
        return min(each), max(each)

    def median(self, pick):
        return statistics.median(pick(turn) for turn in self.turns)

    @property
    def cpu(self):
        """Milliseconds of processor time per 1 000 events."""
        return self.median(lambda turn: turn.cpu / max(1, turn.events) * 1e6)

    @property
    def pace(self):
        """Events per second of processor time."""
        return self.median(lambda turn: turn.events / max(0.01, turn.cpu))

    @property
    def share(self):
        """Of one core."""
        return self.median(lambda turn: turn.cpu / turn.wall)

    @property
    def per_session(self):
        """KiB that each session adds to the resident memory."""
        return self.median(lambda turn: (turn.resident - turn.empty) / turn.sessions / 1024)

    @property
    def peak(self):
        return self.median(lambda turn: turn.peak / 2**20)


def tell(args, cores, results, others):
    found = {}
    for result in results:
        clients = found.setdefault((result.condition, result.sessions), {})
        clients.setdefault(result.client, []).append(result)
    found = {key: {name: Client(turns) for name, turns in clients.items()} for key, clients in found.items()}
    fleets = {n: clients for (condition, n), clients in found.items() if condition == "talk"}
    exact = {n: clients for (condition, n), clients in found.items() if condition == "exact"}
    reached = [line for name in BUILDS for line in [*goals(fleets, name), *goals(exact, name, TITLES["exact"])]]
    reached = ["### Goals", "", *reached, *others_goals(found), ""]
    text = "\n".join([*head(args, cores, others), *tables(found), *reached])
    print(text)
    if args.write:
        if fleets:
            plot(fleets)
            text += "\n\n![Latency and memory against the number of sessions](images/fleet.svg)"
        write(text)


def version(binary):
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def head(args, cores, others):
    named = "TRAINED=$(deploy/trained.sh) " if args.trained else ""
    kind = "release build" + (f", and as *trained* {version(args.trained)}, by deploy/trained.sh" if args.trained else "")
    shared = "" if len(cores) > 1 else "; **everything on one core**"
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("aiohttp", "agi-python"))
    return [
        f"Measured {datetime.date.today()} with `{named}{' '.join(['benches/fleet/run.sh', *options()])}`:",
        f"{version(args.holdpoint)}, {kind}; CPython {platform.python_version()}, {libraries};",
        f"{len(cores)} × {cpu_model()}, Linux {'.'.join(platform.release().split('.')[:2])}{shared}.",
        f"Meanwhile other programs used {others[0]:.0%} of the processors, and {others[1]:.0%} were stolen by the host.",
        "",
    ]


def options():
    """What the run was asked for; where its raw results went is of this machine."""
    given = sys.argv[9 if "--trained" in sys.argv else 7 :]
    keep = given.index("--keep") if "--keep" in given else len(given)
    return given[:keep] + given[keep + 2 :]


TITLES = {
    "talk": "",
    "exact": ", each frame at its own moment",
    "idle": ", silent",
    "backlog": ", each with a long history",
    "stalled": ", one of a hundred with a stream that falls silent",
    "resets": ", a tenth of all connections reset within five seconds",
    "rtt50": ", 50 ms of round trip",
    "rtt150": ", 150 ms of round trip",
    "tls": ", TLS",
    "tls-rtt50": ", TLS and 50 ms of round trip",
}


def tables(found):
    lines = []
    for (condition, sessions), clients in found.items():
        lines += [f"### {sessions:,} sessions".replace(",", " ") + TITLES[condition], ""]
        if condition in ("idle", "backlog"):
            lines += [*(small(condition, clients)), ""]
            continue
        lines += ["| client | pauses | lost | early | p50 ms | p90 ms | p99 ms | max ms | CPU ms per 1 000 events | of a core | peak RSS MiB | KiB per session |"]
        lines += ["|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
        lines += [row(name, client) for name, client in clients.items()]
        lines += ["", *ratios(clients), simulator(clients), ""]
    return lines


def small(condition, clients):
    """Of silent sessions only the memory is told, of histories only the processor time."""
    if condition == "idle":
        lines = ["| client | KiB per session |", "|---|--:|"]
        return lines + [f"| {name} | {client.per_session:.1f} |" for name, client in clients.items()]
    lines = ["| client | events | lost | events per CPU second | CPU s |", "|---|--:|--:|--:|--:|"]
    for name, client in clients.items():
        events, cpu = client.median(lambda turn: turn.events), client.median(lambda turn: turn.cpu)
        lines.append(f"| {name} | {events:.0f} | {client.lost} | {client.pace:.0f} | {cpu:.2f} |")
    return lines


def row(name, client):
    times = " | ".join(f"{client.at(p):.2f} ({client.range(p)[0]:.2f}–{client.range(p)[1]:.2f})" for p in (50, 90, 99, 100))
    return (
        f"| {name} | {len(client.latencies)} | {client.lost} | {client.early} | {times} | {client.cpu:.1f} | {client.share:.0%} | "
        f"{client.peak:.0f} | {client.per_session:.1f} |"
    )


def ratios(clients):
    if "holdpoint" not in clients:
        return []
    ours, lines = clients["holdpoint"], []
    for name, theirs in clients.items():
        if name != "holdpoint":
            p50, p99, cpu = theirs.at(50) / ours.at(50), theirs.at(99) / ours.at(99), theirs.cpu / ours.cpu
            memory = theirs.per_session / ours.per_session
            lines.append(f"{name} : holdpoint is {p50:.2f} at p50, {p99:.2f} at p99, {cpu:.2f} in processor time, {memory:.2f} in memory per session.")
    return lines


def simulator(clients):
    turns = [turn for client in clients.values() for turn in client.turns]
    share = [turn.simulator_cpu / turn.wall for turn in turns]
    events = statistics.median(turn.events / turn.wall for turn in turns)
    half, most = (max(late(turn, percent) for turn in turns) for percent in (50, 99))
    return (
        f"The simulator wrote {events:.0f} events per second, used {min(share):.0%} to {max(share):.0%} of its core, and was late by less than "
        f"{half:.2f} ms at p50 and {most:.2f} ms at p99 in its worst turn."
    )


# The clients that are holdpoint.
BUILDS = ("holdpoint", "trained")


def goal(words, value, reached, form="{:.2f}"):
    return f"- {'reached' if reached else '**not reached**'}: {words}: {form.format(value)}"


def goals(fleets, build, title=""):
    """What one build was to reach beside others, and whether it did; what this run does not have is left out."""
    has = lambda n, *names: n in fleets and all(name in fleets[n] for name in names)
    found = []
    ours = {n: clients[build] for n, clients in fleets.items() if build in clients}
    title += "" if build == "holdpoint" else f", {build}"
    if has(10_000, build, "floor"):
        ratio = ours[10_000].at(50) / fleets[10_000]["floor"].at(50)
        found.append(goal(f"p50 at 10 000 at most 1.5 × the floor's{title}", ratio, ratio <= 1.5))
    if 10_000 in ours and 100 in ours:
        ratio = ours[10_000].at(99) / ours[100].at(99)
        found.append(goal(f"p99 at 10 000 at most 2 × its own at 100{title}", ratio, ratio <= 2))
    for n, other, least in ((1_000, "aiohttp", 3), (100, "sdk", 3), (1_000, "polling", 1_000)):
        if has(n, build, other):
            ratio = fleets[n][other].at(50) / ours[n].at(50)
            found.append(goal(f"p50 at {n} at least {least} × better than {other}'s{title}", ratio, ratio >= least))
    if has(10_000, build, "aiohttp"):
        ratio = ours[10_000].cpu / fleets[10_000]["aiohttp"].cpu
        found.append(goal(f"processor time at 10 000 at most 0.4 × aiohttp's{title}", ratio, ratio <= 0.4))
    return found


def others_goals(conditions):
    """The same of what is asked of one client alone, or in one condition."""
    found = []
    for (condition, n), clients in conditions.items():
        if condition == "idle" and "holdpoint" in clients:
            size = clients["holdpoint"].per_session * 1.024
            found.append(goal(f"at most 8 KB of memory per silent session, {n} of them", size, size <= 8, "{:.1f} KB"))
        for build in BUILDS:
            which = "" if build == "holdpoint" else f", {build}"
            if condition == "backlog" and {build, "aiohttp"} <= clients.keys():
                ratio = clients[build].pace / clients["aiohttp"].pace
                found.append(goal(f"events per CPU second of histories at least 3 × aiohttp's{which}", ratio, ratio >= 3))
            if condition != "idle" and build in clients:
                lost = clients[build].lost
                found.append(goal(f"every pause delivered, {n} sessions{TITLES[condition]}{which}; lost", lost, lost == 0, "{}"))
    return found


def plot(fleets):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fleet"
    from matplotlib import pyplot

    figure, (times, sizes) = pyplot.subplots(1, 2, figsize=(10, 4))
    for name in dict.fromkeys(name for clients in fleets.values() for name in clients):
        points = sorted((n, clients[name]) for n, clients in fleets.items() if name in clients)
        numbers = [n for n, _ in points]
        line = times.plot(numbers, [client.at(50) for _, client in points], marker="o", label=name)
        times.plot(numbers, [client.at(99) for _, client in points], marker="o", linestyle=":", color=line[0].get_color())
        sizes.plot(numbers, [client.peak for _, client in points], marker="o", label=name)
    for axes, title in ((times, "from announcement to pause, ms (dotted: p99)"), (sizes, "peak resident memory, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="sessions", title=title)
        axes.grid(True, which="major", alpha=0.3)
    figure.legend(*sizes.get_legend_handles_labels(), loc="lower center", ncols=5)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})


def cpu_model():
    match = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def write(text):
    begin, end = "<!-- fleet: written by benches/fleet/run.sh --write -->", "<!-- fleet: end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {begin!r} and {end!r}")
    PAGE.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}")
