# Shared by the scripts in this folder; sourced.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the variables are used by the scripts that source this

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/deploy
work=$(mktemp -d)
me=$(basename "$0" .sh)

say() { echo "$me: $*"; }
die() { echo "$me: $*" >&2; exit 1; }

wait_until() { # seconds, what, command...: until the command succeeds
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >"$work/last" 2>&1; do
        [ $SECONDS -lt "$end" ] || die "$what: not within the time; the last words were: $(tail -n 20 "$work/last")"
        sleep 0.2
    done
}

# Prefix of curl and load.py, to reach an API in another network namespace.
reach=()
api=http://127.0.0.1:8080/api/v1alpha1/containers

healthy() { "${reach[@]}" curl -fsS --max-time 2 "$api/health" | grep '"status":"healthy"'; }

status_is() { "${reach[@]}" curl -fsS --max-time 5 "$api/$1" | grep "\"status\":\"$2\""; }

# A container is created, runs and is deleted, and the API document is served.
smoke() {
    local id=smoke-$$-$RANDOM body
    body='{"spec": {"service_type": "container", "metadata": {"name": "'$id'"}, "image": {"reference": "nginx:1.27"},
        "resources": {"cpu": {"min": 1, "max": 2}, "memory": {"min": "64MB", "max": "128MB"}}}}'
    "${reach[@]}" curl -fsS --max-time 40 -X POST "$api?id=$id" -H 'Content-Type: application/json' -d "$body" \
        >"$work/smoke" || die "smoke test: the create failed"
    wait_until 30 "smoke test: container $id is not RUNNING" status_is "$id" RUNNING
    "${reach[@]}" curl -fsS --max-time 40 -X DELETE "$api/$id" || die "smoke test: the delete failed"
    [ "$("${reach[@]}" curl -sS --max-time 5 -o "$work/smoke" -w '%{http_code}' "$api/$id")" = 404 ] ||
        die "smoke test: $id is still there after its delete: $(cat "$work/smoke")"
    "${reach[@]}" curl -fsS --max-time 5 "${api%/api/*}/openapi.yaml" >"$work/smoke"
    grep -q '^openapi: 3' "$work/smoke" || die "no openapi.yaml"
}

# Create, read and delete without pauses, until load_end; a failed request fails the test.
load_begin() {
    "${reach[@]}" python3 "$here/load.py" "$api" >"$work/load" 2>&1 &
    load_pid=$!
}

load_end() {
    kill -INT "$load_pid" 2>/dev/null || true
    wait "$load_pid" || die "requests failed under load: $(cat "$work/load")"
    say "load: $(cat "$work/load")"
}

# secrets_make DIR: creates the secrets, with the names of deploy/containers/compose.secured.yaml. From then on curl
# trusts the certificate and sends the token.
secrets_make() {
    local dir=$1 user password token
    mkdir "$dir"
    sed 's/PROVIDER/k8s-container-sp/g' "$root/deploy/nats/accounts.conf" >"$dir/accounts.conf"
    for user in api-svc kube-worker monitor registrar dcm operator; do
        password=p$(openssl rand -hex 16) # a letter first, see accounts.conf
        echo "$password" >"$dir/$user"
        echo "$(tr a-z- A-Z_ <<<"$user")_PASSWORD=$password" >>"$dir/nats.env"
    done
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=api -addext subjectAltName=IP:127.0.0.1,DNS:api-svc \
        -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>"$work/openssl" || die "$(cat "$work/openssl")"
    token=$(openssl rand -hex 24)
    echo "test $token" >"$dir/tokens"
    printf 'cacert = "%s"\nheader = "Authorization: Bearer %s"\n' "$dir/tls.crt" "$token" >"$work/.curlrc"
    reach+=(env "CURL_HOME=$work")
}

# Without the token there is no access.
refused() { [ "$("${reach[@]}" curl -q -sSk --max-time 5 -o "$work/refused" -w '%{http_code}' "$api")" = 401 ]; }

free_port() { "$root/tests/end-to-end/ports.py"; }
