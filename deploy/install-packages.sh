#!/bin/sh
# Installs the missing Debian packages for a purpose: the single list of dependencies.
#
#   install-packages.sh build|run|test|check|api-check|console|deb|test-deploy...
#
# Debian 12 (bookworm) and 13 (trixie). Requires root or sudo; does nothing if all packages are installed.
set -eu

packages_for() {
    case $1 in
        build) echo "gcc libc6-dev make pkg-config git ca-certificates libnats-dev libmicrohttpd-dev libgnutls28-dev" \
                    "libcjson-dev libcurl4-openssl-dev libyaml-dev libssl-dev libwslay-dev" ;;
        run) echo "nats-server curl" ;;
        test) echo "libcriterion-dev python3 python3-venv python3-pytest python3-pytest-xdist python3-yaml python3-cryptography python3-kubernetes openssl nginx-light prometheus iproute2" \
                   "$(command -v kubectl >/dev/null || echo kubernetes-client)" ;;
        check) echo "clang clang-format cppcheck shellcheck libclang-rt-dev groff-base systemd" ;;
        deb) echo "build-essential debhelper lintian systemd" ;;
        test-deploy) echo "curl debootstrap systemd-container podman netavark aardvark-dns iptables podman-compose" ;;
        console) echo "chromium chromium-driver python3-selenium python3-pytest" ;;
        api-check) echo "python3-venv" "$(command -v npm >/dev/null || echo nodejs npm)" ;;
        *) echo "install-packages.sh: unknown purpose '$1'" >&2; exit 2 ;;
    esac
}

installed() {
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'
}

wanted=
for purpose in "$@"; do
    wanted="$wanted $(packages_for "$purpose")"
done
missing=
for package in $wanted; do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Not a Debian system; install the equivalents of:$missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Run as root or install sudo; missing packages:$missing" >&2; exit 1; }
    as_root=sudo
fi
echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # splitting intended
if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "The packages could not be installed (see above). Check the network and the apt sources." >&2
    exit 1
fi
