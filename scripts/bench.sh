#!/usr/bin/env bash
# Measures this machine, peers side by side in one run; figures go to build/bench/results.json.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/bench
clang -O2 -g -Wall -Wextra -Werror --target=bpf -mcpu=v3 "-I/usr/include/$(g++ -dumpmachine)" -Ibpf/include \
  -c test/bench/floor.bpf.c -o build/bench/floor.bpf.o
node_modules/.bin/esbuild test/bench/main.ts --bundle --platform=node --format=esm --packages=external \
  --outfile=build/bench/main.mjs --log-level=warning
exec node build/bench/main.mjs
