"""POST /v1/batch over HTTP: each item as in a call of its own, what the batch's options do, and batches that are cut.

ctest: threads
"""

import contextlib
import gzip
import json
import pathlib
import random
import socket
import struct
import unittest

import server
import yaml

BATCH = "/v1/batch"
LOAD = {"ranges": [100_000_000]}  # some 50 ms
OPTIONS = ("threads", "schedule", "chunk", "timeout_ms", "cores", "store", "expires_s")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def json_examples():
    """{path: [request without options]} of every operation that a batch can have as its "op"."""
    found = {}
    for path, item in yaml.safe_load((ROOT / "openapi.yaml").read_bytes())["paths"].items():
        operation = item.get("post", {})
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        answers = operation.get("responses", {}).get("200", {}).get("content", {})
        if path != BATCH and "application/json" in answers and "compute" in operation.get("tags", []):
            values = [example["value"] for example in content.get("examples", {}).values()]
            found[path] = [{name: value for name, value in request.items() if name not in OPTIONS}
                           for request in values]
    return found


def without_cores(result):
    return {name: [{**part, "core": 0} for part in value] if name == "results" else value
            for name, value in result.items()}


class Batch(server.ServerTest):
    options = {"cores": 4, "max_body": "64MiB"}

    def ask(self, op, items, **members):
        response = self.server.post(BATCH, {"op": op, "items": items, **members})
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        result = response.json()
        self.assertEqual(set(result), {"results", "failed", "threads", "timing"})
        self.assertEqual(len(result["results"]), len(items))
        self.assertEqual(result["failed"], sum("type" in one for one in result["results"]))
        return result

    def single(self, op, item):
        response = self.server.post(op, item)
        result = response.json()
        for name in ("threads", "timing", "request_id"):
            result.pop(name, None)
        return result

    def test_every_operation_answers_items_as_single_calls(self):
        examples = json_examples()
        self.assertGreaterEqual(len(examples), 5)
        for op, items in examples.items():
            items = [*items, {}, {"nothing": 1}, *items]
            expected = [self.single(op, item) for item in items]
            for index, problem in enumerate(expected):
                if "type" in problem:
                    problem["pointer"] = f"/items/{index}" + problem.get("pointer", "")
                    if "not one of" in problem["detail"]:
                        problem["detail"] = problem["detail"].replace(", " + ", ".join(OPTIONS), "")
            for members in ({}, {"threads": 4, "schedule": "dynamic", "chunk": 1}, {"threads_per_item": 4}):
                with self.subTest(op, **members):
                    results = self.ask(op, items, **members)["results"]
                    self.assertEqual([without_cores(one) for one in results],
                                     [without_cores(one) for one in expected])

    def test_a_batch_is_not_kept_under_a_name(self):
        body = {"op": "/v1/triangular", "items": [LOAD], "store": "a"}
        self.assert_problem(self.server.post("/v1/batch", body), 422, "conflicting-fields", "/store")
        result = self.server.post("/v1/batch", {"op": "/v1/triangular", "items": [{**LOAD, "store": "a"}]}).json()
        self.assertEqual(result["results"][0]["pointer"], "/items/0/store")

    def test_a_team_is_granted_for_many_items_and_one_thread_for_few(self):
        many = self.ask("/v1/triangular", [LOAD] * 20)
        self.assertEqual(many["threads"], {"requested": "auto", "granted": 4})
        self.assertGreater(len({one["results"][0]["core"] for one in many["results"]}), 0)
        self.assertEqual(self.ask("/v1/triangular", [{"ranges": [1]}] * 2)["threads"]["granted"], 1)
        self.assertEqual(self.ask("/v1/triangular", [LOAD] * 3)["threads"], {"requested": "auto", "granted": 3})
        self.assertEqual(self.ask("/v1/triangular", [LOAD] * 3, threads_per_item=2)["threads"],
                         {"requested": 2, "granted": 2})
        self.assertEqual(set(many["timing"]), {"receive_ms", "queue_ms", "decode_ms", "compute_ms", "encode_ms",
                                               "total_ms", "cpu_ms"})

    def test_bad_items_only(self):
        result = self.ask("/v1/gaussian", [{}, 1, {"x": 2}, [], {"threads": 1}, {"x": [1], "y": [[1]]}])
        self.assertEqual(result["failed"], 6)
        self.assertEqual([one["pointer"] for one in result["results"]],
                         ["/items/0/x", "/items/1", "/items/2/y", "/items/3", "/items/4/threads", "/items/5/y/0"])

    def test_as_many_items_as_may_be(self):
        chance = random.Random(3)
        items = [{"x": [chance.random(), 2, 3], "y": chance.random()} for _ in range(100_000)]
        result = self.ask("/v1/gaussian", items, threads=4)
        self.assertEqual(result["failed"], 0)
        for index in chance.sample(range(100_000), 30):
            self.assertEqual(result["results"][index], self.single("/v1/gaussian", items[index]))
        self.assert_problem(self.server.post(BATCH, {"op": "/v1/gaussian", "items": items + [{}]}), 422, "out-of-range",
                            "/items")

    def test_bodies_and_answers_may_be_compressed_and_queried(self):
        body = json.dumps({"op": "/v1/wordcount", "defaults": {"text": server.zen(10)},
                           "items": [{"word": "is"}, {"top": 1}] * 1000}).encode()
        plain = self.server.post(BATCH, body, headers={"Content-Type": "application/json"}).json()
        self.assertEqual(plain["results"][0], {"count": 100})
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip",
                   "Accept-Encoding": "gzip, identity;q=0"}
        for method in ("POST", "QUERY"):
            response = self.server.request(method, BATCH, gzip.compress(body), headers=headers)
            self.assertEqual((response.status, response.headers["Content-Encoding"]), (200, "gzip"), response)
            self.assertEqual(json.loads(gzip.decompress(response.body))["results"], plain["results"])

    def test_the_deadline_cuts_it_within_an_item(self):
        for items in ([{"ranges": [4 * 10**9]}], [LOAD] * 1000):
            for members in ({}, {"threads_per_item": 2}):
                response = self.server.post(BATCH, {"op": "/v1/triangular", "items": items, "timeout_ms": 200,
                                                    **members})
                self.assert_problem(response, 504, "deadline-exceeded")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the work has ended")

    def test_a_client_that_leaves_stops_it(self):
        body = json.dumps({"op": "/v1/triangular", "items": [LOAD] * 10_000}).encode()
        for reset in (False, True):
            connection = self.server.socket()
            connection.sendall(server.post_head(BATCH, len(body)) + body)
            server.wait_until(lambda: server.load(self.server)[0] == 1, "the batch runs")
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            server.wait_until(lambda: server.load(self.server) == (0, 0), "the work has ended")
        server.wait_until(lambda: server.health(self.server)["memory"]["used_bytes"] == 0, "nothing is held")


