"""Every limit is enforced, answered with its own problem where HTTP allows, and leaves the server well.

ctest: threads
"""

import concurrent.futures
import contextlib
import socket
import time
import unittest

import server

JSON = {"Content-Type": "application/json"}
GAUSS = "/v1/gaussian"
WORD = "/v1/wordcount"
BODY = b'{"text": "is it", "word": "is"}'
GET_SYSTEM = b"GET /v1/system HTTP/1.1\r\nHost: a\r\n\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"


class Connections(unittest.TestCase):
    def open_idle(self, under_test, count, source="127.0.0.1"):
        """Connections that have each had one answer and stay open."""
        opened = []
        for _ in range(count):
            connection = socket.create_connection((under_test.host, under_test.port), 30, source_address=(source, 0))
            connection.sendall(GET)
            self.assertEqual(server.read_response(connection).status, 200)
            opened.append(connection)
        return opened

    def refusal(self, under_test, source="127.0.0.1"):
        with socket.create_connection((under_test.host, under_test.port), 30, source_address=(source, 0)) as connection:
            connection.sendall(GET_SYSTEM)
            responses = server.parse_responses(server.read_all(connection)[0])
        answers = [(response.status, response.slug()) for response in responses]
        self.assertEqual(answers, [(503, "too-many-connections")])
        self.assertGreaterEqual(int(responses[0].headers["Retry-After"]), 1)

    def recovers(self, under_test):
        def answered():
            with contextlib.suppress(OSError):
                return under_test.get("/v1/system").status == 200
            return False

        server.wait_until(answered, "a connection is free again")

    def test_connections_beyond_the_limit_are_refused_until_one_is_free(self):
        with server.Server(max_connections=4) as under_test:
            opened = self.open_idle(under_test, 4)
            self.refusal(under_test)
            opened[0].sendall(GET)
            self.assertEqual(server.read_response(opened[0]).status, 200, "an open connection suffered")
            for connection in opened:
                connection.close()
            self.recovers(under_test)

    def test_one_address_cant_take_all_connections(self):
        with server.Server(max_connections_per_address=2) as under_test:
            opened = self.open_idle(under_test, 2)
            self.refusal(under_test)
            opened += self.open_idle(under_test, 1, "127.0.0.2")
            for connection in opened:
                connection.close()
            self.recovers(under_test)


