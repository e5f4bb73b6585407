#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""commands.py [--vmm PROGRAM] [TEST...]: every command that query-commands names, with right
arguments and with each kind of wrong ones, judged by query-qmp-schema; TAP."""
from client import Vmm, equal, is_sluice, ours, run, true
from schema import Schema

MACHINE = ("-smp", "2", "-name", "test", "-uuid", "12345678-1234-5678-1234-567812345678",
           "-object", "memory-backend-ram,id=mem0,size=1M",
           "-blockdev", "driver=null-co,node-name=disk0,size=1M",
           "-blockdev", "driver=null-co,node-name=disk2",
           "-chardev", "null,id=spare",
           "-device", "pcie-root-port,id=rp0,chassis=1",
           "-device", "pcie-root-port,id=rp1,chassis=2",
           "-device", "edu,id=edu0,bus=rp0",
           "-device", "nvme,id=nvme0,drive=disk0,serial=s,addr=7")
VFIO = ("-device", "vfio-pci,id=vfio0,host=01:00.0,addr=9",
        "-host-device", "edu,addr=0000:01:00.0,driver=vfio-pci")

# These end the machine, or wait for somebody: protocol.py and events.py have them.
ELSEWHERE = ("quit", "qmp_capabilities", "x-exit-preconfig")

# Right arguments where the least that the schema wants is not enough.  A list: one after another.
RIGHT = {
    "human-monitor-command": [{"command-line": "info status"}],
    "getfd": [],  # with a descriptor: content.py
    "closefd": [],
    "add-fd": [],
    "remove-fd": [],
    "pmemsave": [{"val": 0, "size": 4096, "filename": "{dir}/pmem"}],
    "memsave": [{"val": 0, "size": 4096, "filename": "{dir}/mem"},
                {"val": 0, "size": 4096, "filename": "{dir}/mem", "cpu-index": 1}],
    "query-cpu-model-expansion": [{"type": "full", "model": {"name": "qemu64"}},
                                  {"type": "static", "model": {"name": "max"}}],
    "device_add": [{"driver": "edu", "bus": "rp1", "id": "edu1"}],
    "device_del": [{"id": "edu0"}],
    "device-list-properties": [{"typename": "edu"}],
    "qom-list-properties": [{"typename": "edu"}],
    "qom-list": [{"path": "/machine"}],
    "qom-get": [{"path": "/machine", "property": "type"}],
    "object-add": [{"qom-type": "memory-backend-ram", "id": "mem1", "size": 4096},
                   {"qom-type": "memory-backend-memfd", "id": "mem2", "size": 4096},
                   {"qom-type": "memory-backend-file", "id": "mem3", "size": 4096,
                    "mem-path": "{dir}/backing"}],
    "object-del": [{"id": "mem0"}],
    "chardev-add": [{"id": "c1", "backend": {"type": "null", "data": {}}}],
    "chardev-remove": [{"id": "spare"}],
    "blockdev-add": [{"driver": "null-co", "node-name": "disk1"}],
    "blockdev-del": [{"node-name": "disk2"}],
    "x-vfio-config": [{"id": "vfio0"}],
    "x-host-sysfs-read": [{"path": "devices/0000:01:00.0/vendor"},
                          {"path": "devices/0000:01:00.0/driver"}],
    "x-host-sysfs-write": [{"path": "rescan", "text": "1"}],
}
# Right by the schema, and refused for what they mean.
REFUSED = {
    "system_wakeup": "GenericError", "migrate-pause": "GenericError",
    "set_link": "DeviceNotFound", "qom-set": "DeviceNotFound",
}
CLASSES = ("GenericError", "CommandNotFound", "DeviceNotFound", "DeviceNotActive", "KVMMissingCap")


def machine(**kw):
    return Vmm(*MACHINE, *(VFIO if is_sluice() else ()), **kw)


def schema_of(vm):
    return Schema(vm.command("query-qmp-schema"))


def filled(value, vm):
    if isinstance(value, dict):
        return {k: filled(v, vm) for k, v in value.items()}
    return value.replace("{dir}", vm.dir.name) if isinstance(value, str) else value


def check_error(reply, what):
    equal(sorted(reply), ["error"], what)
    equal(sorted(reply["error"]), ["class", "desc"], what)
    true(reply["error"]["class"] in CLASSES, f"{what}: {reply}")
    true(reply["error"]["desc"], f"{what}: {reply}")


def alive(vm):
    equal(vm.command("query-status")["status"], "running")


def answers(vm, schema, name):
    """Run the command rightly; its answer is of the type that the schema says."""
    info = schema.by_name[name]
    args = schema.by_name[info["arg-type"]]
    right = RIGHT.get(name, [schema.sample_object(args)])
    for value in [filled(v, vm) for v in right]:
        schema.check(info["arg-type"], {k: v for k, v in value.items()
                                        if name != "device_add" or k in ("driver", "bus", "id")})
        request = {"execute": name, "arguments": value} if value else {"execute": name}
        reply = vm.qmp.ask(request)
        if name in REFUSED:
            check_error(reply, name)
            equal(reply["error"]["class"], REFUSED[name])
            continue
        true("return" in reply, f"{name} {value}: {reply}")
        schema.check(info["ret-type"], reply["return"], name)


def right_arguments(name):
    def test():
        with machine() as vm:
            answers(vm, schema_of(vm), name)
            if name == "stop":
                vm.command("cont")
            alive(vm)
            equal(vm.quit(), 0)
    return test


def open_ended(schema, name):
    """It takes members that the schema does not know, as QEMU's device_add does."""
    return name == "device_add"


