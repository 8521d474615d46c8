#!/usr/bin/env bash
# Tests the images: small, without root and shell, their health checks, and that two builds are identical.
# Needs podman (and, where the base image cannot be pulled, root and debootstrap).
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
# shellcheck source=tests/deploy/podman.sh
. "$here/podman.sh"
trap 'storage_remove; rm -rf "$work"' EXIT

version=1.2.3
grown_max=$((60 * 1000 * 1000)) # bytes over the base
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)

of() { podman image inspect --format "$2" "$1"; } # image, what

# Layers, settings, and every file with its content, mode, owner and time. (The image id is not compared: with podman 4
# it depends on the intermediate images in its storage.)
facts() { # image
    local tree
    of "dcm-sp/$1" '{{json .RootFS.Layers}} {{json .Config}} {{.Created}}' | tr ',' '\n'
    tree=$(podman image mount "dcm-sp/$1")
    (cd "$tree" && find . -mindepth 1 -printf '%M %U:%G %T@ %p %l\n' | LC_ALL=C sort)
    (cd "$tree" && find . -type f -exec sha256sum {} + | LC_ALL=C sort -k 2)
    podman image unmount "dcm-sp/$1" >/dev/null
}

check() { # image
    local image=dcm-sp/$1 label grown command said
    [ "$(of "$image" '{{.Config.User}}')" = 65532:65532 ] || die "$1 runs as '$(of "$image" '{{.Config.User}}')'"
    for label in title licenses version; do
        [ -n "$(of "$image" "{{index .Config.Labels \"org.opencontainers.image.$label\"}}")" ] || die "$1: no label $label"
    done
    grown=$(($(of "$image" '{{.Size}}') - $(of "$base" '{{.Size}}')))
    [ $grown -le $grown_max ] || die "$1 is $grown bytes larger than its base"
    say "$1: $((grown / 1000)) kB over the base"
    [ "$1" != kubesim ] || return 0

    # The health check needs no shell, capabilities or writable files, and fails if nothing is running.
    read -ra command < <(of "$image" '{{range .Config.Healthcheck.Test}}{{.}} {{end}}')
    [ "${command[0]}" = CMD ] || die "$1: its health check needs a shell: ${command[*]}"
    inside=(podman run --rm --read-only --read-only-tmpfs=false --cap-drop all --network none
        -v /dev/null:/usr/bin/dash:ro -v /dev/null:/usr/bin/bash:ro
        -e SP_NAME=x -e SP_NATS_URL=nats://127.0.0.1:4222 -e SP_K8S_EXTERNAL_SVC_TYPE=NodePort
        -e SP_ENDPOINT=http://x -e DCM_REGISTRATION_URL=http://x --entrypoint "${command[1]}" "$image")
    said=$("${inside[@]}" "${command[@]:2}" 2>&1) && die "$1 is healthy though nothing runs"
    grep -q '^unhealthy: ' <<<"$said" || die "$1: its health check says '$said'"
    said=$("${inside[@]}" --version 2>/dev/null)
    [ "$said" = "${command[1]##*/} $version" ] || die "$1: its version is '$said' instead of $version"
}

for time in first second; do
    storage_make
    say "building: $time time"
    for image in $images; do
        build_image "$image" --timestamp "$SOURCE_DATE_EPOCH" --build-arg VERSION=$version
        facts "$image" >"$work/$time-$image"
        [ $time = second ] || check "$image"
    done
    storage_remove
done
for image in $images; do
    diff "$work/first-$image" "$work/second-$image" >&2 || die "two builds of $image differ (see above)"
    say "$image: twice the same, $(grep -c ' \./' "$work/first-$image") files and folders"
done
say "passed in $SECONDS s"
