#!/usr/bin/env python3
"""Times PyO3's word-count example inside a Python process; prints {"count", "ms": {"p50", "min"}, "calls"} as JSON.

Takes the extension word_count.so from FOLDER, where build_rust.sh put it. The number of threads is rayon's: set
RAYON_NUM_THREADS.

usage: time_search.py FOLDER FUNCTION TEXT-FILE WORD SECONDS    FUNCTION: search, search_sequential, ... or "twice":
search_sequential_allow_threads in two Python threads at once; the count is the sum of both
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

WARM_UP_CALLS = 5


def twice(word_count):
    executor = ThreadPoolExecutor(max_workers=2)

    def search(text, word):
        both = [executor.submit(word_count.search_sequential_allow_threads, text, word) for _ in range(2)]
        return sum(future.result() for future in both)

    return search


def main():
    folder, function, path, word, seconds = sys.argv[1:]
    sys.path.insert(0, folder)
    import word_count

    search = twice(word_count) if function == "twice" else getattr(word_count, function)
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    for _ in range(WARM_UP_CALLS):
        count = search(text, word)
    times, end = [], time.perf_counter() + float(seconds)
    while not times or time.perf_counter() < end:
        begun = time.perf_counter()
        count = search(text, word)
        times.append((time.perf_counter() - begun) * 1000)
    print(json.dumps({"count": count, "ms": {"p50": median(times), "min": min(times)}, "calls": len(times)}))


if __name__ == "__main__":
    main()
