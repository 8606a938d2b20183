"""What becomes of a job, as server-sent events.

ctest: threads
"""

import json
import threading
import time
import unittest

import server
from job_case import ENDLESS, JOBS, LOAD, JobTest


def events(stream):
    """(name, id, data) of each event, until the stream ends; comments are left out."""
    found = []
    for block in stream.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


class Events(JobTest):
    def test_they_tell_what_becomes_of_a_job_and_end_with_it(self):
        def check(under_test):
            job = self.submit(under_test, LOAD, {"ranges": [400_000_000] * 12, "threads": 1, "chunk": 1})
            response = under_test.get(f"{JOBS}/{job}/events")
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, "text/event-stream"))
            self.assertEqual((response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]), ("no-cache", "no"))
            told = events(response.body)
            statuses = [(data["status"], key) for name, key, data in told if name == "status"]
            self.assertEqual(statuses[-1][0], "successful")
            self.assertEqual(len({key for _, key in statuses}), len(statuses))
            self.assertIn([status for status, _ in statuses], (["accepted", "running", "successful"],
                                                               ["running", "successful"], ["accepted", "successful"]))
            progress = [data["progress"] for _, _, data in told if "progress" in data]
            self.assertEqual(progress, sorted(progress))
            self.assertTrue(all((key is None) == (name == "progress") for name, key, _ in told), told)
            for last, status in ((statuses[-1][1], 204), (statuses[0][1], 200), ("nonsense" * 9, 200)):
                again = under_test.request("GET", f"{JOBS}/{job}/events", headers={"Last-Event-ID": last})
                self.assertEqual(again.status, status, (last, again))
                self.assertEqual(events(again.body), told[-1:] if status == 200 else [])
            response = under_test.get(f"{JOBS}/nobody/events")
            self.assertEqual((response.status, response.slug()), (404, "no-such-job"))

        self.each(check)

    def test_of_the_longest_document_as_well(self):
        job, url = "j" * 128, "http://127.0.0.1:9/" + "x" * 1981
        with server.Server(cores=1, callback_allow="127.0.0.1:9") as under_test:
            response = under_test.request("PUT", f"{JOBS}/{job}", {"op": LOAD, "request": ENDLESS, "callback": url})
            self.assertEqual(response.status, 201, response)
            with under_test.socket() as connection:
                connection.sendall(f"GET {JOBS}/{job}/events HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                received = b""
                while received.count(b"event: ") < 2 or b"event: progress" not in received:  # while it runs
                    received += connection.recv(65536)
                self.assertIn(url.encode(), received)
            under_test.request("DELETE", f"{JOBS}/{job}")

    def test_they_have_no_options(self):
        with server.Server(cores=1) as under_test:
            response = under_test.get(f"{JOBS}/x/events?wait=1")
            self.assertEqual((response.status, response.slug()), (422, "unknown-field"))
            self.assertIn("there are none", response.json()["detail"])

    def test_who_leaves_and_who_is_sent_away(self):
        with server.Server(cores=1, drain="2s") as under_test:
            job = self.submit(under_test, LOAD, ENDLESS)
            head = f"GET {JOBS}/{job}/events HTTP/1.1\r\nHost: a\r\n\r\n".encode()
            for _ in range(20):
                with under_test.socket() as connection:
                    connection.sendall(head)
                    self.assertIn(b"200", connection.recv(64))
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")
            with under_test.socket() as connection:
                connection.sendall(head)
                self.assertIn(b"200", connection.recv(64))
                under_test.signal()
                rest, closed = server.read_all(connection)
                self.assertTrue(closed and rest.endswith(b"0\r\n\r\n"), rest)
            self.assertEqual(under_test.wait(), 0)

    def test_cancelling_ends_them(self):
        with server.Server(cores=1) as under_test:
            job = self.submit(under_test, LOAD, ENDLESS)
            answers = []
            listening = threading.Thread(target=lambda: answers.append(under_test.get(f"{JOBS}/{job}/events")))
            listening.start()
            time.sleep(0.2)
            under_test.request("DELETE", f"{JOBS}/{job}")
            listening.join(server.PATIENCE_S)
            self.assertEqual(events(answers[0].body)[-1][2]["status"], "dismissed")


if __name__ == "__main__":
    unittest.main()
