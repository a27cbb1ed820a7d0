#!/bin/sh
# The local API against its own description: schemathesis and a few checks by hand, on a daemon that runs.
#
# Needs cargo, python3 with venv, and PyPI (or a filled target/openapi-venv). Ends with the line "N passed, M failed"; the exit
# code is 0 when M is 0. In the environment:
#   HOLDPOINT                 a binary to use instead of the debug build
#   HOLDPOINT_FUZZ_EXAMPLES   how many requests are made up for each operation; 60
#   HOLDPOINT_FUZZ_SEED       which ones; without it every run makes the same
#   HOLDPOINT_FUZZ_VERBOSE    counts the answers of each operation
#   HOLDPOINT_FUZZ_KEEP       a directory that gets the log, the store, and every request with its answer
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/openapi-venv

if [ -z "${HOLDPOINT:-}" ]; then
    (cd "$root" && cargo build --quiet --bin holdpoint)
    HOLDPOINT=$target/debug/holdpoint
fi
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$here/run.py" "$HOLDPOINT"
