#!/usr/bin/env bash
# Builds and runs the whole pipeline in the foreground: nats-server, a Kubernetes simulator, api-svc, kube-workers, monitor.
# Ctrl-C stops all processes.
#
# Variables, all optional:
#   SP_SERVER_ADDRESS   listen address of the API                       127.0.0.1:8080
#   SP_K8S_KUBECONFIG   use this cluster instead of the simulator       (with SP_K8S_NAMESPACE)
#   SP_NATS_URL         use this NATS server instead of starting one
#   RUN_NATS_PORT       port of the started nats-server                 4222
#   RUN_KUBESIM_PORT    port of the started simulator                   6443
#   RUN_WORKERS         number of kube-workers                          2
#   DCM_REGISTRATION_URL  register with this registry: starts a registrar with SP_ENDPOINT (default: the API address)
# All other SP_... variables of the README are supported; SP_METRICS_ADDRESS only with port 0, as it applies to all
# processes (the port is in the log of each).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
bin=$root/build/bin
export SP_NAME=${SP_NAME:-k8s-container-sp}
export SP_SERVER_ADDRESS=${SP_SERVER_ADDRESS:-127.0.0.1:8080}
export SP_K8S_EXTERNAL_SVC_TYPE=${SP_K8S_EXTERNAL_SVC_TYPE:-NodePort}
nats_port=${RUN_NATS_PORT:-4222}
kubesim_port=${RUN_KUBESIM_PORT:-6443}
workers=${RUN_WORKERS:-2}
names=()
pids=()

say() { echo "run: $*"; }
die() { echo "run: $*" >&2; exit 1; }

# Send SIGTERM to all processes in reverse order of start and wait for each. The logs are kept on failure.
stop_all() {
    local status=$?
    trap '' INT TERM
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || continue
        wait "${pids[i]}" 2>/dev/null || true
    done
    if [ "$status" -eq 0 ]; then
        rm -rf "$state"
        say "stopped"
    else
        say "stopped; the logs are kept in $state"
    fi
}

port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

require_port() { # port, purpose, variable that configures it
    port_is_free "$1" || die "port $1 ($2) is in use; stop the process that listens on it, or set $3"
}

start() { # name, command...
    local name=$1
    shift
    # Separate session: Ctrl-C reaches only this script, which then stops the processes in order.
    setsid "$@" >"$state/$name.log" 2>&1 &
    names+=("$name")
    pids+=($!)
}

check_alive() {
    for i in "${!pids[@]}"; do
        kill -0 "${pids[i]}" 2>/dev/null && continue
        tail -n 20 "$state/${names[i]}.log" >&2
        die "${names[i]} has exited (see the log above)"
    done
}

wait_until() { # seconds, what, command...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        check_alive
        [ $SECONDS -lt $end ] || die "timeout: $what"
        sleep 0.05
    done
}

port_answers() { ! port_is_free "$1"; }

healthy() {
    curl -fsS --max-time 2 "$api/api/v1alpha1/containers/health" 2>/dev/null | grep -q '"status":"healthy"'
}

deploy/install-packages.sh build run
say "building"
make -s -j"$(nproc)" all

host=${SP_SERVER_ADDRESS%:*}
api_port=${SP_SERVER_ADDRESS##*:}
case $host in '' | 0.0.0.0 | '[::]') host=127.0.0.1 ;; esac
api=http://$host:$api_port
require_port "$api_port" "the API" SP_SERVER_ADDRESS
[ -n "${SP_NATS_URL:-}" ] || require_port "$nats_port" "nats-server" RUN_NATS_PORT
[ -n "${SP_K8S_KUBECONFIG:-}" ] || require_port "$kubesim_port" "kubesim" RUN_KUBESIM_PORT

state=$(mktemp -d)
trap stop_all EXIT
trap 'exit 0' INT TERM

if [ -z "${SP_NATS_URL:-}" ]; then
    export SP_NATS_URL=nats://127.0.0.1:$nats_port
    start nats-server nats-server -a 127.0.0.1 -p "$nats_port" -js -sd "$state/jetstream"
    wait_until 10 "nats-server" port_answers "$nats_port"
fi
if [ -z "${SP_K8S_KUBECONFIG:-}" ]; then
    cluster="kubesim, a simulator, at http://127.0.0.1:$kubesim_port (kubectl --kubeconfig $state/kubeconfig)"
    export SP_K8S_KUBECONFIG=$state/kubeconfig
    start kubesim "$bin/kubesim" --listen "127.0.0.1:$kubesim_port" --namespace "${SP_K8S_NAMESPACE:-default}" \
        --write-kubeconfig "$SP_K8S_KUBECONFIG"
    wait_until 10 "kubesim" port_answers "$kubesim_port"
else
    [ -r "${SP_K8S_KUBECONFIG%%:*}" ] || die "SP_K8S_KUBECONFIG cannot be read: $SP_K8S_KUBECONFIG"
    cluster="the cluster of $SP_K8S_KUBECONFIG"
fi
start api-svc "$bin/api-svc"
for ((n = 1; n <= workers; n++)); do
    start "kube-worker-$n" "$bin/kube-worker"
done
start monitor "$bin/monitor"
if [ -n "${DCM_REGISTRATION_URL:-}" ]; then
    export SP_ENDPOINT=${SP_ENDPOINT:-$api}
    start registrar "$bin/registrar"
fi
wait_until 20 "the pipeline is not healthy (check the Kubernetes API and the kubeconfig)" healthy

say "ready: $api/api/v1alpha1/containers"
say "Kubernetes: $cluster"
say "logs: $state/*.log; Ctrl-C stops all processes and removes the logs"
while sleep 1; do
    check_alive
done
