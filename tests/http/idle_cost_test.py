"""Connections that do nothing cost nothing: however many there are, the server sleeps."""

import pathlib
import time
import unittest

import server

CLIENTS = 500
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"


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


class Idle(unittest.TestCase):
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
            # One system call a connection would be hundreds; what else wakes in the process (the pool's trimming, the
            # log, lanes) does it now and then.
            self.assertLess(switches(under_test.process) - switches_before, 20)
            self.assertLess(cpu_ns(under_test.process) - cpu_before, 20_000_000)
            for client in clients:
                client.close()


if __name__ == "__main__":
    unittest.main()
