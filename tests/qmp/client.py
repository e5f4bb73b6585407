# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of QMP share: the program under test with its monitors on socket pairs, a QMP
client, a qtest client, TAP.

Nothing here sleeps to be in step: every wait is for bytes or for the end of the process, and gives
up after PATIENCE seconds.  A process that is forgotten dies with its test, or by its alarm.
"""
import argparse
import array
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE = int(os.environ.get("PATIENCE", "60"))
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Stuck(Exception):
    """What was waited for did not come."""


class Closed(Exception):
    """The other side has closed the connection."""


class QmpError(Exception):
    """An error reply."""

    def __init__(self, command, error):
        super().__init__(f"{command}: {error['class']}: {error['desc']}")
        self.cls = error["class"]
        self.desc = error["desc"]


def wait_for(sock, what, patience=PATIENCE):
    if not select.select([sock], [], [], patience)[0]:
        raise Stuck(f"no {what} within {patience} s")


class Line:
    """Lines of bytes from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""
        self.end = 0  # of what was searched

    def fileno(self):
        return self.sock.fileno()

    def ready(self):
        """There is a line that was received already."""
        return b"\n" in self.data

    def read(self, what="line"):
        """The next line with its end."""
        while True:
            at = self.data.find(b"\n", self.end)
            if at >= 0:
                line, self.data, self.end = self.data[:at + 1], self.data[at + 1:], 0
                return line
            self.end = len(self.data)
            wait_for(self.sock, what)
            try:
                got = self.sock.recv(1 << 20)
            except ConnectionResetError:
                got = b""
            if not got:
                raise Closed(f"end of stream instead of a {what}, after {self.data[-200:]!r}")
            self.data += got


class Qmp:
    """One client.  pretty: replies are of several lines, read until they are a JSON value."""

    def __init__(self, sock, pretty=False):
        self.line = Line(sock)
        self.sock = sock
        self.pretty = pretty
        self.text = b""  # of the last message, as it came
        self.events = []  # that came and nobody has asked for
        self.greeting = None

    def fileno(self):
        return self.sock.fileno()

    def greet(self, caps=None):
        self.greeting = self.message()
        self.command("qmp_capabilities", {"enable": caps} if caps else None)
        return self

    def message(self):
        """The next reply, event or greeting."""
        self.text = self.line.read("message")
        while self.pretty and not self.text.endswith(b"\n}\r\n") and self.text != b"{}\r\n":
            self.text += self.line.read("rest of a message")
        return json.loads(self.text)

    def send(self, what):
        self.sock.sendall(what if isinstance(what, bytes) else json.dumps(what).encode())

    def reply(self):
        """The next message that is no event; those are kept."""
        while True:
            m = self.message()
            if "event" not in m:
                return m
            self.events.append(m)

    def ask(self, what):
        self.send(what)
        return self.reply()

    def command(self, name, args=None, oob=False):
        m = {"exec-oob" if oob else "execute": name}
        if args is not None:
            m["arguments"] = args
        reply = self.ask(m)
        if "error" in reply:
            raise QmpError(name, reply["error"])
        return reply["return"]

    def error(self, name, args=None):
        """The command must fail; its error."""
        try:
            got = self.command(name, args)
        except QmpError as e:
            return e
        raise AssertionError(f"{name} {args} did not fail but returned {got!r}")

    def event(self, name):
        """Wait for the next event of this name; those before it are dropped."""
        while True:
            e = self.events.pop(0) if self.events else self.message()
            if e.get("event") == name:
                return e

    def pending(self):
        """All events up to now: what a reply overtook is not there yet, what it follows is."""
        self.command("query-version")
        events, self.events = self.events, []
        return events

    def send_fds(self, what, fds):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self.sock.sendmsg([json.dumps(what).encode()], rights)

    def hmp(self, line):
        return self.command("human-monitor-command", {"command-line": line})

    def close(self):
        self.sock.close()


