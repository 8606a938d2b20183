"""PyO3's word-count table, and the tools people count words with."""

import json
import os
import re
import time
from statistics import median

import in_process
from contestants import THREADS, Contestants
from peer_rows import JSON, TEXT, WORD, ZEN_TIMES, Request, figure
from servers import BenchError, Server
from story import ZEN, Story, ms, run, share

COUNT_IN_ZEN = 10 * ZEN_TIMES


class WordStory:
    """The table of PyO3's example: 858 kB, four rows, and ours."""

    def __init__(self, bench, kernels):
        self.bench, self.kernels = bench, kernels

    def tell(self):
        read = self.kernels.rate("read", THREADS)
        story = Story("words", "PyO3's word count", f"“{WORD}” in the Zen of Python, a thousand times over (858 kB): "
                      "the rows of PyO3's example, built from Debian's crates, then forkjoin; middle times, but the "
                      f"best of pure Python; over HTTP with {THREADS} threads. What is done twice at once counts as "
                      "half its time in the last but one column and in the picture. Limits: reading as many bytes "
                      f"from memory with {THREADS} threads ({read:.1f} GB/s in this run; the text fits the caches, "
                      "so more than 1 is possible); over HTTP as many bytes through the loopback and back, to a "
                      "server that discards them.",
                      ("what", "time", "GB/s", "times as long as forkjoin by HTTP and JSON", "share of the limit"),
                      ("words",))
        with open(ZEN, encoding="utf-8") as file:
            text = file.read() * ZEN_TIMES
        path = self.bench.file("zen-times.txt", text)
        times, limits = self.in_process(story, text, path, read), {}
        self.over_http(text, times, limits)
        size, reference = len(text), times["forkjoin, JSON over HTTP"][0]
        for name, (taken, passes) in times.items():
            limit = limits.get(name, passes * size / read / 1e6)
            story.line(name, ms(taken), f"{passes * size / taken / 1e6:.2f}",
                       f"{figure(taken / passes / reference, 2)} ×", share(limit, taken))
        data = [(name, taken / passes) for name, (taken, passes) in times.items()]
        return story, {"words": data}

    def in_process(self, story, text, path, read):
        """{name: (ms, passes over the text)}"""
        self.bench.say("PyO3's table")
        times = {}
        if in_process.count_lines(text, WORD) != COUNT_IN_ZEN:
            raise BenchError("the plain Python count is wrong")
        times["pure Python"] = in_process.best_ms(lambda body: in_process.count_lines(body, WORD), text,
                                                  self.bench.seconds / 2), 1
        contestants = Contestants(self.bench)
        for name, function, passes in (("Rust, sequential", "search_sequential", 1), ("Rust, parallel", "search", 1),
                                       ("Rust, sequential, twice in two threads", "twice", 2)):
            try:
                if not os.path.exists(os.path.join(contestants.built, "word_count.so")):
                    raise BenchError("word_count.so isn't built")
                reports = [contestants.search(function, path, WORD, self.bench.seconds / 2)
                           for _ in range(self.bench.rounds)]
                if reports[0]["count"] != passes * COUNT_IN_ZEN:
                    raise BenchError(f"counts {reports[0]['count']}")
                times[name] = median(report["ms"]["p50"] for report in reports), passes
            except BenchError as failure:
                story.lacks(name, failure)
        rows = self.kernels.measure("words", 300 if self.bench.quick else 3000, THREADS, ZEN)
        if rows["count", 0]["count"] != COUNT_IN_ZEN:
            raise BenchError("the kernel's count is wrong")
        times["forkjoin's kernel, 1 thread"] = rows["search", 1]["median_ms"], 1
        times[f"forkjoin's kernel, {THREADS} threads"] = rows["search", THREADS]["median_ms"], 1
        times["forkjoin's kernel, 1 thread, twice in two threads"] = rows["twice", THREADS]["median_ms"], 2
        return times

    def over_http(self, text, times, limits):
        requests = {
            "forkjoin, JSON over HTTP": Request(self.bench.folder, "/v1/wordcount",
                                                json.dumps({"text": text, "word": WORD, "threads": THREADS}).encode(),
                                                JSON),
            "forkjoin, text/plain over HTTP": Request(self.bench.folder,
                                                      f"/v1/wordcount?word={WORD}&threads={THREADS}", text.encode(),
                                                      TEXT)}
        discard = Server([self.bench.program("bench/discard-server")], self.bench.folder)
        with self.bench.forkjoin() as ours, discard as loopback:
            for name, request in requests.items():
                answer, _ = request.ask(ours)
                if json.loads(answer)["count"] != COUNT_IN_ZEN:
                    raise BenchError(f"{name} counts wrong")
                taken = {ours: [], loopback: []}
                for _ in range(self.bench.rounds):
                    for server, path in ((ours, request.path), (loopback, f"/v1/{len(answer)}")):
                        headers = [f"{field}: {value}" for field, value in request.headers.items()]
                        report = self.bench.load.run(server, [request.file], 1, self.bench.seconds / 2, 0.3, path=path,
                                                     headers=headers)
                        taken[server].append(report["answered_ms"]["p50"])
                times[name], limits[name] = (median(taken[ours]), 1), median(taken[loopback])


