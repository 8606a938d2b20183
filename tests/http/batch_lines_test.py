"""POST /v1/batch with Accept: application/x-ndjson: a line for each result as soon as it is there, under back-pressure.

ctest: threads
"""

import gzip
import http.client
import json
import pathlib
import socket
import struct
import time
import unittest

import server
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = "/v1/batch"
LINES = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
LOAD = {"ranges": [100_000_000]}  # some 50 ms
MANY = {"op": "/v1/gaussian", "defaults": {"x": [index / 1000 for index in range(1000)]},
        "items": [{"y": 0.5}] * 1500}  # some 30 MB of text


def head(length, version="1.1"):
    return (f"POST {BATCH} HTTP/{version}\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Accept: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n").encode()


def count_results(received):
    """Of the last response in what a connection has received: all is there, and its last line has no index."""
    response = server.parse_responses(received)[-1]
    *results, last = [json.loads(line) for line in response.body.splitlines()]
    if "failed" not in last or sorted(line["index"] for line in results) != list(range(len(results))):
        raise AssertionError(last)
    return len(results)


def read_chunks(connection):
    """A chunked response, to its end."""
    received = bytearray()
    while not received.endswith(b"0\r\n\r\n"):
        received += connection.recv(1 << 20)
    return bytes(received)


class BatchLines(server.ServerTest):
    options = {"cores": 4}

    def begin(self, under_test, body):
        """The response, of which nothing but the head was read yet."""
        connection = http.client.HTTPConnection("127.0.0.1", under_test.port, timeout=server.PATIENCE_S)
        self.addCleanup(connection.close)
        connection.request("POST", BATCH, json.dumps(body), LINES)
        response = connection.getresponse()
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/x-ndjson"))
        return response

    def lines(self, body):
        *results, last = [json.loads(line) for line in self.begin(self.server, body).read().splitlines()]
        self.assertNotIn("index", last)
        return results, last

    def nothing_is_left(self, under_test):
        server.wait_until(lambda: server.load(under_test) == (0, 0), "the work has ended")
        server.wait_until(lambda: server.health(under_test)["memory"]["used_bytes"] == 0, "nothing is held")

    def test_lines_are_the_results_with_their_index(self):
        items = [{"x": [index, 1], "y": 0.5} for index in range(3000)]
        items[7] = {"x": "a"}
        items[2999] = 3
        items[2998] = {}
        for members in ({}, {"threads": 4, "schedule": "dynamic", "chunk": 1}, {"threads_per_item": 2}):
            for count in (0, 1, 12, 3000):
                body = {"op": "/v1/gaussian", "items": items[:count], **members}
                expected = self.server.post(BATCH, body).json()
                results, last = self.lines(body)
                results.sort(key=lambda line: line["index"])
                self.assertEqual([line.pop("index") for line in results], list(range(count)))
                self.assertEqual(results, expected["results"])
                self.assertEqual(last["failed"], expected["failed"])
                self.assertEqual(set(last), {"failed", "threads", "timing"})
                self.assertEqual(last["threads"], expected["threads"])
        self.nothing_is_left(self.server)

    def test_the_documents_example_is_answered_as_shown(self):
        operation = yaml.safe_load((ROOT / "openapi.yaml").read_bytes())["paths"][BATCH]["post"]
        request = operation["requestBody"]["content"]["application/json"]["examples"]["gaussian"]["value"]
        shown = operation["responses"]["200"]["content"]["application/x-ndjson"]["examples"]["gaussian"]["value"]
        response = self.server.post(BATCH, request, headers=LINES)
        *lines, last = response.body.decode().splitlines()
        *shown_lines, shown_last = shown.splitlines()
        self.assertEqual(lines, shown_lines)
        self.assertEqual({**json.loads(last), "timing": 0}, {**json.loads(shown_last), "timing": 0})

    def test_a_line_comes_as_soon_as_its_result_is_there(self):
        response = self.begin(self.server, {"op": "/v1/triangular", "threads": 1,
                                            "items": [{"ranges": [1]}, *[{"ranges": [4_000_000_000]}] * 20]})
        self.assertEqual(json.loads(response.readline())["index"], 0)
        self.assertEqual(server.load(self.server), (1, 0))  # the others take 40 s
        response.close()

    def test_the_log_says_how_much_was_sent(self):
        body = {"op": "/v1/triangular", "items": [LOAD] * 3}
        response = self.server.request("POST", BATCH, body, LINES | {"X-Request-Id": "sent"})
        self.assertEqual((response.status, response.headers["Transfer-Encoding"]), (200, "chunked"))
        self.assertEqual(len(response.body.splitlines()), 4)
        server.wait_until(lambda: self.server.log(request_id="sent"), "the line is there")
        self.assertEqual(self.server.log(request_id="sent")[0]["bytes_out"], len(response.body))

    def test_it_is_chosen_by_accept_alone(self):
        body = {"op": "/v1/triangular", "items": [LOAD] * 3}
        for accept in ("application/json", "*/*", "application/x-ndjson;q=0.5, application/json"):
            response = self.server.post(BATCH, body, headers={**LINES, "Accept": accept})
            self.assertEqual(response.headers["Content-Type"], "application/json")
        response = self.server.post("/v1/triangular", LOAD, headers=LINES)
        self.assert_problem(response, 406, "not-acceptable")

    def test_what_is_wrong_before_the_first_line_is_an_ordinary_problem(self):
        for body, status, slug in ((b'{"op":"/v1/gaussian","items":[', 400, "invalid-json"),
                                   (b'{"op":"/v1/nothing","items":[]}', 422, "out-of-range")):
            self.assert_problem(self.server.post(BATCH, body, headers=LINES), status, slug)

    def test_an_item_that_is_no_json_fails_alone_in_its_line(self):
        body = b'{"op":"/v1/triangular","items":[{"ranges":[1]},{"ranges":[1,]},{"ranges":[3]},,]}'
        response = self.server.post(BATCH, body, headers=LINES)
        self.assertEqual(response.status, 200)
        *results, last = [json.loads(line) for line in response.body.splitlines()]
        self.assertEqual([line.get("type") for line in results],
                         [None, "urn:forkjoin:problem:invalid-json", None, "urn:forkjoin:problem:invalid-json",
                          "urn:forkjoin:problem:invalid-json"])
        self.assertEqual((results[1]["pointer"], last["failed"]), ("/items/1", 3))
        self.assertIn("at byte 61: ", results[1]["detail"])

    def test_who_takes_nothing_but_gzip_gets_it_as_a_whole(self):
        body = json.dumps({"op": "/v1/triangular", "items": [LOAD] * 5 + [{"ranges": [index]} for index in range(500)]})
        response = self.server.request("POST", BATCH, body,
                                       headers={**LINES, "Accept-Encoding": "gzip, identity;q=0"})
        self.assertEqual((response.status, response.headers["Content-Encoding"]), (200, "gzip"), response)
        self.assertEqual(len(gzip.decompress(response.body).splitlines()), 506)

    def test_the_deadline_ends_it_with_a_last_line(self):
        results, last = self.lines({"op": "/v1/triangular", "items": [LOAD] * 1000, "threads": 2, "timeout_ms": 3000})
        self.assertEqual(last["type"], "urn:forkjoin:problem:deadline-exceeded")
        self.assertLess(len(results), 1000)
        self.nothing_is_left(self.server)

    def test_the_deadline_ends_it_for_who_takes_nothing_too(self):
        body = json.dumps({**MANY, "timeout_ms": 500}).encode()
        with self.server.socket() as connection:
            connection.sendall(head(len(body)) + body)
            self.nothing_is_waiting_for_ever()
            received = read_chunks(connection)
        text = received.partition(b"\r\n\r\n")[2]
        self.assertIn(b"urn:forkjoin:problem:deadline-exceeded", text[-600:])
        self.assertTrue(text.endswith(b"0\r\n\r\n"))

    def nothing_is_waiting_for_ever(self):
        server.wait_until(lambda: server.load(self.server)[0] == 1, "it runs")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "it has ended")

    def test_the_work_waits_for_a_slow_client_and_holds_little(self):
        body = json.dumps(MANY).encode()
        with self.server.socket() as connection:
            connection.sendall(head(len(body)) + body)
            server.wait_until(lambda: server.load(self.server)[0] == 1, "it runs")
            time.sleep(1)
            self.assertEqual(server.load(self.server), (1, 0))
            self.assertLess(server.health(self.server)["memory"]["used_bytes"], 8 << 20)
            received = read_chunks(connection)
        self.assertEqual(count_results(received), 1500)
        self.nothing_is_left(self.server)

    def test_a_client_that_leaves_stops_the_rest(self):
        for sent, reads in ((MANY, 0), (MANY, 1 << 20), ({"op": "/v1/triangular", "items": [LOAD] * 10_000}, 300)):
            for reset in (False, True):
                body = json.dumps(sent).encode()
                connection = self.server.socket()
                connection.sendall(head(len(body)) + body)
                server.wait_until(lambda: server.load(self.server)[0] == 1, "it runs")
                received = 0
                while received < reads:
                    received += len(connection.recv(reads))
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                self.nothing_is_left(self.server)

    def test_a_client_that_half_closes_gets_all_of_it_and_nothing_in_between(self):
        body = json.dumps({"op": "/v1/triangular", "items": [LOAD] * 10, "threads": 1}).encode()
        for version in ("1.1", "1.0"):
            with self.server.socket() as connection:
                connection.sendall(head(len(body), version) + body)
                connection.shutdown(socket.SHUT_WR)
                received, _ = server.read_all(connection)
            self.assertEqual(count_results(received), 10)
            self.assertNotIn(b"100 Continue", received[received.index(b" 200 "):])

    def test_connections_are_kept(self):
        connection = self.server.connect()
        for _ in range(3):
            connection.request("POST", BATCH, json.dumps({"op": "/v1/triangular", "items": [LOAD] * 2}), LINES)
            response = connection.getresponse()
            self.assertEqual(len(response.read().splitlines()), 3)
        connection.close()


