# The front door. Everything is built in build/ by meson and ninja, or done by a script.
MAKEFLAGS += --no-print-directory

all: build/build.ninja
	@ninja -C build

# The program alone, without the tests.
sluice: build/build.ninja
	@ninja -C build sluice

build/build.ninja:
	@./configure

# Installs what is missing, builds, runs every test; the last line counts them.
check:
	@scripts/deps
	@$(MAKE) all
	@scripts/check

# One part of it: make check-unit, check-qtest, check-diff, check-kvm, check-soft, check-style, check-e2e.
check-%: all
	@scripts/check --suite $*

# Boots a guest with an NVMe controller assigned, on the soft CPU.
demo:
	@scripts/demo

# The same on the kernel's own KVM and VFIO, in a nested host.
demo-nested:
	@scripts/demo-nested

bench: all
	@tests/bench/run
	@tests/bench/vfio-run build/tests/bench/bench-vfio
	@tests/bench/soft-run
	@tests/bench/qtest-run

install: all
	@meson install -C build --no-rebuild

# What takes a download (build/assets) stays; rm -rf build removes that, too.
clean:
	@if [ -e build/build.ninja ]; then ninja -C build clean; fi
	@rm -rf build/other-compiler build/e2e build/e2e-bench build/bench-vfio build/soft
	@rm -rf build/demo build/demo-nested

help:
	@echo 'make              build everything into build/; the program is build/sluice'
	@echo 'make demo         boot a guest with an NVMe controller assigned and let it tell'
	@echo 'make demo-nested  the same with real KVM and VFIO, in a host played by QEMU'
	@echo 'make check        all tests; also check-unit, -qtest, -diff, -kvm, -soft, -style, -e2e'
	@echo 'make bench        measure, beside qemu-system-x86_64'
	@echo 'make install      install; ./configure --prefix=DIR says where, DESTDIR= is heeded'
	@echo 'make clean        remove what was built'
	@echo 'demo and check install the Debian packages that they need (scripts/deps).'

.PHONY: all sluice check demo demo-nested bench install clean help
