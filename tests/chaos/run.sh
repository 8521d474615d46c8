#!/usr/bin/env bash
# Random faults under load, see chaos.py; on kubesim, or with --target cluster on a real control plane, which is started for
# it unless E2E_CLUSTER names the folder of one.
#
#   run.sh [--build DIR] [--target sim|cluster] [options of chaos.py]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/build.sh
. "$here/../build.sh"
export E2E_BIN=$build/bin E2E_NAMESPACE=${E2E_NAMESPACE:-dcm-sp}
export PYTHONPATH=$root/tests/end-to-end PYTHONDONTWRITEBYTECODE=1

if [[ " $* " = *" --target cluster "* ]] && [ -z "${E2E_CLUSTER:-}" ]; then
    state=$(mktemp -d)/cluster
    trap '"$root/tests/cluster/stop.sh" "$state" >/dev/null; rm -rf "$(dirname "$state")"' EXIT
    NAMESPACE=$E2E_NAMESPACE "$root/tests/cluster/start.sh" "$state" >/dev/null
    export E2E_CLUSTER=$state
fi
"${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider "$here/test_audit.py"
"${PYTHON:-/usr/bin/python3}" "$here/chaos.py" "$@"
