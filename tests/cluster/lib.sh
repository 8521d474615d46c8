# Shared by the scripts in this folder; sourced, never run. POSIX sh.
# shellcheck shell=sh
# shellcheck disable=SC2034  # the variables are used by the scripts that source this

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
ME=$(basename -- "$0")

# The programs of a cluster.
PROGRAMS='etcd kube-apiserver kube-controller-manager kube-scheduler kwok kubectl simulated-kubelet'

say() { printf '%s: %s\n' "$ME" "$*" >&2; }
die() { say "$*"; exit 1; }

# use_dir [DIR]: the folder of a cluster, as a canonical path, because processes are identified by their command line.
use_dir() {
    case ${1:-} in -*) die "unknown option: $1" ;; esac
    DIR=$(realpath -m -- "${1:-${TMPDIR:-/tmp}/dcm-k8s-container-sp-cluster}")
    case $DIR in *[!A-Za-z0-9._/+@-]*) die "the folder's name may hold only letters, digits and . _ / + @ - : $DIR" ;; esac
    [ "${#DIR}" -le 80 ] || die "too long for the name of a socket: $DIR"
    PORT_FILE=$DIR/run/kube-apiserver.port
    KUBELET_PORT_FILE=$DIR/run/simulated-kubelet.port
    METRICS_PORT_FILE=$DIR/run/metrics-server.port
    ETCD_SOCKET=unix://$DIR/run/etcd.sock
}

# lock: one start, stop or restart at a time per folder. Held until the script ends; not inherited by its processes.
lock() {
    umask 077  # the folder contains keys and tokens
    while :; do
        mkdir -p "$DIR/run" "$DIR/logs" "$DIR/pki"
        exec 9>"$DIR/lock"
        flock -w 60 9 || die "another start, stop or restart is at work in $DIR"
        # stop.sh may have removed the locked file in the meantime.
        [ "$(stat -L -c %i /proc/self/fd/9)" = "$(stat -c %i "$DIR/lock" 2>/dev/null)" ] && return
    done
}

# pid_of NAME: prints the pid of this cluster's NAME if it runs, not that of another process that reuses it.
pid_of() {
    pid=$(cat "$DIR/run/$1.pid" 2>/dev/null) && [ -r "/proc/$pid/cmdline" ] || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$DIR/bin/$1" || return 1
    # A zombie has ended, and was not reaped yet.
    case $(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null) in ''|Z|X) return 1 ;; esac
    echo "$pid"
}

# launch NAME ARGUMENT...: starts DIR/bin/NAME in its own session, without the caller's descriptors (make and CI steps
# wait until their pipe is closed). With bash, because dash cannot close descriptors above nine.
launch() {
    name=$1
    shift
    # shellcheck disable=SC2016  # the inner shell expands them: it writes its own pid and becomes the program
    setsid bash -c '
        echo $$ >"$1"; shift
        for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done
        exec "$@"' launch "$DIR/run/$name.pid" "$DIR/bin/$name" "$@" </dev/null >>"$DIR/logs/$name.log" 2>&1 &
}

# gone PID: whether all threads have terminated, so that its port and files are free. The first thread may be a zombie,
# without a command line, before the others have ended.
gone() {
    for thread in "/proc/$1/task/"*; do
        case $(cut -d' ' -f3 "$thread/stat" 2>/dev/null) in ''|Z|X) ;; *) return 1 ;; esac
    done
}

# end NAME [SIGNAL]: ends this cluster's NAME (also if stopped by SIGSTOP) and waits until it has ended;
# SIGKILL after ten seconds.
end() {
    victim=$(pid_of "$1") || { rm -f "$DIR/run/$1.pid"; return 0; }
    kill "-${2:-TERM}" "$victim" 2>/dev/null || true
    kill -CONT "$victim" 2>/dev/null || true
    tries=0
    until gone "$victim"; do
        tries=$((tries + 1))
        if [ "$tries" -eq 200 ]; then
            say "$1 (pid $victim) does not end; SIGKILL"
            kill -KILL "$victim" 2>/dev/null || true
        fi
        [ "$tries" -lt 400 ] || die "$1 (pid $victim) survives SIGKILL"
        sleep 0.05
    done
    rm -f "$DIR/run/$1.pid"
}

