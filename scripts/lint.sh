#!/usr/bin/env bash
# Formats, style and types of all languages; changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
node_modules/.bin/biome check --error-on-warnings --max-diagnostics=40 .
node_modules/.bin/tsc -p .
find bpf addon test -name '*.[ch]' -o -name '*.cc' | xargs -r clang-format --dry-run --Werror
