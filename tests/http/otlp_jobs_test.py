"""--otlp and jobs: each attempt to run one is a span of the trace that it was submitted in, whatever became of the process
in between, and has a line in the log.

ctest: threads
"""

import re
import signal
import tempfile
import unittest

import collector
import server
from job_case import ENDLESS, JOBS, LOAD, SHORT, WORD, JobTest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
SECONDS = {"ranges": [300_000_000] * 8, "threads": 1, "chunk": 1}


def parent(flags="01"):
    return {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}


class Attempts(JobTest):
    maxDiff = None

    def setUp(self):
        self.collector = self.enterContext(collector.Collector())
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def serve(self, exits_with=0, **options):
        return server.Server(exits_with=exits_with, cores=2, otlp=self.collector.url, **options)

    def durable(self, **options):
        return self.serve(jobs="durable", state_dir=self.folder, **options)

    def attempts(self, job):
        """The spans of a job's attempts that have come, the first one first."""
        found = [span for span in self.collector.spans(kind="consumer") if span.attributes["forkjoin.job.id"] == job]
        return sorted(found, key=lambda span: span.attributes["forkjoin.job.attempt"])

    def await_attempts(self, job, numbers, outcomes):
        server.wait_until(lambda: len(self.attempts(job)) >= len(numbers), f"attempts {numbers} of {job} are told")
        found = self.attempts(job)
        self.assertEqual([(span.attributes["forkjoin.job.attempt"], span.attributes["forkjoin.job.outcome"]) for span in found],
                         list(zip(numbers, outcomes)))
        for span in found:
            for phase in self.collector.spans(parent=span.id):
                self.assertEqual((phase.kind, phase.trace), ("internal", span.trace))
                self.assertTrue(span.start <= phase.start <= phase.end <= span.end, (span.start, phase.start, phase.end, span.end))
        self.assertEqual(len({span.id for span in found}), len(found))
        return found

    def line(self, under_test, job, attempt):
        server.wait_until(lambda: under_test.log(event="job", job=job, attempt=attempt), "its line is there")
        line, = under_test.log(event="job", job=job, attempt=attempt)
        return line

    def submission(self, answer):
        """What a submission's answer says of its span."""
        return re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]", answer.headers["traceresponse"]).groups()

    def test_a_run_is_a_child_of_its_submission(self):
        for storage, serve in (("memory", self.serve), ("durable", self.durable)):
            with self.subTest(storage), serve() as under_test:
                answer = under_test.post(WORD, SHORT, headers=parent() | {"Prefer": "respond-async"})
                job = answer.json()["id"]
                self.wait(under_test, job)
                span, = self.await_attempts(job, [1], ["successful"])
                self.assertEqual((TRACE, span.parent), self.submission(answer))
                self.assertEqual((span.trace, span.name, span.flags, span.status), (TRACE, f"job {WORD}", 0x301, {}))
                self.assertEqual(span.attributes, {"forkjoin.job.id": job, "forkjoin.job.attempt": 1, "forkjoin.job.op": WORD,
                                                   "forkjoin.job.outcome": "successful", "forkjoin.threads": 1})
                line = self.line(under_test, job, 1)
                self.assertEqual((line["trace_id"], line["span_id"], line["parent_span_id"]), (TRACE, span.id, span.parent))
                self.assertEqual((line["level"], line["op"], line["outcome"], line["status"], line["threads"]["granted"]),
                                 ("info", WORD, "successful", 200, 1))
                self.assertNotIn("problem", line)
                self.assertEqual(int((span.end - span.start) / 1000), int(round(line["total_ms"] * 1000)))
                request, = self.collector.spans(id=span.parent)
                self.assertEqual((request.kind, request.parent), ("server", SPAN))
                self.assertGreaterEqual(span.start, request.start)

    def test_a_run_after_a_crash_is_in_the_same_trace(self):
        with self.durable(exits_with=-signal.SIGKILL) as first:
            answer = first.post(LOAD, SECONDS, headers=parent() | {"Prefer": "respond-async"})
            job = answer.json()["id"]
            server.wait_until(lambda: self.status(first, job)["status"] == "running", "it runs")
            waiting = {}  # more than are claimed ahead
            for name in (f"waits{number}" for number in range(6)):
                body = {"op": LOAD, "request": {"ranges": [10]}, "priority": 0}
                waiting[name] = self.submission(first.request("PUT", f"{JOBS}/{name}", body, parent()))
            first.process.send_signal(signal.SIGKILL)
            first.wait()
        self.assertEqual(self.attempts(job), [])
        with self.durable() as second:
            self.wait(second, job)
            span, = self.await_attempts(job, [2], ["successful"])
            self.assertEqual((span.trace, span.parent), (TRACE, self.submission(answer)[1]))
            line = self.line(second, job, 2)
            self.assertEqual((line["trace_id"], line["span_id"], line["parent_span_id"]), (TRACE, span.id, span.parent))
            attempts = set()
            for name, submission in waiting.items():
                attempts.add(self.wait(second, name)["attempts"])
                span, = self.await_attempts(name, [self.status(second, name)["attempts"]], ["successful"])
                self.assertEqual((span.trace, span.parent), submission)
            self.assertIn(1, attempts)  # which the first process had only kept

    def test_a_run_after_a_stop_is_in_the_same_trace(self):
        with self.durable(drain="100ms") as first:
            answer = first.post(LOAD, SECONDS, headers=parent() | {"Prefer": "respond-async"})
            job = answer.json()["id"]
            server.wait_until(lambda: self.status(first, job)["status"] == "running", "it runs")
        with self.durable() as second:
            self.wait(second, job)
            for span in self.await_attempts(job, [1, 2], ["released", "successful"]):
                self.assertEqual((span.trace, span.parent), (TRACE, self.submission(answer)[1]))
            self.assertEqual(self.line(first, job, 1)["outcome"], "released")

    def test_what_becomes_of_runs(self):
        with self.serve() as under_test:
            submit = parent() | {"Prefer": "respond-async"}
            wrong = under_test.post(WORD, {"text": 7}, headers=submit).json()["id"]
            self.wait(under_test, wrong, "failed")
            span, = self.await_attempts(wrong, [1], ["failed"])
            self.assertEqual((span.attributes["error.type"], span.status), ("wrong-type", {}))
            line = self.line(under_test, wrong, 1)
            self.assertEqual((line["level"], line["status"], line["problem"]), ("info", 422, "wrong-type"))
            late = under_test.post(LOAD, ENDLESS | {"timeout_ms": 20}, headers=submit).json()["id"]
            self.wait(under_test, late, "failed")
            span, = self.await_attempts(late, [1], ["failed"])
            self.assertEqual((span.attributes["error.type"], span.status), ("deadline-exceeded", {"code": 2}))
            self.assertEqual(self.line(under_test, late, 1)["level"], "warn")
            ended = under_test.post(LOAD, ENDLESS, headers=submit).json()["id"]
            server.wait_until(lambda: self.status(under_test, ended)["status"] == "running", "it runs")
            under_test.request("DELETE", f"{JOBS}/{ended}")
            span, = self.await_attempts(ended, [1], ["dismissed"])
            self.assertNotIn("error.type", span.attributes)

    def test_what_is_not_sampled_has_a_line_alone(self):
        with self.serve() as under_test:
            quiet = under_test.post(WORD, SHORT, headers=parent("00") | {"Prefer": "respond-async"}).json()["id"]
            self.assertEqual(self.line(under_test, quiet, 1)["trace_id"], TRACE)
            begun = under_test.post(WORD, SHORT, headers={"Prefer": "respond-async"})  # which begins a trace
            job = begun.json()["id"]
            span, = self.await_attempts(job, [1], ["successful"])
            self.assertEqual((span.trace, span.parent), self.submission(begun))
            self.assertEqual(self.attempts(quiet), [])

    def test_without_a_collector_only_traces_have_lines(self):
        with server.Server(cores=2) as under_test:
            traced = self.submit(under_test, WORD, SHORT, **parent())
            self.assertEqual(self.line(under_test, traced, 1)["trace_id"], TRACE)
            alone = self.submit(under_test, WORD, SHORT)
            self.wait(under_test, alone)
        self.assertEqual(under_test.log(event="job", job=alone), [])


if __name__ == "__main__":
    unittest.main()
