# SPDX-License-Identifier: GPL-2.0-or-later
"""One VMM process with a flat guest: its console (debugcon on a pipe), its monitor (a socket),
its end.

Nothing here sleeps to be in step: every wait is for text, for the monitor's prompt or for the end
of the process, and gives up after PATIENCE seconds.
"""
import os
import select
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = int(os.environ.get("PATIENCE", "60"))
PROMPT = b"(sluice) "


class Stuck(Exception):
    pass


class Vm:
    """args: further words of the command line; append: the guest's own arguments."""

    def __init__(self, vmm, image, *args, accel="kvm", append="", memory="64", monitor=False,
                 exit_device=True):
        self.dir = tempfile.TemporaryDirectory(prefix="sluice-kvm-")
        self.errors = open(os.path.join(self.dir.name, "stderr"), "w+b")
        self.out = b""
        self.mon = None
        self.status = None
        cmd = [vmm, "-M", "q35", "-accel", accel, "-m", memory, "-nodefaults", "-display", "none",
               "-debugcon", "stdio", "-kernel", image]
        if append:
            cmd += ["-append", append]
        if exit_device:
            cmd += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        path = os.path.join(self.dir.name, "monitor")
        if monitor:
            cmd += ["-monitor", f"unix:{path},server=on,wait=off"]
        self.proc = subprocess.Popen(cmd + list(args), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=self.errors)
        os.set_blocking(self.proc.stdout.fileno(), False)
        if monitor:
            self.mon = self.connect(path)
            self.prompt()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()
        self.errors.close()
        if self.mon:
            self.mon.close()
        self.dir.cleanup()

    # --- console -------------------------------------------------------------------------------

    def take(self, seconds):
        """Read what the guest printed, waiting at most that long for it; False at the end of it."""
        if not select.select([self.proc.stdout], [], [], seconds)[0]:
            return True
        data = os.read(self.proc.stdout.fileno(), 65536)
        self.out += data
        return bool(data)

    def expect(self, text, start=0):
        """Wait until the guest has printed text after that many bytes; the place after it."""
        end = time.monotonic() + PATIENCE
        while text.encode() not in self.out[start:]:
            if not self.take(0.5) or time.monotonic() > end:
                raise Stuck(f"no '{text}' from the guest; it said {self.out[-200:]!r}, "
                            f"stderr {self.stderr()[-300:]!r}")
        return self.out.index(text.encode(), start) + len(text)

    def drain(self):
        """What is there now; the length of all output."""
        while select.select([self.proc.stdout], [], [], 0)[0] and self.take(0):
            pass
        return len(self.out)

    # --- monitor -------------------------------------------------------------------------------

    def connect(self, path):
        end = time.monotonic() + PATIENCE
        while True:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(PATIENCE)
            try:
                s.connect(path)
                return s
            except OSError:
                s.close()
            if self.proc.poll() is not None or time.monotonic() > end:
                raise Stuck(f"no monitor: {self.stderr()!r}")
            time.sleep(0.005)

    def prompt(self):
        data = b""
        while not data.endswith(PROMPT):
            got = self.mon.recv(4096)
            if not got:
                raise Stuck(f"the monitor closed after {data!r}")
            data += got
        return data.decode(errors="replace")

    def command(self, line):
        """Run a monitor command, wait until it is done; its answer without echo and prompt."""
        self.mon.sendall(line.encode() + b"\n")
        text = self.prompt().replace("\r", "")
        return text[text.find("\n") + 1:text.rfind("(sluice)")].strip()

    def state(self):
        return self.command("info status")

    def quit(self):
        self.mon.sendall(b"quit\n")

    # --- end -----------------------------------------------------------------------------------

    def terminate(self):
        self.proc.send_signal(signal.SIGTERM)

    def alive(self):
        return self.proc.poll() is None

    def finish(self):
        """Wait for the end of the process; its exit status."""
        end = time.monotonic() + PATIENCE
        while self.take(0.5):
            if time.monotonic() > end:
                raise Stuck(f"the VMM does not end; the guest said {self.out[-300:]!r}, "
                            f"stderr {self.stderr()[-300:]!r}")
        try:
            self.status = self.proc.wait(max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Stuck("the VMM closed its output but does not end") from None
        return self.status

    def stderr(self):
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def text(self):
        return self.out.decode(errors="replace")
