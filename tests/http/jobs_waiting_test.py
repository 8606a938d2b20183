"""What is told of jobs that wait and run: place, eta_s, and when to ask again.

ctest: threads
"""

import contextlib
import os
import re
import time
import unittest

import server
from job_case import ASYNC, ENDLESS, JOBS, LOAD, SHORT, WORD, JobTest


class Told(JobTest):
    def begin_endless(self, under_test):
        """A job that runs, with an estimate, on all cores that jobs have; what comes after it waits."""
        job = self.submit(under_test, LOAD, ENDLESS)
        server.wait_until(lambda: "eta_s" in self.status(under_test, job), "its rate is known")
        return job

    def begin_long(self, under_test):
        """The same, and it has computed for so long that nobody counts on its core any more."""
        job = self.begin_endless(under_test)

        def is_counted():
            probe = under_test.post(LOAD, ENDLESS, headers=ASYNC)
            under_test.request("DELETE", f"{JOBS}/{probe.json()['id']}")
            return probe.headers["Retry-After"] != "1"

        server.wait_until(is_counted, "it is a long one")
        return job

    def submit_waiting(self, under_test, **headers):
        job = self.submit(under_test, LOAD, ENDLESS, **headers)
        server.wait_until(lambda: self.status(under_test, job)["status"] == "accepted", "it waits")
        return job

    def places(self, under_test, jobs):
        return [self.status(under_test, job).get("place") for job in jobs]

    def test_a_place_is_how_many_come_first(self):
        def check(under_test):
            running = self.begin_endless(under_test)
            jobs = [self.submit_waiting(under_test) for _ in range(4)]
            self.assertEqual(self.places(under_test, [running, *jobs]), [None, 0, 1, 2, 3])
            urgent = self.submit_waiting(under_test, Prefer="respond-async; priority=9")
            self.assertEqual(self.places(under_test, [urgent, *jobs]), [0, 1, 2, 3, 4])
            last = under_test.post(LOAD, ENDLESS, headers={"Prefer": "respond-async, wait=1"})
            self.assertEqual((last.status, last.json()["status"], last.json()["place"]), (202, "accepted", 5))
            for gone in (jobs.pop(1), urgent):
                under_test.request("DELETE", f"{JOBS}/{gone}")
            self.assertEqual(self.places(under_test, jobs), [0, 1, 2])
            for job in (last.json()["id"], *reversed(jobs), running):
                under_test.request("DELETE", f"{JOBS}/{job}")

        self.each(check)

    def test_an_estimate_falls_while_a_job_runs(self):
        def check(under_test):
            job = self.submit(under_test, LOAD, {"ranges": [100_000_000] * 12, "threads": 1, "chunk": 1})
            told = []
            while (document := self.status(under_test, job))["status"] in ("accepted", "running"):
                told.append((document.get("progress"), document.get("eta_s")))
                time.sleep(0.02)
            self.assertNotIn("eta_s", document)
            estimates = [eta for _, eta in told if eta is not None]
            self.assertGreater(len(estimates), 3, told)
            self.assertLess(estimates[-1], estimates[0], told)

        self.each(check)

    def assert_asks_for(self, response, before, after):
        """Retry-After is what was left of `job` when it was asked for, between two looks."""
        least, most = sorted(min(60, 1 + int(document["eta_s"])) for document in (before, after))
        self.assertGreater(least, 2)
        self.assertTrue(least - 1 <= int(response.headers["Retry-After"]) <= most + 1, (before, response, after))

    def test_who_asks_too_early_is_told_when_to_ask_again(self):
        def check(under_test):
            running = self.begin_long(under_test)
            asked = [lambda: self.result(under_test, running), lambda: under_test.post(LOAD, ENDLESS, headers=ASYNC)]
            for ask in asked:
                before = self.status(under_test, running)
                response = ask()
                self.assertIn(response.status, (202, 404), response)
                self.assertEqual(len(response.headers.get_all("Retry-After")), 1)
                self.assert_asks_for(response, before, self.status(under_test, running))
            waiting = response.json()["id"]
            server.wait_until(lambda: self.status(under_test, waiting)["status"] == "accepted", "it waits")
            before = self.status(under_test, running)
            response = self.result(under_test, waiting)
            self.assertIn("the job is accepted", response.json()["detail"])
            self.assert_asks_for(response, before, self.status(under_test, running))
            for job in (waiting, running):
                under_test.request("DELETE", f"{JOBS}/{job}")
            server.wait_until(lambda: under_test.post(WORD, SHORT, headers=ASYNC).headers["Retry-After"] == "1",
                              "nothing is left")

        self.each(check)

    @unittest.skipUnless(os.environ.get("FAILING_MALLOC"), "sanitizers take memory of their own")
    def test_who_waits_holds_little(self):
        """Less than 24 KiB, also on a connection that has had a request, after which libmicrohttpd has wiped all of the
        16 that are its own (bench/jobs.py, with thousands of them); here with what the heap grows by at a time."""
        first, rest, most_bytes = 50, 400, 25 * 1024
        with server.Server(cores=1, jobs="memory") as under_test, contextlib.ExitStack() as stack:
            job = self.begin_endless(under_test)

            def resident_bytes():
                with open(f"/proc/{under_test.process.pid}/smaps_rollup", encoding="ascii") as sums:
                    return int(re.search(r"^Rss: +(\d+) kB", sums.read(), re.MULTILINE).group(1)) * 1024

            def wait_on(count):
                for _ in range(count):
                    connection = stack.enter_context(under_test.socket())
                    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                    server.read_response(connection)
                    connection.sendall(f"GET {JOBS}/{job}?wait=600 HTTP/1.1\r\nHost: a\r\n\r\n".encode())

            wait_on(first)
            time.sleep(0.5)
            before = resident_bytes()
            wait_on(rest)
            time.sleep(0.5)
            self.assertLess((resident_bytes() - before) / rest, most_bytes)
            under_test.request("DELETE", f"{JOBS}/{job}")

    def test_an_expired_result_says_since_when(self):
        def check(under_test):
            job = self.submit(under_test, WORD, SHORT, Prefer="respond-async; keep_s=3")
            expires = self.wait(under_test, job)["expires"]
            answers = []  # soon it is forgotten

            def is_gone():
                answers.append(self.result(under_test, job))
                return answers[-1].status == 410

            server.wait_until(is_gone, "it expires")
            problem = answers[-1].json()
            self.assertEqual(problem["type"], "urn:forkjoin:problem:result-gone")
            self.assertTrue(problem["detail"].endswith(f"until {expires}"), problem)

        self.each(check)


if __name__ == "__main__":
    unittest.main()
