# What run and bench-boot do before they boot the nested host: find the VMM, make the disks
# and the guest's initrds in $dir. Sourced; needs $top and $here.

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

prepare() {
	local i
	find_vmm
	export SLUICE_ASSETS=${SLUICE_ASSETS:-$top/build/assets}
	dir=${E2E_DIR:-$top/build/e2e}
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	export E2E_DIR=$dir
	exec 8>"$dir/lock"
	flock -n 8 || bail "another run uses $dir; wait for it, or set E2E_DIR"
	"$top/scripts/assets" "$SLUICE_ASSETS" || bail "no kernels to boot"
	rm -rf "$dir/guests"
	for i in 0 1 2 3; do
		head -c 4M /dev/urandom >"$dir/disk$i.img"
		export "E2E_SUM$i=$(md5sum <"$dir/disk$i.img" | cut -d ' ' -f 1)"
		truncate -s 16M "$dir/disk$i.img"
	done
	E2E_NONCE=$(od -An -tx8 -N 8 /dev/urandom | tr -d ' ')
	export E2E_NONCE
	"$here/mkl2" "$SLUICE_ASSETS" "$dir/l2.cpio"
	"$here/mkl2" "$SLUICE_ASSETS" "$dir/l2-lspci.cpio" lspci
	"$here/mkl2" "$SLUICE_ASSETS" "$dir/l2-nic.cpio" nic
	"$here/mkl2" "$SLUICE_ASSETS" "$dir/l2-nvme.cpio" nvme
}
