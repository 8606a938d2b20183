"""Probes are answered whatever other clients do, and /readyz says what is true.

ctest: threads
"""

import contextlib
import json
import socket
import subprocess
import time
import unittest

import server

PROBES = ("/livez", "/readyz", "/healthz")
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
ENDLESS = json.dumps({"ranges": [100_000_000] * 1000, "threads": 1}).encode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check(under_test, **flags):
    """Exit status of --healthcheck."""
    options = {"port": under_test.port, **flags}
    return subprocess.run([server.binary(), "--healthcheck", *server.flags_of(options)], env=server.environment(),
                          stderr=subprocess.DEVNULL, check=False).returncode


def ask(host, port, path, method="GET", timeout=server.PATIENCE_S):
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return server.read_response(connection, method)


def idle(under_test, count):
    """Connections that have each had an answer and say nothing more."""
    opened = [under_test.socket() for _ in range(count)]
    for connection in opened:
        connection.sendall(GET)
    for connection in opened:
        assert server.read_response(connection).status == 200
    return opened


class AtTheLimit(unittest.TestCase):
    def test_probes_are_answered_on_the_places_beyond_it(self):
        with server.Server(max_connections=8) as under_test:
            opened = idle(under_test, 8)
            for _ in range(20):
                self.assertEqual(ask(under_test.host, under_test.port, "/livez").status, 200)
                self.assertIn(ask(under_test.host, under_test.port, "/healthz").json()["connections"], range(9, 14))
                self.assertEqual(ask(under_test.host, under_test.port, "/livez", "HEAD").status, 200)
                ready = ask(under_test.host, under_test.port, "/readyz")
                self.assertEqual((ready.status, ready.slug()), (503, "too-many-connections"))
                self.assertEqual(ready.headers["Connection"], "close")
            self.assertEqual(check(under_test), 0)
            other = ask(under_test.host, under_test.port, "/v1/system")
            self.assertEqual((other.status, other.slug()), (503, "too-many-connections"))
            opened.pop().close()
            server.wait_until(lambda: under_test.get("/v1/system").status == 200, "there is a place again")
            opened.pop().close()
            server.wait_until(lambda: ask(under_test.host, under_test.port, "/readyz").status == 200, "it is ready again")
            for connection in opened:
                connection.close()

    def test_the_limit_is_exact(self):
        with server.Server(max_connections=3) as under_test:
            opened = idle(under_test, 2)

            def is_in():
                opened.append(under_test.socket())
                opened[-1].sendall(b"GET /v1/system HTTP/1.1\r\nHost: a\r\n\r\n")
                return server.read_response(opened[-1]).status == 200

            self.assertTrue(is_in())  # the third
            self.assertFalse(is_in())
            self.assertFalse(is_in())
            opened[2].close()
            server.wait_until(is_in, "there is a place again")
            self.assertFalse(is_in())
            for connection in opened:
                connection.close()


class HealthPort(unittest.TestCase):
    def start(self, **options):
        port = free_port()
        return server.Server(health_port=port, **options), port

    def test_it_has_the_probes_and_nothing_else(self):
        under_test, port = self.start()
        with under_test:
            self.assertEqual(under_test.start_line["health_port"], port)
            for path in PROBES:
                answer = ask(under_test.host, port, path)
                self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))
            answer = ask(under_test.host, port, "/v1/system")
            self.assertEqual((answer.status, answer.slug()), (404, "not-found"))
            self.assertEqual(under_test.get("/v1/system").status, 200)
            self.assertEqual(check(under_test, health_port=port), 0)
            self.assertEqual(check(under_test, health_port=free_port()), 1)

    def test_connections_of_both_ports_at_once_are_told_apart(self):
        under_test, port = self.start(io_threads=2)
        with under_test:
            for _ in range(30):
                mixed = [under_test.socket() if number % 3 else socket.create_connection((under_test.host, port), 30)
                         for number in range(12)]
                for connection in mixed:
                    connection.sendall(b"GET /v1/system HTTP/1.1\r\nHost: a\r\n\r\n")
                statuses = [server.read_response(connection).status for connection in mixed]
                self.assertEqual(statuses, [200 if number % 3 else 404 for number in range(12)])
                for connection in mixed:
                    connection.close()

    def test_a_flood_of_the_other_port_cant_touch_it(self):
        under_test, port = self.start(max_connections=20, header_timeout="600s", idle_timeout="600s")
        with under_test, contextlib.ExitStack() as stack:
            stack.callback(lambda: [connection.close() for connection in flood])
            flood = idle(under_test, 20)
            for _ in range(600):  # the places beyond the limit, and then the backlog
                connection = socket.socket()
                connection.setblocking(False)
                flood.append(connection)
                connection.connect_ex((under_test.host, under_test.port))
            for _ in range(10):
                for path in ("/livez", "/healthz"):
                    self.assertEqual(ask(under_test.host, port, path).status, 200)
                ready = ask(under_test.host, port, "/readyz")
                self.assertEqual((ready.status, ready.slug()), (503, "too-many-connections"))
                self.assertEqual(check(under_test, health_port=port), 0)
                time.sleep(0.05)

    def test_who_says_nothing_there_makes_room_soon(self):
        under_test, port = self.start(header_timeout="600s")
        with under_test:
            silent = [socket.create_connection((under_test.host, port), 30) for _ in range(40)]
            self.assertEqual(under_test.get("/livez").status, 200)

            def answered():
                with contextlib.suppress(OSError):
                    return ask(under_test.host, port, "/livez").status == 200
                return False

            server.wait_until(answered, "there is room for a probe")
            for connection in silent:
                connection.close()

    def test_it_says_that_the_server_is_stopping_until_the_end(self):
        under_test, port = self.start(cores=1, drain="60s", exits_with=0)
        body = json.dumps({"ranges": [400_000_000] * 6, "threads": 1}).encode()
        with under_test, under_test.socket() as connection:
            connection.sendall(server.post_head("/v1/triangular", len(body)) + body)
            server.wait_until(lambda: server.load(under_test)[0] == 1, "the work runs")
            under_test.signal()
            server.wait_until(lambda: ask(under_test.host, port, "/readyz").status == 503, "readiness is 503")
            ready = ask(under_test.host, port, "/readyz")
            self.assertEqual((ready.status, ready.slug()), (503, "shutting-down"))
            self.assertEqual(ask(under_test.host, port, "/livez").status, 200)
            # A probe that says nothing must not hold the process.
            silent = [socket.create_connection((under_test.host, port), 30) for _ in range(3)]
            self.assertEqual(server.read_response(connection).status, 200)
            self.assertEqual(under_test.wait(), 0)
            for connection in silent:
                connection.close()


