#!/usr/bin/env python3
"""Runs the benchmarks side by side with their peers; prints a table and writes it, with all details, as JSON.

Needs the built programs, the peers and nginx; uses NumPy in-process where it is installed. Ends in any case; exit
status 1 if a row couldn't be measured (a row that misses its target is a result, not a failure). bench/README.md
explains the rows.
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

import contestants
from batches import Batches
from peer_rows import PeerRows
from rows import Bench, unmeasured
from servers import BenchError, require
from sharing import Sharing
from transfers import Transfers

GROUPS = ("small", "calls", "peers", "stream", "decode", "large", "memory", "threads", "teams", "wide", "principals",
          "overload", "batch")
MARKS = "<!-- measured: cmake --build --preset release --target bench-record -->\n", "<!-- end of measured -->\n"


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    nginx = output("nginx", "-v").rpartition("/")[2]
    return {"cores": len(os.sched_getaffinity(0)), "model": model, "kernel": platform.release(), "nginx": nginx,
            "system": platform.freedesktop_os_release()["PRETTY_NAME"], "load_average": os.getloadavg()[0]}


def output(*arguments):
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=10, check=False,
                                env={**os.environ, "PATH": path})
    except OSError:
        return "(none)"
    return (result.stdout + result.stderr).strip()


def version(program):
    return output(program, "--version")


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
    transfers, sharing = Transfers(bench), Sharing(bench)
    groups = dict(zip(GROUPS, (bench.small_requests, sharing.calls, PeerRows(bench).rows, transfers.streams,
                               transfers.number_decode, bench.large_requests, transfers.memory, bench.cycling_threads,
                               sharing.team_sizes, sharing.wide, sharing.principals, bench.overload,
                               Batches(bench).rows)))
    rows = []
    for name, group in groups.items():
        if only and name not in only:
            continue
        try:
            for entry in group():
                rows.append(entry)
        except (BenchError, OSError, KeyError) as failure:
            rows.append(unmeasured(f"{name} requests", "", f"{type(failure).__name__}: {failure}"))
    return rows


def table(rows):
    cells = [("what", "measured", "target", "reached"), ("---",) * 4]
    cells += [(entry["what"], entry["measured"], entry["target"],
               {True: "yes", False: "NO", None: "–"}[entry["reached"]]) for entry in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in cells)


def summary(result):
    machine_ = result["machine"]
    return (f"{result['date'][:10]}, {result['version']}{' (--quick)' if result['quick'] else ''}: "
            f"{machine_['cores']} cores of {machine_['model']}, {machine_['system']}, nginx {machine_['nginx']}, "
            f"{result['seconds']:.0f} s. Everything else on the machine used {result['bystander_cores']:.2f} cores "
            "meanwhile.")


def record(path, result):
    """Replaces what stands between the two marks of the file."""
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise SystemExit(f"{path} lacks the line {MARKS[0]!r} or {MARKS[1]!r}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{summary(result)}\n\n{table(result['rows'])}\n{end}{after}")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "release")
    parser.add_argument("--build", default=os.path.normpath(default), help="the build's folder (build/release)")
    parser.add_argument("--json", help="write the result to this file")
    parser.add_argument("--record", metavar="FILE", help="replace the table in this file, between its marks")
    parser.add_argument("--quick", action="store_true", help="shorter runs, under two minutes: a rough idea only")
    parser.add_argument("--only", action="append", choices=GROUPS,
                        help="measure this group of rows only; may be repeated")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    require(*(os.path.join(arguments.build, name) for name in ("forkjoin", "bench/fj-load")))
    begun, bystanders = time.monotonic(), Bystanders()
    result = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "machine": machine(), "version": version(os.path.join(arguments.build, "forkjoin")),
              "quick": arguments.quick, "peers": contestants.described(arguments.build)}
    print(f"{result['version']} on {result['machine']['cores']} cores, {result['machine']['model']}")
    with tempfile.TemporaryDirectory(prefix="forkjoin-bench-") as folder:
        bench = Bench(arguments.build, folder, arguments.quick)
        result["rows"] = measure(bench, arguments.only)
    result["seconds"] = round(time.monotonic() - begun, 1)
    result["bystander_cores"] = round(bystanders.cores(), 2)
    print(f"\n{table(result['rows'])}")
    missed = sum(entry["reached"] is False for entry in result["rows"])
    lacking = sum("failed" in entry for entry in result["rows"])
    print(f"{missed} targets missed, {lacking} rows not measured. {summary(result)}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    if arguments.record:
        record(arguments.record, result)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
