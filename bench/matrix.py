#!/usr/bin/python3
"""The Gaussian matrix beside scikit-learn's rbf_kernel: both programs in turn, medians compared; and beside its limit, the
longest of half of the exponentials, writing the matrix, and half of the product of the points at OpenBLAS's rate.

    bench/matrix.py [--build build/release] [--turns N] [--threads N]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

from servers import require

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = {3: 0.3, 64: 0.45, 512: 0.75}  # of scikit-learn's time
LIMIT_SHARES = {3: 0.6, 64: 0.7, 512: 0.85}
POINTS = 4000


def rows_of(command):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def longest_limit(medians, gflops, dimensions):
    limits = {"exp": medians["exp", 0] / 2, "writing": medians["write", 0],
              "product": POINTS ** 2 * dimensions / gflops / 1e6}
    name = max(limits, key=limits.get)
    return name, limits[name]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    require(args.build / "bench/matrix")
    options = ["--rounds", "5", "--points", str(POINTS), "--threads", str(args.threads), *map(str, TARGETS)]
    found, gflops = {}, 0
    for _ in range(args.turns):
        for command in ([args.build / "bench/matrix"], ["/usr/bin/python3", HERE / "peers/rbf_kernel.py"]):
            for row in rows_of([*command, *options]):
                found.setdefault((row["what"], row["dimensions"]), []).append(row["median_ms"])
                gflops = max(gflops, row.get("gflops", 0))
    medians = {key: statistics.median(times) for key, times in found.items()}
    for (what, dimensions), median in medians.items():
        print(f"{what:>10} {dimensions or '':>4} {median:9.2f} ms")
    for dimensions, target in TARGETS.items():
        ours = medians["symmetric", dimensions]
        ratio = ours / medians["rbf_kernel", dimensions]
        print(f"d = {dimensions}: {ratio:.3f} of rbf_kernel's time, target {target}: {'yes' if ratio <= target else 'NO'}")
        name, limit = longest_limit(medians, gflops, dimensions)
        print(f"d = {dimensions}: {limit / ours:.2f} of its limit ({name}, {limit:.2f} ms), target {LIMIT_SHARES[dimensions]}: "
              f"{'yes' if limit / ours >= LIMIT_SHARES[dimensions] else 'NO'}")


if __name__ == "__main__":
    sys.exit(main())
