#!/usr/bin/env bash
# A release build that the compiler arranges by what was seen to run: built once so that it counts, worked (benches/training), and built
# again with the counts. Takes about three times as long as `cargo build --release`. Prints where the binary is, target/trained/holdpoint.
#
# Needs cargo, python3, openssl, flock, and an llvm-profdata that reads what rustc writes and writes what rustc reads: `rustup component
# add llvm-tools`, or Debian's llvm-19. LLVM_PROFDATA names another one. It is for this machine's kind: a `build.target` does not count,
# and of cargo's configurations neither do `build.rustflags`.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target/training"
target=$(cd "$target" && pwd)
work=$target/training
cd "$root"
host=$(rustc -vV | sed -n 's/^host: //p')
# What is printed is the place alone.
exec 3>&1 1>&2 9>"$work/lock"
if ! flock -n 9; then
  echo "deploy/trained.sh: another one builds in $work" >&2
  exit 1
fi
# What is left of an earlier run is not taken for this one's.
rm -rf "$work/counts" "$work/probe" "$target/trained"

# Neither version says which formats it knows, so each tool is tried, there and back, on the profile of an empty program.
mkdir "$work/probe"
echo 'fn main() {}' >"$work/probe/main.rs"
rustc -Cprofile-generate="$work/probe" -o "$work/probe/counting" "$work/probe/main.rs"
LLVM_PROFILE_FILE="$work/probe/main.profraw" "$work/probe/counting"
suits() {
  "$1" merge -o "$work/probe/main.profdata" "$work/probe/main.profraw" 2>"$work/probe/why" &&
    rustc -Cprofile-use="$work/probe/main.profdata" -o "$work/probe/using" "$work/probe/main.rs" 2>"$work/probe/why"
}
tools=("$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata" llvm-profdata)
mapfile -t -O 2 tools < <(compgen -c llvm-profdata- | sort -t- -k3 -nr -u)
if [ -n "${LLVM_PROFDATA:-}" ]; then tools=("$LLVM_PROFDATA"); fi
profdata=
for tool in "${tools[@]}"; do
  if suits "$tool"; then profdata=$tool && break; fi
done
if [ -z "$profdata" ]; then
  echo "deploy/trained.sh: none of ${tools[*]} suits $(rustc -V); the last one said: $(cat "$work/probe/why")" >&2
  echo "  hint: rustup component add llvm-tools, or apt-get install llvm-19" >&2
  exit 1
fi

# With --target, flags are for the program alone and not for what builds it.
build() {
  local into=$1 flag=$2
  local cargo=(cargo build --locked --release --bin holdpoint --target "$host" --target-dir "$work/$into")
  if [ -n "${CARGO_ENCODED_RUSTFLAGS:-}" ]; then
    CARGO_ENCODED_RUSTFLAGS="$CARGO_ENCODED_RUSTFLAGS"$'\x1f'"$flag" "${cargo[@]}" 3>&- 9>&-
  elif [ -n "${RUSTFLAGS:-}" ]; then
    CARGO_ENCODED_RUSTFLAGS="${RUSTFLAGS// /$'\x1f'}"$'\x1f'"$flag" "${cargo[@]}" 3>&- 9>&-
  else
    "${cargo[@]}" --config "target.$host.rustflags=['$flag']" 3>&- 9>&-
  fi
}
built() { printf '%s' "$work/$1/$host/release/holdpoint"; }
worked() { python3 benches/training/train.py --holdpoint "$(built "$1")" --scratch "$work" 3>&- 9>&-; }

build counting "-Cprofile-generate=$work/counts"
mkdir "$work/counts"
LLVM_PROFILE_FILE="$work/counts/%p-%m.profraw" worked counting
"$profdata" merge -o "$work/holdpoint.profdata" "$work/counts"
for part in evaluate_ahead begin_pause rustls; do
  "$profdata" show --counts --function="$part" "$work/holdpoint.profdata" >"$work/probe/shown"
  if ! grep -q 'Block counts: .*[1-9]' "$work/probe/shown"; then
    echo "deploy/trained.sh: nothing was counted in $part: flags of rustc are set where this script does not see them" >&2
    exit 1
  fi
done
HOLDPOINT_TRAINED=1 build using "-Cprofile-use=$work/holdpoint.profdata"

# The same work once more: a build that does not do it is none.
worked using
mkdir "$target/trained"
install -m 0755 "$(built using)" "$target/trained/holdpoint"
echo "$target/trained/holdpoint" >&3
