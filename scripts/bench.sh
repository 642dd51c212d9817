#!/usr/bin/env bash
# Measures this machine, peers side by side in one run; figures go to build/bench/results.json. Arguments are names of
# families (test/bench/families.ts): only those are measured.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p build/bench
for name in varied floor; do
  clang -O2 -g -Wall -Wextra -Werror --target=bpf -mcpu=v3 "-I/usr/include/$(g++ -dumpmachine)" -Ibpf/include \
    -c "test/bench/$name.bpf.c" -o "build/bench/$name.bpf.o"
done
node_modules/.bin/esbuild test/bench/main.ts --bundle --platform=node --format=esm --packages=external \
  --outfile=build/bench/main.mjs --log-level=warning
# As bin/ringwall: neither side of a start's figure reads certificates that it has no use for.
unset NODE_EXTRA_CA_CERTS
exec node build/bench/main.mjs "$@"
