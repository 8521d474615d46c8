# Sourced by scripts that run tests with a build, as `. build.sh`: sets `root`, and `build` to an absolute path. Removes
# "--build DIR" from the beginning of the arguments; without it, the default folder is used.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=build
if [ "${1:-}" = --build ]; then
    build=$2
    shift 2
fi
case $build in /*) ;; *) build=$root/$build ;; esac
