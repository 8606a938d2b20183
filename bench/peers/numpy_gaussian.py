#!/usr/bin/python3
"""NumPy's time for exp(-gamma (x - y)**2), in place: nanoseconds per element, median of several runs.

usage: numpy_gaussian.py [ELEMENTS [RUNS]]

To be run by Debian's Python, which has Debian's NumPy: /usr/bin/python3. One thread, as NumPy has it."""
import statistics
import sys
import time

import numpy

elements = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
runs = int(sys.argv[2]) if len(sys.argv) > 2 else 7
generator = numpy.random.default_rng(1)
x = generator.random(elements) * 2
y = generator.random(elements) * 2
gamma = 0.7


def gaussian(z):
    """z = exp(-gamma (x - z)**2) without an array more."""
    numpy.subtract(x, z, out=z)
    numpy.multiply(z, z, out=z)
    numpy.multiply(z, -gamma, out=z)
    numpy.exp(z, out=z)


times = []
for _ in range(runs):
    z = y.copy()
    start = time.perf_counter_ns()
    gaussian(z)
    times.append((time.perf_counter_ns() - start) / elements)
print(f"{statistics.median(times):.3f}")
