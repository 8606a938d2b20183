"""Rows about whole round trips, next to peers that do the same work, on the same machine in the same minutes.

Everyone is asked by the same client over one keep-alive connection, but for what runs inside a Python process. Before
anything is timed, each result is compared with forkjoin's. discard-server reads a request and answers as many bytes
as forkjoin did: what the bytes alone take.
"""

import array
import http.client
import json
import os
import time
from statistics import median

import in_process
from contestants import THREADS, Contestants
from rows import row, unmeasured
from servers import EXCHANGE_SECONDS, BenchError, Server
from transfers import random_values

WORD = "is"
ZEN_TIMES = 1000
FEW, MANY = 1000, 1_000_000
CALLS_MIN = 3
NPY_HEADER_BYTES = 128
# z is at most 1: a few units in the last place, from exp, the products and, in serde_json, from reading the numbers.
TOLERANCE = 1e-15
JSON, TEXT, NPY = "application/json", "text/plain", "application/x-npy"


def npy_file(values):
    """A one-dimensional array of doubles as NumPy writes it: version 1.0, header padded to 128 bytes."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(values)},), }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n" + array.array("d", values).tobytes()


def figure(value, digits=3):
    """With that many significant digits, but no exponent."""
    return f"{float(f'{value:.{digits}g}'):,g}"


class Request:
    def __init__(self, folder, path, body, media_type=JSON, accepted=JSON):
        self.path, self.body, self.media_type, self.accepted = path, body, media_type, accepted
        self.headers = {"Content-Type": media_type, "Accept": accepted}
        self.file = os.path.join(folder, f"round-trip-{time.monotonic_ns()}")
        with open(self.file, "wb") as file:
            file.write(body)

    def ask(self, server):
        """(body of the answer, seconds)"""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=EXCHANGE_SECONDS)
        try:
            connection.request("POST", self.path, self.body, self.headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise BenchError(f"{server.name} answered {response.status}: {answer[:200]!r}")
        return answer, time.monotonic() - begun


def result_of(answer):
    """What was asked for: the count, or z as an array."""
    if answer.startswith(b"\x93NUMPY"):
        return array.array("d", answer[NPY_HEADER_BYTES:])
    members = json.loads(answer)
    return array.array("d", members["z"]) if "z" in members else members["count"]


def check_same(name, result, expected):
    if isinstance(expected, int):
        same = result == expected
    else:
        same = len(result) == len(expected) and all(abs(a - b) <= TOLERANCE for a, b in zip(result, expected))
    if not same:
        raise BenchError(f"the result of {name} isn't forkjoin's")


class Case:
    """One line of the table. ours: forkjoin's request; theirs: the services'; peers: who is asked; reference: the peer
    that the ratio's target is about, ratio_max of whose time (and limit_ms, if given) forkjoin may take."""

    def __init__(self, what, ours, theirs, peers, reference, ratio_max, in_process_peers, limit_ms=None):
        self.what, self.ours, self.theirs, self.peers = what, ours, theirs, peers
        self.reference, self.ratio_max, self.limit_ms = reference, ratio_max, limit_ms
        self.in_process_peers = in_process_peers