class Qtest:
    """Ports, memory and the clock of the machine."""

    def __init__(self, sock):
        self.line = Line(sock)

    def ask(self, request):
        self.line.sock.sendall(request.encode() + b"\n")
        while True:
            reply = self.line.read("qtest reply").decode().strip()
            if not reply.startswith("IRQ "):
                break
        if not reply.startswith("OK"):
            raise AssertionError(f"qtest: {request}: {reply}")
        return reply[3:]

    def number(self, request):
        return int(self.ask(request).split()[0], 0)

    def cfg_address(self, bus, slot, fn, reg):
        self.ask(f"outl 0xcf8 {0x80000000 | bus << 16 | slot << 11 | fn << 8 | reg & 0xfc:#x}")
        return 0xcfc + (reg & 3)

    def cfg_read(self, bus, slot, fn, reg, width="l"):
        return self.number(f"in{width} {self.cfg_address(bus, slot, fn, reg):#x}")

    def cfg_write(self, bus, slot, fn, reg, value, width="l"):
        self.ask(f"out{width} {self.cfg_address(bus, slot, fn, reg):#x} {value:#x}")

    def find_cap(self, bus, slot, fn, cap):
        at = self.cfg_read(bus, slot, fn, 0x34, "b")
        while at:
            if self.cfg_read(bus, slot, fn, at, "b") == cap:
                return at
            at = self.cfg_read(bus, slot, fn, at + 1, "b")
        raise AssertionError(f"{bus:02x}:{slot:02x}.{fn} has no capability {cap:#x}")

    def step(self, ns):
        return self.number(f"clock_step {ns}")

    def now(self):
        return self.number("clock_step 0")

    def memory(self, addr, size):
        return bytes.fromhex(self.ask(f"read {addr:#x} {size:#x}")[2:])

    def store(self, addr, data):
        self.ask(f"write {addr:#x} {len(data):#x} 0x{data.hex()}")


def in_child():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(4 * PATIENCE)


class Vmm:
    """A process.  args: more words of its command line; {0}, {1}.. in them are the descriptors
    fds[0], fds[1]..; monitors: of how many QMP clients; caps: what they ask for, None = they do
    not negotiate."""

    def __init__(self, *args, monitors=1, qtest=True, caps=(), base=None, fds=(), pretty=False):
        self.dir = tempfile.TemporaryDirectory(prefix="sluice-qmp-")
        self.errors = open(self.path("stderr"), "w+b")
        self.clients, self.qtest, passed = [], None, list(fds)
        cmd = [OPTIONS.vmm]
        cmd += ["-M", "q35", "-nodefaults", "-accel", "qtest"] if base is None else list(base)
        cmd += ["-display", "none"]
        for i in range(monitors):
            ours, theirs = socket.socketpair()
            passed.append(theirs)
            cmd += ["-chardev", f"socket,id=qmp{i},fd={theirs.fileno()}",
                    "-mon", f"chardev=qmp{i},mode=control" + (",pretty=on" if pretty else "")]
            self.clients.append(Qmp(ours, pretty))
        if qtest:
            ours, theirs = socket.socketpair()
            passed.append(theirs)
            cmd += ["-chardev", f"socket,id=qtest,fd={theirs.fileno()}",
                    "-qtest", "chardev:qtest", "-qtest-log", "none"]
            self.qtest = Qtest(ours)
        numbers = [f.fileno() for f in fds]
        cmd += [a.replace("{dir}", self.dir.name).replace("{0}", str(numbers[0] if fds else 0))
                for a in args]
        # There, so that what it is made to write is cleaned up.
        self.proc = subprocess.Popen(cmd, cwd=self.dir.name, stdin=subprocess.DEVNULL, stdout=self.errors,
                                     stderr=self.errors, preexec_fn=in_child,
                                     pass_fds=[f.fileno() for f in passed])
        for f in passed[len(fds):]:
            f.close()
        if caps is not None:
            for c in self.clients:
                c.greet(list(caps))
        if qtest and caps is not None and "--preconfig" not in args:
            self.qtest.ask("endianness")  # the machine is built

    @property
    def qmp(self):
        return self.clients[0]

    @property
    def pid(self):
        return self.proc.pid

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def command(self, name, args=None):
        return self.qmp.command(name, args)

    def connect(self, name, pretty=False):
        """To a UNIX socket that the process makes: until it is there."""
        end = time.monotonic() + PATIENCE
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.path(name))
                return Qmp(s, pretty)
            except OSError as e:
                s.close()
                if self.proc.poll() is not None or time.monotonic() > end:
                    raise Stuck(f"no socket {name}: {e}, {self.stderr()!r}") from None
                select.select([], [], [], 0.002)

    def wait(self):
        """The exit status."""
        try:
            return self.proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Stuck("the process does not end") from None

    def quit(self):
        self.qmp.command("quit")
        return self.wait()

    def signal(self, number):
        self.proc.send_signal(number)

    def stderr(self):
        self.errors.flush()
        with open(self.path("stderr"), "rb") as f:
            return f.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        alive = self.proc.poll() is None
        if alive:
            self.proc.kill()
        self.proc.wait()
        text = self.stderr()
        if exc[0] and text:
            print("".join(f"# stderr: {line}\n" for line in text.splitlines()[-20:]), end="")
        for c in self.clients:
            c.close()
        if self.qtest:
            self.qtest.line.sock.close()
        self.errors.close()
        self.dir.cleanup()
        if not exc[0] and not alive and self.proc.returncode < 0:
            raise AssertionError(f"died by signal {-self.proc.returncode}: {text[-300:]}")


