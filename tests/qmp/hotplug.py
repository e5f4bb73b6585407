#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hotplug.py [--vmm PROGRAM] [TEST...]: devices that come and go at run time.  The guest's part, as
Linux's pciehp plays it (PCI Express 3.0, 6.7), is played through qtest; TAP."""
import os

from client import Vmm, equal, is_sluice, ours, run, sanitized, true

PORTS = ("-device", "pcie-root-port,id=rp0,chassis=1,addr=5",
         "-device", "pcie-root-port,id=rp1,chassis=2,addr=6")
if not is_sluice():  # whose default is ACPI's hotplug
    PORTS += ("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off")
DISK = ("-blockdev", "driver=null-co,node-name=disk0,size=1048576")
HOST = ("-host-device", "edu,addr=0000:01:00.0,driver=vfio-pci",
        "-host-device", "nvme,addr=0000:02:00.0,size=64K,serial=s,driver=vfio-pci")
EDU, NVME = 0x11e81234, 0x00101b36

SLTCTL, SLTSTA, LNKSTA = 0x18, 0x1a, 0x12
ABP, PDC, CC, PDS = 1, 8, 0x10, 0x40
POWER_OFF, ON, BLINK, OFF = 0x400, 0x100, 0x200, 0x300
ENABLE = 0x1 | 0x8 | 0x10 | 0x20  # attention, presence, command completed, interrupts


class Slot:
    """What a guest's driver does with the slot of the root port at 00:SLOT.0."""

    def __init__(self, vm, slot=5, bus=1):
        self.qtest, self.slot, self.bus = vm.qtest, slot, bus
        self.exp = vm.qtest.find_cap(0, slot, 0, 0x10)
        vm.qtest.cfg_write(0, slot, 0, 0x18, bus << 8 | bus << 16)

    def status(self):
        return self.qtest.cfg_read(0, self.slot, 0, self.exp + SLTSTA, "w")

    def clear(self):
        """What is set, and no more: the reference takes the rest for a mistake."""
        self.qtest.cfg_write(0, self.slot, 0, self.exp + SLTSTA, self.status(), "w")

    def control(self, what):
        self.qtest.cfg_write(0, self.slot, 0, self.exp + SLTCTL, ENABLE | what, "w")

    def pressed(self):
        """The attention button was pressed; the guest has seen it."""
        got = self.status()
        self.qtest.cfg_write(0, self.slot, 0, self.exp + SLTSTA, got, "w")
        return bool(got & ABP)

    def switch_on(self):
        self.control(BLINK)
        self.control(ON)
        self.clear()

    def switch_off(self):
        self.control(BLINK)
        self.clear()
        self.control(OFF | POWER_OFF)

    def present(self):
        return bool(self.status() & PDS)

    def id(self):
        return self.qtest.cfg_read(self.bus, 0, 0, 0)


def deleted(vm, name):
    e = vm.qmp.event("DEVICE_DELETED")
    while e["data"].get("device") != name:  # the reference tells of parts of it, too
        e = vm.qmp.event("DEVICE_DELETED")
    equal(e["data"], {"device": name, "path": f"/machine/peripheral/{name}"})


def peripherals(vm):
    return [p["name"] for p in vm.command("qom-list", {"path": "/machine/peripheral"})
            if p["type"].startswith("child<")]


def plugged(vm):
    """What query-pci says is below the ports."""
    return [d["qdev_id"] for p in vm.command("query-pci")[0]["devices"]
            for d in p.get("pci_bridge", {}).get("devices", [])]


def plug_and_unplug(driver, want, more=None, args=()):
    """In, seen by the guest, out, gone, in again under the same name."""
    def test():
        with Vmm(*PORTS, *args) as vm:
            slot = Slot(vm)
            slot.control(OFF | POWER_OFF)
            slot.clear()
            for _ in range(3):
                equal((slot.present(), plugged(vm)), (False, []))
                vm.command("device_add", {"driver": driver, "id": "d0", "bus": "rp0",
                                          **(more or {})})
                status = slot.status()
                true(status & (ABP | PDC) and status & PDS, hex(status))
                slot.clear()
                slot.switch_on()
                equal(slot.id(), want)
                equal((plugged(vm), "d0" in peripherals(vm)), (["d0"], True))
                slot.clear()
                equal(slot.status() & (ABP | PDC), 0)
                vm.command("device_del", {"id": "d0"})
                true(slot.pressed(), "the guest is not asked")
                equal(plugged(vm), ["d0"])
                slot.switch_off()
                deleted(vm, "d0")
                equal((slot.present(), plugged(vm), "d0" in peripherals(vm)), (False, [], False))
                equal(slot.id(), 0xffffffff)
            equal(vm.quit(), 0)
    return test


