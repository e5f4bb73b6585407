# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenarios of tests/kvm/run: which guest, with which command line, and what the runner itself
has to see.  One function each; the name on the left of table() is the one that TAP and the command
line use."""
import fcntl
import os
import re
import struct
import tempfile
import time

TESTDEV = ("-device", "pc-testdev")
PORTS = ("-device", "pcie-root-port,id=rp1,addr=4,chassis=1,slot=3",
         "-device", "pcie-root-port,id=rp2,addr=5,chassis=2,slot=4",
         "-device", "pci-testdev,bus=rp1", "-device", "pci-testdev,addr=6")
ASSIGNED_EDU = ("-host-device", "edu,addr=0000:01:00.0",
                "-host-sysfs", "drivers/vfio-pci/new_id=1234 11e8",
                "-device", "vfio-pci,host=0000:01:00.0,addr=5")
SPLIT = ("-M", "kernel-irqchip=split")
LONGEST_PAUSE = 4  # seconds: less than the 24 bits of the PM timer last


# Scenarios that have no meaning on the soft CPU, and why.
KVM_ONLY = {
    "cpu-models": "it asks /dev/kvm what its CPUs can do",
    "failure": "the soft CPU has no internal errors to report",
    "edu-assigned-split": "both forms of kernel-irqchip are one",
    "power-button-split": "both forms of kernel-irqchip are one",
    "irq-split": "both forms of kernel-irqchip are one",
    "irq-64-split": "both forms of kernel-irqchip are one",
    "smp-split": "both forms of kernel-irqchip are one",
    "reset-cf9-split": "both forms of kernel-irqchip are one",
}
# Guests that test the CPU itself, with the devices that they use.
CPU_GUESTS = {
    "apic64": (),
    "debug64": (),
    "except64": (),
    "modes64": (),
    "paging32": (),
    "paging64": (),
    "segs32": (),
    "smc64": TESTDEV,
    "strings64": (),
    "syscall64": (),
    "tasks32": (),
}


def simple(guest, *args, **kw):
    return lambda t: t.run(guest, *args, **kw)


def cpu_guest(guest, *args, append=""):
    """A guest with a list of what this machine's KVM cannot do."""
    return lambda t: t.run(guest, *args, append=f"accel={t.options.accel} {append}".strip())


# --- boot protocols ---------------------------------------------------------------------------


