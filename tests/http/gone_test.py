"""Clients that go away without a word: what they held is free again at once, and no drain waits for them."""

import contextlib
import socket
import time
import unittest

import server

GOOD = {"text": "is", "word": "is"}
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
PARTS = {
    "in the head": b"GET /livez HT",
    "in the body": server.post_head("/v1/wordcount", 100) + b"{",
    "before anything": b"",
}


class Gone(unittest.TestCase):
    def leave(self, under_test, sent, count=20):
        """End of stream together with the last bytes, which libmicrohttpd alone doesn't notice."""
        for _ in range(count):
            connection = under_test.socket()
            connection.sendall(sent)
            connection.close()

    def test_connections_of_clients_that_left_are_closed(self):
        for where, sent in PARTS.items():
            with self.subTest(where), server.Server() as under_test:
                self.leave(under_test, sent)
                server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")

    def test_memory_that_they_reserved_is_free_again(self):
        with server.Server(memory="1GiB") as under_test:
            self.leave(under_test, server.post_head("/v1/wordcount", 64 << 20) + b"{", count=40)
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")
            self.assertEqual(server.health(under_test)["memory"]["used_bytes"], 0)
            self.assertEqual(under_test.post("/v1/wordcount", GOOD).status, 200)

    def test_a_drain_does_not_wait_for_them(self):
        for where, sent in PARTS.items():
            with self.subTest(where), server.Server(drain="60s") as under_test:
                self.leave(under_test, sent)
                under_test.signal()
                self.assertEqual(under_test.wait(), 0)

    def test_a_drain_does_not_wait_for_a_half_closed_client_that_has_its_answer(self):
        with server.Server(drain="60s") as under_test, under_test.socket() as connection:
            connection.sendall(GET)
            connection.shutdown(1)
            self.assertEqual(server.read_response(connection).status, 200)
            under_test.signal()
            self.assertEqual(under_test.wait(), 0)

    def test_a_drain_closes_what_becomes_idle_while_it_lasts(self):
        with server.Server(drain="60s", idle_timeout="600s") as under_test, under_test.socket() as connection:
            body = server.slow_body(1000000)
            connection.sendall(server.post_head("/v1/gaussian", len(body)) + body)
            time.sleep(0.05)
            under_test.signal()
            self.assertEqual(server.read_response(connection).status, 200)
            self.assertEqual(under_test.wait(), 0)


    def test_a_client_that_was_told_it_is_late_is_not_heard_again(self):
        head = (b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                b"Content-Length: 16777216\r\n\r\n")
        with server.Server(header_timeout="200ms", drain="60s") as under_test:
            for _ in range(3):
                with under_test.socket() as connection:
                    time.sleep(0.4)
                    with contextlib.suppress(OSError):
                        connection.sendall(head + b" " * 16777216)
                    received, _ = server.read_all(connection)
                    self.assertEqual([response.status for response in server.parse_responses(received)], [408])
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")
            self.assertEqual(server.health(under_test)["memory"]["used_bytes"], 0)
            under_test.signal()
            self.assertEqual(under_test.wait(), 0)


class ConnectionLimit(unittest.TestCase):
    def test_clients_turned_away_take_no_place_from_others(self):
        limits = {"max_connections": 10, "max_connections_per_address": 5, "header_timeout": "600s"}
        with server.Server(**limits) as under_test:
            greedy = [under_test.socket() for _ in range(30)]
            address = greedy[0].getpeername()
            with socket.create_connection(address, server.PATIENCE_S, source_address=("127.0.0.2", 0)) as other:
                other.sendall(GET)
                self.assertEqual(server.read_response(other).status, 200)
            for connection in greedy:
                connection.close()


if __name__ == "__main__":
    unittest.main()
