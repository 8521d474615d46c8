#!/usr/bin/env bash
# cppcheck over the C sources, shellcheck over the scripts.
set -euo pipefail

cd "$(dirname "$0")/../.."
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
    --include=tests/checks/cppcheck.h \
    -I. -D_GNU_SOURCE -DDCM_SP_VERSION='"0"' -j "$(nproc)" \
    common api-svc kube-worker monitor registrar tests/kubesim tests/bench
git ls-files --cached --others --exclude-standard | while read -r file; do
    if [ -f "$file" ] && head -n 1 "$file" | grep -qE '^#!.*(sh|bash)$'; then
        echo "$file"
    fi
done | xargs shellcheck -x
