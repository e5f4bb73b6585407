# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py CHECK [ARG...]: one group of style checks as TAP. The groups are the functions in
CHECKS below, the limits and the exceptions are in rules.py. Run by meson, suite "style"."""

import os
import re
import shutil
import subprocess
import sys

import rules
import source

count = 0


def result(what, faults):
    """One test, passed if the list of faults is empty."""
    global count
    count += 1
    print("%sok %d - %s" % ("not " if faults else "", count, what))
    for fault in faults:
        print("# %s" % fault)


def skip(what, reason):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, what, reason))


def c_files():
    """Ours; the recorder is built against QEMU and runs in the nested host."""
    return [p for p in source.files(".c", ".h") if not p.startswith(rules.FOREIGN)]


def modules():
    """The sources of the program, without the tests."""
    return [p for p in source.files(".c") if not p.startswith("tests/")]


def unused(table, seen):
    """An exception for something that is gone would hide the next one of that name."""
    return ["rules.py: exception for %s, which is not needed" % e for e in table if e not in seen]


# ---- format

def columns(line):
    """The width of a line without its strings, for messages that users search for are never broken,
    and without the backslash that clang-format puts at the end of a macro's line."""
    line = re.sub(r"\s*\\$", "", line)
    return len(re.sub(r'"(?:\\.|[^"\\])*"', '""', line).expandtabs(8))


def layout():
    if shutil.which("clang-format"):
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", *c_files()], cwd=source.TOP,
                             stderr=subprocess.PIPE, universal_newlines=True, check=False)
        result("clang-format would change nothing",
               [line for line in run.stderr.splitlines() if ": error:" in line])
    else:
        skip("clang-format would change nothing", "clang-format is not installed")
    result("no line is longer than %d columns" % rules.MAX_COLUMNS,
           ["%s:%d: %d columns" % (path, n, columns(line)) for path in c_files()
            for n, line in enumerate(source.read(path).splitlines(), 1)
            if columns(line) > rules.MAX_COLUMNS])
    result("no space ends a line, a newline ends each file",
           ["%s:%d" % (path, source.line_of(text, m.start())) for path in text_files()
            for text in [source.read(path)] for m in re.finditer(r"[ \t]+$|[^\n]\Z", text, re.M)
            if m.group().isspace() or m.end() == len(text)])


# ---- layers

def row_of(path):
    """(row, room) of a file in rules.LAYERS; None if it is nowhere."""
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        prefix = "/".join(parts[:length])
        for row, rooms in enumerate(rules.LAYERS):
            if prefix in rooms:
                return row, os.path.dirname(path)
    return None


def include_fault(path, target, generated):
    if target in rules.GENERATED:
        generated.add(target)
        return None
    folder = os.path.dirname(path)
    while folder.startswith("tests/"): # tests may speak of their helpers by a shorter name
        if os.path.exists(os.path.join(source.TOP, folder, target)):
            return None
        folder = os.path.dirname(folder)
    if not os.path.exists(os.path.join(source.TOP, target)):
        return "no such file from the top folder"
    here, there = row_of(path), row_of(target)
    if not there:
        return "its room is on no row of rules.LAYERS"
    if here[1] != there[1] and here[0] <= there[0] and not path.startswith("tests/"):
        return "upwards or sideways: %s is not above %s" % (here[1], there[1])
    return None


def layers():
    homeless = [path for path in c_files() if not row_of(path)]
    result("every file belongs to a layer", homeless)
    faults, generated = [], set()
    for path in set(c_files()) - set(homeless):
        for line, target in source.includes(source.read(path)):
            fault = include_fault(path, target, generated)
            if fault:
                faults.append('%s:%d: "%s": %s' % (path, line, target, fault))
    result("includes point downwards", sorted(faults) + unused(rules.GENERATED, generated))


# ---- shape

def percentile(sizes, share):
    return sizes[min(len(sizes) - 1, int(len(sizes) * share))] if sizes else 0


def shape():
    sizes, long, seen = [], [], set()
    for path in c_files():
        for name, first, last in source.functions(source.read(path)):
            lines = last - first + 1
            if not path.startswith("tests/"):
                sizes.append(lines)
            if lines > rules.MAX_FUNCTION_LINES:
                seen.add("%s:%s" % (path, name))
                if "%s:%s" % (path, name) not in rules.LONG_FUNCTIONS:
                    long.append("%s:%d: %s() has %d lines" % (path, first, name, lines))
    sizes.sort()
    p95 = percentile(sizes, 0.95)
    print("# %d functions outside tests; lines: median %d, 95th percentile %d, longest %d" %
          (len(sizes), percentile(sizes, 0.5), p95, sizes[-1] if sizes else 0))
    result("no function has more than %d lines" % rules.MAX_FUNCTION_LINES,
           long + unused(rules.LONG_FUNCTIONS, seen))
    result("95 of 100 functions have fewer than %d lines" % rules.MAX_P95_LINES,
           [] if p95 < rules.MAX_P95_LINES else ["the 95th percentile is %d lines" % p95])
    lengths = [(path, len(source.read(path).splitlines())) for path in c_files()]
    result("no file has more than %d lines" % rules.MAX_FILE_LINES,
           ["%s: %d lines" % item for item in lengths if item[1] > rules.MAX_FILE_LINES])


