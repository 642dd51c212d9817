#!/usr/bin/env bash
# The kernel tests in Debian's other kernels: kernels.sh [SERIES…]. First what a test of them all samples, with more
# packets, then the files of test/kernel that an emulated processor gets through.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

series=("${@:-6.1}")
[ "$#" -gt 0 ] || series=(6.1 6.12)
files=(adopt attach confirm explain express full kill plan-sessions proof rules size testrun uplink verify vlan enforcement addon)

status=0
RINGWALL_KERNELS=${series[*]} RINGWALL_GUEST_PACKETS=${RINGWALL_GUEST_PACKETS:-10000} node_modules/.bin/vitest run test/guest || status=1
for kernel in "${series[@]}"; do
  echo "kernels: test/kernel in $kernel"
  # A thread a file: processes start slowly there.
  GUEST_SECONDS=3600 scripts/guest/boot.sh "$kernel" "CI=1 NO_COLOR=1 node_modules/.bin/vitest run --pool=threads --reporter=verbose \
    ${files[*]/#/test/kernel/}" || status=1
done
exit "$status"
