# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetches Debian's source of QEMU and builds the programs of its qtest suite, or the emulator.
Called by qemu-qtest.  Changes nothing in /etc; installs the Debian packages that are missing."""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess

SUITE = "bookworm"  # has the QEMU 7.2 of which the lists of cases speak
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = ("dpkg-dev", "gcc", "libc6-dev", "python3", "meson", "ninja-build", "pkg-config",
            "libglib2.0-dev", "libpixman-1-dev", "zlib1g-dev", "libfdt-dev")
# What single programs want beyond that, to be built or to run.
EXTRA_PACKAGES = {
    "ahci-test": "qemu-utils",  # makes its disks
    "cdrom-test": "genisoimage",  # makes its disks
    "pxe-test": "libslirp-dev",
    "virtio-net-failover": "libslirp-dev",
    "vnc-display-test": "libgvnc-1.0-dev",
}
# The emulator's firmware, and its network.
REFERENCE_PACKAGES = ("libslirp-dev", "seabios", "ipxe-qemu", "qemu-system-data")
# The fewest that both want; VNC and TPM, because one program asks for their commands.
CONFIGURE = ("--target-list=x86_64-softmmu", "--without-default-features", "--disable-docs",
             "--disable-werror", "--disable-debug-info", "--disable-install-blobs",
             "--enable-tools", "--enable-kvm", "--enable-tcg", "--enable-vhost-net",
             "--enable-vhost-user", "--enable-vnc", "--enable-tpm",
             "--firmwarepath=/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu")


class Failed(Exception):
    """Text for the user: what failed, and what to do next."""


def read(path):
    """The text of a file; nothing if it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def as_root(*command):
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [*root, "env", "DEBIAN_FRONTEND=noninteractive", *command]


def have():
    """Names of what is installed, and of what is provided by that."""
    form = "${db:Status-Status} ${Package}, ${Provides}\n"
    said = subprocess.run(["dpkg-query", "-W", "-f", form],
                          capture_output=True, text=True, check=True).stdout
    return {re.sub(r"[ :(].*", "", name.strip()) for line in said.splitlines()
            if line.startswith("installed ") for name in line[len("installed "):].split(",")}


