"""Rows about bytes: streams, next to what a plain socket does with the same bytes, and memory."""

import os
import random
import time
from statistics import median

import in_process
from rows import IDLE_SECONDS, SEED, checked, english, row, together
from servers import BenchError, Server, exchange, stream

MIB = 1 << 20
GAUSSIAN_COUNT = 1_000_000
MEMORY_COUNT = 10_000_000
STREAM_PIECE_BYTES = 256 * 1024
OVERHEAD_MIB = 16
STREAM_LIMIT_MIB = 64
BURST_LIMIT_MIB = 32
BURST_CLIENTS = 4
DECODE_THREADS = 16


def random_values(count):
    source = random.Random(SEED)
    return [source.random() for _ in range(count)]


class Transfers:
    def __init__(self, bench):
        self.bench = bench

    def discard(self):
        return Server([self.bench.program("bench/discard-server")], self.bench.folder)

    # Streams

    def piece(self):
        """(file, occurrences of "is"): whole lines, so that pieces sent one after the other don't make new words."""
        text = english(STREAM_PIECE_BYTES)
        text = text[:text.rindex("\n") + 1]
        return self.bench.file("piece.txt", text), in_process.count_lines(text, "is"), len(text)

    def streams(self):
        file, occurrences, piece_bytes = self.piece()
        times = ((256 if self.bench.quick else 1024) << 20) // piece_bytes
        self.bench.say(f"text/plain stream of {times * piece_bytes / MIB:,.0f} MiB")
        rates = {"forkjoin": [], "loopback": []}
        with self.bench.forkjoin() as ours, self.discard() as plain:
            for _ in range(self.bench.rounds):
                for name, server, path in (("forkjoin", ours, "/v1/wordcount?word=is&threads=1"),
                                           ("loopback", plain, "/v1/2")):
                    seconds, answer = stream(self.bench.program("bench/fj-stream"), server, path, file, times)
                    if name == "forkjoin" and answer.get("count") != times * occurrences:
                        raise BenchError(f"counted {answer}, not {times * occurrences}")
                    rates[name].append(times * piece_bytes / seconds / 1e9)
        rate = {name: median(of_name) for name, of_name in rates.items()}
        ratio = rate["forkjoin"] / rate["loopback"]
        yield row(f"text/plain stream of {times * piece_bytes / MIB:,.0f} MiB, chunked",
                  f"{rate['forkjoin']:.2f} GB/s : {rate['loopback']:.2f} GB/s discarded = {ratio:.2f}", ">= 0.7", ratio,
                  ratio >= 0.7, gb_per_s=rates)

    # Decoding by a team

    def number_decode(self):
        """Numbers in JSON, read by 1 thread and by as many as there are cores, up to 16."""
        threads = min(len(os.sched_getaffinity(0)), DECODE_THREADS)
        part = ",".join(map(repr, random_values(GAUSSIAN_COUNT // 10)))
        ms = {1: [], threads: []}
        files = {count: self.bench.file(f"decode-{count}.json",
                                        f'{{"y":0.5,"threads":{count},"x":[{",".join([part] * 20)}]}}') for count in ms}
        self.bench.say(f"decoding {2 * GAUSSIAN_COUNT:,} numbers, 1 and {threads} threads")
        with self.bench.forkjoin() as server:
            for _ in range(2 * self.bench.rounds + 1):
                for count, file in files.items():
                    ms[count].append(checked(exchange(server.port, "/v1/gaussian", file)).timing["decode"])
        one, many = median(ms[1]), median(ms[threads])
        yield row(f"decoding {2 * GAUSSIAN_COUNT:,} numbers in JSON ({os.path.getsize(files[1]) / 1e6:.0f} MB), "
                  f"{threads} : 1 threads", f"{many:.1f} ms : {one:.1f} ms = {one / many:.2f} x faster",
                  f">= 8 x with {DECODE_THREADS} threads" + ("" if threads == DECODE_THREADS else " (not judged here)"),
                  one / many, one / many >= 8 if threads == DECODE_THREADS else None, decode_ms=ms)

    # Memory: a server of its own for each row, so that its peak is the row's

    def memory(self):
        yield self.gaussian_memory()
        yield self.stream_memory()
        yield self.memory_after_burst()

    def gaussian_memory(self):
        count = MEMORY_COUNT // (10 if self.bench.quick else 1)
        self.bench.say(f"memory of a Gaussian of {count:,} elements in JSON")
        part = ",".join(map(repr, random_values(count // 100)))
        file = self.bench.file("memory.json", f'{{"y":0.5,"threads":2,"x":[{",".join([part] * 100)}]}}')
        body_bytes, array_bytes = os.path.getsize(file), 8 * count
        with self.bench.forkjoin("--max-body", "512MiB", "--memory", "4GiB") as server:
            reply = checked(exchange(server.port, "/v1/gaussian", file))
            peak = server.status("VmHWM")[0] * 1024
        limit = body_bytes + array_bytes + reply.body_bytes + OVERHEAD_MIB * MIB
        return row(f"peak memory, Gaussian of {count:,} elements in JSON",
                   f"{peak / MIB:,.0f} MiB : body {body_bytes / MIB:,.0f} + array {array_bytes / MIB:,.0f} + answer "
                   f"{reply.body_bytes / MIB:,.0f} MiB", f"<= their sum + {OVERHEAD_MIB} MiB = {limit / MIB:,.0f} MiB",
                   peak / limit, peak <= limit, peak_bytes=peak, limit_bytes=limit)

    def stream_memory(self):
        file, occurrences, piece_bytes = self.piece()
        times = ((512 if self.bench.quick else 4096) << 20) // piece_bytes
        self.bench.say(f"memory of a text/plain stream of {times * piece_bytes / MIB:,.0f} MiB")
        with self.bench.forkjoin() as server:
            seconds, answer = stream(self.bench.program("bench/fj-stream"), server, "/v1/wordcount?word=is", file,
                                     times)
            peak = server.status("VmHWM")[0] * 1024
        right = answer.get("count") == times * occurrences
        return row(f"peak memory, text/plain stream of {times * piece_bytes / MIB:,.0f} MiB",
                   f"{peak / MIB:,.1f} MiB ({seconds:.1f} s{'' if right else ', WRONG COUNT'})",
                   f"<= {STREAM_LIMIT_MIB} MiB in all", peak / MIB, right and peak <= STREAM_LIMIT_MIB * MIB,
                   seconds=seconds, answer=answer)

    def memory_after_burst(self):
        values = ",".join(map(repr, random_values(GAUSSIAN_COUNT)))
        file = self.bench.file("burst.json", f'{{"y":0.5,"threads":1,"x":[{values}]}}')
        with self.bench.forkjoin() as server:
            start = server.status("VmRSS")[0] / 1024
            self.bench.say(f"a burst of {BURST_CLIENTS} large requests at once, then idle for {IDLE_SECONDS} s")
            for _ in range(self.bench.rounds):
                together(server, file, BURST_CLIENTS, path="/v1/gaussian")
            peak = server.status("VmHWM")[0] / 1024
            time.sleep(IDLE_SECONDS)
            after = server.status("VmRSS")[0] / 1024
        return row(f"memory {IDLE_SECONDS} s after a burst of large requests",
                   f"start {start:,.0f} MiB, peak {peak:,.0f} MiB, after {after:,.0f} MiB",
                   f"<= start + {BURST_LIMIT_MIB} MiB", after - start, after - start <= BURST_LIMIT_MIB)
