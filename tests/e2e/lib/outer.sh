# What tests/e2e/run, bench-boot and tests/soft/boot do before they boot anything: find the VMM,
# take a folder, $dir, make the disks and the guest's initrds in there. Sourced; needs $top.
. "$top/tests/e2e/lib/disk.sh"

bail() {
	echo "Bail out! $*"
	exit 1
}

find_vmm() {
	VMM=${VMM:-$top/build/sluice}
	case $VMM in
	*/*) [ -x "$VMM" ] || bail "no VMM at $VMM: run make, or set VMM" ;;
	*) VMM=$(command -v "$VMM") || bail "no program $VMM" ;;
	esac
	VMM=$(realpath "$VMM")
	export VMM
}

# prepare_dir DIR KERNEL...: the folder is this run's alone, with an initrd and no guests of old;
# the kernels are there.
prepare_dir() {
	find_vmm
	export SLUICE_ASSETS=${SLUICE_ASSETS:-$top/build/assets}
	mkdir -p "$1"
	dir=$(cd "$1" && pwd)
	export E2E_DIR=$dir
	exec 8>"$dir/lock"
	flock -n 8 || bail "another run uses $dir; wait for it, or set E2E_DIR"
	"$top/scripts/assets" "$SLUICE_ASSETS" "${@:2}" || bail "no kernels to boot"
	rm -rf "$dir/guests"
	E2E_NONCE=$(od -An -tx8 -N 8 /dev/urandom | tr -d ' ')
	export E2E_NONCE
	"$top/tests/e2e/mkl2" "$SLUICE_ASSETS" "$dir/l2.cpio"
}

# prepare: for the nested host.
prepare() {
	local i part
	prepare_dir "${E2E_DIR:-$top/build/e2e}" generic cloud
	for i in 0 1 2 3; do
		export "E2E_SUM$i=$(make_disk "$dir/disk$i.img")"
	done
	for part in lspci nic nvme; do
		"$top/tests/e2e/mkl2" "$SLUICE_ASSETS" "$dir/l2-$part.cpio" $part
	done
}
