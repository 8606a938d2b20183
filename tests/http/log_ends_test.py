"""The log has exactly one line for each request, whatever way it ends, and what the line says is what happened.

ctest: threads
"""

import contextlib
import json
import socket
import struct
import time
import unittest

import server

WORD = "/v1/wordcount"
LOAD = "/v1/triangular"
SHORT = b'{"text": "is it", "word": "is"}'
ENDLESS = json.dumps({"ranges": [100_000_000] * 1000, "threads": 1}).encode()
PHASES = ["receive_ms", "queue_ms", "decode_ms", "compute_ms", "encode_ms"]


def post(path, body, *fields):
    return server.post_head(path, len(body), *fields) + body


def timing_of(header):
    """Server-Timing as numbers."""
    return {name: float(part.split("dur=")[1]) for part in header.split(",")
            for name in [part.split(";")[0].strip()]}


class Ends(server.ServerTest):
    options = {"max_body": "1MiB", "header_timeout": "1s", "body_timeout": "1s", "cores": 1, "timeout": "60s"}

    def line_of(self, request_id):
        server.wait_until(lambda: self.server.log(request_id=request_id), f"the line of {request_id} is there")
        time.sleep(0.05)  # for a second one, if there were one
        lines = self.server.log(request_id=request_id)
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def check(self, response, request_id, body_bytes):
        """What the client saw and what the line says agree."""
        line = self.line_of(request_id)
        self.assertEqual(response.headers["X-Request-Id"], request_id)
        self.assertEqual((line["status"], line.get("problem")), (response.status, response.slug()))
        if response.slug():
            self.assertEqual(line["detail"], response.json()["detail"])
        self.assertEqual((line["bytes_in"], line["bytes_out"]), (body_bytes, len(response.body)))
        timing = timing_of(response.headers["Server-Timing"])
        for phase in PHASES:
            self.assertAlmostEqual(timing[phase.removesuffix("_ms")], line[phase], delta=0.002)
        self.assertLessEqual(timing["total"], line["total_ms"] + 0.002)
        self.assertLessEqual(sum(line[phase] for phase in PHASES), line["total_ms"] + 1)
        return line

    def exchange(self, sent, request_id, body_bytes, finish=False):
        responses, _ = self.server.raw(sent, finish=finish)
        responses = [found for found in responses if found.status >= 200]
        self.assertEqual(len(responses), 1, responses)
        return responses[0], self.check(responses[0], request_id, body_bytes)

    def test_answered(self):
        sent = post(WORD, SHORT, "X-Request-Id: fine", "Connection: close")
        answer, line = self.exchange(sent, "fine", len(SHORT))
        self.assertEqual(answer.status, 200)
        timing = answer.json()["timing"]
        self.assertAlmostEqual(timing["compute_ms"], line["compute_ms"], delta=0.002)

    def test_refused_by_its_head(self):
        answer, _ = self.exchange(post(WORD, SHORT, "X-Request-Id: head", "Content-Type: text/plain", "Connection: close"), "head",
                                  len(SHORT))
        self.assertEqual((answer.status, answer.slug()), (400, "malformed-request"))

    def test_refused_for_its_target(self):
        sent = b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        responses, _ = self.server.raw(sent)
        self.assertEqual([found.status for found in responses], [414])
        self.check(responses[0], responses[0].headers["X-Request-Id"], 0)

    def test_refused_after_its_body(self):
        body = b'{"text": 1}'
        answer, _ = self.exchange(post(WORD, body, "X-Request-Id: wrong", "Connection: close"), "wrong", len(body))
        self.assertEqual(answer.status, 422)

    def test_refused_late(self):
        answer, line = self.exchange(server.post_head(WORD, 1000, "X-Request-Id: late") + b"{", "late", 1)
        self.assertEqual((answer.status, answer.slug()), (408, "request-timeout"))
        self.assertGreater(line["receive_ms"], 500)

    def test_half_closed(self):
        answer, _ = self.exchange(post(WORD, SHORT, "X-Request-Id: half"), "half", len(SHORT), finish=True)
        self.assertEqual(answer.status, 200)

    def test_cut_by_its_deadline(self):
        body = ENDLESS[:-1] + b', "timeout_ms": 200}'
        answer, line = self.exchange(post(LOAD, body, "X-Request-Id: cut", "Connection: close"), "cut", len(body))
        self.assertEqual((answer.status, answer.slug()), (504, "deadline-exceeded"))
        self.assertEqual(line["level"], "warn")
        self.assertGreater(line["queue_ms"] + line["compute_ms"], 150)

    def test_left_in_the_body_while_queued_and_while_working(self):
        with self.server.socket() as connection:
            connection.sendall(server.post_head(WORD, 1000, "X-Request-Id: leftbody") + b"{")
        line = self.line_of("leftbody")
        self.assertEqual((line["status"], line["problem"], line["bytes_out"]), (499, "client-gone", 0))
        working, queued = self.server.socket(), self.server.socket()
        working.sendall(post(LOAD, ENDLESS, "X-Request-Id: leftwork"))
        server.wait_until(lambda: server.load(self.server) == (1, 0), "it runs")
        queued.sendall(post(LOAD, ENDLESS, "X-Request-Id: leftqueue"))
        server.wait_until(lambda: server.load(self.server) == (1, 1), "it waits")
        time.sleep(0.2)  # a core is busy as soon as it is given to a lane, which then has to wake
        for connection in (queued, working):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        line = self.line_of("leftqueue")
        self.assertEqual((line["status"], line["problem"], line["bytes_in"]), (499, "client-gone", len(ENDLESS)))
        self.assertGreater(line["queue_ms"], 0)
        self.assertEqual(line["compute_ms"], 0)
        line = self.line_of("leftwork")
        self.assertEqual((line["status"], line["problem"]), (499, "client-gone"))
        self.assertGreater(line["compute_ms"], 0)


class TurnedAway(unittest.TestCase):
    def test_each_is_answered_and_logged_with_the_reason(self):
        with server.Server(max_connections=2) as under_test, contextlib.ExitStack() as stack:
            for _ in range(2):
                connection = stack.enter_context(under_test.socket())
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(server.read_response(connection).status, 200)
            for number in range(5):
                answers, closed = under_test.raw(post(WORD, SHORT, f"X-Request-Id: away{number}"))
                self.assertTrue(closed)
                self.assertEqual([(found.status, found.slug()) for found in answers], [(503, "too-many-connections")])
                server.wait_until(lambda number=number: under_test.log(request_id=f"away{number}"), "it is logged")
                lines = under_test.log(request_id=f"away{number}")
                self.assertEqual([(line["status"], line["problem"], line["level"]) for line in lines],
                                 [(503, "too-many-connections", "warn")])


if __name__ == "__main__":
    unittest.main()
