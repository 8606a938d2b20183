#!/usr/bin/python3 -B
"""Checks that what is to be run can be run as it is written, and prints what can't; exit 1 if anything can't.

  mode           a file that begins with #! is executable, and no other is
  command        what a Markdown file shows as a command of this tree (in a block, or with arguments) is executable
  placeholder    Python text that names a value in braces is an f-string, all of it

Usage: scripts.py <source tree>
"""

import ast
import os
import re
import sys

PLACEHOLDER = re.compile(r"\{[A-Za-z_][\w.]*(:[^{}\s]*)?\}")


def own_files(root):
    """Paths of all files, relative to root and sorted; what is built is left out."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", ".git", "node_modules")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in found if os.path.isfile(os.path.join(root, path)))


def is_executable(root, path):
    try:
        return os.stat(os.path.join(root, path)).st_mode & 0o111 == 0o111
    except OSError:
        return False


def mode(root, path):
    with open(os.path.join(root, path), "rb") as file:
        begins = file.read(2) == b"#!"
    if begins != is_executable(root, path):
        yield 1, "begins with #!, but isn't executable" if begins else "is executable, but doesn't begin with #!"


def shown_commands(text):
    """(line number, command) of each line in a block of commands, and of each command with arguments in a sentence."""
    fence = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            fence = line[3:] if fence is None else None
        elif fence in ("sh", "console"):
            if fence == "sh" or line.startswith("$ "):
                yield number, line.removeprefix("$ ")
        elif fence is None and line.startswith("    "):
            yield number, line.strip()
        elif fence is None:
            yield from ((number, command) for command in re.findall(r"`([^` ]+ [^`]+)`", line))


def commands(root, text):
    for number, line in shown_commands(text):
        shown = line.split(" ")[0]
        command = shown.removeprefix("./")
        if "/" not in shown.strip("/") or shown.startswith("/") or not re.fullmatch(r"[\w./-]+", command) or command.startswith("build/"):
            continue
        top = command.split("/")[0]
        if os.path.exists(os.path.join(root, top)) and not is_executable(root, command):
            yield number, f"{shown} is shown as a command, but isn't executable"


def placeholders(text):
    """In the plain parts of what Python joins with f-strings; where there are doubled braces nothing can be told."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.JoinedStr) or "{{" in ast.get_source_segment(text, node):
            continue
        for part in node.values:
            found = isinstance(part, ast.Constant) and PLACEHOLDER.search(part.value)
            if found:
                yield part.lineno, f"{found.group()} is left as it is: the f is missing"


def offences(root, path):
    yield from mode(root, path)
    if not path.endswith((".md", ".py")):
        return
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    yield from commands(root, text) if path.endswith(".md") else placeholders(text)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: scripts.py <source tree>")
    found = False
    for path in own_files(sys.argv[1]):
        for line, what in offences(sys.argv[1], path):
            print(f"{path}:{line}: {what}")
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
