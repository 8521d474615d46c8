# Sourced by the checks, which then run in the root of the tree and end with `exit "$bad"`.
# shellcheck shell=bash
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bad=0

complain() {
    echo "$(basename "$0" .sh): $*" >&2
    bad=1
}
