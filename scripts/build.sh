#!/usr/bin/env bash
# Builds, where its sources are newer: the BPF object, the codecs from its BTF, the addon, the CLI.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
mkdir -p build

# newer TARGET SOURCE… : true when a source is newer than the target, or the target is missing
newer() {
  local target=$1
  shift
  [ ! -e "$target" ] || [ -n "$(find "$@" -newer "$target" -print -quit)" ]
}

bpf_flags=(-O2 -g -Wall -Wextra -Werror --target=bpf -mcpu=v3 "-I/usr/include/$(g++ -dumpmachine)" -Ibpf/include)
compile_bpf() { # source, object: DWARF is stripped, BTF stays
  clang "${bpf_flags[@]}" -c "$1" -o "$2.tmp.o"
  bpftool gen object "$2" "$2.tmp.o"
  rm -f "$2.tmp.o"
}

for name in ringwall confirm survey count; do
  if newer "build/$name.bpf.o" bpf; then
    echo "build: bpf/$name.bpf.c"
    compile_bpf "bpf/$name.bpf.c" "build/$name.bpf.o"
  fi
done

if newer src/kernel/layout.gen.ts build/ringwall.bpf.o scripts/generate-layout.mjs; then
  echo "build: src/kernel/layout.gen.ts"
  node scripts/generate-layout.mjs build/ringwall.bpf.o src/kernel/layout.gen.ts
fi

if newer build/ringwall.node addon; then
  echo "build: addon"
  node_include=$(node -p 'require("path").resolve(process.execPath, "../../include/node")')
  [ -e "$node_include/node_api.h" ] || node_include=node_modules/node-api-headers/include
  compile_addon=(g++ -O2 -std=c++17 -Wall -Wextra -Werror -fPIC -DNAPI_VERSION=9 -DNODE_ADDON_API_CPP_EXCEPTIONS
    -isystem node_modules/node-api-headers/include -isystem node_modules/node-addon-api -isystem "$node_include")
  rm -rf build/addon
  mkdir build/addon
  # As many at a time as there are CPUs: most of each is the headers.
  basename -s .cc addon/*.cc | xargs -P "$(nproc)" -I NAME "${compile_addon[@]}" -c addon/NAME.cc -o build/addon/NAME.o
  g++ -shared build/addon/*.o -lbpf -o build/ringwall.node.tmp
  mv build/ringwall.node.tmp build/ringwall.node
  rm -r build/addon
fi

if newer build/dist/main.js src package.json scripts/{bundle,plain-text,stand-ins}.mjs; then
  echo "build: src"
  node scripts/bundle.mjs
fi
