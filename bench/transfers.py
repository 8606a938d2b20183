"""Rows about bytes: whole round trips, streams and memory, next to what a plain socket does with the same bytes.

discard-server reads a request and answers as many bytes as forkjoin did; the same client drives both, in turn.
"""

import array
import json
import os
import random
import time
from statistics import median

import peers
from rows import IDLE_SECONDS, SEED, checked, english, row, together
from servers import BenchError, Server, exchange, stream

MIB = 1 << 20
ZEN_TIMES = 1000
GAUSSIAN_COUNT = 1_000_000
MEMORY_COUNT = 10_000_000
STREAM_PIECE_BYTES = 256 * 1024
OVERHEAD_MIB = 16
STREAM_LIMIT_MIB = 64
BURST_LIMIT_MIB = 32
BURST_CLIENTS = 4


def random_values(count):
    source = random.Random(SEED)
    return [source.random() for _ in range(count)]


def npy_file(values):
    """A one-dimensional array of doubles as NumPy writes it: version 1.0, header padded to 128 bytes."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(values)},), }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n" + array.array("d", values).tobytes()


class Transfers:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = bench.seconds

    def discard(self):
        return Server([self.bench.program("bench/discard-server")], self.bench.folder)

    def bytes_file(self, name, content):
        path = os.path.join(self.bench.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    # Whole round trips

    def round_trips(self):
        with open(os.path.join(os.path.dirname(__file__), "../tests/fixtures/zen.txt"), "rb") as file:
            zen = file.read() * ZEN_TIMES
        x, y = random_values(GAUSSIAN_COUNT), random_values(2 * GAUSSIAN_COUNT)[GAUSSIAN_COUNT:]
        numbers, arrays = json.dumps({"x": x, "y": y, "threads": 2}).encode(), npy_file(x) + npy_file(y)
        few = json.dumps({"x": x[:1000], "y": y[:1000], "threads": 2}).encode()
        words = json.dumps({"text": zen.decode(), "word": "is", "threads": 2}).encode()
        as_json, as_npy = ("application/json", "application/json"), ("application/x-npy", "application/x-npy")
        of_json = peers.with_numpy(peers.gaussian_json, peers.gaussian_json_numpy)
        of_npy = peers.with_numpy(peers.gaussian_npy, peers.gaussian_npy_numpy)
        with self.bench.forkjoin() as ours, self.discard() as plain:
            both = ours, plain
            yield self.round_trip(both, "word count, 858 kB of JSON", "/v1/wordcount", words, as_json,
                                  [("Python", peers.count_json)], 0.6, "rayon")
            yield self.round_trip(both, "word count, 858 kB of text/plain", "/v1/wordcount?word=is&threads=2", zen,
                                  ("text/plain", "application/json"), [("Python", peers.count_text)], 0.33, "rayon")
            yield self.round_trip(both, "Gaussian, JSON, 1,000 elements", "/v1/gaussian", few, as_json, of_json,
                                  0.19, "Rust")
            yield self.round_trip(both, "Gaussian, JSON, 1,000,000 elements", "/v1/gaussian", numbers, as_json,
                                  of_json, 75, "Rust")
            yield self.round_trip(both, "Gaussian, .npy, 1,000,000 elements", "/v1/gaussian?threads=2", arrays, as_npy,
                                  of_npy, 12.5, "Rust")

    def round_trip(self, servers, what, path, body, media_types, in_process, limit_ms, peer):
        self.bench.say(f"round trip: {what}")
        ours, plain = servers
        file = self.bytes_file("round-trip", body)
        headers = [f"Content-Type: {media_types[0]}", f"Accept: {media_types[1]}"]
        answer_bytes = checked(exchange(ours.port, path, file, headers=headers)).body_bytes
        reports = {"forkjoin": [], "loopback": []}
        for _ in range(self.bench.rounds):
            for name, server, target in (("forkjoin", ours, path), ("loopback", plain, f"/v1/{answer_bytes}")):
                report = self.bench.load.run(server, [file], 1, self.seconds / 2, 0.3, path=target, headers=headers)
                if report["successes"] == 0 or report["successes"] != report["answers"]:
                    raise BenchError(f"{what}: {name} answered {report['status']}")
                reports[name].append(report)
        ms = {name: median(report["answered_ms"]["p50"] for report in of_name) for name, of_name in reports.items()}
        peer_ms = {name: peers.best_ms(function, body, self.seconds / 2) for name, function in in_process}
        beside = "; ".join(f"{name} in-process {value:,.3g} ms = {value / ms['forkjoin']:.1f} x"
                           for name, value in peer_ms.items())
        return row(f"round trip, {what} ({len(body) / 1e6:,.3g} MB in, {answer_bytes / 1e6:,.3g} MB out)",
                   f"{ms['forkjoin']:.3g} ms = {ms['forkjoin'] / ms['loopback']:.1f} x loopback alone "
                   f"({ms['loopback']:.3g} ms); {beside}", f"<= {limit_ms:g} ms ({peer}, another machine)",
                   ms["forkjoin"],
                   ms["forkjoin"] <= limit_ms, ms=ms, in_process_ms=peer_ms, reports=reports)

    # Streams

    def piece(self):
        """(file, occurrences of "is"): whole lines, so that pieces sent one after the other don't make new words."""
        text = english(STREAM_PIECE_BYTES)
        text = text[:text.rindex("\n") + 1]
        return self.bench.file("piece.txt", text), peers.count_lines(text, "is"), len(text)

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
