#!/usr/bin/env bash
# The kernel tests in Debian's other kernels: kernels.sh [SERIES…] (or RINGWALL_KERNELS, all where none is named). First what
# a test of them all samples, with more packets, then the files of test/kernel that an emulated processor gets through,
# two at a time, what tells most first; each says FILE and what it came to. RINGWALL_KERNEL_TESTS names others,
# RINGWALL_KERNEL_SECONDS how long they may take.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

read -ra series <<<"${*:-${RINGWALL_KERNELS:-6.1 6.12}}"
files=(size addon/words enforcement vlan opening-table session-list addon/survey confirm sweep pressure adopt plan-sessions)
files+=(testrun attach full express explain verify proof rules uplink kill)
files+=(addon/{devices,map,object,program,tc,netlink,ring,system,native,leaks})
read -ra files <<<"${RINGWALL_KERNEL_TESTS:-${files[*]}}"
seconds=${RINGWALL_KERNEL_SECONDS:-7200}

# Made here once; there it would take half a minute for each test.
driver=build/driver-kernels-$$.mjs
trap 'rm -f "$driver"' EXIT
node_modules/.bin/esbuild test/kernel/driver.ts --outfile="$driver" --bundle --packages=external --platform=node \
  --format=esm --log-level=warning || exit 1

# A thread a file: processes start slowly there.
in_guest() {
  cat <<END
export CI=1 NO_COLOR=1 RINGWALL_DRIVER=\$PWD/$driver
try() {
  local began=\$SECONDS
  node_modules/.bin/vitest run --pool=threads --reporter=verbose test/kernel/\$1.test.ts 2>&1 | sed -u "s|^|\$1: |"
  local status=\${PIPESTATUS[0]}
  echo "FILE \$1 exit \$status, \$((SECONDS - began)) s"
  return "\$status"
}
export -f try
printf '%s\n' ${files[*]} | xargs -P 2 -I{} bash -c 'try {}'
END
}

status=0
RINGWALL_KERNELS=${series[*]} RINGWALL_GUEST_PACKETS=${RINGWALL_GUEST_PACKETS:-10000} \
  node_modules/.bin/vitest run test/guest || status=1
for kernel in "${series[@]}"; do
  echo "kernels: test/kernel in $kernel"
  GUEST_SECONDS=$seconds scripts/guest/boot.sh "$kernel" "$(in_guest)" || status=1
done
exit "$status"
