#!/bin/sh
# Starts a real Kubernetes control plane with one simulated node on this machine; returns when a Deployment runs on it.
#
#   tests/cluster/start.sh [DIR]      DIR: its folder; several clusters may run in different folders
#
#   NAMESPACE                 the provider's namespace (dcm-sp)
#   K8S_VERSION               the Kubernetes release (see build.sh)
#   ETCD_COMPACTION_INTERVAL  interval of compactions (5m; a short one expires watches and page tokens)
#   METRICS_SERVER            yes: usage from the real metrics-server, instead of the simulated kubelet
#   EVENT_TTL                 how long Kubernetes events are kept (10m)
#   BIND_ADDRESS              listen address of the API server (127.0.0.1); its certificate has `kubernetes`, 127.0.0.1
#
# A folder that `KEEP=1 stop.sh` has left is used again, with the same port, certificates and objects.
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"
use_dir "${1:-}"
NAMESPACE=${NAMESPACE:-dcm-sp}

for tool in bash openssl flock setsid; do
    command -v "$tool" >/dev/null || die "$tool is needed"
done
binaries=$("$HERE/build.sh" | tail -n 1) && [ -n "$binaries" ] || exit 1

lock
for program in $PROGRAMS; do
    if pid=$(pid_of "$program"); then
        die "already running in $DIR ($program is pid $pid); first: $HERE/stop.sh $DIR"
    fi
done
began=$(date +%s%N)
rm -f "$DIR/run/"*.pid
kubelet=$binaries/simulated-kubelet
[ -x "$kubelet" ] || kubelet=$("$HERE/build.sh" --kubelet | tail -n 1)
rm -rf "${DIR:?}/bin"
mkdir "$DIR/bin"
ln -s "$binaries"/* "$kubelet" "$DIR/bin/"
if [ "${METRICS_SERVER:-}" = yes ]; then
    metrics=$("$HERE/build.sh" --metrics-server | tail -n 1) && [ -n "$metrics" ] || exit 1
    ln -s "$metrics/metrics-server" "$DIR/bin/"
fi

# If anything below fails, all processes are stopped; the logs are kept.
give_up() {
    status=$?
    [ "$status" -ne 0 ] || return 0
    say "start failed; logs are in $DIR/logs"
    for program in $CONTROLLERS kube-apiserver etcd; do end "$program" KILL; done
}
trap give_up EXIT
trap 'exit 1' HUP INT TERM

# ---- certificates and kubeconfigs -----------------------------------------------------------------------------------
cd "$DIR/pki"
new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }

# certificate NAME SUBJECT EXTENSIONS
certificate() {
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr" 2>/dev/null
    printf '%s\n' "$3" authorityKeyIdentifier=keyid >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
    rm -f "$1.csr" "$1.ext"
}
if ! [ -s complete ]; then
    new_key ca.key
    openssl req -x509 -new -key ca.key -subj /CN=dcm-test-cluster -addext keyUsage=critical,keyCertSign,cRLSign \
        -days 365 -out ca.crt 2>/dev/null
    certificate apiserver /CN=kube-apiserver \
        'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc,IP:10.96.0.1'
    certificate admin /O=system:masters/CN=admin 'extendedKeyUsage=clientAuth'
    new_key serviceaccount.key
    openssl ec -in serviceaccount.key -pubout -out serviceaccount.pub 2>/dev/null
    echo yes >complete
fi
cd "$DIR"

# kubeconfig FILE USER: USER is the indented content of `user:`. Replaced atomically.
kubeconfig() {
    cat >"$1.new" <<YAML
apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:$port
    certificate-authority-data: $(base64 -w 0 pki/ca.crt)
contexts:
- name: test
  context:
    cluster: test
    user: me
    namespace: $NAMESPACE
users:
- name: me
  user:
$2
YAML
    mv "$1.new" "$1"
}
admin_user="    client-certificate-data: $(base64 -w 0 pki/admin.crt)
    client-key-data: $(base64 -w 0 pki/admin.key)"

# ---- the control plane ----------------------------------------------------------------------------------------------
start_etcd

# The port is below the range of outgoing connections, so that it is free on a restart, and outside that of NodePorts.
random_port() { echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 10000)); }
port=$(cat "$PORT_FILE" 2>/dev/null) || port=$(random_port)
for try in 1 2 3 4 5; do
    kubeconfig admin.kubeconfig "$admin_user"
    start_apiserver "$port" && break
    [ "$try" -lt 5 ] || die 'no free port found'
    port=$(random_port)
done
echo "$port" >"$PORT_FILE"

if has_metrics_server && ! [ -s "$METRICS_PORT_FILE" ]; then random_port >"$METRICS_PORT_FILE"; fi
start_controllers

# ---- its objects -----------------------------------------------------------------------------------------------
admin apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Node
metadata: {name: simulated, labels: {kubernetes.io/hostname: simulated, kubernetes.io/os: linux}}
YAML
# metrics-server is reached through the API server's aggregation layer.
measured_at=$KUBELET_PORT_FILE
if has_metrics_server; then measured_at=$METRICS_PORT_FILE; fi
admin apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system, port: $(cat "$measured_at")}
YAML
mv "$("$HERE/tenant.sh" "$DIR" "$NAMESPACE")" provider.kubeconfig

wait_ready
if has_metrics_server; then until_true 90 'metrics-server serves' probe_metrics; fi
milliseconds=$((($(date +%s%N) - began) / 1000000))
cat <<TEXT
Kubernetes $(admin version -o json | sed -n '/"serverVersion"/,$s/.*"gitVersion": "\(.*\)".*/\1/p') is ready on https://127.0.0.1:$port, after $milliseconds ms.

  as cluster admin:    export KUBECONFIG=$DIR/admin.kubeconfig
  as the provider:     export SP_K8S_KUBECONFIG=$DIR/provider.kubeconfig SP_K8S_NAMESPACE=$NAMESPACE
  kubectl:             $DIR/bin/kubectl
  logs, pids:          $DIR/logs $DIR/run
  stop:                $HERE/stop.sh $DIR
TEXT
