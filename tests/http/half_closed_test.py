"""Clients that end their sending side after the request (half-close) are served, whatever their work takes; those that
are really gone have their work cut: at once where they were reset, and after the server has asked by an interim answer
where all that is known is that they have ended their side.

ctest: threads
"""

import contextlib
import json
import pathlib
import socket
import struct
import time
import unittest
import zlib

import server

WORD = "/v1/wordcount"
LOAD = "/v1/triangular"
SHORT = b'{"text": "is it", "word": "is"}'
LONG = json.dumps({"ranges": [750_000_000] * 8, "threads": 1}).encode()  # 1.6 s; the server asks after one
ENDLESS = json.dumps({"ranges": [100_000_000] * 1000, "threads": 1}).encode()
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
WAITING = 200


def post(path, body, version="1.1", *more):
    head = server.post_head(path, len(body), *more)
    return head.replace(b"HTTP/1.1", b"HTTP/" + version.encode(), 1) + body


def final(responses):
    """Without interim ones."""
    return [response for response in responses if response.status >= 200]


def reset(connection):
    """Closes so that the other side gets a reset, not an end of stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def cpu_s(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class HalfClosed(server.ServerTest):
    options = {"cores": 2, "max_body": "64MiB", "timeout": "600s"}

    def ask(self, sent):
        responses, closed = self.server.raw(sent, timeout=3 * server.PATIENCE_S, finish=True)  # lanes are nice
        self.assertTrue(closed)
        return responses

    def test_short_and_long_work_is_answered_in_either_version_of_http(self):
        for version in ("1.1", "1.0"):
            for path, body in ((WORD, SHORT), (LOAD, LONG)):
                if version == "1.1" and body is LONG:
                    continue  # it gets an interim answer as well: below
                with self.subTest(version=version, path=path):
                    responses = self.ask(post(path, body, version))
                    self.assertEqual([response.status for response in final(responses)], [200], responses)
                    if version == "1.0":  # which knows no interim answers
                        self.assertEqual(len(responses), 1)

    def test_work_of_any_length_is_answered_beside_other_connections(self):
        with self.server.socket() as other:
            other.sendall(GET)
            self.assertEqual(server.read_response(other).status, 200)
            for steps in (1000, 1_000_000, 10_000_000, 100_000_000):
                for threads in (1, 2):
                    with self.subTest(steps=steps, threads=threads):
                        body = json.dumps({"ranges": [steps] * 2, "threads": threads}).encode()
                        responses = final(self.ask(post(LOAD, body)))
                        self.assertEqual([response.status for response in responses], [200], responses)

    def test_a_client_that_waits_for_long_gets_an_interim_answer_first(self):
        responses = self.ask(post(LOAD, LONG))
        self.assertEqual([response.status for response in responses], [100, 200], responses)

    def test_python_skips_the_interim_answer(self):
        connection = self.server.connect(timeout=3 * server.PATIENCE_S)
        connection.request("POST", LOAD, LONG, {"Content-Type": "application/json"})
        connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.getresponse()
        self.assertEqual((answer.status, len(json.load(answer)["results"])), (200, 8))
        connection.close()

    def test_streams_are_counted_to_their_end(self):
        text = b"it is\n" * 1_000_000  # more than the windows hold
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (text[:4_000_001], text[4_000_001:]))
        head = b"POST /v1/wordcount?word=is HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        packed = zlib.compress(text, 1, 31)
        for name, sent in (("declared", head + b"Content-Length: %d\r\n\r\n" % len(text) + text),
                           ("chunked", head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"),
                           ("gzip", head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)):
            with self.subTest(name):
                responses = final(self.ask(sent))
                self.assertEqual([(response.status, response.json().get("count")) for response in responses],
                                 [(200, 1_000_000)])

    def test_each_of_several_pipelined_requests_is_answered(self):
        long = json.dumps({"text": "is it " * 50000, "word": "is"}).encode()
        for name, bodies in (("short", [SHORT] * 5), ("long", [long] * 4), ("mixed", [SHORT, long, SHORT, long])):
            with self.subTest(name):
                responses = final(self.ask(b"".join(post(WORD, body) for body in bodies)))
                counts = [(response.status, response.json()["count"]) for response in responses]
                self.assertEqual(counts, [(200, 50000 if body is long else 1) for body in bodies])

    def test_a_large_answer_is_sent_whole(self):
        count = 1_000_000
        responses = final(self.ask(post("/v1/gaussian", server.slow_body(count))))
        self.assertEqual([(response.status, len(response.json()["z"])) for response in responses], [(200, count)])

    def test_half_a_request_is_not_waited_for(self):
        for name, sent in (("head", b"GET /livez HTT"), ("body", server.post_head(WORD, 100) + b"{"),
                           ("after a whole one", GET + b"POST /v1/w")):
            with self.subTest(name):
                begin = time.monotonic()
                self.ask(sent)
                self.assertLess(time.monotonic() - begin, 8)  # not --header-timeout or --body-timeout


class Gone(unittest.TestCase):
    def assert_cut(self, leave, version="1.1"):
        with server.Server(cores=1, timeout="600s") as under_test:
            for number in range(2):
                connection = under_test.socket()
                connection.sendall(post(LOAD, ENDLESS, version, f"X-Request-Id: gone{number}"))
                server.wait_until(lambda: server.load(under_test)[0] == 1, "the work runs")
                leave(connection)
                server.wait_until(lambda: server.load(under_test) == (0, 0), "the work has ended")
                server.wait_until(lambda: under_test.log(request_id=f"gone{number}"), "it is logged")
                lines = under_test.log(request_id=f"gone{number}")
                self.assertEqual([(line["status"], line["problem"]) for line in lines], [(499, "client-gone")])
                self.assertEqual(lines[0]["bytes_in"], len(ENDLESS))

    def test_closing_cuts_the_work(self):
        self.assert_cut(socket.socket.close)

    def test_closing_after_a_half_close_cuts_the_work(self):
        def leave(connection):
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.1)
            connection.close()

        self.assert_cut(leave)

    def test_a_reset_cuts_the_work_in_either_version_of_http(self):
        for version in ("1.1", "1.0"):
            self.assert_cut(reset, version)

    def test_work_of_a_client_that_was_reset_before_it_began_is_cut(self):
        with server.Server(cores=1, timeout="600s") as under_test:
            for _ in range(20):
                connection = under_test.socket()
                connection.sendall(post(LOAD, ENDLESS))
                reset(connection)
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")
            server.wait_until(lambda: server.load(under_test) == (0, 0), "the work has ended")

    def test_waiting_work_is_cut_too(self):
        with server.Server(cores=1, timeout="600s") as under_test, under_test.socket() as first:
            first.sendall(post(LOAD, ENDLESS))
            server.wait_until(lambda: server.load(under_test)[0] == 1, "the work runs")
            others = [under_test.socket() for _ in range(10)]
            for other in others:
                other.sendall(post(LOAD, ENDLESS))
            server.wait_until(lambda: server.load(under_test) == (1, 10), "the others wait")
            for other in others:
                other.close()
            server.wait_until(lambda: server.load(under_test) == (1, 0), "nobody waits any more")


class Idle(unittest.TestCase):
    def test_many_half_closed_clients_that_wait_cost_no_cpu_time(self):
        options = {"cores": 1, "timeout": "600s", "queue": 1000, "exits_with": 1, "drain": "0s"}
        with server.Server(**options) as under_test, contextlib.ExitStack() as stack:
            busy = stack.enter_context(under_test.socket())
            busy.sendall(post(LOAD, ENDLESS))
            server.wait_until(lambda: server.load(under_test)[0] == 1, "the core is taken")
            clients = [stack.enter_context(under_test.socket()) for _ in range(WAITING)]
            for client in clients:
                client.sendall(post(LOAD, ENDLESS))
                client.shutdown(socket.SHUT_WR)
            server.wait_until(lambda: server.load(under_test) == (1, WAITING), "all of them wait")
            for client in clients:  # all have been asked whether they are there
                self.assertEqual(client.recv(4096), b"HTTP/1.1 100 Continue\r\n\r\n")
            reset(busy)
            before, begin = cpu_s(under_test.process), time.monotonic()
            time.sleep(1)
            spent = (cpu_s(under_test.process) - before) / (time.monotonic() - begin)
            self.assertLess(spent, 1.5)  # of the one that computes, and nobody else
            self.assertEqual(server.load(under_test), (1, WAITING - 1))


if __name__ == "__main__":
    unittest.main()
