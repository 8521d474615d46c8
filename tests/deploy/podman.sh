# Podman with a temporary storage. Sourced after lib.sh and tree.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the variables are used by the scripts that source this

images="api-svc kube-worker monitor registrar kubesim all-in-one"
base=docker.io/library/debian:trixie-slim
nats=docker.io/library/nats:2.11-alpine

# storage_make: from then on podman has only the base image, and none of this machine's containers.
storage_make() {
    local archive=$work/base.tar
    [ -e "$archive" ] || base_archive "$archive"
    storage_enter
    podman load --quiet --input "$archive" >/dev/null
}

storage_enter() {
    mkdir -p "$work/storage/root"
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/storage/root" "$work/storage/run" \
        >"$work/storage.conf"
    # Otherwise an older podman would use CNI with a new storage.
    echo -n netavark >"$work/storage/root/defaultNetworkBackend"
    export CONTAINERS_STORAGE_CONF=$work/storage.conf
}

storage_remove() {
    [ -n "${CONTAINERS_STORAGE_CONF:-}" ] || return 0
    podman rm --all --force --time 0 >/dev/null 2>&1 || true
    podman rmi --all --force >/dev/null 2>&1 || true
    umount "$work/storage/root/overlay" 2>/dev/null || true
    rm -rf "$work/storage"
    unset CONTAINERS_STORAGE_CONF
}

# base_archive FILE: the base image, from this machine's storage, the registry, or Debian's mirror.
base_archive() {
    if podman image exists "$base" || podman pull --quiet "$base" >/dev/null 2>&1; then
        podman save --quiet --output "$1" "$base"
        return
    fi
    say "$base cannot be pulled: making it by debootstrap"
    tree_make trixie "$work/trixie"
    storage_enter
    tar -C "$work/trixie" -c . | podman import --quiet - "$base" >/dev/null
    podman save --quiet --output "$1" "$base"
    storage_remove
    rm -rf "$work/trixie"
}

# nats_image: the NATS image of compose.yaml; if it cannot be pulled, Debian's nats-server with that name.
nats_image() {
    podman pull --quiet "$nats" >/dev/null 2>&1 && return
    say "$nats cannot be pulled: using Debian's nats-server"
    podman build --quiet -t "$nats" - >"$work/build" 2>&1 <<TEXT || die "building a NATS image: $(tail -n 30 "$work/build")"
FROM $base
RUN apt-get update && apt-get install -y --no-install-recommends nats-server
ENTRYPOINT ["/usr/sbin/nats-server"]
TEXT
}

build_image() { # image, arguments of podman build...
    local image=$1
    shift
    podman build --quiet --format docker -f "$root/deploy/containers/Containerfile" --target "$image" \
        -t "dcm-sp/$image" "$@" "$root" >"$work/build" 2>&1 || die "building $image: $(tail -n 30 "$work/build")"
}
