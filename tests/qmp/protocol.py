#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""protocol.py [--vmm PROGRAM] [TEST...]: QMP as a stream: greeting, negotiation, ids, framing, bad
input, several clients, out-of-band commands, transports; TAP."""
import collections
import json
import os
import select
import signal
import socket
import sys

from client import (Closed, PATIENCE, Qmp, Stuck, Vmm, equal, ours, run, sanitized,
                    true, wait_for)

MIB = 1 << 20
NEGOTIATE = "Expecting capabilities negotiation with 'qmp_capabilities'"


def parse_error(what):
    return {"class": "GenericError", "desc": "JSON parse error, " + what}


def generic(desc):
    return {"class": "GenericError", "desc": desc}


# --- the beginning -----------------------------------------------------------------------------

def check_greeting(greeting):
    equal(list(greeting), ["QMP"])
    equal(sorted(greeting["QMP"]), ["capabilities", "version"])
    equal(greeting["QMP"]["capabilities"][0], "oob")
    version = greeting["QMP"]["version"]
    equal((version["qemu"]["major"], version["qemu"]["minor"]), (7, 2))
    equal(type(version["package"]), str)


def greeting():
    with Vmm(caps=None) as vm:
        check_greeting(vm.qmp.message())
        true(vm.qmp.text.endswith(b"}\r\n"), vm.qmp.text)


def greeting_before_the_machine():
    """With --preconfig there is no machine until a client says so; what needs one is refused."""
    with Vmm("--preconfig", qtest=False) as vm:
        check_greeting(vm.qmp.greeting)
        q = vm.qmp
        equal(q.command("query-status")["status"], "prelaunch")
        equal(q.error("query-pci").desc, "The command 'query-pci' is permitted only after machine "
              "initialization has completed")
        true(q.command("query-commands"), "query-commands")
        q.command("x-exit-preconfig")
        while q.command("query-status")["status"] != "running":
            pass
        true(q.command("query-pci"), "query-pci")
        equal(q.error("x-exit-preconfig").cls, "GenericError")
        equal(vm.quit(), 0)


def quit_in_preconfig():
    with Vmm("--preconfig", qtest=False) as vm:
        equal(vm.quit(), 0)


def negotiation():
    with Vmm(caps=None) as vm:
        q = vm.qmp
        q.message()
        refused = {"class": "CommandNotFound", "desc": NEGOTIATE}
        for command in ("query-version", "stop", "no-such-command"):
            equal(q.ask({"execute": command}), {"error": refused})
        # A request that is no request says so, negotiated or not.
        equal(q.ask(b"1 ")["error"], generic("QMP input must be a JSON object"))
        for enable, text in ((["no-such"], "does not accept value 'no-such'"),
                             ("oob", "Invalid parameter type for 'enable', expected: array"),
                             ([1], "expected: string")):
            e = q.error("qmp_capabilities", {"enable": enable})
            equal(e.cls, "GenericError")
            true(text in e.desc, e.desc)
        equal(q.error("qmp_capabilities", {"x": 1}).desc, "Parameter 'x' is unexpected")
        equal(q.error("query-version").cls, "CommandNotFound")
        equal(q.command("qmp_capabilities"), {})
        true(q.command("query-version"), "negotiated")
        again = q.error("qmp_capabilities")
        equal((again.cls, again.desc), ("CommandNotFound", "Capabilities negotiation is already "
                                        "complete, command ignored"))


def ids():
    """An id of any kind comes back, whatever became of the command."""
    values = [0, -1, 7, 1 << 40, -(1 << 63), (1 << 63) - 1, 0.5, -1e300, True, False, None, "", "x",
              "\u00e9\U0001f600\\\"\n\x7f", [], {}, [1, [2, {"a": None}]], {"a": {"b": [1.5, "c"]}},
              "i" * 5000]
    with Vmm() as vm:
        for value in values:
            for request in ({"execute": "query-name"}, {"execute": "no-such"}, {},
                            {"execute": "query-name", "arguments": {"x": 1}}):
                reply = vm.qmp.ask({**request, "id": value})
                equal(json.dumps(reply["id"], sort_keys=True), json.dumps(value, sort_keys=True))
                equal(len(reply), 2)
        true("id" not in vm.qmp.ask({"execute": "query-name"}), "an id that nobody gave")
        # What the text says, not what it stands for.
        vm.qmp.send(b"{'id': 1.0, 'execute': 'query-name'}{'id':18446744073709551615, 'execute':'x'}")
        equal(vm.qmp.reply()["id"], 1)
        equal(float(vm.qmp.reply()["id"]), 18446744073709551615.0)


# --- envelopes and texts -----------------------------------------------------------------------

NOT_OBJECT = generic("QMP input must be a JSON object")
VALUE = parse_error("expecting value")

# Complete values and what the error says; those of the reference, word by word.
ENVELOPES = (
    (b"[]", NOT_OBJECT),
    (b"1 ", NOT_OBJECT),
    (b"null ", NOT_OBJECT),
    (b'"x"', NOT_OBJECT),
    (b"true ", NOT_OBJECT),
    (b"{}", generic("QMP input lacks member 'execute'")),
    (b'{"id": 1}', generic("QMP input lacks member 'execute'")),
    (b'{"execute": 1}', generic("QMP input member 'execute' must be a string")),
    (b'{"execute": null}', generic("QMP input member 'execute' must be a string")),
    (b'{"execute": "query-version", "arguments": 1}',
     generic("QMP input member 'arguments' must be an object")),
    (b'{"execute": "query-version", "arguments": null}',
     generic("QMP input member 'arguments' must be an object")),
    (b'{"execute": "query-version", "x": 1}', generic("QMP input member 'x' is unexpected")),
    (b'{"exec-oob": "query-version"}', generic("QMP input member 'exec-oob' is unexpected")),
    (b'{"execute": "nope"}',
     {"class": "CommandNotFound", "desc": "The command nope has not been found"}),
    (b'{"execute": "query-version", "arguments": {"a": 1}}',
     generic("Parameter 'a' is unexpected")),
    (b'{"execute": "qom-list"}', generic("Parameter 'path' is missing")),
    (b'{"execute": "qom-list", "arguments": {}}', generic("Parameter 'path' is missing")),
    (b'{"execute": "qom-list", "arguments": {"path": 1}}',
     generic("Invalid parameter type for 'path', expected: string")),
    (b'{"execute": "query-name", "execute": "query-name"}', parse_error("duplicate key")),
    (b'{"execute": "stop" "x"}', parse_error("expected separator in dict")),
    (b'{"a"}', parse_error("missing : in object pair")),
    (b'{"a" 1}', parse_error("missing : in object pair")),
    (b'{"a": 1,}', VALUE),
    (b"[1,]", VALUE),
    (b"[1 2]", parse_error("expected separator in list")),
    (b"{,}", VALUE),
    (b"{1: 2}", parse_error("key is not a string in object")),
    (b"}", VALUE),
    (b"]", VALUE),
    (b"[}", VALUE),
    (b"{]", VALUE),
    (b":", VALUE),
    (b",", VALUE),
    (b'{"a": ]', VALUE),
    (b"truex ", parse_error("invalid keyword 'truex'")),
    (b"nul ", parse_error("invalid keyword 'nul'")),
    (b"%p ", parse_error("stray '%'")),
    (b"01 ", parse_error("stray '01'")),
    (b"-x ", parse_error("stray '-x'")),
    (b"1.x ", parse_error("stray '1.x'")),
    (b"+1 ", parse_error("stray '+'")),
    (b"\xff ", parse_error("stray '\ufffd'")),
    (b"NaN ", parse_error("stray 'N'")),
    (b"/**/1 ", parse_error("stray '/'")),
    (b"\x1f", parse_error("stray '\x1f'")),
    (b"\\ ", parse_error("stray '\\'")),
    (b'"a\nb"', parse_error("stray '\"a\n'")),
    (b'"a\x01b"', parse_error("stray '\"a\x01'")),
    (b'"\xff"', parse_error("stray '\"\ufffd'")),
    (b'"\xc3("', parse_error("invalid UTF-8 sequence in string")),
    (b'"\xed\xa0\x80"', parse_error("invalid UTF-8 sequence in string")),
    (b'"\xef\xbf\xbf"', parse_error("invalid UTF-8 sequence in string")),
    (b'"\\x"', parse_error("invalid escape sequence in string")),
    (b'"\\u12"', parse_error("\\u12\" is not a valid Unicode character")),
    (b'"\\ud800"', parse_error("\\ud800 is not a valid Unicode character")),
    (b'"\\uffff"', parse_error("\\uffff is not a valid Unicode character")),
)
END = {"execute": "query-name", "id": "end"}


def until_end(q):
    """All replies before the one to END."""
    replies = []
    while True:
        m = q.reply()
        true(q.text.endswith(b"}\r\n") and q.text.count(b"\n") == 1, q.text)
        if m.get("id") == "end":
            return replies
        replies.append(m)


def envelopes():
    with Vmm() as vm:
        for text, error in ENVELOPES:
            vm.qmp.send(text)
            vm.qmp.send(END)
            replies = until_end(vm.qmp)
            true(replies, f"{text}: no reply")
            equal(replies[0]["error"], error, text)


def one_byte_at_a_time():
    """The same replies, however the bytes come."""
    with Vmm() as vm:
        for text, _ in ENVELOPES + ((b'{"execute": "query-name", "id": [1, "a\\u0041"]}\n', None),
                                    (b"{'execute': 'query-name'}", None)):
            answers = []
            for chunk in (1, len(text)):
                for i in range(0, len(text), chunk):
                    vm.qmp.send(text[i:i + chunk])
                vm.qmp.send(END)
                answers.append(until_end(vm.qmp))
            equal(answers[0], answers[1], text)


def errors_at_once():
    """A lexical error is told at the byte that makes it, without a line's end."""
    with Vmm() as vm:
        for text in (b'{"a\n', b"%", b"\xff", b"\x01", b'{"a": %', b"00"):
            vm.qmp.send(text)
            true("error" in vm.qmp.reply(), text)
            vm.qmp.send(b"\n")
            equal(vm.qmp.command("query-name"), {})


