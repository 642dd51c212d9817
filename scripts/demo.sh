#!/usr/bin/env bash
# Real traffic between namespaces under two groups: what is allowed, what is not, why, and a rule added live.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
  echo "demo: namespaces and BPF need root: run it as root." >&2
  exit 1
fi
exec node scripts/demo/main.mjs
