#!/usr/bin/env bash
# Runs every test; the last line is "N passed, N failed". Arguments go to vitest (a path, -t NAME).
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
mkdir -p build
report=build/test-report.json
rm -f "$report"
node_modules/.bin/vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@"
status=$?
node scripts/count-tests.mjs "$report" "$status"
