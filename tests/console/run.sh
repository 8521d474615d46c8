#!/usr/bin/env bash
# Tests the console in a real Chromium, on a pipeline with the simulator.
#
#   run.sh [--build DIR] [pytest arguments]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build
if [ "${1:-}" = --build ]; then
    build=$(cd "$2" && pwd)
    shift 2
fi
export E2E_BIN=$build/bin PYTHONPATH=$here/../end-to-end
cd "$here"
"${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider "$@"
