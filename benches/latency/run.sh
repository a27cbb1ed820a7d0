#!/bin/sh
# From the event that announces a purchase to the pause: holdpoint beside a plain aiohttp script, in one run.
#
# Needs cargo, python3 with venv, and PyPI (or a filled target/latency-venv). HOLDPOINT names a binary to use instead of the
# release build. Arguments go to compare.py: `--help` lists them, `--write` writes docs/BENCHMARKS.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/latency-venv

if [ -z "${HOLDPOINT:-}" ]; then
    (cd "$root" && cargo build --quiet --release --bin holdpoint)
    HOLDPOINT=$target/release/holdpoint
fi
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$here/compare.py" --holdpoint "$HOLDPOINT" --scratch "$target" "$@"