class Memory(unittest.TestCase):
    def test_items_that_need_too_much_fail_alone_and_results_that_do_fail_all(self):
        points = {"x": [[index] for index in range(3000)]}  # a matrix of 72 MB, and 200 of text
        with server.Server(memory="64MiB", max_body="8MiB") as under_test:
            response = under_test.post(BATCH, {"op": "/v1/gaussian/matrix", "items": [{"x": [[1]]}, points, {"x": [[2]]}]})
            self.assertEqual(response.status, 200, response)
            results = response.json()["results"]
            self.assertEqual(results[0]["k"], [[1]])
            self.assertEqual(results[1]["type"], "urn:forkjoin:problem:memory-limit")
            self.assertEqual(results[1]["pointer"], "/items/1")
            self.assertEqual(results[2]["k"], [[1]])
            numbers = {"x": [index / 20000 for index in range(20000)], "y": 0}
            response = under_test.post(BATCH, {"op": "/v1/gaussian", "defaults": numbers, "items": [{}] * 1000})
            self.assertIn((response.status, response.slug()), [(413, "memory-limit"), (503, "memory-busy")])
            with contextlib.suppress(OSError):
                server.wait_until(lambda: server.health(under_test)["memory"]["used_bytes"] == 0, "nothing is held")
            self.assertEqual(under_test.post(BATCH, {"op": "/v1/gaussian", "items": []}).status, 200)


if __name__ == "__main__":
    unittest.main()