# --- checks ------------------------------------------------------------------------------------

def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}{': ' if what else ''}got {got!r}, want {want!r}")


def true(cond, what):
    if not cond:
        raise AssertionError(str(what))


class Skip(Exception):
    """The test cannot say anything here, and why."""


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vmm", default=os.path.join(
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        "build", "sluice"), help="sluice, or QEMU with the qtest accelerator")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*", metavar="TEST")
    result = parser.parse_args()
    result.vmm = os.path.abspath(result.vmm)
    return result


def is_sluice():
    return b"sluice" in subprocess.run([OPTIONS.vmm, "-version"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, check=False).stdout


def sanitized():
    """Built with the address sanitizer, which keeps memory that was freed."""
    with open(OPTIONS.vmm, "rb") as f:
        return b"__asan_init" in f.read()


def only_sluice(why):
    if not is_sluice():
        raise Skip(why)


def ours(function):
    """A test of what the reference does not have, or does otherwise."""
    def test():
        only_sluice("sluice's own")
        function()
    test.__name__ = function.__name__
    return test


def run(tests):
    """tests: functions, or (name, function).  Exits."""
    table = [t if isinstance(t, tuple) else (t.__name__.replace("_", " "), t) for t in tests]
    if OPTIONS.list:
        print("\n".join(name for name, _ in table))
        sys.exit(0)
    table = [t for t in table if not OPTIONS.names or t[0] in OPTIONS.names]
    bad = 0
    for n, (name, function) in enumerate(table, 1):
        begin = time.monotonic()
        try:
            function()
            line = f"ok {n} - {name}"
        except Skip as e:
            line = f"ok {n} - {name} # SKIP {e}"
        except Exception as e:  # a test's own fault is a failure, too
            bad += 1
            line = f"not ok {n} - {name}\n# {type(e).__name__}: {str(e)[:2000]!r}"
            if not isinstance(e, AssertionError):
                line += "".join(f"\n# {t}" for t in traceback.format_exc().splitlines())
            else:
                line += f"\n# {traceback.format_tb(e.__traceback__)[1].strip()!r}"
        print(line, f"\n# {time.monotonic() - begin:.2f} s", flush=True)
    print(f"1..{len(table)}")
    sys.exit(bad != 0)


sys.dont_write_bytecode = True
OPTIONS = options()
