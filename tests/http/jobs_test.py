"""Jobs: submitted by `Prefer: respond-async` or under a name, looked at, waited for, cancelled, listed; their results are
the answers of their runs, byte for byte. In memory and on the disk alike.

ctest: threads
"""

import base64
import hashlib
import json
import threading
import time
import unittest
import zlib

import server
from coding_test import FOLD
from job_case import ASYNC, ENDLESS, GAUSS, JOBS, LOAD, SHORT, WORD, JobTest, pairs

PHASES = ("receive", "queue", "decode", "compute", "encode", "total", "cpu")


class Results(JobTest):
    def test_they_are_the_answers_of_the_same_calls(self):
        def check(under_test):
            calls = [(WORD, SHORT), (GAUSS, {"x": [0, 1, 2.5], "y": 1}), (LOAD, {"ranges": [10, 100], "threads": 1}),
                     ("/v1/gaussian/sum", {"x": [[0, 1]], "y": [[1, 1], [2, 2]]})]
            jobs = [self.submit(under_test, path, body) for path, body in calls]
            for (path, body), job in zip(calls, jobs):
                with self.subTest(path):
                    document = self.wait(under_test, job)
                    self.assertEqual((document["progress"], document["result_status"]), (100, 200))
                    response = self.result(under_test, job)
                    self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"))
                    expected = under_test.post(path, body).json()
                    for answer in (expected, response.json()):
                        for entry in answer.get("results", []):
                            entry.pop("core")
                    self.assertEqual(pairs(response.json()) | {"results": 0}, pairs(expected) | {"results": 0})

        self.each(check)

    def test_a_result_is_the_same_bytes_each_time_with_its_digest(self):
        def check(under_test):
            job = self.submit(under_test, GAUSS, {"x": list(range(1000)), "y": 0})
            self.wait(under_test, job)
            first, again = self.result(under_test, job), self.result(under_test, job)
            self.assertEqual((first.status, first.body), (200, again.body))
            digest = base64.b64encode(hashlib.sha256(first.body).digest()).decode()
            self.assertEqual(first.headers["Content-Digest"], f"sha-256=:{digest}:")
            self.assertEqual(first.headers["ETag"], again.headers["ETag"])
            held = self.result(under_test, job, **{"If-None-Match": first.headers["ETag"]})
            self.assertEqual((held.status, held.body), (304, b""))
            part = self.result(under_test, job, Range="bytes=5-14")
            self.assertEqual((part.status, part.body), (206, first.body[5:15]))
            self.assertEqual((part.headers["Content-Digest"], part.headers["Repr-Digest"]), (None, f"sha-256=:{digest}:"))
            self.assertEqual(part.headers["Content-Range"], f"bytes 5-14/{len(first.body)}")
            beyond = self.result(under_test, job, Range=f"bytes={len(first.body)}-")
            self.assertEqual((beyond.status, beyond.slug()), (416, "range-not-satisfiable"))

        self.each(check)

    def test_large_bodies_and_results(self):
        """Longer than a row of the store, than what a loop decodes, than a window."""
        def check(under_test):
            x = [number / 7 for number in range(300_000)]
            job = self.submit(under_test, GAUSS, {"x": x, "y": 0})
            self.wait(under_test, job)
            response = self.result(under_test, job)
            self.assertEqual(response.json()["z"], under_test.post(GAUSS, {"x": x, "y": 0}).json()["z"])
            text = b"it is\n" * 700_000
            job = self.submit(under_test, WORD + "?word=is", text, **{"Content-Type": "text/plain"})
            self.wait(under_test, job)
            self.assertEqual(self.result(under_test, job).json()["count"], 700_000)

        self.each(check)

    def test_codings_and_media_stay_what_they_were(self):
        def check(under_test):
            for coding, fold in FOLD.items():
                job = self.submit(under_test, WORD, fold(json.dumps(SHORT).encode()),
                                  **{"Content-Type": "application/json", "Content-Encoding": coding})
                self.wait(under_test, job)
                self.assertEqual(self.result(under_test, job).json()["count"], 2, coding)
            job = self.submit(under_test, GAUSS, {"x": [0, 0], "y": 0}, Accept="application/x-npy")
            self.wait(under_test, job)
            response = self.result(under_test, job)
            self.assertEqual((response.headers["Content-Type"], response.body[:6]), ("application/x-npy", b"\x93NUMPY"))
            response = under_test.post(GAUSS, {"x": list(range(3000)), "y": 0},
                                       headers=ASYNC | {"Accept-Encoding": "gzip, identity;q=0"})
            self.assertEqual((response.status, response.headers["Content-Encoding"]), (202, "gzip"))
            job = json.loads(zlib.decompress(response.body, 31))["id"]
            self.wait(under_test, job)
            response = self.result(under_test, job)
            self.assertEqual(response.headers["Content-Encoding"], "gzip")
            self.assertEqual(len(json.loads(zlib.decompress(response.body, 31))["z"]), 3000)

        self.each(check)

    def test_a_finished_one_says_what_its_run_had_and_took(self):
        def check(under_test):
            x = list(range(3000))
            for fields in ({}, {"Accept": "application/x-npy"}):
                job = self.submit(under_test, GAUSS, {"x": x, "y": 0, "threads": 2}, **fields)
                document = self.wait(under_test, job)
                self.assertEqual(set(document["timing"]), {f"{phase}_ms" for phase in PHASES})
                self.assertGreaterEqual(document["timing"]["total_ms"], document["timing"]["compute_ms"])
                self.assertEqual(document["threads"]["requested"], 2)
                if not fields:
                    answer = self.result(under_test, job).json()
                    self.assertEqual(document["threads"], answer["threads"])
                    self.assertEqual(document["timing"]["compute_ms"], answer["timing"]["compute_ms"])
                (listed, *_) = under_test.get(f"{JOBS}?limit=1").json()["jobs"]
                self.assertEqual(listed, document)
            refused = self.submit(under_test, GAUSS, {"x": [1, 2], "y": [1]})
            document = self.wait(under_test, refused, "failed")
            self.assertEqual(set(document["timing"]), {f"{phase}_ms" for phase in PHASES})

        self.each(check)

    def test_results_may_be_kept_under_a_name(self):
        def check(under_test):
            body = {"x": [0, 1], "y": 0, "store": "kept/z"}
            job = self.submit(under_test, GAUSS, body)
            self.wait(under_test, job)
            result = self.result(under_test, job, **{"Accept-Encoding": "gzip, identity;q=0"})
            self.assertEqual((result.status, result.headers["Location"]), (201, "/v1/data/kept/z"))
            self.assertEqual(len(result.headers.get_all("ETag")), 1)
            self.assertEqual(under_test.get("/v1/data/kept/z").json()[0], 1)
            direct = under_test.post(GAUSS, body, headers={"Prefer": "respond-async, wait=60"})
            self.assertEqual((direct.status, direct.headers.get_all("Location")), (201, ["/v1/data/kept/z"]))
            named = self.submit(under_test, GAUSS, {"x": {"data": "kept/z"}, "y": 0})
            self.wait(under_test, named)
            self.assertEqual(len(self.result(under_test, named).json()["z"]), 2)

        self.each(check)

    def test_a_problem_is_a_result_too(self):
        def check(under_test):
            job = self.submit(under_test, GAUSS, {"x": [1, 2], "y": [1]})
            document = self.wait(under_test, job, "failed")
            self.assertEqual(document["result_status"], 422)
            response = self.result(under_test, job)
            self.assertEqual((response.status, response.slug()), (422, "length-mismatch"))

        self.each(check)

    def test_there_is_none_before_the_end(self):
        def check(under_test):
            job = self.submit(under_test, LOAD, ENDLESS)
            response = self.result(under_test, job)
            self.assertEqual((response.status, response.slug()), (404, "result-not-ready"))
            self.assertGreaterEqual(int(response.headers["Retry-After"]), 1)
            under_test.request("DELETE", f"{JOBS}/{job}")
            response = self.result(under_test, job)
            self.assertEqual((response.status, response.slug()), (410, "result-gone"))
            response = self.result(under_test, "nobody")
            self.assertEqual((response.status, response.slug()), (404, "no-such-job"))
            for path in (f"{JOBS}/{job}", f"{JOBS}/{job}/result", f"{JOBS}/{job}/events"):
                escaped = path.replace(job, f"%{ord(job[0]):02x}{job[1:]}")  # another path, so another job
                self.assertEqual(under_test.get(escaped).json()["detail"].split(":")[1],
                                 " it never was, or was forgotten; an id needs no escapes")

        self.each(check)

    def test_they_expire(self):
        with server.Server(cores=1) as under_test:
            job = self.submit(under_test, WORD, SHORT, Prefer="respond-async; keep_s=1")
            self.assertIn("expires", self.wait(under_test, job))
            server.wait_until(lambda: self.result(under_test, job).slug() in ("result-gone", "no-such-job"), "it expires")
            server.wait_until(lambda: under_test.get(f"{JOBS}/{job}").status == 404, "it is forgotten")


