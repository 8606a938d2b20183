"""The rows of the table: what is measured, against what, and how the figure is made.

What is compared is measured in turn (A B A B …) within the same minute, and medians are compared, so that a machine
whose speed wanders treats both alike.
"""

import json
import os
import random
import threading
import time
import urllib.request
from statistics import median

from servers import BenchError, JSON_HEADERS, Load, Server, exchange, free_port, nginx

SEED = 20240229
WORDS = ("the of and a to in is was he for it with as his on be at by that had not are but from or have an they which "
         "one you were her all she there would their we him been has when who will more no if out so said what up its "
         "about into than them can only other new some could time these two may then do first any my now such").split()

SMALL_TEXT = "The quick brown fox is here, and the lazy dog is there; that is all, ok"[:70]
LARGE_TEXT_BYTES = 50_000_000
GAUSSIAN_COUNT = 10_000_000
CYCLE_TEXT_BYTES = 200_000
CYCLE_CLIENTS = 16
BUSY_TARGET_MS = 4.0
SATURATING_SHARE = 0.95
SATURATION_CLIENTS = (1, 2, 4, 8, 16, 32)
OVERLOAD_FACTOR = 10
OVERLOAD_QUEUE = 4
IDLE_SECONDS = 10


def row(what, measured, target, value, reached, **detail):
    return {"what": what, "measured": measured, "target": target, "value": round(value, 4),
            "reached": None if reached is None else bool(reached), "detail": detail}


def unmeasured(what, target, why, **detail):
    """A row without a figure; makes the run end with status 1."""
    return {**row(what, f"not measured: {why}", target, 0, None, **detail), "failed": True}


