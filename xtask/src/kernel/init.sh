#!/bin/busybox sh
# The first process of the guest. The kernel hands on what stands behind `--` on its command line as
# arguments, and every NAME=value that it does not know itself as environment. See guest.rs for who reads
# the lines that begin with "guest:".
/bin/busybox --install -s /bin
export PATH=/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
for module in /modules/*.xz; do
    [ ! -e "$module" ] || unxz "$module"
done
sh /modules/load
ip link set lo up

echo "guest: up $(uname -r)"
main "$@"
echo "guest: exit $?"
poweroff -f
