# What the scenarios share, inside the nested host (L1): binding of devices, running the VMM under
# KVM. Sourced by scenarios.sh, bench-inner and tests/demo/host.
. "${BASH_SOURCE%/*}/tap.sh"
. "${BASH_SOURCE%/*}/guest.sh"
. "${BASH_SOURCE%/*}/disk.sh"

# The guests' consoles. In memory, because 9p would cost a round trip for every character; keep_logs
# copies them to the folder of this boot.
out=/run/guests
mkdir -p "$out"
keep_logs() { cp -r "$out" /run/l1/; }
trap keep_logs EXIT

### Devices

sys=/sys/bus/pci/devices

driver_of() { # driver_of BDF: its name, or "none"
	if [ -e "$sys/$1/driver" ]; then
		basename "$(readlink "$sys/$1/driver")"
	else
		echo none
	fi
}

# bind DRIVER BDF...: DRIVER is "none" or one that is loaded; "" is whichever fits.
bind() {
	local driver=$1 bdf
	shift
	for bdf; do
		if [ -e "$sys/$bdf/driver" ]; then
			echo "$bdf" >"$sys/$bdf/driver/unbind"
		fi
		echo "$driver" >"$sys/$bdf/driver_override"
		[ "$driver" = none ] || echo "$bdf" >/sys/bus/pci/drivers_probe
	done
}

group_node() { # group_node BDF: /dev/vfio/N
	echo "/dev/vfio/$(basename "$(readlink "$sys/$1/iommu_group")")"
}

# free BDF: nobody has the VFIO group of BDF open (a group opens only once).
free() { (exec 3<>"$(group_node "$1")") 2>/dev/null; }

disk_of() { # disk_of BDF: the block device, if there is one
	local dev
	for dev in "$sys/$1"/nvme/nvme*/nvme*n1; do
		[ -b "/dev/${dev##*/}" ] && echo "/dev/${dev##*/}"
	done
}

has_disk() { [ -n "$(disk_of "$1")" ]; }

# host_reads BDF SUM DESCRIPTION: the host's own driver takes the device and reads
# the first 4 MiB of the disk, whose MD5 is SUM.
host_reads() {
	local got
	bind '' "$1"
	wait_for 30 has_disk "$1"
	got=$(dd if="$(disk_of "$1")" bs=1M count=4 iflag=direct 2>/dev/null | md5sum | cut -d ' ' -f 1)
	same "$3" "nvme $2" "$(driver_of "$1") $got"
}

### Guests

# vmm ARG...: runs the VMM in the spelling that it shares with QEMU. QEMU's own default is a
# CPU that KVM on this host cannot give, and devices that sluice has not (a display, a network
# card, a CD drive), which would only make it slower.
vmm() {
	local extra=()
	! is_qemu || extra=(-cpu host -nodefaults -serial mon:stdio)
	exec "$VMM" -M q35 -accel kvm "${extra[@]}" -nographic "$@"
}

is_qemu() { case ${VMM##*/} in qemu*) return 0 ;; *) return 1 ;; esac; }
