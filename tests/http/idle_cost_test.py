"""Connections that do nothing cost nothing: however many there are, the server sleeps."""

import contextlib
import json
import os
import pathlib
import socket
import struct
import tempfile
import time
import unittest

import server

CLIENTS = 500
WAITING, STREAMS, REQUESTS = 50, 20, 500
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
ENDLESS = json.dumps({"ranges": [100_000_000] * 1800, "threads": 1}).encode()
LOAD = server.post_head("/v1/triangular", len(ENDLESS)) + ENDLESS
TEXT_BYTES = 3_000_000  # more than a stream's two windows and libmicrohttpd's buffer hold
TEXT = (b"POST /v1/wordcount?word=is&threads=1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        b"Content-Length: %d\r\n\r\n" % TEXT_BYTES + b"is " * (TEXT_BYTES // 3))


def ask(clients, under_test, request):
    """Sends it and ends this side. When `clients` are closed, they are reset, which cuts their work."""
    client = clients.enter_context(under_test.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sendall(request)
    client.shutdown(socket.SHUT_WR)


def switches(process):
    """How often the process's threads have gone to sleep, or were sent to: a system call that waits is one of them."""
    total = 0
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def cpu_ns(process):
    """CPU time of all threads."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir())


class Traced:
    """A server whose system calls are counted, by thread."""

    def __init__(self, folder, **options):
        self.trace = pathlib.Path(folder) / "trace"
        command = ("strace", "-D", "-f", "-o", str(self.trace))
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
        self.server = server.Server(io_threads=2, through=command, env={"ASAN_OPTIONS": sanitizer}, **options)

    @contextlib.contextmanager
    def following(self):
        """A list that has the loops' calls of the block when that has ended."""
        tasks = pathlib.Path(f"/proc/{self.server.process.pid}/task").iterdir()
        loops = {task.name for task in tasks if (task / "comm").read_text().strip() == "loop"}
        before = self.trace.stat().st_size
        calls = []
        yield calls
        with self.trace.open(encoding="utf-8", errors="replace") as trace:
            trace.seek(before)
            calls.extend(line for line in trace if line.split()[0] in loops and "resumed>" not in line)


class Idle(unittest.TestCase):
    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_hundreds_of_kept_connections_cause_no_system_calls(self):
        with tempfile.TemporaryDirectory() as folder:
            traced = Traced(folder, idle_timeout="600s", header_timeout="600s")
            with traced.server as under_test:
                clients = [under_test.socket() for _ in range(CLIENTS)]
                for client in clients[: CLIENTS // 2]:  # the others never say anything
                    client.sendall(GET)
                for client in clients[: CLIENTS // 2]:
                    self.assertEqual(server.read_response(client).status, 200)
                server.wait_until(lambda: server.health(under_test)["connections"] == CLIENTS + 1, "all are in")
                time.sleep(1)  # what there was to do is done
                with traced.following() as calls:
                    time.sleep(3)
                self.assertLess(len(calls), 20, calls[:20])
                for client in clients:
                    client.close()

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_half_closed_clients_that_wait_cause_no_system_calls(self):
        """However often others wake the loops: once they were asked whether they are there, nobody looks at those that wait
        for their work, nor at those of whose text something is left in the socket, since a lane has to go on first."""
        with tempfile.TemporaryDirectory() as folder:
            traced = Traced(folder, cores=1, queue=1000, timeout="600s")
            with traced.server as under_test, contextlib.ExitStack() as clients:
                ask(clients, under_test, LOAD)  # has the one core
                server.wait_until(lambda: server.load(under_test) == (1, 0), "it runs")
                for _ in range(WAITING):
                    ask(clients, under_test, LOAD)
                for _ in range(STREAMS):
                    ask(clients, under_test, TEXT)
                server.wait_until(lambda: server.load(under_test) == (1, WAITING + STREAMS), "all wait")
                time.sleep(2)  # after one they are asked
                other = clients.enter_context(under_test.socket())
                with traced.following() as calls:
                    for _ in range(REQUESTS):
                        other.sendall(GET)
                        self.assertEqual(server.read_response(other).status, 200)
                # One receives and one sends for each, and some wait; one for each client and turn would be 70 times that.
                calls = [call for call in calls if "epoll_wait" not in call]
                self.assertLess(len(calls), 3 * REQUESTS, calls[:40])

    def test_hundreds_of_kept_connections_cost_nothing(self):
        with server.Server(idle_timeout="600s", header_timeout="600s") as under_test:
            clients = [under_test.socket() for _ in range(CLIENTS)]
            for client in clients[: CLIENTS // 2]:  # the others never say anything
                client.sendall(GET)
            for client in clients[: CLIENTS // 2]:
                self.assertEqual(server.read_response(client).status, 200)
            server.wait_until(lambda: server.health(under_test)["connections"] == CLIENTS + 1, "all are in")
            time.sleep(1)  # what there was to do is done
            switches_before, cpu_before = switches(under_test.process), cpu_ns(under_test.process)
            time.sleep(3)
            # What else wakes in the process (the pool's trimming, the log, lanes) does it now and then.
            self.assertLess(switches(under_test.process) - switches_before, 20)
            self.assertLess(cpu_ns(under_test.process) - cpu_before, 20_000_000)
            for client in clients:
                client.close()


if __name__ == "__main__":
    unittest.main()
