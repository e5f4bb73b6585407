# What the two demos share: showing commands, packing the guest, running it, judging what it
# says. Sourced by scripts/demo and, inside the nested host, by tests/demo/host; guest_initrd by
# scripts/demo-nested. guest_runs and verdict want $out, the folder of the logs, and facts() of
# tests/e2e/lib/guest.sh.

failed=0 log=demo.log

step() { printf '\n==> %s\n' "$*"; }

# show COMMAND: shows and runs it.
show() {
	echo "  # $1"
	eval "$1"
}

# typed WORD...: the command as one would type it, each device on a line of its own.
typed() {
	local word
	printf '  # %s' "$1"
	for word in "${@:2}"; do
		case $word in
		-kernel | -device | -host-device | -host-sysfs) printf ' \\\n       ' ;;
		*' '*) word="'$word'" ;;
		esac
		printf ' %s' "$word"
	done
	printf '\n'
}

# guest_initrd OUT: busybox, lspci with the names of the vendors that occur, tests/demo/guest.
guest_initrd() {
	(
		. "$top/tests/e2e/lib/initrd.sh"
		initrd_begin "$1"
		initrd_busybox
		initrd_program "$(PATH=$PATH:/usr/sbin:/sbin command -v lspci)"
		mkdir -p "$root/usr/share/misc"
		awk '/^[0-9a-fA-F]/ { keep = /^(1b36|1af4|8086) / } /^C / { keep = 1 } keep' \
			/usr/share/misc/pci.ids >"$root/usr/share/misc/pci.ids"
		install -m 755 "$top/tests/demo/guest" "$root/init"
		initrd_end
	)
}

# follow: the guest's console, until it ends; lines "T: ..." are facts for the summary. When the
# guest is done it waits for Enter: time to ask the monitor, with the keys that a user has.
follow() {
	local line topic=''
	while IFS= read -r line; do
		line=${line%$'\r'}
		echo "$line" >>"$out/$log"
		case $line in
		*'T: userspace'*) up=$EPOCHREALTIME ;;
		*'T: ask')
			step "What sluice says, in the monitor (Ctrl-a c): info vfio"
			printf '\001cinfo vfio\n\001c\n' >&7
			;;
		'(sluice) info vfio') topic=vfio ;;
		'(sluice) '*) topic='' ;;
		*'T: '* | '' | 'sluice '*' monitor '*) ;;
		*)
			if [ -n "$topic" ]; then
				echo "  $line" | tee -a "$out/$topic"
			else
				echo "  guest| $line"
			fi
			;;
		esac
	done
}

# guest_runs COMMAND...: shows and runs it; what the guest says goes to $out/demo.log, the monitor's
# answer to $out/vfio. Sets $begin, $up (empty if the guest never came up) and $end.
guest_runs() {
	typed "$@"
	echo
	rm -f "$out/$log" "$out/vfio" "$out/keys"
	: >"$out/$log"
	: >"$out/vfio"
	mkfifo "$out/keys"
	exec 7<>"$out/keys"
	up='' begin=$EPOCHREALTIME
	follow < <(
		rc=0
		timeout --foreground -s KILL 300 "$@" <&7 2>"$out/demo.err" 7<&- || rc=$?
		echo "T: status $rc"
	)
	end=$EPOCHREALTIME
	rm -f "$out/keys"
	sed 's/^/  stderr| /' "$out/demo.err"
}

ms() { # ms FROM TO: seconds between two EPOCHREALTIMEs
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'
}

# summary BDF HOST: what the guest got.
summary() {
	step "Summary"
	[ -n "$up" ] || { echo "  The guest did not come up."; return; }
	echo "  Assigned: NVMe controller $1 of $2 is $(facts at) of the guest."
	facts bar | sed 's/^/  /'
	facts irq | sed 's/^/  Interrupt /; s/msix$/MSI-X/'
	echo "  Time: $(ms "$begin" "$up") s from the start of sluice to the guest's userspace," \
		"$(ms "$begin" "$end") s to its end."
}

# check WHAT COMMAND...: one line of the verdict.
check() {
	local mark=yes
	"${@:2}" || mark=NO failed=1
	printf '  %-62s %s\n' "$1" "$mark"
}

# verdict SUM: what both demos promise.
verdict() {
	check "the guest's own driver runs the controller" test "$(facts driver)" = nvme
	check "the first 4 MiB as the guest reads them are what we wrote" test "$(facts sum)" = "$1"
	check "its interrupts arrived by MSI-X, on two vectors or more" \
		test "$(facts irq | grep -c ': [1-9][0-9]* by msix')" -ge 2
	check "power off ended sluice with exit status 0" test "$(facts status)" = 0
}
