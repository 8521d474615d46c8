# Sourced by those who run tests side by side. A test that measures or bounds time may fail because of its neighbours on a
# small machine, so the few that fail run once more, alone: what fails twice has failed. The output names them.
# shellcheck shell=bash

FAILED_TESTS=1 # pytest's exit status when tests failed, and nothing else
RETRIED_MAX=5  # more than these failed for another reason

# Run pytest here with that many processes.
side_by_side() { # processes, pytest arguments...
    local processes=$1 cache status=0
    shift
    cache=$(mktemp -d)
    "${PYTHON:-/usr/bin/python3}" -m pytest -q -o cache_dir="$cache" -n "$processes" "$@" || status=$?
    if [ "$status" -eq "$FAILED_TESTS" ] && [ "$(grep -c '": true' "$cache/v/cache/lastfailed")" -le "$RETRIED_MAX" ]; then
        echo "== once more, alone:"
        grep '": true' "$cache/v/cache/lastfailed"
        status=0
        "${PYTHON:-/usr/bin/python3}" -m pytest -q -o cache_dir="$cache" --last-failed "$@" || status=$?
    fi
    rm -rf "$cache"
    return "$status"
}
