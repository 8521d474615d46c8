#!/bin/sh
# Stops and restarts a part of the cluster in DIR; returns when Deployments get their Pods again.
#
#   tests/cluster/restart.sh [DIR] [PART] [--kill] [--down SECONDS]
#
#   PART       kube-apiserver (the default; on the same port), etcd or kube-controller-manager
#   --kill     SIGKILL instead of SIGTERM: connections are reset
#   --down     time until the restart (0)
#   ETCD_COMPACTION_INTERVAL, EVENT_TTL, BIND_ADDRESS: as in start.sh; must be set again
#
# With the API server, the controllers, the scheduler and kwok are restarted: otherwise they would retry only after up
# to a minute.
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"

dir='' part=kube-apiserver signal=TERM down=0
while [ $# -gt 0 ]; do
    case $1 in
        --kill) signal=KILL ;;
        --down) down=${2:?--down needs seconds}; shift ;;
        kube-apiserver|etcd|kube-controller-manager) part=$1 ;;
        -*) die "unknown option $1" ;;
        *) [ -z "$dir" ] || die "unknown part $1"; dir=$1 ;;
    esac
    shift
done
use_dir "$dir"
[ -s "$PORT_FILE" ] || die "no cluster in $DIR"
lock
pid_of etcd >/dev/null || die "etcd does not run in $DIR"

[ "$part" != kube-apiserver ] || for program in $CONTROLLERS; do end "$program" KILL; done
end "$part" "$signal"
sleep "$down"
case $part in
    kube-apiserver)
        start_apiserver "$(cat "$PORT_FILE")" || die "another process took port $(cat "$PORT_FILE")"
        start_controllers ;;
    etcd) start_etcd ;;
    kube-controller-manager) start_controller_manager ;;
esac
until_true 60 'the API server is ready' admin get --raw=/readyz
wait_ready
