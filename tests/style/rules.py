# SPDX-License-Identifier: GPL-2.0-or-later
"""What the style test demands, as tables. An exception stands here with its reason or nowhere."""

# Rooms, low to high. A file may include its own room and every room on a lower row; rooms of
# one row do not know each other. A single file may have a row of its own.
LAYERS = (
    ("base",),
    ("mem",),
    # What an interrupt line and an interrupt controller look like: types only, needed by all
    # who raise one, while the controllers themselves (the rest of hw/irq) stand higher.
    ("hw/irq/wire.h", "hw/irq/irqchip.h"),
    ("cpu", "hw/pci"),
    ("hw/dev", "hw/irq"),
    ("vfio/host",),
    ("vfio",),
    ("vfio/pci",),
    ("hw/isa", "hw/q35", "hw/vfio"),
    ("accel",),
    ("vm",),
    ("ctl",),
    # The composition root: puts the configuration, the machine and its front ends together.
    ("vm/main.c",),
    # Tests may look at everything.
    ("tests",),
)

# Programs of another world, which keep its ways.
FOREIGN = ("tests/diff/recorder/",)

# Headers that the build makes: {name: what makes it}.
GENERATED = {
    "dsdt.hex": "iasl, from hw/q35/dsdt.asl",
}

MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 100
MAX_P95_LINES = 50
MAX_COLUMNS = 100

# Objects in writable sections: {symbol: reason}.
MUTABLE = {
    "dsdt_aml_code": "written by iasl, which knows no const; only read",
}

# Functions over MAX_FUNCTION_LINES: {"file:function": reason}. Meant for opcode tables.
LONG_FUNCTIONS = {}

# Sources whose unit test has another name than test_<name>.c or test_<room>_<name>.c:
# {source: test without "test_" and ".c"}. Several sources of one module share a test.
TESTED_BY = {
    "base/chardev_file.c": "chardev",
    "base/chardev_socket.c": "chardev",
    "base/chardev_stream.c": "chardev",
    "base/chardev_tty.c": "chardev",
    "ctl/cli_back.c": "cli",
    "ctl/cli_board.c": "cli",
    "ctl/cli_chardev.c": "cli",
    "ctl/cli_dev.c": "cli",
    "ctl/cli_kv.c": "cli",
    "ctl/info_vfio.c": "vfio_view",
    "cpu/block.c": "soft_cpu",
    "cpu/exec.c": "soft_cpu",
    "cpu/mmu.c": "soft_cpu",
    "cpu/walk.c": "soft_cpu",
    "cpu/fpu_env.c": "fpu",
    "cpu/fpu_native.c": "fpu",
    "cpu/reset.c": "reset",
    "cpu/simd_bind.c": "simd",
    "cpu/simd_fp.c": "simd",
    "cpu/simd_int.c": "simd",
    "cpu/simd_move.c": "simd",
    "cpu/simd_str.c": "simd",
    "hw/dev/dump_regs.c": "dump",
    "hw/dev/dump_text.c": "dump",
    "hw/dev/testdev.c": "pci_testdev",
    "hw/vfio/backend.c": "vfio_group",
    "hw/vfio/be_group.c": "vfio_group",
    "hw/vfio/cfg_names.c": "vfio_owners",
    "hw/vfio/sys_inproc.c": "vfio_group",
    "hw/vfio/sys_linux.c": "vfio_group",
    "mem/region.c": "aspace",
    "vfio/container.c": "vfio_stack",
    "vfio/device.c": "vfio_stack",
    "vfio/file.c": "vfio_stack",
    "vfio/group.c": "vfio_stack",
    "vfio/host/bind.c": "vfio_stack",
    "vfio/host/host.c": "vfio_stack",
    "vfio/host/iommu.c": "plug",
    "vfio/host/reset.c": "vfio_stack",
    "vfio/host/rom.c": "vfio_stack",
    "vfio/host/scan.c": "vfio_faults",
    "vfio/host/sysfs.c": "vfio_stack",
    "vfio/pci/config.c": "plug",
    "vfio/pci/core.c": "vfio_stack",
    "vfio/pci/driver.c": "vfio_faults",
    "vfio/pci/hotreset.c": "vfio_stack",
    "vfio/pci/intrs.c": "plug",
    "vfio/pci/mmap.c": "vfio_stack",
    "vfio/pci/rdwr.c": "plug",
    "vfio/type1.c": "vfio_stack",
    "vfio/virqfd.c": "vfio_stack",
    "vm/config.c": "config",
}

AGAINST_HOST = "tests/soft: each instruction family against the host's own CPU"
FLAT_GUESTS = "tests/guest on the soft CPU: modes, faults, interrupts, memory (suite soft)"

