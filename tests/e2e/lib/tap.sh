# TAP, and waiting for something. Sourced by the tests that boot guests: tests/e2e/scenarios.sh
# (through inner.sh) and tests/soft/boot. $scenario is what runs, $guest whose console a failure
# shows, $out the folder of the consoles.

tests=0 failed=0 guest=''
exec 9<> <(:)

# A short pause between two looks at something. The nested host has one CPU, so what is looked at
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
