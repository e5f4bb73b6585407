# What the scenarios share, inside the nested host (L1): TAP, binding of devices,
# running the VMM with a guest and reading the guest's "T:" lines. Sourced by
# scenarios.sh and bench-inner.

# The guests' consoles. In memory, because 9p would cost a round trip for every character; keep_logs
# copies them to the folder of this boot.
out=/run/guests
mkdir -p "$out"
keep_logs() { cp -r "$out" /run/l1/; }
trap keep_logs EXIT

tests=0 failed=0 guest=
exec 9<> <(:)

# A short pause between two looks at something. L1 has one CPU, so what is looked at
# in a loop must not start processes.
nap() { read -rt 0.2 -u 9 || :; }

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails after SECONDS.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		nap
	done
}

### TAP

# result STATUS DESCRIPTION [FACT...]: one test; the facts are shown on failure.
result() {
	local fact
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $scenario: $2"
		return 0
	fi
	failed=$((failed + 1))
	echo "not ok $tests - $scenario: $2"
	for fact in "${@:3}"; do
		sed 's/^/#   /' <<<"$fact"
	done
	console
	return 1
}

skip() { # skip DESCRIPTION REASON
	tests=$((tests + 1))
	echo "ok $tests - $scenario: $1 # SKIP $2"
}

# console: the end of the guest's console and the VMM's messages, once per guest.
console() {
	[ -n "$guest" ] || return 0
	echo "# the last lines of guest $guest (guests/$guest.log), then of the VMM's stderr:"
	tail -n 30 "$out/$guest.log" | tr -d '\r' | sed 's/^/# |  /'
	tail -n 10 "$out/$guest.err" | sed 's/^/# !  /'
	guest=
}

# same DESCRIPTION WANT GOT
same() {
	[ "$2" = "$3" ]
	result $? "$1" "expected: $2" "got:      $3"
}

# matches DESCRIPTION REGEXP TEXT: case does not matter.
matches() {
	grep -qiE -- "$2" <<<"$3"
	result $? "$1" "expected a match of: $2" "got: $3"
}

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

# start NAME ORDERS ARG...: a guest in the background that does ORDERS (see l2-init);
# its pid is $pid. KERNEL, INITRD, APPEND change what it boots.
start() {
	guest=$1 log=$1.log
	nonce=$E2E_NONCE-$1
	local append="console=ttyS0 ${E2E_APPEND-quiet} ${APPEND-} sluice.nonce=$nonce sluice.do=$2"
	shift 2
	: >"$out/$guest.log"
	vmm -kernel "${KERNEL:-$SLUICE_ASSETS/vmlinuz-cloud}" -initrd "$E2E_DIR/${INITRD:-l2.cpio}" \
		-append "$append" "$@" </dev/null >"$out/$guest.log" 2>"$out/$guest.err" &
	pid=$!
}

gone() { ! kill -0 "$pid" 2>/dev/null; }

over() { gone || printed 'Kernel panic'; }

# printed TEXT: the guest's console has it; $text is all of the console.
printed() {
	IFS= read -rd '' text <"$out/$log"
	[[ $text == *"$1"* ]]
}

# finish SECONDS: waits for the VMM's end and sets $status, to "timeout" or "panic" when it
# had to be killed.
finish() {
	status=
	wait_for "$1" over || status=timeout
	if ! gone; then
		kill -KILL "$pid"
		: "${status:=panic}"
	fi
	wait "$pid" 2>/dev/null
	: "${status:=$?}"
}

run() { # run NAME ORDERS ARG...
	start "$@"
	finish "${E2E_GUEST_SECONDS:-150}"
}

# facts KEY: the values of the current guest's lines "T: KEY VALUE"; the same value only once.
facts() { tr -d '\r' <"$out/$log" | sed -n "s/^.*T: $1\( \|$\)//p" | awk '!seen[$0]++'; }
