#!/usr/bin/env bash
# Tests the units in a booted system, with NATS and a simulator of Kubernetes: start, workers added and removed under
# load, every unit killed once and suspended once, the sandbox, all of it with secrets, and stop. Needs root.
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
trap 'tree_stop; rm -rf "$work"' EXIT

exposure=20 # tenths, see systemd-analyze(1)
tree=$work/tree

# A new process, which is ready.
is_back() { [ "$(property "$1" ActiveState)" = active ] && [ "$(property "$1" MainPID)" != "$2" ]; } # unit, old process

is_ended() { property "$1" ActiveState | grep -xE 'inactive|failed'; }

hit() { # signal, unit: check that the unit is restarted
    local pid
    pid=$(property "$2" MainPID)
    in_tree systemctl kill --signal "$1" "$2"
    wait_until 20 "$2 does not come back after $1" is_back "$2" "$pid"
    wait_until 20 "not healthy after $1 of $2" healthy
}

# Every process with its own login to NATS, and the API with HTTPS and tokens, as described in man dcm-sp.
secure() {
    local secrets=$tree/etc/dcm-sp/secrets unit user
    secrets_make "$secrets"
    cp "$secrets/accounts.conf" "$tree/etc/accounts.conf"
    echo 'include "accounts.conf"' >>"$tree/etc/nats-server.conf"
    sed -i 's|^SP_ENDPOINT=.*|SP_ENDPOINT=https://127.0.0.1:8080|' "$tree/etc/dcm-sp/dcm-sp.env"
    drop_in nats-server.service EnvironmentFile=/etc/dcm-sp/secrets/nats.env
    while read -r unit user; do
        drop_in "$unit" "LoadCredential=nats:/etc/dcm-sp/secrets/$user
Environment=SP_NATS_USER=$user SP_NATS_PASSWORD_FILE=%d/nats"
    done <<'TEXT'
dcm-sp-api.service api-svc
dcm-sp-worker@.service kube-worker
dcm-sp-monitor.service monitor
dcm-sp-registrar.service registrar
TEXT
    cat >>"$tree/etc/systemd/system/dcm-sp-api.service.d/test.conf" <<'TEXT'
LoadCredential=tls.crt:/etc/dcm-sp/secrets/tls.crt
LoadCredential=tls.key:/etc/dcm-sp/secrets/tls.key
LoadCredential=tokens:/etc/dcm-sp/secrets/tokens
Environment=SP_SERVER_TLS_CERT=%d/tls.crt SP_SERVER_TLS_KEY=%d/tls.key SP_SERVER_TOKENS_FILE=%d/tokens
TEXT
    # shellcheck disable=SC2034  # lib.sh's
    api=https://${api#http://}
}

tree_provider "$tree"
cat >>"$tree/etc/dcm-sp/dcm-sp.env" <<'TEXT'
DCM_REGISTRATION_URL=http://127.0.0.1:9/api/v1alpha1
SP_ENDPOINT=http://127.0.0.1:8080
TEXT

say "boot"
tree_boot "$tree"
wait_until 30 "not healthy" healthy
for unit in $units; do
    [ "$(property "$unit" ActiveState)" = active ] || die "$unit is not active: $(in_tree systemctl status "$unit")"
    said=$(in_tree systemd-analyze security --no-pager --threshold=$exposure "$unit") || die "$unit: $(tail -n 1 <<<"$said")"
    say "$unit: ${said##*→ }"
done
smoke

say "2 workers, 4, 2, under load"
load_begin
in_tree systemctl start dcm-sp-worker@3.service dcm-sp-worker@4.service
sleep 3
in_tree systemctl stop dcm-sp-worker@3.service dcm-sp-worker@4.service
sleep 2
load_end

for unit in $units; do
    say "$unit is killed"
    hit KILL "$unit"
done
smoke

say "the watchdog"
drop_in dcm-sp-.service WatchdogSec=2s
in_tree systemctl daemon-reload
in_tree systemctl restart dcm-sp.target
wait_until 30 "not healthy after a restart of the target" healthy
for unit in $units; do
    say "$unit hangs"
    hit STOP "$unit"
    in_tree journalctl --unit "$unit" >"$work/journal"
    grep -q 'Watchdog timeout' "$work/journal" || die "it was not the watchdog: $(tail -n 20 "$work/journal")"
done
smoke

say "secured"
secure
in_tree systemctl daemon-reload
in_tree systemctl restart nats-server.service dcm-sp.target
wait_until 30 "not healthy when secured" healthy
refused || die "without a token: $(cat "$work/refused")"
smoke
for unit in $units; do
    [ "$(property "$unit" ActiveState)" = active ] || die "$unit is not active: $(in_tree systemctl status "$unit")"
done

say "stop"
in_tree systemctl stop dcm-sp.target
for unit in $units; do
    wait_until 60 "$unit does not end with the target" is_ended "$unit"
    ended="$(property "$unit" ActiveState) $(property "$unit" Result) $(property "$unit" ExecMainStatus)"
    [ "$ended" = "inactive success 0" ] || die "$unit ended as: $ended"
done
say "passed in $SECONDS s"
