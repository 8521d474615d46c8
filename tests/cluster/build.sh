#!/bin/sh
# Builds the programs of a Kubernetes control plane once, from pinned Go modules, and prints their folder as the last
# line on standard output. Takes about six minutes the first time, and no time later.
#
#   tests/cluster/build.sh          build, or find the existing build
#   tests/cluster/build.sh --kubelet  the simulated kubelet instead (half a minute): the last line is its path
#   tests/cluster/build.sh --metrics-server  metrics-server instead (a few minutes): the last line is its folder
#   tests/cluster/build.sh --pin    optionally with --metrics-server: also store go.mod and go.sum of these versions in
#                                   tests/cluster/modules
#
#   K8S_VERSION, ETCD_VERSION, KWOK_VERSION, METRICS_SERVER_VERSION   versions (without a leading v)
#   KUBEBUILDER_ASSETS                        folder with existing programs: nothing is built
#
# Go modules, not released binaries: every byte is checked against go.sum, and all sources are available. The repository
# has go.sum for the default versions. For other versions go.mod is generated, and go.sum comes from the Go client,
# which checks it against the public checksum database; --pin stores it.
set -eu
# shellcheck source=tests/cluster/lib.sh
. "$(dirname -- "$0")/lib.sh"

K8S_VERSION=${K8S_VERSION:-1.36.3}
ETCD_VERSION=${ETCD_VERSION:-3.6.8}
KWOK_VERSION=${KWOK_VERSION:-0.8.0}
METRICS_SERVER_VERSION=${METRICS_SERVER_VERSION:-0.8.0}
PIN=no
what='control plane'
for option in "$@"; do
    case $option in
        --pin) PIN=yes ;;
        --kubelet|--metrics-server) what=${option#--} ;;
        *) die "unknown option: $option" ;;
    esac
done

choices() {
    cat >&2 <<'TEXT'
The cluster tests need a Kubernetes control plane. One of these:
  * install Go (https://go.dev/dl) and run this again: everything is built from source, once;
  * set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver, kubectl, kube-controller-manager, kube-scheduler, kwok and simulated-kubelet (`go build` in tests/cluster/kubelet);
  * set KUBECONFIG and run the tests against a cluster of your own; these scripts are not needed then.
TEXT
}

# ---- existing binaries ---------------------------------------------------------------------------
if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ "$what" = 'control plane' ]; then
    missing=
    for program in $PROGRAMS; do
        [ -x "$KUBEBUILDER_ASSETS/$program" ] || missing="$missing $program"
    done
    if [ -n "$missing" ]; then
        say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks:$missing"
        say "(the usual envtest archive has no controllers, no scheduler and no kwok, so no Pod would ever run: add them, or unset it)"
        choices
        exit 1
    fi
    CDPATH='' cd -- "$KUBEBUILDER_ASSETS" && pwd
    exit 0
fi

# ---- existing build --------------------------------------------------------------------------------------------------
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dcm-k8s-container-sp/cluster
if [ "$what" = kubelet ]; then
    command -v go >/dev/null || { say 'Go is not installed.'; choices; exit 1; }
    folder=$cache/kubelet-$(cat "$HERE/kubelet/"* | sha256sum | cut -c 1-16)
    mkdir -p "$folder"
    [ -x "$folder/simulated-kubelet" ] || (
        say 'building simulated-kubelet'
        cd "$HERE/kubelet"
        CGO_ENABLED=0 GOWORK=off nice -n 10 go build -mod=readonly -trimpath -buildvcs=false -ldflags '-s -w' \
            -o "$folder/simulated-kubelet.$$" .
        mv "$folder/simulated-kubelet.$$" "$folder/simulated-kubelet"
    ) >&2
    echo "$folder/simulated-kubelet"
    exit 0
fi

case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
out=$cache/$K8S_VERSION
stamp="kubernetes $K8S_VERSION, etcd $ETCD_VERSION, kwok $KWOK_VERSION"
if [ "$what" = metrics-server ]; then
    out=$cache/metrics-server-$METRICS_SERVER_VERSION
    stamp="metrics-server $METRICS_SERVER_VERSION"
fi
out=$out-$(uname -s | tr '[:upper:]' '[:lower:]')-$arch
built() { [ "$(cat "$out/versions" 2>/dev/null)" = "$stamp" ]; }

