#!/usr/bin/env python3
"""Runs the benchmarks side by side with their peers; prints a table and writes it, with all details, as JSON.

Needs the built programs, nginx and Python's standard library. Ends in any case; exit status 1 if a row couldn't be
measured (a row that misses its target is a result, not a failure). bench/README.md explains the rows.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

from rows import Bench, row
from servers import BenchError, Load


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cores": len(os.sched_getaffinity(0)), "model": model, "kernel": platform.release(),
            "load_average": os.getloadavg()[0]}


def version(program):
    result = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    return result.stdout.strip()


class Bystanders:
    """How many cores everything else on the machine used since this was made: what makes figures worth little."""

    def __init__(self):
        self.begun = time.monotonic(), self.foreign_seconds()

    @staticmethod
    def foreign_seconds():
        with open("/proc/stat", encoding="ascii") as stat:
            user, nice, system, _, _, interrupts, soft_interrupts, steal = map(int, stat.readline().split()[1:9])
        busy = (user + nice + system + interrupts + soft_interrupts + steal) / os.sysconf("SC_CLK_TCK")
        return busy - sum(os.times()[:4])

    def cores(self):
        """Only right when no child is running: those count from their end on."""
        begun, foreign = self.begun
        return max(0.0, (self.foreign_seconds() - foreign) / (time.monotonic() - begun))


def measure(bench, only):
    groups = {"small": bench.small_requests, "large": bench.large_requests, "threads": bench.cycling_threads,
              "overload": bench.overload}
    rows, complete = [], True
    for name, group in groups.items():
        if only and name not in only:
            continue
        try:
            for entry in group():
                rows.append(entry)
        except (BenchError, OSError, KeyError) as failure:
            rows.append(row(f"{name} requests", f"not measured: {failure!r}", "", 0, None))
            complete = False
    return rows, complete


def print_table(rows):
    cells = [("what", "measured", "target", "reached")]
    cells += [(entry["what"], entry["measured"], entry["target"],
               {True: "yes", False: "NO", None: "–"}[entry["reached"]]) for entry in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    cells.insert(1, tuple("-" * width for width in widths))
    print()
    for line in cells:
        print("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="the forkjoin program")
    parser.add_argument("--load", required=True, help="the fj-load program")
    parser.add_argument("--constant", required=True, help="the constant-server program")
    parser.add_argument("--json", help="write the result to this file")
    parser.add_argument("--quick", action="store_true", help="shorter runs, under a minute: a rough idea only")
    parser.add_argument("--only", action="append", choices=("small", "large", "threads", "overload"),
                        help="measure this group of rows only; may be repeated")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    begun, bystanders = time.monotonic(), Bystanders()
    result = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "machine": machine(), "version": version(arguments.server), "quick": arguments.quick}
    print(f"{result['version']} on {result['machine']['cores']} cores, {result['machine']['model']}")
    with tempfile.TemporaryDirectory(prefix="forkjoin-bench-") as folder:
        bench = Bench(arguments, folder, Load(arguments.load, folder), arguments.quick)
        result["rows"], complete = measure(bench, arguments.only)
    result["seconds"] = round(time.monotonic() - begun, 1)
    result["bystander_cores"] = round(bystanders.cores(), 2)
    print_table(result["rows"])
    missed = sum(entry["reached"] is False for entry in result["rows"])
    print(f"\n{missed} targets missed, {result['seconds']} s; everything else on the machine used "
          f"{result['bystander_cores']:.2f} cores meanwhile")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
