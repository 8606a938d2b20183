"""Heads that libmicrohttpd has no room for: answered all the same, and nothing of them is left behind."""

import time
import unittest

import server

WORD = "/v1/wordcount"


def head(target):
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class RefusedHeads(server.ServerTest):
    def ask(self, target):
        with self.server.socket() as connection:
            connection.sendall(head(target))
            return server.read_response(connection)

    def test_a_query_of_many_arguments(self):
        for count in (129, 240, 300, 1000):
            with self.subTest(count):
                response = self.ask("/livez?" + "&".join(["a=b"] * count))
                self.assert_problem(response, 431, "head-too-large")
                self.assertIn("more than 80 arguments", response.json()["detail"])

    def test_a_long_target(self):
        for length in (9000, 12000):
            with self.subTest(length):
                self.assert_problem(self.ask(WORD + "?word=" + "x" * length), 414, "target-too-long")

    def test_a_target_of_many_escapes_in_a_row(self):
        self.assertEqual(self.ask("/livez?a=" + "%61" * 256).status, 200)
        response = self.ask("/livez?a=" + "%61" * 257)
        self.assert_problem(response, 400, "malformed-request")
        self.assertIn("at most 256 in a row", response.json()["detail"])

    def test_they_are_logged(self):
        with server.Server() as under_test, under_test.socket() as connection:
            connection.sendall(head("/livez?" + "&" * 500))
            server.read_response(connection)
            server.wait_until(lambda: under_test.log(event="request", status=431), "the refusal is logged")


class Left(unittest.TestCase):
    def test_a_client_that_leaves_within_its_head_leaves_nothing(self):
        begun = b"GET /livez?" + b"a=b&" * 50 + b" HTTP/1.1\r\nHost: local"
        with server.Server() as under_test:
            for _ in range(20):
                with under_test.socket() as connection:
                    connection.sendall(begun)
                    time.sleep(0.005)
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")
            self.assertEqual(server.health(under_test)["memory"]["used_bytes"], 0)
            # One that is gone before its first line is read was never a request.
            self.assertTrue(under_test.log(event="request", problem="client-gone"))

    def test_an_answer_that_was_not_taken_is_logged_as_that(self):
        body = server.slow_body(2000000)
        with server.Server(answer_timeout="1s") as under_test:
            with under_test.socket() as connection:
                connection.sendall(server.post_head("/v1/gaussian", len(body)) + body)
                server.wait_until(lambda: under_test.log(event="request", path="/v1/gaussian"), "the answer is cut off")
            line = under_test.log(event="request", path="/v1/gaussian")[0]
            self.assertEqual((line["status"], line.get("problem")), (200, "client-gone"))


if __name__ == "__main__":
    unittest.main()
