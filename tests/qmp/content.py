#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""content.py [--vmm PROGRAM] [TEST...]: what the commands of QMP and of the human monitor say and
do, against what qtest sees of the same machine; TAP."""
import os
import socket

from client import QmpError, Vmm, equal, is_sluice, only_sluice, ours, run, true

PORT = ("-device", "pcie-root-port,id=rp0,chassis=1,addr=5")


# --- state -------------------------------------------------------------------------------------

def status():
    with Vmm() as vm:
        q = vm.qmp

        def state():
            s = q.command("query-status")
            equal(s["singlestep"], False)
            return s["running"], s["status"]

        equal(state(), (True, "running"))
        q.command("stop")
        equal(state(), (False, "paused"))
        q.command("stop")  # once more does nothing
        q.command("cont")
        q.command("cont")
        equal(state(), (True, "running"))
        equal([e["event"] for e in q.pending()], ["STOP", "RESUME"])
        q.command("stop")
        q.command("system_reset")
        q.event("RESET")
        equal(state(), (False, "prelaunch"))


def prelaunch():
    with Vmm("-S") as vm:
        equal(vm.command("query-status"), {"running": False, "singlestep": False,
                                           "status": "prelaunch"})
        vm.command("system_reset")
        vm.qmp.event("RESET")
        equal(vm.command("query-status")["status"], "prelaunch")
        vm.command("cont")
        equal(vm.command("query-status")["status"], "running")


def clock_stands_while_stopped():
    """Time of the machine is the test's: it moves by steps alone, and is kept by a stop."""
    with Vmm() as vm:
        equal(vm.qtest.step(1000), 1000)
        vm.command("stop")
        vm.command("cont")
        equal(vm.qtest.now(), 1000)
        vm.command("system_reset")
        vm.qmp.event("RESET")
        equal(vm.qtest.now(), 1000)


def memory_survives_a_reset():
    with Vmm() as vm:
        vm.qtest.store(0x100000, b"still here")
        vm.command("system_reset")
        vm.qmp.event("RESET")
        equal(vm.qtest.memory(0x100000, 10), b"still here")


PM = 0x600  # where the test puts the ACPI registers (ICH9, 12.8)


def acpi_on(qtest):
    qtest.cfg_write(0, 0x1f, 0, 0x40, PM | 1)
    qtest.cfg_write(0, 0x1f, 0, 0x44, 0x80, "b")


def power_button():
    """system_powerdown sets PWRBTN_STS, as the guest's ACPI driver sees it."""
    with Vmm() as vm:
        acpi_on(vm.qtest)
        vm.qtest.ask(f"outw {PM + 2:#x} 0x100")  # the reference sets it only where it is enabled
        equal(vm.qtest.number(f"inw {PM:#x}") & 0x100, 0)
        vm.command("system_powerdown")
        equal("data" in vm.qmp.event("POWERDOWN"), False)
        equal(vm.qtest.number(f"inw {PM:#x}") & 0x100, 0x100)
        vm.qtest.ask(f"outw {PM:#x} 0x100")
        equal(vm.qtest.number(f"inw {PM:#x}") & 0x100, 0)


# --- PCI ---------------------------------------------------------------------------------------

def number_bridge(qtest, slot, secondary, subordinate):
    qtest.cfg_write(0, slot, 0, 0x18, secondary << 8 | subordinate << 16)


def by_place(info):
    """All functions of query-pci, bridges followed, by (bus, slot, function)."""
    found = {}

    def take(devices):
        for d in devices:
            found[d["bus"], d["slot"], d["function"]] = d
            take(d.get("pci_bridge", {}).get("devices", []))

    for bus in info:
        take(bus["devices"])
    return found


