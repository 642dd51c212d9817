#!/usr/bin/env bash
# kernel.sh SERIES: brings Debian's cloud kernel of a series (6.1, 6.12) to build/guest/SERIES: vmlinuz, its
# modules, and an initrd that mounts this machine's files (init.sh). What is there already stays. Installs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin

series=$1
case $series in
  6.1) meta=linux-image-cloud-amd64 ;;
  *) meta=linux-image-$series-cloud-amd64 ;;
esac
place=build/guest/$series

download() { # the package that the series' name depends on, unpacked
  local package
  [ -n "$(apt-cache show "$meta" 2>/dev/null)" ] || apt-get update -qq
  package=$(apt-cache depends "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
  [ -n "$package" ] || {
    echo "guest: no kernel $series here: the package lists have no $meta" >&2
    exit 1
  }
  echo "guest: downloading $package"
  rm -rf "$place"
  mkdir -p "$place/package"
  (cd "$place/package" && apt-get download -qq -o APT::Sandbox::User=root "$package")
  dpkg-deb -x "$place"/package/*.deb "$place"
  rm -rf "$place/package"
  version=$(basename "$place"/lib/modules/*)
  mv "$place/boot/vmlinuz-$version" "$place/vmlinuz"
  rm -rf "$place/boot" "$place/usr"
  depmod -b "$place" "$version"
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
