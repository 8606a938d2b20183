"""A job computes on the data that it was given: whatever becomes of the names, and of the process.

ctest: threads
"""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

import arrays
import numpy as np
import server
from job_case import ASYNC, GAUSS, JOBS, LOAD, WORD, JobTest, pairs

ESCAPED = b'{"y": 0, "x": {"d\\u0061ta": "x", "rows": [1, 3]}}'
JSON = {"Content-Type": "application/json"}
ROWS = [[0, 0], [1, 1], [2, 2], [9, 9]]
SUM = "/v1/gaussian/sum"
BUSY = {"ranges": [100_000_000] * 350, "threads": 1, "chunk": 1}  # so short a body is no file
BATCH, MATRIX = "/v1/batch", "/v1/gaussian/matrix"


class PinTest(JobTest):
    def put(self, under_test, name, body, query="", media="application/json"):
        body = body if media == "text/plain" else json.dumps(body)
        response = under_test.request("PUT", f"/v1/data/{name}{query}", body, headers={"Content-Type": media})
        self.assertIn(response.status, (200, 201), response)
        return response

    def keep_cube(self, under_test, array):
        response = under_test.request("PUT", "/v1/data/cube", arrays.saved(array), headers={"Content-Type": arrays.NPY})
        self.assertIn(response.status, (200, 201), response)

    def delete(self, under_test, name):
        self.assertEqual(under_test.request("DELETE", f"/v1/data/{name}").status, 204)

    def hold_up(self, under_test):
        """A job that what follows waits behind."""
        job = self.submit(under_test, LOAD, BUSY, Prefer="respond-async; priority=9")
        server.wait_until(lambda: self.status(under_test, job)["status"] == "running", "it runs")
        return job

    def let_go(self, under_test, job):
        self.assertEqual(under_test.request("DELETE", f"{JOBS}/{job}").json()["status"], "dismissed")

    def give(self, under_test):
        self.put(under_test, "x", [1, 2, 3])
        self.put(under_test, "a/rows", ROWS)
        self.put(under_test, "text", "is it is", media="text/plain")
        self.keep_cube(under_test, np.arange(24.0).reshape(4, 1, 2, 3))

    def take_away(self, under_test):
        """Replaced, deleted, expired."""
        self.put(under_test, "x", [7, 7, 7])
        self.delete(under_test, "a/rows")
        self.put(under_test, "text", "was", media="text/plain")
        self.keep_cube(under_test, np.zeros((2, 2, 2)))
        server.wait_until(lambda: under_test.get("/v1/data/short").status == 404, "it has expired")

    def every_way(self):
        """What refers to data: path with query, body."""
        return ((GAUSS, {"x": {"data": "x"}, "y": 0}),
                (GAUSS, ESCAPED),
                (GAUSS + "?x=data:x&y=1", None),
                (GAUSS + "?x=d%61ta%3Ax&y=data:x", None),
                (GAUSS, {"x": {"data": "short"}, "y": 0}),
                (MATRIX, {"x": {"data": "a/rows", "rows": [1, 4]}, "y": {"data": "a/rows"}}),
                ("/v1/map", {"expr": "c * 2", "c": {"data": "cube", "rows": [1, 3]}}),
                (WORD, {"text": {"data": "text"}, "word": "is"}),
                (BATCH, {"op": GAUSS, "defaults": {"x": {"data": "x"}}, "items": [{"y": 0}, {"y": {"data": "nothing"}}]}),
                (BATCH, {"op": WORD, "defaults": {"word": "it"}, "items": [{"text": {"data": "text"}}, {"text": "it"}] * 40}))

    def ask(self, under_test, path, body, status, **headers):
        """What refers to data that expires soon is asked until it is in time."""
        expires = isinstance(body, dict) and body.get("x") == {"data": "short"}
        while True:
            if expires:
                self.put(under_test, "short", [5, 6], "?expires_s=1")
            response = under_test.request("POST", path, body, headers=headers | (JSON if body else {}))
            if not expires or response.slug() != "unknown-data":
                self.assertEqual(response.status, status, response)
                return response.json()

    def submit_all(self, under_test):
        return [self.ask(under_test, path, body, 202, **ASYNC)["id"] for path, body in self.every_way()]

    def answers(self, under_test):
        return [pairs(self.ask(under_test, path, body, 200)) for path, body in self.every_way()]

    def results(self, under_test, jobs):
        found = []
        for job in jobs:
            self.wait(under_test, job)
            found.append(pairs(self.result(under_test, job).json()))
        return found

    def files(self, folder):
        return [path for path in (pathlib.Path(folder) / "jobs").iterdir() if path.is_file()]