def query_pci():
    """Numbers, ids, classes and BARs are those that config cycles read, below a port as well."""
    with Vmm(*PORT, "-device", "edu,id=e0,bus=rp0", "-device", "edu,id=e1,addr=6") as vm:
        t = vm.qtest
        number_bridge(t, 5, 3, 4)
        t.cfg_write(3, 0, 0, 0x10, 0xe0000000)
        t.cfg_write(3, 0, 0, 4, 2, "w")
        t.cfg_write(0, 5, 0, 0x20, 0xe000e000)
        t.cfg_write(0, 5, 0, 4, 7, "w")
        t.cfg_write(3, 0, 0, 0x3c, 11, "b")
        found = by_place(vm.command("query-pci"))
        true((3, 0, 0) in found and (0, 6, 0) in found, list(found))
        for (bus, slot, fn), d in found.items():
            cfg = lambda reg, width: t.cfg_read(bus, slot, fn, reg, width)
            equal(d["id"]["vendor"] | d["id"]["device"] << 16, cfg(0, "l"), f"{bus}:{slot}.{fn}")
            equal(d["class_info"]["class"], cfg(0xa, "w"))
            equal(d["irq_pin"], cfg(0x3d, "b"))
            if d["irq_pin"]:
                equal(d["irq"], cfg(0x3c, "b"))
            if "pci_bridge" not in d:
                equal(d["id"].get("subsystem", 0) << 16 | d["id"].get("subsystem-vendor", 0),
                      cfg(0x2c, "l"))
        edu = found[3, 0, 0]
        equal(edu["qdev_id"], "e0")
        equal(edu["regions"][0]["address"], 0xe0000000)
        equal((edu["regions"][0]["bar"], edu["regions"][0]["size"]), (0, 0x100000))
        equal(edu["irq"], 11)
        equal(found[0, 6, 0]["regions"][0]["address"], -1)
        bridge = found[0, 5, 0]["pci_bridge"]["bus"]
        equal((bridge["number"], bridge["secondary"], bridge["subordinate"]), (0, 3, 4))


def bridge_windows():
    with Vmm(*PORT) as vm:
        t = vm.qtest
        number_bridge(t, 5, 1, 1)
        t.cfg_write(0, 5, 0, 0x1c, 0x2010, "w")
        t.cfg_write(0, 5, 0, 0x20, 0xe010e000)
        t.cfg_write(0, 5, 0, 0x24, 0xf001f001)
        t.cfg_write(0, 5, 0, 0x28, 0x12)
        t.cfg_write(0, 5, 0, 0x2c, 0x13)
        bus = by_place(vm.command("query-pci"))[0, 5, 0]["pci_bridge"]["bus"]
        equal(bus["io_range"], {"base": 0x1000, "limit": 0x2fff})
        equal(bus["memory_range"], {"base": 0xe0000000, "limit": 0xe01fffff})
        equal(bus["prefetchable_range"], {"base": 0x12f0000000, "limit": 0x13f00fffff})


# --- CPUs --------------------------------------------------------------------------------------