def facts(text):
    """Lines "key value..." of a guest as {key: [value...]}."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def summed(data):
    s = 0
    for b in data:
        s = (31 * s + b) & 0xffffffff
    return s


def check_map(t, got, mib):
    entries = [[int(v, 0) for v in e.split()] for e in got]
    t.check("memory map: first", entries[0], [0, 0x9fc00, 1])
    t.check("memory map: RAM from 1 MiB", [e for e in entries if e[0] == 1 << 20],
            [[1 << 20, (mib - 1) << 20, 1]])
    t.check("memory map: config window", [e for e in entries if e[0] == 0xb0000000],
            [[0xb0000000, 0x10000000, 2]])
    t.check("memory map: sorted and apart",
            [a for a, b in zip(entries, entries[1:]) if a[0] + a[1] > b[0]], [])


def check_modules(t, got, files):
    modules = [[int(v, 0) for v in m.split()] for m in got]
    t.check("modules: lengths", [m[1] for m in modules], [len(f) for f in files])
    t.check("modules: bytes", [m[2] for m in modules], [summed(f) for f in files])
    t.check("modules: on pages", [m for m in modules if m[0] & 0xfff], [])


def multiboot(t):
    files = [bytes(range(256)) * 20, b"short"]
    with tempfile.TemporaryDirectory() as where:
        paths = [os.path.join(where, name) for name in ("m,0", "m1")]
        for path, data in zip(paths, files):
            with open(path, "wb") as f:
                f.write(data)
        strings = [paths[0] + " one, two", paths[1]]
        initrd = ",".join(text.replace(",", ",,") for text in strings)
        with t.vm("mbinfo", "-initrd", initrd, append="a=1 b=two  c") as guest:
            t.check("exit status", guest.finish(), 1)
            said = guest.text()
            image = guest.proc.args[guest.proc.args.index("-kernel") + 1]
    t.guest(said)
    f = facts(said)
    t.check("flags", int(f["flags"][0], 0) & 0x24d, 0x24d)
    t.check("mem_lower", int(f["mem_lower"][0], 0), 639)
    t.check("mem_upper", int(f["mem_upper"][0], 0), 63 * 1024)
    check_map(t, f["map"], 64)
    check_modules(t, f["module"], files)
    t.check("module strings", f["string"], [f"[{s}]" for s in strings])
    t.check("command line", f["cmdline"], [f"[{image} a=1 b=two  c]"])
    t.check("loader", f["loader"], ["[sluice]"])


def pvh(t):
    data = bytes(range(255, -1, -1)) * 33 + b"x"
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "initrd")
        with open(path, "wb") as f:
            f.write(data)
        with t.vm("pvhinfo", "-initrd", path, append="root=x y", memory="3G") as guest:
            t.check("exit status", guest.finish(), 1)
            said = guest.text()
    t.guest(said)
    f = facts(said)
    t.check("magic", f["magic"], ["0x336ec578"])
    t.check("version", f["version"], ["0x1"])
    check_map(t, f["map"], 2048)
    t.check("memory map: above 4 GiB", f["map"][-1], "0x100000000 0x40000000 0x1")
    check_modules(t, f["module"], [data])
    t.check("command line", f["cmdline"], ["[root=x y]"])


# --- CPUID ------------------------------------------------------------------------------------


class Cpuid:
    def __init__(self, t, *args):
        with t.vm("cpuinfo", *args) as vm:
            t.check(" ".join(args) + ": exit status", vm.finish(), 1)
            self.regs = {}
            for line in vm.text().splitlines():
                if line.startswith("cpuid "):
                    leaf, sub, *r = (int(v, 0) for v in line.split()[1:])
                    self.regs[leaf, sub] = dict(zip("abcd", r))

    def bit(self, leaf, reg, n):
        return self.regs[leaf, 0][reg] >> n & 1

    def vendor(self):
        r = self.regs[0, 0]
        return b"".join(r[x].to_bytes(4, "little") for x in "bdc").decode()


KVM_GET_SUPPORTED_CPUID = 0xC008AE05
X2APIC, HYPERVISOR, AVX = 21, 31, 28


def supported_leaf_1():
    """What KVM_GET_SUPPORTED_CPUID says: struct kvm_cpuid2, entries of 40 bytes."""
    buf = bytearray(8 + 256 * 40)
    struct.pack_into("I", buf, 0, 256)
    with open("/dev/kvm", "rb+", buffering=0) as f:
        fcntl.ioctl(f, KVM_GET_SUPPORTED_CPUID, buf)
    for i in range(struct.unpack_from("I", buf)[0]):
        leaf, _, _, *regs = struct.unpack_from("7I", buf, 8 + 40 * i)
        if leaf == 1:
            return dict(zip("abcd", regs))
    return dict.fromkeys("abcd", 0)


def cpu_models(t):
    host = Cpuid(t, "-cpu", "host")
    with open("/proc/cpuinfo", encoding="ascii") as f:
        vendor = re.search(r"vendor_id\s*: (\S+)", f.read()).group(1)
    t.check("host: vendor", host.vendor(), vendor)
    t.check("host: hypervisor bit", host.bit(1, "c", HYPERVISOR), 1)
    t.check("host: x2APIC", host.bit(1, "c", X2APIC), 1)
    t.check("host: KVM's leaf", host.regs[0x40000000, 0]["b"].to_bytes(4, "little"), b"KVMK")
    t.check("host: local APIC", host.bit(1, "d", 9), 1)
    less = Cpuid(t, "-cpu", "host,-x2apic")
    t.check("host,-x2apic: no x2APIC", less.bit(1, "c", X2APIC), 0)
    t.check("host,-x2apic: the rest stays", less.regs[1, 0]["c"] | 1 << X2APIC,
            host.regs[1, 0]["c"])
    hidden = Cpuid(t, "-cpu", "host,-hypervisor")
    t.check("host,-hypervisor", hidden.bit(1, "c", HYPERVISOR), 0)
    old = Cpuid(t, "-cpu", "qemu64")
    t.check("qemu64: SSE2", old.bit(1, "d", 26), 1)
    t.check("qemu64: long mode", old.bit(0x80000001, "d", 29), 1)
    t.check("qemu64: signature", hex(old.regs[1, 0]["a"]), "0x60fb1")
    if supported_leaf_1()["c"] >> AVX & 1:
        more = Cpuid(t, "-cpu", "qemu64,+avx")
        t.check("qemu64: no AVX", old.bit(1, "c", AVX), 0)
        t.check("qemu64,+avx", more.bit(1, "c", AVX), 1)
    else:
        t.skip("qemu64,+avx", "KVM does not offer AVX here")


def cpu_topology(t):
    four = Cpuid(t, "-smp", "4")
    t.check("-smp 4: logical CPUs", four.regs[1, 0]["b"] >> 16 & 0xff, 4)
    t.check("-smp 4: threads of a core", four.regs[0xb, 0]["b"], 1)
    t.check("-smp 4: CPUs of the package", four.regs[0xb, 1]["b"], 4)
    t.check("-smp 4: levels", [four.regs[0xb, i]["c"] >> 8 & 0xff for i in range(3)], [1, 2, 0])
    one = Cpuid(t, "-smp", "1")
    t.check("-smp 1: CPUs of the package", one.regs[0xb, 1]["b"], 1)


# --- life of the machine ----------------------------------------------------------------------


def pause(t):
    with t.vm("clocks", append="mode=count", monitor=True) as vm:
        vm.expect("counting")
        at = vm.expect("....", vm.expect("longest"))
        t.check("running", vm.state(), "VM status: running")
        t.check("stop", vm.command("stop"), "")
        at = vm.drain()
        for _ in range(20):
            t_state = vm.state()
        time.sleep(LONGEST_PAUSE)  # not to be in step: the guest's clock has to ignore it
        t.check("paused", t_state, "VM status: paused")
        t.check("no dots while paused", vm.drain(), at)
        t.check("stop again", vm.command("stop"), "")
        t.check("cont", vm.command("cont"), "")
        vm.expect("....", at)
        t.check("running again", vm.state(), "VM status: running")
        longest = max(int(m, 0) for m in re.findall(r"longest (0x[0-9a-f]+)\n", vm.text()))
        t.check_true("the PM timer stood", longest < (LONGEST_PAUSE - 1) * 3579545, longest)
        vm.quit()
        t.check("quit: exit status", vm.finish(), 0)


def start_stopped(t):
    with t.vm("leave", "-S", append="how=value value=3", monitor=True) as vm:
        t.check("prelaunch", vm.state(), "VM status: paused (prelaunch)")
        for _ in range(20):
            vm.command("info version")
        t.check("nothing ran", vm.drain(), 0)
        vm.mon.sendall(b"cont\n")
        t.check("exit status", vm.finish(), 7)
        t.check("ran", vm.text(), "leaving\n")


def terminated(t):
    with t.vm("clocks", append="mode=count") as vm:
        vm.expect("....")
        vm.terminate()
        t.check("SIGTERM: exit status", vm.finish(), 0)


def exit_status(t):
    for value, how in ((0, "value"), (5, "value"), (0x7f, "value"), (0x21, "byte")):
        with t.vm("leave", append=f"how={how} value={value}") as vm:
            t.check(f"isa-debug-exit, {how} {value}", vm.finish(), value << 1 | 1)


def guest_reset(how, *more):
    def scenario(t):
        args = ("-smp", "2", "-serial", "null") + PORTS + more
        with t.vm("reset", *args, append="how=" + how) as vm:
            status = vm.finish()
            t.check("boots before the last", re.findall(r"^boot (\S+)$", vm.text(), re.M),
                    ["0x1", "0x2"])
            parts = re.split(r"^boot \S+\n", vm.text(), flags=re.M)
            for part in parts[:-1]:
                t.guest(part, done=False)
            t.guest(parts[-1])
            t.check("exit status", status, 1)
        with t.vm("reset", "-no-reboot", *args, append="how=" + how) as vm:
            t.check("-no-reboot: exit status", vm.finish(), 0)
            t.check("-no-reboot: boots", re.findall(r"^boot (\S+)$", vm.text(), re.M), ["0x1"])
    return scenario


def system_reset(t):
    args = ("-smp", "2", "-serial", "null") + PORTS
    with t.vm("reset", *args, append="how=wait", monitor=True) as vm:
        at = vm.expect("boot 0x1\n")
        t.check("system_reset", vm.command("system_reset"), "")
        at = vm.expect("boot 0x2\n", at)
        vm.command("stop")
        vm.command("system_reset")  # stays stopped
        t.check("reset while paused", vm.state(), "VM status: paused (prelaunch)")
        t.check("it does not run", vm.drain(), at)
        vm.mon.sendall(b"cont\n")
        t.check("exit status", vm.finish(), 1)
        t.guest(vm.text()[at:])
    with t.vm("reset", "-no-reboot", *args, append="how=wait", monitor=True) as vm:
        vm.expect("boot 0x1\n")
        t.check("-no-reboot is for the guest's resets", vm.command("system_reset"), "")
        vm.expect("boot 0x2\n")
        vm.quit()
        t.check("-no-reboot: exit status", vm.finish(), 0)


def power_off(t):
    with t.vm("power", append="how=off") as vm:
        t.check("exit status", vm.finish(), 0)
        t.guest(vm.text(), done=False)
        t.check_true("another sleep type did nothing", vm.text().endswith("off\n"), vm.text())
    with t.vm("power", "-no-shutdown", append="how=off", monitor=True) as vm:
        at = vm.expect("off\n")
        while "running" in vm.state():
            pass
        t.check("-no-shutdown", vm.state(), "VM status: paused (shutdown)")
        vm.command("system_reset")
        vm.command("cont")
        vm.expect("off\n", at)
        t.check_true("-no-shutdown: boots again", vm.alive())
        vm.quit()
        t.check("-no-shutdown: exit status", vm.finish(), 0)


def power_button(*more):
    def scenario(t):
        with t.vm("power", *more, append="how=button", monitor=True) as vm:
            vm.expect("press\n")
            vm.command("system_powerdown")
            t.check("exit status", vm.finish(), 0)
            t.guest(vm.text(), done=False)
            t.check_true("powered off", vm.text().endswith("off\n"), vm.text()[-100:])
    return scenario


def failure(t):
    with t.vm("leave", append="how=jump", monitor=True) as vm:
        at = vm.expect("leaving\n")
        while "running" in vm.state():
            pass
        t.check("state", vm.state(), "VM status: paused (internal-error)")
        errors = vm.stderr()
        t.check_true("the dump has the instruction pointer",
                     re.search(r"rip 0*d0000000\b", errors), errors)
        t.check_true("the dump has the registers", re.search(r"rbx 0*12345678\b", errors), errors)
        t.check_true("the dump says why", "KVM internal error" in errors, errors)
        t.check_true("the dump says that no memory is there",
                     "0xd0000000 is not memory" in errors, errors)
        t.check_true("the dump says what to try", "Try:" in errors, errors)
        vm.command("cont")
        t.check("cont does not help", vm.state(), "VM status: paused (internal-error)")
        t.check_true("the process lives", vm.alive())
        vm.command("system_reset")
        vm.expect("leaving\n", at)
        vm.quit()
        t.check("exit status", vm.finish(), 0)


def table():
    t = {
        "exits": simple("exits", *TESTDEV),
        "exits-64": simple("exits64", *TESTDEV),
        "memslots-3G": simple("memslots", memory="3G", append="mib=3072"),
        "memslots-5000M": simple("memslots", memory="5000", append="mib=5000"),
        "config": simple("pcicfg", *PORTS),
        "config-64": simple("pcicfg64", *PORTS),
        "bars": simple("bars", *PORTS),
        "edu": simple("edu", "-device", "edu,addr=5"),
        "edu-assigned": simple("edu", *ASSIGNED_EDU),
        "edu-assigned-split": simple("edu", *ASSIGNED_EDU, *SPLIT),
        "acpi": simple("acpi", "-smp", "3", append="cpus=3"),
        "acpi-3G": simple("acpi", memory="3G"),
        "clocks": simple("clocks"),
        "multiboot": multiboot,
        "pvh": pvh,
        "cpu-models": cpu_models,
        "cpu-topology": cpu_topology,
        "pause": pause,
        "start-stopped": start_stopped,
        "sigterm": terminated,
        "exit-status": exit_status,
        "system-reset": system_reset,
        "power-off": power_off,
        "power-button": power_button(),
        "power-button-split": power_button(*SPLIT),
        "failure": failure,
    }
    for name, chips in (("", ()), ("-split", SPLIT)):
        t["irq" + name] = simple("irq", "-serial", "null", *TESTDEV, *chips)
        t["irq-64" + name] = simple("irq64", "-serial", "null", *TESTDEV, *chips)
        t["smp" + name] = simple("smp", "-smp", "4", *TESTDEV, *chips, append="cpus=4")
        t["reset-cf9" + name] = guest_reset("cf9", *chips)
    for how in ("acpi", "8042", "p92", "triple"):
        t["reset-" + how] = guest_reset(how)
    for name, args in CPU_GUESTS.items():
        t["cpu-" + name] = cpu_guest(name, *args)
    t["cpu-smp64"] = cpu_guest("smp64", "-smp", "4", append="cpus=4")
    return t
