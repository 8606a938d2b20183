"""SIGTERM and SIGINT: readiness turns 503, accepted work finishes, the process exits with 0.

ctest: threads
"""

import contextlib
import signal
import socket
import threading
import time
import unittest

import server

JSON = {"Content-Type": "application/json"}
GAUSS = "/v1/gaussian"
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"


class Drain(unittest.TestCase):
    def start_slow(self, under_test, numbers):
        """A long request on a thread of its own, once it runs. Returns (thread, list that will hold the response)."""
        results = []

        def post():
            with contextlib.suppress(OSError):
                results.append(under_test.post(GAUSS, server.slow_body(numbers), headers=JSON))

        thread = threading.Thread(target=post)
        thread.start()
        server.wait_until(lambda: server.load(under_test)[0] >= 1, "the long request runs")
        return thread, results

    def assert_ends_with_its_drain(self, under_test):
        """Stops a server whose drain is 300 ms; cutting off what is left after that must not take seconds more."""
        under_test.signal()
        begin = time.monotonic()
        under_test.wait()
        self.assertLess(time.monotonic() - begin, 4)

    def refused(self, under_test):
        with contextlib.suppress(OSError), under_test.socket(5):
            return False
        return True

    def test_readiness_turns_503_and_work_is_still_served_during_the_delay(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name), server.Server(drain_delay="1500ms") as under_test:
                self.assertEqual(under_test.get("/readyz").status, 200)
                under_test.signal(number)
                server.wait_until(lambda: under_test.get("/readyz").status == 503, "readiness is 503")
                self.assertEqual(under_test.get("/readyz").slug(), "shutting-down")
                self.assertEqual(under_test.get("/livez").status, 200)
                answer = under_test.post("/v1/wordcount", {"text": "is", "word": "is"})
                self.assertEqual((answer.status, answer.json()["count"]), (200, 1))
                self.assertEqual(under_test.wait(), 0)

    def test_a_running_request_finishes_and_new_connections_are_refused(self):
        with server.Server(max_body="64MiB") as under_test:
            thread, results = self.start_slow(under_test, 3000000)
            under_test.signal()
            server.wait_until(lambda: self.refused(under_test), "the port is closed")
            thread.join()
            self.assertEqual([response.status for response in results], [200])
            self.assertEqual(len(results[0].json()["z"]), 3000000)
            self.assertEqual(under_test.wait(), 0)

    def test_a_body_on_its_way_is_received_and_answered(self):
        with server.Server(drain="10s") as under_test, under_test.socket() as connection:
            body = b'{"text": "is it", "word": "is"}'
            connection.sendall(server.post_head("/v1/wordcount", len(body)) + body[:5])
            server.wait_until(lambda: server.health(under_test)["connections"] >= 1, "the connection is counted")
            under_test.signal()
            server.wait_until(lambda: self.refused(under_test), "the port is closed")
            connection.sendall(body[5:])
            response = server.read_response(connection)
            self.assertEqual((response.status, response.json()["count"]), (200, 1))
            self.assertEqual(response.headers["Connection"].lower(), "close")
            self.assertEqual(under_test.wait(), 0)

    def test_idle_connections_are_closed_at_once(self):
        with server.Server(idle_timeout="60s", header_timeout="60s", drain="60s") as under_test:
            silent = under_test.socket()
            kept = under_test.socket()
            kept.sendall(GET)
            self.assertEqual(server.read_response(kept).status, 200)
            under_test.signal()
            self.assertEqual(kept.recv(1), b"")
            kept.close()
            _, closed = server.read_all(silent)
            self.assertTrue(closed)
            silent.close()
            self.assertEqual(under_test.wait(), 0)

    def test_answers_during_the_delay_ask_the_client_to_go(self):
        with server.Server(drain_delay="1s") as under_test:
            connection = under_test.connect()
            under_test.get("/livez", connection=connection)
            under_test.signal()
            server.wait_until(lambda: under_test.get("/readyz").status == 503, "readiness is 503")
            response = under_test.get("/livez", connection=connection)
            self.assertEqual((response.status, response.headers["Connection"].lower()), (200, "close"))
            connection.close()
            self.assertEqual(under_test.wait(), 0)

    def test_a_second_signal_ends_the_process_at_once(self):
        with server.Server(exits_with=128 + signal.SIGTERM, drain_delay="600s", drain="600s") as under_test:
            under_test.signal()
            server.wait_until(lambda: under_test.get("/readyz").status == 503, "readiness is 503")
            time.sleep(0.3)
            under_test.signal()
            under_test.wait()
            self.assertTrue(under_test.log(event="ended"))

    def test_one_wish_that_comes_twice_is_one(self):
        with server.Server() as under_test:
            thread, results = self.start_slow(under_test, 4000000)
            under_test.signal()
            under_test.signal(signal.SIGINT)
            self.assertEqual(under_test.wait(), 0)
            thread.join()
            self.assertEqual([response.status for response in results], [200])

    def test_where_nothing_runs_no_time_is_needed(self):
        for _ in range(10):
            with server.Server(drain="0s") as under_test:
                under_test.signal()
                self.assertEqual(under_test.wait(), 0)
                self.assertEqual(under_test.log(event="drain-cut"), [])

    def test_work_longer_than_the_drain_is_given_up(self):
        with server.Server(exits_with=1, drain="50ms", max_body="64MiB", cores=1) as under_test:
            slow = [self.start_slow(under_test, 4000000) for _ in range(3)]
            under_test.signal()
            under_test.wait()
            for thread, results in slow:
                thread.join()
                for response in results:
                    self.assertIn((response.status, response.slug()), [(200, None), (503, "shutting-down")])

    def test_a_client_that_never_finishes_its_request_cant_hold_the_process(self):
        with server.Server(exits_with=1, drain="300ms", body_timeout="600s", header_timeout="600s") as under_test:
            connection = under_test.socket()
            connection.sendall(server.post_head("/v1/wordcount", 100) + b"{")
            server.wait_until(lambda: server.health(under_test)["connections"] >= 1, "the connection is counted")
            self.assert_ends_with_its_drain(under_test)
            cut = [entry["detail"] for entry in under_test.log(event="drain-cut")]
            self.assertEqual(len(cut), 1, under_test.lines)
            self.assertRegex(cut[0], r"^connections still busy after --drain: \d+; their work is stopped$")
            connection.close()

    def test_a_stream_that_says_nothing_is_ended_early_and_an_active_one_finishes(self):
        head = (b"POST /v1/wordcount?word=is HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nX-Request-Id: %s\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"is it\n  " * 8192 + b"\r\n"
        with server.Server(drain="120s", body_timeout="600s") as under_test:
            idle, active, begun, opened = (under_test.socket() for _ in range(4))
            idle.sendall(head % b"idle" + chunk)
            active.sendall(head % b"active" + chunk)
            begun.sendall(server.post_head("/v1/wordcount", 1000, "X-Request-Id: begun"))
            opened.sendall(b"GET /livez HT")
            server.wait_until(lambda: server.health(under_test)["connections"] == 5, "all are connected")
            time.sleep(0.1)
            under_test.signal()
            chunks, ended, begin = 1, False, time.monotonic()
            idle.settimeout(0.2)
            received = b""
            while not ended and time.monotonic() < begin + server.PATIENCE_S:
                active.sendall(chunk)
                chunks += 1
                piece, ended = server.read_all(idle)
                received += piece
            self.assertTrue(ended)
            for _ in range(3):  # it isn't hurried by the others' end
                time.sleep(0.3)
                active.sendall(chunk)
                chunks += 1
            active.sendall(b"0\r\n\r\n")
            answer = server.read_response(active)
            self.assertEqual((answer.status, answer.json()["count"]), (200, chunks * 8192))
            self.assertEqual(under_test.wait(), 0)
            for name, got in (("idle", received), ("begun", server.read_all(begun)[0])):
                refusals = server.parse_responses(got)
                self.assertEqual([(found.status, found.slug()) for found in refusals], [(503, "shutting-down")])
                lines = [(line["status"], line["problem"], line["detail"]) for line in under_test.log(request_id=name)]
                self.assertEqual(lines, [(503, "shutting-down", refusals[0].json()["detail"])])
            for connection in (idle, active, begun, opened):
                connection.close()

    def test_a_trickle_extends_no_deadline_while_it_drains(self):
        with server.Server(body_timeout="1s", drain="60s") as under_test, under_test.socket() as connection:
            connection.sendall(server.post_head("/v1/wordcount", 1000))
            server.wait_until(lambda: server.health(under_test)["connections"] >= 1, "the connection is counted")
            under_test.signal()
            begin = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - begin < 20:
                    connection.sendall(b" ")
                    time.sleep(0.1)
            self.assertLess(time.monotonic() - begin, 15, "it goes on and on")
            self.assertEqual(under_test.wait(), 0)

    def test_requests_that_are_cut_are_told_why(self):
        with server.Server(exits_with=1, drain="300ms", body_timeout="600s") as under_test:
            with under_test.socket() as connection:
                connection.sendall(server.post_head("/v1/wordcount", 100, "X-Request-Id: cut") + b"{")
                server.wait_until(lambda: server.health(under_test)["connections"] == 2, "the connection is counted")
                under_test.signal()
                answers = server.parse_responses(server.read_all(connection)[0])
            self.assertEqual([(found.status, found.slug()) for found in answers], [(503, "shutting-down")])
            under_test.wait()
            lines = [(line["status"], line["problem"]) for line in under_test.log(request_id="cut")]
            self.assertEqual(lines, [(503, "shutting-down")])

    def test_a_client_that_doesnt_read_cant_hold_the_process(self):
        with server.Server(exits_with=1, drain="300ms", max_body="64MiB") as under_test:
            body = server.slow_body(2000000)
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((under_test.host, under_test.port))
            connection.sendall(server.post_head(GAUSS, len(body)) + body)
            server.wait_until(lambda: server.load(under_test)[0] >= 1, "the request runs")
            server.wait_until(lambda: server.load(under_test) == (0, 0), "the request is computed")
            self.assert_ends_with_its_drain(under_test)
            connection.close()


if __name__ == "__main__":
    unittest.main()
