#!/usr/bin/python3
"""Expressions beside the machine's limits, numexpr and SciPy: programs in turn, medians compared; and a small request.

    bench/expressions.py [--build build/release] [--turns N] [--threads N] [--cpu]

Prints a table as docs/performance.md has it. With --cpu CPU times are compared, which a busy machine spoils less."""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

from rows import Bench
from run import Bystanders, table
from servers import exchange, require
from story import RUNTIME, run_json_lines

HERE = pathlib.Path(__file__).resolve().parent
TRIAD_SHARE, READ_SHARE, LOOP_SHARE = 0.85, 0.85, 0.5
GAUSSIAN_RATIO, REQUEST_RATIO, COMPILE_US, KIB_PER_THREAD = 1.3, 1.3, 5, 1024
NUMEXPR = {"gaussian": 0.25, "sin": 0.2, "log": 0.2, "arctan2": 0.2, "erf": 0.2, "power": 0.5, "polynomial float64": 0.6,
           "polynomial float32": 0.6}
NAMES = {"where": "where(x>0,x,y)", "gaussian": "exp(-(x-y)**2)", "sin": "sin(x)", "log": "log(y)",
         "arctan2": "arctan2(x,y)", "erf": "erf(x)", "power": "y**x",
         "polynomial float64": "polynomial of degree 10, float64", "polynomial float32": "polynomial of degree 10, float32"}


def row(what, measured, target, reached):
    return {"what": what, "measured": measured, "target": target, "reached": reached}


class Figures:
    """Medians over the turns, in milliseconds."""

    def __init__(self, args):
        self.ours, self.theirs, self.kib = {}, {}, []
        key = "median_cpu_ms" if args.cpu else "median_ms"
        environment = {**os.environ, **RUNTIME}
        peer = HERE / "peers/numexpr_expressions.py"
        for _ in range(args.turns):
            for program, found in (([args.build / "bench/expressions"], self.ours),
                                   (["/usr/bin/python3", peer], self.theirs)):
                for line in run_json_lines([*program, "--threads", args.threads], program[-1], env=environment):
                    if "kib" in line:
                        self.kib.append(line["kib"])
                    else:
                        found.setdefault(line["what"], []).append(line[key])

    def ms(self, what):
        return statistics.median(self.ours[what])

    def limit(self, what, limit, name, share):
        """Our rate as a share of the limit's."""
        reached = self.ms(limit) / self.ms(what)
        return row(f"{NAMES.get(what, what)} against {name}",
                   f"{self.ms(what):.2f} ms : {self.ms(limit):.2f} ms = {reached:.2f} of its rate", f">= {share}",
                   reached >= share)

    def times(self, what, peer_ms, name, target):
        """Our time as a multiple of another one."""
        ratio = self.ms(what) / peer_ms
        return row(f"{NAMES.get(what, what)} against {name}",
                   f"{self.ms(what):.2f} ms : {peer_ms:.2f} ms = {ratio:.2f} of its time",
                   f"<= {target}" if target else "–", ratio <= target if target else None)

    def rows(self, threads):
        for what in ("x + 3*y", "x*y", "where"):
            yield self.limit(what, "triad", "the triad", TRIAD_SHARE)
        yield self.times("gaussian", self.ms("gaussian kernel"), "/v1/gaussian's kernel", GAUSSIAN_RATIO)
        for what, times in self.theirs.items():
            peer = {"erf": "SciPy", "var(x)": "NumPy"}.get(what, "numexpr")
            yield self.times(what, statistics.median(times), peer, NUMEXPR.get(what))
        for dtype in ("float64", "float32"):
            for loop in ("gcc -O3", "gcc -O3 for this machine"):
                yield self.limit(f"polynomial {dtype}", f"polynomial {dtype}, {loop}", f"the loop of {loop}", LOOP_SHARE)
        yield self.limit("sum(x*y)", "read both", "reading", READ_SHARE)
        yield self.limit("var(x)", "read", "reading", READ_SHARE)
        compiling = self.ms("compile") * 1e3
        yield row("compiling exp(-gamma*(x-y)**2)", f"{compiling:.2f} µs", f"<= {COMPILE_US} µs", compiling <= COMPILE_US)
        kib = max(self.kib) / threads
        yield row("memory beside operands and results, a thread", f"{kib:.0f} KiB", f"<= {KIB_PER_THREAD} KiB",
                  kib <= KIB_PER_THREAD)


def small_request(args):
    """The same 10 elements by both endpoints, one client."""
    with tempfile.TemporaryDirectory(prefix="forkjoin-bench-") as folder:
        bench = Bench(args.build, folder, False)
        arrays = {"x": [index / 8 for index in range(10)], "y": [index / 16 for index in range(10)], "gamma": 2}
        bodies = {"/v1/gaussian": bench.body("gaussian.json", **arrays),
                  "/v1/map": bench.body("map.json", expr="exp(-gamma*(x-y)**2)", **arrays)}
        taken, cpu = {path: [] for path in bodies}, {path: [] for path in bodies}
        with bench.forkjoin() as server:
            for _ in range(2 * args.turns + 1):
                for path, body in bodies.items():
                    assert exchange(server.port, path, body).status == 200
                    report = bench.load.run(server, [body], 1, 0.5, 0.2, bench.client_core, path=path)
                    taken[path].append(report["answered_ms"]["p50"] * 1e3)
                    cpu[path].append(report["server_cpu_us"])
    found = cpu if args.cpu else taken
    ours, other = (statistics.median(found[path]) for path in ("/v1/map", "/v1/gaussian"))
    return row("a request of 10 elements against /v1/gaussian's", f"{ours:.1f} µs : {other:.1f} µs = {ours / other:.2f}",
               f"<= {REQUEST_RATIO}", ours / other <= REQUEST_RATIO)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", action="store_true")
    args = parser.parse_args()
    require(args.build / "bench/expressions", args.build / "forkjoin", args.build / "bench/fj-load")
    bystanders = Bystanders()
    rows = [*Figures(args).rows(args.threads), small_request(args)]
    print(table(rows))
    print(f"{args.threads} threads. Everything else on the machine used {bystanders.cores():.2f} cores meanwhile.")


if __name__ == "__main__":
    sys.exit(main())