def requests_act_at_their_last_byte():
    with Vmm() as vm:
        vm.qmp.send(b'{"execute":"query-name"}')  # and no line's end
        equal(vm.qmp.reply(), {"return": {}})
        vm.qmp.send(b'\r\n\t {"execute"\n:\n"query-name"\n}{"execute":"query-name","id":2}')
        equal([vm.qmp.reply(), vm.qmp.reply()], [{"return": {}}, {"return": {}, "id": 2}])


def recovery(junk):
    """After junk the stream is usable again at a structural or a control character."""
    def test():
        with Vmm() as vm:
            vm.qmp.send(junk + b"\n")
            vm.qmp.send(b"\xff\n")  # ends what is open
            vm.qmp.send(END)
            until_end(vm.qmp)
            equal(vm.qmp.command("query-name"), {})
    return test


JUNK = (b'{"execute', b"[[[[", b'{"a":[{"b":', b'"\\', b'"\\u', b"tru", b"-", b"1e", b"\x00\x00",
        bytes(range(256)), b"\xfe\xff" * 100, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


# --- limits ------------------------------------------------------------------------------------

def refused_as(q, pieces, words):
    """Send what is over a limit and hear so; the sender must not wait for the reader or both wait."""
    error = None
    for piece in pieces:
        left = memoryview(piece)
        while left:
            readable, writable, _ = select.select([q], [q], [], PATIENCE)
            if readable and not error:
                error = q.reply()["error"]
            elif writable:
                left = left[q.sock.send(left[:MIB]):]
            else:
                raise Stuck("neither reads nor writes")
    error = error or q.reply()["error"]
    true(words in error["desc"], error)


def clean_again(q):
    q.send(b"\xff\n")
    q.send(END)
    until_end(q)


def nesting():
    with Vmm() as vm:
        q = vm.qmp
        refused_as(q, [b"[" * 1025], "nesting")
        clean_again(q)
        refused_as(q, [b'{"a":' * 1025], "nesting")
        clean_again(q)
        deep = b'{"execute": "query-name", "id": ' + b"[" * 1000 + b"]" * 1000 + b"}"
        q.send(deep)
        q.text = q.line.read()  # deeper than the parser here goes
        equal(q.text.count(b"["), 1000)


def tokens():
    with Vmm() as vm:
        refused_as(vm.qmp, [b"["] + [b"1," * (MIB // 2)] * 2, "token count")
        clean_again(vm.qmp)


@ours
def long_string():
    """64 MiB are too much for one value; a few are not, and come back.  The reference takes minutes."""
    with Vmm() as vm:
        q = vm.qmp
        refused_as(q, [b'{"execute": "'] + [b"x" * MIB] * 65, "token size")
        q.send(b'"\n')
        clean_again(q)
        q.sock.setblocking(False)
        request = b'{"execute": "query-name", "id": "' + b"y" * (4 * MIB) + b'"}'
        left = memoryview(request)
        while left:
            wait = select.select([], [q], [], PATIENCE)[1]
            true(wait, "it reads no more")
            left = left[q.sock.send(left):]
        q.sock.setblocking(True)
        equal(len(q.reply()["id"]), 4 * MIB)


# --- several clients ---------------------------------------------------------------------------

def interleaved_clients():
    """Four clients with a hundred requests in flight each: every one gets its own, in order."""
    count = 100
    with Vmm(monitors=4) as vm:
        want = collections.defaultdict(list)
        out = {}
        for n, c in enumerate(vm.clients):
            text = b""
            for i in range(count):
                name = ("query-name", "query-status", "no-such", "query-version")[(i + n) % 4]
                text += json.dumps({"execute": name, "id": [n, i]}).encode()
                want[n].append([n, i])
            out[c] = memoryview(text)
        got = collections.defaultdict(list)
        while any(len(got[n]) < count for n in range(4)):
            readable, writable, _ = select.select(
                vm.clients, [c for c in out if out[c]], [], PATIENCE)
            true(readable or writable, f"stuck at {[len(g) for g in got.values()]}")
            for c in writable:
                out[c] = out[c][c.sock.send(out[c][:700]):]  # cut anywhere
            for c in readable:
                got[vm.clients.index(c)].append(c.reply()["id"])
                while c.line.ready():
                    got[vm.clients.index(c)].append(c.reply()["id"])
        equal(dict(got), dict(want))


def interleaved_often():
    """The same with what is under way ending in every order: a request that nobody looks at any more
    shows here."""
    with Vmm(monitors=4) as vm:
        for n in range(400):
            busy = [c for i, c in enumerate(vm.clients) if n >> i & 1 or n % 5 == i]
            for c in busy:
                c.send(b'{"execute": "query-name"}' * (1 + n % 3))
            for c in busy:
                for _ in range(1 + n % 3):
                    equal(c.reply(), {"return": {}})


def turns():
    """A client with many requests does not keep another one waiting for all of them."""
    with Vmm(monitors=2) as vm:
        busy, other = vm.clients
        for i in range(200):
            busy.send({"execute": "query-qmp-schema", "id": i})
            if i == 3:
                equal(other.command("query-name"), {})
            if i > 4:
                busy.reply()
        for _ in range(5):
            busy.reply()


def pretty():
    for args, kw in ((("-qmp-pretty", "unix:{dir}/p,server=on,wait=off"), {"monitors": 0}),
                     ((), {"pretty": True})):
        with Vmm(*args, qtest=False, caps=None, **kw) as vm:
            q = vm.qmp if vm.clients else vm.connect("p", pretty=True)
            q.greet()
            equal(sorted(q.command("query-status")), ["running", "singlestep", "status"])
            lines = q.text.split(b"\r\n")
            equal((lines[0], lines[1].rstrip(), lines[-2:]), (b"{", b'    "return": {', [b"}", b""]))
            true(all(line.startswith(b"    ") for line in lines[1:-2]), lines)
            equal(q.error("nope").cls, "CommandNotFound")
            q.command("stop")
            equal(q.event("STOP")["event"], "STOP")


def events_to_whom():
    """To all that have negotiated, to nobody else; each with a time stamp that does not go back."""
    with Vmm(monitors=3, caps=None) as vm:
        one, two, deaf = vm.clients
        one.greet()
        two.greet()
        deaf.message()
        vm.qtest.ask("endianness")
        one.pending()
        two.pending()
        last = (0, 0)
        for name in ("STOP", "RESUME") * 3:
            one.command("stop" if name == "STOP" else "cont")
            for q in (one, two):
                e = q.event(name)
                equal(sorted(e), ["event", "timestamp"])
                equal(sorted(e["timestamp"]), ["microseconds", "seconds"])
                stamp = (e["timestamp"]["seconds"], e["timestamp"]["microseconds"])
                true(stamp >= last and 0 <= stamp[1] < 1000000, e)
            last = stamp
        equal(deaf.ask({"execute": "query-name"})["error"]["desc"], NEGOTIATE)
        deaf.command("qmp_capabilities")
        equal(deaf.pending(), [])
        one.command("stop")
        equal([deaf.event("STOP")["event"], two.event("STOP")["event"]], ["STOP"] * 2)


# --- a client that is slow, and one that goes ----------------------------------------------------

def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def backpressure():
    """Who does not read is not read: memory stays, and when he reads again, all is there."""
    limit = (400 if sanitized() else 100) * MIB
    with Vmm(monitors=2) as vm:
        lazy, other = vm.clients
        lazy.command("query-qmp-schema")
        before = resident(vm.pid)
        request = json.dumps({"execute": "query-qmp-schema"}).encode()
        lazy.sock.setblocking(False)
        sent = 0
        while True:  # until the pipe of requests is full, too
            try:
                n = lazy.sock.send(request)
            except BlockingIOError:
                if not select.select([], [lazy], [], 0.5)[1]:
                    break
                continue
            true(n == len(request), "cut")  # a socket takes small ones whole
            sent += 1
            true(sent < 100000, "it reads without end")
        lazy.sock.setblocking(True)
        true(resident(vm.pid) - before < limit, f"grew by {resident(vm.pid) - before}")
        for _ in range(20):
            other.command("query-qmp-schema")  # nobody else waits
        first = None
        for i in range(min(sent, 300)):
            reply = lazy.reply()
            first = first or len(lazy.text)
            true("return" in reply and len(lazy.text) == first, f"reply {i} of {sent}")
        true(resident(vm.pid) - before < limit, f"grew by {resident(vm.pid) - before}")


def events_without_a_reader():
    """Events for somebody who does not read are kept up to a limit, replies are not lost."""
    with Vmm(monitors=2) as vm:
        lazy, other = vm.clients
        before = resident(vm.pid)
        for _ in range(3000):
            other.command("stop")
            other.command("cont")
            other.events.clear()
        true(resident(vm.pid) - before < 64 * MIB, f"grew by {resident(vm.pid) - before}")
        equal(lazy.command("query-name"), {})
        true(len(lazy.events) > 100, "events before the reply")


def no_reply_of_the_last_client():
    """One goes while its command is under way; the next one does not hear of it."""
    args = ("-qmp", "unix:{dir}/q,server=on,wait=off")
    with Vmm(*args, monitors=1) as vm:
        os.mkfifo(vm.path("fifo"))
        for n in range(20):
            first = vm.connect("q").greet()
            blocked = n % 4 == 0
            if blocked:
                first.send(block_request(vm.path("fifo"), n))
            for i in range(8):
                first.send({"execute": "query-qmp-schema", "id": ["old", n, i]})
            first.close()
            second = vm.connect("q")
            if blocked:
                with open(vm.path("fifo"), "w", encoding="ascii"):
                    pass
            check_greeting(second.message())
            equal(second.ask({"execute": "query-name"})["error"]["desc"], NEGOTIATE)
            second.command("qmp_capabilities")
            equal(second.command("query-name"), {})
            second.close()
        equal(vm.qmp.command("query-name"), {})


def a_greeting_for_each():
    args = ("-qmp", "unix:{dir}/q,server=on,wait=off")
    with Vmm(*args, monitors=0, qtest=False) as vm:
        for cut in (b"", b'{"execute": "query-na', b'"', b"[[[", b"\xff", b'{"execute": "quit"'):
            q = vm.connect("q")
            q.greet()
            q.send(cut + b"")
            if cut == b"\xff":
                q.reply()
            q.close()
        q = vm.connect("q").greet()
        equal(q.command("query-name"), {})
        q.command("quit")
        equal(vm.wait(), 0)


# --- out of band -------------------------------------------------------------------------------

def block_request(fifo, n=0):
    """A command that waits until somebody writes the FIFO."""
    return {"execute": "blockdev-add", "id": f"blocked-{n}", "arguments": {
        "driver": "blkdebug", "node-name": f"blkdebug{n}", "config": fifo,
        "image": {"driver": "null-co"}}}


def open_fifo(path):
    with open(path, "w", encoding="ascii"):
        pass


def out_of_band():
    """An out-of-band command overtakes one that hangs, of the same client."""
    with Vmm(caps=["oob"]) as vm:
        q, fifo = vm.qmp, vm.path("fifo")
        os.mkfifo(fifo)
        q.send(block_request(fifo))
        for i in range(3):
            q.send({"exec-oob": "migrate-pause", "id": i})
            reply = q.reply()
            equal((reply["id"], reply["error"]["class"]), (i, "GenericError"))
        q.send({"execute": "query-name", "id": "behind"})
        open_fifo(fifo)
        equal([q.reply()["id"], q.reply()["id"]], ["blocked-0", "behind"])
        # In band it works as well.
        equal(q.error("migrate-pause").cls, "GenericError")


def out_of_band_while_another_hangs():
    with Vmm(monitors=2, caps=["oob"]) as vm:
        one, two = vm.clients
        fifo = vm.path("fifo")
        os.mkfifo(fifo)
        one.send(block_request(fifo))
        two.send({"exec-oob": "migrate-pause", "id": 1})
        equal(two.reply()["id"], 1)
        open_fifo(fifo)
        equal(one.reply()["id"], "blocked-0")


def out_of_band_refused():
    unexpected = generic("QMP input member 'exec-oob' is unexpected")
    with Vmm() as vm:
        for command in ("migrate-pause", "query-version", "nope"):
            equal(vm.qmp.ask({"exec-oob": command})["error"], unexpected)
    with Vmm(caps=["oob"]) as vm:
        q = vm.qmp
        equal(q.ask({"exec-oob": "query-version", "id": 3}),
              {"error": generic("The command query-version does not support OOB"), "id": 3})
        equal(q.ask({"exec-oob": "nope"})["error"]["class"], "CommandNotFound")
        equal(q.ask({"exec-oob": 1})["error"],
              generic("QMP input member 'exec-oob' must be a string"))
        equal(q.ask({"exec-oob": "migrate-pause", "arguments": {"x": 1}})["error"],
              generic("Parameter 'x' is unexpected"))
        both = q.ask({"execute": "query-version", "exec-oob": "migrate-pause"})["error"]["desc"]
        true("clashes" in both, both)


# --- transports --------------------------------------------------------------------------------

def socket_server():
    with Vmm("-chardev", "socket,id=s,path={dir}/s,server=on,wait=off",
             "-mon", "chardev=s,mode=control", monitors=0, qtest=False) as vm:
        vm.connect("s").greet().close()
        q = vm.connect("s").greet()
        equal(q.command("query-name"), {})
        vm.signal(signal.SIGTERM)
        equal(vm.wait(), 0)
        true(not os.path.exists(vm.path("s")), "the socket's file is left behind")


def socket_wait():
    """server,wait: nothing is built before the client is there; it may be the one to end it."""
    with Vmm("-qmp", "unix:{dir}/s,server=on,wait=on", monitors=0, qtest=False, caps=None) as vm:
        q = vm.connect("s").greet()
        q.command("quit")
        equal(vm.wait(), 0)


def tcp():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with Vmm("-qmp", f"tcp:127.0.0.1:{port}", monitors=0, qtest=False) as vm:
        wait_for(listener, "connection")
        q = Qmp(listener.accept()[0]).greet()
        equal(q.command("query-name"), {})
        q.command("quit")
        equal(vm.wait(), 0)
    listener.close()


def reconnect():
    """A client of ours, as libvirt's tests have it: it comes again after each end."""
    listener = socket.socket(socket.AF_UNIX)
    with Vmm() as outer:  # for a directory that is cleaned up
        path = outer.path("listen")
        listener.bind(path)
        listener.listen(1)
        with Vmm("-chardev", f"socket,id=s,path={path},reconnect=1",
                 "-mon", "chardev=s,mode=control", monitors=0, qtest=False) as vm:
            for _ in range(2):
                wait_for(listener, "connection")
                q = Qmp(listener.accept()[0]).greet()
                equal(q.command("query-name"), {})
                q.close()
            wait_for(listener, "connection")
            q = Qmp(listener.accept()[0]).greet()
            q.command("quit")
            equal(vm.wait(), 0)
    listener.close()


def listening_descriptor():
    with Vmm() as outer:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(outer.path("l"))
        listener.listen(1)
        with Vmm("-chardev", "socket,id=s,fd={0},server=on,wait=off",
                 "-mon", "chardev=s,mode=control", monitors=0, qtest=False, fds=[listener]):
            for _ in range(3):
                q = outer.connect("l").greet()
                equal(q.command("query-name"), {})
                q.close()
        listener.close()


# --- the end -----------------------------------------------------------------------------------

def quit_with_a_reply():
    """The reply and the event come before the connection's end; the exit status is 0."""
    with Vmm(monitors=2) as vm:
        equal(vm.qmp.ask({"execute": "quit", "id": "bye"}), {"return": {}, "id": "bye"})
        for q in vm.clients:
            equal(q.event("SHUTDOWN")["data"], {"guest": False, "reason": "host-qmp-quit"})
            try:
                raise AssertionError(f"after SHUTDOWN: {q.message()}")
            except Closed:
                pass
        equal(vm.wait(), 0)


def quit_with_requests_behind_it():
    with Vmm() as vm:
        vm.qmp.send(json.dumps({"execute": "quit"}).encode() + b'{"execute":"query-name"}' * 20)
        equal(vm.qmp.reply(), {"return": {}})
        equal(vm.wait(), 0)


def signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Vmm() as vm:
            vm.signal(number)
            equal(vm.qmp.event("SHUTDOWN")["data"], {"guest": False, "reason": "host-signal"})
            equal(vm.wait(), 0)


def signal_after_quit():
    with Vmm() as vm:
        vm.command("quit")
        vm.signal(signal.SIGTERM)
        equal(vm.wait(), 0)


def end_of_stream_is_no_end():
    with Vmm(monitors=2) as vm:
        vm.clients[0].sock.shutdown(socket.SHUT_RDWR)
        equal(vm.clients[1].command("query-status")["status"], "running")


def half_closed():
    """A client that has said all (nc -N) still hears the rest."""
    with Vmm(monitors=2) as vm:
        q = vm.clients[1]
        q.send({"execute": "query-name", "id": 1})
        equal(q.reply()["id"], 1)
        q.sock.shutdown(socket.SHUT_WR)
        equal(vm.qmp.command("query-name"), {})


def main():
    recoveries = [(f"recovery after {j[:16]!r}", recovery(j)) for j in JUNK]
    run([greeting, greeting_before_the_machine, quit_in_preconfig, negotiation, ids, envelopes,
         one_byte_at_a_time, errors_at_once, requests_act_at_their_last_byte, *recoveries, nesting,
         tokens, long_string, interleaved_clients, interleaved_often, turns, pretty, events_to_whom, backpressure,
         events_without_a_reader, no_reply_of_the_last_client, a_greeting_for_each, out_of_band,
         out_of_band_while_another_hangs, out_of_band_refused, socket_server, socket_wait, tcp,
         reconnect, listening_descriptor, quit_with_a_reply, quit_with_requests_behind_it, signals,
         signal_after_quit, end_of_stream_is_no_end, half_closed])


if __name__ == "__main__":
    main()
