"""Bodies that go on after the request was refused: their senders get one whole answer that says why, and the log has one
line that says the same, however much more comes and whenever the client looks.

ctest: threads
"""

import contextlib
import gzip
import os
import socket
import threading
import time
import unittest

import server

WORD = "/v1/wordcount"
MIB = 1 << 20
SHORT = 128 * 1024  # so much of a refused body is read and dropped
BEYOND = 64 * MIB  # far more than twice --max-body and 1 MiB, and than any socket's buffers


def head_of(path, request_id, *fields, media="application/json"):
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {media}", f"X-Request-Id: {request_id}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def send_all(connection, pieces):
    """Sends until it is done or the other side doesn't want more. Returns how many bytes went out."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            sent += len(piece)
    return sent


class RefusedBodies(server.ServerTest):
    options = {"max_body": "1MiB", "max_stream": "4MiB", "body_timeout": "20s", "io_threads": 2}

    def assert_answered(self, received, request_id, status, slug):
        """One whole answer and one line in the log, which agree."""
        responses = [found for found in server.parse_responses(received) if found.status >= 200]
        self.assertEqual([(found.status, found.slug()) for found in responses], [(status, slug)], received[:300])
        answer = responses[0]
        self.assert_problem(answer, status, slug)
        self.assertEqual(answer.headers["Connection"], "close")
        self.assertEqual(answer.headers["X-Request-Id"], request_id)
        self.assertIn("total;dur=", answer.headers["Server-Timing"])
        server.wait_until(lambda: self.server.log(request_id=request_id), "the line is there")
        time.sleep(0.1)  # for a second line, if there were one
        lines = self.server.log(request_id=request_id)
        self.assertEqual([(line["status"], line["problem"], line["detail"], line["bytes_out"]) for line in lines],
                         [(status, slug, answer.json()["detail"], len(answer.body))])
        return answer, lines[0]

    def send_and_read(self, head, pieces):
        """Reads while it sends, as curl does. Returns (received, bytes sent of the body)."""
        with self.server.socket() as connection:
            sent = []
            sender = threading.Thread(target=lambda: sent.append(send_all(connection, pieces)))
            connection.sendall(head)
            sender.start()
            received, closed = server.read_all(connection)
            self.assertTrue(closed)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            sender.join()
        return received, sent[0]

    def send_then_read(self, head, pieces):
        """Reads only after all is sent, or sending has failed."""
        with self.server.socket() as connection:
            connection.sendall(head)
            sent = send_all(connection, pieces)
            received, closed = server.read_all(connection)
            self.assertTrue(closed)
        return received, sent

    def each_way(self):
        yield "reads meanwhile", self.send_and_read
        yield "reads at the end", self.send_then_read

    def test_a_body_of_declared_length_far_beyond_the_limit(self):
        for number, (name, exchange) in enumerate(self.each_way()):
            with self.subTest(name):
                request_id = f"declared{number}"
                head = head_of(WORD, request_id, f"Content-Length: {BEYOND}")
                received, _ = exchange(head, [b" " * MIB] * (BEYOND // MIB))
                self.assert_answered(received, request_id, 413, "body-too-large")

    def test_a_chunked_body_that_never_ends(self):
        for number, (name, exchange) in enumerate(self.each_way()):
            with self.subTest(name):
                request_id = f"chunked{number}"
                chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
                received, sent = exchange(head_of(WORD, request_id, "Transfer-Encoding: chunked"), [chunk] * 1000)
                _, line = self.assert_answered(received, request_id, 413, "body-too-large")
                self.assertGreater(line["bytes_in"], MIB)
                self.assertLess(sent, 1000 * len(chunk))  # it doesn't get to send for ever

    def test_a_stream_that_is_too_long(self):
        for number, (name, exchange) in enumerate(self.each_way()):
            with self.subTest(name):
                request_id = f"stream{number}"
                chunk = b"10000\r\n" + b"is it\n  " * 8192 + b"\r\n"
                head = head_of(WORD + "?word=is", request_id, "Transfer-Encoding: chunked", media="text/plain")
                received, _ = exchange(head, [chunk] * 1000)
                self.assert_answered(received, request_id, 413, "body-too-large")

    def test_a_stream_whose_options_are_wrong(self):
        for number, (name, exchange) in enumerate(self.each_way()):
            with self.subTest(name):
                request_id = f"options{number}"
                chunk = b"10000\r\n" + b"is it\n  " * 8192 + b"\r\n"
                head = head_of(WORD + "?top=0", request_id, "Transfer-Encoding: chunked", media="text/plain")
                received, _ = exchange(head, [chunk] * 1000)
                self.assert_answered(received, request_id, 422, "out-of-range")

    def test_a_compressed_stream_that_is_broken(self):
        noise = [b"%x\r\n%s\r\n" % (MIB, os.urandom(MIB)) for _ in range(2)]
        begin = gzip.compress(os.urandom(2 * MIB))[:MIB]
        for number, (name, exchange) in enumerate(self.each_way()):
            with self.subTest(name):
                request_id = f"broken{number}"
                head = head_of(WORD + "?word=is", request_id, "Content-Encoding: gzip", "Transfer-Encoding: chunked",
                               media="text/plain")
                received, _ = exchange(head, [b"%x\r\n%s\r\n" % (len(begin), begin), *noise * 16])
                self.assert_answered(received, request_id, 400, "invalid-encoding")

    def test_compressed_json_that_unfolds_to_too_much_and_goes_on(self):
        bomb = gzip.compress(b" " * (200 * MIB), 9, mtime=0)
        for number, (name, exchange) in enumerate(self.each_way()):
            with self.subTest(name):
                request_id = f"bomb{number}"
                head = head_of(WORD, request_id, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
                chunk = b"%x\r\n%s\r\n" % (len(bomb), bomb)
                received, _ = exchange(head, [chunk] * 200)
                self.assert_answered(received, request_id, 413, "body-too-large")

    def test_a_short_refused_body_leaves_the_connection_usable(self):
        wrong = [("/v1/nothing", "POST", "application/json", 404), (WORD, "PUT", "application/json", 405),
                 (WORD, "POST", "image/png", 415), (WORD + "?top=0", "POST", "text/plain", 422)]
        with self.server.socket() as connection:
            for number, (path, method, media, status) in enumerate(wrong):
                request_id = f"short{number}"
                head = head_of(path, request_id, f"Content-Length: {SHORT}", media=media).replace(b"POST", method.encode())
                connection.sendall(head + b" " * SHORT)
                answer = server.read_response(connection)
                self.assertEqual(answer.status, status)
                self.assertNotEqual(answer.headers.get("Connection"), "close")
                server.wait_until(lambda: self.server.log(request_id=request_id), "its line is there")
                self.assertEqual([line["bytes_in"] for line in self.server.log(request_id=request_id)], [SHORT])

    def test_a_long_body_that_is_refused_need_not_come(self):
        """The answer is there before a byte of the body."""
        wrong = [("/v1/nothing", "POST", "application/json", 404, "not-found"),
                 (WORD, "PUT", "application/json", 405, "method-not-allowed"),
                 (WORD, "POST", "image/png", 415, "unsupported-media-type"),
                 (WORD, "POST", "application/json", 413, "body-too-large"),
                 (WORD + "?top=0", "POST", "text/plain", 422, "out-of-range")]
        for number, (path, method, media, status, slug) in enumerate(wrong):
            with self.subTest(slug), self.server.socket() as connection:
                request_id = f"early{number}"
                head = head_of(path, request_id, f"Content-Length: {2 * MIB}", media=media)
                connection.sendall(head.replace(b"POST", method.encode()))
                received, closed = server.read_all(connection)
                self.assertTrue(closed)
                connection.close()
                answer, _ = self.assert_answered(received, request_id, status, slug)
                self.assertEqual(answer.headers.get("Allow"), "POST, QUERY, OPTIONS" if status == 405 else None)

    def test_a_long_body_that_is_refused_may_come_all_the_same(self):
        for path, status, slug in (("/v1/nothing", 404, "not-found"), (WORD + "?top=0", 422, "out-of-range")):
            for number, (name, exchange) in enumerate(self.each_way()):
                with self.subTest(slug + ", " + name):
                    request_id = f"comes{status}{number}"
                    head = head_of(path, request_id, f"Content-Length: {2 * MIB}", media="text/plain")
                    received, sent = exchange(head, [b" " * 65536] * 32)
                    _, line = self.assert_answered(received, request_id, status, slug)
                    self.assertLessEqual(line["bytes_in"], sent)

    def test_a_body_that_nobody_looks_at(self):
        """Of a request that is for information: a short one is dropped, a long one refused."""
        for method, path, status in (("GET", "/livez", 200), ("HEAD", "/livez", 200), ("OPTIONS", WORD, 204)):
            for name, exchange in self.each_way():
                with self.subTest(f"{method}, {name}"):
                    request_id = f"{method}-{len(name)}"
                    head = head_of(path, request_id, f"Content-Length: {8 * MIB}").replace(b"POST", method.encode())
                    received, _ = exchange(head, [b" " * 65536] * 128)
                    answers = server.parse_responses(received, method)
                    self.assertEqual([answer.status for answer in answers], [413], received[:300])
                    self.assertTrue(received.endswith(b"\r\n\r\n") or method != "HEAD", received)
                    if method != "HEAD":
                        self.assertIn(f"more than {SHORT} bytes is not read", answers[0].json()["detail"])
            with self.subTest(method), self.server.socket() as connection:
                for _ in range(2):
                    head = head_of(path, method, f"Content-Length: {SHORT}").replace(b"POST", method.encode())
                    connection.sendall(head + b" " * SHORT)
                    self.assertEqual(server.read_response(connection, method).status, status)
        self.assertEqual(self.server.get("/livez").status, 200)

    def test_who_expects_to_be_told_is_told_at_once(self):
        head = head_of(WORD, "expects", f"Content-Length: {BEYOND}", "Expect: 100-continue")
        received, _ = self.send_and_read(head, [])
        self.assert_answered(received, "expects", 413, "body-too-large")


class Slow(unittest.TestCase):
    def test_a_refused_body_that_stops_coming_is_answered_with_why_it_was_refused(self):
        with server.Server(body_timeout="1s") as under_test, under_test.socket() as connection:
            connection.sendall(head_of(WORD + "?top=0", "slow", "Content-Length: 60000", media="text/plain") + b"is")
            answer = server.read_response(connection)
            self.assertEqual((answer.status, answer.slug()), (422, "out-of-range"))
            self.assertEqual(answer.headers["Connection"], "close")
            server.wait_until(lambda: under_test.log(request_id="slow"), "the line is there")
            line = under_test.log(request_id="slow")[0]
            self.assertEqual((line["status"], line["problem"], line["bytes_in"]), (422, "out-of-range", 2))
            self.assertGreater(line["receive_ms"], 500)


if __name__ == "__main__":
    unittest.main()
