"""What submissions and changes of jobs are refused for: conditions, preferences, members; and what is said then.

ctest: threads
"""

import subprocess
import tempfile
import unittest

import server
from job_case import ASYNC, ENDLESS, JOBS, LOAD, SHORT, WORD, JobTest

RIGHT = {"op": LOAD, "request": {"ranges": [10]}}


class Conditions(JobTest):
    def put(self, under_test, name, body=None, **headers):
        return under_test.request("PUT", f"{JOBS}/{name}", body or RIGHT, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def delete(self, under_test, name, **headers):
        return under_test.request("DELETE", f"{JOBS}/{name}", headers={k.replace("_", "-"): v for k, v in headers.items()})

    def tag(self, under_test, name):
        return under_test.get(f"{JOBS}/{name}").headers["ETag"]

    def assert_failed(self, response):
        self.assertEqual((response.status, response.slug()), (412, "precondition-failed"), response)

    def test_a_name_is_submitted_under_conditions(self):
        def check(under_test):
            self.assert_failed(self.put(under_test, "a", If_Match="*"))
            self.assert_failed(self.put(under_test, "a", If_Match='"1.2.1"'))
            self.assertEqual(under_test.get(f"{JOBS}/a").status, 404)
            self.assertEqual(self.put(under_test, "a", If_None_Match="*").status, 201)
            self.wait(under_test, "a")
            tag = self.tag(under_test, "a")
            for headers in ({"If_None_Match": "*"}, {"If_None_Match": f'"x", {tag}'}, {"If_None_Match": f"W/{tag}"},
                            {"If_Match": '"x"'}, {"If_Match": f"W/{tag}"}):
                self.assert_failed(self.put(under_test, "a", **headers))
                self.assert_failed(self.put(under_test, "a", RIGHT | {"request": {"ranges": [11]}}, **headers))
            for headers in ({"If_None_Match": '"x"'}, {"If_Match": f'"x", {tag}'}, {"If_Match": "*"}, {}):
                self.assertEqual(self.put(under_test, "a", **headers).status, 200)
                self.assertEqual(self.put(under_test, "a", RIGHT | {"request": {"ranges": [11]}}, **headers).slug(),
                                 "idempotency-conflict")
            self.assertEqual(self.tag(under_test, "a"), tag)

        self.each(check)

    def test_a_job_is_deleted_under_conditions(self):
        def check(under_test):
            self.assert_failed(self.delete(under_test, "a", If_Match="*"))
            self.assertEqual(self.delete(under_test, "a", If_None_Match="*").status, 204)
            self.put(under_test, "a", {"op": LOAD, "request": ENDLESS})
            server.wait_until(lambda: self.status(under_test, "a")["status"] == "running", "it runs")
            tag = self.tag(under_test, "a")
            for headers in ({"If_Match": '"x"'}, {"If_Match": f"W/{tag}"}, {"If_None_Match": "*"}, {"If_None_Match": tag}):
                self.assert_failed(self.delete(under_test, "a", **headers))
            self.assertEqual(self.status(under_test, "a")["status"], "running")
            self.assertEqual(self.delete(under_test, "a", If_Match=tag).json()["status"], "dismissed")
            self.assert_failed(self.delete(under_test, "a", If_Match=tag))  # it isn't what was seen any more
            self.assertEqual(self.delete(under_test, "a", If_None_Match=tag, If_Match=self.tag(under_test, "a")).status, 204)
            self.assertEqual(under_test.get(f"{JOBS}/a").status, 404)

        self.each(check)


class Preferences(JobTest):
    def assert_waits_are_told(self, under_test):
        """By those who would wait: others go on without, as RFC 7240 has it."""
        jobs = len(under_test.get(JOBS).json()["jobs"])
        job = under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": "respond-async"}).json()["id"]
        for wait in ("wait", "wait=", "wait=-1", "wait=1.5", "wait=5s", "wait=soon"):
            for prefer in (f"respond-async, {wait}", f"{wait}, respond-async", "respond-async; wait=5"):
                response = under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": prefer})
                self.assertEqual((response.status, response.slug()), (422, "wrong-type"), (prefer, response))
                self.assertIn('"respond-async, wait=10"', response.json()["detail"])
            response = under_test.get(f"{JOBS}/{job}", headers={"Prefer": wait})
            self.assertEqual((response.status, response.slug()), (422, "wrong-type"), (wait, response))
            self.assertEqual(under_test.get(JOBS, headers={"Prefer": wait}).status, 200)
            self.assertEqual(under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": wait}).status, 200)
        self.assertEqual(len(under_test.get(JOBS).json()["jobs"]), jobs + 1)

    def test_parameters_that_are_no_numbers_of_theirs(self):
        with server.Server(cores=1) as under_test:
            for prefer, slug, words in (("priority=-1", "wrong-type", "priority"), ("priority=high", "wrong-type", "priority"),
                                        ("priority", "wrong-type", "priority"), ("priority=3.5", "wrong-type", "priority"),
                                        ("priority=10", "out-of-range", "0 to 9"), ("keep_s=-5", "wrong-type", "keep_s"),
                                        ("keep_s=0", "out-of-range", "--job-ttl"), ('keep_s=""', "wrong-type", "keep_s"),
                                        ("keep_s=60; priority=x", "wrong-type", "priority")):
                response = under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": f"respond-async; {prefer}"})
                self.assertEqual((response.status, response.slug()), (422, slug), (prefer, response))
                self.assertIn(words, response.json()["detail"])
            self.assertEqual(under_test.get(JOBS).json(), {"jobs": []})
            for prefer in ("priority=0; keep_s=60", 'priority="9"', "color=red", "priority=4; priority=x"):
                response = under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": f"respond-async; {prefer}"})
                self.assertEqual(response.status, 202, (prefer, response))
            self.assert_waits_are_told(under_test)
            response = under_test.request("PUT", f"{JOBS}/a", RIGHT | {"keep_s": 0})
            self.assertEqual((response.status, response.slug(), response.json()["pointer"]), (422, "out-of-range", "/keep_s"))


class Members(JobTest):
    def test_only_what_is_taken_is_listed(self):
        with server.Server(cores=1) as under_test:
            response = under_test.request("PUT", f"{JOBS}/a", RIGHT | {"foo": 1})
            self.assertEqual(response.slug(), "unknown-field")
            for taken in ("op", "request", "priority", "keep_s"):
                self.assertIn(taken, response.json()["detail"])
            for refused in ("threads", "schedule", "chunk", "timeout_ms", "cores", "store", "expires_s"):
                self.assertNotIn(refused, response.json()["detail"])
                also = under_test.request("PUT", f"{JOBS}/a", RIGHT | {refused: 1})
                self.assertEqual((also.slug(), also.json()["pointer"]), ("unknown-field", f"/{refused}"))
            headers = {"Content-Type": "application/json"}
            response = under_test.request("PUT", "/v1/data/a?foo=1", "[1]", headers=headers)
            self.assertEqual(response.slug(), "unknown-field")
            self.assertIn("expires_s", response.json()["detail"])
            self.assertNotIn("store", response.json()["detail"])
            self.assertEqual(under_test.request("PUT", "/v1/data/a?store=b", "[1]", headers=headers).slug(), "unknown-field")
            self.assertEqual(under_test.request("PUT", "/v1/data/a?threads=1&expires_s=60", "[1]", headers=headers).status, 201)
            for method, path in (("GET", "/v1/data/a"), ("GET", "/v1/data"), ("DELETE", "/v1/data/a"), ("GET", JOBS),
                                 ("GET", f"{JOBS}/a"), ("DELETE", f"{JOBS}/a"), ("GET", f"{JOBS}/a/result")):
                for name in ("expires_s=5", "store=b", "threads=2"):
                    response = under_test.request(method, f"{path}?{name}")
                    self.assertEqual((response.status, response.slug()), (422, "unknown-field"), (method, path, name))
            self.assertEqual(under_test.get("/v1/data/a").json(), [1])


class Telling(JobTest):
    def test_a_running_job_says_how_long_it_has_been_here(self):
        def check(under_test):
            job = self.submit(under_test, LOAD, ENDLESS)
            server.wait_until(lambda: self.status(under_test, job).get("timing", {}).get("compute_ms", 0) > 0, "it computes")
            timing = self.status(under_test, job)["timing"]
            self.assertGreater(timing["total_ms"], timing["compute_ms"])
            under_test.request("DELETE", f"{JOBS}/{job}")

        self.each(check)

    def test_a_disk_that_is_full_is_logged(self):
        """At the first job that it refuses; not for each."""
        with tempfile.TemporaryDirectory() as folder:
            mounting = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=20m none "$0" && exec "$@"', folder)
            if subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
                self.skipTest("no tmpfs may be mounted here")
            with server.Server(cores=1, through=mounting, jobs="durable", data="durable", state_dir=folder) as under_test:
                self.assertEqual(under_test.log(event="jobs-disk-full"), [])
                text = "a" * 5_000_000
                response = under_test.request("PUT", "/v1/data/a", text, headers={"Content-Type": "text/plain"})
                self.assertEqual(response.status, 201, response)
                for _ in range(3):
                    response = under_test.post(WORD, SHORT, headers=ASYNC)
                    self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
                server.wait_until(lambda: under_test.log(event="jobs-disk-full"), "it is said")
                self.assertEqual(len(under_test.log(event="jobs-disk-full")), 1)
                self.assertEqual(under_test.request("DELETE", "/v1/data/a").status, 204)
                server.wait_until(lambda: under_test.post(WORD, SHORT, headers=ASYNC).status == 202, "there is room again")


if __name__ == "__main__":
    unittest.main()
