#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what the tests need where it is missing, and runs all of them.
# ./test.sh fast runs the fast part only: the same as go test ./...: no PostgreSQL, no browser, no race detector.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

stop() { printf '%s\n' "$*" >&2; exit 1; }

need() { # program, Debian packages
  command -v "$1" >/dev/null 2>&1 || missing+=("${@:2}")
}

# Where Go looks for the certificates that it trusts when it downloads modules.
trusts_somebody() {
  local f
  for f in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem \
    /etc/pki/tls/cacert.pem /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/cert.pem; do
    [ -n "$f" ] && [ -e "$f" ] && return
  done
  return 1
}

install_missing() {
  missing=()
  trusts_somebody || missing+=(ca-certificates)
  need git git
  need node nodejs
  need chromium chromium
  need strace strace
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
  need gcc gcc libc6-dev
  [ "${#missing[@]}" -eq 0 ] && return
  say "installing ${missing[*]}"
  local as=()
  command -v apt-get >/dev/null || stop "This machine has no apt-get. Install what these Debian packages hold, and start again: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "Only root may install, and there is no sudo here. As root: apt-get update; apt-get install --no-install-recommends ${missing[*]}"
    as=(sudo)
  fi
  "${as[@]}" apt-get update -qq
  # The tests start a private PostgreSQL; the one that Debian's package starts is left alone.
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

node_is_new_enough() {
  local v
  v=$(node -p 'process.versions.node.split(".")[0]')
  [ "$v" -ge 18 ] || stop "The second verifier needs Node 18 or newer; $(command -v node) is $(node --version). Put a newer one first in PATH."
}

command -v go >/dev/null || stop "There is no go in PATH. Install Go 1.26 (https://go.dev/dl) and put its bin folder in PATH."
if [ "${1:-}" = fast ]; then
  go vet ./...
  exec go test ./...
fi

install_missing
node_is_new_enough
export ASSAY_TESTS=all
say "format and vet"
unformatted=$(gofmt -l $(git ls-files '*.go' | grep -v _templ.go))
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }
go vet ./...

# Packages that measure or drive whole programs run without the race detector: it would measure itself. The ledger
# runs both ways: beside the detector with fewer entries.
plain='^assay/(bench|test/browser|test/bars|test/truth|test/verifier|tools/)'
# SQLite is C that was translated to Go: its memory and its locks are its own, and watching them costs more than
# all the rest. What is ours, and what lies between, is watched.
# -vet=off: vet has run, over everything.
race=(-race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false)
say "with the race detector, on SQLite and PostgreSQL"
go test -vet=off "${race[@]}" -timeout 30m assay/test $(go list ./... | grep -Ev "$plain|^assay/test$") # the longest first
say "proofs, bars, both verifiers, and every page in a browser"
go test -vet=off -timeout 30m assay/test/browser $(go list ./... | grep -E "$plain|^assay/internal/ledger$" | grep -v '^assay/test/browser$')
say "all tests passed"