def one_plugged(*args):
    """A machine with a running edu, hot-plugged into rp0, and its slot."""
    vm = Vmm(*PORTS, *args)
    slot = Slot(vm)
    vm.command("device_add", {"driver": "edu", "id": "d0", "bus": "rp0"})
    slot.clear()
    slot.switch_on()
    equal(slot.id(), EDU)
    return vm, slot


ECAM = 0xb0000000


def with_virtual_functions(end):
    """A physical function that leaves takes its virtual ones along; end: how it leaves."""
    def test():
        with Vmm(*PORTS) as vm:
            slot, ask = Slot(vm), vm.qtest.ask
            vm.command("device_add", {"driver": "nvme", "id": "d0", "bus": "rp0", "size": "1M",
                                      "serial": "s", "sriov_max_vfs": 2})
            slot.clear()
            slot.switch_on()
            pf = ECAM + (1 << 20)
            cap, number = 0x100, vm.qtest.number
            while number(f"readl {pf + cap:#x}") & 0xffff != 0x10:
                cap = number(f"readl {pf + cap:#x}") >> 20
                true(cap, "no SR-IOV")
            vm.qtest.cfg_write(0, 5, 0, 0x20, 0xe0f0e000)  # the port's memory window
            vm.qtest.cfg_write(0, 5, 0, 0x04, 7, "w")
            ask(f"writel {pf + cap + 0x24:#x} 0xe0800000")
            ask(f"writel {pf + cap + 0x28:#x} 0")
            ask(f"writew {pf + cap + 0x10:#x} 2")  # VFs
            ask(f"writew {pf + cap + 0x08:#x} 9")  # enable them and their memory
            equal(len(vm.command("query-pci")[0]["devices"][1]["pci_bridge"]["devices"]), 3)
            vm.command("device_del", {"id": "d0"})
            if end == "off":
                slot.switch_off()
            else:
                vm.command("system_reset")
            deleted(vm, "d0")
            if end != "off":
                slot = Slot(vm)
            equal((slot.present(), plugged(vm)), (False, []))
            ask("readl 0xe0800000")
            ask(f"readl {pf + 0x1000:#x}")
            vm.command("human-monitor-command", {"command-line": "info mtree"})
            equal(vm.quit(), 0)
    return test


@ours
def the_guest_refuses():
    """From blinking back to on: the device stays, and may be asked for again."""
    vm, slot = one_plugged()
    with vm:
        for _ in range(2):
            vm.command("device_del", {"id": "d0"})
            true(slot.pressed(), "asked")
            slot.control(BLINK)
            equal([e["event"] for e in vm.qmp.pending()], [])
            slot.control(ON)
            equal(vm.qmp.event("DEVICE_UNPLUG_GUEST_ERROR")["data"],
                  {"device": "d0", "path": "/machine/peripheral/d0"})
            equal((slot.id(), plugged(vm)), (EDU, ["d0"]))
        vm.command("device_del", {"id": "d0"})
        slot.switch_off()
        deleted(vm, "d0")


def blinking_is_busy():
    vm, slot = one_plugged()
    with vm:
        slot.control(BLINK)
        e = vm.qmp.error("device_del", {"id": "d0"})
        true("blink" in e.desc, e.desc)
        slot.control(ON)
        vm.command("device_del", {"id": "d0"})
        slot.switch_off()
        deleted(vm, "d0")


def twice():
    vm, slot = one_plugged()
    with vm:
        vm.command("device_del", {"id": "d0"})
        equal(vm.qmp.error("device_del", {"id": "d0"}).desc,
              "Device d0 is already in the process of unplug")
        slot.switch_off()
        deleted(vm, "d0")
        e = vm.qmp.error("device_del", {"id": "d0"})
        equal((e.cls, e.desc), ("DeviceNotFound", "Device 'd0' not found"))


@ours
def reset_ends_it():
    """A guest that does not answer loses the device at its reset."""
    vm, slot = one_plugged()
    with vm:
        vm.command("device_del", {"id": "d0"})
        vm.command("system_reset")
        deleted(vm, "d0")
        vm.qmp.event("RESET")
        equal(plugged(vm), [])
        vm.command("device_add", {"driver": "edu", "id": "d0", "bus": "rp0"})