class OneCore(JobTest):
    def test_requests_are_answered_while_a_job_runs_that_does_not_end(self):
        with server.Server(cores=1) as under_test:
            job = self.submit(under_test, LOAD, ENDLESS)
            server.wait_until(lambda: self.status(under_test, job)["status"] == "running", "it runs")
            for threads in (1, 2):
                response = under_test.post(LOAD, {"ranges": [20_000_000], "threads": threads})
                self.assertEqual((response.status, response.json()["sum"]), (200, 199_999_990_000_000), response)
            text = under_test.request("POST", f"{WORD}?word=is", b"is it " * 500_000, {"Content-Type": "text/plain"})
            self.assertEqual((text.status, text.json()["count"]), (200, 500_000), text)
            self.assertEqual(self.status(under_test, job)["status"], "running")
            under_test.request("DELETE", f"{JOBS}/{job}")


class Waiting(JobTest):
    def test_an_answer_that_is_ready_in_time_is_given_directly(self):
        def check(under_test):
            response = under_test.post(WORD, SHORT, headers={"Prefer": "respond-async, wait=60"})
            self.assertEqual((response.status, response.json()["count"]), (200, 2), response)
            self.assertEqual(response.headers["Preference-Applied"], "respond-async, wait=60")
            job = response.headers["Location"].rsplit("/", 1)[1]
            self.assertEqual(self.result(under_test, job).body, response.body)
            response = under_test.post(LOAD, ENDLESS, headers={"Prefer": "respond-async, wait=1"})
            self.assertEqual((response.status, response.json()["status"]), (202, "running"), response)
            under_test.request("DELETE", response.headers["Location"])

        self.each(check)

    def test_a_long_poll_ends_with_the_job_with_a_change_or_with_time(self):
        def check(under_test):
            job = self.submit(under_test, LOAD, ENDLESS)
            server.wait_until(lambda: self.status(under_test, job)["status"] == "running", "it runs")
            response = under_test.get(f"{JOBS}/{job}?wait=1")
            self.assertEqual(response.json()["status"], "running")
            tag = response.headers["ETag"]
            held = under_test.request("GET", f"{JOBS}/{job}", headers={"If-None-Match": tag, "Prefer": "wait=1"})
            self.assertEqual((held.status, held.headers["ETag"], held.body), (304, tag, b""))
            answers = []
            waiting = [threading.Thread(target=lambda: answers.append(under_test.get(f"{JOBS}/{job}?wait=60").json()))
                       for _ in range(8)]
            for thread in waiting:
                thread.start()
            time.sleep(0.2)
            self.assertEqual(answers, [])
            under_test.request("DELETE", f"{JOBS}/{job}")
            for thread in waiting:
                thread.join(server.PATIENCE_S)
            self.assertEqual([answer["status"] for answer in answers], ["dismissed"] * 8)

        self.each(check)

    def test_who_leaves_a_long_poll_is_forgotten(self):
        with server.Server(cores=1) as under_test:
            job = self.submit(under_test, LOAD, ENDLESS)
            for _ in range(20):
                with under_test.socket() as connection:
                    connection.sendall(f"GET {JOBS}/{job}?wait=600 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    time.sleep(0.01)
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "only the asking one is open")
            self.assertEqual(self.status(under_test, job)["status"], "running")
            under_test.request("DELETE", f"{JOBS}/{job}")

    def test_a_drain_sends_waiters_away(self):
        def check(under_test):
            job = self.submit(under_test, LOAD, ENDLESS)
            with under_test.socket() as connection:
                connection.sendall(f"GET {JOBS}/{job}?wait=600 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                time.sleep(0.1)
                under_test.signal()
                response = server.read_response(connection)
                self.assertEqual(response.status, 200, response)

        self.each(check, drain="1s")


class Cancelling(JobTest):
    def test_a_running_job_stops_and_a_waiting_one_never_starts(self):
        def check(under_test):
            jobs = [self.submit(under_test, LOAD, ENDLESS) for _ in range(6)]
            server.wait_until(lambda: self.status(under_test, jobs[0])["status"] == "running", "it runs")
            for job in reversed(jobs):
                response = under_test.request("DELETE", f"{JOBS}/{job}")
                self.assertEqual((response.status, response.json()["status"]), (200, "dismissed"), response)
            server.wait_until(lambda: server.load(under_test) == (0, 0), "nothing runs")
            for job in jobs:
                self.assertEqual(self.status(under_test, job)["status"], "dismissed")

        self.each(check)

    def test_what_is_over_is_forgotten(self):
        def check(under_test):
            job = self.submit(under_test, WORD, SHORT)
            self.wait(under_test, job)
            for _ in range(3):
                response = under_test.request("DELETE", f"{JOBS}/{job}")
                self.assertEqual((response.status, response.body), (204, b""))
                response = under_test.get(f"{JOBS}/{job}")
                self.assertEqual((response.status, response.slug()), (404, "no-such-job"))

        self.each(check)


class Submitting(JobTest):
    def test_an_idempotency_key_names_one_job(self):
        def check(under_test):
            key = {"Idempotency-Key": "ä key, of: any bytes".encode().decode("latin-1")}
            first = self.submit(under_test, LOAD, {"ranges": [10]}, **key)
            self.wait(under_test, first)
            again = under_test.post(LOAD, {"ranges": [10]}, headers=ASYNC | key)
            self.assertEqual((again.status, again.json()["id"]), (202, first))
            other = under_test.post(LOAD, {"ranges": [11]}, headers=ASYNC | key)
            self.assertEqual((other.status, other.slug()), (422, "idempotency-conflict"))
            self.assertNotEqual(self.submit(under_test, LOAD, {"ranges": [10]}), first)
            self.assertEqual(len(under_test.get(JOBS).json()["jobs"]), 2)

        self.each(check)

    def test_a_key_whose_first_request_is_still_received(self):
        body = json.dumps({"ranges": [10]}).encode()

        def begin(under_test, key):
            """When it returns, the head has come: asking with the key before would make the job."""
            sender = under_test.socket()
            sender.sendall(server.post_head(LOAD, len(body), f"Idempotency-Key: {key}", "Prefer: respond-async",
                                            "Expect: 100-continue"))
            self.assertTrue(sender.recv(4096).startswith(b"HTTP/1.1 100 "))
            sender.sendall(body[:5])
            return sender

        def ask(under_test, key):
            return under_test.post(LOAD, body, headers=ASYNC | {"Idempotency-Key": key, "Content-Type": "application/json"})

        def busy(under_test, key):
            response = ask(under_test, key)
            if response.status != 409:
                return False
            self.assertEqual(response.slug(), "idempotency-busy")
            self.assertGreaterEqual(int(response.headers["Retry-After"]), 1)
            return True

        def check(under_test):
            with begin(under_test, "k") as slow:
                self.assertTrue(busy(under_test, "k"))
                self.assertEqual(under_test.post(LOAD, {"ranges": [10]}, headers={"Idempotency-Key": "k"}).status, 200)
                self.assertEqual(ask(under_test, "K").status, 202)
                slow.sendall(body[5:])
                response = server.parse_responses(self.receive(slow))[0]
                self.assertEqual(response.status, 202)
                job = response.json()["id"]
            again = ask(under_test, "k")
            self.assertEqual((again.status, again.json()["id"]), (202, job))
            self.assertEqual(under_test.post(LOAD, {"ranges": [11]}, headers=ASYNC | {"Idempotency-Key": "k"}).slug(),
                             "idempotency-conflict")
            with begin(under_test, "gone"):  # who leaves, leaves nothing behind
                pass
            server.wait_until(lambda: ask(under_test, "gone").status == 202, "the key is free")

        def check_late(under_test):
            with begin(under_test, "late") as slow:
                server.wait_until(lambda: b" 408 " in slow.recv(4096), "it is told that it is late")
                server.wait_until(lambda: ask(under_test, "late").status == 202, "the key is free")

        self.each(check, io_threads=2)
        self.each(check_late, body_timeout="1s", io_threads=2)

    def receive(self, sender):
        """One answer of those that say how long they are."""
        received = b""
        while b"\r\n\r\n" not in received or len(received.split(b"\r\n\r\n", 1)[1]) < int(
                received.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            received += sender.recv(65536)
        return received

    def test_a_name_of_the_clients_own_is_submitted_once(self):
        def check(under_test):
            path, body = f"{JOBS}/night-1.a_b", {"op": LOAD, "request": {"ranges": [10, 20], "threads": 1}}
            first = under_test.request("PUT", path, body)
            self.assertEqual((first.status, first.headers["Location"], first.json()["id"]), (201, path, "night-1.a_b"))
            self.wait(under_test, "night-1.a_b")
            self.assertEqual(self.result(under_test, "night-1.a_b").json()["sum"], 45 + 190)
            again = under_test.request("PUT", path, body)
            self.assertEqual((again.status, again.json()["status"]), (200, "successful"))
            other = under_test.request("PUT", path, body | {"request": {"ranges": [11]}})
            self.assertEqual((other.status, other.slug()), (422, "idempotency-conflict"))
            kept = under_test.request("PUT", f"{JOBS}/b", body | {"priority": 9, "keep_s": 60})
            self.assertEqual((kept.status, kept.json()["priority"]), (201, 9))
            x = [number / 7 for number in range(50_000)]
            under_test.request("PUT", f"{JOBS}/long", {"op": GAUSS, "request": {"x": x, "y": 0}})
            self.wait(under_test, "long")
            self.assertEqual(self.result(under_test, "long").json()["z"], under_test.post(GAUSS, {"x": x, "y": 0}).json()["z"])

        self.each(check)

    def test_wrong_ones_are_refused(self):
        right = {"op": LOAD, "request": {"ranges": [10]}}
        with server.Server(cores=1) as under_test:
            for name, body, slug, pointer in (
                    ("a", right | {"op": "/v1/nothing"}, "out-of-range", "/op"),
                    ("a", right | {"op": "/v1/jobs"}, "out-of-range", "/op"),
                    ("a", {"request": {}}, "missing-field", "/op"),
                    ("a", {"op": LOAD}, "missing-field", "/request"),
                    ("a", right | {"request": [1]}, "wrong-type", "/request"),
                    ("a", right | {"priority": 10}, "out-of-range", "/priority"),
                    ("a", right | {"keep_s": -1}, "out-of-range", "/keep_s"),
                    ("a", right | {"threads": 2}, "unknown-field", "/threads"),
                    ("x" * 129, right, "out-of-range", ""), ("a%20b", right, "out-of-range", ""), ("..", right, "out-of-range", "")):
                with self.subTest(name, body=body):
                    response = under_test.request("PUT", f"{JOBS}/{name}", body)
                    self.assertEqual((response.status, response.slug(), response.json().get("pointer", "")),
                                     (422, slug, pointer), response)
            self.assertEqual(under_test.get(JOBS).json(), {"jobs": []})

    def test_a_priority_is_taken_and_one_beyond_is_refused(self):
        """Which job comes first the journal's tests show."""
        with server.Server(cores=1) as under_test:
            for priority in (0, 9, 4):
                job = self.submit(under_test, LOAD, {"ranges": [1]}, Prefer=f"respond-async; priority={priority}")
                self.assertEqual(self.wait(under_test, job)["priority"], priority)
            response = under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": "respond-async; priority=10"})
            self.assertEqual((response.status, response.slug()), (422, "out-of-range"))

    def test_what_cannot_be_deferred_is_answered_as_ever(self):
        with server.Server(cores=1) as under_test:
            self.assertEqual(under_test.request("GET", "/livez", headers=ASYNC).status, 200)
            response = under_test.post(WORD, b"{", headers=ASYNC | {"Content-Type": "text/html"})
            self.assertEqual((response.status, response.slug()), (415, "unsupported-media-type"))
            self.assertEqual(under_test.get(JOBS).json(), {"jobs": []})

    def test_what_promises_or_depends_on_something_is_answered_at_once(self):
        with server.Server(cores=1) as under_test:
            response = under_test.request("QUERY", WORD, json.dumps(SHORT).encode(),
                                          headers=ASYNC | {"Content-Type": "application/json"})
            self.assertEqual((response.status, response.json()["count"]), (200, 2))
            self.assertIsNone(response.headers["Preference-Applied"])
            kept = {"x": [2], "y": 0, "store": "c"}
            self.assertEqual(under_test.request("PUT", "/v1/data/c", "[1]", headers={"Content-Type": "application/json"}).status, 201)
            for field, value in (("If-None-Match", "*"), ("If-Match", '"abc"')):
                response = under_test.post(GAUSS, kept, headers=ASYNC | {field: value})
                self.assertEqual((response.status, response.slug()), (412, "precondition-failed"))
            self.assertEqual(under_test.get("/v1/data/c").json(), [1])

    def test_what_needs_no_body_may_be_deferred_too(self):
        def check(under_test):
            under_test.request("PUT", "/v1/data/c", "[1, 2]", headers={"Content-Type": "application/json"})
            response = under_test.request("POST", GAUSS + "?x=data:c&y=data:c", headers=ASYNC)
            self.assertEqual(response.status, 202, response)
            self.wait(under_test, response.json()["id"])
            self.assertEqual(self.result(under_test, response.json()["id"]).json()["z"], [1, 1])

        self.each(check)

    def test_lines_of_a_batch_are_a_result(self):
        def check(under_test):
            lines = {"Accept": "application/x-ndjson"}
            body = {"op": LOAD, "items": [{"ranges": [2]}, {"ranges": [3]}]}
            response = under_test.post("/v1/batch", body, headers=ASYNC | lines)
            self.assertEqual(response.status, 202, response)
            self.wait(under_test, response.json()["id"])
            result = self.result(under_test, response.json()["id"], **lines)
            self.assertEqual((result.status, result.headers["Content-Type"]), (200, "application/x-ndjson"))
            self.assertEqual(len(result.body.splitlines()), 3)

        self.each(check)

    def test_jobs_in_memory_have_a_limit(self):
        with server.Server(cores=2, memory="16MiB") as under_test:
            first = self.submit(under_test, LOAD, ENDLESS)
            answers = [under_test.post(GAUSS, {"x": list(range(20_000)), "y": 0}, headers=ASYNC) for _ in range(60)]
            self.assertEqual({(answer.status, answer.slug()) for answer in answers}, {(202, None), (507, "state-full")})
            under_test.request("DELETE", f"{JOBS}/{first}")

    def test_lists_have_pages_and_a_status(self):
        def check(under_test):
            jobs = [self.submit(under_test, WORD, SHORT) for _ in range(7)]
            for job in jobs:
                self.wait(under_test, job)
            failed = self.submit(under_test, GAUSS, {"x": [1, 2], "y": [1]})
            self.wait(under_test, failed, "failed")
            seen, path = [], f"{JOBS}?limit=3"
            while path:
                page = under_test.get(path).json()
                self.assertLessEqual(len(page["jobs"]), 3)
                seen += [job["id"] for job in page["jobs"]]
                path = page.get("next")
            self.assertEqual(seen, [failed, *reversed(jobs)])
            self.assertEqual([job["id"] for job in under_test.get(f"{JOBS}?status=failed").json()["jobs"]], [failed])
            for query, pointer in (("limit=0", "/limit"), ("limit=1001", "/limit"), ("status=done", "/status"),
                                   ("after=x", "/after"), ("x=1", "/x")):
                response = under_test.get(f"{JOBS}?{query}")
                self.assertEqual((response.status, response.json()["pointer"]), (422, pointer), response)

        self.each(check)

    def test_long_jobs_leave_cores_to_others(self):
        with server.Server(cores=2) as under_test:
            jobs = [self.submit(under_test, LOAD, ENDLESS) for _ in range(5)]
            server.wait_until(lambda: self.status(under_test, jobs[0])["status"] == "running", "it runs")
            for _ in range(50):
                self.assertEqual(under_test.post(LOAD, {"ranges": [200_000] * 8, "threads": 1}).status, 200)
            for job in jobs:
                under_test.request("DELETE", f"{JOBS}/{job}")


if __name__ == "__main__":
    unittest.main()
