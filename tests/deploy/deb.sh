#!/usr/bin/env bash
# Tests the Debian package for the running release: builds it, checks it with lintian, and installs, starts, upgrades,
# removes and purges it in a booted system. Needs root.
#
#   deb.sh [build]    build: only build and lintian, as in CI
set -euo pipefail

# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/deploy/tree.sh
. "$here/tree.sh"
trap 'tree_stop; rm -rf "$work"' EXIT

units="dcm-sp-api.service dcm-sp-monitor.service dcm-sp-worker@1.service dcm-sp-worker@2.service"
tree=$work/tree

build() { # version: prints the package
    "$root/deploy/debian/build.sh" "$work/$1" "$1" 2>"$work/build" || die "building: $(tail -n 40 "$work/build")"
}

install_package() { # package: like an administrator who keeps changed files
    cp "$1" "$tree/opt/dcm-sp.deb"
    in_tree env DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold /opt/dcm-sp.deb >"$work/dpkg" 2>&1 ||
        die "dpkg --install: $(cat "$work/dpkg")"
}

version_of() { # unit: of the program that runs
    in_tree sh -c "/proc/\$(systemctl show --value -p MainPID $1)/exe --version"
}

processes() { pgrep --ns "$leader" --nslist pid --full --count '^/usr/bin/(api-svc|kube-worker|monitor|registrar)' || true; }

# All units run this version.
running() {
    local unit
    for unit in $units; do
        in_tree systemctl is-active --quiet "$unit" || die "$unit does not run: $(in_tree journalctl -n 20 -u "$unit")"
        [[ "$(version_of "$unit")" == *" $1" ]] || die "$unit runs $(version_of "$unit") instead of $1"
    done
}

# The files of the system, except runtime files, logs and those of the package manager.
files() {
    (cd "$tree" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp -o -path ./opt \
        -o -path ./var/log -o -path ./var/tmp -o -path ./var/cache -o -path ./var/lib/dpkg -o -path ./var/lib/systemd \) \
        -prune -o -print | LC_ALL=C sort)
    cat "$tree/etc/passwd" "$tree/etc/group"
}

"$root/deploy/install-packages.sh" deb
say "building"
old=$(build 1.0.0-rc1)
[ "$(dpkg-deb -f "$old" Version)" = "1.0.0~rc1" ] || die "the version is $(dpkg-deb -f "$old" Version)"
say "lintian"
lintian --fail-on error,warning --allow-root "$(dirname "$old")"/*.changes || die "lintian is not content"
[ "${1:-}" != build ] || { say "passed in $SECONDS s"; exit 0; }

say "building the next version"
new=$(build 1.0.0)
# The new version also changes the configuration, which conflicts with the administrator's.
dpkg-deb -R "$new" "$work/unpacked"
echo "# new in this version" >>"$work/unpacked/etc/dcm-sp/dcm-sp.env"
dpkg-deb --root-owner-group -b "$work/unpacked" "$new" >/dev/null

tree_make "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$tree" nats-server
chroot "$tree" env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends satisfy "$(dpkg-deb -f "$old" Depends)" \
    >"$work/apt" 2>&1 || die "what the package depends on: $(cat "$work/apt")"
tree_services "$tree"
tree_boot "$tree"
files >"$work/before"

say "install: nothing is started or enabled"
install_package "$old"
[ "$(stat -c %a "$tree"/etc/dcm-sp/*)" = $'600\n600' ] || die "not for root alone: $(ls -l "$tree"/etc/dcm-sp)"
[ -z "$(in_tree systemctl list-units --no-legend 'dcm-sp*')" ] || die "started: $(in_tree systemctl list-units 'dcm-sp*')"
for unit in $units dcm-sp-registrar.service dcm-sp.target; do
    enabled=$(in_tree systemctl is-enabled "$unit" || true)
    [ "$enabled" = disabled ] || die "$unit is $enabled"
done

say "configure, enable, start"
echo SP_LOG_LEVEL=debug >>"$tree/etc/dcm-sp/dcm-sp.env"
cp "$tree/opt/kubeconfig" "$tree/etc/dcm-sp/kubeconfig"
# shellcheck disable=SC2086  # a list
in_tree systemctl enable --quiet --now dcm-sp.target $units
wait_until 20 "not healthy" healthy
running 1.0.0~rc1
[ "$(processes)" = 4 ] || die "$(processes) processes instead of 4"
smoke

say "upgrade: what runs is restarted, the changed configuration is kept"
install_package "$new"
running 1.0.0
wait_until 20 "not healthy after the upgrade" healthy
! in_tree systemctl is-active --quiet dcm-sp-registrar.service || die "the upgrade started a registrar that was not enabled"
grep -qx SP_LOG_LEVEL=debug "$tree/etc/dcm-sp/dcm-sp.env" || die "the changed configuration is gone"
grep -qx '# new in this version' "$tree/etc/dcm-sp/dcm-sp.env.dpkg-dist" || die "the new configuration is not beside it"
smoke

say "remove: everything is stopped, the configuration stays"
in_tree dpkg --remove dcm-sp >"$work/dpkg" 2>&1 || die "dpkg --remove: $(cat "$work/dpkg")"
[ "$(processes)" = 0 ] || die "processes are left"
grep -qx SP_LOG_LEVEL=debug "$tree/etc/dcm-sp/dcm-sp.env" || die "the configuration went with the removal"

say "purge: nothing is left"
in_tree dpkg --purge dcm-sp >"$work/dpkg" 2>&1 || die "dpkg --purge: $(cat "$work/dpkg")"
files >"$work/after"
diff "$work/before" "$work/after" >&2 || die "purge left or removed files or users (see above)"
left=$(in_tree systemctl list-units --all --no-legend 'dcm-sp*')
[ -z "$left" ] || die "units are left: $left"
say "passed in $SECONDS s"
