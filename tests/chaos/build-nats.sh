#!/bin/sh
# Builds the nats-server of a cluster once, from the pinned Go module in nats-server/, and prints its path.
#
# Not the one of the distribution: before 2.9.21 a cluster accepts two compare-and-set changes of a record from the same
# version (nats-server issue 4320), which our programs rely on; Debian 12 has 2.9.10.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dcm-k8s-container-sp
program=$cache/nats-server-$(sha256sum <"$here/nats-server/go.sum" | cut -c 1-16)
if [ ! -x "$program" ]; then
    command -v go >/dev/null || { echo "build-nats.sh: a cluster of NATS servers needs Go, to build one" >&2; exit 1; }
    mkdir -p "$cache"
    echo "build-nats.sh: building nats-server" >&2
    (cd "$here/nats-server" && CGO_ENABLED=0 GOWORK=off nice -n 10 go build -mod=readonly -trimpath -buildvcs=false \
        -ldflags '-s -w' -o "$program.$$" github.com/nats-io/nats-server/v2)
    mv "$program.$$" "$program"
fi
echo "$program"
