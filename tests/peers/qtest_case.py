# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one program of QEMU's qtest suite against a VMM and judges each of its cases.  Called by
qemu-qtest.

The test program starts the VMM as its child, waits for it on two sockets and reaps it.  Nothing
stands between the two: what became of the VMM is read from /proc and from what the test program
says of it."""
import os
import re
import select
import signal
import subprocess
import tempfile
import time

PASSED, REFUSED, FAILED, ABSENT, HANG, CRASH, NOT_BUILT = (
    "passed", "refused", "failed", "absent", "HANG", "CRASH", "not built")
POLL = 0.1  # seconds
ENDED_ON_REQUEST = (signal.SIGTERM, signal.SIGKILL)  # what the test program itself sends

# Lines of the test program and of its library, among those of the VMM.
OF_HARNESS = re.compile(r"#|ok |not ok |\d+\.\.\d|TAP version|\*\*|ERROR:|Bail out!|\.\./|"
                        r"socket_accept failed|Broken pipe|$")


class Ended(Exception):
    """Why the test program was ended before its time: verdict, reason."""


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return f.read().split()
    except OSError:
        return []


def descendants(pid):
    for child in children(pid):
        yield child
        yield from descendants(child)


def wait_status(pid):
    """Of a process that is dead and that nobody has reaped yet; None if it is not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[49]) if fields[0] == "Z" else None  # proc(5): the third and the 52nd


def dead_ones(pids):
    """{pid: wait status}."""
    found = {pid: wait_status(pid) for pid in pids}
    return {pid: status for pid, status in found.items() if status is not None}


def judge_status(status, when):
    """Of a VMM that ended by itself."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return CRASH, f"the VMM died by signal {number} ({signal.strsignal(number)}) {when}"
    code = os.WEXITSTATUS(status)
    return REFUSED if code else FAILED, f"the VMM ended with status {code} {when}"


class Run:
    """One test program, alone in a folder of its own."""

    def __init__(self, binary, case, vmm, limit):
        self.limit = limit
        self.where = tempfile.TemporaryDirectory(prefix="qtest-")  # short: paths of sockets
        program = os.path.join(self.where.name, "qemu-system-x86_64")  # the suite reads its name
        os.symlink(os.path.realpath(vmm), program)
        os.mkdir(os.path.join(self.where.name, "tests"))  # where pxe-test puts its disk
        self.env = dict(os.environ, QTEST_QEMU_BINARY=program, TMPDIR=self.where.name)
        for name in ("QTEST_LOG", "QTEST_TRACE", "QTEST_STOP"):
            self.env.pop(name, None)
        if qemu_img := find("qemu-img"):
            self.env["QTEST_QEMU_IMG"] = qemu_img
        self.command = ["setpriv", "--pdeathsig", "KILL", binary, "--tap", "-k",
                        *(["-p", case] if case else [])]

    def awaited(self):
        """The last children of those that wait for a VMM: libqtest makes two sockets, named after
        the process that it is in, and removes them when the VMM has come to both."""
        for name in os.listdir(self.where.name):
            if m := re.fullmatch(r"qtest-(\d+)\.(?:sock|qmp)", name):
                yield from children(m.group(1))[-1:]

    def watch(self, pid):
        """Until the test program ends.  It would wait 50 s for a VMM that is dead."""
        deadline = time.monotonic() + self.limit
        before = set()
        end = os.pidfd_open(pid)
        try:
            while not select.select([end], [], [], POLL)[0]:
                dead = dead_ones(self.awaited())
                for child in before & dead.keys():
                    raise Ended(*judge_status(dead[child], "before it had come to both sockets"))
                before = set(dead)
                if time.monotonic() > deadline:
                    why = f"not done after {self.limit:g} s"
                    for status in dead_ones(descendants(pid)).values():
                        raise Ended(*judge_status(status, "and the test was " + why))
                    raise Ended(HANG, why)
        finally:
            os.close(end)

    def run(self):
        """(what it printed, exit status, (verdict, reason) if it was ended)."""
        path = os.path.join(self.where.name, "log")
        ended = None
        with self.where, open(path, "w+", encoding="utf-8", errors="replace") as log:
            p = subprocess.Popen(self.command, cwd=self.where.name, env=self.env, stdout=log,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 start_new_session=True, restore_signals=True)
            try:
                self.watch(p.pid)
            except Ended as e:
                ended = e.args
            finally:
                try:
                    os.killpg(p.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                p.wait()
            log.seek(0)
            return log.read(), p.returncode, ended


def find(program):
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder, program)
        if os.access(path, os.X_OK):
            return path
    return None


def vmm_said(text):
    """The first line that is not the harness's."""
    for line in text.splitlines():
        if not OF_HARNESS.match(line):
            return line
    return ""


def judge_end(text, returncode):
    """Of cases that the test program did not report as passed: why it ended without."""
    died = re.search(r"detected QEMU death from signal (\d+) \((.*?)\)", text)
    if died and int(died.group(1)) not in ENDED_ON_REQUEST:
        return CRASH, f"the VMM died by signal {died.group(1)} ({died.group(2)})"
    if "socket_accept failed" in text:
        return HANG, "the VMM came not to both sockets in 50 s"
    if returncode == 0:
        return ABSENT, "the program offers no such case with this VMM"
    status = re.search(r"encountered exit status (\d+) \(expected (\d+)\)", text)
    if status and status.group(1) != "0":
        return REFUSED, f"the VMM ended with status {status.group(1)}"
    error = re.search(r"^(?:\*\*\n)?((?:.*:)?ERROR:.*|.*[Aa]ssertion .*failed.*)$", text, re.M)
    return FAILED, error.group(1) if error else died.group(0) if died else "see its log"


def judge(cases, text, returncode, ended):
    """{case: (verdict, reason)}."""
    told = dict(re.findall(r"^ok \d+ (\S+)(.*)$", text, re.M))
    if returncode and all(c in told for c in cases):
        told.pop(cases[-1])  # it came to grief on its way out
    fault, said = ended or judge_end(text, returncode), vmm_said(text)
    verdicts = {}
    for case in cases:
        if case not in told:
            verdicts[case] = fault[0], fault[1] + (f"; {said}" if said else "")
        elif "# SKIP" in told[case]:
            verdicts[case] = ABSENT, "skipped:" + told[case].partition("SKIP")[2]
        else:
            verdicts[case] = PASSED, ""
    return verdicts


def run_cases(binary, cases, vmm, limit):
    """One case, or all of a program whose cases depend on each other: ({case: (verdict, reason)},
    what it printed)."""
    alone = cases[0] if len(cases) == 1 else None
    text, returncode, ended = Run(binary, alone, vmm, limit).run()
    return judge(cases, text, returncode, ended), text
