#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""events.py [--vmm PROGRAM] [TEST...]: each event of QMP, raised by a client, by what a guest would
do (through qtest), or by the clock; TAP."""
import signal

from client import Vmm, equal, is_sluice, ours, run, true
from schema import Schema

PM = 0x600  # where the test puts the ACPI registers (ICH9, 12.8)
SECOND = 1000000000


def acpi_on(qtest):
    qtest.cfg_write(0, 0x1f, 0, 0x40, PM | 1)
    qtest.cfg_write(0, 0x1f, 0, 0x44, 0x80, "b")


def soft_off(qtest):
    # S5 as the board's tables have it; the reference's differ from the chip's book.
    qtest.line.sock.sendall(f"outw {PM + 4:#x} {0x3c00 if is_sluice() else 0x2000:#x}\n".encode())


def names(events):
    return [e["event"] for e in events]


def stop_and_cont():
    with Vmm() as vm:
        vm.command("stop")
        true("data" not in vm.qmp.event("STOP"), "data")
        vm.command("cont")
        true("data" not in vm.qmp.event("RESUME"), "data")


def start_is_a_resume():
    with Vmm("-S") as vm:
        equal(vm.qmp.pending(), [])
        vm.command("cont")
        equal(vm.qmp.event("RESUME")["event"], "RESUME")


def reset_by_the_client():
    with Vmm() as vm:
        vm.command("system_reset")
        equal(vm.qmp.event("RESET")["data"], {"guest": False, "reason": "host-qmp-system-reset"})
        equal(vm.command("query-status")["status"], "running")
        equal([n for n in names(vm.qmp.pending()) if n == "RESET"], [])


def reset_by_the_guest():
    with Vmm() as vm:
        for port, value in ((0xcf9, 6), (0x92, 1), (0x64, 0xfe)):
            vm.qtest.ask(f"outb {port:#x} 0")
            vm.qtest.ask(f"outb {port:#x} {value}")
            equal(vm.qmp.event("RESET")["data"], {"guest": True, "reason": "guest-reset"}, hex(port))
        equal(vm.command("query-status")["status"], "running")


def no_reboot():
    with Vmm("-no-reboot") as vm:
        vm.qtest.ask("outb 0xcf9 6")
        equal(vm.qmp.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-reset"})
        equal(vm.wait(), 0)


def soft_off_ends():
    with Vmm() as vm:
        acpi_on(vm.qtest)
        soft_off(vm.qtest)
        equal(vm.qmp.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-shutdown"})
        equal(vm.wait(), 0)


def no_shutdown():
    """SHUTDOWN, then STOP; a reset and cont bring it back."""
    with Vmm("-no-shutdown") as vm:
        q = vm.qmp
        acpi_on(vm.qtest)
        q.pending()
        soft_off(vm.qtest)
        equal(q.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-shutdown"})
        q.event("STOP")
        equal(q.command("query-status"), {"running": False, "singlestep": False,
                                          "status": "shutdown"})
        q.command("system_reset")
        q.event("RESET")
        q.command("cont")
        q.event("RESUME")
        equal(q.command("query-status")["status"], "running")
        equal(vm.quit(), 0)


def ends():
    """SHUTDOWN says who has ended it; the STOP before it belongs to it."""
    for how, reason in (("quit", "host-qmp-quit"), (signal.SIGTERM, "host-signal")):
        with Vmm() as vm:
            if how == "quit":
                vm.command("quit")
            else:
                vm.signal(how)
            equal(vm.qmp.event("SHUTDOWN")["data"], {"guest": False, "reason": reason})
            equal(vm.wait(), 0)


def bark(qtest):
    """The IB700's shortest time is none: it barks at the next step."""
    qtest.ask("outb 0x443 15")
    qtest.step(1)


def watchdog():
    for action in ("pause", "reset", "none", "poweroff", "shutdown", "inject-nmi"):
        with Vmm("-device", "ib700", "-action", f"watchdog={action}") as vm:
            q = vm.qmp
            vm.qtest.ask("outb 0x443 14")  # two seconds
            vm.qtest.step(2 * SECOND - 1)
            equal([n for n in names(q.pending()) if n == "WATCHDOG"], [])
            vm.qtest.line.sock.sendall(b"clock_step 1\n")  # may not be answered: it may end
            equal(q.event("WATCHDOG")["data"], {"action": action})
            if action == "pause":
                q.event("STOP")
                equal(q.command("query-status")["status"], "watchdog")
                q.command("cont")
                equal(q.command("query-status")["status"], "running")
            elif action == "reset":
                equal(q.event("RESET")["data"]["guest"], True)
            elif action == "poweroff":
                if is_sluice():  # the reference just exits
                    q.event("SHUTDOWN")
                equal(vm.wait(), 0)
            elif action == "shutdown":
                q.event("POWERDOWN")
            else:
                equal(q.command("query-status")["status"], "running")


