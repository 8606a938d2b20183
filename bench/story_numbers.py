"""Cython's Gaussian over threads and schedules, and scikit-learn's rbf_kernel."""

import io
import json
import os
from statistics import median

from contestants import PYTHON, THREADS
from peer_rows import figure
from rows import row, unmeasured
from servers import BenchError
from story import PEERS, PROGRAM_SECONDS, Story, ms, run, run_json_lines, share
from story_tasks import NPY, Client

ELEMENTS, CHECKED = 10_000_000, 100_000
CHUNKS = (0, 1, 100, 10_000, 1_000_000)
SCHEDULES = ("static", "dynamic", "guided")
COMPILED = {"plain": "Cython, gcc -O2", "fast": "Cython, gcc -O3 -ffast-math"}
MATRIX_POINTS = 4000
MATRIX_TARGETS = {3: 0.3, 64: 0.45, 512: 0.75}


class GaussianStory:
    """exp(-(x-y)^2) of 10,000,000 doubles."""

    def __init__(self, bench, kernels):
        self.bench, self.kernels, self.peers = bench, kernels, {}

    def tell(self):
        threads = self.kernels.threads
        story = Story("gaussian", "Cython's parallel Gaussian",
                      f"exp(−(x−y)²) of {ELEMENTS:,} doubles, best times: NumPy's expression, Cython sequentially "
                      "and by `prange`, and forkjoin's kernel. Cython's module is built as setuptools would, and with all "
                      "that gcc can do (`-march=native` as well; `-ffast-math` vectorises exp, but gets NaN and "
                      "infinities wrong). All results pass `numpy.allclose`. The limit is the triad z = x + 3y past the caches with as many threads, "
                      "which moves the same bytes. Speed-up is against the same program with one thread; with more "
                      f"threads than the {self.kernels.cores} cores of this machine there can be none.",
                      ("what", "threads", "time", "speed-up", "share of the triad's speed"), ("speedup", "schedules"))
        speedups = [("threads", threads), ("ideal", threads)]
        for kind in COMPILED:
            try:
                self.peers[kind] = self.peer(kind)
            except BenchError as failure:
                story.lacks(COMPILED[kind], failure)
        numpys = [report["numpy_ms"] for report in self.peers.values()]
        if numpys:
            story.line("NumPy", 1, ms(min(numpys)), "", share(self.kernels.best_ms("triad", 1), min(numpys)))
        for kind, report in self.peers.items():
            story.line(f"{COMPILED[kind]}, no prange", 1, ms(report["sequential_ms"]), "",
                       share(self.kernels.best_ms("triad", 1), report["sequential_ms"]))
            times = [report["threads"][str(count)] for count in threads]
            self.scaled(story, COMPILED[kind], times)
            speedups.append((COMPILED[kind], [times[0] / taken for taken in times]))
        ours = [self.kernels.best_ms("elementwise", count) for count in threads]
        self.scaled(story, "forkjoin's kernel", ours)
        names = {"elementwise": "forkjoin: Gaussian", "search": "forkjoin: word search",
                 "totals mixed": "forkjoin: totals, nine scripts", "sum float64": "forkjoin: Gaussian sum"}
        speedups += [(name, [self.kernels.speedup(what, count) for count in threads]) for what, name in names.items()]
        return story, {"speedup": list(zip(*[(name, *values) for name, values in speedups]))}

    def scaled(self, story, name, times):
        for count, taken in zip(self.kernels.threads, times):
            story.line(name, count, ms(taken), f"{times[0] / taken:.2f}",
                       share(self.kernels.best_ms("triad", count), taken))

    def peer(self, kind):
        self.bench.say(COMPILED[kind])
        folder = self.bench.program(f"bench/peers/cython/{kind}")
        if not os.path.exists(os.path.join(folder, "cython_gaussian.so")):
            raise BenchError("cython_gaussian.so isn't built (bench/peers/build_cython.sh)")
        threads = ",".join(map(str, self.kernels.threads))
        chunks = ",".join(str(chunk) for chunk in CHUNKS if chunk)
        report = json.loads(run([PYTHON, os.path.join(PEERS, "time_gaussian.py"), folder, ELEMENTS,
                                 2 if self.bench.quick else 5, threads, self.kernels.most, chunks], COMPILED[kind]))
        if not report["allclose"]:
            raise BenchError("its results aren't NumPy's")
        return report

    def check_http(self):
        """The service's results, each schedule and chunk, against NumPy's."""
        import numpy

        generator = numpy.random.default_rng(1)
        x, y = generator.random(CHECKED) * 2, generator.random(CHECKED) * 2
        body = io.BytesIO()
        numpy.save(body, x)
        numpy.save(body, y)
        expected = numpy.exp(-(x - y) ** 2)
        with self.bench.forkjoin() as server:
            client = Client(server)
            for schedule in SCHEDULES:
                for chunk in CHUNKS:
                    path = f"/v1/gaussian?threads={THREADS}&schedule={schedule}&chunk={chunk}"
                    answer = numpy.load(io.BytesIO(client.ask(path, body.getvalue(), NPY)))
                    if not numpy.allclose(answer, expected):
                        raise BenchError(f"forkjoin's result with schedule {schedule} and chunk {chunk} isn't NumPy's")
            client.close()

    def schedules(self):
        """The second table: schedule by chunk, all cores."""
        story = Story("schedules", "Schedules and chunks", f"The same Gaussian with {self.kernels.most} threads, "
                      "Cython as fast as gcc makes it against forkjoin's kernel: each cell Cython : forkjoin. Chunk 0 "
                      "is forkjoin's choice, for Cython's static one run of elements a thread; forkjoin's results are "
                      "the same bits in every cell and pass `numpy.allclose` over HTTP, which is checked.",
                      ("chunk", *SCHEDULES))
        self.bench.say("schedules and chunks")
        try:
            self.check_http()
        except ImportError as failure:
            story.lacks("numpy.allclose", failure)
        rows = self.kernels.measure("schedules", 1 if self.bench.quick else 3, self.kernels.most,
                                    ",".join(map(str, CHUNKS)))
        theirs = self.peers.get("fast")
        data = []
        for chunk in CHUNKS:
            cells = []
            for schedule in SCHEDULES:
                ours = rows[f"{schedule},{chunk}", self.kernels.most]["best_ms"]
                cython = theirs and theirs["schedules"][schedule].get(str(chunk))
                if theirs and chunk == 0 and schedule == "static":
                    cython = theirs["threads"][str(self.kernels.most)]
                cells.append(f"{ms(cython) if cython else '–'} : {ms(ours)}")
                if chunk:
                    data.append((schedule, chunk, cython or "NaN", ours))
            story.line(chunk or "0: the kernel's choice", *cells)
        if not theirs:
            story.lacks("Cython", "isn't built")
        return story, {"schedules": data}


