#!/usr/bin/env bash
# kernel.sh SERIES: brings Debian's cloud kernel of a series (6.1, 6.12) to build/guest/SERIES: vmlinuz, its
# modules, and an initrd that mounts this machine's files (init.sh). What is there already stays; who comes second waits
# for the first. Installs nothing. Exits 70 where there is no such kernel to be had.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin

series=$1
case $series in
  6.1) meta=linux-image-cloud-amd64 ;;
  *) meta=linux-image-$series-cloud-amd64 ;;
esac
place=build/guest/$series
mkdir -p build/guest
exec 9>"$place.lock"
flock 9

apt() {
  apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root "$@"
}

fetch() { # to a directory: the package that the series' name depends on
  local package
  package=$(apt-cache depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
  [ -n "$package" ] || return 1
  echo "guest: downloading $package"
  (cd "$1" && apt download "$package")
}

download() { # a kernel, unpacked; vmlinuz last: where it is, the rest is
  rm -rf "$place"
  mkdir -p "$place/package"
  # The archive keeps no kernel that a newer one replaced: lists that still name one are brought up to date.
  fetch "$place/package" || { apt update && fetch "$place/package"; } || {
    echo "guest: no kernel $series to be had: is $meta in the package lists, and the archive within reach?" >&2
    exit 70
  }
  dpkg-deb -x "$place"/package/*.deb "$place"
  rm -rf "$place/package"
  version=$(basename "$place"/lib/modules/*)
  depmod -b "$place" "$version"
  mv "$place/boot/vmlinuz-$version" "$place/vmlinuz"
  rm -rf "$place/boot" "$place/usr"
}

# Modules that stand between the initrd and the files of this machine, in the order of their loading.
pack_modules() { # directory
  local number=0 word module
  modprobe -d "$place" -S "$version" -a --show-depends virtio_pci virtiofs virtio_net overlay |
    while read -r word module _; do
      [ "$word" = insmod ] || continue
      number=$((number + 1))
      case $module in
        *.xz) xz -dc "$module" >"$1/$(printf %02d $number).ko" ;;
        *) cp "$module" "$1/$(printf %02d $number).ko" ;;
      esac
    done
}

pack_initrd() {
  local root
  root=$(mktemp -d)
  mkdir -p "$root"/{bin,sbin,dev,proc,sys,host,view,over,modules}
  cp /bin/busybox "$root/bin/busybox"
  cp scripts/guest/init.sh "$root/init"
  cp scripts/guest/modprobe.sh "$root/sbin/modprobe"
  chmod +x "$root/init" "$root/sbin/modprobe"
  pack_modules "$root/modules"
  (cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$place/initrd.tmp"
  mv "$place/initrd.tmp" "$place/initrd"
  rm -rf "$root"
}

[ -e "$place/vmlinuz" ] || download
version=$(basename "$place"/lib/modules/*)
if [ ! -e "$place/initrd" ] || [ -n "$(find scripts/guest -newer "$place/initrd" -print -quit)" ]; then pack_initrd; fi
