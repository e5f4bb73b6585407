#!/bin/bash
# scenarios.sh NAME...: runs the scenarios (the functions scenario_NAME below) with the VMM $VMM
# in the nested host (L1) and prints TAP. Called by tests/e2e/run, through tests/e2e/l1.
# Devices are those of tests/e2e/l1. E2E_SUM0..3 are the MD5 sums of the first 4 MiB of
# the disks, E2E_NONCE is new in each run.
set -u
. "$(dirname "$0")/lib/inner.sh"

nic=0000:01:00.0 disk0=0000:02:00.0 disk1=0000:03:00.0
lone=0000:00:04.0 ahci=0000:00:08.0 pair0=0000:00:09.0 pair1=0000:00:09.1

# MSI-X, INTx with a reboot, and the whole way there and back.
scenario_main() {
	local mac caps got
	mac=$(cat "$sys/$nic"/net/*/address)
	bind vfio-pci "$nic" "$disk0"
	INITRD=l2-lspci.cpio run main reboot,cpus,pci,sum,irq,lspci,bar -m 512 -smp 2 \
		-device "vfio-pci,host=$disk0,addr=4" -device "vfio-pci,host=$nic,addr=5"
	reached_userspace || return
	same "both CPUs are up" 2 "$(facts cpus)"
	device_is 00:04.0 "1b36:0010 nvme" "the NVMe controller, with its driver,"
	device_is 00:05.0 "8086:10d3 none" "the e1000e"
	kept_over_reboot 00:04.0
	sum_is 00:04.0 "$E2E_SUM0"
	mode_is 00:04.0 msix
	msix_rises 2

	same "lspci -vvxxxx has no complaint" "0 " "$(facts lspci-status) $(facts lspci-complaint)"
	caps=$(facts cap)
	for got in "00:04.0 .*MSI-X: Enable+ Count=65 Masked-" "00:04.0 .*Express" "00:04.0 .*Power Management" \
		"00:05.0 .*MSI: Enable-" "00:05.0 .*MSI-X: Enable- Count=5" "00:05.0 .*Express" \
		"00:05.0 .*Power Management" "00:05.0 \[1.*Advanced Error Reporting"; do
		grep -q -- "$got" <<<"$caps" || got="no $got"
		case $got in no*) break ;; esac
	done
	! [[ $got == no* ]]
	result $? "lspci finds every capability" "$got" "$caps"
	got=$(facts mac | sed -n 's/^0000:00:05.0 //p')
	same "the guest reads the e1000e's address through its BAR" "$(mac_registers "$mac")" "$got"
	ended_well
	host_reads "$disk0" "$E2E_SUM0" "the host's NVMe driver has the controller again and reads it"
}

# mac_registers MAC: the values of e1000e's registers RAL0 and RAH0.
mac_registers() {
	local a b c d e f
	IFS=: read -r a b c d e f <<<"$1"
	echo "0x$d$c$b$a 0x8000$f$e" | tr abcdef ABCDEF
}

# INTx, on a line that two devices in different groups share: slots 4 and 12.
scenario_intx() {
	local got
	bind vfio-pci "$disk0" "$disk1"
	APPEND=pci=nomsi run intx reboot,pci,sum,irq -m 256 -smp 2 \
		-device "vfio-pci,host=$disk0,addr=4" -device "vfio-pci,host=$disk1,addr=0xc"
	reached_userspace || return
	device_is 00:04.0 "1b36:0010 nvme" "the first NVMe controller, with its driver,"
	device_is 00:0c.0 "1b36:0010 nvme" "the second NVMe controller, with its driver,"
	kept_over_reboot 00:04.0
	kept_over_reboot 00:0c.0
	sum_is 00:04.0 "$E2E_SUM0"
	sum_is 00:0c.0 "$E2E_SUM1"
	got=$(interrupts)
	grep '^[1-9].*IO-APIC.*nvme0' <<<"$got" | grep -q nvme1 && ! grep -q MSI <<<"$got"
	result $? "both use one line of the IO-APIC and its count rises" "rise, chip, name:" "$got"
	ended_well
	host_reads "$disk0" "$E2E_SUM0" "the host's NVMe driver reads the first disk"
	host_reads "$disk1" "$E2E_SUM1" "the host's NVMe driver reads the second disk"
}

# The network card with its own driver, which switches between its interrupt modes, and an
# AHCI controller, which has MSI alone. The cloud kernel has no driver for either: this is the
# generic kernel, as a PVH ELF. QEMU's e1000e fails the driver's test of MSI (in L1, too), so
# mode 1 is MSI first and then INTx.
scenario_nic() {
	local mode name
	bind vfio-pci "$nic" "$ahci"
	KERNEL=$SLUICE_ASSETS/vmlinux INITRD=l2-nic.cpio run nic pci,sum,irq,nic -m 256 -smp 1 \
		-device "vfio-pci,host=$nic,addr=5" -device "vfio-pci,host=$ahci,addr=6"
	reached_userspace || return
	device_is 00:05.0 "8086:10d3 e1000e" "the e1000e, with its driver,"
	device_is 00:06.0 "8086:2922 ahci" "the AHCI controller, with its driver,"
	sum_is 00:06.0 "$E2E_SUM3"
	matches "AHCI: MSI counts rise" '^[1-9][0-9]* PCI-MSI.*ahci' "$(interrupts)"
	for mode in "2 PCI-MSI .*eth0-rx-0" "1 .*eth0" "0 IO-APIC .*eth0"; do
		case $mode in 2*) name=MSI-X ;; 1*) name=MSI-INTx ;; *) name=INTx ;; esac
		same "$name: the link is up and packets go both ways" \
			"${mode%% *} 0 3 packets transmitted, 3 packets received, 0% packet loss" \
			"$(facts nic-ping | grep "^${mode%% *} ")"
		matches "$name: its interrupts are counted" "^${mode%% *} [0-9]+: ${mode#* } [1-9][0-9]*$" \
			"$(facts nic-irq | grep "^${mode%% *} ")"
	done
	ended_well
	bind '' "$nic"
	same "the host's e1000e driver has the card again" e1000e "$(driver_of "$nic")"
}

# Linux on devices that are all ours: an NVMe controller of the emulated host, assigned, and one of
# the board; first with MSI-X, then with INTx.
scenario_inproc() {
	local append image=() sum=() i
	! is_qemu || { skip "the emulated host" "QEMU has none"; return; }
	for i in 0 1; do
		image[i]=$out/inproc$i.img
		sum[i]=$(make_disk "${image[i]}")
	done
	for append in "" pci=nomsi; do
		INITRD=l2-nvme.cpio APPEND=$append run "inproc${append:+-nomsi}" \
			"reboot,pci,sum,irq$([ "$append" ] || echo ,nvme)" -m 256 -smp 2 \
			-host-device "nvme,addr=0000:05:00.0,drive=${image[0]},serial=host,driver=vfio-pci" \
			-device "vfio-pci,host=0000:05:00.0,addr=4" \
			-device "nvme,drive=${image[1]},serial=board,addr=5"
		reached_userspace || return
		device_is 00:04.0 "1b36:0010 nvme" "the emulated host's controller, with its driver,"
		device_is 00:05.0 "1b36:0010 nvme" "the board's controller, with its driver,"
		kept_over_reboot 00:04.0
		kept_over_reboot 00:05.0
		sum_is 00:04.0 "${sum[0]}"
		sum_is 00:05.0 "${sum[1]}"
		if [ -z "$append" ]; then
			msix_rises 2
			same "the nvme tool reads what there is, without complaint" "" \
				"$(facts nvme | grep -v '^0 '; facts nvme-complaint)"
			matches "it tells the drive's own serial number" 'sn *: host' "$(facts nvme-id)"
		else
			intx_rises
		fi
		ended_well
	done
}

# The host as lspci -xxxx shows it, with its network card assigned: what the guest's lspci makes of it.
scenario_dump() {
	local file=$out/host.txt card=0000:01:00.0 caps
	! is_qemu || { skip "a host from a dump" "QEMU has none"; return; }
	PATH=$PATH:/sbin:/usr/sbin lspci -D -xxxx >"$file"
	INITRD=l2-lspci.cpio run dump pci,lspci -m 256 -smp 1 -host-dump "$file" \
		-host-sysfs "devices/$card/driver_override=vfio-pci" \
		-host-sysfs "drivers/e1000e/unbind=$card" -host-sysfs "drivers_probe=$card" \
		-device "vfio-pci,host=$card,addr=5"
	reached_userspace || return
	device_is 00:05.0 "8086:10d3 none" "the card of the dump"
	same "lspci -vvxxxx has no complaint" "0 " "$(facts lspci-status) $(facts lspci-complaint)"
	caps=$(facts cap | grep -c '^00:05.0 ')
	[ "$caps" -ge 5 ]
	result $? "the guest sees its capabilities" "$(facts cap)"
	ended_well
}

# Both devices of one group, and one of another, which sits behind a root port in the guest.
scenario_groups() {
	bind vfio-pci "$pair0" "$pair1" "$disk1"
	run groups pci,sum,bar -m 256 -smp 1 -device "vfio-pci,host=$pair0,addr=4" \
		-device "vfio-pci,host=$pair1,addr=6" -device pcie-root-port,id=rp1,chassis=1,addr=7 \
		-device "vfio-pci,host=$disk1,bus=rp1"
	reached_userspace || return
	device_is 00:04.0 "1b36:0010 nvme" "the group's first device, with its driver,"
	device_is 00:06.0 "1234:11e8 none" "the group's second device"
	device_is 01:00.0 "1b36:0010 nvme" "the other group's device, with its driver, behind a root port"
	sum_is 00:04.0 "$E2E_SUM2"
	sum_is 01:00.0 "$E2E_SUM1"
	same "edu computes 10! behind its BAR" 0x00375F00 "$(facts factorial | sed -n 's/^0000:00:06.0 //p')"
	ended_well
	host_reads "$pair0" "$E2E_SUM2" "the host's NVMe driver reads the group's disk"
	bind none "$pair1"
	host_reads "$disk1" "$E2E_SUM1" "the host's NVMe driver reads the other disk"
}

# mmio_exits: how often KVM had to hand an access to the VMM.
mmio_exits() { cat /sys/kernel/debug/kvm/"$pid"-*/mmio_exits; }

# more_reads THAN: the guest has done more reads; $reads is their number.
more_reads() {
	reads=0
	printed 'T: busy ' || return 1
	text=${text##*T: busy }
	reads=${text%%[^0-9]*}
	((${reads:-0} > $1))
}

busy_or_over() { more_reads 0 || over; }

# The soft CPU with the kernel's VFIO: the flat guest of tests/kvm drives a real edu device, its DMA
# through the IOMMU, its INTx with resampling and its MSI from eventfds. (Linux is for tests/soft.)
scenario_soft() {
	local image said
	! is_qemu || { skip "the soft CPU" "QEMU has another"; return; }
	image=$(dirname "$VMM")/tests/guest/guest-edu
	bind vfio-pci "$lone"
	said=$(timeout 120 "$VMM" -M q35 -accel soft -m 64 -nodefaults -display none -debugcon stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$image" \
		-device "vfio-pci,host=$lone,addr=5" 2>&1)
	same "the guest ends well" 1 "$?"
	same "everything that edu does is right" "done $(grep -c '^ok ' <<<"$said")" "$(tail -n 1 <<<"$said")"
	matches "its interrupts came as messages" '^ok edu-msi$' "$said"
	matches "and by its line" '^ok edu-intx-again$' "$said"
	bind none "$lone"
}

# The VMM is stopped while the guest keeps the disk busy.
scenario_release() {
	local signal exits count
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	bind vfio-pci "$disk0"
	for signal in TERM KILL; do
		start "release-$signal" busy -m 256 -smp 1 -device "vfio-pci,host=$disk0,addr=4"
		wait_for "${E2E_GUEST_SECONDS:-150}" busy_or_over
		status="no reads"
		if [ "$signal" = TERM ]; then
			reached_userspace || { kill -KILL "$pid"; wait "$pid"; return; }
			exits=$(mmio_exits) count=$reads
			wait_for 60 more_reads $((count + 500))
			count=$((reads - count)) exits=$(($(mmio_exits) - exits))
			((count > 0 && exits < count / 8))
			result $? "the disk's doorbells are mapped, not trapped" \
				"$count reads, $exits exits to the VMM for memory-mapped I/O"
		fi
		kill -s "$signal" "$pid"
		finish 30
		case $signal in
		TERM) matches "SIGTERM ends the VMM in an orderly way" '^(0|143)$' "$status" ;;
		KILL) same "SIGKILL ends the VMM" 137 "$status" ;;
		esac
		free "$disk0"
		result $? "after SIG$signal the group is free" "$(group_node "$disk0") cannot be opened"
		host_reads "$disk0" "$E2E_SUM0" "after SIG$signal the host's NVMe driver reads the disk"
		bind vfio-pci "$disk0"
	done
	run release-again sum -m 256 -smp 1 -device "vfio-pci,host=$disk0,addr=4"
	sum_is 00:04.0 "$E2E_SUM0"
	ended_well
	bind '' "$disk0"
}

# The host wants the device back while the guest uses it: the VMM lets go and goes on running.
scenario_request() {
	is_qemu && { skip "the host gets the device back" "QEMU asks the guest to unplug it"; return; }
	bind vfio-pci "$disk0"
	start request busy -m 256 -smp 1 -device "vfio-pci,host=$disk0,addr=4"
	wait_for "${E2E_GUEST_SECONDS:-150}" more_reads 0 || over
	status="no reads"
	reached_userspace || { kill -KILL "$pid"; wait "$pid"; return; }
	(echo "$disk0" >"$sys/$disk0/driver/unbind") &
	wait_for 60 driver_is "$disk0" none
	result $? "the host's driver gets rid of a device that is in use" "still $(driver_of "$disk0")"
	! gone
	result $? "the VMM goes on without the device" "it ended"
	matches "the message names the device" 'host wants' "$(cat "$out/request.err")"
	host_reads "$disk0" "$E2E_SUM0" "the host's NVMe driver reads the disk"
	kill -TERM "$pid"
	finish 30
	same "SIGTERM ends the VMM with status 0" 0 "$status"
}

# Into a slot of the running guest and out of it again, first by device_del, then because the host
# asks: both times the guest turns the slot off.
scenario_hotplug() {
	is_qemu && { skip "the guest takes and gives back the disk" "QEMU's port has no bus here"; return; }
	local device="\"driver\": \"vfio-pci\", \"host\": \"$disk0\""
	bind vfio-pci "$disk0"
	qmp_pipe hotplug
	APPEND=sluice.rounds=2 start hotplug hotplug -m 256 -smp 1 "${qmp[@]}" \
		-device pcie-root-port,id=rp0,addr=4,chassis=1,slot=1
	plug_and_unplug 1 "$E2E_SUM0" "$device"
	status="not over"
	reached_userspace || { kill -KILL "$pid"; wait "$pid"; return; }
	wait_for 10 free "$disk0"
	result $? "the VMM has let go of the device" "it has not"
	qmp device_add "$device, \"id\": \"asked\", \"bus\": \"rp0\""
	wait_for "${E2E_GUEST_SECONDS:-150}" printed 'T: plugged 2'
	qmp x-query-vfio
	wait_for 30 answered '"host": "'"$disk0"'", "backend": "group".*"resets"'
	result $? "x-query-vfio shows it" "$text"
	answered '"mapped": true' && answered 'MSI-X table in that page' && answered '"mode": "MSI-X", "asked": [1-9]' &&
		answered '"irqfd": [1-9]'
	result $? "registers are mapped, its table traps, vectors go by irqfd" "$text"
	qmp x-vfio-config '"id": "asked"'
	wait_for 30 answered '"owner": "virtual".*"name": "Interrupt Line".*"owner": "overlay".*"name": "MSI-X"'
	result $? "x-vfio-config tells who owns its config space" "$text"
	(echo "$disk0" >"$sys/$disk0/driver/unbind") &
	wait_for 60 driver_is "$disk0" none
	result $? "the host's driver gets rid of the device" "still $(driver_of "$disk0")"
	wait_for 30 answered 'x-VFIO_DEVICE_REQUEST.*DEVICE_DELETED.*"asked"'
	result $? "the monitor told that the host wants it, and that it is gone" "$text"
	finish "${E2E_GUEST_SECONDS:-150}"
	rm -f "$out"/hotplug.pipe.*
	printed 'T: unplugged 2'
	result $? "the guest had turned the slot off" "$(tail -n 5 "$out/$log")"
	ended_well
	host_reads "$disk0" "$E2E_SUM0" "the host's NVMe driver reads the disk"
}

driver_is() { [ "$(driver_of "$1")" = "$2" ]; }

# refused WHAT BDF REGEXP ARG...: the VMM ends at once with status 1 and a message, nothing is left.
# RUN is a command to run the VMM through.
refused() {
	local what=$1 bdf=$2 regexp=$3 before
	shift 3
	before=$(drivers)
	guest=$what log=$what.log
	: >"$out/$log"
	VMM=$VMM ${RUN:-} "$BASH" -c '. "$1/lib/inner.sh"; shift; vmm "$@"' refused "$(dirname "$0")" \
		-kernel "$SLUICE_ASSETS/vmlinuz-cloud" -initrd "$E2E_DIR/l2.cpio" -append console=ttyS0 \
		-m 256 -smp 1 "$@" -device "vfio-pci,host=$bdf" </dev/null >"$out/$log" 2>"$out/$what.err" &
	pid=$!
	finish 60
	same "$what: exit status 1" 1 "$status"
	if is_qemu; then
		skip "$what: the message" "the words are sluice's"
	else
		while read -r regexp; do
			matches "$what: the message says $regexp" "$regexp" "$(cat "$out/$what.err")"
		done <<<"$regexp"
	fi
	same "$what: every device keeps its driver" "$before" "$(drivers)"
	[ -z "$(left_running)" ] &&
		{ [ ! -e "$sys/$bdf" ] || [ ! -e "$(group_node "$bdf")" ] || free "$bdf"; }
	result $? "$what: nothing is left running or open" "still running: $(left_running)"
}

left_running() { # the pids of VMM processes
	local dir arg
	for dir in /proc/[0-9]*; do
		if IFS= read -rd '' arg <"$dir/cmdline" && [ "$arg" = "$VMM" ]; then
			echo "${dir#/proc/}"
		fi
	done 2>/dev/null
}

drivers() {
	local bdf
	for bdf in "$sys"/*; do
		echo "${bdf##*/} $(driver_of "${bdf##*/}")"
	done
}