# until_true SECONDS WHAT COMMAND...: repeats the quiet command until it succeeds.
until_true() {
    left=$(($1 * 10))
    what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || die "$what: not within the time allowed; see $DIR/logs"
        sleep 0.1
    done
}

admin() { "$DIR/bin/kubectl" --kubeconfig "$DIR/admin.kubeconfig" --cache-dir "$DIR/run/kubectl" "$@"; }

# etcd listens on Unix sockets in the folder: no port conflicts, and no access by other users of this machine. It
# requires an address for other members, even without any.
start_etcd() {
    rm -f "$DIR/run/etcd.sock"*
    nowhere=http://127.0.0.1:1
    launch etcd --name=test --data-dir="$DIR/etcd" \
        --listen-client-urls="$ETCD_SOCKET" --listen-peer-urls="$ETCD_SOCKET.peer" --advertise-client-urls="$nowhere" \
        --initial-advertise-peer-urls="$nowhere" --initial-cluster="test=$nowhere" \
        --unsafe-no-fsync --log-level=warn
}

# start_apiserver PORT: starts it and waits until it is ready. Returns 1 if the port is in use.
start_apiserver() {
    rm -f "$DIR/run/kube-apiserver.pid"
    api_port=$1
    shift
    log=$DIR/logs/kube-apiserver.log
    : >>"$log"
    old=$(wc -c <"$log")
    if has_metrics_server; then
        # Its identity for metrics-server, which trusts its user headers.
        set -- --requestheader-client-ca-file="$DIR/pki/ca.crt" --requestheader-allowed-names=admin \
            --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
            --requestheader-extra-headers-prefix=X-Remote-Extra- \
            --proxy-client-cert-file="$DIR/pki/admin.crt" --proxy-client-key-file="$DIR/pki/admin.key"
    fi
    # Usually loopback only, so no endpoint reconciler (an Endpoints address must not be loopback).
    # No ServiceAccount admission: it would only mount a token into Pods that never run.
    # Watches end on shutdown; by default it waits a minute for them.
    launch kube-apiserver \
        --etcd-servers="$ETCD_SOCKET" \
        --etcd-compaction-interval="${ETCD_COMPACTION_INTERVAL:-5m}" \
        --event-ttl="${EVENT_TTL:-10m}" \
        --bind-address="${BIND_ADDRESS:-127.0.0.1}" --advertise-address=127.0.0.1 --secure-port="$api_port" \
        --endpoint-reconciler-type=none \
        --service-cluster-ip-range=10.96.0.0/16 \
        --tls-cert-file="$DIR/pki/apiserver.crt" --tls-private-key-file="$DIR/pki/apiserver.key" \
        --client-ca-file="$DIR/pki/ca.crt" \
        --authorization-mode=RBAC \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$DIR/pki/serviceaccount.pub" \
        --service-account-signing-key-file="$DIR/pki/serviceaccount.key" \
        --disable-admission-plugins=ServiceAccount \
        --shutdown-watch-termination-grace-period=2s \
        --delete-collection-workers=8 \
        --kubelet-certificate-authority="$DIR/pki/ca.crt" \
        --kubelet-client-certificate="$DIR/pki/admin.crt" --kubelet-client-key="$DIR/pki/admin.key" \
        --kubelet-preferred-address-types=InternalDNS \
        --profiling=false "$@"
    deadline=$(($(date +%s) + 60))
    until admin get --raw=/readyz >/dev/null 2>&1; do
        if ! [ -s "$DIR/run/kube-apiserver.pid" ] || pid_of kube-apiserver >/dev/null; then
            :  # on its way
        elif tail -c "+$((old + 1))" "$log" | grep -q 'address already in use'; then
            return 1
        else
            tail -n 5 "$log" >&2
            die "kube-apiserver ended; see $log"
        fi
        [ "$(date +%s)" -lt "$deadline" ] || die "kube-apiserver is not ready after 60 s; see $log"
        sleep 0.1
    done
}

