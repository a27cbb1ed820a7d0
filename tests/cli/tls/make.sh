#!/usr/bin/env bash
# Makes the certificates of the webhook's test anew: an authority of its own, and a server at the name localhost. They are
# good for a hundred years and for nothing but the test; the authority's key is thrown away.
set -euo pipefail
cd "$(dirname "$0")"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${ec[@]}" -keyout "$folder/ca.key" -out ca.pem -days 36500 -subj "/CN=holdpoint test authority" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
openssl req "${ec[@]}" -keyout key.pem -out "$folder/server.csr" -subj "/CN=localhost" 2>/dev/null
printf 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n' >"$folder/ext"
openssl x509 -req -in "$folder/server.csr" -CA ca.pem -CAkey "$folder/ca.key" -CAcreateserial -days 36500 \
  -extfile "$folder/ext" -out cert.pem 2>/dev/null
