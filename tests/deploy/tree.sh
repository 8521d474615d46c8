# Debian systems in a folder: created by debootstrap, entered by chroot, or booted by systemd-nspawn. Sourced after
# lib.sh. Needs root, debootstrap and systemd-nspawn.
# shellcheck shell=bash

# tree_make SUITE DIR PACKAGE...: a minimal Debian with these additional packages. The minimal one is cached.
tree_make() {
    local suite=$1 dir=$2 kept=${XDG_CACHE_HOME:-$HOME/.cache}/dcm-k8s-container-sp/tree-$1.tar
    shift 2
    mkdir -p "$dir" "$(dirname "$kept")"
    if [ ! -e "$kept" ]; then
        say "making a tree of Debian $suite (some minutes, once)"
        debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus "$suite" "$dir" >"$work/debootstrap" ||
            die "debootstrap: $(tail -n 20 "$work/debootstrap")"
        rm -f "$dir"/var/cache/apt/archives/*.deb
        tar -C "$dir" -cf "$kept.$$" .
        mv "$kept.$$" "$kept"
    else
        tar -C "$dir" -xf "$kept"
    fi
    cp /etc/resolv.conf "$dir/etc/resolv.conf"
    tree_apt "$dir" update
    tree_apt "$dir" install "$@"
}

tree_apt() { # DIR, command and arguments of apt-get
    local dir=$1
    shift
    chroot "$dir" env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends "$@" >"$work/apt" 2>&1 ||
        die "apt-get $*: $(tail -n 20 "$work/apt")"
}

units="dcm-sp-api.service dcm-sp-worker@1.service dcm-sp-worker@2.service dcm-sp-monitor.service dcm-sp-registrar.service"

# tree_provider DIR: this machine's Debian release with the package, NATS and a simulator of Kubernetes; all units are
# enabled.
tree_provider() {
    local package
    "$root/deploy/install-packages.sh" deb
    say "building the package and a tree"
    package=$("$root/deploy/debian/build.sh" "$work/deb" 1.0.0 2>"$work/build") || die "building: $(tail -n 40 "$work/build")"
    tree_make "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$1" nats-server
    cp "$package" "$1/opt/dcm-sp.deb"
    tree_apt "$1" install /opt/dcm-sp.deb
    tree_services "$1"
    # shellcheck disable=SC2086  # a list
    chroot "$1" systemctl enable dcm-sp.target $units >/dev/null 2>&1
    # The simulator writes its kubeconfig at its start; the workers retry until then.
    ln -sf /opt/kubeconfig "$1/etc/dcm-sp/kubeconfig"
}

# tree_services DIR: adds NATS and a simulator of Kubernetes as services, and a kubeconfig.
tree_services() {
    make -s -C "$root" -j"$(nproc)" build/bin/kubesim
    install -D "$root/build/bin/kubesim" "$1/opt/kubesim"
    cat >"$1/etc/systemd/system/kubesim.service" <<'TEXT'
[Service]
ExecStart=/opt/kubesim --listen 127.0.0.1:6443 --write-kubeconfig /opt/kubeconfig
[Install]
WantedBy=multi-user.target
TEXT
    echo 'jetstream: {store_dir: /tmp/jetstream}' >>"$1/etc/nats-server.conf"
    chroot "$1" systemctl enable kubesim.service nats-server.service >/dev/null 2>&1
}

# tree_boot DIR: boots it; until tree_stop, `in_tree COMMAND...` runs inside, and requests of lib.sh are sent to it.
tree_boot() {
    systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --machine="dcm-sp-$$" --directory="$1" \
        --console=pipe >"$work/boot" 2>&1 </dev/null &
    nspawn=$!
    wait_until 60 "the tree does not boot" booted
    reach=(nsenter --target "$leader" --net)
    [ "$(cat "$work/last")" = running ] || die "the tree booted with failed units: $(in_tree systemctl --failed --no-legend)"
}

in_tree() { nsenter --target "$leader" --all --root --wd -- "$@"; }

# drop_in UNIT LINES: add lines to its [Service] in $tree, as `systemctl edit`.
drop_in() {
    mkdir -p "$tree/etc/systemd/system/$1.d"
    printf '[Service]\n%s\n' "$2" >"$tree/etc/systemd/system/$1.d/test.conf"
}

property() { in_tree systemctl show --value --property "$2" "$1"; } # unit, property

# Wait for "running" or "degraded". The first child processes of systemd-nspawn are temporary.
booted() { leader=$(pgrep -P "$nspawn") && in_tree systemctl is-system-running | grep -xE 'running|degraded'; }

tree_stop() {
    [ -n "${nspawn:-}" ] || return 0
    kill -RTMIN+4 "$leader" 2>/dev/null || true # "power off", see systemd(1)
    local end=$((SECONDS + 90))
    while kill -0 "$nspawn" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.2; done
    ! kill "$nspawn" 2>/dev/null || say "the tree did not power off by itself"
    wait "$nspawn" 2>/dev/null || true
    nspawn=
}
