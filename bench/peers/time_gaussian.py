#!/usr/bin/python3
"""Times z = exp(-(x - y)^2) for doubles with NumPy and with Cython's prange; prints one JSON object.

Takes the extension from FOLDER, where build_cython.sh put it. {"allclose": do all of Cython's results pass
numpy.allclose against NumPy's, "numpy_ms", "sequential_ms", "threads": {"2": ms, …}, "schedules": {"dynamic": {"100":
ms, …}, …}}: best of ROUNDS.

usage: time_gaussian.py FOLDER ELEMENTS ROUNDS THREADS[,THREADS …] SCHEDULE-THREADS CHUNK[,CHUNK …]
To be run by Debian's Python, which has Debian's NumPy: /usr/bin/python3.
"""

import json
import sys
import time

import numpy


def best_ms(rounds, function, *arguments):
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        function(*arguments)
        best = min(best, (time.perf_counter() - begun) * 1000)
    return best


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def main():
    folder, elements, rounds, threads, schedule_threads, chunks = sys.argv[1:]
    sys.path.insert(0, folder)
    import cython_gaussian

    rounds = int(rounds)
    generator = numpy.random.default_rng(1)
    x, y = generator.random(int(elements)) * 2, generator.random(int(elements)) * 2
    z, expected, same = numpy.zeros_like(x), numpy.exp(-(x - y) ** 2), True

    def timed(function, *arguments):
        nonlocal same
        z.fill(-1)
        taken = best_ms(rounds, function, x, y, z, *arguments)
        same = same and numpy.allclose(z, expected)
        return taken

    def over_chunks(function):
        return {str(chunk): timed(function, int(schedule_threads), chunk) for chunk in numbers(chunks)}

    report = {"numpy_ms": best_ms(rounds, lambda: numpy.exp(-(x - y) ** 2)),
              "sequential_ms": timed(cython_gaussian.sequential),
              "threads": {str(count): timed(cython_gaussian.whole, count) for count in numbers(threads)},
              "schedules": {schedule: over_chunks(getattr(cython_gaussian, schedule))
                            for schedule in ("static", "dynamic", "guided")}}
    print(json.dumps({"allclose": bool(same), **report}))


if __name__ == "__main__":
    main()
