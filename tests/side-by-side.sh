# Runs tests in parallel; sourced. On a small machine, tests with time limits may fail because of others, so up to
# RETRIED_MAX failed tests are run again, alone, and listed in the output: a second failure counts.
# shellcheck shell=bash

FAILED_TESTS=1 # pytest's exit status when tests failed, and nothing else
RETRIED_MAX=5  # more than these failed for another reason

# Run pytest with this number of processes.
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
