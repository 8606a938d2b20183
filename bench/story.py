"""What a story is made of: a table of its own, what couldn't be measured, and the data of its pictures; and the texts
and the kernels' figures that several stories share."""

import json
import os
import random
import subprocess
from dataclasses import dataclass, field

from peer_rows import figure
from rows import SEED, english
from servers import BenchError

PROGRAM_SECONDS = 150
ZEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/fixtures/zen.txt")
PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")
# The service's own settings for the OpenMP runtime (server/main.c).
RUNTIME = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}
MIXED_WORDS = ("это мира, 日本語の 文章です。 été l’année : مرحبا नमस्ते plain 😀 한국어 κείμενα — שלום naïve words "
               "и ещё немного").split(" ")
TEXT_BYTES = 44_000_000


@dataclass
class Story:
    name: str
    title: str
    note: str
    columns: tuple
    pictures: tuple = ()  # names in docs/plots, without .svg
    lines: list = field(default_factory=list)
    missing: list = field(default_factory=list)  # why, for what couldn't be measured

    def line(self, *cells):
        self.lines.append([str(cell) for cell in cells])

    def lacks(self, what, why):
        reason = (str(why).strip().splitlines() or ["(no reason given)"])[-1]
        self.missing.append(f"{what}: {reason}")
        self.line(what, f"not measured: {reason}", *[""] * (len(self.columns) - 2))

    def markdown(self, picture_folder):
        cells = [list(self.columns), ["---"] * len(self.columns), *self.lines]
        table = "".join("| " + " | ".join(line) + " |\n" for line in cells)
        pictures = "".join(f"\n![{self.title}]({picture_folder}/{name}.svg)\n" for name in self.pictures)
        return f"### {self.title}\n\n{self.note}\n\n{table}{pictures}"


def ms(value):
    return f"{figure(value)} ms"


def share(limit, measured):
    return f"{limit / measured:.2f}"


def run(command, what, seconds=PROGRAM_SECONDS, **options):
    """The output of a program that must end well and in time."""
    try:
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=seconds,
                                check=False, stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError:
        raise BenchError(f"{what} isn't built or installed") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{what} didn't end within {seconds} s") from None
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines() or ["(nothing said)"]
        raise BenchError(f"{what} failed: {said[-1]}")
    return result.stdout


def run_json_lines(command, what, **options):
    return [json.loads(line) for line in run(command, what, **options).splitlines()]


class Texts:
    """Files that stories work on; made when they are first asked for."""

    def __init__(self, bench):
        self.bench, self.paths = bench, {}

    def path(self, name):
        if name not in self.paths:
            self.paths[name] = self.bench.file(f"{name}.txt", getattr(self, name)())
        return self.paths[name]

    def bible(self):
        """Ten times Debian's bible-kjv-text: 44 MB of English."""
        return 10 * run(["bible", "-l79", "gen1:1-rev22:21"], "bible (Debian's bible-kjv-text)")

    def words(self):
        """As many bytes of common words, for what must go on without Debian's text."""
        return english(TEXT_BYTES)

    def english_path(self):
        try:
            return self.path("bible"), "English"
        except BenchError:
            return self.path("words"), "common English words"

    @staticmethod
    def mixed():
        """Words of nine scripts, drawn at random, twelve a line."""
        source, lines, size = random.Random(SEED), [], 0
        while size < 1 << 20:
            lines.append(" ".join(source.choices(MIXED_WORDS, k=12)) + "\n")
            size += len(lines[-1].encode())
        return "".join(lines) * (TEXT_BYTES // size + 1)


class KernelFigures:
    """What bench/story-kernels measures: rows by (what, threads), each with "best_ms", "median_ms" and "units"."""

    def __init__(self, bench, texts):
        self.bench, self.texts, self.rows = bench, texts, {}
        cores = len(os.sched_getaffinity(0))
        most = min(cores, 16)
        self.cores, self.most = cores, most
        self.threads = sorted({1, 2, 4, 8, most} | ({16} if cores >= 16 else set()))

    def measure(self, mode, rounds, *arguments, **environment):
        name = "bench/story-kernels"
        rows = run_json_lines([self.bench.program(name), mode, rounds, *arguments], name,
                              env={**os.environ, **RUNTIME, **environment})
        return {(row["what"], row.get("threads", 0)): row for row in rows}

    def scaling(self):
        if not self.rows:
            self.bench.say(f"kernels and limits with {', '.join(map(str, self.threads))} threads")
            threads = ",".join(map(str, self.threads))
            self.rows = self.measure("scaling", 3 if self.bench.quick else 12, threads, ZEN,
                                     self.texts.english_path()[0], self.texts.path("mixed"))
        return self.rows

    def best_ms(self, what, threads):
        return self.scaling()[what, threads]["best_ms"]

    def rate(self, what, threads):
        """Units (bytes, calls) a nanosecond: GB/s, or thousands of millions of calls a second."""
        row = self.scaling()[what, threads]
        return row["units"] / row["best_ms"] / 1e6

    def exp_rate(self, dtype, threads):
        """The faster one of glibc's vector exp and the kernels' own."""
        return max(self.rate(f"exp {dtype}", threads), self.rate(f"own exp {dtype}", threads))

    def speedup(self, what, threads):
        return self.best_ms(what, 1) / self.best_ms(what, threads)