class MatrixStory:
    """The Gaussian matrix of 4,000 points among themselves."""

    def __init__(self, bench, kernels):
        self.bench, self.kernels, self.ratios = bench, kernels, {}
        self.gflops = None

    def measure(self):
        """{(what, dimensions): ms}, in turn, medians."""
        self.bench.say("scikit-learn's rbf_kernel")
        options = ["--rounds", 3 if self.bench.quick else 5, "--threads", THREADS, *MATRIX_TARGETS]
        found, gflops = {}, []
        for _ in range(1 if self.bench.quick else 3):
            for command, name in (([self.bench.program("bench/matrix")], "bench/matrix"),
                                  ([PYTHON, os.path.join(PEERS, "rbf_kernel.py")], "scikit-learn")):
                for entry in run_json_lines([*command, *options], name, seconds=PROGRAM_SECONDS):
                    found.setdefault((entry["what"], entry["dimensions"]), []).append(entry["median_ms"])
                    gflops += [entry["gflops"]] if "gflops" in entry else []
        self.gflops = max(gflops)
        return {key: median(times) for key, times in found.items()}

    def tell(self):
        story = Story("matrix", "scikit-learn's rbf_kernel", f"The Gaussian matrix of {MATRIX_POINTS:,} points with "
                      f"themselves, {THREADS} threads, middle times; scikit-learn with OpenBLAS. The limit is the "
                      "longest of: half of the exponentials, writing the matrix, and half of the product of the "
                      "points at OpenBLAS's rate, all measured in this run.",
                      ("dimensions", "forkjoin", "scikit-learn", "ratio", "limit", "share of the limit"), ("matrix",))
        data = []
        try:
            times = self.measure()
        except BenchError as failure:
            story.lacks("all", failure)
            return story, {"matrix": data}
        for dimensions in MATRIX_TARGETS:
            ours, theirs = times["symmetric", dimensions], times["rbf_kernel", dimensions]
            self.ratios[dimensions] = ours / theirs
            product = MATRIX_POINTS ** 2 * dimensions / self.gflops / 1e6
            limits = {"exp": times["exp", 0] / 2, "writing": times["write", 0], "product": product}
            name = max(limits, key=limits.get)
            story.line(dimensions, ms(ours), ms(theirs), f"{ours / theirs:.2f}", f"{name} {ms(limits[name])}",
                       share(limits[name], ours))
            data.append((f"d = {dimensions}", ours, theirs, limits[name]))
        return story, {"matrix": data}

    def rows(self):
        for dimensions, target in MATRIX_TARGETS.items():
            what = f"matrix {MATRIX_POINTS}², d = {dimensions}, against scikit-learn"
            if dimensions in self.ratios:
                ratio = self.ratios[dimensions]
                yield row(what, f"{figure(ratio)} of its time", f"<= {target}", ratio, ratio <= target)
            else:
                yield unmeasured(what, f"<= {target}", "scikit-learn or bench/matrix is missing")
