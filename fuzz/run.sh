#!/usr/bin/env bash
# Fuzzes what reads untrusted input: SECONDS for each target (20 when not said), all targets or those that are named.
#
#   fuzz/run.sh [--release] [SECONDS [TARGET …]]
#   fuzz/run.sh [--release] --runs N [TARGET …]
#
# The second form tries so many inputs from a fixed seed and the kept corpus alone: the same ones each time, as far as a target
# itself is repeatable. It is for judging a change; the first one finds what is new.
# Needs the Rust toolchain and a C++ compiler (libFuzzer is built from the sources in the libfuzzer-sys crate). What is kept in
# fuzz/corpus is tried first and never changed; what is found on the way goes to target/fuzz. An input that breaks something
# stays in target/fuzz/broken, with the command that tries it again.
set -euo pipefail
cd "$(dirname "$0")/.."

build=(build --locked -p holdpoint-fuzz --bins)
profile=debug
if [ "${1:-}" = "--release" ]; then
  build+=(--release)
  profile=release
  shift
fi
runs=
if [ "${1:-}" = "--runs" ]; then
  runs=$2
  shift 2
else
  seconds=${1:-20}
  shift || true
fi
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then
  targets=(stream config policy amounts escape local_api)
fi

target=${CARGO_TARGET_DIR:-target}
RUSTC_WORKSPACE_WRAPPER="$PWD/fuzz/instrument.sh" cargo "${build[@]}"

broken=0
for name in "${targets[@]}"; do
  found=$target/fuzz/$name
  if [ -n "$runs" ]; then
    found=$target/fuzz/again/$name
    rm -rf "$found"
  fi
  mkdir -p "$found" "$target/fuzz/broken"
  log=$target/fuzz/$name.log
  flags=(-timeout=10 -rss_limit_mb=4096 -max_len=4096 -print_final_stats=1)
  if [ -n "$runs" ]; then
    flags+=(-seed=20261126 -runs="$runs")
  else
    flags+=(-max_total_time="$seconds")
  fi
  if ! "$target/$profile/$name" "$found" "fuzz/corpus/$name" "${flags[@]}" \
    -artifact_prefix="$target/fuzz/broken/$name-" >"$log" 2>&1; then
    broken=1
    tail -n 40 "$log" >&2
    echo "fuzz: $name is broken; try it again with: $target/$profile/$name $target/fuzz/broken/$name-…" >&2
    continue
  fi
  sed -n 's/^stat::number_of_executed_units: *//p' "$log" | sed "s|.*|$name: & executions, none broke|"
done
exit "$broken"