def cpus():
    with Vmm("-smp", "6,maxcpus=6,sockets=1,dies=1,cores=3,threads=2") as vm:
        fast = vm.command("query-cpus-fast")
        equal([c["cpu-index"] for c in fast], list(range(6)))
        equal([(c["props"]["core-id"], c["props"]["thread-id"]) for c in fast],
              [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
        for c in fast:
            true(os.path.isdir(f"/proc/{vm.pid}/task/{c['thread-id']}"), c)
            kind = vm.command("qom-get", {"path": c["qom-path"], "property": "type"})
            true(kind.endswith("-x86_64-cpu"), kind)
        hot = vm.command("query-hotpluggable-cpus")
        equal(sorted(h["qom-path"] for h in hot), sorted(c["qom-path"] for c in fast))
        equal([h["props"] for h in hot[::-1]], [c["props"] for c in fast])


def cpu_models():
    with Vmm() as vm:
        models = vm.command("query-cpu-definitions")
        true({"max", "qemu64"} <= {m["name"] for m in models}, models)
        for m in models:
            got = vm.command("query-cpu-model-expansion", {"type": "full",
                                                           "model": {"name": m["name"]}})
            true(all(isinstance(v, bool) for v in got["model"]["props"].values())
                 or not is_sluice(), m)
        off = vm.command("query-cpu-model-expansion", {
            "type": "full", "model": {"name": "qemu64", "props": {"sse2": False}}})
        equal(off["model"]["props"]["sse2"], False)
        for bad in ({"name": "no-such"}, {"name": "qemu64", "props": {"no-such": True}}):
            vm.qmp.error("query-cpu-model-expansion", {"type": "full", "model": bad})


def nmi():
    with Vmm("-smp", "2") as vm:
        equal(vm.command("inject-nmi"), {})


# --- chardevs ----------------------------------------------------------------------------------

def add_chardev(vm, name, kind, data=None):
    return vm.command("chardev-add", {"id": name, "backend": {"type": kind, "data": data or {}}})


def unix(path):
    return {"type": "unix", "data": {"path": path}}


def chardevs():
    """Each kind comes and goes; none is left behind."""
    with Vmm() as vm:
        before = sorted(c["label"] for c in vm.command("query-chardev"))
        open_before = len(os.listdir(f"/proc/{vm.pid}/fd"))
        os.mkfifo(vm.path("pipe.in"))
        os.mkfifo(vm.path("pipe.out"))
        kinds = {"null": {}, "file": {"out": vm.path("out")}, "pipe": {"device": vm.path("pipe")},
                 "socket": {"addr": unix(vm.path("sock")), "wait": False}}
        for kind, data in kinds.items():
            equal(add_chardev(vm, "c-" + kind, kind, data), {})
        true(add_chardev(vm, "c-pty", "pty")["pty"].startswith("/dev/pts/"), "pty")
        names = [c["label"] for c in vm.command("query-chardev")]
        equal(sorted(names), sorted(before + ["c-" + k for k in kinds] + ["c-pty"]))
        e = vm.qmp.error("chardev-add", {"id": "c-null", "backend": {"type": "null", "data": {}}})
        equal(e.desc, "Chardev with id 'c-null' already exists")
        for kind in [*kinds, "pty"]:
            equal(vm.command("chardev-remove", {"id": "c-" + kind}), {})
        equal(sorted(c["label"] for c in vm.command("query-chardev")), before)
        equal(len(os.listdir(f"/proc/{vm.pid}/fd")), open_before)
        equal(vm.qmp.error("chardev-remove", {"id": "c-null"}).desc, "Chardev 'c-null' not found")
        equal(vm.qmp.error("chardev-remove", {"id": "qmp0"}).desc, "Chardev 'qmp0' is busy")
        names = {b["name"] for b in vm.command("query-chardev-backends")}
        true({"null", "file", "pipe", "socket", "pty"} <= names, names)


def chardevs_that_fail():
    """What cannot be opened leaves neither a chardev nor a descriptor."""
    with Vmm() as vm:
        before = len(os.listdir(f"/proc/{vm.pid}/fd"))
        for kind, data in (("file", {"out": "/no/such/dir/file"}),
                           ("pipe", {"device": vm.path("no-such")}),
                           ("socket", {"addr": unix(vm.path("nobody")), "server": False}),
                           ("socket", {"addr": unix("x" * 200), "wait": False}),
                           ("socket", {"addr": {"type": "fd", "data": {"str": "no-such"}}})):
            vm.qmp.error("chardev-add", {"id": "c", "backend": {"type": kind, "data": data}})
        for bad in ("", "1c", "c,d", "c d", "\u00e9") if is_sluice() else ():
            vm.qmp.error("chardev-add", {"id": bad, "backend": {"type": "null", "data": {}}})
        equal(len(os.listdir(f"/proc/{vm.pid}/fd")), before)
        true("c" not in [c["label"] for c in vm.command("query-chardev")], "left behind")


def chardev_by_descriptor():
    """getfd, then chardev-add takes it; what is no socket is refused and closed."""
    with Vmm() as vm:
        before = len(os.listdir(f"/proc/{vm.pid}/fd"))
        a, b = socket.socketpair()
        pass_fd(vm.qmp, "sock", b.fileno())
        b.close()
        fd_addr = {"type": "fd", "data": {"str": "sock"}}
        add_chardev(vm, "byfd", "socket", {"addr": fd_addr, "server": False})
        vm.command("chardev-remove", {"id": "byfd"})
        equal(a.recv(1), b"")
        a.close()
        with open("/dev/null", "rb") as null:
            pass_fd(vm.qmp, "sock", null.fileno())
        e = vm.qmp.error("chardev-add", {"id": "x", "backend": {"type": "socket", "data": {
            "addr": fd_addr, "server": False}}})
        equal(e.cls, "GenericError")
        equal(len(os.listdir(f"/proc/{vm.pid}/fd")), before)


def no_foreign_descriptor():
    """A number is not a name: the descriptors of the program itself are nobody's."""
    with Vmm() as vm:
        before = sorted(os.listdir(f"/proc/{vm.pid}/fd"))
        for number in before:
            vm.qmp.error("chardev-add", {"id": "x", "backend": {"type": "socket", "data": {
                "addr": {"type": "fd", "data": {"str": number}}, "server": False}}})
        equal(sorted(os.listdir(f"/proc/{vm.pid}/fd")), before)


# --- descriptors -------------------------------------------------------------------------------

def pass_fd(q, name, fd):
    q.send_fds({"execute": "getfd", "arguments": {"fdname": name}}, [fd])
    equal(q.reply(), {"return": {}})


def named_descriptors():
    with Vmm() as vm:
        q = vm.qmp
        count = lambda: len(os.listdir(f"/proc/{vm.pid}/fd"))
        before = count()
        r, w = os.pipe()
        equal(q.error("getfd", {"fdname": "a"}).desc,
              "No file descriptor supplied via SCM_RIGHTS")
        pass_fd(q, "a", w)
        pass_fd(q, "b", w)
        equal(count(), before + 2)
        pass_fd(q, "a", w)  # takes the place of the first
        equal(count(), before + 2)
        q.send_fds({"execute": "getfd", "arguments": {"fdname": "1a"}}, [w])
        true("not starting with a digit" in q.reply()["error"]["desc"], "1a")
        q.command("closefd", {"fdname": "a"})
        q.command("closefd", {"fdname": "b"})
        equal(q.error("closefd", {"fdname": "b"}).desc,
              "File descriptor named 'b' not found")
        os.close(w)
        q.send_fds({"execute": "query-name"}, [r])  # nobody takes it: it is closed by the next
        q.reply()
        q.send_fds({"execute": "getfd", "arguments": {"fdname": "c"}}, [r])
        q.reply()
        q.command("closefd", {"fdname": "c"})
        true(count() <= before + 1, "descriptors are left")
        os.close(r)


def descriptor_sets():
    with Vmm() as vm:
        q = vm.qmp
        before = len(os.listdir(f"/proc/{vm.pid}/fd"))

        def add(args):
            with open("/dev/null", "rb") as null:
                q.send_fds({"execute": "add-fd", "arguments": args}, [null.fileno()])
            return q.reply()

        one = add({})["return"]
        two = add({"fdset-id": one["fdset-id"], "opaque": "mine"})["return"]
        three = add({"fdset-id": 40})["return"]
        equal((two["fdset-id"], three["fdset-id"]), (one["fdset-id"], 40))
        sets = {s["fdset-id"]: s["fds"] for s in q.command("query-fdsets")}
        equal(sorted(sets), sorted([one["fdset-id"], 40]))
        equal(sorted(f["fd"] for f in sets[one["fdset-id"]]), sorted([one["fd"], two["fd"]]))
        equal([f.get("opaque") for f in sets[one["fdset-id"]] if f["fd"] == two["fd"]], ["mine"])
        equal([f.get("opaque") for f in sets[40]], [None])
        true("error" in add({"fdset-id": -1}), "a negative set")
        q.error("add-fd", {})
        q.error("remove-fd", {"fdset-id": 41})
        q.error("remove-fd", {"fdset-id": 40, "fd": 100000})
        q.command("remove-fd", {"fdset-id": one["fdset-id"], "fd": two["fd"]})
        q.command("remove-fd", {"fdset-id": one["fdset-id"]})
        q.command("remove-fd", {"fdset-id": 40})
        equal(q.command("query-fdsets"), [])
        true(len(os.listdir(f"/proc/{vm.pid}/fd")) <= before + 1, "descriptors are left")


# --- objects and disks -------------------------------------------------------------------------

def objects():
    with Vmm() as vm:
        q = vm.qmp
        before = q.command("query-memdev")
        with open(vm.path("file"), "wb") as f:
            f.truncate(8192)
        q.command("object-add", {"qom-type": "memory-backend-ram", "id": "m0", "size": 8192})
        q.command("object-add", {"qom-type": "memory-backend-memfd", "id": "m1", "size": 4096})
        q.command("object-add", {"qom-type": "memory-backend-file", "id": "m2", "size": 8192,
                                 "mem-path": vm.path("file"), "share": True})
        new = {m["id"]: m for m in q.command("query-memdev") if m not in before}
        equal({n: m["size"] for n, m in new.items()}, {"m0": 8192, "m1": 4096, "m2": 8192})
        equal({n: m["share"] for n, m in new.items()}, {"m0": False, "m1": True, "m2": True})
        equal([p["type"] for p in q.command("qom-list", {"path": "/objects"})
               if p["name"] == "m1"], ["child<memory-backend-memfd>"])
        e = q.error("object-add", {"qom-type": "memory-backend-ram", "id": "m0", "size": 4096})
        equal(e.desc, "attempt to add duplicate property 'm0' to object (type 'container')")
        for bad in ({"id": "1bad", "size": 4096}, {"id": "m9", "size": 0}, {"id": "m9"}, {"id": "m9", "size": 4096, "no-such": 1}):
            q.error("object-add", {"qom-type": "memory-backend-ram", **bad})
        if is_sluice():  # where the reference aborts
            q.error("object-add", {"qom-type": "memory-backend-ram", "id": "m9", "size": -1})
        q.error("object-add", {"qom-type": "memory-backend-file", "id": "m9", "size": 4096,
                               "mem-path": "/no/such/dir/file"})
        for name in ("m0", "m1", "m2"):
            q.command("object-del", {"id": name})
        equal(q.error("object-del", {"id": "m0"}).desc, "object 'm0' not found")
        equal(q.command("query-memdev"), before)


def object_in_use():
    with Vmm("-object", "memory-backend-ram,id=pmr,size=1M",
             "-blockdev", "driver=null-co,node-name=d,size=1048576",
             "-device", "nvme,drive=d,serial=s,pmrdev=pmr,id=n") as vm:
        equal(vm.qmp.error("object-del", {"id": "pmr"}).desc,
              "object 'pmr' is in use, can not be deleted")
        true("in use" in vm.qmp.error("blockdev-del", {"node-name": "d"}).desc, "d")


def disks():
    with Vmm() as vm:
        q = vm.qmp
        with open(vm.path("image"), "wb") as f:
            f.truncate(1 << 20)
        q.command("blockdev-add", {"driver": "file", "node-name": "f0", "read-only": True,
                                   "filename": vm.path("image")})
        q.command("blockdev-add", {"driver": "raw", "node-name": "r0", "file": "f0",
                                   "read-only": True})
        q.command("blockdev-add", {"driver": "null-co", "node-name": "n0", "size": 4096})
        nodes = {n["node-name"]: n for n in q.command("query-named-block-nodes")}
        equal(sorted(nodes), ["f0", "n0", "r0"])
        equal([nodes[n]["drv"] for n in sorted(nodes)], ["file", "null-co", "raw"])
        equal([nodes[n]["ro"] for n in sorted(nodes)], [True, False, True])
        equal((nodes["f0"]["file"], nodes["r0"]["file"]), (vm.path("image"),) * 2)
        equal(q.command("query-block"), [])
        equal(q.error("blockdev-add", {"driver": "null-co", "node-name": "n0"}).desc,
              "Duplicate nodes with node-name='n0'")
        equal(q.error("blockdev-add", {"driver": "null-co"}).desc,
              "'node-name' must be specified for the root node")
        equal(q.error("blockdev-del", {"node-name": "x"}).desc,
              "Failed to find node with node-name='x'")
        q.error("blockdev-add", {"driver": "raw", "node-name": "r1", "file": "no-such"})
        q.error("blockdev-add", {"driver": "file", "node-name": "f1",
                                 "filename": vm.path("no-such")})
        true("in use" in q.error("blockdev-del", {"node-name": "f0"}).desc, "f0 is below r0")
        for name in ("r0", "f0", "n0"):
            q.command("blockdev-del", {"node-name": name})
        equal(q.command("query-named-block-nodes"), [])


def disk_of_a_device():
    with Vmm("-blockdev", "driver=null-co,node-name=d,size=1048576", "-S",
             "-device", "nvme,drive=d,serial=s,id=n") as vm:
        block = vm.command("query-block")
        equal(len(block), 1)
        true("n" in block[0]["qdev"], block)
        equal(block[0]["inserted"]["node-name"], "d")


# --- memory ------------------------------------------------------------------------------------

def memory_to_files():
    """What qtest wrote is in the file, byte by byte; physical and virtual are the same here."""
    data = bytes(range(256)) * 40
    with Vmm("-m", "16") as vm:
        q = vm.qmp
        for at in (0x100000, 0x1ff801, 16 * 1048576 - len(data)):
            vm.qtest.store(at, data)
            for command in ("pmemsave", "memsave"):
                q.command(command, {"val": at, "size": len(data), "filename": vm.path("m")})
                with open(vm.path("m"), "rb") as f:
                    true(f.read() == data, f"{command} at {at:#x}")
        q.command("pmemsave", {"val": 0, "size": 0, "filename": vm.path("m")})
        equal(os.path.getsize(vm.path("m")), 0)
        q.error("pmemsave", {"val": 0, "size": 1, "filename": "/no/such/dir/m"})
        q.error("memsave", {"val": 0, "size": 1, "filename": vm.path("m"), "cpu-index": 9})
        q.error("memsave", {"val": 0, "size": 1, "filename": vm.path("m"), "cpu-index": -1})
        equal(q.command("query-memory-size-summary")["base-memory"], 16 << 20)


# --- the tree of objects -----------------------------------------------------------------------

def walk(q, path="/"):
    """All (path, type, properties) below a path."""
    props = q.command("qom-list", {"path": path})
    yield path, props
    for p in props:
        if p["type"].startswith("child<"):
            yield from walk(q, path.rstrip("/") + "/" + p["name"])


def qom_tree():
    """Each object is found, has a type that is known, and gives each of its properties."""
    with Vmm(*PORT, "-device", "edu,id=e0,bus=rp0", "-device", "edu",
             "-object", "memory-backend-ram,id=m0,size=4096") as vm:
        q = vm.qmp
        types = {t["name"] for t in q.command("qom-list-types", {"abstract": True})}
        seen = {}
        for path, props in walk(q):
            true(path not in seen, f"{path} twice")
            seen[path] = props
            equal(len({p["name"] for p in props}), len(props), path)
            for p in props:
                try:
                    value = q.command("qom-get", {"path": path, "property": p["name"]})
                except QmpError:
                    only_sluice("the reference has properties that nobody can read")
                    raise
                if p["type"] in ("string", "str"):
                    true(isinstance(value, str), f"{path}.{p['name']} = {value!r}")
                elif p["type"] == "bool":
                    true(isinstance(value, bool), f"{path}.{p['name']} = {value!r}")
                elif p["type"] in ("int", "uint8", "uint16", "uint32", "uint64") \
                        and p["name"] != "host-nodes":  # the reference: a list
                    true(isinstance(value, int), f"{path}.{p['name']} = {value!r}")
                elif p["type"].startswith("child<"):
                    kind = q.command("qom-get", {"path": value, "property": "type"})
                    true(kind in types, f"{value}: {kind}")
                    equal(p["type"], f"child<{kind}>", value)
        for path in ("/machine/peripheral/e0", "/machine/peripheral-anon/device[0]", "/objects/m0",
                     "/machine/peripheral/rp0", "/chardevs/qmp0"):
            true(path in seen, f"no {path}")


def qom_wrong():
    with Vmm("-device", "edu,id=e0") as vm:
        q = vm.qmp
        e0 = "/machine/peripheral/e0"
        equal(q.command("qom-get", {"path": e0, "property": "type"}), "edu")
        equal(q.error("qom-get", {"path": "/no/such", "property": "type"}).cls, "DeviceNotFound")
        equal(q.error("qom-list", {"path": "/no/such"}).cls, "DeviceNotFound")
        equal(q.error("qom-get", {"path": e0, "property": "x"}).desc,
              "Property 'edu.x' not found")
        equal(q.error("qom-set", {"path": e0, "property": "x", "value": 1}).cls, "GenericError")
        equal(q.error("qom-set", {"path": e0, "property": "addr", "value": 1}).cls,
              "GenericError")
        equal(q.command("qom-get", {"path": "e0", "property": "type"}), "edu")


def types():
    with Vmm() as vm:
        q = vm.qmp
        all_of = {t["name"]: t for t in q.command("qom-list-types", {"abstract": True})}
        plain = {t["name"] for t in q.command("qom-list-types")}
        equal(plain, {n for n, t in all_of.items() if not t.get("abstract")})
        for t in all_of.values():
            true("parent" not in t or t["parent"] in all_of, t)
            chain, at = [], t
            while "parent" in at:
                true(at["name"] not in chain, t)
                chain.append(at["name"])
                at = all_of[at["parent"]]
            true(at["name"] in ("object", "interface"), t)
        for kind in ("device", "pci-device", "cpu", "machine", "no-such"):
            got = {t["name"] for t in q.command("qom-list-types", {"implements": kind,
                                                                   "abstract": True})}
            want = set()
            for name in all_of:
                at = name
                while at and at != kind:
                    at = all_of[at].get("parent")
                want |= {name} if at else set()
            true(want <= got, (kind, want - got))
            if is_sluice():
                equal(got, want)


def models():
    """Every model of -device has a list of properties, with the common ones of PCI devices."""
    with Vmm() as vm:
        q = vm.qmp
        help_text = q.hmp("device_add help")
        names = {t["name"] for t in q.command("qom-list-types", {"implements": "device"})}
        for name in ("edu", "nvme", "pcie-root-port", "vfio-pci", "pvpanic", "ib700"):
            true(name in names or not is_sluice(), name)
        for name in sorted(names):
            try:
                props = q.command("device-list-properties", {"typename": name})
            except QmpError as e:
                equal(e.cls, "GenericError")
                only_sluice("the reference refuses some")
                raise
            true(all(p["name"] and p["type"] for p in props), name)
            equal(len({p["name"] for p in props}), len(props), name)
        edu = {p["name"]: p for p in q.command("device-list-properties", {"typename": "edu"})}
        true({"addr", "multifunction", "dma_mask"} <= set(edu), edu)
        true("edu" in help_text, help_text)
        equal(q.error("device-list-properties", {"typename": "no-such"}).cls, "DeviceNotFound")
        equal(q.error("device-list-properties", {"typename": "pci-device"}).cls, "GenericError")
        equal(q.error("device-list-properties", {"typename": "machine"}).cls, "GenericError")


# --- who and what ------------------------------------------------------------------------------

def identity():
    with Vmm("-name", "guest \u00e9", "-uuid", "12345678-1234-5678-1234-567812345678") as vm:
        equal(vm.command("query-name"), {"name": "guest \u00e9"})
        equal(vm.command("query-uuid"), {"UUID": "12345678-1234-5678-1234-567812345678"})
        equal(vm.command("query-target"), {"arch": "x86_64"})
        equal(vm.command("query-kvm")["enabled"], False)
    with Vmm() as vm:
        equal(vm.command("query-name"), {})
        equal(vm.command("query-uuid"), {"UUID": "00000000-0000-0000-0000-000000000000"})
        machines = {m["name"]: m for m in vm.command("query-machines")}
        true("pc-q35-7.2" in machines and "none" in machines, machines)
        equal(machines["pc-q35-7.2"]["alias"], "q35")


def set_link():
    with Vmm() as vm:
        e = vm.qmp.error("set_link", {"name": "net0", "up": True})
        equal((e.cls, e.desc), ("DeviceNotFound", "Device 'net0' not found"))


def migrate_pause():
    with Vmm() as vm:
        equal(vm.qmp.error("migrate-pause").desc,
              "migrate-pause is currently only supported during postcopy-active state")


# --- the human monitor -------------------------------------------------------------------------

@ours
def hmp_commands():
    """Each line of help is a command that help knows alone; each topic has a text."""
    with Vmm(*PORT, "-device", "edu,id=e0,bus=rp0", "-device", "vfio-pci,id=v0,host=01:00.0,addr=9",
             "-host-device", "edu,addr=0000:01:00.0,driver=vfio-pci",
             "-chardev", "null,id=c0") as vm:
        q = vm.qmp
        lines = q.hmp("help").split("\r\n")
        equal(lines.pop(), "")
        names = [line.split(" ")[0].split("|") for line in lines]
        true(["info"] in names and ["quit", "q"] in names, names)
        for line, aliases in zip(lines, names):
            for name in aliases:
                true(q.hmp("help " + name).startswith(line), name)
        topics = [line.split(" ")[1] for line in q.hmp("info").split("\r\n") if line]
        true({"pci", "qtree", "mtree", "status", "vfio", "registers"} <= set(topics), topics)
        for topic in topics:
            text = q.hmp("info " + topic)
            true(topic in ("name", "block") or text.strip(), topic)
            true("\n" not in text.replace("\r\n", ""), topic)
        true("e0" in q.hmp("info pci") and "edu" in q.hmp("info qtree"), "edu")
        true("c0: filename=null" in q.hmp("info chardev"), "chardev")
        true("unknown topic" in q.hmp("info no-such"), "topic")
        true("unknown command" in q.hmp("no-such"), "command")
        true("did you mean 'status'" in q.hmp("info statu"), "near")
        true("takes no argument" in q.hmp("stop now"), "argument")
        equal(q.hmp("stop"), "")
        equal(q.command("query-status")["status"], "paused")
        equal(q.hmp("c"), "")
        equal(q.command("query-status")["status"], "running")
        for line in ("system_reset", "system_powerdown", "nmi", "", "   "):
            equal(q.hmp(line), "", line)
        true("Duplicate" in q.hmp("device_add edu,id=e0,bus=rp0"), "device_add")
        true("not found" in q.hmp("device_del no-such"), "device_del")
        true("which driver" in q.hmp("device_add"), "device_add alone")
        true("dma_mask" in q.hmp("device_add edu,help"), "help of a model")


@ours
def hmp_memory():
    with Vmm("-m", "16") as vm:
        q = vm.qmp
        vm.qtest.store(0x1000, bytes.fromhex("0123456789abcdef") + b"Hello, world\xff\x80")
        equal(q.hmp("xp /2xb 0x1000"), "0000000000001000: 0x01 0x23\r\n")
        equal(q.hmp("xp/2xb 0x1000").startswith("unknown command"), True)
        equal(q.hmp("xp /1xh 4096"), "0000000000001000: 0x2301\r\n")
        equal(q.hmp("xp 0x1000"), "0000000000001000: 0x67452301\r\n")
        equal(q.hmp("xp /xg 0x1000"), "0000000000001000: 0xefcdab8967452301\r\n")
        equal(q.hmp("xp /2db 0x1014"), "0000000000001014: -1 -128\r\n")
        equal(q.hmp("xp /2ub 0x1014"), "0000000000001014: 255 128\r\n")
        equal(q.hmp("xp /1ob 0x1014"), "0000000000001014: 0377\r\n")
        equal(q.hmp("xp /6cb 0x1008"), "0000000000001008: 'H' 'e' 'l' 'l' 'o' ','\r\n")
        equal(q.hmp("x /1xw 0x1000"), q.hmp("xp /1xw 0x1000"))  # paging is off
        equal(len(q.hmp("xp /5xw 0x1000").split("\r\n")), 3)
        for line, words in (("xp", "no address"), ("xp /", "no address"), ("xp x", "no address"),
                            ("xp /3z 0", "no format"), ("xp /xw 0x1000 5", "no address"),
                            ("xp /xw 0xb0000000", "Cannot access memory"),
                            ("xp /xw 0xffffffffffffffff", "Cannot access memory")):
            true(words in q.hmp(line), f"{line}: {q.hmp(line)}")
        true(q.hmp("xp /4xw 0xfffff0").count("0x") == 4, "the end of RAM")
        true("Cannot access memory" in q.hmp("xp /5xw 0xfffff0"), "past it")
        true(len(q.hmp("xp /99999999999999999999xb 0")) > 100000, "a count without end")


@ours
def hmp_completion():
    """The keys of a terminal: Tab completes commands, topics, models and ids."""
    with Vmm("-device", "edu,id=first", "-monitor", "unix:{dir}/mon,server=on,wait=off") as vm:
        mon = vm.connect("mon")
        data = b""

        def until(text):
            nonlocal data
            while text not in data:
                got = mon.sock.recv(4096)
                true(got, f"closed after {data}")
                data += got
            data = data[data.index(text) + len(text):]

        until(b"(sluice) ")
        for typed, shown in ((b"inf\tstat\t", b"info status "), (b"\x15device_d\tfi\t", b"device_del first "),
                             (b"\x15device_add ed\t", b"device_add edu "), (b"\x15help que\x17x-v\t", b"x-vfio-config ")):
            mon.send(typed)
            until(shown)
        mon.send(b"\x15system_\t")
        until(b"system_reset\r\nsystem_powerdown\r\n")
        until(b"(sluice) system_")
        mon.send(b"\x15\x1b[A\x1bOPinfo statusx\x7f\r")
        until(b"VM status: running\r\n(sluice) ")
        mon.close()


def main():
    run([status, prelaunch, clock_stands_while_stopped, memory_survives_a_reset, power_button,
         query_pci, bridge_windows, cpus, cpu_models, nmi, chardevs, chardevs_that_fail,
         chardev_by_descriptor, no_foreign_descriptor, named_descriptors, descriptor_sets, objects,
         object_in_use, disks, disk_of_a_device, memory_to_files, qom_tree, qom_wrong, types,
         models, identity, set_link, migrate_pause, hmp_commands, hmp_memory, hmp_completion])


if __name__ == "__main__":
    main()
