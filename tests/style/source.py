# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the tree: lists files, takes C apart just far enough to find functions and includes."""

import os
import re

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def files(*suffixes):
    """Paths below TOP, sorted; without build folders and what begins with a dot."""
    found = []
    for folder, folders, names in os.walk(TOP):
        folders[:] = [d for d in folders if not d.startswith((".", "build", "__pycache__"))]
        found += [os.path.relpath(os.path.join(folder, n), TOP) for n in names
                  if not suffixes or n.endswith(suffixes)]
    return sorted(found)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(r'/\*.*?\*/|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare(text):
    """text without comments, string contents and directives; every line stays where it is."""
    def blank(match):
        lines = "\n" * match.group().count("\n")
        return '""' if match.group()[0] == '"' else "0" if match.group()[0] == "'" else " " + lines
    text = TOKEN.sub(blank, text)
    directive = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
    return directive.sub(lambda m: "\n" * m.group().count("\n"), text)


def functions(text):
    """(name, first line, last line) of each function definition; lines count from 1.

    A chunk at depth 0 that ends in a brace is a function if the brace follows a parameter list."""
    text = bare(text)
    head_at, depth, start = 0, 0, None
    for match in re.finditer(r"[{};]", text):
        at, char = match.start(), match.group()
        if char == "{":
            if depth == 0:
                head = text[head_at:at]
                named = re.match(r"[^=()]*?(\w+)\s*\(", head)
                is_function = named and head.rstrip().endswith(")") and "=" not in head
                start = (named.group(1), head_at + len(head) - len(head.lstrip())) \
                    if is_function else None
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                if start:
                    yield start[0], line_of(text, start[1]), line_of(text, at)
                    start = None
                head_at = at + 1
        elif depth == 0:
            head_at = at + 1


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line, path) of each #include "path"."""
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', text, re.M):
        yield line_of(text, match.start()), match.group(1)
