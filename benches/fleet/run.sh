#!/bin/sh
# A fleet of up to 10 000 sessions: holdpoint beside what people would use instead, in one run.
#
# Needs cargo, python3 with venv, and PyPI (or a filled target/fleet-venv). TRAINED names a build by profile to measure beside the
# release build: `TRAINED=$(deploy/trained.sh) benches/fleet/run.sh`. Arguments go to fleet.py: `--help` lists them, `--write` writes
# docs/BENCHMARKS.md and the plot.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/fleet-venv

if [ -n "${HOLDPOINT+set}" ]; then
    echo "benches/fleet/run.sh: HOLDPOINT is set, and is not measured here: TRAINED names a trained build" >&2
    exit 1
fi
if [ -n "${TRAINED+set}" ]; then
    if [ ! -x "$TRAINED" ]; then
        echo "benches/fleet/run.sh: TRAINED is '$TRAINED', which is no program" >&2
        exit 1
    fi
    set -- --trained "$TRAINED" "$@"
fi
(cd "$root" && cargo build --quiet --release --bin holdpoint --example fleet-floor)
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$here/fleet.py" --holdpoint "$target/release/holdpoint" --floor "$target/release/examples/fleet-floor" \
    --scratch "$target" "$@"
