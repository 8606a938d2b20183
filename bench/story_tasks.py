"""multiprocessing's three ranges, and ipyparallel's calls: what it costs to hand work over."""

import http.client
import io
import json
import os
import threading
import time
from statistics import median

from contestants import PYTHON, THREADS
from peer_rows import figure
from servers import EXCHANGE_SECONDS, BenchError, Server
from story import PEERS, Story, ms, run, share

RANGES = (100_000_000, 200_000_000, 300_000_000)
SUM = 69999999700000000
PEER_PART = 10  # the part of the ranges that Python gets: at 50 to 100 ns a step all of it would take minutes
ITEMS, ELEMENTS, ENGINES, CALLS = 1000, 1_000_000, 2, 300
NPY = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
ONE_CALL = b'{"x":[-1],"y":0}'
ONE_REQUEST = json.dumps({"x": list(range(ITEMS)), "y": 0}).encode()


class Client:
    """One keep-alive connection, as a Python program would have it."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=EXCHANGE_SECONDS)

    def ask(self, path, body, headers=None):
        self.connection.request("POST", path, body, headers or {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise BenchError(f"{path} was answered {response.status}: {answer[:200]!r}")
        return answer

    def close(self):
        self.connection.close()


def timed_ms(function, *arguments):
    begun = time.perf_counter()
    function(*arguments)
    return (time.perf_counter() - begun) * 1000


class RangeStory:
    def __init__(self, bench):
        self.bench = bench

    def tell(self):
        story = Story("ranges", "multiprocessing's three ranges", "The last triangular number of each of the ranges "
                      "100, 200 and 300 millions, really looped: one after the other, at once, and at once with each "
                      "task pinned to a core. Python loops over a tenth of it (its column says what it measured), a "
                      "process a range; forkjoin is asked by HTTP at `/v1/triangular`, with a thread a range where "
                      "there are cores for it. The limit for all at once is their work divided by the cores, or the "
                      "longest one.", ("what", "Python, a tenth", "ns a step", "forkjoin", "ns a step",
                                       "forkjoin's share of the limit"), ("ranges",))
        cores = sorted(os.sched_getaffinity(0))
        tasks = min(len(RANGES), len(cores))
        python, ours = {}, {}
        try:
            self.bench.say("multiprocessing")
            part = ",".join(str(count // PEER_PART) for count in RANGES)
            peer = os.path.join(PEERS, "multiprocessing_ranges.py")
            python = json.loads(run([PYTHON, peer, part], "multiprocessing"))
        except BenchError as failure:
            story.lacks("multiprocessing", failure)
        try:
            self.bench.say("/v1/triangular")
            ours = self.ours(cores, tasks)
        except (BenchError, OSError) as failure:
            story.lacks("/v1/triangular", failure)
        steps, data = sum(RANGES), []
        ideal = min(steps / max(RANGES), steps / (steps / len(cores)))
        for key, what in (("sequential", "one after the other"), ("at_once", "at once"), ("pinned", "at once, pinned")):
            theirs = python.get(f"{key}_s")
            mine = ours.get(key)
            limit = ours["sequential"] / (1 if key == "sequential" else ideal) if ours else 0
            story.line(what, f"{figure(theirs)} s" if theirs else "–",
                       figure(theirs * 1e9 / steps * PEER_PART) if theirs else "–", ms(mine) if mine else "–",
                       figure(mine * 1e6 / steps) if mine else "–", share(limit, mine) if mine else "–")
            data.append((what, python["sequential_s"] / theirs if theirs else "NaN",
                         ours["sequential"] / mine if mine else "NaN", ideal if key != "sequential" else 1))
        return story, {"ranges": data}

    def ours(self, cores, tasks):
        """{key: ms}, best; the client is Python's."""
        single = [json.dumps({"ranges": [count], "threads": 1}).encode() for count in RANGES]
        whole = {"ranges": RANGES, "threads": tasks}
        pinned = {**whole, "cores": cores[:tasks]}
        best = {}
        with self.bench.forkjoin() as server:
            client = Client(server)
            for _ in range(self.bench.rounds):
                for key, bodies in (("sequential", single), ("at_once", [json.dumps(whole).encode()]),
                                    ("pinned", [json.dumps(pinned).encode()])):
                    begun = time.perf_counter()
                    answers = [json.loads(client.ask("/v1/triangular", body)) for body in bodies]
                    best[key] = min(best.get(key, 1e9), (time.perf_counter() - begun) * 1000)
                    if sum(answer["sum"] for answer in answers) != SUM:
                        raise BenchError(f"the sum is wrong: {answers}")
                    used = {result["core"] for answer in answers for result in answer["results"]}
                    if key == "pinned" and not used <= set(cores[:tasks]):
                        raise BenchError(f"pinned to {cores[:tasks]}, but ran on {used}")
            client.close()
        return best


