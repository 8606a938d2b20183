#!/usr/bin/python3
"""Triangular numbers of several ranges with Python's multiprocessing: one after the other, one process a range at
once, and that with each process pinned to a core, the next one for each. Prints one JSON object.

{"sum", "cores": number of cores, "sequential_s", "at_once_s", "pinned_s"}; starting and ending the processes counts.

usage: multiprocessing_ranges.py RANGE[,RANGE …]
"""

import json
import multiprocessing
import os
import sys
import time


def last_triangular(count):
    last = 0
    for n in range(count):
        last = n * (n + 1) // 2
    return last


def work(count, core, results):
    if core is not None:
        os.sched_setaffinity(0, {core})
    results.put(last_triangular(count))


def at_once(ranges, cores):
    """(seconds, sum); cores: one for each range, or None."""
    begun = time.perf_counter()
    results = multiprocessing.SimpleQueue()
    processes = [multiprocessing.Process(target=work, args=(count, core, results))
                 for count, core in zip(ranges, cores)]
    for process in processes:
        process.start()
    total = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    return time.perf_counter() - begun, total


def main():
    ranges = [int(part) for part in sys.argv[1].split(",")]
    cores = sorted(os.sched_getaffinity(0))
    begun = time.perf_counter()
    total = sum(map(last_triangular, ranges))
    sequential = time.perf_counter() - begun
    free, free_total = at_once(ranges, [None] * len(ranges))
    pinned, pinned_total = at_once(ranges, [cores[i % len(cores)] for i in range(len(ranges))])
    if not total == free_total == pinned_total:
        raise SystemExit(f"sums differ: {total}, {free_total}, {pinned_total}")
    print(json.dumps({"sum": total, "cores": len(cores), "sequential_s": sequential, "at_once_s": free,
                      "pinned_s": pinned}))


if __name__ == "__main__":
    main()
