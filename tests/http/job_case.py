"""What the tests of jobs have in common."""

import tempfile
import unittest

import server

WORD, GAUSS, LOAD, JOBS = "/v1/wordcount", "/v1/gaussian", "/v1/triangular", "/v1/jobs"
SHORT = {"text": "is it is", "word": "is"}
ENDLESS = {"ranges": [100_000_000] * 1800, "threads": 1, "chunk": 1}
ASYNC = {"Prefer": "respond-async"}


def pairs(answer):
    """A result without what differs from run to run."""
    return {name: value for name, value in answer.items() if name not in ("threads", "timing")}


class JobTest(unittest.TestCase):
    """Servers that keep their jobs in memory, or in a folder of the test's own."""

    def each(self, check, **options):
        with self.subTest("memory"), server.Server(cores=2, **options) as under_test:
            check(under_test)
        with self.subTest("durable"), tempfile.TemporaryDirectory() as folder:
            with server.Server(cores=2, jobs="durable", state_dir=folder, **options) as under_test:
                check(under_test)

    def submit(self, under_test, path, body, **headers):
        response = under_test.post(path, body, headers=ASYNC | headers)
        self.assertEqual(response.status, 202, response)
        self.assertEqual(response.headers["Preference-Applied"], "respond-async")
        self.assertGreaterEqual(int(response.headers["Retry-After"]), 1)
        document = response.json()
        self.assertEqual(response.headers["Location"], f"{JOBS}/{document['id']}")
        self.assertEqual((document["op"], document["status"] in ("accepted", "running")), (path.split("?")[0], True))
        return document["id"]

    def status(self, under_test, job):
        response = under_test.get(f"{JOBS}/{job}")
        self.assertEqual(response.status, 200, response)
        return response.json()

    def wait(self, under_test, job, status="successful"):
        document = under_test.get(f"{JOBS}/{job}?wait=60").json()
        self.assertEqual(document["status"], status, document)
        return document

    def result(self, under_test, job, **headers):
        return under_test.request("GET", f"{JOBS}/{job}/result", headers=headers)