class Build:
    """A folder with the source (source) and what is built of it (build); all of it is kept, so that
    the next run finds it."""

    def __init__(self, where, jobs):
        self.where = os.path.abspath(where)
        self.jobs = str(jobs)
        self.source = os.path.join(self.where, "source")
        self.build = os.path.join(self.where, "build")

    @contextlib.contextmanager
    def lock(self):
        """One run at a time makes things here."""
        os.makedirs(self.where, exist_ok=True)
        with open(os.path.join(self.where, "lock"), "w", encoding="ascii") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield

    def call(self, what, command, cwd=None, log="log"):
        """Runs a step; its output goes to a file and is shown only if it fails."""
        print(f"# {what}", flush=True)
        path = os.path.join(self.where, log)
        with open(path, "w", encoding="utf-8") as f:
            rc = subprocess.run(command, cwd=cwd or self.where, stdin=subprocess.DEVNULL,
                                stdout=f, stderr=subprocess.STDOUT, check=False).returncode
        if rc:
            tail = "\n".join(read(path).splitlines()[-15:])
            raise Failed(f"{what}: '{command[0]}' failed, see {path}:\n{tail}")

    def install(self, packages):
        lack = sorted(set(packages) - have())
        if not lack:
            return
        apt = as_root("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
        self.call("apt-get update", [*apt, "update"], log="apt.log")
        self.call("installing " + " ".join(lack),
                  [*apt, "install", "-y", "--no-install-recommends", *lack], log="apt.log")

    def mirror(self):
        """Where this machine gets Debian from."""
        said = subprocess.run(["apt-get", "indextargets", "--format",
                               "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)",
                               "Created-By: Packages"], capture_output=True, text=True, check=False)
        found = re.findall(r"^Debian main [a-z]+ (http\S+|file\S+)$", said.stdout, re.M)
        return found[0] if found else "http://deb.debian.org/debian"

    def fetch(self):
        """The source, unpacked, with Debian's patches."""
        if os.path.exists(os.path.join(self.source, "configure")):
            return
        apt = os.path.join(self.where, "apt")
        os.makedirs(os.path.join(apt, "state", "lists", "partial"), exist_ok=True)
        os.makedirs(os.path.join(apt, "cache", "archives", "partial"), exist_ok=True)
        with open(os.path.join(apt, "sources.list"), "w", encoding="ascii") as f:
            key = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
            f.write(f"deb-src {key}{self.mirror()} {SUITE} main\n")
        get = ["apt-get", "-q"]
        for name, value in (("Dir::Etc::sourcelist", f"{apt}/sources.list"),
                            ("Dir::Etc::sourceparts", "/dev/null"),
                            ("Dir::State", f"{apt}/state"), ("Dir::Cache", f"{apt}/cache"),
                            ("Dir::State::status", "/var/lib/dpkg/status"),
                            ("APT::Sandbox::User", "")):
            get += ["-o", f"{name}={value}"]
        self.call("reading the list of Debian's sources", [*get, "update"], log="fetch.log")
        self.call("fetching the source of QEMU", [*get, "--download-only", "source", "qemu"],
                  log="fetch.log")
        dsc = sorted(n for n in os.listdir(self.where) if re.fullmatch(r"qemu_7\.2.*\.dsc", n))
        if not dsc:
            raise Failed(f"Debian's {SUITE} has no QEMU 7.2 any more, and the lists are of that.")
        part = self.source + ".part"
        shutil.rmtree(part, ignore_errors=True)
        # Unchecked: apt has compared it with the signed list.
        self.call("unpacking " + dsc[-1], ["dpkg-source", "--no-check", "-x", dsc[-1], part],
                  log="fetch.log")
        os.rename(part, self.source)

    def configure(self, extra):
        """Anew only where the options are others than before or a library came in."""
        stamp = os.path.join(self.where, "configured")
        old = read(stamp).split()
        libs = {*(p for p in extra if p.endswith("-dev")),
                *(w for w in old if not w.startswith("-"))}
        options = [*CONFIGURE, *(["--enable-slirp"] if "libslirp-dev" in libs else [])]
        new = sorted({*options, *libs})
        if old == new and os.path.exists(os.path.join(self.build, "build.ninja")):
            return
        os.makedirs(self.build, exist_ok=True)
        self.call("configuring QEMU", ["nice", os.path.join(self.source, "configure"), *options],
                  cwd=self.build, log="configure.log")
        with open(stamp, "w", encoding="utf-8") as f:
            f.write("\n".join(new) + "\n")

    def make(self, what, *targets):
        self.call("building " + what, ["nice", "ninja", "-j", self.jobs, *targets],
                  cwd=self.build, log="build.log")

    def ready(self, extra):
        """Packages, source, configuration."""
        self.install({*PACKAGES, *extra})
        self.fetch()
        self.configure(extra)

    def suite(self, programs):
        """{name: path} of those programs of the suite that can be built."""
        with self.lock():
            self.ready({EXTRA_PACKAGES[p] for p in programs if p in EXTRA_PACKAGES})
            known = subprocess.run(["ninja", "-C", self.build, "-t", "targets", "all"], text=True,
                                   capture_output=True, check=True).stdout
            targets = [f"tests/qtest/{p}" for p in programs
                       if re.search(rf"^tests/qtest/{re.escape(p)}: ", known, re.M)]
            if targets:
                self.make(f"{len(targets)} programs of the suite", *targets)
        return {os.path.basename(t): os.path.join(self.build, t) for t in targets}

    def reference(self):
        """The emulator of the same source, which has -accel qtest (Debian's own has not)."""
        name = "qemu-system-x86_64"
        with self.lock():
            self.ready(REFERENCE_PACKAGES)
            self.make(name, name)
            # Beside its build folder's qemu-bundle it would look for firmware only there.
            return shutil.copy2(os.path.join(self.build, name), self.where)
