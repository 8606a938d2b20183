#!/usr/bin/env bash
# Installs what tests of the page need from npm's registry into tests/page/node_modules: axe-core, for accessible_test.py, which is
# skipped without it. npm itself comes from Debian where there is none; another one would be in the way of Debian's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v npm > /dev/null; then
    ../../packages/install.sh page
fi
if ! npm ls > /dev/null 2>&1; then # what the lock file lists isn't there yet
    npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 1 --fetch-timeout 20000
fi