def english(byte_count):
    """Text of about that many bytes: common words, lines of a dozen. The same in every run."""
    source = random.Random(SEED)
    piece, size = [], 0
    while size < min(byte_count, 1 << 20):
        line = " ".join(source.choices(WORDS, k=12)) + "\n"
        piece.append(line)
        size += len(line)
    text = "".join(piece)
    return (text * (byte_count // len(text) + 1))[:byte_count]


class Bench:
    def __init__(self, build, folder, quick):
        self.build = build
        self.folder = folder
        self.load = Load(self.program("bench/fj-load"), folder)
        self.quick = quick
        self.rounds = 2 if quick else 3
        self.seconds = 0.8 if quick else 2.0
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.client_core = cores[0], cores[-1]

    def program(self, name):
        return os.path.join(self.build, name)

    def say(self, text):
        print(f"  … {text}", flush=True)

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def body(self, name, **members):
        return self.file(name, json.dumps(members))

    def forkjoin(self, *options, log_level="warn"):
        return Server([self.program("forkjoin"), "--port", "0", "--log-level", log_level, *options], self.folder)

    # Rows 1 to 3: small requests

    def small_requests(self):
        body = self.body("small.json", text=SMALL_TEXT, word="is")
        limits = ("--io-threads", "1", "--max-connections", "4096", "--max-connections-per-address", "4096")
        with self.forkjoin(*limits) as ours:
            reply = exchange(ours.port, "/v1/wordcount", body)
            if reply.status != 200:
                raise BenchError(f"the small request was answered {reply.status}: {reply.tail!r}")
            ours.pin(self.server_core)
            answer = reply.tail.partition(b"\r\n\r\n")[2].decode()
            with nginx(self.folder, answer.strip()) as peer:
                peer.pin(self.server_core)
                rows = self.throughput(ours, peer, body)
            yield from rows
            with Server([self.program("bench/constant-server"), self.file("answer.json", answer)], self.folder) as peer:
                peer.pin(self.server_core)
                yield self.alone(ours, peer, body, self.client_core, "client on another core")
                yield self.alone(ours, peer, body, self.server_core, "client on the same core")
        yield self.logging(limits, body, rows[0])

    def throughput(self, ours, peer, body):
        self.say("small requests: nginx at 64 clients, forkjoin at 64, 512, 2000")
        plan = {"nginx 64": (peer, 64), "64": (ours, 64), "512": (ours, 512), "2000": (ours, 2000)}
        reports = {name: [] for name in plan}
        for _ in range(self.rounds):
            for name, (server, clients) in plan.items():
                reports[name].append(self.load.run(server, [body], clients, self.seconds, core=self.client_core))
        rate = {name: median(report["successes_per_s"] for report in of_name) for name, of_name in reports.items()}
        cpu = {name: median(report["server_cpu_us"] for report in of_name) for name, of_name in reports.items()}
        ratio = rate["64"] / rate["nginx 64"]
        rows = [row("small requests, 64 clients, one I/O thread, against nginx",
                    f"{rate['64']:,.0f}/s : {rate['nginx 64']:,.0f}/s = {ratio:.2f} "
                    f"(CPU {cpu['64']:.1f} : {cpu['nginx 64']:.1f} µs each)", ">= 0.85", ratio, ratio >= 0.85,
                    forkjoin=reports["64"], nginx=reports["nginx 64"])]
        for clients in ("512", "2000"):
            ratio = rate[clients] / rate["64"]
            fair = min(report["per_client"]["min"] / max(1, report["per_client"]["median"])
                       for report in reports[clients])
            rows.append(row(f"the same with {clients} clients",
                            f"{rate[clients]:,.0f}/s = {ratio:.2f}; slowest client {fair:.2f} of median",
                            ">= 0.6; slowest >= 0.25", ratio, ratio >= 0.6 and fair >= 0.25,
                            slowest_share=fair, reports=reports[clients]))
        return rows

    def logging(self, limits, body, reference):
        """One JSON line a request, into /dev/null: what logging costs. nginx had its access log off."""
        port = free_port()
        arguments = [self.program("forkjoin"), "--port", str(port), "--log-level", "info", *limits]
        with Server(arguments, self.folder, port, quiet=True) as server:
            server.pin(self.server_core)
            report = self.load.run(server, [body], 64, self.seconds, core=self.client_core)
        nginx_rate = median(peer["successes_per_s"] for peer in reference["detail"]["nginx"])
        ratio = report["successes_per_s"] / nginx_rate
        return row("small requests, 64 clients, logging every request to /dev/null",
                   f"{report['successes_per_s']:,.0f}/s = {ratio:.2f} of nginx without log", "for information", ratio,
                   None, report=report)

    def alone(self, ours, peer, body, client_core, where):
        """Where the two sit decides more than all else: waking a sleeping core takes far longer than the request."""
        self.say(f"one small request at a time, {where}")
        p50 = {"ours": [], "constant": []}
        for _ in range(self.rounds):
            for name, server in (("constant", peer), ("ours", ours)):
                report = self.load.run(server, [body], 1, self.seconds / 2, 0.2, client_core)
                p50[name].append(report["answered_ms"]["p50"])
        ratio = median(p50["ours"]) / median(p50["constant"])
        return row(f"one small request alone, {where}, against a constant from libmicrohttpd",
                   f"{median(p50['ours']) * 1000:.1f} µs : {median(p50['constant']) * 1000:.1f} µs = {ratio:.2f}",
                   "<= 1.5", ratio, ratio <= 1.5, p50_ms=p50)

    # Rows 4 and 5: large requests

    def large_requests(self):
        text = english(LARGE_TEXT_BYTES)
        exact = self.body("large.json", text=text, word="is", threads=1)
        letters = self.body("letters.json", text=text, word="is", match="letters", threads=1)
        plain = self.file("large.txt", text)
        del text
        streamed = {"path": "/v1/wordcount?word=is&threads=1", "headers": ("Content-Type: text/plain",)}
        with self.forkjoin("--cores", "2", "--max-body", "512MiB", "--memory", "4GiB") as server:
            with Server([self.program("bench/discard-server")], self.folder) as discard:
                yield self.two_at_once(server, exact, "word count, JSON", discard)
                for what, body, request in (("match: letters", letters, {}), ("text/plain", plain, streamed)):
                    entry = self.two_at_once(server, body, what, discard, **request)
                    yield {**entry, "target": "for information", "reached": None}
            yield self.gaussian(server)
            yield self.memory_after(server, "the large requests")

    def two_at_once(self, server, body, what, discard, **request):
        """The last figure is what the two transfers alone cost each other, on the same cores."""
        self.say(f"one and two 50 MB requests: {what}")
        seconds, work = {"one": [], "two": [], "one discarded": [], "two discarded": []}, {"one": [], "two": []}
        for _ in range(2 if self.quick else 2 * self.rounds + 1):
            for name, count in (("one", 1), ("two", 2)):
                taken, replies = together(server, body, count, **request)
                seconds[name].append(taken)
                work[name] += [reply.timing["decode"] + reply.timing["compute"] for reply in replies]
                seconds[name + " discarded"].append(together(discard, body, count, "/v1/200")[0])
        ms = {name: median(of_name) * 1000 for name, of_name in seconds.items()}
        ratio = ms["two"] / ms["one"]
        of_work = median(work["two"]) / median(work["one"])
        return row(f"two threads: 1 requests at once, 50 MB each, against one: {what}",
                   f"{ms['two']:.0f} ms : {ms['one']:.0f} ms = {ratio:.2f} "
                   f"(decode + compute {median(work['two']):.1f} : {median(work['one']):.1f} = {of_work:.2f}; "
                   f"bytes alone {ms['two discarded']:.0f} : {ms['one discarded']:.0f} ms = "
                   f"{ms['two discarded'] / ms['one discarded']:.2f})",
                   "<= 1.15", ratio, ratio <= 1.15, seconds=seconds, work_ms=work,
                   last_timing=replies[0].timing)

    def gaussian(self, server):
        self.say("Gaussian, 10,000,000 elements, 1 and 2 threads")
        source = random.Random(SEED)
        numbers = ",".join(f"{source.randrange(-999, 1000) / 100:.2f}" for _ in range(100_000))
        numbers = ",".join([numbers] * (GAUSSIAN_COUNT // 100_000))
        bodies = {threads: self.file(f"gaussian{threads}.json", f'{{"threads":{threads},"y":0.5,"x":[{numbers}]}}')
                  for threads in (1, 2)}
        timings = {1: [], 2: []}
        for _ in range(1 if self.quick else self.rounds + 2):
            for threads, body in bodies.items():
                timings[threads].append(checked(exchange(server.port, "/v1/gaussian", body)).timing)
        ms = {threads: median(timing["compute"] for timing in timings[threads]) for threads in (1, 2)}
        ratio = ms[1] / ms[2]
        return row("Gaussian, 10,000,000 elements, compute_ms, 2 threads against 1",
                   f"{ms[1]:.1f} ms : {ms[2]:.1f} ms = {ratio:.2f}", ">= 1.7", ratio, ratio >= 1.7,
                   timing_ms={str(threads): timings[threads] for threads in timings})

    def memory_after(self, server, what):
        burst = server.status("VmHWM", "VmRSS")
        self.say(f"idle for {IDLE_SECONDS} s")
        time.sleep(IDLE_SECONDS)
        idle = server.status("VmRSS")[0]
        return row(f"memory after {what}",
                   f"peak {burst[0] / 1024:.0f} MiB, then {burst[1] / 1024:.0f} MiB, "
                   f"after {IDLE_SECONDS} s idle {idle / 1024:.0f} MiB", "for information", idle / 1024, None)

    # Row 6: thread counts

    def cycling_threads(self):
        self.say("requests cycling through threads 1 to 8")
        text = english(CYCLE_TEXT_BYTES)
        bodies = [self.body(f"cycle{threads}.json", text=text, word="is", match="letters", threads=threads)
                  for threads in range(1, 9)]
        seconds = 2 if self.quick else 5
        with self.forkjoin("--cores", "8") as server:
            self.settle(server, bodies)
            process = self.load.start(server, bodies, CYCLE_CLIENTS, seconds + 1, 0)
            time.sleep(0.5)
            known, seen, counts, samples = server.thread_ids(), set(), set(), 0
            begun = state(server)["lane_threads_begun"]
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                seen |= server.thread_ids()
                counts.add(server.status("Threads")[0])
                samples += 1
                time.sleep(0.01)
            report = self.load.finish(process)
            begun = state(server)["lane_threads_begun"] - begun
        fresh = len(seen - known)
        steady = len(counts) == 1 and fresh == 0 and begun == 0
        yield row("requests cycling threads 1…8 under load: process thread count",
                  f"{min(counts)} to {max(counts)}, {fresh} new thread ids in {samples} looks; {begun} threads begun "
                  f"during {report['successes']:,} requests", "constant, none begun", max(counts),
                  steady and report["successes"] > 0, report=report)

    def settle(self, server, bodies):
        """Warm-up: teams are made on demand, so until a few seconds of load in a row have asked for no new one."""
        unchanged, count = 0, 0
        for _ in range(8 if self.quick else 20):
            self.load.run(server, bodies, CYCLE_CLIENTS, 1, 0)
            before, count = count, server.status("Threads")[0]
            unchanged = unchanged + 1 if count == before else 0
            if unchanged == (2 if self.quick else 4):
                return

    # Row 7: overload

    def overload(self):
        with self.forkjoin("--queue", str(OVERLOAD_QUEUE)) as server:
            body, busy_ms = self.busy_body(server)
            yield from self.overloaded(server, body, "/v1/gaussian", f"{busy_ms:.1f} ms requests")
            yield self.memory_after(server, "overload")
        text = self.body("overload.json", text=english(4 << 20), word="is", match="letters", threads=1)
        with self.forkjoin("--queue", str(OVERLOAD_QUEUE)) as server:
            yield from self.overloaded(server, text, "/v1/wordcount", "4 MB requests", least_share=0.95, most_ms=20)

    def overloaded(self, server, body, path, what, least_share=0.9, most_ms=10):
        """Goodput is to stay at least_share of its peak, and refusals' p99 within most_ms."""
        def load(clients, seconds):
            return self.load.run(server, [body], clients, seconds, 0.3, path=path)

        self.say(f"overload, {what}: finding the number of clients that saturates")
        goodput = {clients: load(clients, self.seconds / 2)["successes_per_s"] for clients in SATURATION_CLIENTS}
        enough = SATURATING_SHARE * max(goodput.values())
        saturating = min(clients for clients, rate in goodput.items() if rate >= enough)
        self.say(f"overload, {what}: {saturating} and {saturating * OVERLOAD_FACTOR} clients")
        peak, over = [], []
        for _ in range(self.rounds):
            peak.append(load(saturating, self.seconds))
            over.append(load(saturating * OVERLOAD_FACTOR, self.seconds))
        rate = median(report["successes_per_s"] for report in over)
        ratio = rate / max(median(report["successes_per_s"] for report in peak), 1e-9)
        refused = {name: median(report["refused_ms"][name] for report in over) for name in ("count", "p50", "p99")}
        refused["max"] = max(report["refused_ms"]["max"] for report in over)
        failures = sum(sum(report["failures"].values()) for report in over)
        load_cores = [median(report["client_cpu_share"] for report in reports) for reports in (peak, over)]
        yield row(f"overload: {OVERLOAD_FACTOR} x the {saturating} clients that saturate ({what})",
                  f"goodput {rate:,.0f}/s = {ratio:.2f} of peak (the clients took {load_cores[1]:.2f} of a core, "
                  f"{load_cores[0]:.2f} at the peak)", f">= {least_share}", ratio, ratio >= least_share,
                  goodput_by_clients=goodput, peak=peak, over=over)
        yield row(f"overload: refusals (503) answered within ({what})",
                  f"p50 {refused['p50']:.1f} ms, p99 {refused['p99']:.1f} ms, max {refused['max']:.1f} ms "
                  f"({refused['count']:.0f} a run, {failures} lost connections)", f"p99 <= {most_ms} ms", refused["p99"],
                  refused["count"] > 0 and refused["p99"] <= most_ms and failures == 0)

    def busy_body(self, server):
        """A request that keeps one core busy for about BUSY_TARGET_MS; its length is found by trying. One digit in and
        six characters out per element: much work for few bytes, so that it isn't the transfer that saturates."""
        count, busy_ms, source = 50_000, 0.0, random.Random(SEED)
        for _ in range(4):
            numbers = ",".join(source.choices("123456789", k=count))
            body = self.file("busy.json", f'{{"threads":1,"precision":3,"y":0.5,"gamma":0.1,"x":[{numbers}]}}')
            timings = [checked(exchange(server.port, "/v1/gaussian", body)).timing for _ in range(5)]
            busy_ms = median(timing["decode"] + timing["compute"] + timing["encode"] for timing in timings)
            if 0.8 <= busy_ms / BUSY_TARGET_MS <= 1.25:
                break
            count = max(5_000, min(500_000, int(count * BUSY_TARGET_MS / max(busy_ms, 0.01))))
        return body, busy_ms


def checked(reply):
    if reply.status != 200:
        raise BenchError(f"answered {reply.status}: {reply.tail[-300:]!r}")
    return reply


def together(server, body, count, path="/v1/wordcount", headers=JSON_HEADERS):
    """Sends count requests at once. (seconds until the last answer was complete, replies)"""
    barrier = threading.Barrier(count)
    replies, failures = [], []

    def send():
        try:
            replies.append(checked(exchange(server.port, path, body, barrier, headers)))
        except (OSError, BenchError, threading.BrokenBarrierError) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise BenchError(f"a large request failed: {failures[0]}")
    return max(reply.seconds for reply in replies), replies


def state(server):
    """What /healthz says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=10) as answer:
        return json.load(answer)


