"""openapi.yaml is what the server serves, lists what it has, and its examples are true.

Needs PyYAML (Debian: python3-yaml).
"""

import json
import pathlib
import re
import struct
import unittest
import urllib.parse

import server
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "openapi.yaml").read_bytes()
DOCUMENT = yaml.safe_load(TEXT)
METHODS = ("get", "post", "put", "delete")
ALL_OPERATIONS = [(path, method, operation) for path, item in DOCUMENT["paths"].items()
                  for method, operation in item.items() if method in METHODS]
# Those whose examples stand for themselves: named data has to be put before it can be got, and a job submitted.
OPERATIONS = [(path, method, operation) for path, method, operation in ALL_OPERATIONS
              if not path.startswith(("/v1/data", "/v1/jobs"))]


def resolve(node):
    """Follows $ref where there is one."""
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def kinds():
    """{slug: (status, title)} out of codecs/problem.h."""
    rows = re.findall(r'X\(\w+, "([^"]+)", (\d+), "([^"]+)"\)', (ROOT / "codecs" / "problem.h").read_text())
    return {slug: (int(status), title) for slug, status, title in rows}


def shape(value):
    """The structure of a JSON value: member names and types, but no values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return value
    return "number" if isinstance(value, (int, float)) else "string"


def without_cores(value):
    """A result's value without the ids of the cores it was computed on, which are the system's choice."""
    if isinstance(value, dict):
        return {name: without_cores(member) for name, member in value.items() if name != "core"}
    return [without_cores(member) for member in value] if isinstance(value, list) else value


def example_of(parameter, name):
    """What a parameter is in the example of that name: its own for it, or its only one; None if it has none."""
    return parameter.get("examples", {}).get(name, {}).get("value", parameter.get("example"))


class OpenApi(server.ServerTest):
    options = {"cores": 2}

    def test_the_server_serves_the_file(self):
        self.assertEqual(self.server.get("/openapi.yaml").body, TEXT)

    def test_its_paths_are_the_servers_endpoints(self):
        endpoints = {(entry["path"].replace("...}", "}"), entry["method"])
                     for entry in self.server.get("/").json()["endpoints"]}
        self.assertEqual({(path, method.upper()) for path, method, _ in ALL_OPERATIONS}, endpoints)

    def test_the_paths_that_have_query_are_those_whose_options_say_so(self):
        for path, item in DOCUMENT["paths"].items():
            with self.subTest(path):
                allowed = self.server.request("OPTIONS", path.replace("{name}", "a").replace("{id}", "a")).headers["Allow"].split(", ")
                self.assertEqual(item.get("x-query"), {"as": "post"} if "QUERY" in allowed else None)

    def test_it_lists_exactly_the_servers_problems(self):
        listed = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
        self.assertEqual(sorted(listed), sorted("urn:forkjoin:problem:" + slug for slug in kinds()))

    def test_its_table_of_problems_has_their_status_and_title(self):
        rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \| (.+?) \|", DOCUMENT["info"]["description"], re.MULTILINE)
        self.assertEqual({slug: (int(status), title) for slug, status, title in rows}, kinds())

    def test_every_reference_resolves(self):
        def walk(node):
            if isinstance(node, dict):
                resolve(node)
                node = list(node.values())
            if isinstance(node, list):
                for member in node:
                    walk(member)

        walk(DOCUMENT)

    def test_every_operation_documents_its_successes_and_failures_with_examples(self):
        for path, method, operation in OPERATIONS:
            with self.subTest(path=path):
                self.assertIn("200", operation["responses"])
                self.assertTrue(any(int(status) >= 400 for status in operation["responses"]))
                for response in operation["responses"].values():
                    for content in resolve(response).get("content", {}).values():
                        self.assertTrue(content.get("examples") or content.get("example"))

    def test_each_request_example_is_answered_as_its_response_example_shows(self):
        tried = 0
        for path, method, operation in OPERATIONS:
            content = operation.get("requestBody", {}).get("content", {})
            examples = content.get("application/json", {}).get("examples", {})
            for name, example in examples.items():
                with self.subTest(path=path, example=name):
                    shown = operation["responses"]["200"]["content"]["application/json"]["examples"][name]["value"]
                    response = self.server.request(method.upper(), path, example["value"])
                    self.assertEqual(response.status, 200, response)
                    answer = response.json()
                    self.assertEqual(set(answer), set(shown))
                    self.assertEqual(answer["threads"], shown["threads"])
                    self.assertEqual(set(answer["timing"]), set(shown["timing"]))
                    for member in set(shown) - {"threads", "timing"}:
                        self.assertEqual(without_cores(answer[member]), without_cores(shown[member]))
                        self.assertEqual(shape(answer[member]), shape(shown[member]))
                    tried += 1
        self.assertGreaterEqual(tried, 6)

    def test_the_examples_of_named_data_are_true(self):
        put, get = (DOCUMENT["paths"]["/v1/data/{name}"][method] for method in ("put", "get"))
        shown = put["responses"]["201"]["content"]["application/json"]["examples"]["numbers"]["value"]
        answers = get["responses"]["200"]["content"]
        path = "/v1/data/" + shown["name"]
        for media, content in put["requestBody"]["content"].items():
            for name, example in content["examples"].items():
                body = json.dumps(example["value"]) if media == "application/json" else example["value"].encode("latin-1")
                answer = self.server.request("PUT", path, body, headers={"Content-Type": media})
                self.assertEqual(answer.status, 200 if name != "numbers" else 201, answer)
                got = self.server.get(path, headers={"Accept": media})
                if media == "application/json":
                    self.assertEqual(got.json(), answers[media]["examples"][name]["value"])
                else:
                    self.assertEqual(got.body, answers[media]["example"].encode("latin-1"))
                if name == "numbers":
                    self.assertEqual(shape(answer.json()), shape(shown))
                    self.assertEqual({key: answer.json()[key] for key in ("kind", "shape", "bytes")},
                                     {key: shown[key] for key in ("kind", "shape", "bytes")})
                    listed = DOCUMENT["paths"]["/v1/data"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
                    self.assertEqual(shape(self.server.get("/v1/data").json()), shape(listed))
        deleted = DOCUMENT["paths"]["/v1/data"]["delete"]["responses"]["200"]["content"]["application/json"]["example"]
        answer = self.server.request("DELETE", "/v1/data?all=true")
        self.assertEqual(shape(answer.json()), shape(deleted))

    def test_the_examples_of_jobs_are_true(self):
        def lasting(document):  # as on a server that keeps jobs on the disk
            return shape(document | {"durable": True})

        accepted = DOCUMENT["components"]["responses"]["Accepted"]["content"]["application/json"]["example"]
        answer = self.server.post(WORD, {"text": "is it is", "word": "is"}, headers={"Prefer": "respond-async"})
        begun = {"progress", "eta_s", "threads", "timing", "started", "finished", "expires", "result_status", "place"}
        common = {key: value for key, value in lasting(answer.json()).items() if key not in begun}
        expected = {key: value for key, value in shape(accepted).items() if key not in begun}
        self.assertEqual((answer.status, common), (202, expected))
        path = answer.headers["Location"]
        shown = DOCUMENT["paths"]["/v1/jobs/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        self.assertEqual(lasting(self.server.get(path + "?wait=60").json()), shape(shown))
        result = DOCUMENT["paths"]["/v1/jobs/{id}/result"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        self.assertEqual(self.server.get(path + "/result").json()["count"], result["count"])
        listed = DOCUMENT["paths"]["/v1/jobs"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        page = self.server.get("/v1/jobs?limit=1").json()
        self.assertEqual((set(page), lasting(page["jobs"][0])), (set(listed), shape(listed["jobs"][0])))

    def test_each_information_example_has_the_answers_shape(self):
        for path, method, operation in OPERATIONS:
            content = operation["responses"]["200"]["content"]
            if method == "get" and "application/json" in content and path != "/openapi.json":  # which is longer
                with self.subTest(path):
                    answer = self.server.get(path).json()
                    self.assertEqual(shape(answer), shape(content["application/json"]["example"]))

    def test_examples_that_are_not_json_are_answered_as_shown(self):
        """A binary one is written with a character for each byte."""
        tried = []
        for path, method, operation in OPERATIONS:
            parameters = [resolve(parameter) for parameter in operation.get("parameters", [])]
            answers = operation["responses"]["200"]["content"]
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                for name, example in content["examples"].items() if media != "application/json" else ():
                    with self.subTest(path=path, example=name):
                        query = {parameter["name"]: value for parameter in parameters
                                 if (value := example_of(parameter, name)) is not None}
                        binary = media in answers
                        body = example["value"].encode("latin-1" if binary else "utf-8")
                        headers = {"Content-Type": media, "Accept": media if binary else "*/*"}
                        response = self.server.post(f"{path}?{urllib.parse.urlencode(query, doseq=True)}", body, headers=headers)
                        self.assertEqual(response.status, 200, response)
                        if binary:
                            shown = answers[media]["examples"][name]["value"].encode("latin-1")
                            self.assertEqual(response.body, shown)
                        else:
                            shown = answers["application/json"]["examples"][name]["value"]
                            answer = response.json()
                            for member in (set(shown) | set(answer)) - {"threads", "timing"}:
                                self.assertEqual(answer[member], shown[member])
                        tried.append(media)
        self.assertEqual(set(tried), {"application/x-npy", "text/plain"})

    def test_the_query_takes_exactly_the_parameters_listed(self):
        for path, method, operation in OPERATIONS:
            names = {parameter["name"] for parameter in map(resolve, operation.get("parameters", []))
                     if parameter["in"] == "query"}
            for media in operation.get("requestBody", {}).get("content", {}):
                if media != "application/json" and "operands" not in names:  # those have any name
                    with self.subTest(path):
                        response = self.server.post(path + "?nonsense=1", b"", headers={"Content-Type": media})
                        self.assert_problem(response, 422, "unknown-field")
                        listed = response.json()["detail"].split(": ", 1)[1].split(", ")
                        self.assertEqual(set(listed), names)


JSON = {"Content-Type": "application/json"}
NPY = {"Content-Type": "application/x-npy"}
WORD, GAUSS = "/v1/wordcount", "/v1/gaussian"
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"

# slug: (method, path, body, headers), or the bytes of a request. What a problem's example shows is the answer to this.
# x = np.array([1, 2]), y = np.array([1, 0])
INTEGERS = b"".join(b"\x93NUMPY\x01\0v\0" + b"{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }".ljust(117) + b"\n"
                    + struct.pack("<2q", *values) for values in ((1, 2), (1, 0)))
CAUSES = {
    "malformed-request": HEAD + b"Host: b\r\n\r\n",
    "http-version": b"GET / HTTP/2.0\r\n\r\n",
    "target-too-long": b"GET /livez?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "head-too-large": HEAD + b"".join(b"x%d: 1\r\n" % number for number in range(64)) + b"\r\n",
    "empty-body": ("POST", WORD, b"", JSON),
    "invalid-json": ("POST", WORD, b'{"text": is}', JSON),
    "trailing-data": ("POST", WORD, b'{"text": "a", "word": "a"} x', JSON),
    "invalid-utf8": ("POST", WORD, b'{"text": "\xff", "word": "a"}', JSON),
    "duplicate-key": ("POST", WORD, b'{"text": "a", "word": "a", "word": "b"}', JSON),
    "too-deep": ("POST", WORD, b'{"text":' + b"[" * 3000, JSON),
    "number-overflow": ("POST", GAUSS, b'{"x": [1e999], "y": 0}', JSON),
    "not-an-object": ("POST", WORD, b"[1]", JSON),
    "invalid-npy": ("POST", GAUSS, b"PK\x03\x04", NPY),
    "invalid-encoding": ("POST", WORD, b"garbage", JSON | {"Content-Encoding": "gzip"}),
    "not-found": ("GET", "/v1/nothing", None, {}),
    "method-not-allowed": ("GET", WORD, None, {}),
    "not-acceptable": ("POST", WORD, b"{}", JSON | {"Accept": "text/html"}),
    "unsupported-media-type": ("POST", WORD, b"{}", {"Content-Type": "text/html"}),
    "unsupported-encoding": ("POST", WORD, b"{}", JSON | {"Content-Encoding": "br"}),
    "unknown-field": ("POST", WORD, b'{"text": "a", "word": "a", "thraeds": 2}', JSON),
    "missing-field": ("POST", WORD, b'{"word": "a"}', JSON),
    "wrong-type": ("POST", GAUSS, b'{"x": [1, null], "y": 0}', JSON),
    "out-of-range": ("POST", WORD, b'{"text": "a", "word": "a", "threads": 1025}', JSON),
    "length-mismatch": ("POST", GAUSS, b'{"x": [1, 2], "y": [1]}', JSON),
    "conflicting-fields": ("POST", GAUSS, b'{"x": [1], "y": [1], "gamma": 1, "sigma": 1}', JSON),
    "invalid-expression": ("POST", "/v1/map", b'{"expr": "x * 2 + gama", "x": [1], "gamma": 2}', JSON),
    "no-integer": ("POST", "/v1/map?expr=x+//+y&names=x,y", INTEGERS, NPY),
    "non-finite-result": ("POST", GAUSS, b'{"x": [1e308], "y": [-1e308], "gamma": 0}', JSON),
    "precondition-failed": ("DELETE", "/v1/data/x", None, {"If-Match": "*"}),
    "no-such-job": ("GET", "/v1/jobs/nobody", None, {}),
    "invalid-name": ("GET", "/v1/data/a%20b", None, {}),
    "unknown-data": ("POST", GAUSS, b'{"x": {"data": "a"}, "y": 1}', JSON),
    "data-full": (b"PUT /v1/data/a HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-npy\r\nContent-Length: 1999000\r\n"
                  b"Expect: 100-continue\r\n\r\n"),
    "body-too-large": server.post_head(WORD, 67108865, "Expect: 100-continue"),
    "memory-limit": server.post_head(WORD, 67108864, "Expect: 100-continue"),
    "request-timeout": server.post_head(WORD, 100) + b"{",
    "deadline-exceeded": ("POST", GAUSS, server.slow_body(1000000)[:-1] + b', "timeout_ms": 1}', JSON),
    "shutting-down": ("GET", "/readyz", None, {}),
}
# These take a crowd (tests/http/limits_test.py has one), or a mistake of the server's.
# A range needs data to be outside of (tests/http/data_test.py), a disk that fails a test of the store's own.
NOT_TRIED = {"overloaded", "memory-busy", "too-many-connections", "internal", "range-not-satisfiable", "disk-failed",
             "result-not-ready", "result-gone", "idempotency-conflict", "idempotency-busy", "job-crashed", "job-damaged", "jobs-unavailable",
             "state-full"}  # the last ones: tests/http/jobs_*test.py
# Servers of another kind than the default one.
FLAGS = {"data-full": {"data_memory": "1MiB"}, "memory-limit": {"memory": "16MiB"}, "request-timeout": {"body_timeout": "200ms"},
         "shutting-down": {"drain_delay": "700ms"}}


class Problems(server.ServerTest):
    def examples(self):
        for name, response in DOCUMENT["components"]["responses"].items():
            problems = resolve(response)["content"].get("application/problem+json", {})
            for slug, example in problems.get("examples", {}).items():
                yield name, slug, example["value"]

    def provoke(self, under_test, cause):
        if isinstance(cause, tuple):
            method, path, body, headers = cause
            return under_test.request(method, path, body, headers=headers)
        responses, _ = under_test.raw(cause)
        self.assertEqual(len(responses), 1)
        return responses[0]

    def check(self, under_test, name, slug, shown):
        response = self.provoke(under_test, CAUSES[slug])
        answered = response.json()
        answered["request_id"] = shown["request_id"]
        self.assertEqual((response.status, answered), (shown["status"], shown))
        for header, described in resolve(DOCUMENT["components"]["responses"][name])["headers"].items():
            self.assertTrue(header in response.headers or not resolve(described).get("required"), (header, response))

    def test_examples_are_what_the_server_answers(self):
        for name, slug, shown in self.examples():
            with self.subTest(slug):
                if slug in FLAGS:
                    with server.Server(**FLAGS[slug]) as under_test:
                        if slug == "shutting-down":
                            under_test.signal()
                            server.wait_until(lambda: under_test.get("/readyz").status == 503, "it is stopping")
                        self.check(under_test, name, slug, shown)
                        if slug == "shutting-down":
                            under_test.wait()
                elif slug not in NOT_TRIED:
                    self.check(self.server, name, slug, shown)

    def test_every_problem_has_an_example_with_its_status_and_title(self):
        seen = set()
        for _, slug, shown in self.examples():
            with self.subTest(slug):
                seen.add(slug)
                self.assertEqual(shown["type"], "urn:forkjoin:problem:" + slug)
                self.assertEqual((shown["status"], shown["title"]), kinds()[slug])
                members = set(shown) - {"pointer"}
                self.assertEqual(members, {"type", "title", "status", "detail", "request_id"})
        self.assertEqual(seen, set(CAUSES) | NOT_TRIED)
        self.assertEqual(seen, set(kinds()) - {"client-gone"})


if __name__ == "__main__":
    unittest.main()
