#!/bin/sh
# Takes the API server of the cluster in DIR away and brings it back on the same port; returns when it serves again.
#
#   tests/cluster/restart-apiserver.sh [DIR] [--kill] [--down SECONDS]
#
#   --kill     SIGKILL instead of SIGTERM: connections break without a goodbye
#   --down     how long nothing listens on the port (0)
#   ETCD_COMPACTION_INTERVAL, EVENT_TTL: as in start.sh; set them again if they were set there
#
# The controllers, the scheduler and kwok are started anew: left alone, they would be silent for up to a minute, until
# their own pauses between two attempts are over.
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"

dir='' signal=TERM down=0
while [ $# -gt 0 ]; do
    case $1 in
        --kill) signal=KILL ;;
        --down) down=${2:?--down needs seconds}; shift ;;
        -*) die "unknown option $1" ;;
        *) dir=$1 ;;
    esac
    shift
done
use_dir "$dir"
[ -s "$PORT_FILE" ] || die "no cluster in $DIR"
lock
pid_of etcd >/dev/null || die "etcd does not run in $DIR"

for program in $CONTROLLERS; do end "$program" KILL; done
end kube-apiserver "$signal"
sleep "$down"
start_apiserver "$(cat "$PORT_FILE")" || die "another process took port $(cat "$PORT_FILE")"
start_controllers
wait_ready
