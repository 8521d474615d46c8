#!/usr/bin/env bash
# Runs the README's test command and the test of the Debian package on Debian 13, in a separate system. Needs root, and
# half an hour.
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
trap 'rm -rf "$work"' EXIT

tree=$work/tree

inside() { # command: in the clone; the tree has the machine's network and trusts whom it trusts, for apt and pip
    systemd-nspawn --quiet --register=no --keep-unit --machine="dcm-sp-$$" --directory="$tree" --chdir=/src --pipe \
        --setenv=PIP_CERT=/etc/ssl/certs/ca-certificates.crt sh -ec "$1" </dev/null
}

tree_make trixie "$tree" git ca-certificates
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
git clone --quiet "$root" "$tree/src"
say "make deb"
inside 'deploy/install-packages.sh build deb && make -s deb && lintian --fail-on error,warning build/deb/*.changes' \
    >"$work/deb" 2>&1 || die "$(tail -n 40 "$work/deb")"
grep -E '^(/|W:|E:)' "$work/deb" || true
say "tests/run.sh"
inside 'deploy/install-packages.sh build run test && make -s -j2 WERROR=1 all && tests/run.sh'
say "passed in $SECONDS s"
