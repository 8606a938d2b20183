"""GET /metrics: what was done is what is counted, in either format, and no client can get a name of its own into it.

ctest: threads
"""

import contextlib
import json
import pathlib
import re
import socket
import tempfile
import threading
import time
import unittest

import exposition
import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPEN = "application/openmetrics-text"
PHASES = ("receive", "queue", "decode", "compute", "encode", "send", "total")
ENDLESS = json.dumps({"ranges": [100_000_000] * 1000, "threads": 1}).encode()
# What Prometheus 2.42 sends.
PROMETHEUS = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")


def scrape(under_test, accept=None):
    answer = under_test.get("/metrics", headers={"Accept": accept} if accept else None)
    assert answer.status == 200, answer
    is_open = answer.headers["Content-Type"].startswith(OPEN)
    return exposition.Exposition(answer.body.decode(), is_open)


def await_value(under_test, wanted, name, **labels):
    """Until a gauge or counter has a value; returns the scrape."""
    found = []

    def has_it():
        found.append(scrape(under_test))
        return found[-1].sum(name, **labels) == wanted

    server.wait_until(has_it, f"{name} {labels} is {wanted}")
    return found[-1]


def requests_of(figures, endpoint):
    return figures.sum("forkjoin_requests_total", endpoint=endpoint)


