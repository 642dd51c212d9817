#!/usr/bin/env bash
# Takes what the last `make bench` measured into docs/figures and the README: no figure is typed.
set -euo pipefail
cd "$(dirname "$0")/.."
node_modules/.bin/esbuild test/bench/take-figures.ts --bundle --platform=node --format=esm --packages=external \
  --outfile=build/bench/take-figures.mjs --log-level=warning
exec node build/bench/take-figures.mjs