# ---- state

WRITABLE = re.compile(r"^\S+ .{6}O \.(?:t?data|t?bss)\b(?!\.rel\.ro)\S*\s+\S+\s+(?:\.hidden )?(\S+)$")


def objdump(option, binaries):
    run = subprocess.run(["objdump", option, *binaries], stdout=subprocess.PIPE, check=True,
                         universal_newlines=True)
    name = ""
    for line in run.stdout.splitlines():
        if ": " in line and "file format" in line:
            name = line.split(": ")[0].rsplit("/", 1)[-1]
        yield name, line


def state(*binaries):
    """BINARY...: the objects of the program, as built; the compiler knows best what can be written.
    No argument: this build cannot tell (sanitizers add state of their own)."""
    what = ("no object that outlives a call can be written", "nothing runs before main()")
    if not binaries or not shutil.which("objdump"):
        for each in what:
            skip(each, "built with sanitizers" if not binaries else "objdump is not installed")
        return
    faults, seen = [], set()
    for name, line in objdump("-t", binaries):
        match = WRITABLE.match(line)
        if match:
            symbol = re.sub(r"\.\d+$", "", match.group(1))
            seen.add(symbol)
            if symbol not in rules.MUTABLE:
                faults.append("%s: %s" % (name, symbol))
    result(what[0], faults + unused(rules.MUTABLE, seen))
    result(what[1], ["%s: %s" % (name, line.split()[1]) for name, line in objdump("-h", binaries)
                     if re.search(r" \.(init_array|ctors|preinit_array)", line)])


# ---- headers

def opening_fault(path, text):
    want = "/* SPDX-License-Identifier: GPL-2.0-or-later */" if path.endswith(".h") else \
        "// SPDX-License-Identifier: GPL-2.0-or-later"
    lines = text.splitlines() + ["", ""]
    if lines[0] != want:
        return "%s:1: is not '%s'" % (path, want)
    if not lines[1].startswith(("/*", "//")):
        return "%s:2: no comment that says what the file owns, who calls it, what it never does" \
            % path
    return None


def guard_fault(path, text):
    name = re.sub(r"\W", "_", path).upper()
    if path.startswith("tests/"): # a shorter one will do
        name = (re.findall(r"^#ifndef (\w+_H)$", text, re.M) + [name])[0]
    if not re.search(r"^#ifndef %s\n#define %s\n" % (name, name), text, re.M) or \
            not text.rstrip().endswith("#endif"):
        return "%s: not enclosed in #ifndef %s, #define %s, #endif" % (path, name, name)
    return None


def headers():
    texts = {path: source.read(path) for path in c_files()}
    result("every file opens with its licence and its purpose",
           list(filter(None, (opening_fault(*item) for item in texts.items()))))
    result("every header has its include guard",
           list(filter(None, (guard_fault(*item) for item in texts.items()
                              if item[0].endswith(".h")))))


# ---- words

TEXT = (".c", ".h", ".S", ".asl", ".ld", ".py", ".md", ".sh", ".build", ".1")


def text_files():
    scripts = []
    for path in source.files():
        suffix = os.path.splitext(path)[1]
        if suffix in TEXT:
            scripts.append(path)
        elif not suffix:
            with open(os.path.join(source.TOP, path), "rb") as f:
                if f.read(2) == b"#!" or os.path.basename(path) == "Makefile":
                    scripts.append(path)
    return scripts


def grep(pattern, paths):
    return ["%s:%d: %s" % (path, source.line_of(text, m.start()), m.group()) for path in paths
            for text in [source.read(path)] for m in re.finditer(pattern, text)]


def words():
    result("nothing is left for later (%s)" % ", ".join(w.lower() for w in rules.FORBIDDEN),
           grep(r"\b(?:%s)\b" % "|".join(rules.FORBIDDEN), text_files()))
    result("no constructor or section tricks: start-up can be read in one file",
           grep(r"__attribute__\s*\(\(\s*(?:constructor|destructor|section)\b", c_files()))


# ---- docs

def expand(path):
    """hw/irq/irqfd.[ch] is two paths, hw/vfio/be_*.c any number, vm/vm.c:vm_new one."""
    path = re.sub(r":.*", "", path).rstrip("/")
    match = re.search(r"\[(\w+)\]", path)
    return [path[:match.start()] + c + path[match.end():] for c in match.group(1)] \
        if match else [path]


