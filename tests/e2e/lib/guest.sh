# Guests: running the VMM with one, reading its lines "T: KEY VALUE" (tests/e2e/l2-init says them),
# and what several tests check of it. Sourced behind tap.sh by tests/e2e/lib/inner.sh and
# tests/soft/boot, which have the function vmm ARG...: it turns into the VMM.
# E2E_DIR is the folder of the initrds, E2E_NONCE is new in each run.

# start NAME ORDERS ARG...: a guest in the background that does ORDERS (see l2-init);
# its pid is $pid. KERNEL, INITRD, APPEND change what it boots, NONCE what it writes to its disks.
start() {
	guest=$1 log=$1.log
	nonce=${NONCE:-$E2E_NONCE-$1}
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

# qmp_pipe NAME: sets $qmp to the options of a QMP monitor on a pair of pipes; what it says is in
# $out/NAME.qmp.
qmp_pipe() {
	qmp_in=$out/$1.pipe.in
	qmp_log=$1.qmp
	rm -f "$out/$1.pipe.in" "$out/$1.pipe.out" "$out/$1.qmp"
	mkfifo "$out/$1.pipe.in" "$out/$1.pipe.out"
	cat "$out/$1.pipe.out" >"$out/$1.qmp" &
	qmp=(-chardev "pipe,id=qmp,path=$out/$1.pipe" -mon qmp,mode=control)
}

# qmp COMMAND [ARGUMENTS]: one command, whose reply is not waited for.
qmp() { printf '{"execute": "%s", "arguments": {%s}}\n' "$1" "${2-}" >"$qmp_in"; }

# answered REGEXP: the monitor has said so; $text is all it said.
answered() {
	text=$(cat "$out/$qmp_log")
	[[ $text =~ $1 ]]
}

# plug_and_unplug ROUNDS SUM DEVICE: a guest with the orders "hotplug" and the port rp0 gets the disk
# and gives it back, that often. DEVICE: the arguments of device_add but id and bus.
plug_and_unplug() {
	local n
	wait_for "${E2E_GUEST_SECONDS:-150}" printed 'T: hotplug-ready' || over
	qmp qmp_capabilities
	for n in $(seq 1 "$1"); do
		qmp device_add "$3, \"id\": \"hot$n\", \"bus\": \"rp0\""
		wait_for "${E2E_GUEST_SECONDS:-150}" printed "T: plugged $n"
		qmp device_del "\"id\": \"hot$n\""
		wait_for 60 printed "T: unplugged $n"
		result $? "round $n: the guest gives the disk back" "$(tail -n 5 "$out/$log")"
		wait_for 60 answered "DEVICE_DELETED.*\"hot$n\""
		result $? "round $n: DEVICE_DELETED" "$text"
		same "round $n: 4 MiB of the disk match" "$2" "$(facts "plugged $n" | sed 's/.* //')"
	done
	! answered '"error"'
	result $? "no command fails" "$text"
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

# interrupts: "COUNT CHIP... NAME" for each interrupt, COUNT being those of the pinned reads.
interrupts() {
	local number rest
	facts irq1 | while read -r number rest; do
		echo "$((${rest##* } - $(facts irq0 | sed -n "s/^$number .* //p"))) ${rest% *}"
	done
}

### Checks: one test each. ADDRESS is the guest's.

reached_userspace() {
	printed 'T: userspace'
	result $? "the guest reaches its userspace" "it did not; VMM: $status" && return
	is_hopeless=1
	return 1
}

ended_well() {
	local end="not done"
	! printed 'T: done' || end='done'
	same "the guest powers off and the VMM's exit status is 0" "done 0" "$end $status"
}

device_is() { # device_is ADDRESS ID-AND-DRIVER WHAT
	same "$3 is at $1" "$2" "$(facts pci | sed -n "s/^0000:$1 //p")"
}

sum_is() { # sum_is ADDRESS SUM
	same "4 MiB of the disk at $1 match" "$2" "$(facts sum | sed -n "s/^0000:$1 //p")"
}

kept_over_reboot() { # kept_over_reboot ADDRESS
	local nonce_sum
	nonce_sum=$(echo "$nonce" | md5sum | cut -d ' ' -f 1)
	same "a block written to the disk at $1 is there after a reboot" \
		"written $nonce_sum read $nonce_sum" \
		"written $(facts written | sed -n "s/^0000:$1 //p") read $(facts readback | sed -n "s/^0000:$1 //p")"
}

mode_is() { # mode_is ADDRESS msix|msi|intx
	same "the disk at $1 interrupts by $2" "$2" "$(facts mode | sed -n "s/^0000:$1 //p")"
}

msix_rises() { # msix_rises COUNT: as many vectors of NVMe controllers
	local got
	got=$(interrupts)
	[ "$(grep -c '^[1-9].*PCI-MSI.*nvme' <<<"$got")" -ge "$1" ]
	result $? "MSI-X counts rise on $1 vectors or more" "rise, chip, name:" "$got"
}

intx_rises() {
	local got
	got=$(interrupts)
	grep -q '^[1-9].*IO-APIC.*nvme' <<<"$got" && ! grep -q MSI <<<"$got"
	result $? "INTx counts rise, and there is no MSI" "rise, chip, name:" "$got"
}
