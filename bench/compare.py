#!/usr/bin/env python3
"""Two builds of the service in turn, old and new, on the same requests: did anything become slower?

    bench/compare.py OLD_FORKJOIN NEW_FORKJOIN

Load generators are the build's. Each figure is the median of the rounds, each ratio that of the rounds' ratios, and
the last column the middle half of those: what it spans beside 1 is noise.
"""

import argparse
import os
import sys
import tempfile
import time
from statistics import median, quantiles

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

from peer_rows import JSON, NPY, TEXT, npy_file
from rows import CYCLE_TEXT_BYTES, SMALL_TEXT, Bench, english, together
from servers import BenchError, Server, require, stream
from sharing import Sharing
from transfers import Transfers, random_values

GROUPS = ("small", "requests", "streams", "narrow", "burst", "overload")


class Pairs:
    def __init__(self, bench, programs, rounds):
        self.bench, self.programs, self.rounds, self.busy_body = bench, programs, rounds, None

    def server(self, program, *options):
        return Server([program, "--port", "0", "--log-level", "warn", *options], self.bench.folder)

    def compare(self, measure, *options):
        """measure(server) -> {what: (figure, unit)}, on both in turn, in turn which one is first."""
        taken = {}
        with self.server(self.programs[0], *options) as old, self.server(self.programs[1], *options) as new:
            for turn in range(self.rounds):
                pair = [(0, old), (1, new)]
                for index, server in pair if turn % 2 == 0 else reversed(pair):
                    for what, (figure, unit) in measure(server).items():
                        taken.setdefault((what, unit), ([], []))[index].append(figure)
        for (what, unit), (before, after) in taken.items():
            ratios = [b / max(a, 1e-9) for a, b in zip(before, after)]
            low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
            print(f"| {what} | {median(before):,.4g} {unit} | {median(after):,.4g} {unit} | {median(ratios):.3f} | "
                  f"{low:.3f} … {high:.3f} |", flush=True)

    # What is compared

    def small(self, server):
        body = self.bench.body("small.json", text=SMALL_TEXT, word="is")
        many = self.bench.load.run(server, [body], 64, self.bench.seconds, core=self.bench.client_core)
        one = self.bench.load.run(server, [body], 1, self.bench.seconds, core=self.bench.client_core)
        return {"small JSON, 64 clients": (many["successes_per_s"], "/s"),
                "small JSON, 64 clients, server's CPU": (many["server_cpu_us"], "µs"),
                "small JSON, one client": (one["answered_ms"]["p50"] * 1000, "µs"),
                "small JSON, one client, server's CPU": (one["server_cpu_us"], "µs")}

    def request(self, what, path, body, sent=JSON, wanted=JSON):
        """One client, one request after the other."""
        def measure(server):
            report = self.bench.load.run(server, [body], 1, self.bench.seconds, 0.2, path=path,
                                         headers=(f"Content-Type: {sent}", f"Accept: {wanted}"))
            if report["successes"] == 0:
                raise BenchError(f"{server.name}: {what}: {report}")
            return {what: (report["answered_ms"]["p50"], "ms"),
                    f"{what}, server's CPU": (report["server_cpu_us"] / 1000, "ms")}
        return measure

    def requests(self):
        write = self.bench.file
        text = english(858_000)
        yield self.request("word count, 858 kB of JSON", "/v1/wordcount",
                           self.bench.body("text.json", text=text, word="is", threads=2))
        yield self.request("word count, 858 kB of text", "/v1/wordcount?word=is&threads=2", write("text.txt", text), TEXT)
        x, y = random_values(1_000_000), random_values(2_000_000)[1_000_000:]
        for count in (1000, 1_000_000):
            yield self.request(f"Gaussian, JSON, {count:,}", "/v1/gaussian",
                               self.bench.body(f"gaussian{count}.json", x=x[:count], y=y[:count], threads=2))
        path = os.path.join(self.bench.folder, "gaussian.npy")
        with open(path, "wb") as file:
            file.write(npy_file(x) + npy_file(y))
        yield self.request("Gaussian, .npy, 1,000,000", "/v1/gaussian?threads=2", path, NPY, NPY)
        yield self.request("word count, 200 kB, threads: 2, letters", "/v1/wordcount",
                           self.bench.body("letters.json", text=english(CYCLE_TEXT_BYTES), word="is", match="letters",
                                           threads=2))

    def streams(self, server):
        file, _, piece_bytes = Transfers(self.bench).piece()
        times = (1 << 30) // piece_bytes
        cpu = server.cpu_seconds()
        seconds, _ = stream(self.bench.program("bench/fj-stream"), server, "/v1/wordcount?word=is&threads=1", file,
                            times)
        return {"text stream of 1 GiB": (seconds, "s"),
                "text stream of 1 GiB, server's CPU": (server.cpu_seconds() - cpu, "s")}

    def narrow(self, server):
        """Streams of one thread each with nobody wide: how long they take in all."""
        sharing, figures = Sharing(self.bench), {}
        for what, count, times, *request in sharing.narrow_streams():
            begun, cpu = time.monotonic(), server.cpu_seconds()
            running = [sharing.stream(server, request[0], request[1], times, *request[2:]) for _ in range(count)]
            for process in running:
                process.communicate(timeout=120)
            figures[f"{count} streams at once: {what}"] = time.monotonic() - begun, "s"
            figures[f"{count} streams at once: {what}, server's CPU"] = server.cpu_seconds() - cpu, "s"
        return figures

    def burst(self, server):
        values = ",".join(map(repr, random_values(1_000_000)))
        file = self.bench.file("burst.json", f'{{"y":0.5,"threads":1,"x":[{values}]}}')
        together(server, file, 4, path="/v1/gaussian")
        peak, now = server.status("VmHWM", "VmRSS")
        time.sleep(10)
        return {"burst of four large requests, peak": (peak / 1024, "MiB"),
                "resident at once": (now / 1024, "MiB"),
                "resident after 10 s": (server.status("VmRSS")[0] / 1024, "MiB")}

    def overload(self, server):
        self.busy_body = self.busy_body or self.bench.busy_body(server)[0]  # the same for both
        body = self.busy_body
        peak = self.bench.load.run(server, [body], 4, self.bench.seconds, 0.3, path="/v1/gaussian")
        over = self.bench.load.run(server, [body], 40, self.bench.seconds, 0.3, path="/v1/gaussian")
        return {"4 clients of 4 ms requests": (peak["successes_per_s"], "/s"),
                "overload, 40 clients": (over["successes_per_s"], "/s"),
                "overload, 40 clients, server's CPU for each good answer": (
                    over["server_cpu_us"] * over["answers"] / max(1, over["successes"]) / 1000, "ms"),
                "overload, refusals' p99": (over["refused_ms"]["p99"], "ms")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "release")
    parser.add_argument("old", help="a forkjoin program")
    parser.add_argument("new", help="another one")
    parser.add_argument("--build", default=os.path.normpath(default), help="where the load generators are")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--only", action="append", choices=GROUPS)
    arguments = parser.parse_args()
    require(arguments.old, arguments.new, os.path.join(arguments.build, "bench/fj-load"))
    with tempfile.TemporaryDirectory(prefix="forkjoin-compare-") as folder:
        pairs = Pairs(Bench(arguments.build, folder, arguments.quick), (arguments.old, arguments.new),
                      arguments.rounds)
        print("| what | old | new | new : old | middle half |\n| --- | --- | --- | --- | --- |")
        for name in arguments.only or GROUPS:
            if name == "requests":
                for measure in pairs.requests():
                    pairs.compare(measure)
                continue
            options = {"small": ("--io-threads", "1"), "narrow": ("--cores", "2"), "overload": ("--queue", "4")}
            pairs.compare(getattr(pairs, name), *options.get(name, ()))
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
