"""What the machine can do at most, and how near to it forkjoin has to come: the rows with targets."""

import os
import subprocess
import time

from contestants import PYTHON, THREADS
from peer_rows import figure
from rows import row, unmeasured
from servers import BenchError, Server, exchange, stream
from story import PEERS, Story, run

ELEMENTS = 10_000_000
SEARCH_SHARE, TRIAD_SHARE, EXP_SHARE = 0.85, 0.8, 0.7
NUMPY_RATIO, FREQUENCIES_RATIO = 0.3, 0.15
TOTALS = {"totals ASCII": (8, 40), "totals mixed": (1.5, 8)}  # GB/s, times as fast as GNU wc
SPEEDUP_THREADS, SPEEDUP = 16, 13
FORKS = {"back to back": 2, "after idle": 70}  # µs
IDLE_SHARE = 0.0005  # "none": half a millisecond a second is what waking up a few times costs
STREAM_PIECE_BYTES = 256 * 1024


class TargetStory:
    """limits: the table of what bounds the others. rows: judged. Both use what the other stories measured."""

    def __init__(self, bench, kernels, texts, matrix):
        self.bench, self.kernels, self.texts, self.matrix = bench, kernels, texts, matrix
        self.sums = None

    def tell(self):
        most = self.kernels.most
        counts = [count for count in self.kernels.threads if count in (1, THREADS, most)]
        story = Story("limits", "The limits", "What the machine delivers to loops that do nothing else, in this run; "
                      "the figures above stand next to them.", ("limit", *(f"{count} threads" if count > 1 else
                                                                        "1 thread" for count in counts)), ("limits",))
        for what, name, unit in (("read", "reading 257 MB of memory", "GB/s"),
                                 ("triad", "triad z = x + 3y of 10,000,000 doubles, past the caches", "GB/s"),
                                 ("exp float64", "glibc's vector exp, float64", "· 10⁹/s"),
                                 ("own exp float64", "the kernels' own exp, float64", "· 10⁹/s"),
                                 ("exp float32", "glibc's vector exp, float32", "· 10⁹/s"),
                                 ("own exp float32", "the kernels' own exp, float32", "· 10⁹/s")):
            story.line(name, *(f"{self.kernels.rate(what, count):.3g} {unit}" for count in counts))
        empty = [""] * (len(counts) - 1)
        if self.matrix.gflops:
            story.line(f"OpenBLAS's dgemm, {THREADS} threads", f"{self.matrix.gflops:.0f} GFLOP/s", *empty)
        story.line("loopback: a stream of text into a server that discards it", f"{self.loopback():.2f} GB/s", *empty)
        return story, {"limits": self.shares()}

    def loopback(self):
        file = self.bench.file("piece.bin", "x" * STREAM_PIECE_BYTES)
        times = ((256 if self.bench.quick else 1024) << 20) // STREAM_PIECE_BYTES
        with Server([self.bench.program("bench/discard-server")], self.bench.folder) as server:
            seconds, _ = stream(self.bench.program("bench/fj-stream"), server, "/v1/2", file, times)
        return times * STREAM_PIECE_BYTES / seconds / 1e9

    def shares(self):
        """(kernel, its share of its limit, the target or NaN)"""
        rate = self.kernels.rate
        data = [("word search / reading", rate("search", THREADS) / rate("read", THREADS), SEARCH_SHARE),
                ("totals, ASCII / reading", rate("totals ASCII", THREADS) / rate("read", THREADS), "NaN"),
                ("Gaussian / triad", rate("elementwise", THREADS) / rate("triad", THREADS), TRIAD_SHARE)]
        return data + [(f"Gaussian sum, {dtype} / exp", self.sum_share(dtype)[0], EXP_SHARE)
                       for dtype in ("float64", "float32")]

    def rows(self):
        groups = [self.search, self.totals, self.frequencies, self.elementwise, self.matrix.rows, self.gaussian_sums,
                  self.speedups, self.forks, self.idle]
        rows = []
        for group in groups:
            try:
                rows += group()
            except (BenchError, OSError, KeyError, ValueError, subprocess.SubprocessError) as failure:
                rows.append(unmeasured(group.__name__, "", f"{type(failure).__name__}: {failure}"))
        return rows

    def search(self):
        ours, limit = self.kernels.rate("search", THREADS), self.kernels.rate("read", THREADS)
        yield row(f"word search, 257 MB, {THREADS} threads", f"{ours:.1f} GB/s : {limit:.1f} GB/s read = "
                  f"{ours / limit:.2f}", f">= {SEARCH_SHARE}", ours / limit, ours / limit >= SEARCH_SHARE)

    def totals(self):
        for what, (rate_min, times_min) in TOTALS.items():
            name = f"{what.replace('mixed', 'of nine scripts')}, 44 MB, {THREADS} threads"
            target = f">= {rate_min} GB/s and >= {times_min} × GNU wc"
            ours = self.kernels.rate(what, THREADS)
            wc_ms = self.texts.wc_ms.get(what)
            if wc_ms is None:
                yield unmeasured(name, target, "GNU wc wasn't measured")
                continue
            times = wc_ms / self.kernels.best_ms(what, THREADS)
            yield row(name, f"{ours:.2f} GB/s = {times:.0f} × GNU wc", target, ours,
                      ours >= rate_min and times >= times_min, times_wc=times)

    def frequencies(self):
        what, target = f"frequencies, 44 MB of English, {THREADS} threads", f"<= {FREQUENCIES_RATIO} × countwords in C"
        if not self.texts.frequencies:
            yield unmeasured(what, target, "bench/frequencies or its text is missing")
            return
        ours, theirs = self.texts.frequencies
        yield row(what, f"{ours:.1f} ms : {theirs:.1f} ms = {ours / theirs:.2f}", target, ours / theirs,
                  ours / theirs <= FREQUENCIES_RATIO)

    def elementwise(self):
        share = self.kernels.best_ms("triad", THREADS) / self.kernels.best_ms("elementwise", THREADS)
        what = f"Gaussian, 10,000,000 float64, {THREADS} threads"
        yield row(f"{what}, against the triad", f"{self.kernels.best_ms('elementwise', THREADS):.1f} ms, "
                  f"{self.kernels.best_ms('triad', THREADS):.1f} ms = {share:.2f} of its speed", f">= {TRIAD_SHARE}",
                  share, share >= TRIAD_SHARE)
        self.bench.say("NumPy in place")
        ns = float(run([PYTHON, os.path.join(PEERS, "numpy_gaussian.py"), ELEMENTS, 3 if self.bench.quick else 7],
                       "NumPy"))
        theirs = ns * ELEMENTS / 1e6
        ratio = self.kernels.best_ms("elementwise", THREADS) / theirs
        yield row(f"{what}, against NumPy in place", f"{ratio:.2f} of its {theirs:.1f} ms", f"<= {NUMPY_RATIO}", ratio,
                  ratio <= NUMPY_RATIO)

    def sum_share(self, dtype):
        """(share of the faster exp's rate, sums' rate and exp's in 10^9/s), of the whole 50,000 x 50,000."""
        if not self.sums:
            self.bench.say("sums of 50,000 × 50,000")
            self.sums = self.kernels.measure("sums", 2 if self.bench.quick else 3, THREADS)

        def rate(what):
            entry = self.sums[what, THREADS]
            return entry["units"] / entry["best_ms"] / 1e6

        limit = max(rate(f"exp {dtype}"), rate(f"own exp {dtype}"))
        return rate(f"sum {dtype}") / limit, rate(f"sum {dtype}"), limit

    def gaussian_sums(self):
        for dtype in ("float32", "float64"):
            share, ours, limit = self.sum_share(dtype)
            yield row(f"Gaussian sum, 50,000 × 50,000, d = 3, {dtype}, {THREADS} threads, against the vector exp alone",
                      f"{ours:.2f} : {limit:.2f} · 10⁹/s = {share:.2f}", f">= {EXP_SHARE}", share, share >= EXP_SHARE)

    def speedups(self):
        target = f">= {SPEEDUP} at {SPEEDUP_THREADS} threads on {SPEEDUP_THREADS} cores"
        for what, name in (("search", "word search"), ("elementwise", "Gaussian"), ("sum float64", "Gaussian sum"),
                           ("totals ASCII", "totals, ASCII"), ("totals mixed", "totals, nine scripts")):
            most = self.kernels.most
            speedup = self.kernels.speedup(what, most)
            here = f"{speedup:.2f} at {most} threads"
            if self.kernels.cores < SPEEDUP_THREADS:
                yield row(f"speed-up, {name}", f"{here}; not measured here: {self.kernels.cores} cores", target,
                          speedup, None)
            else:
                yield row(f"speed-up, {name}", here, target, speedup, speedup >= SPEEDUP)

    def forks(self):
        """Where the system puts the team's threads, as the service's lanes leave it to, is judged. On a busy machine
        that is one core for all of them; a core each shows what the runtime itself takes."""
        self.bench.say("fork and join")
        cores = " ".join(map(str, sorted(os.sched_getaffinity(0))[:THREADS]))
        for where, environment in (("", {}), (", a core each", {"GOMP_CPU_AFFINITY": cores})):
            rows = self.kernels.measure("forks", 2000 if self.bench.quick else 10_000, THREADS, **environment)
            for what, limit in FORKS.items():
                us = rows[what, THREADS]["median_ms"] * 1000
                yield row(f"one fork and join of a warm team of {THREADS}, {what}{where}",
                          f"{figure(us)} µs (best {figure(rows[what, THREADS]['best_ms'] * 1000)})",
                          "for information" if environment else f"<= {limit} µs", us,
                          None if environment else us <= limit)

    def idle(self):
        """After a request that a lane of two answered, and a pause in which all its spinning has ended."""
        self.bench.say("an idle service")
        body = self.bench.body("idle.json", x=list(range(100_000)), y=0, threads=THREADS)
        with self.bench.forkjoin() as server:
            if exchange(server.port, "/v1/gaussian", body).status != 200:
                raise BenchError("the request before the idle time failed")
            time.sleep(2)
            seconds = 2 if self.bench.quick else 5
            before = cpu_ns(server)
            time.sleep(seconds)
            used = cpu_ns(server) - before
        yield row("CPU time of an idle service", f"{used / 1e6:.2f} ms in {seconds} s", "none (<= 0.05 %)",
                  used / seconds / 1e9, used / seconds / 1e9 <= IDLE_SHARE)


def cpu_ns(server):
    """The scheduler's own account, which knows less than a tick."""
    total = 0
    for thread in server.thread_ids():
        with open(f"/proc/{server.process.pid}/task/{thread}/schedstat", encoding="ascii") as account:
            total += int(account.read().split()[0])
    return total
