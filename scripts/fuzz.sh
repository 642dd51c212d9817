#!/usr/bin/env bash
# Fuzzes the verdict (libFuzzer, sanitizers) from the kept programs: RINGWALL_RUNS programs, 100 million unless said.
set -euo pipefail
cd "$(dirname "$0")/.."
RINGWALL_RUNS=${RINGWALL_RUNS:-100000000} exec node_modules/.bin/vitest run test/native/fuzz/fuzz.test.ts