QMP_SUITE = "tests/qmp: a client drives the program, each command right and wrong"

RECORDED = "tests/diff: recordings of the real driver, each read, write, errno and interrupt"

# Sources without a unit test: {source: what tests them instead}.
UNTESTED = {
    "accel/qtest.c": "tests/qtest: every test there drives it",
    "base/loop_thread.c": "a thread and a loop; every test with QMP goes through it",
    "ctl/control.c": "calls in a row; every test with QMP goes through it",
    "ctl/info.c": QMP_SUITE,
    "ctl/info_memory.c": QMP_SUITE,
    "ctl/pci_names.c": "a table and one loop over it",
    "ctl/qmp.c": QMP_SUITE,
    "ctl/qmp_backend.c": QMP_SUITE,
    "ctl/qmp_control.c": QMP_SUITE,
    "ctl/qmp_cpu.c": QMP_SUITE,
    "ctl/qmp_device.c": QMP_SUITE,
    "ctl/qmp_dispatch.c": QMP_SUITE,
    "ctl/qmp_event.c": QMP_SUITE,
    "ctl/qmp_host.c": QMP_SUITE,
    "ctl/qmp_machine.c": QMP_SUITE,
    "ctl/qmp_pci.c": QMP_SUITE,
    "ctl/qmp_qom.c": QMP_SUITE,
    "ctl/qmp_vfio.c": QMP_SUITE,
    "ctl/qmp_table.c": "data only; test_qmp_schema looks at every row",
    "ctl/qmp_types.c": "data only; test_qmp_schema looks at every row",
    "ctl/qom.c": QMP_SUITE,
    "ctl/qtest.c": "tests/qtest: every test there drives it",
    "accel/accel.c": "a list and a loop over it; every test in tests/kvm goes through it",
    "accel/kvm.c": "needs /dev/kvm: tests/kvm",
    "accel/kvm_irq.c": "needs /dev/kvm: tests/kvm",
    "accel/kvm_mem.c": "needs /dev/kvm: tests/kvm",
    "accel/kvm_speed.c": "needs /dev/kvm: tests/soft/accel",
    "accel/kvm_state.c": "needs /dev/kvm: tests/kvm",
    "accel/kvm_vcpu.c": "needs /dev/kvm: tests/kvm",
    "accel/soft.c": FLAT_GUESTS,
    "cpu/decode.c": AGAINST_HOST,
    "cpu/event.c": FLAT_GUESTS,
    "cpu/msr.c": FLAT_GUESTS,
    "cpu/op_alu.c": AGAINST_HOST,
    "cpu/op_bit.c": AGAINST_HOST,
    "cpu/op_branch.c": AGAINST_HOST,
    "cpu/op_control.c": FLAT_GUESTS,
    "cpu/op_far.c": FLAT_GUESTS,
    "cpu/op_io.c": FLAT_GUESTS,
    "cpu/op_move.c": AGAINST_HOST,
    "cpu/op_mul.c": AGAINST_HOST,
    "cpu/op_shift.c": AGAINST_HOST,
    "cpu/op_stack.c": AGAINST_HOST,
    "cpu/op_string.c": AGAINST_HOST,
    "cpu/op_system.c": FLAT_GUESTS,
    "cpu/seg.c": FLAT_GUESTS,
    "cpu/soft_cpuid.c": FLAT_GUESTS,
    "cpu/task.c": FLAT_GUESTS,
    "vfio/host/pcidev.c": RECORDED,
    "vfio/host/sriov.c": RECORDED,
    "vfio/host/vpd.c": RECORDED,
    "vfio/pci/capmap.c": RECORDED,
    "vfio/pci/effects.c": RECORDED,
    "vfio/pci/feature.c": RECORDED,
    "vfio/pci/perm.c": RECORDED,
    "vfio/pci/token.c": RECORDED,
    "vm/chardevs.c": QMP_SUITE,
    "vm/hostops.c": QMP_SUITE,
    "vm/hotplug.c": QMP_SUITE,
    "vm/machine.c": "needs a whole machine: tests/kvm",
    "vm/vm.c": "needs a whole machine: tests/kvm",
    "vm/main.c": "calls in a row; every scenario of tests/e2e runs it",
}

# Written by people or programs in a hurry; see also check.py, words().
FORBIDDEN = ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK")

# Documents that must be there.
DOCS = ("README.md", "docs/testing.md", "docs/qmp.md", "docs/host.md", "docs/rows.md", "docs/tour.md", "docs/paths.md", "docs/config-bits.md", "docs/style.md",
        "docs/sluice.1")

# Documents that have a program in them, whole, in a code block of its own.
QUOTED = {
    "docs/testing.md": ("tests/qtest/example.c", "tests/qtest/raw.py"),
}