class TextStory:
    """44 MB of English for the tools that have been made for it."""

    def __init__(self, bench, kernels, texts):
        self.bench, self.kernels, self.texts = bench, kernels, texts
        self.wc_ms, self.frequencies = {}, None

    def tell(self):
        read = self.kernels.rate("read", THREADS)
        story = Story("texts", "Counting in 44 MB of English", "Debian's bible-kjv-text ten times over, and as many "
                      f"bytes in nine scripts; forkjoin's kernels with {THREADS} threads on text in memory, the other "
                      "programs whole, reading from a file in the page cache. ripgrep counts words between any "
                      "non-word characters (`\\b`), forkjoin's search those between single spaces: the work is "
                      "alike, the numbers aren't; its rate is that for the 257 MB of the targets. Countwords is "
                      "optimised C in the spirit of Ben Hoyt's, which knows ASCII only. The limit is reading the bytes "
                      f"with {THREADS} threads: {read:.1f} GB/s.",
                      ("what", "forkjoin", "the other", "times faster", "forkjoin's share of the limit"), ("texts",))
        data = []
        for add in (self.totals, self.search, self.counted):
            try:
                add(story, data, read)
            except BenchError as failure:
                story.lacks(add.__name__, failure)
        return story, {"texts": data}

    def compare(self, story, data, what, ours, other, theirs, size, read):
        story.line(what, f"{ms(ours)} ({size / ours / 1e6:.2f} GB/s)",
                   f"{other} {ms(theirs)} ({size / theirs / 1e6:.2f} GB/s)", figure(theirs / ours, 2),
                   f"{size / ours / 1e6 / read:.2f}")
        data.append((what, size / ours / 1e6, size / theirs / 1e6, other))

    def best_ms(self, command, path, **options):
        taken = []
        for _ in range(self.bench.rounds):
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
            begun = time.perf_counter()
            answer = run([*command, path], command[0], **options)
            taken.append((time.perf_counter() - begun) * 1000)
        return min(taken), answer

    def totals(self, story, data, read):
        self.bench.say("GNU wc, ripgrep, countwords")
        english, kind = self.texts.english_path()
        for name, path, what in (("totals ASCII", english, f"totals, {kind}"),
                                 ("totals mixed", self.texts.path("mixed"), "totals, nine scripts")):
            self.wc_ms[name], _ = self.best_ms(["wc", "-lwmc"], path, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.compare(story, data, what, self.kernels.best_ms(name, THREADS), "GNU wc -lwmc", self.wc_ms[name],
                         os.path.getsize(path), read)

    def search(self, story, data, read):
        path, _ = self.texts.english_path()
        size = os.path.getsize(path)
        taken, _ = self.best_ms(["rg", "--count-matches", "--word-regexp", "--fixed-strings", "--threads",
                                 str(THREADS), WORD], path)
        rate = self.kernels.rate("search", THREADS)
        self.compare(story, data, f"search for “{WORD}”", size / rate / 1e6,
                     "ripgrep -w", taken, size, read)

    def counted(self, story, data, read):
        path = self.texts.path("bible")
        output = run([self.bench.program("bench/frequencies"), self.bench.program("bench/countwords"), path, THREADS],
                     "bench/frequencies")
        times = {name: float(best) for name, best in re.findall(r"^(peer|1 thread|team of \d+) +([\d.]+)", output,
                                                               re.MULTILINE)}
        if "peer" not in times:
            raise BenchError(f"bench/frequencies said {output.strip()[:200]}")
        team = times[f"team of {THREADS}"]
        self.frequencies = team, times["peer"]
        self.compare(story, data, "frequencies of all words", team, "countwords in C", times["peer"],
                     os.path.getsize(path), read)
