# Sourced by those who run tests with a build, as `. build.sh`: sets `root`, and `build` to a full path. "--build DIR" at the
# beginning of their arguments is taken away; without it, it is the usual folder.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=build
if [ "${1:-}" = --build ]; then
    build=$2
    shift 2
fi
case $build in /*) ;; *) build=$root/$build ;; esac