# start_kubelet: serves logs and metrics to the API server. Its address is in the node (stages/node.yaml).
start_kubelet() {
    launch simulated-kubelet -port-file "$KUBELET_PORT_FILE" -pki "$DIR/pki" -containers "$DIR/containers" \
        -server "https://127.0.0.1:$(cat "$PORT_FILE")"
    until_true 20 'the simulated kubelet listens' test -s "$KUBELET_PORT_FILE"
    sed "s/KUBELET_PORT/$(cat "$KUBELET_PORT_FILE")/" "$HERE/stages/node.yaml" >"$DIR/node.yaml"
}

# The clients of the API server. They are cluster admins; only the provider has its own Role.
CONTROLLERS='metrics-server kwok simulated-kubelet kube-scheduler kube-controller-manager'

# Whether the cluster has metrics-server.
has_metrics_server() { [ -x "$DIR/bin/metrics-server" ]; }

# start_metrics_server: on the port in METRICS_PORT_FILE. It measures every ten seconds, its minimum.
start_metrics_server() {
    launch metrics-server --bind-address=127.0.0.1 --secure-port="$(cat "$METRICS_PORT_FILE")" --profiling=false \
        --tls-cert-file="$DIR/pki/apiserver.crt" --tls-private-key-file="$DIR/pki/apiserver.key" \
        --kubeconfig="$DIR/admin.kubeconfig" --authentication-kubeconfig="$DIR/admin.kubeconfig" \
        --authorization-kubeconfig="$DIR/admin.kubeconfig" \
        --kubelet-certificate-authority="$DIR/pki/ca.crt" --kubelet-use-node-status-port \
        --kubelet-preferred-address-types=InternalDNS --kubelet-request-timeout=5s --metric-resolution=10s
}

start_controller_manager() {
    # The stock limits (20 and 50 requests a second) would take minutes for a thousand Deployments.
    launch kube-controller-manager --kubeconfig="$DIR/admin.kubeconfig" \
        --leader-elect=false --secure-port=0 --profiling=false \
        --service-account-private-key-file="$DIR/pki/serviceaccount.key" --root-ca-file="$DIR/pki/ca.crt" \
        --kube-api-qps=1000 --kube-api-burst=2000 \
        --concurrent-deployment-syncs=10 --concurrent-replicaset-syncs=10 \
        --node-monitor-grace-period=1h
}

start_controllers() {
    start_kubelet
    if has_metrics_server; then start_metrics_server; fi
    start_controller_manager
    cat >"$DIR/scheduler.yaml" <<YAML
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
enableProfiling: false
clientConnection: {kubeconfig: "$DIR/admin.kubeconfig", qps: 1000, burst: 2000}
YAML
    launch kube-scheduler --config="$DIR/scheduler.yaml" --secure-port=0
    export KWOK_WORKDIR="$DIR/run"  # not the user's own ~/.kwok
    launch kwok --kubeconfig="$DIR/admin.kubeconfig" --manage-single-node=simulated --v=WARN \
        --node-ip=10.244.0.1 --cidr=10.245.0.0/16 --config="$DIR/node.yaml" --config="$HERE/stages/pod.yaml"
}

# wait_ready: waits until the Pod of a Deployment runs, and is deleted with it, which involves every process.
wait_ready() {
    admin -n kube-system delete deployment ready --ignore-not-found >/dev/null
    admin -n kube-system create deployment ready --image=ready >/dev/null
    until_true 60 'a first Deployment runs' probe_runs
    admin -n kube-system delete deployment ready >/dev/null
    until_true 60 'its Pod goes' probe_gone
}
probe_metrics() { admin wait --for=condition=Available --timeout=1s apiservice/v1beta1.metrics.k8s.io; }
probe_runs() { [ "$(admin -n kube-system get deployment ready -o 'jsonpath={.status.readyReplicas}')" = 1 ]; }
probe_gone() { pods=$(admin -n kube-system get pods -l app=ready -o name) && [ -z "$pods" ]; }
