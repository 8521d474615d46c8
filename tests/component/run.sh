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
status=0
for component in "$@"; do
    # Each in its own pytest: their helper modules have the same names.
    (cd "$here/$(basename "$component")" && "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider) || status=1
done
exit $status
