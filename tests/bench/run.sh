#!/usr/bin/env bash
# Measures and prints; no assertions. On kubesim, or with --cluster on a real control plane.
#
#   run.sh [--build DIR] [--cluster] [--seconds S]
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=build
cluster=
seconds=10
while [ $# -gt 0 ]; do
    case $1 in
        --build) build=$2; shift 2 ;;
        --cluster) cluster=1; shift ;;
        --seconds) seconds=$2; shift 2 ;;
        *) echo "run.sh: unknown argument '$1'" >&2; exit 2 ;;
    esac
done
case $build in /*) ;; *) build=$root/$build ;; esac
bin=$build/bin
state=$(mktemp -d)
pids=()

stop_all() {
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || continue
        wait "${pids[i]}" 2>/dev/null || true
    done
    pids=()
}

finish() {
    stop_all
    [ -z "$cluster" ] || "$root/tests/cluster/stop.sh" "$state/cluster" >/dev/null
    rm -rf "$state"
}
trap finish EXIT

start() { # name, command...
    local name=$1
    shift
    "$@" >"$state/$name.log" 2>&1 &
    pids+=($!)
}

free_port() { "$root/tests/end-to-end/ports.py"; }

rss() { awk '/VmRSS/ { print $2 }' "/proc/$1/status"; }

nats_port=$(free_port)
api_port=$(free_port)
export SP_NAME=bench SP_NATS_URL=nats://127.0.0.1:$nats_port SP_SERVER_ADDRESS=127.0.0.1:$api_port
export SP_K8S_EXTERNAL_SVC_TYPE=NodePort SP_LOG_LEVEL=warn SP_K8S_NAMESPACE=dcm-sp
start nats nats-server -a 127.0.0.1 -p "$nats_port" -js -sd "$state/jetstream" # as deployed
if [ -n "$cluster" ]; then
    "$root/tests/cluster/start.sh" "$state/cluster" >/dev/null
    export SP_K8S_KUBECONFIG=$state/cluster/provider.kubeconfig
else
    export SP_K8S_KUBECONFIG=$state/kubeconfig
    start kubesim "$bin/kubesim" --listen "127.0.0.1:$(free_port)" --namespace dcm-sp \
        --write-kubeconfig "$SP_K8S_KUBECONFIG"
    sleep 0.5
fi
"${PYTHON:-/usr/bin/python3}" "$root/tests/bench/healthy.py" "$bin" 2>>"$state/healthy.log"

start api-svc "$bin/api-svc"
api_pid=$!
start kube-worker "$bin/kube-worker"
worker_pid=$!
sleep 1

bench() { # what, options...
    local what=$1
    shift
    "$bin/bench" "$what" --api "http://127.0.0.1:$api_port" --kubeconfig "$SP_K8S_KUBECONFIG" --namespace dcm-sp "$@"
}

# Idle: memory of bursts is released within two seconds.
memory() {
    sleep 3
    echo "resident: api-svc $(rss "$api_pid") KiB, kube-worker $(rss "$worker_pid") KiB ($1)"
}

memory "idle"
bench fill --containers 1000
memory "1000 containers"
bench get --clients 16 --rate 1000 --seconds "$seconds"
bench get --clients 1 --seconds "$seconds"
bench get --clients 32 --seconds "$seconds"
bench list --clients 1 --seconds "$seconds"
memory "after the reads"
bench create --clients 16 --seconds "$seconds"
memory "after the creates"
bench patch --clients 1 --containers 50 --seconds "$seconds"
bench scale --clients 1 --containers 50 --seconds "$seconds"
memory "after the changes"
stop_all
"${PYTHON:-/usr/bin/python3}" "$root/tests/bench/monitor.py" --bin "$bin"
