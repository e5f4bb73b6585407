# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: a machine whose guest speaks through its debug console, how much memory
it takes, and the table."""
import os
import re
import select
import statistics
import subprocess
import tempfile
import time

PATIENCE = 120
RAM_MIB = 64
LINE = "{:<34} {:<5} {:<28} {:<32} {:<8} {}"


class Machine:
    """One VMM; what the guest writes to its debug console comes through a pipe."""

    def __init__(self, program, *args, accel="kvm"):
        self.where = tempfile.TemporaryDirectory(prefix="bench-")
        self.errors = open(os.path.join(self.where.name, "stderr"), "w+b")
        cmd = [program, "-M", "q35", "-accel", accel, "-m", str(RAM_MIB), "-nodefaults",
               "-display", "none", "-no-reboot", "-debugcon", "stdio",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if "qemu" in os.path.basename(program):
            cmd += ["-vga", "none", "-net", "none"]
        self.started = time.perf_counter()
        self.proc = subprocess.Popen(cmd + list(args), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=self.errors)

    def byte(self):
        """The next byte from the guest."""
        fd = self.proc.stdout.fileno()
        got = os.read(fd, 1) if select.select([fd], [], [], PATIENCE)[0] else b""
        if not got:
            self.errors.seek(0)
            why = self.errors.read().decode(errors="replace")
            raise SystemExit(f"{self.proc.args[0]}: no answer from the guest: {why}")
        return got

    def until(self, wanted):
        while self.byte() != wanted:
            pass

    def end(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()
        self.errors.close()
        self.where.cleanup()

    def signal(self, name):
        subprocess.run(["kill", "-" + name, str(self.proc.pid)], check=True)


def mappings(smaps, ram_mib):
    """Each mapping's size and what it is, and its counters in KiB."""
    for head, body in re.findall(r"^([0-9a-f]+-[0-9a-f]+ .*)\n((?:[A-Z].*\n)+)", smaps, re.M):
        low, high = (int(x, 16) for x in head.split()[0].split("-"))
        is_ram = high - low == ram_mib << 20 or "pc.ram" in head
        yield is_ram, {k: int(v) for k, v in re.findall(r"^(\w+):\s+(\d+) kB", body, re.M)}


def peak_resident(pid):
    """MiB, the most ever."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) / 1024


def weigh_process(pid, ram_mib=RAM_MIB):
    """MiB: peak without the guest's RAM; private to the process now, without it."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as f:
        maps = list(mappings(f.read(), ram_mib))
    peak = peak_resident(pid)
    ram = sum(c["Rss"] for is_ram, c in maps if is_ram)
    if not ram:
        raise SystemExit(f"process {pid}: no mapping of {ram_mib} MiB is the guest's RAM")
    private = sum(c["Private_Clean"] + c["Private_Dirty"] for is_ram, c in maps if not is_ram)
    return peak - ram / 1024, private / 1024


def weigh(program, *args, accel="kvm", ready=b"H"):
    """The same of a machine whose guest has said ready."""
    m = Machine(program, *args, accel=accel)
    try:
        m.until(ready)
        return weigh_process(m.proc.pid)
    finally:
        m.end()


def number(v):
    return f"{v:.0f}" if v >= 1000 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def cell(values):
    middle, least, most = (number(f(values)) for f in (statistics.median, min, max))
    return f"{middle} ({least}-{most}, n={len(values)})"


def row(what, unit, values, target, other="QEMU"):
    ours, theirs = values["sluice"], values[other]
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(LINE.format(what, unit, cell(ours), cell(theirs), f"{ratio:.3f}", target), flush=True)


def machine_line():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        model = re.search(r"model name\s*: (.*)", f.read()).group(1)
    modules = [m for m in ("kvm_intel", "kvm_amd", "kvm_pvm") if os.path.exists("/sys/module/" + m)]
    kvm = " ".join(modules) or "KVM built in"
    return f"{model}, {os.cpu_count()} CPUs, Linux {os.uname().release}, {kvm}"


def version(program):
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()[0]
