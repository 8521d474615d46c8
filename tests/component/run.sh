#!/usr/bin/env bash
# Runs the component tests: one process each, against real peers (nats-server, kubesim, a TLS server).
#
#   run.sh [--build DIR] [component...]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/build.sh
. "$here/../build.sh"
export BUILD=$build KUBESIM=$build/bin/kubesim
ulimit -n "$(ulimit -Hn)"

[ $# -gt 0 ] || set -- "$here"/*/
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
status=0

run_one() { # each in its own pytest: their helper modules have the same names
    (cd "$here/$1" && "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider -n "${COMPONENT_PROCESSES:-3}")
}

# These mostly wait, so they run beside the others, one after the other; their output comes last.
waiting=()
for component in "$@"; do
    case $(basename "$component") in
        monitor | registrar) waiting+=("$(basename "$component")") ;;
    esac
done
{
    for name in "${waiting[@]}"; do
        run_one "$name" || touch "$logs/failed"
    done
} >"$logs/waiting" 2>&1 &
beside=$!
for component in "$@"; do
    case $(basename "$component") in
        monitor | registrar) ;;
        *) run_one "$(basename "$component")" || status=1 ;;
    esac
done
wait "$beside"
cat "$logs/waiting"
[ ! -e "$logs/failed" ] || status=1
exit $status