class Stopping(unittest.TestCase):
    BODY = json.dumps({"op": "/v1/triangular", "items": [LOAD] * 20, "threads": 1}).encode()

    def test_a_drain_lets_it_end(self):
        with server.Server(drain="60s") as under_test, under_test.socket() as connection:
            connection.sendall(head(len(self.BODY)) + self.BODY)
            server.wait_until(lambda: server.load(under_test)[0] == 1, "it runs")
            under_test.signal()
            received, _ = server.read_all(connection)
            self.assertEqual(count_results(received), 20)
            self.assertEqual(under_test.wait(), 0)

    def test_the_end_of_a_drain_cuts_it(self):
        body = json.dumps({"op": "/v1/triangular", "items": [LOAD] * 10_000, "threads": 1}).encode()
        with server.Server(drain="300ms", exits_with=1) as under_test, under_test.socket() as connection:
            connection.sendall(head(len(body)) + body)
            server.wait_until(lambda: server.load(under_test)[0] == 1, "it runs")
            under_test.signal()
            received, _ = server.read_all(connection)
            self.assertIn(b"urn:forkjoin:problem:shutting-down", received[-600:])
            self.assertEqual(under_test.wait(), 1)

    def test_the_end_of_a_drain_tells_who_has_more_to_take(self):
        body = json.dumps(MANY).encode()
        with server.Server(drain="300ms", exits_with=1) as under_test, under_test.socket() as connection:
            connection.sendall(head(len(body)) + body)
            server.wait_until(lambda: server.load(under_test)[0] == 1, "it runs")
            time.sleep(0.5)  # more than the socket's buffers take
            under_test.signal()
            server.wait_until(lambda: under_test.log(event="drain-cut"), "its time is over")
            received, _ = server.read_all(connection)
            *lines, last = server.parse_responses(received)[0].body.splitlines()
            self.assertEqual(json.loads(last)["type"], "urn:forkjoin:problem:shutting-down")
            self.assertTrue(all("index" in json.loads(line) for line in lines[:-1]))  # one may be cut off
            self.assertEqual(under_test.wait(), 1)


if __name__ == "__main__":
    unittest.main()