if [ "$PIN" = no ] && built; then echo "$out"; exit 0; fi

command -v go >/dev/null || { say 'Go is not installed.'; choices; exit 1; }
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say 'another build is at work; waiting for it'; flock 9; }
if [ "$PIN" = no ] && built; then echo "$out"; exit 0; fi

# ---- the build ------------------------------------------------------------------------------------------------------
temp=$(mktemp -d "$cache/.build-XXXXXX")
finish() {
    status=$?
    rm -rf "$temp"
    [ "$status" -eq 0 ] || { say "the build failed ($(go version))"; choices; }
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
mkdir "$temp/out"
export GOWORK=off CGO_ENABLED=0

# new_module PATH VERSION: go.mod of an empty module that can require PATH.
# `replace` is not inherited: Kubernetes replaces its own libraries with folders of its repository, which the published
# module does not contain, so the same ones are replaced with the version published with it (v1.36.3: v0.36.3).
new_module() {
    upstream=$(go mod download -json "$1@$2" | sed -n 's/^.*"GoMod": "\(.*\)".*$/\1/p')
    [ -s "$upstream" ] || die "$1 $2: no such module version?"
    # At least 1.24, the first with `tool`.
    language=$(printf '%s\n1.24.0\n' "$(sed -n 's/^go //p' "$upstream")" | sort -V | tail -n 1)
    printf 'module cluster\n\ngo %s\n' "$language" >go.mod
    sed -n 's,^[[:space:]]*\(k8s\.io/[a-z0-9-]*\) => \./staging/.*$,\1,p' "$upstream" | while read -r library; do
        go mod edit -replace "$library=$library@v0.${K8S_VERSION#1.}"
    done
}

# module NAME PATH VERSION PACKAGE...: creates a module in the current folder that pins the dependencies of the
# packages.
module() {
    mkdir "$temp/$1"
    cd "$temp/$1"
    pinned=$HERE/modules/$1-${3#v}
    if [ -d "$pinned" ]; then
        cp "$pinned/go.mod" "$pinned/go.sum" .
    else
        [ "$PIN" = yes ] || say "$1 $3 is not pinned in $HERE/modules; relying on Go's checksum database"
        new_module "$2" "$3"
        path=$2 version=$3 name=$1
        shift 3
        for package in "$@"; do go get -tool "$package@$version"; done
        if [ "$PIN" = yes ]; then
            mkdir -p "$pinned"
            cp go.mod go.sum "$pinned/"
            say "pinned $name $version ($path)"
        fi
    fi
}

# compile PACKAGE PROGRAM LDFLAGS
compile() {
    say "building $2"
    nice -n 10 go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w $3" -o "$temp/out/$2" "$1"
}

minor=${K8S_VERSION#1.}
minor=${minor%%.*}
v=k8s.io/component-base/version  # without these, /version is empty
k8s_flags="-X $v.gitVersion=v$K8S_VERSION -X $v.gitMajor=1 -X $v.gitMinor=$minor -X $v.gitTreeState=clean"

build_metrics_server() {
    module metrics-server sigs.k8s.io/metrics-server "v$METRICS_SERVER_VERSION" sigs.k8s.io/metrics-server/cmd/metrics-server
    compile sigs.k8s.io/metrics-server/cmd/metrics-server metrics-server ''
}

build_control_plane() {
    module kubernetes k8s.io/kubernetes "v$K8S_VERSION" \
        k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
        k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubectl
    for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do
        compile "k8s.io/kubernetes/cmd/$program" "$program" "$k8s_flags"
    done
    module etcd go.etcd.io/etcd/server/v3 "v$ETCD_VERSION" go.etcd.io/etcd/server/v3
    compile go.etcd.io/etcd/server/v3 etcd ''
    module kwok sigs.k8s.io/kwok "v$KWOK_VERSION" sigs.k8s.io/kwok/cmd/kwok
    compile sigs.k8s.io/kwok/cmd/kwok kwok ''
}

case $what in
    metrics-server) build_metrics_server ;;
    *) build_control_plane ;;
esac >&2

# Atomic: the stamp is written before the rename. A cluster that runs from the old folder keeps its files open.
echo "$stamp" >"$temp/out/versions"
cd "$cache"
rm -rf "$out"
mv "$temp/out" "$out"
echo "$out"