class Running(PinTest):
    def test_names_may_be_replaced_deleted_and_expire(self):
        def check(under_test):
            self.give(under_test)
            expected = self.answers(under_test)
            busy = self.hold_up(under_test)
            jobs = self.submit_all(under_test)
            named = under_test.request("PUT", f"{JOBS}/mine", {"op": GAUSS, "request": {"x": {"data": "x"}, "y": 0}})
            self.assertEqual(named.status, 201, named)
            self.take_away(under_test)
            self.put(under_test, "nothing", [1, 2, 3])  # which wasn't there
            self.let_go(under_test, busy)
            self.assertEqual(self.results(under_test, jobs), expected)
            self.assertEqual(self.results(under_test, ["mine"]), expected[:1])

        self.each(check, job_cores=1)

    def test_long_and_compressed_requests_are_given_theirs(self):
        import gzip

        def check(under_test):
            self.put(under_test, "x", [1, 2])
            items = [{"y": number, "x": {"data": "x"}} for number in range(20_000)]
            body = json.dumps({"op": GAUSS, "items": items}).encode()
            short = gzip.compress(b" " * 100_000 + json.dumps({"x": {"data": "x"}, "y": 0}).encode())
            expected = under_test.post(BATCH, body, headers=JSON).json()["results"]
            busy = self.hold_up(under_test)
            long = self.submit(under_test, BATCH, body, **JSON)
            coded = self.submit(under_test, GAUSS, short, **{"Content-Encoding": "gzip"}, **JSON)
            text = b"x is y " * 50_000
            plain = self.submit(under_test, f"{WORD}?word=is", text, **{"Content-Type": "text/plain"})
            self.delete(under_test, "x")
            self.let_go(under_test, busy)
            self.wait(under_test, long)
            self.assertEqual(self.result(under_test, long).json()["results"], expected)
            self.wait(under_test, coded)
            self.assertEqual(self.result(under_test, coded).json()["z"], expected[0]["z"])
            self.wait(under_test, plain)
            self.assertEqual(self.result(under_test, plain).json()["count"], 50_000)

        self.each(check, job_cores=1)

    def test_what_is_not_there_is_told_at_once(self):
        def check(under_test):
            for path, body, pointer in ((GAUSS, {"x": {"data": "none"}, "y": 0}, "/x/data"),
                                        (WORD, {"text": {"data": "none"}, "word": "a"}, "/text/data")):
                direct = under_test.post(path, body)
                response = under_test.post(path, body, headers=ASYNC)
                self.assertEqual((response.status, response.slug()), (422, "unknown-data"), response)
                self.assertEqual(response.json() | {"request_id": ""}, direct.json() | {"request_id": ""})
                self.assertEqual(response.json()["pointer"], pointer)
            response = under_test.request("POST", GAUSS + "?x=data:none&y=0", headers=ASYNC)
            self.assertEqual((response.status, response.slug()), (422, "unknown-data"))
            response = under_test.request("PUT", f"{JOBS}/a", {"op": GAUSS, "request": {"x": {"data": "none"}, "y": 0}})
            self.assertEqual((response.status, response.slug(), response.json()["pointer"]),
                             (422, "unknown-data", "/request/x/data"))
            self.assertEqual(under_test.get(JOBS).json(), {"jobs": []})

        self.each(check)

    def test_what_else_is_wrong_is_the_result(self):
        def check(under_test):
            self.put(under_test, "x", [1, 2])
            for body, slug in (({"x": {"data": "x"}, "y": [1]}, "length-mismatch"),
                               ({"x": {"data": "x", "rows": [0, 3]}, "y": 0}, "out-of-range"),
                               ({"x": {"data": "../x"}, "y": 0}, "invalid-name"), (b'{"data": ', "invalid-json")):
                job = self.submit(under_test, GAUSS, body, **JSON)
                self.wait(under_test, job, "failed")
                self.assertEqual(self.result(under_test, job).slug(), slug)

        self.each(check)

    def test_to_ask_again_finds_the_job_though_the_data_is_gone(self):
        def check(under_test):
            body, key = {"x": {"data": "x"}, "y": 0}, {"Idempotency-Key": "k"}
            path, named = f"{JOBS}/mine", {"op": GAUSS, "request": body}
            self.put(under_test, "x", [1, 2])
            first = self.submit(under_test, GAUSS, body, **key)
            self.assertEqual(under_test.request("PUT", path, named).status, 201)
            expected = self.results(under_test, [first, "mine"])
            self.delete(under_test, "x")
            again = under_test.post(GAUSS, body, headers=ASYNC | key)
            self.assertEqual((again.status, again.json()["id"]), (202, first))
            self.assertEqual(under_test.request("PUT", path, named).status, 200)
            for other in ({"x": {"data": "y"}, "y": 0}, {"x": {"data": "x"}, "y": 1}):
                response = under_test.post(GAUSS, other, headers=ASYNC | key)
                self.assertEqual((response.status, response.slug()), (422, "idempotency-conflict"))
                response = under_test.request("PUT", path, {"op": GAUSS, "request": other})
                self.assertEqual((response.status, response.slug()), (422, "idempotency-conflict"))
            response = under_test.post(GAUSS, body, headers=ASYNC | {"Idempotency-Key": "other"})
            self.assertEqual((response.status, response.slug()), (422, "unknown-data"))
            self.put(under_test, "x", [3])  # another version, the same request
            self.assertEqual(under_test.post(GAUSS, body, headers=ASYNC | key).json()["id"], first)
            self.assertEqual(self.results(under_test, [first, "mine"]), expected)

        self.each(check)

    def test_one_that_is_answered_directly(self):
        def check(under_test):
            self.put(under_test, "x", [1, 2])
            body = {"x": {"data": "x"}, "y": 0}
            wait = {"Prefer": "respond-async, wait=60"}
            direct = under_test.post(GAUSS, body, headers=wait)
            self.assertEqual((direct.status, pairs(direct.json())), (200, pairs(under_test.post(GAUSS, body).json())))
            direct = under_test.post(GAUSS, {"x": {"data": "none"}, "y": 0}, headers=wait)
            self.assertEqual((direct.status, direct.slug()), (422, "unknown-data"))

        self.each(check)

    def test_more_names_than_may_be(self):
        def check(under_test):
            for number in range(1025):
                self.put(under_test, f"n/{number}", [number])
            items = [{"x": {"data": f"n/{number}"}, "y": 0} for number in range(1025)]
            response = under_test.post(BATCH, {"op": GAUSS, "items": items}, headers=ASYNC)
            self.assertEqual((response.status, response.slug()), (422, "out-of-range"), response)
            job = self.submit(under_test, BATCH, {"op": GAUSS, "items": items[1:]})
            self.wait(under_test, job)
            self.assertEqual(self.result(under_test, job).json()["failed"], 0)

        with server.Server(cores=2) as under_test:
            check(under_test)

    def test_nothing_is_held_when_jobs_are_over(self):
        def check(under_test):
            self.give(under_test)
            busy = self.hold_up(under_test)
            jobs = self.submit_all(under_test)
            dismissed = self.submit_all(under_test)
            self.assertEqual(under_test.request("DELETE", "/v1/data?all=true").status, 200)
            for job in dismissed:
                under_test.request("DELETE", f"{JOBS}/{job}")
            self.let_go(under_test, busy)
            self.results(under_test, jobs)
            server.wait_until(lambda: server.health(under_test)["data"]["used_bytes"] == 0, "nothing is held")

        self.each(check, job_cores=1)