class PeerRows:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = bench.seconds / 2
        self.servers = self.contestants = self.text_file = None

    def rows(self):
        discard = Server([self.bench.program("bench/discard-server")], self.bench.folder)
        with self.bench.forkjoin() as ours, discard as loopback, Contestants(self.bench) as self.contestants:
            self.servers = {"forkjoin": ours, "loopback alone": loopback, **self.contestants.servers}
            for case in self.cases():
                try:
                    yield from self.compare(case)
                except BenchError as failure:
                    yield unmeasured(f"round trip, {case.what}", "", str(failure))

    def cases(self):
        folder = self.bench.folder
        with open(os.path.join(os.path.dirname(__file__), "../tests/fixtures/zen.txt"), encoding="utf-8") as file:
            zen = file.read() * ZEN_TIMES
        self.text_file = self.bench.file("zen.txt", zen)
        words = Request(folder, "/v1/wordcount",
                        json.dumps({"text": zen, "word": WORD, "threads": THREADS}).encode())
        yield Case("word count, 858 kB of JSON", words, words, ("rayon", "Rust", "FastAPI", "plain C"), "rayon", 0.5,
                   [("Python", in_process.count_json)], limit_ms=0.6)
        yield Case("word count, 858 kB of text/plain",
                   Request(folder, f"/v1/wordcount?word={WORD}&threads={THREADS}", zen.encode(), TEXT), None,
                   ("rayon",), "rayon", 0.3, [("Python", in_process.count_text)])
        x, y = random_values(MANY), random_values(2 * MANY)[MANY:]
        as_json = in_process.with_numpy(in_process.gaussian_json, in_process.gaussian_json_numpy)
        for count, ratio_max in ((FEW, 0.6), (MANY, 0.3)):
            numbers = Request(folder, "/v1/gaussian",
                              json.dumps({"x": x[:count], "y": y[:count], "threads": THREADS}).encode())
            yield Case(f"Gaussian, JSON, {count:,} elements", numbers, numbers, ("Rust", "FastAPI", "plain C"), "Rust",
                       ratio_max, as_json)
        arrays = Request(folder, f"/v1/gaussian?threads={THREADS}", npy_file(x) + npy_file(y), NPY, NPY)
        as_npy = in_process.with_numpy(in_process.gaussian_npy, in_process.gaussian_npy_numpy)
        yield Case(f"Gaussian, .npy, {MANY:,} elements, against JSON", arrays, numbers, ("Rust",), "Rust", 0.05, as_npy)

    def compare(self, case):
        self.bench.say(f"round trip: {case.what}")
        answer, seconds = case.ours.ask(self.servers["forkjoin"])
        result = result_of(answer)
        ready, missing = self.admit(case, result, max(self.seconds, CALLS_MIN * seconds))
        reports = {name: [] for name in ready}
        for _ in range(self.bench.rounds):
            for name, measure in ready.items():
                reports[name].append(measure(len(answer)))
        ms = {name: median(report["p50_ms"] for report in of_name) for name, of_name in reports.items()}
        for name, function in case.in_process_peers:
            check_same(f"{name} in-process", result_of(function(case.ours.body)), result)
            ms[f"{name} in-process"] = in_process.best_ms(function, case.ours.body, self.seconds)
        yield self.judged(case, ms, missing, len(answer), reports)
        yield self.beside(case, ms, missing)

    def admit(self, case, result, seconds):
        """Asks every peer once: (what measures those that answer right, by name; why the others aren't, by name)."""
        ready = {"forkjoin": self.over_http("forkjoin", case.ours, seconds),
                 "loopback alone": lambda answer_bytes: self.load("loopback alone", case.ours, seconds,
                                                                  f"/v1/{answer_bytes}")}
        missing = {}
        for name in case.peers:
            try:
                if name in self.contestants.missing:
                    raise BenchError(self.contestants.missing[name])
                if name == "rayon":
                    check_same(name, self.contestants.search("search", self.text_file, WORD, 0)["count"], result)
                    ready[name] = self.rayon
                else:
                    answer, call_seconds = case.theirs.ask(self.servers[name])
                    check_same(name, result_of(answer), result)
                    ready[name] = self.over_http(name, case.theirs, max(self.seconds, CALLS_MIN * call_seconds))
            except (BenchError, OSError, ValueError, KeyError) as failure:
                missing[name] = str(failure)
        return ready, missing

    def over_http(self, name, request, seconds):
        return lambda _: self.load(name, request, seconds, request.path)

    def load(self, name, request, seconds, path):
        headers = [f"{field}: {value}" for field, value in request.headers.items()]
        report = self.bench.load.run(self.servers[name], [request.file], 1, seconds, 0.3, path=path, headers=headers)
        if report["successes"] == 0 or report["successes"] != report["answers"]:
            raise BenchError(f"{name} answered {report['status']}")
        return {"p50_ms": report["answered_ms"]["p50"], **report}

    def rayon(self, _):
        report = self.contestants.search("search", self.text_file, WORD, self.seconds)
        return {"p50_ms": report["ms"]["p50"], **report}

    @staticmethod
    def judged(case, ms, missing, answer_bytes, reports):
        what = f"round trip, {case.what} ({len(case.ours.body) / 1e6:,.3g} MB in, {answer_bytes / 1e6:,.3g} MB out)"
        reference = "rayon in-process" if case.reference == "rayon" else f"the service in {case.reference}"
        target = f"<= {case.ratio_max:g} x {reference}"
        if case.limit_ms:
            target += f" and <= {case.limit_ms:g} ms"
        if case.reference in missing:
            reason = f"{missing[case.reference]} (forkjoin: {figure(ms['forkjoin'])} ms)"
            return unmeasured(what, target, f"{case.reference}: {reason}", ms=ms)
        ratio = ms["forkjoin"] / ms[case.reference]
        reached = ratio <= case.ratio_max and ms["forkjoin"] <= (case.limit_ms or ms["forkjoin"])
        return row(what, f"{figure(ms['forkjoin'])} ms : {figure(ms[case.reference])} ms = {ratio:.2f}", target,
                   ratio, reached, ms=ms, reports=reports)

    @staticmethod
    def beside(case, ms, missing):
        """Everyone's time as a multiple of forkjoin's."""
        others = [f"{name} {figure(value)} ms = {figure(value / ms['forkjoin'], 2)} x"
                  for name, value in ms.items() if name not in ("forkjoin", case.reference)]
        what = f"{case.what}: others, as multiples of forkjoin"
        absent = [name for name in missing if name != case.reference]
        if absent:
            why = "; ".join(f"{name}: {missing[name]}" for name in absent)
            return unmeasured(what, "for information", f"{why} ({'; '.join(others)})")
        return row(what, "; ".join(others), "for information", 0, None)
