"""The C and C++ files of a source tree, as the checks of this folder read them."""

import os
import re

SUFFIXES = (".c", ".h", ".cc", ".inc")

_NO_CODE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def own_files(root, suffixes=SUFFIXES):
    """Paths of all files with these suffixes, relative to root and sorted; what is built is left out."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", ".git", "node_modules")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names if name.endswith(suffixes)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The text with comments and the contents of strings blanked; every other character keeps its place. A digit
    separator (1'000) is no quote."""
    return _NO_CODE.sub(_blank, re.sub(r"(?<=\d)'(?=\d)", "_", text))


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
