#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""raw.py SLUICE: the qtest protocol with nothing but a socket, as docs/testing.md shows it; TAP."""

import socket
import subprocess
import sys

ours, theirs = socket.socketpair()
vmm = subprocess.Popen([sys.argv[1], "-M", "q35", "-nodefaults", "-accel", "qtest",
                        "-chardev", f"socket,id=q,fd={theirs.fileno()}", "-qtest", "chardev:q",
                        "-qtest-log", "none", "-device", "vfio-pci,host=01:00.0,addr=04.0",
                        "-host-device", "edu,addr=0000:01:00.0,driver=vfio-pci"],
                       pass_fds=[theirs.fileno()])
theirs.close()
replies = ours.makefile()


def ask(request):
    ours.sendall(request.encode() + b"\n")
    return replies.readline().strip()


ask("outl 0xcf8 0x80002000")             # slot 4, register 0: who is there?
found = ask("inl 0xcfc")
ask("outl 0xcf8 0x80002010")             # BAR 0: to 0xe0000000
ask("outl 0xcfc 0xe0000000")
ask("outl 0xcf8 0x80002004")             # COMMAND: memory and bus mastering
ask("outw 0xcfc 6")
ask("writel 0xe0000008 6")               # the factorial of 6: done when the reply is there
result = ask("readl 0xe0000008")
vmm.terminate()
ok = found == "OK 0x11e81234" and int(result.split()[1], 0) == 720 and vmm.wait() == 0
print(f"1..1\n{'ok' if ok else 'not ok'} 1 - raw protocol: {found}, {result}")
