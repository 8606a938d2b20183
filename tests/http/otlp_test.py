"""--otlp: requests and their phases are told to a collector of traces, which may be slow, away or of another opinion.

ctest: threads
"""

import contextlib
import datetime
import json
import re
import socket
import subprocess
import time
import unittest

import collector
import server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
ENDLESS = {"ranges": [100_000_000] * 1000, "threads": 1}
FATES = ("sent", "dropped", "failed", "rejected")


def fates(under_test):
    """Asked again and again: all the other figures aren't read."""
    text = under_test.get("/metrics").body.decode()
    found = dict(re.findall(r'^forkjoin_otlp_spans_total\{result="(\w+)"\} (\d+)$', text, re.MULTILINE))
    return {fate: int(found.get(fate, 0)) for fate in FATES}


def parent(number, flags="01"):
    """A trace of its own for each number."""
    return {"traceparent": f"00-{TRACE[:-4]}{number:04x}-{SPAN}-{flags}"}


def trace_of(number):
    return f"{TRACE[:-4]}{number:04x}"


class Told(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.collector = cls.stack.enter_context(collector.Collector())
        cls.server = cls.stack.enter_context(server.Server(cores=1, otlp=cls.collector.url))

    def await_trace(self, trace):
        """The request's own span, and those of its phases."""
        server.wait_until(lambda: self.collector.spans(trace=trace), f"trace {trace} is told")
        spans = self.collector.spans(trace=trace)
        requests = [span for span in spans if span.kind == "server"]
        self.assertEqual(len(requests), 1)
        for span in spans:
            self.assertIn(span.kind, ("server", "internal"))
            if span is not requests[0]:
                self.assertEqual((span.kind, span.parent), ("internal", requests[0].id))
                self.assertLessEqual(requests[0].start, span.start)
                self.assertLessEqual(span.end, requests[0].end)
        self.assertEqual(len({span.id for span in spans}), len(spans))
        return requests[0], {span.name: span for span in spans if span.kind == "internal"}

    def test_a_request_and_its_phases(self):
        with self.server.socket() as first:
            busy = json.dumps(ENDLESS | {"timeout_ms": 300}).encode()
            first.sendall(server.post_head("/v1/triangular", len(busy)) + busy)
            server.wait_until(lambda: server.load(self.server)[0] == 1, "the core is busy")
            answer = self.server.post("/v1/gaussian/sum", {"x": [[0, 1]] * 1500, "weights": [1] * 1500},
                                      headers=parent(1) | {"X-Request-Id": "an-id"})
            server.read_response(first)
        self.assertEqual(answer.status, 200)
        request, phases = self.await_trace(trace_of(1))
        self.assertEqual(answer.headers["traceresponse"], f"00-{trace_of(1)}-{request.id}-01")
        self.assertEqual((request.parent, request.flags, request.name), (SPAN, 0x301, "POST /v1/gaussian/sum"))
        self.assertEqual(request.status, {})
        self.assertLess(abs(request.end / 1e9 - time.time()), server.PATIENCE_S)
        line = self.server.log(request_id="an-id")[0]
        logged = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
        self.assertLess(request.end / 1e9, logged + 0.1)  # its line comes behind it, by a coarse clock
        self.assertEqual(request.attributes, {
            "http.request.method": "POST", "url.scheme": "http", "url.path": "/v1/gaussian/sum", "http.route": "/v1/gaussian/sum",
            "http.response.status_code": 200, "client.address": "127.0.0.1", "http.request.body.size": line["bytes_in"],
            "http.response.body.size": len(answer.body), "forkjoin.request_id": "an-id", "forkjoin.threads": 1})
        self.assertEqual(list(phases), ["queue", "decode", "compute", "encode"])
        ends = request.start
        for name, span in phases.items():
            self.assertEqual(int((span.end - span.start) / 1000), int(round(line[f"{name}_ms"] * 1000)), name)
            self.assertGreaterEqual(span.start, ends)
            self.assertEqual((span.attributes, span.flags), ({}, 0x101))
            ends = span.end
        self.assertEqual(int((request.end - request.start) / 1000), int(round(line["total_ms"] * 1000)))

    def test_where_it_is_posted_and_by_whom(self):
        self.server.get("/v1/system", headers=parent(2))
        self.await_trace(trace_of(2))
        version = self.server.get("/v1/system").json()["version"]
        for path, fields, body in list(self.collector.posts):
            self.assertEqual((path, fields["Content-Type"]), ("/v1/traces", "application/json"))
            self.assertEqual(collector.read(body)[0], {"service.name": "forkjoin", "service.version": version})

    def test_what_is_not_sampled_is_not_told(self):
        answer = self.server.get("/v1/system", headers=parent(3, "00"))
        self.assertRegex(answer.headers["traceresponse"], rf"\A00-{trace_of(3)}-[0-9a-f]{{16}}-00\Z")
        self.server.get("/v1/system", headers=parent(4))
        self.await_trace(trace_of(4))
        self.assertEqual(self.collector.spans(trace=trace_of(3)), [])

    def test_a_trace_is_begun_where_none_is_named(self):
        traces = set()
        for name, fields in (("none", {}), ("wrong", {"traceparent": f"00-{'0' * 32}-{SPAN}-01"})):
            answer = self.server.post("/v1/triangular", {"ranges": [10]}, headers=fields | {"X-Request-Id": f"begun-{name}"})
            trace, span = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", answer.headers["traceresponse"]).groups()
            request, _ = self.await_trace(trace)
            self.assertEqual((request.id, request.parent, request.flags), (span, None, 0x101))
            line = self.server.log(request_id=f"begun-{name}")[0]
            self.assertEqual((line["trace_id"], line["span_id"]), (trace, span))
            self.assertNotIn("parent_span_id", line)
            traces.add(trace)
        self.assertEqual(len(traces), 2)

    def test_probes_begin_none_but_may_be_part_of_one(self):
        for path in ("/livez", "/readyz", "/healthz", "/metrics"):
            self.assertNotIn("traceresponse", self.server.get(path).headers)
        self.server.get("/livez", headers=parent(5))
        request, phases = self.await_trace(trace_of(5))
        self.assertEqual((request.name, phases), ("GET /livez", {}))
        names = {span.name for span in self.collector.spans()}
        self.assertFalse(names & {"GET /readyz", "GET /healthz", "GET /metrics"}, names)

    def test_what_went_wrong(self):
        cases = [("GET", "/nowhere", None, "GET", None, 404, "not-found", {}),
                 ("POST", "/v1/gaussian", {"x": "a"}, "POST /v1/gaussian", "/v1/gaussian", 422, "wrong-type", {}),
                 ("POST", "/v1/triangular", ENDLESS | {"timeout_ms": 20}, "POST /v1/triangular", "/v1/triangular", 504,
                  "deadline-exceeded", {"code": 2}),
                 ("BREW", "/v1/system", None, "HTTP /v1/system", "/v1/system", 405, "method-not-allowed", {}),
                 ("GET", "/v1/data/a/b%22?x=1", None, "GET /v1/data/{name}", "/v1/data/{name}", 422, "unknown-field", {})]
        for number, (method, path, body, name, route, status, problem, expected) in enumerate(cases, 16):
            with self.subTest(method=method, path=path):
                self.assertEqual(self.server.request(method, path, body, parent(number)).status, status)
                request, _ = self.await_trace(trace_of(number))
                found = request.attributes
                self.assertEqual((request.name, found.get("http.route"), found["http.response.status_code"],
                                  found["error.type"], request.status, found["url.path"]),
                                 (name, route, status, problem, expected, path.split("?")[0]))
                self.assertEqual(found["http.request.method"], method if method != "BREW" else "_OTHER")

    def test_a_client_that_left_got_no_status(self):
        body = json.dumps(ENDLESS).encode()
        field = f"traceparent: {parent(6)['traceparent']}"
        with self.server.socket() as leaving:
            leaving.sendall(server.post_head("/v1/triangular", len(body), field) + body)
            server.wait_until(lambda: server.load(self.server)[0] == 1, "it computes")
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        request, _ = self.await_trace(trace_of(6))
        self.assertEqual((request.attributes["error.type"], request.status), ("client-gone", {}))
        self.assertNotIn("http.response.status_code", request.attributes)

    def test_whatever_a_path_is_made_of(self):
        for number, target in enumerate((b"/a\\\"b", b"/" + b"%" * 300, b"/\xc3\xa4\xff\xfe", b"/<&>'"), 32):
            with self.server.socket() as connection:
                connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\ntraceparent: " +
                                   parent(number)["traceparent"].encode() + b"\r\n\r\n")
                status = server.read_response(connection).status
            if status != 400 or self.collector.spans(trace=trace_of(number)):
                self.await_trace(trace_of(number))


