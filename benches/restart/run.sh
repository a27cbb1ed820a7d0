#!/bin/sh
# Killed with SIGKILL while a thousand approvals wait, and started again: how long until all of them are armed again.
#
# Needs cargo and python3. HOLDPOINT names a binary to use instead of the release build. Arguments go to restart.py: `--help`
# lists them, `--write` writes docs/BENCHMARKS.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

if [ -z "${HOLDPOINT:-}" ]; then
    (cd "$root" && cargo build --quiet --release --bin holdpoint)
    HOLDPOINT=$target/release/holdpoint
fi
exec python3 "$here/restart.py" --holdpoint "$HOLDPOINT" --scratch "$target" "$@"
