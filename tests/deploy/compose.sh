#!/usr/bin/env bash
# Tests compose.yaml with the simulator: with the podman-compose of Debian and of PyPI, and validated by the library of
# docker compose (compose-go). Workers are added and removed under load, and every container is killed once; also with
# compose.secured.yaml. Needs root, podman, podman-compose, Go and the network.
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
# shellcheck source=tests/deploy/podman.sh
. "$here/podman.sh"

COMPOSE_GO=2.16.2
PODMAN_COMPOSE=1.6.0
project=dcm-sp-test-$$
services="nats kubesim api-svc kube-worker monitor registrar"

K8S_CONTAINER_SP_PORT=$(free_port)
export K8S_CONTAINER_SP_PORT
# shellcheck disable=SC2034  # lib.sh's
api=http://127.0.0.1:$K8S_CONTAINER_SP_PORT/api/v1alpha1/containers

finish() {
    [ -z "${load_pid:-}" ] || kill "$load_pid" 2>/dev/null || true
    [ -z "${compose[*]:-}" ] || run_compose down --volumes >/dev/null 2>&1 || true
    storage_remove
    podman network rm --force "${project}_default" >/dev/null 2>&1 || true # not removed by podman-compose of Debian 12
    rm -rf "$work"
}
trap finish EXIT

run_compose() { (cd "$root" && "${compose[@]}" --project-name "$project" "$@"); }

container() { echo "${project}_${1}_${2:-1}"; } # service, number

up() { run_compose up --detach --no-build "$@" >"$work/up" 2>&1 || die "up $*: $(tail -n 20 "$work/up")"; }

pid_of() { podman inspect --format '{{.State.Pid}}' "$1"; }

# A new process with the same name.
is_back() { [[ $(pid_of "$1") != 0 && $(pid_of "$1") != "$2" ]]; }

well() { podman healthcheck run "$1"; }

begin() { # name of the tool
    local service
    say "$1: up"
    up
    wait_until 60 "not healthy" healthy
    for service in api-svc kube-worker monitor registrar; do
        wait_until 20 "$service reports that it is not healthy" well "$(container $service)"
    done
    smoke
}

end() { # name of the tool
    local service code
    say "$1: stop and down"
    run_compose stop >"$work/stop" 2>&1 || die "stop: $(tail -n 20 "$work/stop")"
    for service in api-svc kube-worker monitor registrar; do
        code=$(podman inspect --format '{{.State.ExitCode}}' "$(container $service)")
        [ "$code" = 0 ] || die "$service ended with $code: $(podman logs --tail 5 "$(container $service)" 2>&1)"
    done
    run_compose down --volumes >"$work/down" 2>&1 || die "down: $(tail -n 20 "$work/down")"
    [ -z "$(podman ps --all --quiet)" ] || die "containers are left: $(podman ps --all)"
}

try() { # name of the tool
    local service name pid
    begin "$1"

    say "$1: 1 worker, 3, 1, under load"
    load_begin
    sleep 2
    scale 3
    for name in $(container kube-worker 2) $(container kube-worker 3); do
        wait_until 20 "$name reports that it is not healthy" well "$name"
    done
    sleep 2
    scale 1
    # podman-compose does not remove excess containers.
    podman rm --force --ignore --time 45 "$(container kube-worker 2)" "$(container kube-worker 3)" >/dev/null
    sleep 2
    load_end

    for service in $services; do
        say "$1: $service is killed"
        name=$(container "$service")
        pid=$(pid_of "$name")
        kill -KILL "$pid"
        wait_until 20 "$service does not come back" is_back "$name" "$pid"
        wait_until 60 "not healthy after the end of $service" healthy
        smoke
    done
    end "$1"
}

try_secured() { # name of the tool
    secrets_make "$work/secrets"
    chown -R 65532 "$work/secrets"
    export DCM_SP_SECRETS=$work/secrets
    # shellcheck disable=SC2034  # lib.sh's
    api=https://${api#http://}
    begin "$1"
    refused || die "without a token: $(cat "$work/refused")"
    end "$1"
}

for files in compose.yaml "compose.yaml deploy/containers/compose.secured.yaml"; do
    say "compose-go $COMPOSE_GO reads $files"
    # shellcheck disable=SC2086  # one argument a file
    (cd "$root" && go run "github.com/compose-spec/compose-go/v2/cmd@v$COMPOSE_GO" $files) >"$work/read" 2>&1 ||
        die "$(tail -n 20 "$work/read")"
done

storage_make
say "building the images"
for image in $images; do [ "$image" = all-in-one ] || build_image "$image"; done
nats_image

# Debian 12's supports neither profiles (the simulator is always started) nor --scale.
compose=(/usr/bin/podman-compose)
scale() { K8S_CONTAINER_SP_WORKERS=$1 up; }
try "podman-compose $(podman-compose --version 2>/dev/null | sed -n 's/.*podman-composer\{0,1\} version:* *//p' | head -n 1)"

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "podman-compose==$PODMAN_COMPOSE"
compose=("$work/venv/bin/podman-compose" --profile sim)
scale() { up --scale "kube-worker=$1"; }
try "podman-compose $PODMAN_COMPOSE"
compose+=(-f compose.yaml -f deploy/containers/compose.secured.yaml)
try_secured "podman-compose $PODMAN_COMPOSE, secured"
say "passed in $SECONDS s"