class Counting(server.ServerTest):
    options = {"cores": 2, "io_threads": 2}

    def await_requests(self, endpoint, count):
        """A request is counted when its answer is sent: a moment after the client has it."""
        found = []

        def are_counted():
            found.append(scrape(self.server))
            return requests_of(found[-1], endpoint) >= count

        server.wait_until(are_counted, f"{count} requests of {endpoint} are counted")
        self.assertEqual(requests_of(found[-1], endpoint), count)
        return found[-1]

    def test_requests_by_endpoint_method_and_code(self):
        before = scrape(self.server)
        body = {"x": [0, 1], "y": 0}
        calls = [("POST", body, 200)] * 3 + [("QUERY", body, 200)] * 2 + [("POST", {"x": "a"}, 422), ("GET", None, 405),
                                                                        ("PUT", body, 405), ("OPTIONS", None, 204),
                                                                        ("PATCH", None, 405)]
        for method, request, status in calls:
            self.assertEqual(self.server.request(method, "/v1/gaussian", request).status, status)
        after = self.await_requests("/v1/gaussian", requests_of(before, "/v1/gaussian") + len(calls))
        wanted = {("POST", "200"): 3, ("QUERY", "200"): 2, ("POST", "422"): 1, ("GET", "405"): 1, ("PUT", "405"): 1,
                  ("OPTIONS", "204"): 1, ("other", "405"): 1}
        for (method, code), count in wanted.items():
            labels = {"endpoint": "/v1/gaussian", "method": method, "code": code}
            self.assertEqual(after.value("forkjoin_requests_total", **labels) -
                             before.value("forkjoin_requests_total", **labels), count, labels)
        for phase in PHASES:
            self.assertEqual(after.value("forkjoin_request_duration_seconds", "_count", endpoint="/v1/gaussian", phase=phase),
                             requests_of(after, "/v1/gaussian"), phase)

    def test_paths_are_counted_by_their_template(self):
        before = scrape(self.server)
        for name in ("a", "b/c", "d"):
            self.assertEqual(self.server.request("PUT", f"/v1/data/{name}", b"x", {"Content-Type": "text/plain"}).status, 201)
            self.assertEqual(self.server.get(f"/v1/data/{name}").status, 200)
            self.assertEqual(self.server.request("DELETE", f"/v1/data/{name}").status, 204)
        self.assertEqual(self.server.get("/v1/jobs/none").status, 404)
        after = self.await_requests("/v1/data/{name}", requests_of(before, "/v1/data/{name}") + 9)
        self.assertEqual(after.value("forkjoin_requests_total", endpoint="/v1/data/{name}", method="PUT", code="201") -
                         before.value("forkjoin_requests_total", endpoint="/v1/data/{name}", method="PUT", code="201"), 3)
        self.await_requests("/v1/jobs/{id}", requests_of(before, "/v1/jobs/{id}") + 1)

    def test_nothing_that_a_client_says_is_a_label(self):
        before = scrape(self.server)
        for path in ("/nowhere", '/"x"', "/%22%7D", "/v1/secret"):
            self.server.request("GET", path)
        with self.server.socket() as connection:
            connection.sendall(b"STRANGE / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(server.read_response(connection).status, 405)
        with self.server.socket() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nBroken field\r\n\r\n")
            self.assertEqual(server.read_response(connection).status, 400)
        malformed = self.await_requests("none", requests_of(before, "none") + 5)
        self.assertGreaterEqual(malformed.value("forkjoin_requests_total", endpoint="none", method="GET", code="400"), 1)
        text = self.server.get("/metrics").body.decode()
        for word in ("nowhere", "secret", "STRANGE", "%22"):
            self.assertNotIn(word, text)
        endpoints = set(re.findall(r'endpoint="([^"]*)"', text))
        listed = {entry["path"] for entry in self.server.get("/").json()["endpoints"]}
        self.assertLessEqual(endpoints, listed | {"none"})

    def test_a_refused_head_is_counted_with_what_was_sent(self):
        before = scrape(self.server)
        with self.server.socket() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nBroken field\r\n\r\n")
            answer = server.read_response(connection)
        self.assertEqual(answer.status, 400)
        self.await_requests("none", requests_of(before, "none") + 1)
        malformed = {"problem": "malformed-request"}
        await_value(self.server, before.sum("forkjoin_problems_total", **malformed) + 1, "forkjoin_problems_total", **malformed)
        await_value(self.server, before.sum("forkjoin_sent_bytes_total", endpoint="none") + len(answer.body),
                    "forkjoin_sent_bytes_total", endpoint="none")

    def test_a_head_that_never_got_complete_is_counted(self):
        before = scrape(self.server)
        with self.server.socket() as connection:
            connection.sendall(b"GET /v1/system HTTP/1.1\r\nHost")
        labels = {"endpoint": "/v1/system", "method": "GET", "code": "499"}
        server.wait_until(lambda: scrape(self.server).value("forkjoin_requests_total", **labels) ==
                          before.value("forkjoin_requests_total", **labels) + 1, "it is counted")

    def test_problems_bytes_and_cpu_time(self):
        before = scrape(self.server)
        body = json.dumps({"ranges": [5_000_000], "threads": 1}).encode()
        answer = self.server.request("POST", "/v1/triangular", body, {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200)
        refused = self.server.request("POST", "/v1/triangular", {"ranges": "a"})
        self.assertEqual(refused.slug(), "wrong-type")
        after = self.await_requests("/v1/triangular", requests_of(before, "/v1/triangular") + 2)

        def grown(name, **labels):
            return after.sum(name, **labels) - before.sum(name, **labels)

        self.assertEqual(grown("forkjoin_problems_total", problem="wrong-type"), 1)
        self.assertEqual(grown("forkjoin_problems_total"), 1)
        self.assertEqual(grown("forkjoin_received_bytes_total", endpoint="/v1/triangular"), len(body) + len(b'{"ranges": "a"}'))
        self.assertEqual(grown("forkjoin_sent_bytes_total", endpoint="/v1/triangular"), len(answer.body) + len(refused.body))
        spent = grown("forkjoin_cpu_seconds_total", endpoint="/v1/triangular")
        self.assertGreaterEqual(spent + 1e-6, answer.json()["timing"]["cpu_ms"] / 1000)
        self.assertGreaterEqual(after.sum("process_cpu_seconds_total"), spent)
        computed = (after.value("forkjoin_request_duration_seconds", "_sum", endpoint="/v1/triangular", phase="compute") -
                    before.value("forkjoin_request_duration_seconds", "_sum", endpoint="/v1/triangular", phase="compute"))
        self.assertGreaterEqual(computed + 1e-6, answer.json()["timing"]["compute_ms"] / 1000)
        sent, total = (after.value("forkjoin_request_duration_seconds", "_sum", endpoint="/v1/triangular", phase=phase) -
                       before.value("forkjoin_request_duration_seconds", "_sum", endpoint="/v1/triangular", phase=phase)
                       for phase in ("send", "total"))
        self.assertLessEqual(computed + sent, total + 1e-5)  # sending begins after computing and ends with the request

    def test_threads_asked_for_and_granted(self):
        before = scrape(self.server)
        for threads in (1, 2, 2, "auto"):
            answer = self.server.request("POST", "/v1/triangular", {"ranges": [2_000_000] * 4, "threads": threads})
            self.assertEqual(answer.status, 200)
        after = self.await_requests("/v1/triangular", requests_of(before, "/v1/triangular") + 4)

        def grown(name, suffix, **labels):
            return after.value(name, suffix, **labels) - before.value(name, suffix, **labels)

        self.assertEqual(grown("forkjoin_threads_requested", "_count"), 3)
        self.assertEqual(grown("forkjoin_threads_requested", "_sum"), 5)
        self.assertEqual(grown("forkjoin_threads_requested", "_bucket", le="1.0"), 1)
        self.assertEqual(grown("forkjoin_threads_requested", "_bucket", le="2.0"), 3)
        self.assertEqual(grown("forkjoin_threads_granted", "_count"), 4)

    def test_data(self):
        before = scrape(self.server)
        self.assertEqual(self.server.request("PUT", "/v1/data/kept", b"x" * 100_000, {"Content-Type": "text/plain"}).status, 201)
        after = scrape(self.server)
        self.assertEqual(after.sum("forkjoin_data_names") - before.sum("forkjoin_data_names"), 1)
        self.assertGreaterEqual(after.sum("forkjoin_data_bytes") - before.sum("forkjoin_data_bytes"), 100_000)
        self.assertEqual(after.value("forkjoin_memory_bytes", use="data"), after.sum("forkjoin_data_bytes"))
        self.assertEqual(self.server.request("DELETE", "/v1/data/kept").status, 204)
        self.assertEqual(scrape(self.server).sum("forkjoin_data_names"), before.sum("forkjoin_data_names"))

    def test_what_the_service_is(self):
        figures = scrape(self.server)
        system = self.server.get("/v1/system").json()
        self.assertEqual(figures.sum("forkjoin_cores"), 2)
        self.assertEqual(figures.sum("forkjoin_memory_limit_bytes"), system["memory"]["limit_bytes"])
        self.assertEqual(figures.sum("forkjoin_data_limit_bytes"), system["data"]["limit_bytes"])
        self.assertEqual(figures.sum("forkjoin_connections_limit"), system["limits"]["max_connections"])
        self.assertEqual(figures.sum("forkjoin_queue_limit"), system["limits"]["queue_length"])
        self.assertEqual(figures.sum("forkjoin_lane_threads_limit"), system["threads"]["cap"])
        self.assertGreaterEqual(figures.sum("forkjoin_lane_threads"), figures.sum("forkjoin_lanes"))
        self.assertGreaterEqual(figures.sum("forkjoin_lanes"), 1)
        self.assertEqual(figures.value("forkjoin_build_info", version=system["version"], build=system["build"],
                                       instruction_set=system["instruction_set"]), 1)

    def test_what_the_process_is(self):
        figures = scrape(self.server)
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        threads = int(re.search(r"^Threads:\s+(\d+)", status, re.MULTILINE).group(1))
        self.assertLessEqual(abs(figures.sum("process_threads") - threads), 8)
        limits = pathlib.Path(f"/proc/{self.server.process.pid}/limits").read_text()
        self.assertEqual(figures.sum("process_max_fds"), int(re.search(r"Max open files\s+(\d+)", limits).group(1)))
        files = len(list(pathlib.Path(f"/proc/{self.server.process.pid}/fd").iterdir()))
        self.assertLessEqual(abs(figures.sum("process_open_fds") - files), 8)
        self.assertGreater(figures.sum("process_resident_memory_bytes"), 1 << 20)
        self.assertGreater(figures.sum("process_virtual_memory_bytes"), figures.sum("process_resident_memory_bytes"))
        self.assertLess(abs(figures.sum("process_start_time_seconds") - self.server.begun), server.PATIENCE_S)

    def test_connections_by_state(self):
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(self.server.socket()) for _ in range(5)]
            for connection in idle:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                server.read_response(connection)
            await_value(self.server, 5, "forkjoin_connections", state="idle")
            halves = [stack.enter_context(self.server.socket()) for _ in range(3)]
            for connection in halves:
                connection.sendall(b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                   b"Content-Length: 100\r\n\r\n{")
            await_value(self.server, 3, "forkjoin_connections", state="body")
        await_value(self.server, 0, "forkjoin_connections", state="idle")
        await_value(self.server, 0, "forkjoin_connections", state="body")

    def test_openmetrics_has_the_same_and_exemplars(self):
        self.server.request("POST", "/v1/gaussian/sum", {"x": [[0]], "weights": [1]}, {"X-Request-Id": "an-Id_1.x"})
        self.await_requests("/v1/gaussian/sum", 1)
        plain, opened = scrape(self.server), scrape(self.server, PROMETHEUS)
        self.assertTrue(opened.is_open)
        self.assertEqual(list(plain.families), list(opened.families))
        for name, family in plain.families.items():
            self.assertEqual((family.type, family.help), (opened.families[name].type, opened.families[name].help))
        exemplars = opened.families["forkjoin_request_duration_seconds"].exemplars
        mine = [found for key, found in exemplars.items() if ("endpoint", "/v1/gaussian/sum") in key]
        self.assertEqual([labels for labels, _, _ in mine], [{"request_id": "an-Id_1.x"}])
        self.assertLess(abs(mine[0][2] - time.time()), server.PATIENCE_S)
        self.assertTrue(all(("phase", "total") in key for key in exemplars))

    def test_it_is_answered_whatever_is_accepted(self):
        for accept, media in ((None, "text/plain; version=0.0.4; charset=utf-8"), ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
                              ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
                              ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
                              (OPEN, f"{OPEN}; version=1.0.0; charset=utf-8"),
                              (f"text/plain;q=0.5, {OPEN}", f"{OPEN}; version=1.0.0; charset=utf-8"),
                              (f"text/plain, {OPEN};q=0.5", "text/plain; version=0.0.4; charset=utf-8")):
            answer = self.server.get("/metrics", headers={"Accept": accept} if accept else None)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, media), accept)

    def test_head_and_other_methods(self):
        answer = self.server.request("HEAD", "/metrics")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 1000)
        self.assertEqual(self.server.request("POST", "/metrics", {}).status, 405)

    def test_the_manual_lists_what_there_is(self):
        manual = (ROOT / "docs" / "operation.md").read_text()
        listed = re.findall(r"^\| `((?:forkjoin|process)_\w+)(?:\{([\w, ]*)\})?` \| (\w+) \|", manual, re.MULTILINE)
        figures = scrape(self.server)
        self.assertEqual([(name, kind) for name, _, kind in listed],
                         [(family.name, family.type) for family in figures.families.values()])
        for name, labels, kind in listed:
            wanted = set(labels.split(", ")) if labels else set()
            for _, key in figures.families[name].samples:
                self.assertEqual({label for label, _ in key if not (label == "le" and kind == "histogram")}, wanted, name)


