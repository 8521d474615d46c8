#!/usr/bin/env bash
# The test command of the README: installs missing packages, builds, and runs all tests that need no cluster.
set -euo pipefail

cd "$(dirname "$0")/.."
deploy/install-packages.sh build run test
make -s -j"$(nproc)" all build/test/unit test-streams-programs
make -s test
