#!/usr/bin/env bash
# The whole of what CI takes a sample of: 100 million fuzzed programs, every mutant of the BPF C, then each system call
# fails and is the last of the agent; ten million made-up frames through the shipped programs, two million past the
# bridge; ten million packets of each flood, a million live; ten thousand changes under packets; 50 taps that appear under
# fire; every network test with direct forwarding. Hours; seeded (RINGWALL_SEED), so that a run can be repeated. Arguments
# go to vitest (a path, -t NAME).
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin RINGWALL_TORTURE=all
if [ $# -eq 0 ]; then
  scripts/fuzz.sh
  scripts/mutants.sh
  # Every network test once more, past the bridge.
  RINGWALL_FORWARDING=direct node_modules/.bin/vitest run --project host test/network
  set -- test/torture test/native/fuzz/many.test.ts test/kernel/flood.test.ts
  set -- "$@" test/network/flood.test.ts test/network/attach-race.test.ts
  set -- "$@" test/kernel/direct.test.ts test/cases/attacks-tables.test.ts test/kernel/changes.test.ts
fi
exec node_modules/.bin/vitest run "$@"
