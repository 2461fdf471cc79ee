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

# The tests start a private PostgreSQL; the one that Debian's package starts is left alone.
apt_install() { "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

# Installs what is missing: certificates at once, because Go downloads with them, and the rest while Go compiles.
install_missing() {
  as=() installing=
  missing=()
  trusts_somebody || missing+=(ca-certificates)
  need git git
  need node nodejs
  [ -x /usr/lib/chromium/chromium-headless-shell ] || need chromium chromium-headless-shell
  need strace strace
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
  need gcc gcc libc6-dev
  [ "${#missing[@]}" -eq 0 ] && return
  say "installing ${missing[*]}"
  command -v apt-get >/dev/null || stop "This machine has no apt-get. Install what these Debian packages hold, and start again: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "Only root may install, and there is no sudo here. As root: apt-get update; apt-get install --no-install-recommends ${missing[*]}"
    as=(sudo)
    sudo -v # it may ask for a password: now, not later and unseen
  fi
  "${as[@]}" apt-get update -qq
  if [ "${missing[0]}" = ca-certificates ]; then
    apt_install ca-certificates
    missing=("${missing[@]:1}")
  fi
  [ "${#missing[@]}" -eq 0 ] && return
  apt_install "${missing[@]}" &
  installing=$!
}

installed() {
  [ -z "$installing" ] || wait "$installing" || stop "Not everything could be installed (see above). As root: apt-get install --no-install-recommends ${missing[*]}"
}

node_is_new_enough() {
  local v
  v=$(node -p 'process.versions.node.split(".")[0]')
  [ "$v" -ge 18 ] || stop "The second verifier needs Node 18 or newer; $(command -v node) is $(node --version). Put a newer one first in PATH."
}

# A compiler that collects its garbage later is done an eighth earlier.
patient() { GOGC=400 "$@"; }

command -v go >/dev/null || stop "There is no go in PATH. Install Go 1.26 (https://go.dev/dl) and put its bin folder in PATH."
if [ "${1:-}" = fast ]; then
  go vet ./...
  exec go test ./...
fi

export ASSAY_TESTS=all
# What only a debugger reads takes a sixth of the time of compiling. Programs are built without C, as they are shipped.
export GOFLAGS="${GOFLAGS:-} -gcflags=all=-dwarf=false" CGO_ENABLED=0

install_missing
say "vet"
patient go vet ./...
installed
node_is_new_enough
say "format"
unformatted=$(gofmt -l $(git ls-files '*.go' | grep -v _templ.go))
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }

# Packages that measure, drive whole programs or share nothing between threads run without the race detector: it would measure itself. The ledger
# runs both ways: beside the detector with fewer entries.
plain='^assay/(bench|test/browser|test/bars|test/reference|test/truth|test/verifier|tools/)'
# SQLite is C that was translated to Go: its memory and its locks are its own, and watching them costs more than
# all the rest. So does the making of password hashes, which shares nothing. What is ours, and what lies between, is watched.
race=(-race)
for p in modernc.org/sqlite/lib modernc.org/libc golang.org/x/crypto/argon2 golang.org/x/crypto/blake2b; do
  race+=("-gcflags=$p=-race=false -dwarf=false")
done
watched=$(go list ./... | grep -Ev "$plain")
say "compiling for the race detector"
CGO_ENABLED=1 patient go list -test -deps -export "${race[@]}" $watched >/dev/null
say "with the race detector, on SQLite and PostgreSQL"
# -vet=off: vet has run, over everything. The tests of the whole product are watched on SQLite, and below they run on both
# engines without being watched: both at once would take longer than all the rest.
watch() { CGO_ENABLED=1 GORACE=atexit_sleep_ms=50 go test -vet=off "${race[@]}" -timeout 30m "$@"; }
ASSAY_TESTS= watch assay/test &
product=$!
watch $(grep -v '^assay/test$' <<<"$watched")
wait "$product"
say "proofs, bars, both verifiers, and every page in a browser"
go test -vet=off -timeout 30m assay/test assay/test/browser $(go list ./... | grep -E "$plain|^assay/internal/ledger$" | grep -v '^assay/test/browser$')
say "all tests passed"
