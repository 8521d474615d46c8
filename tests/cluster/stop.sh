#!/bin/sh
# Ends the cluster in DIR, waits until every process of it is gone, and removes what it kept there.
#
#   tests/cluster/stop.sh [DIR]           nothing remains
#   KEEP=1 tests/cluster/stop.sh [DIR]    objects, certificates and logs remain; start.sh takes them up again
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"
use_dir "${1:-}"

[ -d "$DIR/run" ] || { say "no cluster in $DIR"; exit 0; }
lock
# Those who ask first, then who answers, then the store: none waits for one that has gone.
for program in $CONTROLLERS; do
    if pid=$(pid_of "$program"); then kill "$pid" 2>/dev/null || true; fi
done
for program in $CONTROLLERS kube-apiserver etcd; do end "$program"; done

[ "${KEEP:-}" = 1 ] && exit 0
# Only what start.sh made; the folder itself only if nothing else is in it.
cd "$DIR"
rm -rf bin containers etcd logs pki run
rm -f lock node.yaml scheduler.yaml ./*.kubeconfig ./*.kubeconfig.new
cd /
rmdir "$DIR" 2>/dev/null || true
