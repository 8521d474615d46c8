#!/bin/sh
# Stops the cluster in DIR, waits until all its processes have ended, and removes its files.
#
#   tests/cluster/stop.sh [DIR]           everything is removed
#   KEEP=1 tests/cluster/stop.sh [DIR]    objects, certificates and logs are kept for start.sh
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"
use_dir "${1:-}"

[ -d "$DIR/run" ] || { say "no cluster in $DIR"; exit 0; }
lock
# Clients first, then the API server, then etcd, so that none waits for a stopped one.
for program in $CONTROLLERS; do
    if pid=$(pid_of "$program"); then kill "$pid" 2>/dev/null || true; fi
done
for program in $CONTROLLERS kube-apiserver etcd; do end "$program"; done

[ "${KEEP:-}" = 1 ] && exit 0
# Only the files of start.sh; the folder itself only if it is empty.
cd "$DIR"
rm -rf bin containers etcd logs pki run
rm -f lock node.yaml scheduler.yaml ./*.kubeconfig ./*.kubeconfig.new
cd /
rmdir "$DIR" 2>/dev/null || true
