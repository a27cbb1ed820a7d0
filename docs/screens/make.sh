#!/usr/bin/env bash
# Draws docs/screens/console.svg anew from the real console: the simulated API, the daemon, and `holdpoint attach` in a tmux
# of its own, with one purchase that waits. Needs tmux, curl and Python 3; everything it starts, it ends.
#
#   cargo build && docs/screens/make.sh target/debug/holdpoint > docs/screens/console.svg
set -euo pipefail

holdpoint="$(realpath "${1:-target/release/holdpoint}")"
here="$(cd "$(dirname "$0")" && pwd)"
folder="$(mktemp -d)"
export AGI_API_KEY=test HOLDPOINT_STORE_PATH="$folder/store.db" HOLDPOINT_SOCKET="$folder/holdpoint.sock"
unset TMUX

tm() { tmux -u -f /dev/null -S "$folder/tmux.sock" "$@"; }
finish() {
  tm kill-server 2>/dev/null || true
  kill $(jobs -p) 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap finish EXIT

# Waits until a command succeeds, for at most twenty seconds.
until_true() {
  for _ in $(seq 200); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  echo "docs/screens/make.sh: never: $*" >&2
  exit 1
}

cat >"$folder/config.toml" <<CONFIG
[control]
socket = "$HOLDPOINT_SOCKET"

[[rule]]
name = "purchase"
effect = "ask"
detect = ["purchase"]
risk = "high"
confirm = "key"
CONFIG

"$holdpoint" simulate --api-key-env AGI_API_KEY >"$folder/simulator" &
until_true test -s "$folder/simulator"
url="$(sed -n 's/.*"base_url":"\([^"]*\)".*/\1/p' "$folder/simulator")"
HOLDPOINT_PROVIDER_BASE_URL="$url" "$holdpoint" run --config "$folder/config.toml" 2>"$folder/log" </dev/null &
until_true "$holdpoint" status

tm new-session -d -x 110 -y 34 "'$holdpoint' attach --quiet"
shows() { tm capture-pane -p | grep -qF "$1"; }
until_true shows "nothing waits for an answer"
curl -sf -X POST "$url/_sim/sessions" -H 'content-type: application/json' -d '{"scenario": "purchase", "start": true}' >/dev/null
until_true shows "approve?  y resumes"
tm capture-pane -e -p | python3 "$here/svg.py"
