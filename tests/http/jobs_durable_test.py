"""The process ends, in good order or not; jobs are there when it is back.

ctest: threads
"""

import pathlib
import signal
import tempfile
import unittest

import server
from job_case import ASYNC, JOBS, LOAD, SHORT, WORD, JobTest


class Surviving(JobTest):
    """The process ends, in good order or not; jobs are there when it is back."""

    def test_jobs_outlive_a_kill_and_a_stop(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number), tempfile.TemporaryDirectory() as folder:
                options = {"cores": 2, "jobs": "durable", "state_dir": folder, "drain": "200ms"}
                first = server.Server(exits_with=None, **options)
                done = self.submit(first, WORD, SHORT)
                self.wait(first, done)
                before = self.result(first, done).body
                busy = self.submit(first, LOAD, {"ranges": [300_000_000] * 8, "threads": 1, "chunk": 1})
                waiting = [self.submit(first, LOAD, {"ranges": [number]}) for number in range(1, 20)]
                server.wait_until(lambda: self.status(first, busy)["status"] == "running", "it runs")
                first.process.send_signal(number)
                first.wait()
                with server.Server(**options) as second:
                    self.assertEqual(self.result(second, done).body, before)
                    for expected, job in enumerate(waiting, 1):
                        self.wait(second, job)
                        self.assertEqual(self.result(second, job).json()["results"][0]["range"], expected)
                    self.wait(second, busy)
                    self.assertEqual(self.result(second, busy).json()["sum"], 8 * 300_000_000 * 299_999_999 // 2)

    def test_two_processes_do_not_share_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 1, "jobs": "durable"}
            environment = {"XDG_STATE_HOME": folder}
            with server.Server(env=environment, **options) as first:
                self.assertEqual(first.start_line["jobs"], "durable")
                with server.Server(env=environment, **options) as second:
                    self.assertEqual(second.start_line["jobs"], "memory")
                    server.wait_until(lambda: second.log(event="jobs-in-memory"), "it is said")
                    self.assertFalse(second.post(WORD, SHORT, headers=ASYNC).json()["durable"])
                self.assertTrue(first.post(WORD, SHORT, headers=ASYNC).json()["durable"])

    def test_a_damaged_store_is_left_alone_and_everything_else_served(self):
        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder}
            with server.Server(**options) as first:
                self.wait(first, self.submit(first, WORD, SHORT))
            path = pathlib.Path(folder) / "jobs.db"
            for wal in pathlib.Path(folder).glob("jobs.db-*"):
                wal.unlink()
            path.write_bytes(b"no database at all" * 500)
            before = path.read_bytes()
            with server.Server(**options) as second:
                self.assertEqual(second.start_line["jobs"], "unavailable")
                self.assertEqual(second.post(WORD, SHORT).json()["count"], 2)
                for response in (second.post(WORD, SHORT, headers=ASYNC), second.get(JOBS), second.get(f"{JOBS}/a")):
                    self.assertEqual((response.status, response.slug()), (503, "jobs-unavailable"), response)
            self.assertEqual(path.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
