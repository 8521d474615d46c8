#!/usr/bin/env bash
# Checks the API document: schemathesis tests the running service with valid and invalid requests, and Spectral lints
# the document. Both are installed once, pinned, from PyPI and npm, into the user's cache.
#
#   run.sh
#
#   SP_TEST_SEED   of the data (1)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
SCHEMATHESIS=4.32.5
SPECTRAL=6.16.3
CASES_MIN=1000 # of schemathesis; fewer mean that something was left out
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dcm-k8s-container-sp/api-document
st=$cache/schemathesis-$SCHEMATHESIS/bin/st
spectral=$cache/spectral-$SPECTRAL/node_modules/.bin/spectral
state=$(mktemp -d)
run_pid=

finish() {
    if [ -n "$run_pid" ] && kill "$run_pid" 2>/dev/null; then
        wait "$run_pid" || true
    fi
    rm -rf "$state"
}
trap finish EXIT

free_port() { "$root/tests/end-to-end/ports.py"; }

install_tools() {
    [ -x "$st" ] || {
        python3 -m venv "${st%/bin/st}"
        "${st%/st}/pip" install --quiet "schemathesis==$SCHEMATHESIS"
    }
    [ -x "$spectral" ] ||
        npm install --silent --no-audit --no-fund --prefix "${spectral%/node_modules/*}" \
            "@stoplight/spectral-cli@$SPECTRAL"
}

start_service() {
    api=127.0.0.1:$(free_port)
    SP_EXEC=true SP_SERVER_ADDRESS=$api RUN_NATS_PORT=$(free_port) RUN_KUBESIM_PORT=$(free_port) \
        "$root/deploy/run.sh" >"$state/run.log" 2>&1 &
    run_pid=$!
    for ((i = 0; i < 600; i++)); do
        ! grep -q '^run: ready' "$state/run.log" || return 0
        kill -0 "$run_pid" 2>/dev/null || break
        sleep 0.1
    done
    cat "$state/run.log" >&2
    return 1
}

"$root/deploy/install-packages.sh" run api-check
install_tools
"$spectral" lint --fail-severity hint --ruleset "$here/spectral.yaml" "$root/api-svc/openapi.yaml"
start_service
cd "$state"
SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$here "$st" --config-file "$here/schemathesis.toml" run "http://$api/openapi.json" --url "http://$api" --checks all \
    --phases examples,coverage,fuzzing,stateful --max-examples 200 --seed "${SP_TEST_SEED:-1}" --generation-database none --no-color |
    tee "$state/st.log"
cases=$(sed -n 's/^ *\([0-9]*\) generated.*/\1/p' "$state/st.log")
[ "${cases:-0}" -ge "$CASES_MIN" ] || { echo "only ${cases:-0} cases; at least $CASES_MIN are wanted" >&2; exit 1; }
