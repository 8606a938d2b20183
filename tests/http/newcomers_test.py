"""Clients on their way in: those that say nothing at first, those that announce long bodies, and many of both.

ctest: threads
"""

import json
import time
import unittest

import server

SILENT = 300  # more than are waited for before they have sent anything
BULK = 80     # more than get a large buffer
LONG_TEXT = "is it " * 20000
SHORT = json.dumps({"text": "it is", "word": "is"}).encode()
LONG = json.dumps({"text": LONG_TEXT, "word": "is"}).encode()
LONG_COUNT = LONG_TEXT.count("is")


def post(connection, body):
    connection.sendall(server.post_head("/v1/wordcount", len(body)) + body)
    response = server.read_response(connection)
    return response.status, json.loads(response.body).get("count")


class Newcomers(unittest.TestCase):
    def test_many_that_say_nothing_for_a_while_are_all_answered(self):
        with server.Server() as under_test:
            clients = [under_test.socket() for _ in range(SILENT)]
            time.sleep(0.05)
            for client in clients:
                self.assertEqual(post(client, SHORT), (200, 1))
                client.close()

    def test_one_that_hesitates_inside_its_head_is_answered(self):
        head = server.post_head("/v1/wordcount", len(LONG))
        with server.Server() as under_test:
            for cut in (1, len(head) // 2, len(head) - 1, len(head)):
                with under_test.socket() as client:
                    client.sendall(head[:cut])
                    time.sleep(0.02)
                    client.sendall(head[cut:] + LONG)
                    self.assertEqual(server.read_response(client).status, 200)

    def test_more_long_bodies_than_large_buffers(self):
        with server.Server() as under_test:
            clients = [under_test.socket() for _ in range(BULK)]
            for client in clients:
                client.sendall(server.post_head("/v1/wordcount", len(LONG)) + LONG[:1000])
            for client in clients:
                client.sendall(LONG[1000:])
            for client in clients:
                self.assertEqual(server.read_response(client).status, 200)
                client.close()
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")

    def test_long_and_short_bodies_in_turn_on_one_connection(self):
        with server.Server() as under_test:
            for bodies in ([LONG, SHORT] * 3, [SHORT, LONG] * 3):
                with under_test.socket() as client:
                    for body in bodies:
                        self.assertEqual(post(client, body), (200, LONG_COUNT if body is LONG else 1))

    def test_silent_ones_count_for_the_header_timeout(self):
        with server.Server(header_timeout="1s") as under_test, under_test.socket() as client:
            self.assertEqual(server.read_response(client).status, 408)

    def test_those_that_leave_without_a_word_leave_nothing(self):
        with server.Server() as under_test:
            for _ in range(50):
                under_test.socket().close()
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")

    def test_a_drain_serves_what_was_sent_before_it(self):
        with server.Server(drain="60s") as under_test:
            clients = [under_test.socket() for _ in range(20)]
            for client in clients:
                client.sendall(server.post_head("/v1/wordcount", len(SHORT)) + SHORT)
            under_test.signal()
            for client in clients:
                self.assertEqual(server.read_response(client).status, 200)
                client.close()
            self.assertEqual(under_test.wait(), 0)

    def test_a_drain_does_not_wait_for_silent_ones(self):
        with server.Server(drain="60s", header_timeout="600s") as under_test:
            clients = [under_test.socket() for _ in range(10)]
            under_test.signal()
            self.assertEqual(under_test.wait(), 0)  # within the server's patience, which is less than --drain
            for client in clients:
                client.close()


if __name__ == "__main__":
    unittest.main()
