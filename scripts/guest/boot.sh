#!/usr/bin/env bash
# boot.sh SERIES [--tap NAMESPACE DEVICE MAC] SCRIPT: runs a shell script in Debian's kernel of that series, in qemu without
# KVM, over this machine's own files (what it writes is gone afterwards), in this tree's directory. Prints what the
# script prints; exits as the script does (70 to 79: the guest did not get so far).
#   --tap NAMESPACE DEVICE MAC  the guest's network card is this tap of that network namespace; all else is done in the
#                               caller's, which can download a kernel
#   GUEST_SECONDS               how long it may take (default 300), GUEST_MEMORY (default 1G), GUEST_CPUS (default 2)
set -euo pipefail
cd "$(dirname "$0")/../.."

series=$1
shift
network=(-nic none)
inside=()
if [ "$1" = --tap ]; then
  inside=(nsenter "--net=/run/netns/$2")
  network=(-netdev "tap,id=net,ifname=$3,script=no,downscript=no" -device "virtio-net-pci,netdev=net,mac=$4")
  shift 4
fi
scripts/guest/kernel.sh "$series" >&2

place=build/guest/$series
memory=${GUEST_MEMORY:-1G}
work=$(mktemp -d)
echo "$1" >"$work/script"
running=()
finish() {
  [ "${#running[@]}" = 0 ] || kill "${running[@]}" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 79' INT TERM

/usr/lib/qemu/virtiofsd --socket-path="$work/share" -o source=/ -o cache=auto -o sandbox=chroot 2>"$work/share.log" &
running+=($!)
for _ in $(seq 100); do [ ! -S "$work/share" ] || break; sleep 0.05; done
[ -S "$work/share" ] || { cat "$work/share.log" >&2; exit 79; }

mkfifo "$work/said"
# no_timer_check: on a busy machine the emulated timer ticks too late for the kernel's test of it, which panics then.
words="console=ttyS0 quiet panic=-1 no_timer_check guest.tree=$PWD guest.modules=$place/lib/modules guest.work=$work guest.path=$PATH:/usr/sbin:/sbin end"
"${inside[@]}" timeout --foreground "${GUEST_SECONDS:-300}" qemu-system-x86_64 \
  -M q35 -accel tcg,thread=multi -cpu max -smp "${GUEST_CPUS:-2}" -no-reboot -display none -monitor none \
  -m "$memory" -object "memory-backend-memfd,id=memory,size=$memory,share=on" -numa node,memdev=memory \
  -chardev "socket,id=share,path=$work/share" -device vhost-user-fs-pci,chardev=share,tag=root \
  "${network[@]}" -serial "file:$work/console" -serial stdio \
  -kernel "$place/vmlinuz" -initrd "$place/initrd" -append "$words" </dev/null >"$work/said" 2>"$work/qemu.log" &
running+=($!)
# In the background, so that a signal to this script is heard at once.
sed -u 's/\r$//' <"$work/said" | tee "$work/output" | sed -u '/guest: exit [0-9]*$/d' &
wait $!
code=$(sed -n 's/^.*guest: exit \([0-9]*\)$/\1/p' "$work/output" | tail -1)
if [ -z "$code" ]; then
  tail -n 40 "$work/console" "$work/qemu.log" "$work/share.log" >&2
  echo "guest: kernel $series stopped before the script ended" >&2
  exit 78
fi
exit "$code"