def spoil(vm, schema, name):
    """Each wrong form of the arguments must be refused, and nothing may come of it."""
    args = schema.by_name[schema.by_name[name]["arg-type"]]
    right = RIGHT.get(name) or [schema.sample_object(args)]
    for value in [filled(v, vm) for v in right]:
        for kind, where, bad in schema.wrong(args, value):
            if kind == "unexpected" and open_ended(schema, name):
                continue
            what = f"{name}: {kind} {where}: {bad!r}"
            reply = vm.qmp.ask({"execute": name, "arguments": bad})
            true("error" in reply, f"{what} was taken: {reply}")
            check_error(reply, what)
            desc = reply["error"]["desc"]
            if kind == "missing":
                true("missing" in desc, f"{what}: {desc}")
            elif kind == "unexpected":
                true("unexpected" in desc, f"{what}: {desc}")
            elif kind == "wrong value":
                true("does not accept value" in desc, f"{what}: {desc}")
            elif kind == "wrong type":
                true("nvalid parameter type" in desc or "expects" in desc, f"{what}: {desc}")


def wrong_arguments(name):
    def test():
        with machine() as vm:
            schema = schema_of(vm)
            spoil(vm, schema, name)
            for junk in ([], 1, "x", None, True):
                check_error(vm.qmp.ask({"execute": name, "arguments": junk}), name)
            alive(vm)
    return test


# Numbers and strings at the edges, for every argument that takes one: any answer will do, if it is
# one of the schema's, and comes.
EDGES = {"int": (0, 1, -1, 255, 256, 65536, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 32,
                 (1 << 63) - 1, -(1 << 63)),
         "string": ("", "/", "//", "..", "x" * 300, "x" * 70000, "a b", "a,b=c", "%s%n", "\u00e9",
                    "\U0001f600", "\n", "\\", '"', "id", "0", "-1", "/machine/peripheral/edu0",
                    "edu0", "rp0", "nvme0", "disk0", "mem0", "spare", "qmp0", "qtest"),
         "boolean": (True, False)}
# What an edge would do here: fill the disk, take all memory, or end the test's own connection.
HARMFUL = {("pmemsave", "size"), ("memsave", "size"), ("object-add", "size"),
           ("chardev-remove", "id")}


