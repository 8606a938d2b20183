"""What clients hold without doing anything: bodies that are announced and don't come, answers that nobody reads, idle
connections. Others are served meanwhile, and what was held is free again in time.

ctest: threads
"""

import contextlib
import json
import socket
import time
import unittest

import server

WORD = "/v1/wordcount"
MATRIX = "/v1/gaussian/matrix"
MIB = 1 << 20
ANNOUNCING = 230
GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
BODY = b'{"text": "is it", "word": "is"}'
JSON = {"Content-Type": "application/json"}


def connect(under_test, source, receive_bytes=None):
    connection = socket.socket()
    connection.settimeout(server.PATIENCE_S)
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.bind((source, 0))
    connection.connect((under_test.host, under_test.port))
    return connection


def used(under_test):
    return server.health(under_test)["memory"]["used_bytes"]


def matrix_request(points, request_id="m"):
    """Its answer takes 8 bytes a pair of points."""
    body = json.dumps({"x": [[number % 7, number % 5] for number in range(points)]}).encode()
    return server.post_head(MATRIX, len(body), "Accept: application/x-npy", f"X-Request-Id: {request_id}") + body


def count(under_test, source):
    with connect(under_test, source) as connection:
        connection.sendall(server.post_head(WORD, len(BODY)) + BODY)
        return server.read_response(connection)


class Announced(unittest.TestCase):
    def test_announcing_without_sending_takes_nothing_from_others(self):
        with server.Server(memory="256MiB", max_body="64MiB") as under_test, contextlib.ExitStack() as stack:
            for _ in range(ANNOUNCING):
                connection = stack.enter_context(under_test.socket())
                connection.sendall(server.post_head(WORD, 64 * MIB))
            server.wait_until(lambda: server.health(under_test)["connections"] == ANNOUNCING + 1, "all are in")
            self.assertLess(used(under_test), 4 * MIB)
            for _ in range(20):
                self.assertEqual(under_test.post(WORD, BODY, headers=JSON).status, 200)
            large = json.dumps({"text": "is it " * 2_000_000, "word": "is"}).encode()
            self.assertEqual(under_test.post(WORD, large, headers=JSON).json()["count"], 2_000_000)

    def test_what_they_send_is_charged_as_it_comes(self):
        with server.Server(memory="256MiB", max_body="64MiB") as under_test, contextlib.ExitStack() as stack:
            for _ in range(4):
                connection = stack.enter_context(under_test.socket())
                connection.sendall(server.post_head(WORD, 64 * MIB) + b" " * (8 * MIB))
            server.wait_until(lambda: used(under_test) >= 32 * MIB, "it is charged")
            self.assertLess(used(under_test), 64 * MIB)


class Unread(unittest.TestCase):
    def test_answers_that_nobody_reads_are_given_up_and_others_are_served_meanwhile(self):
        with server.Server(memory="128MiB", timeout="60s") as under_test, contextlib.ExitStack() as stack:
            greedy = [stack.enter_context(connect(under_test, GREEDY, 4096)) for _ in range(12)]
            for number, connection in enumerate(greedy):
                connection.sendall(matrix_request(1448, f"greedy{number}"))  # 16 MiB
            server.wait_until(lambda: used(under_test) > 32 * MIB, "answers wait")
            for number in range(100):
                if not server.load(under_test)[0]:
                    break
                time.sleep(0.05)
            server.wait_until(lambda: server.load(under_test) == (0, 0), "all are computed")
            self.assertLessEqual(used(under_test), 64 * MIB + MIB)
            for _ in range(10):
                self.assertEqual(count(under_test, OTHER).status, 200)
            with connect(under_test, OTHER) as connection:
                connection.sendall(matrix_request(1448))
                self.assertEqual(server.read_response(connection).status, 200)
            refused = 0
            for number in range(len(greedy)):
                for line in under_test.log(request_id=f"greedy{number}"):
                    self.assertEqual((line["status"], line["problem"]), (503, "memory-busy"))
                    refused += 1
            self.assertGreater(refused, 4)
            server.wait_until(lambda: used(under_test) < MIB, "the unread answers are given up")
            server.wait_until(lambda: len([line for line in under_test.log(path=MATRIX)
                                           if line["request_id"].startswith("greedy")]) == len(greedy), "all are logged")
            given_up = [line for line in under_test.log(path=MATRIX, status=200) if line.get("problem")]
            self.assertEqual(len(given_up), len(greedy) - refused)
            for line in given_up:
                self.assertEqual(line["problem"], "client-gone")
                self.assertIn("--answer-rate", line["detail"])
            self.assertEqual(count(under_test, GREEDY).status, 200)

    def test_an_answer_has_to_be_taken_in_time_however_fast(self):
        with server.Server(answer_timeout="1s") as under_test, connect(under_test, GREEDY, 65536) as connection:
            connection.sendall(matrix_request(2896))  # 64 MiB
            taken, end = 0, time.monotonic() + server.PATIENCE_S
            with contextlib.suppress(ConnectionError):
                while time.monotonic() < end:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    taken += len(piece)
                    time.sleep(0.02)
            self.assertLess(taken, 64 * MIB)
            server.wait_until(lambda: under_test.log(path=MATRIX), "it is logged")
            self.assertIn("--answer-timeout", under_test.log(path=MATRIX)[0]["detail"])
            server.wait_until(lambda: used(under_test) < MIB, "its memory is free again")

    def test_slow_but_honest_readers_get_all_of_it(self):
        with server.Server(memory="1GiB") as under_test, connect(under_test, GREEDY, 65536) as connection:
            connection.sendall(matrix_request(3623))  # 100 MiB
            size = 0
            begin = time.monotonic()
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            self.assertGreater(length, 100 * MIB)
            while size < length:
                if size < 2 * MIB:  # past a look or two at the rate
                    time.sleep(0.25)
                piece = connection.recv(65536 if size < 2 * MIB else MIB)
                self.assertTrue(piece, f"it ended after {size} bytes and {time.monotonic() - begin} s")
                size += len(piece)
            self.assertEqual(size, length)
            server.wait_until(lambda: used(under_test) < MIB, "its memory is free again")

    def test_without_a_rate_a_client_may_take_as_long_as_the_timeout(self):
        with server.Server(answer_rate=0, answer_timeout="600s") as under_test:
            with connect(under_test, GREEDY, 4096) as connection:
                connection.sendall(matrix_request(1448))
                time.sleep(12)
                self.assertEqual(server.read_response(connection).status, 200)


class Fairness(unittest.TestCase):
    def test_hundreds_of_one_address_dont_delay_another(self):
        body = json.dumps({"ranges": [20_000_000] * 4, "threads": 1}).encode()
        with server.Server(cores=1, queue=1000, timeout="600s", exits_with=1, drain="0s") as under_test, \
                contextlib.ExitStack() as stack:
            for _ in range(400):
                connection = stack.enter_context(connect(under_test, GREEDY))
                connection.sendall(server.post_head("/v1/triangular", len(body)) + body)
            server.wait_until(lambda: server.load(under_test)[1] > 300, "they wait")
            finished_before = len(under_test.log(path="/v1/triangular", peer=GREEDY))
            with connect(under_test, OTHER) as connection:
                connection.sendall(server.post_head("/v1/triangular", len(body)) + body)
                self.assertEqual(server.read_response(connection).status, 200)
            finished = len(under_test.log(path="/v1/triangular", peer=GREEDY)) - finished_before
            self.assertLess(finished, 30)  # one or two, and what came while this test was held up
            self.assertGreater(server.load(under_test)[1], 200)


if __name__ == "__main__":
    unittest.main()
