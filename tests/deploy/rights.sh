#!/usr/bin/env bash
# Tests that the rights of the units are minimal: in a booted system a drop-in removes one right of one unit at a time;
# then its start, its function or its stop must fail, and work again without the drop-in. A removed system call kills
# the process instead of returning EPERM, so that its use is detected. Needs root, and Debian 12 (a newer glibc sorts
# without sysinfo). Prints a table: unit, right, failure.
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
trap 'tree_stop; rm -rf "$work"' EXIT

tree=$work/tree
units="dcm-sp-api.service dcm-sp-worker@1.service dcm-sp-monitor.service dcm-sp-registrar.service"

# words UNIT SETTING: the values in its files.
words() { in_tree systemctl cat "$1" | sed -n "s/^$2=\([^~]\)/\1/p" | tr ' ' '\n'; }

# rights UNIT: a line per right, with the setting that removes it.
rights() {
    local word
    for word in $(words "$1" RestrictAddressFamilies); do echo "$word RestrictAddressFamilies=~$word"; done
    for word in $(words "$1" SystemCallFilter); do echo "$word SystemCallFilter=~$word"; done
    for word in $(words "$1" LoadCredential); do echo "LoadCredential=${word%%:*} LoadCredential="; done
    echo "the-network PrivateNetwork=yes"
}

# does UNIT: test its function (functions.py).
does() {
    local kind=${1#dcm-sp-}
    "${reach[@]}" env PYTHONPATH="$root/tests/end-to-end:$root/tests/component/registrar" PYTHONDONTWRITEBYTECODE=1 \
        python3 "$here/functions.py" "${kind%%[@.]*}"
}

# failure UNIT [SETTING]: restart it with the setting, test it, stop it; prints the failure, or nothing.
failure() {
    # RestartSec: a crash must be noticed before the restart.
    drop_in "$1" "TimeoutStartSec=8s
RestartSec=30s
SystemCallErrorNumber=kill
${2:-}"
    in_tree systemctl daemon-reload
    if ! in_tree systemctl restart "$1" 2>/dev/null; then
        echo "it does not start: $(property "$1" Result)"
    elif ! does "$1"; then
        [ "$(property "$1" ActiveState)" = active ] || echo "(it ended: $(property "$1" Result))"
    else
        in_tree systemctl stop "$1"
        property "$1" Result | sed -n '/^success$/!s/^/its end: /p'
    fi
}

tree_provider "$tree"
# Every unit uses both address families, and authenticates to Kubernetes by a credential plugin.
secrets_make "$tree/etc/dcm-sp/secrets"
sed -i 's/^host: .*/host: "::1"/' "$tree/etc/nats-server.conf"
drop_in kubesim.service "ExecStart=
ExecStart=/opt/kubesim --listen 127.0.0.1:6443 --tls-cert /etc/dcm-sp/secrets/tls.crt --tls-key /etc/dcm-sp/secrets/tls.key --token a-token"
sed -i 's|^SP_NATS_URL=.*|SP_NATS_URL=nats://[::1]:4222|; s|^SP_SERVER_ADDRESS=.*|SP_SERVER_ADDRESS=127.0.0.1:8080|' \
    "$tree/etc/dcm-sp/dcm-sp.env"
cat >>"$tree/etc/dcm-sp/dcm-sp.env" <<'TEXT'
DCM_REGISTRATION_URL=http://127.0.0.1:8090/api/v1alpha1
SP_ENDPOINT=http://127.0.0.1:8080
TEXT
rm "$tree/etc/dcm-sp/kubeconfig"
install -m 600 /dev/stdin "$tree/etc/dcm-sp/kubeconfig" <<'TEXT'
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: CA}}]
users: [{name: test, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /opt/login, interactiveMode: Never}}}]
TEXT
sed -i "s|CA}|$(base64 -w 0 "$tree/etc/dcm-sp/secrets/tls.crt")}|" "$tree/etc/dcm-sp/kubeconfig"
install -m 755 /dev/stdin "$tree/opt/login" <<'TEXT'
#!/bin/sh
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "a-token"}}'
TEXT

say "boot"
tree_boot "$tree"
wait_until 30 "not healthy" healthy
in_tree systemctl stop dcm-sp-worker@2.service
smoke

unmissed=0
for unit in $units; do
    failed=$(failure "$unit")
    [ -z "$failed" ] || die "$unit, with all rights: $failed; $(in_tree journalctl --unit "$unit" --lines 20)"
    mapfile -t list < <(rights "$unit")
    for line in "${list[@]}"; do
        read -r right setting <<<"$line"
        failed=$(failure "$unit" "$setting")
        printf '%-26s %-24s %s\n' "$unit" "$right" "${failed:-NOTHING}" | paste -sd ' '
        [ -n "$failed" ] || unmissed=$((unmissed + 1))
    done
    rm "$tree/etc/systemd/system/$unit.d/test.conf"
    in_tree systemctl daemon-reload
    in_tree systemctl restart "$unit"
    failed=$(does "$unit") || die "$unit, with its rights back: $failed"
done
[ $unmissed -eq 0 ] || die "$unmissed rights whose removal has no effect"
say "passed in $SECONDS s"
