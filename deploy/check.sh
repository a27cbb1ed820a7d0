#!/usr/bin/env bash
# Checks the units: that systemd can read them, and how exposed the system service is. Installs Debian's systemd package
# when its tools are missing and we are root; nothing is started.
set -euo pipefail
cd "$(dirname "$0")"

# The highest exposure that is accepted, in tenths.
most=15

if ! command -v systemd-analyze >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "deploy/check.sh: systemd-analyze is not here, and only root on a Debian system can install it: NOT CHECKED" >&2
    echo "  hint: apt-get install systemd" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends systemd >/dev/null
fi

# The tenths at the line's end: "... Overall exposure level for holdpoint.service: 1.2 OK".
report="$(systemd-analyze security --offline=true --threshold="$most" --no-pager holdpoint.service)" || {
  printf '%s\n' "$report" >&2
  echo "deploy/check.sh: holdpoint.service is more exposed than $most tenths; the lines with ✗ say by what" >&2
  exit 1
}
printf '%s\n' "$report" | sed -n 's/^→ //p'

# The programs and pages that the units name need not be installed here.
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
for unit in holdpoint.service holdpoint.socket holdpoint-user.service; do
  sed -e 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' -e '/^Documentation=man:/d' "$unit" >"$folder/$unit"
done
verify() {
  local said
  said="$(systemd-analyze verify --man=no "$@" 2>&1)" || { printf '%s\n' "$said" >&2; exit 1; }
  # A directive that systemd does not know is a warning, and a mistake.
  if [ -n "$said" ]; then printf '%s\n' "$said" >&2; exit 1; fi
}
verify "$folder/holdpoint.service" "$folder/holdpoint.socket"
# A user's manager needs a place for its runtime directories.
export XDG_RUNTIME_DIR="$folder"
verify --user "$folder/holdpoint-user.service"
systemd-sysusers --dry-run "$PWD/holdpoint.sysusers" >/dev/null
echo "the units are valid"
