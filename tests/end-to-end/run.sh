#!/usr/bin/env bash
# Runs the end-to-end tests: against kubesim, or with --cluster against a real Kubernetes API server.
#
#   run.sh [--build DIR] [--cluster] [pytest arguments]
#
# --cluster uses KUBECONFIG with SP_K8S_KUBECONFIG and SP_K8S_NAMESPACE if they are set; otherwise the control plane of
# tests/cluster/start.sh, which is started if it is not running, and then stopped at the end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=build
cluster=
while [ $# -gt 0 ]; do
    case $1 in
        --build) build=$2; shift 2 ;;
        --cluster) cluster=1; shift ;;
        *) break ;;
    esac
done
case $build in /*) ;; *) build=$root/$build ;; esac
chosen=
for argument in "$@"; do
    case $argument in test_*) chosen=1 ;; esac
done
export E2E_BIN=$build/bin
processes=14
case $build in
    *thread*) export E2E_SLOWER=4 processes=4 ;;
    *address*) export E2E_SLOWER=2 processes=4 ;;
esac
ulimit -n "$(ulimit -Hn)"

if [ -n "$cluster" ]; then
    if [ -z "${SP_K8S_KUBECONFIG:-}" ]; then
        state=$(mktemp -d)/cluster
        trap '"$root/tests/cluster/stop.sh" "$state" >/dev/null; rm -rf "$(dirname "$state")"' EXIT
        "$root/tests/cluster/start.sh" "$state"
        export E2E_CLUSTER=$state
        export KUBECONFIG=$state/admin.kubeconfig SP_K8S_KUBECONFIG=$state/provider.kubeconfig SP_K8S_NAMESPACE=dcm-sp
    fi
    export E2E_KUBECONFIG=${KUBECONFIG:?names the kubeconfig with all rights}
    export E2E_PROVIDER_KUBECONFIG=$SP_K8S_KUBECONFIG
    export E2E_NAMESPACE=${SP_K8S_NAMESPACE:?names the namespace for the tests}
    set -- --ignore-glob="*_simulated.py" "$@"
fi
# Tests that require the programs of tests/cluster (E2E_CLUSTER: its folder).
[ -n "${E2E_CLUSTER:-}" ] || set -- --ignore-glob="*_cluster.py" "$@"
[ "${METRICS_SERVER:-}" = yes ] || set -- --ignore-glob="*_metrics_server.py" "$@"
# nats-py, a common NATS library, for the simulated programs of DCM.
NATS_PY=2.16.0
library=${XDG_CACHE_HOME:-$HOME/.cache}/dcm-k8s-container-sp/nats-py-$NATS_PY
if [ ! -d "$library" ]; then
    venv=$(mktemp -d)
    "${PYTHON:-/usr/bin/python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --target "$venv/library" "nats-py==$NATS_PY"
    mkdir -p "$(dirname "$library")"
    mv "$venv/library" "$library"
    rm -rf "$venv"
fi
export PYTHONPATH=$library
cd "$here"

run() { "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider "$@"; }
# shellcheck source=tests/side-by-side.sh
. "$root/tests/side-by-side.sh"

# Tests mostly wait, so several run in parallel, each with its own simulator or namespace. Tests that stop or fill the
# whole control plane run alone, as do all tests on a shared cluster.
alone=(test_monitor_chaos.py test_many_pods.py test_size.py)
if [ -z "$cluster" ]; then
    side_by_side "${E2E_PROCESSES:-$processes}" "$@"
elif [ -n "${E2E_CLUSTER:-}" ] && [ -z "$chosen" ]; then
    side_by_side "${E2E_PROCESSES:-3}" --ignore-glob="*_cluster.py" "${alone[@]/#/--ignore=}" "$@"
    run "$@" "${alone[@]}" ./*_cluster.py
else
    run "$@"
fi
