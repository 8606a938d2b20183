#!/usr/bin/python3
"""The Gaussian matrix beside scikit-learn's rbf_kernel: both programs in turn, medians compared.

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
TARGETS = {3: 0.3, 64: 0.45, 512: 0.75}


def rows_of(command):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    require(args.build / "bench/matrix")
    options = ["--rounds", "5", "--threads", str(args.threads), *map(str, TARGETS)]
    found = {}
    for _ in range(args.turns):
        for command in ([args.build / "bench/matrix"], ["/usr/bin/python3", HERE / "peers/rbf_kernel.py"]):
            for row in rows_of([*command, *options]):
                found.setdefault((row["what"], row["dimensions"]), []).append(row["median_ms"])
    for (what, dimensions), times in found.items():
        print(f"{what:>10} {dimensions or '':>4} {statistics.median(times):9.2f} ms")
    for dimensions, target in TARGETS.items():
        ratio = statistics.median(found["symmetric", dimensions]) / statistics.median(found["rbf_kernel", dimensions])
        print(f"d = {dimensions}: {ratio:.3f} of rbf_kernel's time, target {target}: {'yes' if ratio <= target else 'NO'}")


if __name__ == "__main__":
    sys.exit(main())
