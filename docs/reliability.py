#!/usr/bin/env python3
"""Writes the figures of docs/RELIABILITY.md from what the tests leave behind.

    cargo test --release --test crash --features crash-points; docs/reliability.py --crash target/tmp/crash.json
    cargo test > tests.log 2>&1;                               docs/reliability.py --tests tests.log
    cargo test --test simulation the_invariants -- --nocapture > simulation.log;
                                                               docs/reliability.py --simulation simulation.log
    fuzz/run.sh --release 600;                                 docs/reliability.py --fuzz target/fuzz

Without arguments it looks for the first. Where a crash point is, is read from the source. Each kind of test has its own marks on
the page and its own function here; figures are made only from a run that held.
Python 3.11, nothing to install.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "RELIABILITY.md"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def places():
    """The files in which each crash point stands, by its name."""
    variants = dict(re.findall(r'^    (\w+) = "(\w+)",$', (ROOT / "src/crash.rs").read_text(), re.MULTILINE))
    found = {name: [] for name in variants.values()}
    for path in sorted((ROOT / "src").rglob("*.rs")):
        if path.name == "crash.rs":
            continue
        for variant in set(re.findall(r"Point::(\w+)", path.read_text())):
            if variant in variants:
                found[variants[variant]].append(str(path.relative_to(ROOT / "src")))
    missing = [name for name, files in found.items() if not files]
    if missing:
        sys.exit(f"crash points that are passed nowhere: {', '.join(missing)}")
    return found


def crash(path):
    result = json.loads(pathlib.Path(path).read_text())
    if result["failed"]:
        sys.exit(f"{path}: {len(result['failed'])} runs failed; figures are made from a run that held")
    where = places()
    linux = ".".join(platform.release().split(".")[:2])
    parts = [
        f"Run on {datetime.date.today()} in {result['seconds']} s ({result['build']} build, {os.cpu_count()} processors, Linux {linux}):"
        f" **{result['held']} combinations** of story and crash point in which the process was killed where it was aimed at, and"
        f" everything held; in {result['twice']} of them the next process was killed as well. {result['unreached']} combinations were"
        " tried whose point was not passed; they held, too, and are counted below. None failed.",
        "### By story",
        table(
            ["story", "killed, and held", "point not passed"],
            [[f"`{story['name']}`", story["held"], story["unreached"]] for story in result["stories"]],
        ),
        "### By point",
        "*First*: the first process is killed there. *Second*: the process that finds what a killed one left. Runs that were killed"
        " there and held, and how many more tried and did not pass it.",
        table(
            ["point", "in", "at that moment", "first", "second"],
            [
                [f"`{point['name']}`", ", ".join(f"`{file}`" for file in where[point["name"]]), point["about"], tries(point["first"]), tries(point["second"])]
                for point in result["points"]
            ],
        ),
        "### Not passed",
        "A combination that cannot pass its point, or that passes it only sometimes, stands with its reason in"
        " `tests/crash/reach.rs`. The test fails when one that always passes its point does not, and when one passes it that cannot.",
        table(
            ["runs", "why", "points", "stories"],
            [reason("never", one) for one in result["never"]] + [reason("perhaps", one) for one in result["perhaps"]],
        ),
    ]
    return "\n\n".join(parts)


def tries(tried):
    held, unreached = tried["held"], tried["unreached"]
    if held + unreached == 0:
        return "-"
    return f"{held}" + (f" (+{unreached})" if unreached else "")


def reason(kind, one):
    few = lambda names: ", ".join(f"`{name}`" for name in names) if len(names) <= 8 else f"{len(names)} of them"
    return [one["runs"], f"{kind}: {one['why']}", few(one["points"]), few(one["stories"])]


def put(name, text):
    begin, end = f"<!-- {name}: made by docs/reliability.py -->", f"<!-- end of {name} -->"
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{PAGE} lacks the marks {begin!r} and {end!r}")
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def when():
    linux = ".".join(platform.release().split(".")[:2])
    return f"{datetime.date.today()}, {os.cpu_count()} processors, Linux {linux}"


def faults(path):
    """Which rows of the fault table held in a run of all tests."""
    passed, failed = set(), set()
    for name, result in re.findall(r"^test (?:\S+::)?(\w+)(?: - should panic)? \.\.\. (ok|FAILED)$", pathlib.Path(path).read_text(), re.MULTILINE):
        (passed if result == "ok" else failed).add(name)
    section = PAGE.read_text(encoding="utf-8").partition("## Faults on the wire")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| ") and not row.startswith("| fault")]
    tests = [re.findall(r"`(\w+)`", row.split("|")[3]) for row in rows]
    absent = sorted({test for names in tests for test in names} - passed)
    if failed or absent:
        sys.exit(f"{path}: failed {sorted(failed)}, not run {absent}; figures are made from a run that held")
    count = len({test for names in tests for test in names})
    return f"Run on {when()}: **{len(rows)} rows held**, in {count} tests."


def simulation(path):
    found = re.search(r"^(\d+) steps of (\d+) seeds, (\d+) lives", pathlib.Path(path).read_text(), re.MULTILINE)
    if not found or "test result: FAILED" in pathlib.Path(path).read_text():
        sys.exit(f"{path}: no run that held")
    steps, seeds, lives = (f"{int(number):,}".replace(",", " ") for number in found.groups())
    return f"Run on {when()}: **{steps} steps** of {seeds} seeds, in which the daemon was started {lives} times. None failed."


def fuzz(folder):
    rows = []
    for path in sorted(pathlib.Path(folder).glob("*.log")):
        text = path.read_text(errors="replace")
        executions = re.search(r"^stat::number_of_executed_units: *(\d+)", text, re.MULTILINE)
        seconds = re.search(r"^Done \d+ runs in (\d+) second", text, re.MULTILINE)
        if not executions or not seconds or "ERROR: libFuzzer" in text:
            sys.exit(f"{path}: no run that held")
        rows.append([f"`{path.stem}`", f"{int(executions[1]):,}".replace(",", " "), seconds[1]])
    if not rows:
        sys.exit(f"{folder}: nothing was fuzzed")
    return f"Run on {when()}; nothing broke.\n\n" + table(["target", "executions", "seconds"], rows)


def main():
    kinds = {"--crash": ("crash figures", crash), "--tests": ("fault figures", faults)}
    kinds |= {"--simulation": ("simulation figures", simulation), "--fuzz": ("fuzz figures", fuzz)}
    given = sys.argv[1:] or ["--crash", str(ROOT / "target/tmp/crash.json")]
    pairs = list(zip(given[::2], given[1::2]))
    if len(given) % 2 or any(kind not in kinds for kind, _ in pairs):
        sys.exit(__doc__)
    for kind, path in pairs:
        name, figures = kinds[kind]
        put(name, figures(path))


if __name__ == "__main__":
    main()
