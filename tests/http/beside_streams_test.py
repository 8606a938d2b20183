"""Requests beside streams: none of them waits for the others' end.

ctest: threads
"""

import contextlib
import gzip
import json
import random
import socket
import struct
import threading
import time
import unittest

import server

WORD = "/v1/wordcount"
STREAM_HEAD = ("POST {} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nX-Request-Id: {}\r\n{}"
               "Transfer-Encoding: chunked\r\n\r\n")
SHORT = json.dumps({"text": "is it is", "word": "is"}).encode()  # an event loop's
NARROW = json.dumps({"ranges": [15_000_000], "threads": 1}).encode()  # 4 ms of one lane
WIDE = json.dumps({"ranges": [100_000, 100_000], "threads": 2}).encode()
SOON_S = 10  # 2 on a quiet machine; without turns it would be --timeout


def words(seed):
    chance = random.Random(seed)
    vocabulary = ["w%d" % number for number in range(50_000)]
    return " ".join(chance.choices(vocabulary, k=120_000)).encode()


class Stream(threading.Thread):
    """Sends a text over and over until it is told to end; then its answer is in `response`."""

    def __init__(self, under_test, target, name, fields, piece):
        super().__init__()
        self.connection = under_test.socket()
        self.head = STREAM_HEAD.format(target, name, fields).encode()
        self.piece = b"%x\r\n%s\r\n" % (len(piece), piece)
        self.last = b"0\r\n\r\n"
        self.ending = threading.Event()
        self.sent = 0
        self.response = None

    def run(self):
        with self.connection:
            self.connection.sendall(self.head)
            with contextlib.suppress(OSError):
                while not self.ending.is_set():
                    self.connection.sendall(self.piece)
                    self.sent += 1
            with contextlib.suppress(OSError):
                self.connection.sendall(self.last)
                self.response = server.read_response(self.connection)

    def finish(self):
        self.ending.set()
        self.join()
        return self.response


class BesideStreams(unittest.TestCase):
    def ask(self, under_test, path, body, threads):
        begin = time.monotonic()
        answer = under_test.post(path, body, headers={"Content-Type": "application/json"})
        self.assertEqual((answer.status, answer.json()["threads"]["granted"]), (200, threads), answer)
        self.assertLess(time.monotonic() - begin, SOON_S)

    def wide_requests(self, under_test, count=5):
        for _ in range(count):
            self.ask(under_test, "/v1/triangular", WIDE, 2)
            time.sleep(0.1)

    def narrow_requests(self, under_test):
        for _ in range(20):
            self.ask(under_test, "/v1/triangular", NARROW, 1)

    def short_and_wide_requests(self, under_test):
        for _ in range(5):
            self.ask(under_test, WORD, SHORT, 1)
            self.wide_requests(under_test, 1)

    def beside(self, streams, under_test, requests):
        for stream in streams:
            stream.start()
        try:
            server.wait_until(lambda: all(stream.sent > 2 for stream in streams), "the streams flow")
            requests(under_test)
        finally:
            responses = [stream.finish() for stream in streams]
        return responses

    def test_a_wide_request_beside_two_narrow_compressed_streams(self):
        with server.Server(cores=2, timeout="60s") as under_test:
            text = words(7) + b" "
            packed = gzip.compress(text, 1)
            streams = [Stream(under_test, WORD + "?word=w7&threads=1", f"gzip{number}", "Content-Encoding: gzip\r\n",
                              packed) for number in range(2)]
            for stream, response in zip(streams, self.beside(streams, under_test, self.wide_requests), strict=True):
                self.assertEqual(response.status, 200, response)
                self.assertEqual(response.json()["count"], stream.sent * text.split(b" ").count(b"w7"))

    def test_a_wide_request_beside_streams_of_which_a_window_unfolds_to_a_hundred_times_as_much(self):
        with server.Server(cores=2, timeout="60s") as under_test:
            chance = random.Random(5)
            packed = gzip.compress(b"".join(chance.randbytes(1500).hex().encode() * 60 for _ in range(200)), 9)
            streams = [Stream(under_test, WORD + "?word=is&match=letters&threads=1", f"bomb{number}",
                              "Content-Encoding: gzip\r\n", packed) for number in range(2)]
            for stream in streams:
                stream.start()
            try:
                server.wait_until(lambda: server.load(under_test)[0] == 2, "both are worked on")
                self.wide_requests(under_test, 3)
            finally:
                for stream in streams:  # resets, which cut the work: what has come already unfolds for seconds
                    stream.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    stream.connection.shutdown(socket.SHUT_RDWR)
                    stream.ending.set()
                    stream.join()

    def beside_streams_of_many_words(self, requests):
        with server.Server(cores=2, timeout="60s") as under_test:
            streams = [Stream(under_test, WORD + "?top=10", f"top{number}", "", words(number) + b" ")
                       for number in range(3)]
            for stream, response in zip(streams, self.beside(streams, under_test, requests), strict=True):
                self.assertEqual(response.status, 200, response)
                self.assertEqual(response.json()["words"], stream.sent * 120_000)

    def test_short_and_wide_requests_beside_three_streams_of_many_words(self):
        self.beside_streams_of_many_words(self.short_and_wide_requests)

    def test_narrow_requests_beside_three_streams_of_many_words(self):
        self.beside_streams_of_many_words(self.narrow_requests)

    def test_a_stream_that_leaves_while_it_is_worked_on_is_not_waited_for(self):
        with server.Server(cores=1, io_threads=1, timeout="60s") as under_test:
            piece = words(1) + b" "
            for number in range(10):
                with under_test.socket() as connection:
                    connection.sendall(STREAM_HEAD.format(WORD + "?top=10", f"left{number}", "").encode())
                    for _ in range(1 + number % 5):
                        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                begin = time.monotonic()
                self.assertEqual(under_test.get("/livez").status, 200)
                self.assertLess(time.monotonic() - begin, SOON_S)
                server.wait_until(lambda: server.load(under_test) == (0, 0), "its work has ended")
                server.wait_until(lambda: server.health(under_test)["memory"]["used_bytes"] == 0, "and is forgotten")
                server.wait_until(lambda: under_test.log(request_id=f"left{number}"), "it is logged")
                lines = under_test.log(request_id=f"left{number}")
                self.assertEqual([(line["status"], line["problem"]) for line in lines], [(499, "client-gone")])


if __name__ == "__main__":
    unittest.main()