class Readiness(unittest.TestCase):
    def test_a_full_queue_is_not_ready(self):
        with server.Server(cores=1, queue=1, timeout="600s") as under_test:
            opened = []
            self.assertEqual(under_test.get("/readyz").status, 200)
            for wanted in ((1, 0), (1, 1)):
                opened.append(under_test.socket())
                opened[-1].sendall(server.post_head("/v1/triangular", len(ENDLESS)) + ENDLESS)
                server.wait_until(lambda wanted=wanted: server.load(under_test) == wanted, "it is in")
            ready = under_test.get("/readyz")
            self.assertEqual((ready.status, ready.slug()), (503, "overloaded"))
            self.assertEqual(under_test.get("/livez").status, 200)
            for connection in opened:
                connection.close()
            server.wait_until(lambda: under_test.get("/readyz").status == 200, "it is ready again")

    def test_an_address_whose_share_of_the_queue_is_used_up_is_told_so_and_others_are_not(self):
        with server.Server(cores=1, queue=10, timeout="600s") as under_test, contextlib.ExitStack() as stack:
            for number in range(10):  # one runs; 8 are four fifths, and one more
                stack.enter_context(opened := under_test.socket())
                opened.sendall(server.post_head("/v1/triangular", len(ENDLESS)) + ENDLESS)
                wanted = (1, number)
                server.wait_until(lambda wanted=wanted: server.load(under_test) == wanted, "it is in")
            text = ("9 requests of your address are waiting already, which is the limit of one address while the queue "
                    "has 1 place left (--queue is 10)")
            refused = under_test.post("/v1/triangular", ENDLESS, headers={"Content-Type": "application/json"})
            ready = under_test.get("/readyz")
            for answer in (refused, ready):
                self.assertEqual((answer.status, answer.slug(), answer.json()["detail"]), (503, "overloaded", text))
            with socket.create_connection((under_test.host, under_test.port), server.PATIENCE_S,
                                          source_address=("127.0.0.2", 0)) as other:
                other.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(server.read_response(other).status, 200)

    def test_full_memory_is_not_ready(self):
        with server.Server(memory="16MiB", max_body="64MiB", body_timeout="600s") as under_test:
            limit = server.health(under_test)["memory"]["limit_bytes"]
            opened = []

            def hold(size):
                opened.append(under_test.socket())
                opened[-1].sendall(server.post_head("/v1/wordcount", size + 1) + b" " * size)

            for _ in range(3):
                hold(4_000_000)

            def is_full():
                hold(40_000)  # less than what a probe takes for room enough
                return ask(under_test.host, under_test.port, "/readyz").status == 503

            server.wait_until(is_full, "the memory is full")
            ready = ask(under_test.host, under_test.port, "/readyz")
            self.assertEqual((ready.status, ready.slug()), (503, "memory-busy"))
            memory = ask(under_test.host, under_test.port, "/healthz").json()["memory"]
            self.assertGreater(memory["used_bytes"] + memory["connection_bytes"], limit * 9 // 10)
            self.assertEqual(check(under_test), 0)
            for connection in opened:
                connection.close()
            server.wait_until(lambda: ask(under_test.host, under_test.port, "/readyz").status == 200, "ready again")

    def test_memory_that_connections_hold_is_not_ready(self):
        with server.Server(memory="16MiB", idle_timeout="600s") as under_test:
            opened = []
            refused = 0
            for _ in range(600):
                connection = under_test.socket()
                connection.sendall(b"GET /v1/system HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = server.read_response(connection)
                opened.append(connection)
                if answer.status != 200:
                    self.assertEqual((answer.status, answer.slug()), (503, "memory-busy"))
                    refused += 1
            self.assertGreater(refused, 50)
            memory = ask(under_test.host, under_test.port, "/healthz").json()["memory"]
            self.assertLessEqual(memory["connection_bytes"], memory["limit_bytes"] // 2)
            self.assertGreater(memory["connection_bytes"], memory["limit_bytes"] * 2 // 5)
            ready = ask(under_test.host, under_test.port, "/readyz")
            self.assertEqual((ready.status, ready.slug()), (503, "memory-busy"))
            body = json.dumps({"text": "is it " * 200_000, "word": "is"}).encode()  # those that are in are served
            for connection in opened[:20]:
                connection.sendall(server.post_head("/v1/wordcount", len(body)) + body)
                self.assertEqual(server.read_response(connection).json().get("count"), 200_000)
            for connection in opened:
                connection.close()
            server.wait_until(lambda: ask(under_test.host, under_test.port, "/readyz").status == 200, "ready again")


if __name__ == "__main__":
    unittest.main()