def reset_ends_nothing_else():
    vm, slot = one_plugged()
    with vm:
        vm.command("system_reset")
        vm.qmp.event("RESET")
        equal([e["event"] for e in vm.qmp.pending()], [])
        slot = Slot(vm)
        slot.switch_on()
        equal(slot.id(), EDU)


def without_power():
    """A slot without power needs no guest: the device goes at once."""
    with Vmm(*PORTS) as vm:
        slot = Slot(vm)
        slot.control(OFF | POWER_OFF)
        vm.command("device_add", {"driver": "edu", "id": "d0", "bus": "rp0"})
        vm.command("device_del", {"id": "d0"})
        deleted(vm, "d0")
        equal(slot.present(), False)


def by_path():
    vm, slot = one_plugged()
    with vm:
        for other in ("/machine/peripheral-anon/d0", "/d0", "peripheral/d0"):
            equal(vm.qmp.error("device_del", {"id": other}).cls, "DeviceNotFound")
        vm.command("device_del", {"id": "/machine/peripheral/d0"})
        slot.switch_off()
        deleted(vm, "d0")


@ours
def functions():
    """Function 0 comes last and shows the slot; all of them leave together."""
    with Vmm(*PORTS) as vm:
        q, slot = vm.qmp, Slot(vm)
        slot.control(OFF | POWER_OFF)
        slot.clear()
        for fn in (1, 7):
            q.command("device_add", {"driver": "edu", "id": f"f{fn}", "bus": "rp0",
                                     "addr": f"0.{fn}"})
            equal(slot.status() & (ABP | PDC), 0)
        q.command("device_add", {"driver": "edu", "id": "f0", "bus": "rp0", "addr": "0",
                                 "multifunction": True})
        true(slot.status() & (ABP | PDC), "shown")
        slot.clear()
        slot.switch_on()
        for fn in (0, 1, 7):
            equal(vm.qtest.cfg_read(1, 0, fn, 0), EDU)
        e = q.error("device_add", {"driver": "edu", "id": "f2", "bus": "rp0", "addr": "0.2"})
        true("function 0" in e.desc, e.desc)
        q.command("device_del", {"id": "f0"})
        slot.switch_off()
        gone = {q.event("DEVICE_DELETED")["data"]["device"] for _ in range(3)}
        equal((gone, plugged(vm), slot.present()), ({"f0", "f1", "f7"}, [], False))


def cold_plug():
    """Before the guest has run a port takes a device as if it had been there from the start."""
    with Vmm(*PORTS, "-S") as vm:
        vm.command("device_add", {"driver": "edu", "id": "d0", "bus": "rp0"})
        vm.command("cont")
        slot = Slot(vm)
        slot.switch_on()
        equal((slot.id(), slot.present(), plugged(vm)), (EDU, True, ["d0"]))


@ours
def cold_plug_into_the_root_bus():
    with Vmm(*PORTS, *HOST, "-S") as vm:
        q = vm.qmp
        q.command("device_add", {"driver": "edu", "id": "d0", "addr": "9"})
        q.command("device_add", {"driver": "vfio-pci", "id": "v0", "host": "01:00.0", "addr": "a"})
        q.command("device_add", {"driver": "pcie-root-port", "id": "rp2", "addr": "b"})
        q.command("device_add", {"driver": "edu", "id": "d1", "bus": "rp2"})
        equal(vm.qtest.cfg_read(0, 0xa, 0, 0), EDU)
        q.command("device_del", {"id": "v0"})
        deleted(vm, "v0")
        equal(vm.qtest.cfg_read(0, 0xa, 0, 0), 0xffffffff)
        q.command("device_add", {"driver": "vfio-pci", "id": "v0", "host": "01:00.0", "addr": "a"})
        true("below it" in q.error("device_del", {"id": "rp2"}).desc, "rp2")
        q.command("cont")
        equal([vm.qtest.cfg_read(0, 9, 0, 0), vm.qtest.cfg_read(0, 0xa, 0, 0)], [EDU, EDU])
        q.error("device_del", {"id": "d0"})
        equal(vm.quit(), 0)


def not_in_preconfig():
    with Vmm("--preconfig", qtest=False) as vm:
        true("only after machine initialization" in
             vm.qmp.error("device_add", {"driver": "edu"}).desc, "device_add")


