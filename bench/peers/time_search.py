#!/usr/bin/env python3
"""Times PyO3's word-count example inside a Python process; prints {"count", "ms": {"p50", "min"}, "calls"} as JSON.

Takes the extension word_count.so from FOLDER, where build_rust.sh put it. The number of threads is rayon's: set
RAYON_NUM_THREADS.

usage: time_search.py FOLDER FUNCTION TEXT-FILE WORD SECONDS    FUNCTION: search, search_sequential, ...
"""

import json
import sys
import time
from statistics import median

WARM_UP_CALLS = 5


def main():
    folder, function, path, word, seconds = sys.argv[1:]
    sys.path.insert(0, folder)
    import word_count

    search = getattr(word_count, function)
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
