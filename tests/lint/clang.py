#!/usr/bin/env python3
"""What clang says of the files of a build that the analyzer, which says it as well, doesn't read: parsed with the build's
own options, but not compiled, since no warning of clang's needs that. Generated files, which may not be there yet, are
left out.

    tests/lint/clang.py build/tsan/compile_commands.json"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys


def parse(entry):
    command = shlex.split(entry["command"])
    del command[command.index("-o"):command.index("-o") + 2]
    return subprocess.run(command + ["-fsyntax-only"], cwd=entry["directory"], stderr=subprocess.PIPE, text=True,
                          check=False)


def main():
    with open(sys.argv[1], encoding="utf-8") as database:
        entries = [entry for entry in json.load(database) if re.search("/(tests|bench)/", entry["file"][len(os.getcwd()):])]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faulty = [run for run in pool.map(parse, entries) if run.returncode != 0]
    for run in faulty:
        sys.stderr.write(run.stderr)
    return 1 if faulty or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
