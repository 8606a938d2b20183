#!/usr/bin/python3
"""scikit-learn's rbf_kernel with OpenBLAS, and OpenBLAS's matrix product alone, as bench/matrix measures ours.

    rbf_kernel.py [--threads N] [--points N] [--rounds N] [--single] [DIMENSIONS ...]

One JSON object a line. The points are compared with themselves, which scikit-learn too makes use of.
"""
import argparse
import json
import os
import statistics
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--points", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("dimensions", type=int, nargs="*", default=[3, 64, 512])
    return parser.parse_args()


def main():
    args = arguments()
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"):
        os.environ[variable] = str(args.threads)
    # Not before: the libraries read the variables when they are loaded.
    import numpy
    from sklearn.metrics.pairwise import rbf_kernel

    dtype = numpy.float32 if args.single else numpy.float64
    rng = numpy.random.default_rng(1)
    square, other = rng.standard_normal((2, 2000, 2000)).astype(dtype)
    rows = [("product", 0, lambda: square @ other)]
    for dimensions in args.dimensions:
        points = rng.standard_normal((args.points, dimensions)).astype(dtype)
        rows.append(("rbf_kernel", dimensions, lambda points=points: rbf_kernel(points)))
    taken = [[] for _ in rows]
    for _ in range(args.rounds):
        for times, (_, _, run) in zip(taken, rows):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
    for times, (what, dimensions, _) in zip(taken, rows):
        row = {"what": what, "dtype": numpy.dtype(dtype).name, "points": args.points, "dimensions": dimensions,
               "threads": args.threads, "median_ms": round(statistics.median(times), 3),
               "min_ms": round(min(times), 3)}
        if what == "product":
            row["points"] = len(square)
            row["gflops"] = round(2 * len(square) ** 3 / min(times) / 1e6, 1)
        print(json.dumps(row))


if __name__ == "__main__":
    main()
