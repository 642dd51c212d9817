#!/bin/busybox sh
# The kernel calls this when it misses a module: kmod and the modules are on the machine that lends its files.
exec /bin/busybox chroot /view /sbin/modprobe "$@"