WRONG = (
    ({"driver": "edu", "id": "x", "bus": "no-such"}, "no-such"),
    ({"driver": "edu", "id": "x", "bus": "pcie.0"}, "Bus 'pcie.0' does not support hotplugging"),
    ({"driver": "edu", "id": "x"}, ""),
    ({"driver": "edu", "id": "d0", "bus": "rp1"}, "Duplicate device ID 'd0'"),
    ({"driver": "no-such", "id": "x", "bus": "rp1"}, "no-such"),
    ({"driver": "", "id": "x", "bus": "rp1"}, ""),
    ({"driver": "edu", "id": "x", "bus": "rp1", "no-such": 1}, "no-such"),
    ({"driver": "edu", "id": "x", "bus": "rp0"}, ""),                 # slot 0 is taken
    ({"driver": "edu", "id": "x", "bus": "rp1", "addr": "99"}, ""),
    ({"driver": "edu", "id": "x", "bus": "rp1", "addr": "0.8"}, ""),
    ({"driver": "edu", "id": "x", "bus": "rp1", "dma_mask": "x"}, "dma_mask"),
    ({"driver": "edu", "id": "x", "bus": "rp1", "dma_mask": -1.5}, ""),
    ({"driver": "edu", "id": "x", "bus": "rp1", "multifunction": "maybe"}, ""),
    ({"driver": "edu", "id": "x", "bus": "rp1", "addr": {"a": 1}}, ""),
    ({"driver": "edu", "id": "x", "bus": "rp1", "addr": [1]}, ""),
    ({"driver": "edu", "id": "1x", "bus": "rp1"}, ""),
    ({"driver": "nvme", "id": "x", "bus": "rp1", "drive": "no-such", "serial": "s"}, ""),
    ({"driver": "pcie-root-port", "id": "x", "bus": "rp1"}, ""),
    ({"driver": "vfio-pci", "id": "x", "bus": "rp1"}, ""),
    ({"driver": "vfio-pci", "id": "x", "bus": "rp1", "host": "nonsense"}, ""),
    ({"driver": "vfio-pci", "id": "x", "bus": "rp1", "host": "0000:7f:1f.7"}, ""),
    ({"driver": "ib700", "id": "x"}, ""),
)


def wrong_devices():
    """Each is refused, leaves nothing, and the slot is free for the next one."""
    vm, _ = one_plugged()
    with vm:
        q = vm.qmp
        open_before = len(os.listdir(f"/proc/{vm.pid}/fd"))
        slot = Slot(vm, 6, 2)
        slot.clear()
        for args, words in WRONG:
            if not is_sluice() and (args["driver"] in ("pcie-root-port", "ib700", "vfio-pci") or
                                    args.get("bus") == "rp0" or args.get("dma_mask") == -1.5 or
                                    isinstance(args.get("addr"), (dict, list))):
                continue
            e = q.error("device_add", args)
            equal(e.cls, "GenericError", args)
            true(words in e.desc, f"{args}: {e.desc}")
            equal(slot.status() & (ABP | PDC | PDS), 0, str(args))
        equal(plugged(vm), ["d0"])
        equal(sorted(peripherals(vm)), ["d0", "rp0", "rp1"])
        equal(len(os.listdir(f"/proc/{vm.pid}/fd")), open_before)
        q.command("device_add", {"driver": "edu", "id": "x", "bus": "rp1"})


def wrong_removals():
    vm, _ = one_plugged("-device", "edu,id=cold,addr=9", "-device", "pvpanic,id=isa")
    with vm:
        q = vm.qmp
        for name in ("no-such", "/machine/peripheral/no",
                     *(("", "/", "/machine", "/machine/peripheral/") if is_sluice() else ())):
            equal(q.error("device_del", {"id": name}).cls, "DeviceNotFound", name)
        for name in ("cold", "isa", "rp0"):
            e = q.error("device_del", {"id": name})
            equal(e.cls, "GenericError")
            true("hotplug" in e.desc or "below" in e.desc, e.desc)
        equal(sorted(peripherals(vm)), ["cold", "d0", "isa", "rp0", "rp1"])


