#!/usr/bin/env bash
# Installs what this machine lacks: Debian packages by the command or file that shows them, then npm's.
set -euo pipefail
cd "$(dirname "$0")/.."

# what shows that it is there | the Debian package that brings it
needs=(
  "clang clang"
  "clang-format clang-format"
  "bpftool bpftool"
  "g++ g++"
  "pkg-config pkg-config"
  "ip iproute2"
  "ping iputils-ping"
  "ethtool ethtool"
  "nft nftables"
  "conntrack conntrack"
  "tcpdump tcpdump"
  "strace strace"
  "promtool prometheus"
  "llvm-cov llvm"
  "qemu-system-x86_64 qemu-system-x86"
  "busybox busybox-static"
  "depmod kmod"
  "cpio cpio"
  "/usr/include/bpf/libbpf.h libbpf-dev"
)
# `make kernels` alone boots newer kernels, and guests that send traffic.
[ -z "${RINGWALL_KERNELS:-}" ] || needs+=(
  "xz xz-utils"
  "iperf3 iperf3"
)
# `make bench` alone measures beside peers.
[ -z "${RINGWALL_PEERS:-}" ] || needs+=(
  "iptables-legacy-restore iptables"
  "ipset ipset"
  "ovs-vswitchd openvswitch-switch"
)
missing=()
PATH=$PATH:/usr/sbin:/sbin
for need in "${needs[@]}"; do
  read -r shows package <<<"$need"
  [ -e "$shows" ] || command -v "$shows" >/dev/null || missing+=("$package")
done
compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a' >/dev/null || missing+=(libclang-rt-14-dev)
if [ "${#missing[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "setup: this machine lacks: ${missing[*]}. Install them (on Debian: apt-get install ${missing[*]})." >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; then
  echo "setup: Node.js 20 or newer is needed; this machine has $(node --version 2>/dev/null || echo none)." >&2
  exit 1
fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: npm ci"
  npm ci --ignore-scripts --no-audit --no-fund --silent
fi
