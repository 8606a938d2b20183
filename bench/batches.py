"""Rows about batches of tiny items: all of 1,000 over a connection of their own, and the rate of as many as there may
be, as one answer and line by line."""

import json
from statistics import median

from rows import WORDS, checked, row
from servers import BenchError, JSON_HEADERS, exchange

FEW, MANY = 1000, 100_000
THREADS = 2
LINE_HEADERS = [*JSON_HEADERS, "Accept: application/x-ndjson"]
KINDS = (("Gaussian of 3 numbers", "/v1/gaussian", lambda index: {"x": [index, 1.5, 2.25], "y": 0.5}),
         ("word count of 10 words", "/v1/wordcount", lambda index: {"text": " ".join(WORDS[index % 50:][:10])}))


class Batches:
    def __init__(self, bench):
        self.bench = bench

    def body(self, name, op, count, item):
        batch = {"op": op, "threads": THREADS, "items": [item(index) for index in range(count)]}
        return self.bench.file(f"batch-{name[:4]}-{count}.json", json.dumps(batch))

    def seconds(self, server, file, times, headers=JSON_HEADERS):
        taken = []
        for _ in range(times):
            reply = checked(exchange(server.port, "/v1/batch", file, headers=headers))
            if b'"failed":0' not in reply.tail:
                raise BenchError(f"items failed: {reply.tail[-300:]!r}")
            taken.append(reply.seconds)
        return taken

    def rows(self):
        with self.bench.forkjoin() as server:
            for name, op, item in KINDS:
                self.bench.say(f"batches, each item a {name}")
                file = self.body(name, op, FEW, item)
                self.seconds(server, file, 3)
                few = self.seconds(server, file, 10 * self.bench.rounds)
                yield row(f"batch of {FEW:,} items, each a {name}", f"{median(few) * 1e3:.2f} ms in all",
                          "<= 3 ms", median(few) * 1e3, median(few) <= 0.003, seconds=few)
                file = self.body(name, op, MANY, item)
                for what, headers, target in (("", JSON_HEADERS, 500_000), (", line by line", LINE_HEADERS, None)):
                    many = self.seconds(server, file, 2 * self.bench.rounds, headers)
                    rate = MANY / median(many)
                    yield row(f"batch of {MANY:,} items, each a {name}, {THREADS} threads{what}",
                              f"{rate:,.0f} items/s", f">= {target:,} items/s" if target else "–", rate,
                              rate >= target if target else None, seconds=many)