class Deadlines(server.ServerTest):
    options = {"header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "1s", "max_body": "64MiB"}

    def trickle(self, first, rest):
        """Sends `first`, then a byte of `rest` every 50 ms until the server closes. Returns (responses, seconds)."""
        start = time.monotonic()
        with self.server.socket() as connection:
            connection.sendall(first)
            connection.settimeout(0.05)
            received, closed = b"", False
            for byte in rest:
                piece, closed = server.read_all(connection)
                received += piece
                if closed:
                    break
                with contextlib.suppress(ConnectionError):
                    connection.send(bytes([byte]))
            self.assertTrue(closed, "a trickle kept the connection open")
        return server.parse_responses(received), time.monotonic() - start

    def assert_timed_out(self, responses, late, method=None):
        """Exactly one answer, which says what was late, and a line in the log if the request line had come."""
        self.assertEqual([response.status for response in responses], [408])
        self.assert_problem(responses[0], 408, "request-timeout")
        self.assertEqual(responses[0].json()["detail"], f"the {late} did not arrive in time")
        self.assertEqual(responses[0].headers["Connection"], "close")
        request_id = responses[0].headers["X-Request-Id"]
        self.assertRegex(request_id, r"^[A-Za-z0-9._-]{1,64}$")
        if method is not None:
            server.wait_until(lambda: self.server.log(request_id=request_id), "the line is there")
            lines = [(line["status"], line["problem"], line["method"]) for line in
                     self.server.log(request_id=request_id)]
            self.assertEqual(lines, [(408, "request-timeout", method)])

    def test_a_trickled_head_doesnt_extend_its_deadline(self):
        responses, seconds = self.trickle(b"GET /livez HTTP/1.1\r\nHost: a\r\nx: ", b"y" * 400)
        self.assert_timed_out(responses, "head", method="GET")
        self.assertGreater(seconds, 0.5)

    def test_a_trickled_body_doesnt_extend_its_deadline(self):
        responses, seconds = self.trickle(server.post_head(WORD, 10000), b" " * 400)
        self.assert_timed_out(responses, "body", method="POST")
        self.assertGreater(seconds, 0.5)

    def test_a_trickled_chunked_body_doesnt_extend_its_deadline(self):
        head = (b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        responses, _ = self.trickle(head, b"1\r\n \r\n" * 80)
        self.assert_timed_out(responses, "body", method="POST")

    def test_a_late_body_is_answered_under_the_clients_own_request_id(self):
        responses, _ = self.server.raw(server.post_head(WORD, 10000, "X-Request-Id: late-body") + b"{")
        self.assert_timed_out(responses, "body", method="POST")
        self.assertEqual(responses[0].headers["X-Request-Id"], "late-body")

    def test_half_a_request_line_is_a_late_head(self):
        responses, closed = self.server.raw(b"GET /liv")
        self.assertTrue(closed)
        self.assert_timed_out(responses, "head")

    def test_a_connection_that_says_nothing_is_closed(self):
        responses, closed = self.server.raw(b"")
        self.assertTrue(closed)
        self.assert_timed_out(responses, "head")

    def test_an_idle_kept_alive_connection_is_closed_in_silence(self):
        responses, closed = self.server.raw(GET)
        self.assertEqual(([response.status for response in responses], closed), ([200], True))

    def test_each_request_of_a_connection_has_its_own_deadlines(self):
        with self.server.socket() as connection:
            for _ in range(5):
                time.sleep(0.15)
                connection.sendall(server.post_head(WORD, len(BODY)))
                time.sleep(0.15)
                connection.sendall(BODY)
                self.assertEqual(server.read_response(connection).status, 200)

    def test_a_computation_longer_than_the_idle_timeout_is_answered(self):
        response = self.server.post(GAUSS, server.slow_body(3000000), headers=JSON)
        self.assertEqual(response.status, 200, response)


class Time(unittest.TestCase):
    def test_the_servers_timeout_ends_long_work_with_504(self):
        with server.Server(timeout="1ms", max_body="64MiB") as under_test:
            connection = under_test.connect()
            response = under_test.post(GAUSS, server.slow_body(1000000), headers=JSON, connection=connection)
            self.assertEqual((response.status, response.slug()), (504, "deadline-exceeded"), response)
            self.assertEqual(under_test.get("/livez", connection=connection).status, 200)
            connection.close()

    def test_a_requests_own_timeout_ends_its_work_with_504(self):
        with server.Server(max_body="64MiB") as under_test:
            body = server.slow_body(1000000)
            response = under_test.post(GAUSS, body[:-1] + b', "timeout_ms": 1}', headers=JSON)
            self.assertEqual((response.status, response.slug()), (504, "deadline-exceeded"), response)
            response = under_test.post(GAUSS, body[:-1] + b', "timeout_ms": 25000}', headers=JSON)
            self.assertEqual(response.status, 200)
            server.wait_until(lambda: server.load(under_test) == (0, 0), "no work is left")


class Load(unittest.TestCase):
    def post_many(self, under_test, count, body):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: under_test.post(GAUSS, body, headers=JSON), range(count)))

    def check_full_queue(self, queue, detail):
        with server.Server(cores=1, queue=queue, max_body="64MiB") as under_test:
            responses = self.post_many(under_test, 12, server.slow_body(600000))
            statuses = [response.status for response in responses]
            self.assertEqual(set(statuses), {200, 503}, statuses)
            for response in responses:
                if response.status == 503:
                    self.assertEqual(response.slug(), "overloaded")
                    self.assertRegex(response.json()["detail"], detail)
                    self.assertGreaterEqual(int(response.headers["Retry-After"]), 1)
            server.wait_until(lambda: server.load(under_test) == (0, 0), "no work is left")
            self.assertEqual(under_test.post(GAUSS, server.slow_body(100000), headers=JSON).status, 200)

    def test_a_full_queue_answers_503_with_retry_after_and_the_rest_is_served(self):
        self.check_full_queue(1, r"^(1 request is waiting (already|or on the way), which is the limit \(--queue\)"
                                 r"|\d+ requests are waiting or on the way, more than the limit \(--queue is 1\))$")

    def test_without_a_queue_what_finds_the_cores_busy_is_answered_503(self):
        self.check_full_queue(0, r"^the cores are busy, and no request may wait for them \(--queue is 0\)$")

    def test_work_that_can_never_fit_the_memory_is_refused_with_the_figures(self):
        with server.Server(memory="64MiB", max_body="32MiB") as under_test:
            connection = under_test.connect()
            response = under_test.post(GAUSS, server.slow_body(8000000), headers=JSON, connection=connection)
            self.assertEqual((response.status, response.slug()), (413, "memory-limit"), response)
            self.assertRegex(response.json()["detail"], r"\d")
            self.assertEqual(under_test.post(WORD, BODY, headers=JSON, connection=connection).status, 200)
            connection.close()

    def test_a_crowd_that_doesnt_fit_the_memory_is_answered_and_gives_it_all_back(self):
        with server.Server(memory="96MiB", max_body="32MiB", cores=2) as under_test:
            responses = self.post_many(under_test, 8, server.slow_body(700000))
            for response in responses:
                self.assertIn((response.status, response.slug()),
                              [(200, None), (413, "memory-limit"), (503, "memory-busy"), (503, "overloaded")])
            server.wait_until(lambda: server.load(under_test) == (0, 0), "no work is left")
            self.assertEqual(under_test.post(GAUSS, server.slow_body(300000), headers=JSON).status, 200)

    def test_clients_that_go_away_take_their_work_with_them(self):
        with server.Server(cores=1, max_body="64MiB") as under_test:
            body = server.slow_body(2000000)
            request = server.post_head(GAUSS, len(body)) + body
            sockets = [under_test.socket() for _ in range(4)]
            for connection in sockets:
                connection.sendall(request)
            server.wait_until(lambda: server.load(under_test)[0] >= 1, "work runs")
            for connection in sockets:
                connection.close()
            server.wait_until(lambda: server.load(under_test) == (0, 0), "the work of lost clients has ended")
            server.wait_until(lambda: len(under_test.log(event="request", path=GAUSS)) == 4, "all four are logged")
            self.assertIn("client-gone", [entry.get("problem") for entry in under_test.log(path=GAUSS)])
            self.assertEqual(under_test.post(WORD, BODY, headers=JSON).json()["count"], 1)

    def test_a_small_stack_limit_is_no_limit_for_kernels(self):
        points = [[i, -i] for i in range(300)]
        with server.Server(through=("prlimit", "--stack=131072")) as under_test:
            for threads in (1, 2):
                response = under_test.post("/v1/gaussian/matrix", {"x": points, "threads": threads}, headers=JSON)
                self.assertEqual(response.status, 200)
                nested = b'{"text": "", "word": "", "x": ' + b"[" * 2000 + b"]" * 2000 + b"}"
                self.assertEqual(under_test.post(WORD, nested, headers=JSON).slug(), "unknown-field")


if __name__ == "__main__":
    unittest.main()
