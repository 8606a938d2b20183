#!/usr/bin/python3
"""The expressions of bench/expressions by numexpr, and erf by SciPy.

    numexpr_expressions.py [--threads N] [--rounds N] [--elements N]

One JSON object a line. Every result goes to an array that is there already, as bench/expressions' do.
"""
import argparse
import json
import statistics
import time

import numexpr
import numpy
import scipy.special

FACTORS = (1, 0.5, 0.25, 0.125, 0.75, 0.375, 0.3, 0.15, 0.7, 0.35, 0.1)
# The powers are computed once: numexpr finds what is the same.
POLYNOMIAL = " + ".join(["c0", *(f"c{n}*({'*'.join(['(x - shift)'] * n)})" for n in range(1, len(FACTORS)))])
TEXTS = {"x + 3*y": "x + 3*y", "x*y": "x*y", "where": "where(x > 0, x, y)", "gaussian": "exp(-(x-y)**2)", "sin": "sin(x)",
         "log": "log(y)", "arctan2": "arctan2(x, y)", "power": "y**x", "sum(x*y)": "sum(x*y)"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--elements", type=int, default=10_000_000)
    return parser.parse_args()


def by_numexpr(text, operands, out):
    """A function that computes it. With one result numexpr takes no array for it."""
    if text.startswith("sum"):
        return lambda: numexpr.evaluate(text, operands)
    numexpr.evaluate(text, operands, out=out)  # compiled, and in its cache
    return lambda: numexpr.evaluate(text, operands, out=out)


def main():
    args = arguments()
    numexpr.set_num_threads(args.threads)
    random = numpy.random.default_rng(1)
    x, y = random.uniform(-2, 2, args.elements), random.uniform(1e-9, 2, args.elements)
    z = numpy.zeros(args.elements)
    runs = {name: by_numexpr(text, {"x": x, "y": y}, z) for name, text in TEXTS.items()}
    # Numbers of a text are float64 there: as operands they have the type of x.
    for dtype in ("float64", "float32"):
        of_type = numpy.dtype(dtype).type
        operands = {"x": x.astype(dtype), "shift": of_type(0.5), **{f"c{n}": of_type(c) for n, c in enumerate(FACTORS)}}
        runs[f"polynomial {dtype}"] = by_numexpr(POLYNOMIAL, operands, numpy.zeros(args.elements, dtype))
    runs["erf"] = lambda: scipy.special.erf(x, out=z)
    runs["var(x)"] = lambda: numpy.var(x)
    taken = {name: ([], []) for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            begun, cpu = time.perf_counter(), time.process_time()
            run()
            taken[name][0].append((time.perf_counter() - begun) * 1e3)
            taken[name][1].append((time.process_time() - cpu) * 1e3)
    for name, (clock, cpu) in taken.items():
        print(json.dumps({"what": name, "threads": args.threads, "median_ms": round(statistics.median(clock), 4),
                          "min_ms": round(min(clock), 4), "median_cpu_ms": round(statistics.median(cpu), 4)}))


if __name__ == "__main__":
    main()
