#!/usr/bin/env bash
# Tests the image all-in-one, started as in DCM's compose file for k8s-container-service-provider (variables, one port
# 8080, a kubeconfig at /kubeconfig), and as a Pod with a service account; with the simulator, and with the kubeconfig
# also with a real control plane if it was built (tests/cluster/build.sh). Needs root, podman and the network.
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
# shellcheck source=tests/deploy/podman.sh
. "$here/podman.sh"

network=dcm-sp-test-$$
name=$network-provider

finish() {
    [ -z "${cluster:-}" ] || "$root/tests/cluster/stop.sh" "$cluster" >/dev/null || true
    storage_remove
    podman network rm --force "$network" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

run() { podman run --detach "$@" >"$work/run" 2>&1 || die "podman run $*: $(cat "$work/run")"; }

# The variables of DCM's compose file, except for the names of other machines.
start() { # arguments of podman run...
    run --name "$name" -e SP_NAME=k8s-container-provider -e SP_ENDPOINT=http://k8s-container-service-provider:8080 \
        -e SP_NATS_URL="${nats_url:-nats://nats:4222}" -e SP_K8S_NAMESPACE="${namespace:-default}" \
        -e SP_K8S_EXTERNAL_SVC_TYPE=NodePort -e DCM_REGISTRATION_URL=http://service-provider-manager:8080/api/v1alpha1 \
        "$@" dcm-sp/all-in-one
    wait_until 60 "not healthy" healthy
    # Also by the health check of the image.
    wait_until 20 "its health check" podman healthcheck run "$name"
    smoke
}

process() { pgrep --ns "$(podman inspect --format '{{.State.Pid}}' "$name")" --nslist pid -x "$1"; }

is_back() { local pid && pid=$(process "$1") && [ "$pid" != "$2" ]; }

kill_each() {
    local program pid
    for program in api-svc kube-worker monitor registrar; do
        pid=$(process $program)
        kill -KILL "$pid"
        wait_until 20 "$program does not come back" is_back $program "$pid"
        wait_until 20 "not healthy after the end of $program" healthy
    done
    smoke
}

stop() {
    local begun=$SECONDS code
    podman stop --time 90 "$name" >/dev/null 2>&1
    code=$(podman inspect --format '{{.State.ExitCode}}' "$name")
    [ "$code" = 0 ] || die "ended with $code: $(podman logs --tail 20 "$name" 2>&1)"
    say "ended in $((SECONDS - begun)) s"
    podman rm "$name" >/dev/null 2>&1
}

storage_make
say "building the images"
build_image kubesim
build_image all-in-one
nats_image

port=$(free_port)
# shellcheck disable=SC2034  # lib.sh's
api=http://127.0.0.1:$port/api/v1alpha1/containers
podman network create "$network" >/dev/null
run --name "$network-nats" --network "$network" --network-alias nats "$nats" --jetstream --store_dir /tmp/jetstream
run --name "$network-kubesim" --network "$network" --network-alias kubesim dcm-sp/kubesim --listen 0.0.0.0:6443

say "as DCM's compose file starts it: a kubeconfig at /kubeconfig"
start --network "$network" --publish "127.0.0.1:$port:8080" \
    --volume "$root/deploy/containers/sim.kubeconfig:/kubeconfig:ro"
say "each process is killed once"
kill_each
stop

say "as a Pod: a service account, and a root that is read only"
account=$work/account
mkdir "$account"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=kubernetes -addext subjectAltName=DNS:kubernetes \
    -keyout "$account/tls.key" -out "$account/ca.crt" 2>/dev/null
echo -n pod-token >"$account/token"
echo -n default >"$account/namespace"
chmod -R a+rX "$account" "$work"
chmod a+r "$account/tls.key"
run --name "$network-kubernetes" --network "$network" --network-alias kubernetes --volume "$account:/account:ro" dcm-sp/kubesim \
    --listen 0.0.0.0:6443 --tls-cert /account/ca.crt --tls-key /account/tls.key --token pod-token
start --network "$network" --publish "127.0.0.1:$port:8080" --read-only --cap-drop all \
    --volume "$account:/var/run/secrets/kubernetes.io/serviceaccount:ro" \
    -e KUBERNETES_SERVICE_HOST=kubernetes -e KUBERNETES_SERVICE_PORT=6443
kill_each
stop

if [ -d "${XDG_CACHE_HOME:-$HOME/.cache}/dcm-k8s-container-sp/cluster" ]; then
    say "on a real control plane"
    cluster=$work/cluster
    "$root/tests/cluster/start.sh" "$cluster" >/dev/null 2>&1
    chmod a+rx "$cluster"
    cp "$cluster/provider.kubeconfig" "$work/kubeconfig"
    chmod a+r "$work/kubeconfig"
    nats_port=$(free_port)
    run --name "$network-nats-host" --network host "$nats" --addr 127.0.0.1 --port "$nats_port"
    nats_url=nats://127.0.0.1:$nats_port
    namespace=dcm-sp # of start.sh
    start --network host -e SP_SERVER_ADDRESS="127.0.0.1:$port" --volume "$work/kubeconfig:/kubeconfig:ro"
    kill_each
    stop
else
    say "NOT tried on a real control plane: tests/cluster/build.sh has not built one here"
fi
say "passed in $SECONDS s"