def port_without_hotplug():
    with Vmm("-device", "pcie-root-port,id=rp0,chassis=1,addr=5,hotplug=off",
             "-device", "edu,id=d0,bus=rp0") as vm:
        true("hotplug" in vm.qmp.error("device_del", {"id": "d0"}).desc, "del")
        true("hotplug" in vm.qmp.error("device_add", {"driver": "edu", "bus": "rp0",
                                                      "addr": "0.1"}).desc, "add")


@ours
def one_owner():
    """A device of the host is in one place at a time."""
    with Vmm(*PORTS, *HOST) as vm:
        slot = Slot(vm)
        q = vm.qmp
        q.command("device_add", {"driver": "vfio-pci", "id": "v0", "bus": "rp0",
                                 "host": "01:00.0"})
        q.error("device_add", {"driver": "vfio-pci", "id": "v1", "bus": "rp1", "host": "01:00.0"})
        q.command("device_add", {"driver": "vfio-pci", "id": "v1", "bus": "rp1",
                                 "host": "0000:02:00.0"})
        slot.switch_on()
        q.command("device_del", {"id": "v0"})
        slot.switch_off()
        deleted(vm, "v0")
        slot.switch_on()
        q.command("device_add", {"driver": "vfio-pci", "id": "v2", "bus": "rp0",
                                 "host": "01:00.0"})


# --- nothing is left behind --------------------------------------------------------------------

def facts(vm):
    """What a leak would change."""
    with open(f"/proc/{vm.pid}/maps", encoding="ascii") as f:
        maps = len(f.readlines())
    return {"descriptors": len(os.listdir(f"/proc/{vm.pid}/fd")), "maps": 0 if sanitized() else maps,
            "vfio": vm.qmp.hmp("info vfio"), "mtree": vm.qmp.hmp("info mtree"),
            "irq": vm.qmp.hmp("info irq"), "qtree": vm.qmp.hmp("info qtree"),
            "pci": vm.qmp.hmp("info pci")}


def resident(vm):
    with open(f"/proc/{vm.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def cycle(vm, slot, n):
    host, want = (("01:00.0", EDU), ("02:00.0", NVME))[n % 2]
    vm.command("device_add", {"driver": "vfio-pci", "id": "v", "bus": "rp0", "host": host})
    slot.switch_on()
    equal(slot.id(), want)
    vm.qtest.cfg_write(1, 0, 0, 0x10, 0xe0000000)  # its registers in the guest's memory
    vm.qtest.cfg_write(1, 0, 0, 4, 6, "w")
    true(vm.qtest.number("readl 0xe0000000") != 0, "BAR 0")
    vm.command("device_del", {"id": "v"})
    true(slot.pressed(), "asked")
    slot.switch_off()
    deleted(vm, "v")


@ours
def a_thousand_cycles():
    with Vmm(*PORTS, *HOST) as vm:
        slot = Slot(vm)
        vm.qtest.cfg_write(0, 5, 0, 0x20, 0xe0f0e000)
        vm.qtest.cfg_write(0, 5, 0, 4, 6, "w")
        for n in range(100):  # warm: allocators keep what they once had
            cycle(vm, slot, n)
        before, size = facts(vm), resident(vm)
        for n in range(1000):
            cycle(vm, slot, n)
        equal(facts(vm), before)
        true(sanitized() or resident(vm) - size < 4 << 20, f"grew by {resident(vm) - size}")
        equal(vm.quit(), 0)


def main():
    run([("plug and unplug edu", plug_and_unplug("edu", EDU)),
         ("plug and unplug nvme", plug_and_unplug("nvme", NVME, {"drive": "disk0", "serial": "s"},
                                                  DISK)),
         *([("plug and unplug vfio-pci edu",
             plug_and_unplug("vfio-pci", EDU, {"host": "0000:01:00.0"}, HOST)),
            ("plug and unplug vfio-pci nvme",
             plug_and_unplug("vfio-pci", NVME, {"host": "02:00.0"}, HOST))] if is_sluice() else ()),
         *([("virtual functions leave, the slot is turned off", with_virtual_functions("off")),
            ("virtual functions leave at a reset", with_virtual_functions("reset"))]
           if is_sluice() else ()),
         the_guest_refuses, blinking_is_busy, twice, reset_ends_it, reset_ends_nothing_else,
         without_power, by_path, functions, cold_plug, cold_plug_into_the_root_bus,
         not_in_preconfig, wrong_devices, wrong_removals, port_without_hotplug, one_owner,
         a_thousand_cycles])


if __name__ == "__main__":
    main()
