#!/usr/bin/env bash
# Random faults under load (chaos.py), or a long run (soak.py); on kubesim, or with --target cluster on a real control
# plane, which is started unless E2E_CLUSTER is the folder of one.
#
#   run.sh [--build DIR] [--soak] [--target sim|cluster] [options of the program]
#
# With --nats 3 it builds a nats-server (build-nats.sh). With --network everything runs in separate namespaces (network,
# mounts, processes), if the kernel allows them, so no process and no mount remains, however it ends.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
arguments=("$@")
# shellcheck source=tests/build.sh
. "$here/../build.sh"
export E2E_BIN=$build/bin E2E_NAMESPACE=${E2E_NAMESPACE:-dcm-sp}
program=chaos.py
if [ "${1:-}" = --soak ]; then
    program=soak.py
    shift
fi
export PYTHONPATH=$root/tests/end-to-end:$root/tests/component/registrar PYTHONDONTWRITEBYTECODE=1

if [[ " $* " = *" --nats 3 "* ]] && [ -z "${CHAOS_NATS_SERVER:-}" ]; then
    CHAOS_NATS_SERVER=$("$here/build-nats.sh")
    export CHAOS_NATS_SERVER
fi
if [[ " $* " = *" --network "* ]] && [ -z "${CHAOS_NAMESPACES:-}" ]; then
    alone=(unshare --net --mount --pid --fork --kill-child --mount-proc)
    [ "$(id -u)" -eq 0 ] || alone+=(--map-root-user)
    if [ -n "${E2E_CLUSTER:-}" ]; then
        echo "run.sh: --network starts a control plane of its own: unset E2E_CLUSTER" >&2
        exit 2
    elif "${alone[@]}" true; then
        CHAOS_NAMESPACES=1 exec "${alone[@]}" "$0" "${arguments[@]}"
    fi
    echo "run.sh: no namespaces of our own are allowed here: the network is not cut, and no disk is full" >&2
fi
[ -z "${CHAOS_NAMESPACES:-}" ] || ip link set lo up
if [[ " $* " = *" --target cluster "* ]] && [ -z "${E2E_CLUSTER:-}" ]; then
    state=$(mktemp -d)/cluster
    trap '"$root/tests/cluster/stop.sh" "$state" >/dev/null; rm -rf "$(dirname "$state")"' EXIT
    [ -z "${CHAOS_NAMESPACES:-}" ] || export BIND_ADDRESS=0.0.0.0
    NAMESPACE=$E2E_NAMESPACE "$root/tests/cluster/start.sh" "$state" >/dev/null
    export E2E_CLUSTER=$state
fi
"${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider "$here"
"${PYTHON:-/usr/bin/python3}" "$here/$program" "$@"
