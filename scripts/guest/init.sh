#!/bin/busybox sh
# The first process of a guest kernel: lays a scratch layer over the files of the machine that started it, and runs
# one script there. ttyS0 is the kernel's console; what the script says goes to ttyS1, its exit code is the last line.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec </dev/null >/dev/ttyS1 2>&1

end() { # exit code, what went wrong
  [ -z "$2" ] || echo "guest: $2"
  echo "guest: exit $1"
  sleep 0.2 # the serial line is slower than the power switch
  poweroff -f
}
word() { # the value of a word of the kernel's command line
  sed -n "s/.* $1=\([^ ]*\).*/\1/p" /proc/cmdline
}

# Some of these depend on the same module, which is there the second time.
for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done
mount -t virtiofs -o ro root /host || end 70 "the machine's files are not there"
mount -t tmpfs tmpfs /over && mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work overlay /view || end 71 "no overlay"
for name in proc sys dev; do mount --rbind "/$name" "/view/$name"; done
mkdir -p /dev/pts /dev/shm /view/lib/modules
mount -t devpts pts /dev/pts
for name in dev/shm run tmp/.guest; do mkdir -p "/view/$name" && mount -t tmpfs tmpfs "/view/$name"; done
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
tree=$(word guest.tree)
mount --bind "/host$tree/$(word guest.modules)" /view/lib/modules || end 72 "no modules"
ip link set lo up
script=$(cat "/host$(word guest.work)/script")
chroot /view /usr/bin/env -i PATH="$(word guest.path)" HOME=/tmp/.guest TMPDIR=/tmp/.guest LANG=C.UTF-8 \
  RINGWALL_GUEST="$(uname -r)" bash -c "cd $tree
$script"
end $?
