#!/usr/bin/python3 -B
"""Checks the spelling of C and C++ that neither clang-format nor the compilers look at and prints what breaks the rules;
exit 1 if anything does.

  banned         calls of BANNED functions
  braces         around every body of if, else, for, while, do and switch
  null           !pointer and pointer, not == NULL and != NULL
  static_assert  not _Static_assert
  step           i++ where the value isn't used (in C)
  page           what the page's policy forbids, or would be forbidden if it weren't written so, in web/*.js: strings that
                 become HTML or code, styles in attributes, other hosts; and == where === is meant

Usage: dialect.py <source tree>
"""

import re
import sys

from source_tree import code_of, line_of, own_files, read

BANNED = ("atoi", "atol", "atoll", "atof", "sprintf", "vsprintf", "strcpy", "stpcpy", "strcat", "strtok", "gets", "alloca",
          "__builtin_alloca", "setlocale", "rand", "srand", "system", "popen")

BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
NULL_TEST = re.compile(r"[=!]=\s*(?:NULL|nullptr)\b|\b(?:NULL|nullptr)\s*[=!]=")
STATIC_ASSERT = re.compile(r"\b_Static_assert\b")
CONTROL = re.compile(r"\b(?:(if|for|while|switch)(?:\s+constexpr)?\s*(?=\()|(else|do)\b)")
STEP = r"(?:\+\+|--)[\w.\[\]*()>-]+"
STATEMENT_STEP = re.compile(r"[;{}:]\s*(" + STEP + r")\s*;")
PAGE = re.compile(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|eval|document\.write|new Function|style:)"
                  r"|[\"'`]https?://(?!www\.w3\.org/)[\w.]|(?<![=!])==(?!=)|!=(?!=)|\bvar\s")
CPLUSPLUS = re.compile(r"\bnamespace\b|\bstd::|\btemplate\s*<")


def without_directives(code):
    """The code without preprocessor lines, but with what macros stand for."""
    joined = code.replace("\\\n", " \n")
    lines = joined.split("\n")
    continued = False
    for number, (line, original) in enumerate(zip(lines, code.split("\n"))):
        if not continued and re.match(r"\s*#", line):
            head = re.match(r"\s*#\s*define\s+\w+(?:\([^()]*\))?", line)
            lines[number] = " " * len(head.group()) + line[head.end() :] if head else " " * len(line)
        continued = original.endswith("\\")
    return "\n".join(lines)


def closing(code, start):
    """Offset behind what closes the parenthesis or brace at start."""
    opens, closes = code[start], {"(": ")", "{": "}"}[code[start]]
    depth = 0
    for match in re.compile(f"[{opens}{closes}]").finditer(code, start):
        depth += 1 if match.group() == opens else -1
        if depth == 0:
            return match.end()
    return len(code)


def missing_braces(code):
    ends_of_do = set()
    for match in CONTROL.finditer(code):
        word = match.group(1) or match.group(2)
        end = closing(code, match.end()) if match.group(1) else match.end()
        body = re.compile(r"\s*(?:\[\[\w+\]\]\s*)?(\{|if\b)?").match(code, end)  # [[unlikely]]
        braced = body.group(1) == "{"
        if word == "do" and braced:
            ends_of_do.add(re.compile(r"\s*").match(code, closing(code, body.start(1))).end())
        if not braced and not (word == "else" and body.group(1)) and match.start() not in ends_of_do:
            yield match.start(), f"{word} without braces"


def steps(code):
    for match in STATEMENT_STEP.finditer(code):
        yield match.start(1), match.group(1)
    for match in re.finditer(r"\bfor\s*(?=\()", code):
        end = closing(code, match.end())
        start = code.rfind(";", match.end(), end) + 1
        for part in re.finditer(r"(?:^|,)\s*(" + STEP + r")\s*(?=,|$)", code[start : end - 1]):
            yield start + part.start(1), part.group(1)


def offences(path, text):
    code = without_directives(code_of(text))
    for match in BANNED_CALL.finditer(code):
        yield match.start(), f"{match.group(1)} is banned"
    yield from missing_braces(code)
    for match in NULL_TEST.finditer(code):
        yield match.start(), f"{match.group()}: a pointer is tested as it is, or with !"
    for match in STATIC_ASSERT.finditer(code):
        yield match.start(), "_Static_assert: static_assert of <assert.h>"
    if not path.endswith(".cc") and not CPLUSPLUS.search(code):
        for offset, step in steps(code):
            yield offset, f"{step}: the sign goes behind"


def page_offences(text):
    for match in PAGE.finditer(re.sub(r"/\*.*?\*/", lambda comment: re.sub(r"[^\n]", " ", comment.group()), text, flags=re.DOTALL)):
        yield match.start(), f"{match.group().strip()}: the page does without"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: dialect.py <source tree>")
    found = False
    for path in own_files(sys.argv[1]):
        text = read(sys.argv[1], path)
        for offset, what in sorted(offences(path, text)):
            print(f"{path}:{line_of(text, offset)}: {what}")
            found = True
    for path in own_files(sys.argv[1], (".js",)):
        if path.startswith("web/"):
            text = read(sys.argv[1], path)
            for offset, what in page_offences(text):
                print(f"{path}:{line_of(text, offset)}: {what}")
                found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
