#!/usr/bin/env bash
# The whole of what CI takes a sample of: each system call fails, each is the agent's last. Hours; seeded
# (RINGWALL_SEED), so that a run can be repeated. Arguments go to vitest (a path, -t NAME).
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin RINGWALL_TORTURE=all
if [ $# -eq 0 ]; then set -- test/torture; fi
exec node_modules/.bin/vitest run "$@"