def one_watchdog_a_second():
    """Of the machine's time: the first at once, of those within a second the last at its end."""
    with Vmm("-device", "ib700", "-action", "watchdog=none") as vm:
        q = vm.qmp

        def barks():
            return names(q.pending()).count("WATCHDOG")

        bark(vm.qtest)
        equal(barks(), 1)
        for _ in range(5):
            bark(vm.qtest)
        equal(barks(), 0)
        vm.qtest.step(SECOND // 2)
        equal(barks(), 0)
        vm.qtest.step(SECOND // 2)
        equal(barks(), 1)
        vm.qtest.step(SECOND)
        equal(barks(), 0)
        bark(vm.qtest)
        equal(barks(), 1)


def panic():
    for action, told in (("pause", "pause"), ("none", "run"), ("shutdown", "poweroff"),
                         ("exit-failure", "poweroff")):
        with Vmm("-device", "pvpanic", "-action", f"panic={action}") as vm:
            q = vm.qmp
            vm.qtest.line.sock.sendall(b"outb 0x505 1\n")
            equal(q.event("GUEST_PANICKED")["data"]["action"], told)
            if action == "pause":
                q.event("STOP")
                equal(q.command("query-status")["status"], "guest-panicked")
            elif action == "none":
                equal(q.command("query-status")["status"], "running")
            else:
                equal(q.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-panic"})
                equal(vm.wait(), 1 if action == "exit-failure" else 0)


def crash_kernel():
    with Vmm("-device", "pvpanic") as vm:
        vm.qtest.ask("outb 0x505 2")
        equal(vm.qmp.event("GUEST_CRASHLOADED")["data"]["action"], "run")
        equal(vm.command("query-status")["status"], "running")


@ours
def the_clock_is_set():
    """The guest's clock goes a day ahead: how far off it is, in seconds, and only when it is set."""
    with Vmm() as vm:
        def cmos(reg, value=None):
            vm.qtest.ask(f"outb 0x70 {reg}")
            if value is not None:
                vm.qtest.ask(f"outb 0x71 {value:#x}")
            return vm.qtest.ask("inb 0x71")

        cmos(7)
        cmos(1, 0x30)
        equal([e for e in names(vm.qmp.pending()) if e == "RTC_CHANGE"], [])
        cmos(0x0b, 0x82)  # held, while the date is written
        for reg, value in ((0x32, 0x20), (9, 0x30), (8, 0x01), (7, 0x01)):
            cmos(reg, value)
        cmos(0x0b, 0x02)
        first = vm.qmp.event("RTC_CHANGE")["data"]
        vm.qtest.step(2 * SECOND)
        cmos(7, 0x02)
        second = vm.qmp.event("RTC_CHANGE")["data"]
        equal(second["offset"] - first["offset"], 86400)
        equal(first["qom-path"], second["qom-path"])


def events_are_of_the_schema():
    """Those that are easily raised, each judged by query-qmp-schema."""
    with Vmm("-device", "ib700", "-device", "pvpanic", "-no-shutdown", "-action",
             "watchdog=none,panic=none", "-device", "pcie-root-port,id=rp0",
             "-device", "edu,id=e0,bus=rp0") as vm:
        q = vm.qmp
        schema = Schema(q.command("query-qmp-schema"))
        acpi_on(vm.qtest)
        bark(vm.qtest)
        vm.qtest.ask("outb 0x505 1")
        vm.qtest.ask("outb 0x505 2")
        vm.qtest.ask("outb 0xcf9 6")
        q.command("device_del", {"id": "e0"})
        q.command("system_reset")
        q.command("system_powerdown")
        q.command("stop")
        q.command("cont")
        acpi_on(vm.qtest)
        soft_off(vm.qtest)
        q.command("query-status")  # when it answers, the main loop has told of the end
        got = q.pending()
        for e in got:
            schema.check(schema.by_name[e["event"]]["arg-type"], e.get("data", {}), e["event"])
        true({"WATCHDOG", "GUEST_PANICKED", "GUEST_CRASHLOADED", "RESET", "POWERDOWN", "STOP",
              "RESUME", "SHUTDOWN", "DEVICE_DELETED"} <= set(names(got)), names(got))


def main():
    run([stop_and_cont, start_is_a_resume, reset_by_the_client, reset_by_the_guest, no_reboot,
         soft_off_ends, no_shutdown, ends, watchdog, one_watchdog_a_second, panic, crash_kernel,
         the_clock_is_set, events_are_of_the_schema])


if __name__ == "__main__":
    main()