class Troubled(unittest.TestCase):
    def await_sum(self, under_test, fate, least=1):
        server.wait_until(lambda: fates(under_test)[fate] >= least, f"{least} are {fate}")
        return fates(under_test)

    def test_it_is_off_by_default(self):
        with server.Server(cores=1) as under_test:
            self.assertNotIn("traceresponse", under_test.get("/v1/system").headers)
            self.assertEqual(fates(under_test), dict.fromkeys(FATES, 0))
            self.assertNotIn("otlp", under_test.start_line)

    def test_by_its_variable_under_a_path_and_past_proxies(self):
        with collector.Collector() as there:
            variables = {"FORKJOIN_OTLP": there.url + "/deep/er/", "http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
            with server.Server(env=variables, cores=1) as under_test:
                self.assertEqual(under_test.start_line["otlp"], there.url + "/deep/er/")
                under_test.get("/v1/system")
                self.await_sum(under_test, "sent")
            self.assertEqual({path for path, _, _ in there.posts}, {"/deep/er/v1/traces"})

    def test_what_is_not_sent_yet_is_sent_at_the_end(self):
        with collector.Collector() as there:
            with server.Server(cores=1, otlp=there.url) as under_test:
                for number in range(20):
                    under_test.get("/v1/system", headers=parent(number))
            self.assertEqual({span.trace for span in there.spans()}, {trace_of(number) for number in range(20)})

    def test_a_collector_that_says_later(self):
        with collector.Collector((503, {}), (429, {"Retry-After": "2"})) as there:
            with server.Server(cores=1, otlp=there.url) as under_test:
                under_test.get("/v1/system", headers=parent(1))
                found = self.await_sum(under_test, "sent")
                self.assertEqual((found["dropped"], found["failed"]), (0, 0))
                self.assertEqual(len({body for _, _, body in there.posts}), 1)
                self.assertEqual(len(there.posts), 3)
                self.assertGreaterEqual(there.times[2] - there.times[1], 2)  # by itself it would have waited 1.25 s at most
                server.wait_until(lambda: under_test.log(event="otlp-recovered"), "that is said")
                self.assertEqual(len(under_test.log(event="otlp-failed")), 1)

    def test_what_says_later_each_time_is_given_up(self):
        with collector.Collector(*((status, {}) for status in (429, 502, 503, 504))) as there, \
                server.Server(cores=1, otlp=there.url) as under_test:
            under_test.get("/v1/system", headers=parent(1))
            found = self.await_sum(under_test, "failed")
            self.assertEqual((found["failed"], found["sent"], len(there.posts)), (1, 0, 4))

    def test_a_collector_that_refuses(self):
        with collector.Collector((400, {}), (404, {}), (500, {})) as there:
            with server.Server(cores=1, otlp=there.url) as under_test:
                for number in range(1, 5):
                    under_test.get("/v1/system", headers=parent(number))
                    server.wait_until(lambda: len(there.posts) == number, "it is asked")
                found = self.await_sum(under_test, "sent")
                self.assertEqual((found["failed"], found["dropped"]), (3, 0))
                self.assertEqual(len(there.posts), 4)
                refused, = under_test.log(event="otlp-failed")
                self.assertEqual(refused["detail"], f"{there.url} refused spans: it answered 400; they are lost")

    def send_groups(self, under_test, sizes):
        """One after the other, of so many spans each."""
        before = sum(fates(under_test).values())
        for number, size in enumerate(sizes, 1):
            with under_test.socket() as connection, connection.makefile("rb") as stream:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * (size - 1) +
                                   b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                self.assertEqual(stream.read().count(b"HTTP/1.1 200 "), size)
            server.wait_until(lambda: sum(fates(under_test).values()) == before + sum(sizes[:number]), "it is told of")

    def test_a_collector_that_rejects_a_part(self):
        """2 of the first group, none of the second, more than there are of the third: no failure, and nothing is sent again."""
        rejects = json.dumps({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too\told"}}).encode()
        all_of_them = json.dumps({"partialSuccess": {"rejectedSpans": 99}}).encode()
        with collector.Collector((200, {}, rejects), (200, {}), (200, {}, all_of_them), (200, {}, b"no JSON")) as there:
            with server.Server(cores=1, otlp=there.url) as under_test:
                self.send_groups(under_test, (3, 1, 2, 1))
                self.assertEqual(fates(under_test), {"sent": 3, "dropped": 0, "failed": 0, "rejected": 4})
                self.assertEqual(len(there.posts), 4)
                rejected, = under_test.log(event="otlp-rejected")
                self.assertEqual((rejected["level"], rejected["detail"]),
                                 ("warn", f"{there.url} rejected 2 of 3 spans, which are lost: too\\x09old"))
            lost, = under_test.log(event="otlp-lost")
            self.assertIn("0 dropped, 0 failed, 4 rejected", lost["detail"])
            for event in ("otlp-failed", "otlp-recovered", "otlp-warning"):
                self.assertEqual(under_test.log(event=event), [])

    def test_a_collector_that_says_more_than_it_can(self):
        answer = json.dumps({"partialSuccess": {"rejectedSpans": 99}}).encode()
        with collector.Collector((200, {}, answer)) as there, server.Server(cores=1, otlp=there.url) as under_test:
            self.send_groups(under_test, (2,))
            self.assertEqual(fates(under_test), {"sent": 0, "dropped": 0, "failed": 0, "rejected": 2})
            server.wait_until(lambda: under_test.log(event="otlp-rejected"), "that is said")
            self.assertIn("rejected 2 of 2 spans (it says 99)", under_test.log(event="otlp-rejected")[0]["detail"])

    def test_a_collector_that_warns(self):
        """Which is told once, and nothing is lost or sent again for it."""
        warns = json.dumps({"partialSuccess": {"rejectedSpans": "0", "errorMessage": "slow down"}}).encode()
        says_nothing = json.dumps({"partialSuccess": {"rejectedSpans": "0", "errorMessage": ""}}).encode()
        with collector.Collector((200, {}, says_nothing), (200, {}, warns), (200, {}, warns)) as there:
            with server.Server(cores=1, otlp=there.url) as under_test:
                self.send_groups(under_test, (1, 1, 2))
                self.assertEqual(fates(under_test), {"sent": 4, "dropped": 0, "failed": 0, "rejected": 0})
                self.assertEqual(len(there.posts), 3)
            warned, = under_test.log(event="otlp-warning")
            self.assertEqual((warned["level"], warned["detail"]), ("warn", f"{there.url} took all spans, and warns: slow down"))
            for event in ("otlp-failed", "otlp-recovered", "otlp-rejected", "otlp-lost"):
                self.assertEqual(under_test.log(event=event), [])

    def test_what_was_taken_is_not_sent_again_whatever_its_answer(self):
        """A 2xx whose body is too long to be read may have told of rejected spans."""
        with collector.Collector((200, {}, b" " * 100_000)) as there, server.Server(cores=1, otlp=there.url) as under_test:
            self.send_groups(under_test, (2, 1))
            self.assertEqual(fates(under_test), {"sent": 3, "dropped": 0, "failed": 0, "rejected": 0})
            self.assertEqual(len(there.posts), 2)

    def test_a_redirection_is_not_followed(self):
        with collector.Collector() as elsewhere, \
                collector.Collector(*[(307, {"Location": elsewhere.url + "/v1/traces"})] * 2) as there, \
                server.Server(cores=1, otlp=there.url) as under_test:
            under_test.get("/v1/system", headers=parent(1))
            self.await_sum(under_test, "failed")
            self.assertEqual(elsewhere.posts, [])

    def test_nobody_is_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and doesn't listen
            with server.Server(cores=1, otlp=f"http://127.0.0.1:{taken.getsockname()[1]}") as under_test:
                self.assertEqual(under_test.post("/v1/triangular", {"ranges": [10]}).status, 200)
                found = self.await_sum(under_test, "failed")
                self.assertEqual(found["sent"], 0)
                self.assertEqual(len(under_test.log(event="otlp-failed")), 1)
            self.assertEqual(len(under_test.log(event="otlp-lost")), 1)

    def test_a_slow_one_holds_up_nobody(self):
        """More than its queue has room for: what comes then is dropped, and everything is counted once."""
        asked = 6000
        with collector.Collector() as there, server.Server(cores=1, otlp=there.url) as under_test:
            there.hold()
            request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            with under_test.socket() as connection:
                stream = connection.makefile("rb")
                for _ in range(asked // 20):
                    connection.sendall(request * 20)
                    for _ in range(20):
                        head = b""
                        while not head.endswith(b"\r\n\r\n"):
                            head += stream.readline()
                        stream.read(int(re.search(rb"(?i)content-length: (\d+)", head).group(1)))
                stream.close()
            found = self.await_sum(under_test, "dropped")
            self.assertEqual(found["sent"], 0)
            there.release()
            server.wait_until(lambda: sum(fates(under_test).values()) >= asked, "all are told or dropped")
            found = fates(under_test)
            self.assertEqual((sum(found.values()), found["failed"]), (asked, 0))
            # what was held longer than a post may take came twice
            self.assertEqual(len({span.id for span in there.spans()}), found["sent"])

    def test_one_that_never_answers_does_not_hold_up_the_end(self):
        with collector.Collector() as there:
            with server.Server(cores=1, otlp=there.url) as under_test:
                there.hold()
                under_test.get("/v1/system", headers=parent(1))
                server.wait_until(lambda: there.posts, "it is asked")
                under_test.get("/v1/system", headers=parent(2))
            self.assertEqual(len(under_test.log(event="otlp-lost")), 1)
            self.assertIn("2 dropped", under_test.log(event="otlp-lost")[0]["detail"])

    def test_an_answer_without_end_is_cut(self):
        with collector.Collector((503, {"X-Long": "a" * 60000, "X-Longer": "b" * 60000})) as there, \
                server.Server(cores=1, otlp=there.url) as under_test:
            under_test.get("/v1/system", headers=parent(1))
            self.await_sum(under_test, "sent")
            self.assertIn("64 KiB", under_test.log(event="otlp-failed")[0]["detail"])


class Urls(unittest.TestCase):
    def test_what_is_no_url_of_a_collector_is_refused(self):
        for url in ("", "127.0.0.1:4318", "localhost", "ftp://a", "grpc://a:4317", "http://", "http:///v1", "http://:4318",
                    "http://a:", "http://a:0", "http://a:65536", "http://a:4318x", "http://user:secret@a", "http://a/?x=1", "http://a#b",
                    "http://a b", "http://[::1", "http://[x]", "http://a/\x7f", "http://ä", "http://" + "a" * 600):
            with self.subTest(url):
                done = subprocess.run([server.binary(), "--otlp", url], capture_output=True, text=True, check=False,
                                      timeout=server.PATIENCE_S, env=server.environment())
                self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done)
                self.assertIn("--otlp", done.stderr)
                self.assertIn("http://127.0.0.1:4318", done.stderr)


if __name__ == "__main__":
    unittest.main()
