#!/bin/sh
# The contract with the vendor's own client: runs the official Python SDK against `holdpoint simulate`.
#
# Needs cargo, python3 with venv, and PyPI (or a filled target/contract-venv). HOLDPOINT names a binary to use instead of
# the debug build. Ends with the line "N passed, M failed"; the exit code is 0 when M is 0.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/contract-venv

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