def path_like(word):
    """Is this word in backticks a path in this tree? Absolute ones and those of a build are not."""
    if re.search(r"[^\w./\[\]:*-]", word) or word.startswith(("/", "build", "-", ".")):
        return False
    rooms = {row.split("/")[0] for rows in rules.LAYERS for row in rows} | {"docs", "scripts"}
    return word.split("/")[0] in rooms and "/" in word or \
        re.fullmatch(r"[\w.-]+\.(?:[ch]|\[ch\]|md|asl)(?::\w+)?", word) is not None


def dangling(path, known):
    base_names = {os.path.basename(k) for k in known}
    for m in re.finditer(r"`([^`\n]+)`", re.sub(r"^```.*?^```", lambda m: "\n" * m.group().count(
            "\n"), source.read(path), flags=re.M | re.S)):
        for word in expand(m.group(1)) if path_like(m.group(1)) else ():
            pattern = re.compile(re.escape(word).replace(r"\*", "[^/]*") + "(?:/|$)")
            if not (any(pattern.match(k) for k in known) or
                    "/" not in word and word in base_names):
                yield "%s:%d: `%s` is not there" % (
                    path, source.line_of(source.read(path), m.start()), word)


def links(path, known):
    folder = os.path.dirname(path)
    for m in re.finditer(r"\]\(([^)#:]+)(?:#[^)]*)?\)", source.read(path)):
        target = os.path.normpath(os.path.join(folder, m.group(1)))
        if target not in known and not os.path.isdir(os.path.join(source.TOP, target)):
            yield "%s: link to %s, which is not there" % (path, m.group(1))


def options(program):
    """The manual page against "sluice -h"."""
    told = subprocess.run([program, "-h"], stdout=subprocess.PIPE, universal_newlines=True,
                          check=True).stdout
    known = set(re.findall(r"^  -([\w-]+)", told, re.M))
    written = set()
    for line in source.read("docs/sluice.1").replace("\\-", "-").splitlines():
        if re.match(r"\.(?:B|BR|BI|OP) -", line):
            written.add(re.match(r"\.\w+ -([\w-]+)", line).group(1))
    return ["-%s is not in docs/sluice.1" % o for o in sorted(known - written)] + \
        ["-%s is in docs/sluice.1 but is no option" % o for o in sorted(written - known)]


def quotes():
    """What is shown is what is run."""
    for page, programs in rules.QUOTED.items():
        blocks = re.findall(r"^```\w+\n(.*?)^```$", source.read(page), re.M | re.S)
        for program in programs:
            if source.read(program) not in blocks:
                yield "%s: no code block has %s as it is" % (page, program)


def docs(program):
    """PROGRAM: sluice, as built."""
    known = source.files()
    result("every document that is promised is there",
           ["%s is missing" % d for d in rules.DOCS if d not in known])
    pages = [p for p in known if p.endswith(".md")]
    result("every path that a document names is there",
           [f for p in pages for f in (*dangling(p, known), *links(p, known))])
    result("every program that a document shows is the one that is run", list(quotes()))
    if "docs/sluice.1" in known:
        result("the manual page has the program's options, and no other", options(program))


# ---- tests

def test_of(path):
    """The unit test of a source, by its name or its room's and its name; None if there is none."""
    room, name = os.path.split(os.path.splitext(path)[0])
    parts = room.split("/") + [name]
    twins = [m for m in modules() if os.path.basename(m) == name + ".c"]
    for length in range(1 if len(twins) == 1 else 2, len(parts) + 1):
        test = "tests/unit/test_%s.c" % "_".join(parts[-length:])
        if os.path.exists(os.path.join(source.TOP, test)):
            return test
    return None


def tests():
    faults, used = [], set()
    for path in modules():
        other = rules.TESTED_BY.get(path)
        if other and os.path.exists(os.path.join(source.TOP, "tests/unit/test_%s.c" % other)):
            used.add(path)
        elif path in rules.UNTESTED and not test_of(path):
            used.add(path)
        elif not test_of(path):
            faults.append("%s has no tests/unit/test_*.c, see rules.py" % path)
    result("every source has a unit test",
           faults + unused({**rules.TESTED_BY, **rules.UNTESTED}, used))
    listed = source.read("tests/unit/meson.build")
    result("meson runs every unit test",
           [p for p in source.files(".c") if p.startswith("tests/unit/test_")
            if not re.search(r"'(?:test_)?%s(?:\.c)?'" %
                             os.path.basename(p)[len("test_"):-len(".c")], listed)])


CHECKS = {f.__name__: f for f in (layout, layers, shape, state, headers, words, docs, tests)}

if __name__ == "__main__":
    CHECKS[sys.argv[1]](*sys.argv[2:])
    print("1..%d" % count)
