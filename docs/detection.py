#!/usr/bin/env python3
"""Writes docs/DETECTION.md: what the ready-made policies catch on recorded runs, and what they do not.

    cargo build --release
    docs/detection.py TRACES.jsonl [target/release/holdpoint]

Reads nothing but what `holdpoint policy eval` prints, and quotes nothing of the runs. Python 3.11, nothing to install.
"""

import collections
import json
import pathlib
import subprocess
import sys

PRESETS = ("balanced", "cautious", "quiet")
SURFACES = ("browser", "tools", "web-text")
# Least recall, most disturbed, least precision, in percent.
TARGETS = {"browser": (98, 10, 60), "tools": (95, 15, 75), "web-text": (100, 3, 90)}
PAGE = pathlib.Path(__file__).with_name("DETECTION.md")
BEGIN, END = "<!-- figures: made by docs/detection.py -->", "<!-- end of figures -->"


def measured(binary, preset, traces):
    command = [binary, "policy", "eval", "--preset", preset, "--traces", traces, "--json", "--misses"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def percent(share):
    return "-" if share is None else f"{100 * share:.1f} %"


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def row(name, figures):
    return [
        name,
        percent(figures["recall"]),
        percent(figures["recall_self"]),
        percent(figures["disturbed"]),
        "-" if figures["alarms_per_harmless"] is None else f"{figures['alarms_per_harmless']:.2f}",
        percent(figures["precision"]),
        figures["consequential"],
        figures["harmless"],
    ]


HEAD = ["", "recall", "on the act itself", "disturbed", "alarms per harmless run", "precision", "consequential", "harmless runs"]


def goals(figures):
    rows = []
    for surface, (recall, disturbed, precision) in TARGETS.items():
        found = figures["surfaces"][surface]
        held = (
            found["recall"] * 100 >= recall and found["disturbed"] * 100 <= disturbed and found["precision"] * 100 >= precision
        )
        rows.append([surface, f"≥ {recall} %", f"≤ {disturbed} %", f"≥ {precision} %", "reached" if held else "not reached"])
    return table(["", "recall", "disturbed", "precision", "`balanced`"], rows)


def false_alarms(figures):
    rules = collections.Counter((alarm["surface"], alarm["rule"]) for alarm in figures["false_alarms"])
    by_rule = sorted({rule for _, rule in rules}, key=lambda rule: -sum(rules[surface, rule] for surface in SURFACES))
    return table(["rule", *SURFACES], [[rule, *(rules[surface, rule] for surface in SURFACES)] for rule in by_rule])


def missed(figures):
    if not figures["missed"]:
        return "`balanced` misses none of them."
    counted = collections.Counter((spot["surface"], spot["category"]) for spot in figures["missed"])
    return table(["", "category", "missed"], [[*key, count] for key, count in sorted(counted.items())])


def figures(binary, traces):
    results = {preset: measured(binary, preset, traces) for preset in PRESETS}
    balanced = results["balanced"]
    parts = []
    for preset in PRESETS:
        parts.append(f"### `{preset}`\n\n" + table(HEAD, [row(name, results[preset]["surfaces"][name]) for name in SURFACES]))
    parts.append("### The goals\n\n" + goals(balanced))
    sources = [row(name, tally) for name, tally in sorted(balanced["sources"].items())]
    parts.append("### `balanced` by source\n\n" + table(HEAD, sources))
    parts.append("### Missed\n\n" + missed(balanced))
    parts.append("### False alarms of `balanced`, by rule\n\n" + false_alarms(balanced))
    return "\n\n".join(parts)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    binary = sys.argv[2] if len(sys.argv) == 3 else "target/release/holdpoint"
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures(binary, sys.argv[1])}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
