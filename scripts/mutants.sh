#!/usr/bin/env bash
# Every mistake that the operators can make in the BPF C, one after the other; survivors go to build/mutants.txt.
# RINGWALL_MUTANTS=N tries a sample, RINGWALL_SEED=N another one.
set -euo pipefail
cd "$(dirname "$0")/.."
RINGWALL_MUTANTS=${RINGWALL_MUTANTS:-all} exec node_modules/.bin/vitest run test/native/mutants/mutants.test.ts
