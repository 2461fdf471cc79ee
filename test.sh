#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what the tests need where it is missing, and runs all of them.
# ./test.sh fast runs the fast part only: the same as go test ./...: no PostgreSQL, no browser, no race detector.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

need() { # program, Debian package
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}

install_missing() {
  missing=()
  need git git
  need node nodejs
  need chromium chromium
  need strace strace
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
  command -v gcc >/dev/null 2>&1 || missing+=(gcc libc6-dev)
  [ "${#missing[@]}" -eq 0 ] && return
  say "installing ${missing[*]}"
  local as=()
  [ "$(id -u)" -eq 0 ] || as=(sudo)
  "${as[@]}" apt-get update -qq
  # The tests start a private PostgreSQL of their own; no service is to start here.
  DEBIAN_FRONTEND=noninteractive "${as[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if [ "${1:-}" = fast ]; then
  go vet ./...
  exec go test ./...
fi

install_missing
export ASSAY_TESTS=all
say "format and vet"
unformatted=$(gofmt -l $(git ls-files '*.go' | grep -v _templ.go))
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }
go vet ./...

# Packages that measure or drive whole programs run without the race detector: it would measure itself. Those
# that mostly compute run their long proofs without it too, and a short round with it.
plain='^assay/(bench|test/browser|test/bars|test/truth|test/verifier|tools/)'
pure='^assay/(content|internal/(ledger|check|report|collect/source/git)$)'
say "with the race detector, on SQLite and PostgreSQL"
go test -race -timeout 12m $(go list ./... | grep -Ev "$plain|$pure")
go test -race -short -timeout 12m $(go list ./... | grep -E "$pure")
say "proofs, bars, both verifiers, and every page in a browser"
go test -timeout 12m $(go list ./... | grep -E "$plain|$pure")
say "all tests passed"
