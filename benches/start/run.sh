#!/bin/sh
# A start that finds ten thousand sessions: how long until all of them are followed, and what of it is at a time.
#
# Needs cargo and python3. HOLDPOINT names a binary to use instead of the release build. Arguments go to start.py: `--help`
# lists them, `--write` writes docs/BENCHMARKS.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

if [ -z "${HOLDPOINT:-}" ]; then
    (cd "$root" && cargo build --quiet --release --bin holdpoint)
    HOLDPOINT=$target/release/holdpoint
fi
exec python3 "$here/start.py" --holdpoint "$HOLDPOINT" --scratch "$target" "$@"
