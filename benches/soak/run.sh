#!/bin/sh
# Sessions that come, talk, are held and decided, and end, ten thousand of them: what is left of it in the daemon.
#
# Needs cargo and python3. HOLDPOINT names a binary to use instead of the release build. Arguments go to soak.py: `--help`
# lists them, `--write` writes docs/BENCHMARKS.md and its plot. Fails when a line is not flat.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

if [ -z "${HOLDPOINT:-}" ]; then
    (cd "$root" && cargo build --quiet --release --bin holdpoint)
    HOLDPOINT=$target/release/holdpoint
fi
exec python3 "$here/soak.py" --holdpoint "$HOLDPOINT" --scratch "$target" "$@"
