#!/usr/bin/env bash
# Runs the component tests: one process each, against real peers (nats-server, kubesim, a TLS server).
#
#   run.sh [--build DIR] [component...]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/build.sh
. "$here/../build.sh"
# shellcheck source=tests/side-by-side.sh
. "$here/../side-by-side.sh"
export BUILD=$build KUBESIM=$build/bin/kubesim
ulimit -n "$(ulimit -Hn)"

[ $# -gt 0 ] || set -- "$here"/*/
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run_one() { # each in its own pytest: their helper modules have the same names
    (cd "$here/$1" && side_by_side "${COMPONENT_PROCESSES:-4}")
}

run_lane() { # name...: one after the other
    local name
    for name in "$@"; do
        run_one "$name" || touch "$logs/failed"
    done
}

# Four lanes of similar duration run in parallel, since the tests mostly wait; output is printed at the end.
lane_of() { # name
    case $1 in
        api-svc) echo 1 ;;
        monitor | registrar) echo 2 ;;
        nats | streams) echo 3 ;;
        *) echo 4 ;;
    esac
}
lanes=()
for component in "$@"; do
    name=$(basename "$component")
    lanes[$(lane_of "$name")]+=" $name"
done
for lane in "${!lanes[@]}"; do
    # shellcheck disable=SC2086  # names
    run_lane ${lanes[$lane]} >"$logs/$lane" 2>&1 &
done
wait
cat "$logs"/[1-4]
[ ! -e "$logs/failed" ]