class Surviving(PinTest):
    def options(self, folder, data):
        return {"cores": 2, "job_cores": 1, "jobs": "durable", "state_dir": folder, "data": data}

    def each_data(self, check):
        for data in ("memory", "durable"):
            with self.subTest(data), tempfile.TemporaryDirectory() as folder:
                check(folder, self.options(folder, data))

    def kill(self, under_test):
        under_test.process.send_signal(signal.SIGKILL)
        under_test.wait()

    def let_go_after_start(self, under_test):
        for job in under_test.get(JOBS + "?status=running").json()["jobs"] + under_test.get(JOBS).json()["jobs"]:
            if job["op"] == LOAD:
                under_test.request("DELETE", f"{JOBS}/{job['id']}")

    def test_jobs_have_their_data_after_kill_9(self):
        def check(folder, options):
            first = server.Server(exits_with=None, **options)
            self.give(first)
            expected = self.answers(first)
            self.hold_up(first)
            jobs = self.submit_all(first)
            contents = {path.name for path in self.files(folder)}
            self.assertIn(hashlib.sha256(b"is it is").hexdigest(), contents)
            self.take_away(first)
            self.kill(first)
            with server.Server(**options) as second:
                self.put(second, "nothing", [1, 2, 3])
                self.let_go_after_start(second)
                self.assertEqual(self.results(second, jobs), expected)
                server.wait_until(lambda: not self.files(folder), "nobody needs a file")
                for job in second.get(JOBS).json()["jobs"]:
                    self.assertEqual(second.request("DELETE", f"{JOBS}/{job['id']}").status, 204)

        self.each_data(check)

    def test_a_job_that_stores_what_it_reads_gives_the_same_when_it_runs_twice(self):
        """A crash between keeping the result and telling the journal: the name has it already at the second attempt."""

        def check(folder, options):
            first = server.Server(exits_with=None, **options)
            body = {"x": {"data": "x"}, "threads": 1}
            for count in (2500, 5000, 10_000, 20_000):  # of so many that it takes a while, with sanitizers few
                self.put(first, "x", [[number / 7 % 3] for number in range(count)])
                answer = first.post(SUM, body).json()
                expected = answer["s"]
                if answer["timing"]["compute_ms"] > 150:
                    break
            job = self.submit(first, SUM, body | {"store": "x"})
            server.wait_until(lambda: self.status(first, job)["attempts"] == 1, "it is claimed")
            self.put(first, "x", expected)  # what it would have left
            self.assertEqual(self.status(first, job)["status"], "running")
            self.kill(first)
            with server.Server(**options) as second:
                self.assertEqual(self.wait(second, job)["attempts"], 2)
                self.assertEqual(second.get("/v1/data/x").json(), expected)

        self.each_data(check)

    def test_content_that_others_need_stays(self):
        def check(folder, options):
            first = server.Server(exits_with=None, **options)
            self.put(first, "x", [1, 2, 3])
            expected = pairs(first.post(GAUSS, {"x": {"data": "x"}, "y": 0}).json())
            self.hold_up(first)
            jobs = [self.submit(first, GAUSS, {"x": {"data": "x"}, "y": 0}) for _ in range(5)]
            self.assertEqual(len(self.files(folder)), 1)
            self.delete(first, "x")
            for job in jobs[:3]:
                self.assertEqual(first.request("DELETE", f"{JOBS}/{job}").json()["status"], "dismissed")
                self.assertEqual(first.request("DELETE", f"{JOBS}/{job}").status, 204)
            self.assertEqual(len(self.files(folder)), 1)
            self.kill(first)
            with server.Server(**options) as second:
                self.let_go_after_start(second)
                self.assertEqual(self.results(second, jobs[3:]), [expected] * 2)
                server.wait_until(lambda: not self.files(folder), "nobody needs it")

        self.each_data(check)

    def test_damaged_content_is_never_computed_on(self):
        def check(folder, options):
            first = server.Server(exits_with=None, **options)
            self.put(first, "x", [1, 2, 3])
            self.put(first, "y", [4, 5, 6])
            self.put(first, "w", [7, 8, 9])
            self.hold_up(first)
            jobs = [self.submit(first, GAUSS, {"x": {"data": name}, "y": 0}) for name in ("x", "y", "w")]
            digests = [first.get(f"/v1/data/{name}?meta").json()["sha256"] for name in ("x", "y")]
            expected = pairs(first.post(GAUSS, {"x": {"data": "w"}, "y": 0}).json())
            self.assertEqual(first.request("DELETE", "/v1/data?all=true").status, 200)
            self.kill(first)
            changed, missing = (pathlib.Path(folder) / "jobs" / digest for digest in digests)
            content = bytearray(changed.read_bytes())
            content[5] ^= 1
            changed.write_bytes(content)
            missing.unlink()
            with server.Server(**options) as second:
                self.let_go_after_start(second)
                for job in jobs[:2]:
                    self.wait(second, job, "failed")
                    response = self.result(second, job)
                    self.assertEqual((response.status, response.slug()), (500, "job-damaged"), response)
                self.assertEqual(self.results(second, jobs[2:]), [expected])

        self.each_data(check)

    def test_what_is_given_counts_against_the_limit(self):
        def check(folder, options):
            with server.Server(state_limit="2MiB", **options) as under_test:
                x = [number / 3 for number in range(100_000)]
                self.put(under_test, "x", x)
                self.put(under_test, "y", x[1:])
                self.put(under_test, "w", x[:-1])
                busy = self.hold_up(under_test)
                body = {"x": {"data": "x"}, "y": 0, "store": "z"}
                jobs = [self.submit(under_test, GAUSS, body) for _ in range(5)]  # one file
                jobs.append(self.submit(under_test, GAUSS, {"x": {"data": "y"}, "y": 0, "store": "z"}))
                response = under_test.post(GAUSS, {"x": {"data": "w"}, "y": 0, "store": "z"}, headers=ASYNC)
                self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
                self.assertEqual(len(self.files(folder)), 2)
                self.let_go(under_test, busy)
                for job in jobs:
                    self.wait(under_test, job)

        self.each_data(check)

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_the_event_loop_waits_for_no_disk(self):
        """Neither for data that is written, nor for a link to data that is on the disk; and 202 comes after the syncs."""

        def check(folder, options):
            trace = pathlib.Path(folder) / "trace"
            command = ("strace", "-D", "-f", "-o", str(trace), "-e",
                       "trace=fsync,fdatasync,linkat,renameat,rename,unlinkat,sendto,sendmsg,write,writev")
            sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
            with server.Server(through=command, env={"ASAN_OPTIONS": sanitizer},
                               **options | {"state_dir": f"{folder}/state"}) as under_test:
                self.put(under_test, "x", [1, 2, 3])
                self.wait(under_test, self.submit(under_test, GAUSS, {"x": {"data": "x"}, "y": 0}))
            server.wait_until(lambda: "+++ exited with 0" in trace.read_text(), "the trace is complete")
            lines = trace.read_text().splitlines()
            answer = next(at for at, line in enumerate(lines) if "202 Accepted" in line)
            put = next(at for at, line in enumerate(lines) if "201 Created" in line)
            of_disk = [line for line in lines if line.split("(")[0].split()[-1] in
                       ("fsync", "fdatasync", "linkat", "renameat", "rename", "unlinkat")]
            self.assertNotIn(lines[answer].split()[0], {line.split()[0] for line in of_disk})
            before = [line for line in lines[put:answer] if line in of_disk]
            is_linked = any("linkat" in line and line.endswith("= 0") for line in lines[put:answer])  # "resumed" perhaps
            self.assertTrue(is_linked or options["data"] == "memory")
            linked = next((at for at, line in enumerate(before) if "linkat(" in line), 0)
            syncs = sum("sync(" in line for line in before[linked:])
            self.assertGreaterEqual(syncs, 2)  # the folder's, and the row's; the job itself may have begun by then

        self.each_data(check)

    def test_a_disk_that_is_full_refuses_and_recovers(self):
        with tempfile.TemporaryDirectory() as folder:
            mounting = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=32m none "$0" && exec "$@"', folder)
            if subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
                self.skipTest("no tmpfs may be mounted here")
            with server.Server(through=mounting, **self.options(folder, "memory")) as under_test:
                for number in range(10):
                    text = f"{number} " * 2_000_000
                    self.put(under_test, f"t/{number}", text, media="text/plain")
                busy = self.hold_up(under_test)
                answers = [under_test.post(WORD, {"text": {"data": f"t/{number}"}, "word": str(number)}, headers=ASYNC)
                           for number in range(10)]
                statuses = [answer.status for answer in answers]
                taken = statuses.count(202)
                self.assertEqual(statuses, [202] * taken + [507] * (10 - taken))
                self.assertIn(taken, range(2, 9))
                self.assertEqual(answers[-1].slug(), "state-full")
                self.let_go(under_test, busy)
                for answer in answers[:taken]:
                    self.wait(under_test, answer.json()["id"])
                    self.assertEqual(self.result(under_test, answer.json()["id"]).json()["count"], 2_000_000)
                self.wait(under_test, self.submit(under_test, WORD, {"text": {"data": "t/9"}, "word": "9"}))

    def test_many_at_once(self):
        """Submissions, changes of the name and jobs that end all happen together: each result is of one version."""

        def check(_, options):
            with server.Server(**options) as under_test:
                self.put(under_test, "x", [1, 1])
                jobs, lock, over = [], threading.Lock(), threading.Event()

                def change():
                    value = 1
                    while not over.is_set():
                        value = value % 5 + 1
                        self.put(under_test, "x", [value, value])

                def submit():
                    for _ in range(40):
                        job = self.submit(under_test, GAUSS, {"x": {"data": "x"}, "y": {"data": "x"}})
                        with lock:
                            jobs.append(job)

                threads = [threading.Thread(target=submit) for _ in range(3)]
                changing = threading.Thread(target=change)
                for thread in (changing, *threads):
                    thread.start()
                for thread in threads:
                    thread.join()
                over.set()
                changing.join()
                self.assertEqual(len(jobs), 120)
                for job in jobs:
                    self.wait(under_test, job)
                    self.assertEqual(self.result(under_test, job).json()["z"], [1, 1])

        self.each_data(check)


if __name__ == "__main__":
    unittest.main()