class TaskStory:
    """One call, a map, and an array there and back."""

    def __init__(self, bench):
        self.bench = bench

    def tell(self):
        story = Story("tasks", "ipyparallel's calls", f"ipyparallel with {ENGINES} engines on this machine against "
                      "forkjoin, both from a Python program: one call (the middle of many), a map of 1,000 items "
                      "(ipyparallel in as many messages as there are engines, and balanced, in one message an item; "
                      "forkjoin in 1,000 calls over two connections, from 16 connections of the bench's own "
                      "client, and as one array in JSON), and a Gaussian of 1,000,000 doubles (scattered and "
                      "gathered; one .npy request, written and read by NumPy; the same by the bench's own client). The limit is the same bytes "
                      "through the loopback, to a server that discards them, from the same client.",
                      ("what", "ipyparallel", "forkjoin", "times faster", "forkjoin's share of the limit"), ("tasks",))
        theirs = {}
        try:
            self.bench.say("ipyparallel")
            folder = os.path.join(self.bench.folder, "ipython")
            os.mkdir(folder)
            theirs = json.loads(run([PYTHON, os.path.join(PEERS, "ipyparallel_tasks.py"), folder, ENGINES, ITEMS,
                                     ELEMENTS, self.bench.rounds], "ipyparallel"))
        except BenchError as failure:
            story.lacks("ipyparallel", failure)
        try:
            ours, limits = self.ours()
        except ImportError as failure:
            story.lacks("forkjoin", failure)
            return story, {"tasks": []}
        data = []
        for key, what, peer in (("call", "one call", "call_ms"), ("map", "1,000 items", "map_ms"),
                                ("map", "1,000 items, balanced", "balanced_map_ms"),
                                ("load", "1,000 items, balanced, the bench's client", "balanced_map_ms"),
                                ("request", "1,000 items, as an array in one request", "map_ms"),
                                ("array", "1,000,000 doubles there and back", "gaussian_ms"),
                                ("array_load", "1,000,000 doubles, the bench's client", "gaussian_ms")):
            peer_ms = theirs.get(peer)
            story.line(what, ms(peer_ms) if peer_ms else "–", ms(ours[key]),
                       figure(peer_ms / ours[key], 2) if peer_ms else "–", share(limits[key], ours[key]))
            data.append((what, peer_ms or "NaN", ours[key], limits[key]))
        return story, {"tasks": data}

    def ours(self):
        """({key: ms}, {key: limit in ms})"""
        import numpy

        self.bench.say("the same calls by HTTP")
        x = numpy.random.default_rng(1).random(ELEMENTS) * 2
        body = io.BytesIO()
        numpy.save(body, x)
        call = self.bench.file("call.json", ONE_CALL.decode())
        array = os.path.join(self.bench.folder, "array.npy")
        with open(array, "wb") as file:
            file.write(body.getvalue())
        path = f"/v1/gaussian?y=0&threads={THREADS}"
        discard = Server([self.bench.program("bench/discard-server")], self.bench.folder)
        with self.bench.forkjoin() as forkjoin, discard as loopback:
            client = Client(forkjoin)
            answer = len(client.ask("/v1/gaussian", ONE_CALL))
            many_answer = len(client.ask("/v1/gaussian", ONE_REQUEST))
            if not numpy.allclose(numpy.load(io.BytesIO(client.ask(path, body.getvalue(), NPY))), numpy.exp(-x ** 2)):
                raise BenchError("forkjoin's Gaussian isn't NumPy's")
            client.close()
            results = []
            for server, call_path, many_path, array_path in (
                    (forkjoin, "/v1/gaussian", "/v1/gaussian", path),
                    (loopback, f"/v1/{answer}", f"/v1/{many_answer}", f"/v1/{ELEMENTS * 8 + 128}")):
                results.append({"call": self.one(server, call_path, ONE_CALL),
                                "request": self.one(server, many_path, ONE_REQUEST),
                                "map": self.many(server, call_path),
                                "load": self.load(server, call, 16, call_path),
                                "array": self.array(server, array_path, x, numpy),
                                "array_load": self.load(server, array, 1, array_path)})
        return results

    @staticmethod
    def one(server, path, body):
        client = Client(server)
        taken = median(timed_ms(client.ask, path, body) for _ in range(CALLS))
        client.close()
        return taken

    def many(self, server, path, clients=2):
        def some():
            client = Client(server)
            for _ in range(ITEMS // clients):
                client.ask(path, ONE_CALL)
            client.close()

        def all_of_them():
            threads = [threading.Thread(target=some) for _ in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return min(timed_ms(all_of_them) for _ in range(self.bench.rounds))

    def load(self, server, body, clients, path):
        headers = [f"{name}: {value}" for name, value in NPY.items()] if clients == 1 else \
            ["Content-Type: application/json"]
        report = self.bench.load.run(server, [body], clients, self.bench.seconds / 2, 0.3, path=path, headers=headers)
        if report["successes"] == 0 or report["successes"] != report["answers"]:
            raise BenchError(f"{server.name} answered {report['status']}")
        return report["answered_ms"]["p50"] if clients == 1 else ITEMS / report["successes_per_s"] * 1000

    def array(self, server, path, x, numpy):
        client = Client(server)

        def there_and_back():
            body = io.BytesIO()
            numpy.save(body, x)
            answer = client.ask(path, body.getbuffer(), NPY)
            if server.name == "forkjoin":
                numpy.load(io.BytesIO(answer))

        taken = min(timed_ms(there_and_back) for _ in range(3 * self.bench.rounds))
        client.close()
        return taken