def edges(name):
    def test():
        with machine() as vm:
            schema = schema_of(vm)
            info = schema.by_name[name]
            args = schema.by_name[info["arg-type"]]
            base = filled((RIGHT.get(name) or [schema.sample_object(args)])[0], vm)
            for m in schema.members(args, base).values():
                t = schema.by_name[m["type"]]
                kind = t.get("json-type", "")
                if (name, m["name"]) in HARMFUL or m["name"] == "filename":
                    continue
                for value in EDGES.get(kind, ()):
                    reply = vm.qmp.ask({"execute": name, "arguments": {**base, m["name"]: value}})
                    if "return" in reply:
                        schema.check(info["ret-type"], reply["return"], f"{name} {value!r}")
                    else:
                        check_error(reply, f"{name} {m['name']}={value!r}")
            true(vm.command("query-status"), "alive")
    return test


# --- as a whole --------------------------------------------------------------------------------

def the_schema_is_closed():
    with machine() as vm:
        s = schema_of(vm)
        if is_sluice():
            s.check_itself()
        s.check("SchemaInfoList" if "SchemaInfoList" in s.by_name else s.by_name[
            "query-qmp-schema"]["ret-type"], vm.command("query-qmp-schema"))


def lists_and_schema_agree():
    with machine() as vm:
        s = schema_of(vm)
        commands = [c["name"] for c in vm.command("query-commands")]
        equal(sorted(commands), sorted(s.entities("command")))
        equal(len(commands), len(set(commands)))
        if is_sluice():
            equal(sorted(e["name"] for e in vm.command("query-events")),
                  sorted(s.entities("event")))


def nearly_right_names():
    with machine() as vm:
        for name in ("", "Quit", "quit ", "query_status", "query-status\u00a0", "query-statu",
                     "query-statuss", "QUERY-STATUS", "system-reset", "\n", "x" * 100000):
            e = vm.qmp.error(name)
            equal((e.cls, e.desc), ("CommandNotFound", f"The command {name} has not been found"))


@ours
def commands_before_the_machine():
    """Under --preconfig each command answers, or says that it is too early."""
    with Vmm("--preconfig", qtest=False) as vm:
        schema = schema_of(vm)
        for name in sorted(schema.entities("command")):
            if name in ELSEWHERE or name in ("blockdev-add", "chardev-add"):
                continue
            info = schema.by_name[name]
            args = schema.sample_object(schema.by_name[info["arg-type"]])
            reply = vm.qmp.ask({"execute": name, "arguments": args})
            if "return" in reply:
                schema.check(info["ret-type"], reply["return"], name)
            else:
                check_error(reply, name)
        vm.command("x-exit-preconfig")
        equal(vm.quit(), 0)


@ours
def commands_without_a_board():
    """-machine none has no devices and no CPUs; each command answers all the same."""
    with Vmm(base=("-M", "none"), qtest=False) as vm:
        schema = schema_of(vm)
        for name in sorted(schema.entities("command")):
            if name in ELSEWHERE:
                continue
            info = schema.by_name[name]
            for value in RIGHT.get(name) or [schema.sample_object(schema.by_name[info["arg-type"]])]:
                reply = vm.qmp.ask({"execute": name, "arguments": filled(value, vm)})
                if "return" in reply:
                    schema.check(info["ret-type"], reply["return"], name)
                else:
                    check_error(reply, name)
        equal(vm.quit(), 0)


def main():
    if not is_sluice():
        # The reference has many more commands, some of which need more than is here.
        run([lists_and_schema_agree, nearly_right_names])
    with machine() as vm:
        schema = schema_of(vm)
    names = [n for n in sorted(schema.entities("command")) if n not in ELSEWHERE]
    taking = [n for n in names
              if schema.by_name[schema.by_name[n]["arg-type"]]["members"]]
    run([the_schema_is_closed, lists_and_schema_agree, nearly_right_names,
         commands_before_the_machine, commands_without_a_board,
         *[("right arguments: " + n, right_arguments(n)) for n in names if RIGHT.get(n) != []],
         *[("wrong arguments: " + n, wrong_arguments(n)) for n in names],
         *[("edges: " + n, edges(n)) for n in taking]])


if __name__ == "__main__":
    main()
