#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs ./test.sh, or the command that is given, on a machine that has nothing but Debian's smallest system and Go.
#
#   sudo tools/bare.sh FOLDER [COMMAND...]
#
# The machine is made in FOLDER where it is not there yet, and stays: delete the folder for a fresh one. It gets a clone of the
# last commit, not of what is not committed. It sees no file and no process of this machine, and nothing is mounted
# outside of it: its mounts end with the command. The network is that of this machine. Wants debootstrap, git and Go.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "Making another machine wants root: sudo $0 $*" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
shift
[ $# -gt 0 ] || set -- ./test.sh

if [ ! -e "$folder/etc/debian_version" ]; then
  debootstrap --variant=minbase bookworm "$folder" http://deb.debian.org/debian
  cat >"$folder/etc/apt/sources.list" <<'END'
deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
END
  cp -a "$(go env GOROOT)" "$folder/usr/local/go"
  # The house's own certificate authorities and proxy, where this machine has any.
  mkdir -p "$folder/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/* "$folder/usr/local/share/ca-certificates/" 2>/dev/null || true
  cp /etc/apt/apt.conf.d/*proxy* "$folder/etc/apt/apt.conf.d/" 2>/dev/null || true
fi
cp /etc/resolv.conf /etc/hosts "$folder/etc/"
rm -rf "$folder/root/assay"
git clone -q "$here" "$folder/root/assay"

# A root of its own and not a chroot: in that no user namespace may be made, which some tests do.
exec unshare --mount --pid --fork --kill-child --propagation private bash -c '
set -e
cd "$1"; shift
mount --bind "$PWD" "$PWD"; cd "$PWD"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
for d in null zero full random urandom tty; do touch dev/$d; mount --bind /dev/$d dev/$d; done
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mkdir dev/shm dev/pts
mount -t tmpfs shm dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
mkdir -p .outside
pivot_root . .outside; cd /
umount -l /.outside; rmdir /.outside
cd /root/assay
exec env -i HOME=/root USER=root LANG=C.UTF-8 TERM=dumb PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' bare "$folder" "$@"
