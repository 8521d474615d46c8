#!/usr/bin/env bash
# Runs the component tests: one process each, against real peers (nats-server, kubesim, a TLS server).
#
#   run.sh [--build DIR] [component...]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=build
if [ "${1:-}" = --build ]; then
    build=$2
    shift 2
fi
case $build in /*) ;; *) build=$root/$build ;; esac
export BUILD=$build KUBESIM=$build/bin/kubesim
ulimit -n "$(ulimit -Hn)"

[ $# -gt 0 ] || set -- "$here"/*/
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
status=0

run_one() { # each in its own pytest: their helper modules have the same names
    (cd "$here/$1" && "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider)
}

# The registrar's tests mostly wait, so they run beside the others; their output comes last.
beside=
for component in "$@"; do
    name=$(basename "$component")
    if [ "$name" = registrar ]; then
        run_one "$name" >"$logs/$name" 2>&1 &
        beside=$!
    fi
done
for component in "$@"; do
    name=$(basename "$component")
    [ "$name" = registrar ] || run_one "$name" || status=1
done
if [ -n "$beside" ]; then
    wait "$beside" || status=1
    cat "$logs/registrar"
fi
exit $status