scenario_wrong() {
	bind '' "$pair0" "$disk1"
	bind vfio-pci "$pair1" "$disk0"
	bind none "$lone"
	wait_for 30 has_disk "$pair0"
	refused "group not viable" "$pair1" $'group\n09\\.0.*nvme\nvfio-pci|driver_override|bind'
	refused "no such device" 0000:77:00.0 $'77:00\\.0\nno such|not exist|not found|no device'
	refused "device on its host driver" "$disk1" $'03:00\\.0.*nvme\nvfio-pci|driver_override|bind'
	refused "device without a driver" "$lone" $'04\\.0\nvfio-pci|driver_override|bind'
	RUN="setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock prlimit --memlock=1048576" \
		refused "memlock too small" "$disk0" $'02:00\\.0\nlock\n(256|257|258).?(MiB|M)\n\\b1.?(MiB|M)|1024.?(KiB|K)|1048576'
	bind '' "$disk0"
	bind none "$pair1"
}

exec 2> >(sed -u 's/^/# /') # keep the shell's own messages out of the TAP
for scenario; do
	is_hopeless= guest=
	started=$SECONDS
	"scenario_$scenario"
	echo "# $scenario took $((SECONDS - started)) s"
	keep_logs
	if [ -n "$is_hopeless" ]; then
		echo "Bail out! The guest of $scenario does not start, the rest would only wait."
		exit 1
	fi
done
echo "1..$tests"
[ "$failed" = 0 ]