class Working(unittest.TestCase):
    def begin(self, under_test, stack, body=ENDLESS, path="/v1/triangular", extra=""):
        connection = stack.enter_context(under_test.socket())
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{extra}"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection

    def test_cores_and_queue(self):
        with server.Server(cores=1, exits_with=1, drain="0s") as under_test, contextlib.ExitStack() as stack:
            idle = scrape(under_test)
            self.assertEqual(idle.sum("forkjoin_cores_busy"), 0)
            self.assertEqual(idle.sum("forkjoin_queue_oldest_seconds"), 0)
            self.begin(under_test, stack)
            busy = await_value(under_test, 1, "forkjoin_works_running")
            self.assertEqual(busy.sum("forkjoin_cores_busy"), 1)
            for _ in range(3):
                self.begin(under_test, stack)
            await_value(under_test, 3, "forkjoin_queue_length", **{"class": "interactive"})
            ages = []

            def grows():
                ages.append(scrape(under_test).value("forkjoin_queue_oldest_seconds", **{"class": "interactive"}))
                return ages[-1] > 0.05

            server.wait_until(grows, "the oldest has waited for a while")
            self.assertEqual(ages, sorted(ages))
            self.assertEqual(scrape(under_test).value("forkjoin_queue_length", **{"class": "stream"}), 0)
            await_value(under_test, 4, "forkjoin_connections", state="working")

    def test_refusals_by_problem(self):
        with server.Server(cores=1, queue=0, exits_with=1, drain="0s") as under_test, contextlib.ExitStack() as stack:
            self.begin(under_test, stack)
            await_value(under_test, 1, "forkjoin_works_running")
            answer = under_test.request("POST", "/v1/triangular", ENDLESS, {"Content-Type": "application/json"})
            self.assertEqual(answer.slug(), "overloaded")
            await_value(under_test, 1, "forkjoin_problems_total", problem="overloaded")

    def test_cancellations_by_reason(self):
        with server.Server(cores=1) as under_test, contextlib.ExitStack() as stack:
            late = json.dumps({"ranges": [100_000_000] * 1000, "threads": 1, "timeout_ms": 20}).encode()
            connection = self.begin(under_test, stack, late)
            self.assertEqual(server.read_response(connection).slug(), "deadline-exceeded")
            await_value(under_test, 1, "forkjoin_cancellations_total", reason="deadline-exceeded")
            leaving = self.begin(under_test, stack)
            await_value(under_test, 1, "forkjoin_works_running")
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            leaving.close()
            figures = await_value(under_test, 1, "forkjoin_cancellations_total", reason="client-gone")
            self.assertEqual(figures.sum("forkjoin_cancellations_total"), 2)
            await_value(under_test, 0, "forkjoin_works_running")

    def test_a_stream_whose_rest_is_late(self):
        with server.Server(cores=1, body_timeout="100ms") as under_test, contextlib.ExitStack() as stack:
            connection = stack.enter_context(under_test.socket())
            connection.sendall(b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                               b"Content-Length: 100\r\n\r\na")
            self.assertEqual(server.read_response(connection).status, 408)
            await_value(under_test, 1, "forkjoin_problems_total", problem="request-timeout")

    def test_jobs(self):
        with server.Server(cores=1) as under_test:
            answers = [under_test.request("POST", "/v1/triangular", ENDLESS,
                                          {"Content-Type": "application/json", "Prefer": "respond-async"})
                       for _ in range(3)]
            self.assertEqual([answer.status for answer in answers], [202] * 3)
            await_value(under_test, 3, "forkjoin_jobs")
            await_value(under_test, 1, "forkjoin_works_running")
            for answer in answers:
                self.assertEqual(under_test.request("DELETE", answer.headers["Location"]).status, 200)
            figures = await_value(under_test, 3, "forkjoin_jobs", status="dismissed")
            await_value(under_test, 0, "forkjoin_works_running")
            self.assertEqual(figures.value("forkjoin_jobs_oldest_seconds"), 0)
            self.assertGreaterEqual(scrape(under_test).value("forkjoin_cancellations_total", reason="dismissed"), 1)
            before = scrape(under_test)
            done = under_test.request("POST", "/v1/triangular", {"ranges": [5_000_000], "threads": 1},
                                      {"Prefer": "respond-async, wait=30"})
            self.assertEqual(done.status, 200)
            after = await_value(under_test, 1, "forkjoin_jobs", status="successful")
            spent = (after.value("forkjoin_cpu_seconds_total", endpoint="/v1/triangular") -
                     before.value("forkjoin_cpu_seconds_total", endpoint="/v1/triangular"))
            self.assertGreaterEqual(spent + 1e-6, done.json()["timing"]["cpu_ms"] / 1000)
            self.assertEqual(after.value("forkjoin_store_commit_seconds", "_count"), 0)  # they are in memory

    def test_commits_and_syncs(self):
        with tempfile.TemporaryDirectory() as folder, server.Server(jobs="durable", state_dir=folder) as under_test:
            before = scrape(under_test)
            done = under_test.request("POST", "/v1/triangular", {"ranges": [10]}, {"Prefer": "respond-async, wait=30"})
            self.assertEqual(done.status, 200)
            after = await_value(under_test, 1, "forkjoin_jobs", status="successful")
            name = "forkjoin_store_commit_seconds"
            self.assertGreaterEqual(after.value(name, "_count") - before.value(name, "_count"), 1)  # submitted and finished, in one or in two
            self.assertGreater(after.value(name, "_sum"), before.value(name, "_sum"))
            body = json.dumps({"text": "a " * 50_000, "word": "a"}).encode()
            before = after
            done = under_test.request("POST", "/v1/wordcount", body, {"Content-Type": "application/json",
                                                                      "Prefer": "respond-async, wait=30"})
            self.assertEqual(done.status, 200)
            after = scrape(under_test)
            self.assertGreater(after.sum("forkjoin_file_syncs_total"), before.sum("forkjoin_file_syncs_total"))

    def test_the_oldest_job_that_waits(self):
        for kind in ("memory", "durable"):
            with self.subTest(kind), tempfile.TemporaryDirectory() as folder, \
                    server.Server(cores=1, jobs=kind, state_dir=folder, drain="0s") as under_test:
                headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
                for _ in range(150):  # more than the runner takes up at once
                    self.assertEqual(under_test.request("POST", "/v1/triangular", ENDLESS, headers).status, 202)
                ages = []

                def grows():
                    ages.append(scrape(under_test).value("forkjoin_jobs_oldest_seconds"))
                    return ages[-1] > 0.05

                server.wait_until(grows, "the oldest has waited for a while")
                self.assertLess(ages[-1], server.PATIENCE_S * 2)

    def test_it_is_served_whatever_limits_are_reached(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with server.Server(max_connections=4, health_port=port) as under_test, contextlib.ExitStack() as stack:
            for _ in range(4):
                connection = stack.enter_context(under_test.socket())
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                server.read_response(connection)
            self.assertEqual(under_test.get("/v1/system").status, 503)
            self.assertEqual(scrape(under_test).sum("forkjoin_connections_limit"), 4)
            connection = stack.enter_context(socket.create_connection((under_test.host, port), server.PATIENCE_S))
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = server.read_response(connection)
            self.assertEqual(answer.status, 200)
            exposition.Exposition(answer.body.decode())

    def test_scrapes_beside_500_connections_that_work(self):
        with server.Server(io_threads=2, max_connections=600) as under_test:
            stop = threading.Event()
            sent = [0] * 10

            def ask(worker):
                connections = [under_test.socket() for _ in range(50)]
                request = (b"POST /v1/gaussian HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                           b'Content-Length: 24\r\n\r\n{"x": [0, 1.5], "y": 10}')
                while not stop.is_set():
                    for connection in connections:
                        connection.sendall(request)
                    for connection in connections:
                        assert server.read_response(connection).status == 200
                        sent[worker] += 1
                for connection in connections:
                    connection.close()

            workers = [threading.Thread(target=ask, args=(worker,)) for worker in range(len(sent))]
            for worker in workers:
                worker.start()
            seen = [0]
            for round_number in range(20):
                figures = scrape(under_test, OPEN if round_number % 2 else None)
                seen.append(requests_of(figures, "/v1/gaussian"))
                self.assertEqual(seen, sorted(seen))
            stop.set()
            for worker in workers:
                worker.join()
            server.wait_until(lambda: requests_of(scrape(under_test), "/v1/gaussian") == sum(sent), "all are counted")


if __name__ == "__main__":
    unittest.main()
