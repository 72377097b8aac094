# Process 1 of the guest, after init: the file systems of a booted Debian, the modules of this kernel, then the agent
# until the host lets go of it. What the agent says of itself is on the serial console.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
value() {
	for word in $(cat /proc/cmdline); do
		case $word in "$1"=*) echo "${word#*=}" ;; esac
	done
}
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# The host may have this kernel's modules installed; those that were unpacked for the guest are complete.
mkdir -p /lib/modules
rm -rf "/lib/modules/$(uname -r)"
ln -s "$(value spillway.kernel)/lib/modules/$(uname -r)" /lib/modules/
ip link set lo up
modprobe virtio_console
"$(value spillway.node)" "$(value spillway.agent)"
echo o >/proc/sysrq-trigger
sleep 60
