"""Rows about calls side by side: what one caller, or one kind of work, costs another."""

import gzip
import json
import os
import random
import subprocess
import time
from contextlib import contextmanager
from statistics import median

from rows import SEED, checked, english, row, state
from servers import BenchError, exchange

CROWD, HONEST = "127.0.0.2", "127.0.0.3"
CROWD_QUEUED = 1000
CROWD_OPTIONS = ("--cores", "2", "--queue", "2000", "--max-connections", "4096", "--max-connections-per-address",
                 "2048")
HONEST_LIMIT = 3

PIECE_BYTES = 1 << 20
WINDOW_BYTES = 1 << 20  # server/engine/endpoint.h
VOCABULARY = 50_000
STREAM_TIMES = 100_000  # more than any run takes: the streams are ended
WIDE_LIMIT = 10
WIDE_PAUSE_SECONDS = 0.02
WIDE_RANGES = [1_000_000] * 2  # about half a millisecond, and next to no bytes
PIECES_MEASURED = 16

SWEEP_CORES = 64
SWEEP_LIMIT_MS = 0.5
PROBE_LIMIT_MS = 1.0
PROBE_PAUSE_MS = 2


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Sharing:
    def __init__(self, bench):
        self.bench = bench
        self.load = bench.load

    # What the engine adds to a call

    def calls(self):
        self.bench.say("small calls without a connection")
        output = subprocess.run([self.bench.program("bench/calls")], capture_output=True, text=True, timeout=60,
                                check=True).stdout
        for line in output.splitlines():
            report = json.loads(line)
            engine_us = report["engine_ns"] / 1000
            yield row(f"a call without a connection, {report['call']}: what a run's life adds to its handler's work",
                      f"{report['life_ns'] / 1000:.2f} µs - {report['handler_ns'] / 1000:.2f} µs = {engine_us:.2f} µs",
                      "<= 2 µs", engine_us, engine_us <= 2, **report)

    # One caller beside another

    def principals(self):
        self.bench.say(f"one client beside {CROWD_QUEUED} queued requests of another address")
        idle, beside, queued = [], [], []
        with self.bench.forkjoin(*CROWD_OPTIONS) as server:
            body, busy_ms = self.bench.busy_body(server)
            for _ in range(self.bench.rounds):
                idle.append(self.honest(server, body))
                with self.crowd(server, body) as process:
                    beside.append(self.honest(server, body))
                    queued.append(state(server)["queued"])
                    if process.poll() is not None:
                        raise BenchError("the crowd went home early")
        p99 = {name: median(report["answered_ms"]["p99"] for report in reports)
               for name, reports in (("idle", idle), ("beside", beside))}
        refused = sum(report["refused_ms"]["count"] for report in beside)
        ratio = p99["beside"] / p99["idle"]
        yield row(f"one client's {busy_ms:.1f} ms requests beside {CROWD_QUEUED:,} of another address, p99 against idle",
                  f"{p99['beside']:.1f} ms : {p99['idle']:.1f} ms = {ratio:.2f} ({median(queued):,.0f} queued, "
                  f"{refused:.0f} refused)", f"<= {HONEST_LIMIT}", ratio,
                  ratio <= HONEST_LIMIT and refused == 0 and min(queued) >= 0.9 * CROWD_QUEUED,
                  idle=idle, beside=beside, queued=queued)

    def honest(self, server, body):
        process = self.load.start(server, [body], 1, 2 * self.bench.seconds, 0.3, path="/v1/gaussian", source=HONEST)
        return self.load.finish(process)

    @contextmanager
    def crowd(self, server, body):
        """From when its requests are queued on: a client each, which asks again at once."""
        seconds = 6 * self.bench.seconds + 30
        process = self.load.start(server, [body], CROWD_QUEUED + 2, seconds, 0, path="/v1/gaussian", source=CROWD)
        try:
            end = time.monotonic() + 20
            while state(server)["queued"] < CROWD_QUEUED:
                if time.monotonic() > end or process.poll() is not None:
                    raise BenchError(f"the crowd never had {CROWD_QUEUED} requests queued")
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.communicate()
            self.settle(server)

    @staticmethod
    def settle(server):
        """Until what clients that are gone had queued is gone as well."""
        end = time.monotonic() + 30
        while (now := state(server))["queued"] > 0 or now["running"] > 0:
            if time.monotonic() > end:
                raise BenchError("the queue isn't empty 30 s after its clients left")
            time.sleep(0.05)

    # Wide among narrow

    def wide(self):
        """A request for two threads beside streams that have one each and never end."""
        wide = self.bench.body("wide.json", threads=2, ranges=WIDE_RANGES)
        with self.bench.forkjoin("--cores", "2") as server:
            for what, count, _, *request in self.narrow_streams():
                yield self.wide_beside(server, wide, count, what, *request)

    def narrow_streams(self):
        """Two kinds: what, how many at once, of how many files a second's work or so is, path, file, coding."""
        text = english(PIECE_BYTES)
        source = random.Random(SEED)
        words = "\n".join(f"word{source.randrange(VOCABULARY)}" for _ in range(PIECE_BYTES // 10)) + "\n"
        zipped = os.path.join(self.bench.folder, "piece.gz")
        with open(zipped, "wb") as file:
            file.write(gzip.compress(text.encode()))
        vocabulary = self.bench.file("vocabulary.txt", words)
        return (("gzip", 2, 300, "/v1/wordcount?word=is&threads=1", zipped, "gzip"),
                (f"top words of {VOCABULARY:,}", 3, 150, "/v1/wordcount?top=10&threads=1", vocabulary))

    def stream(self, server, path, file, times, *coding):
        arguments = [self.bench.program("bench/fj-stream"), str(server.port), path, "text/plain", file, str(times),
                     *coding]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def piece_ms(self, server, count, path, file, *coding):
        """How long a lane has a window: so many streams with nobody wide beside them, their work over their windows."""
        times = max(1, PIECES_MEASURED * WINDOW_BYTES // os.path.getsize(file))
        windows = -(-times * os.path.getsize(file) // WINDOW_BYTES)
        streams = [self.stream(server, path, file, times, *coding) for _ in range(count)]
        outputs = [stream.communicate(timeout=60)[0].partition("\n") for stream in streams]
        if not all(timing.endswith(" 200") for timing, _, _ in outputs):
            raise BenchError(f"a stream failed: {outputs[0]}")
        return max(json.loads(answer)["timing"]["compute_ms"] for _, _, answer in outputs) / windows

    def ask_wide(self, server, wide, seconds):
        """(ms until answered, ms in the queue) of each, one after the other."""
        taken = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            reply = checked(exchange(server.port, "/v1/triangular", wide))
            taken.append((reply.seconds * 1000, reply.timing["queue"]))
            time.sleep(WIDE_PAUSE_SECONDS)
        return taken

    def wide_beside(self, server, wide, count, what, path, file, *coding):
        self.bench.say(f"a wide request beside {count} streams: {what}")
        piece_ms = median(self.piece_ms(server, count, path, file, *coding) for _ in range(self.bench.rounds))
        seconds = 2 * self.bench.seconds
        idle = self.ask_wide(server, wide, seconds)
        streams = [self.stream(server, path, file, STREAM_TIMES, *coding) for _ in range(count)]
        try:
            time.sleep(0.5)
            beside = self.ask_wide(server, wide, 2 * seconds)
            if any(stream.poll() is not None for stream in streams):
                raise BenchError("a stream ended early")
        finally:
            for stream in streams:
                stream.kill()
                stream.communicate()
        Sharing.settle(server)
        idle_ms, beside_ms = median(ms for ms, _ in idle), [ms for ms, _ in beside]
        worst, queued = max(beside_ms), max(ms for _, ms in beside)
        ratio = (worst - idle_ms) / piece_ms
        return row(f"a request for 2 threads beside {count} streams with one thread each ({what})",
                   f"median {median(beside_ms):.1f} ms, longest {worst:.1f} of {len(beside_ms)} ({queued:.1f} of "
                   f"them in the queue; idle {idle_ms:.1f} ms): "
                   f"{ratio:.1f} x a stream's piece of {piece_ms:.1f} ms",
                   f"longest - idle <= {WIDE_LIMIT} pieces", ratio, ratio <= WIDE_LIMIT, piece_ms=piece_ms, idle=idle,
                   beside=beside)

    # Teams of all sizes

    def team_sizes(self):
        """On as many cores as a large machine has, whatever this one has: teams of every size in turn."""
        self.bench.say(f"team sizes 2 to {SWEEP_CORES} in turn")
        text = english(200_000)
        bodies = [self.bench.body(f"sweep{threads}.json", text=text, word="is", match="letters", threads=threads)
                  for threads in range(2, SWEEP_CORES + 1)]
        with self.bench.forkjoin("--cores", str(SWEEP_CORES), "--io-threads", "1") as server:
            first_probe, (first, _) = self.probe(server, lambda _: self.sweep(server, bodies), self.bench.seconds)
            begun = state(server)["lane_threads_begun"]
            idle, probes, later, narrow = [], [], [], 0
            for _ in range(self.bench.rounds):
                idle.append(self.probe(server, time.sleep, self.bench.seconds)[0])
                probe, (queue_ms, narrowed) = self.probe(
                    server, lambda seconds: self.sweep(server, bodies, seconds), self.bench.seconds)
                probes.append(probe)
                later += queue_ms
                narrow += narrowed
            begun = state(server)["lane_threads_begun"] - begun
        queue_ms = median(later)
        yield row(f"team sizes 2…{SWEEP_CORES} in turn on --cores {SWEEP_CORES}: queue_ms after the first pass",
                  f"median {queue_ms:.2f} ms, p99 {percentile(later, 0.99):.2f} ms of {len(later):,} "
                  f"(first pass: median {median(first):.2f}, longest {max(first):.2f} ms); "
                  f"{begun} threads begun, {narrow} teams narrower since theirs was still being started",
                  f"median <= {SWEEP_LIMIT_MS} ms; none begun", queue_ms,
                  queue_ms <= SWEEP_LIMIT_MS and begun == 0 and narrow == 0,
                  first_ms=first, later_ms=later)
        p99 = [median(report["answered_ms"]["p99"] for report in reports) for reports in (probes, idle)]
        yield row("/livez on that loop meanwhile, p99",
                  f"{p99[0]:.2f} ms, idle {p99[1]:.2f} ms (longest in the first pass "
                  f"{first_probe['answered_ms']['max']:.2f} ms)",
                  f"<= idle + {PROBE_LIMIT_MS:.0f} ms", p99[0] - p99[1], p99[0] - p99[1] <= PROBE_LIMIT_MS,
                  idle=idle, sweeping=probes, first=first_probe)

    def sweep(self, server, bodies, seconds=0):
        """All sizes in turn, once at least: (what each waited, how many got less since a team was being made)."""
        queue_ms, narrowed = [], 0
        end = time.monotonic() + seconds
        while not queue_ms or time.monotonic() < end:
            for body in bodies:
                reply = checked(exchange(server.port, "/v1/wordcount", body))
                queue_ms.append(reply.timing["queue"])
                narrowed += b"still being started" in reply.tail
        return queue_ms, narrowed

    def probe(self, server, meanwhile, seconds):
        """(the report of asking /livez every few milliseconds, what `meanwhile` returned)"""
        process = self.load.start(server, [], 1, seconds + 0.3, 0.1, path="/livez", headers=(), method="GET",
                                  pace_ms=PROBE_PAUSE_MS)
        time.sleep(0.3)  # it has started, and is warm
        outcome = meanwhile(seconds)
        return self.load.finish(process), outcome
