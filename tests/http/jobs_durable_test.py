"""The process ends, in good order or not; jobs are there when it is back.

ctest: threads
"""

import contextlib
import hashlib
import os
import pathlib
import re
import signal
import sqlite3
import tempfile
import unittest

import server
from job_case import ASYNC, ENDLESS, GAUSS, JOBS, LOAD, SHORT, WORD, JobTest


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
                server.wait_until(lambda: self.status(first, busy)["status"] == "running", "it runs")
                waiting = [self.submit(first, LOAD, {"ranges": [number]}) for number in range(1, 20)]
                first.process.send_signal(number)
                first.wait()
                with server.Server(**options) as second:
                    self.assertEqual(self.result(second, done).body, before)
                    for expected, job in enumerate(waiting, 1):
                        self.wait(second, job)
                        self.assertEqual(self.result(second, job).json()["results"][0]["range"], expected)
                    self.wait(second, busy)
                    self.assertEqual(self.result(second, busy).json()["sum"], 8 * 300_000_000 * 299_999_999 // 2)

    def test_what_waits_behind_a_job_that_crashes_is_not_counted_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 2, "jobs": "durable", "state_dir": folder, "job_attempts": 3}
            waiting = [f"waits-{number}" for number in range(6)]
            for attempt in (1, 2, 3):
                under_test = server.Server(exits_with=None, **options)
                if attempt == 1:
                    for name, request in (("long", ENDLESS), *((name, {"ranges": [10]}) for name in waiting)):
                        response = under_test.request("PUT", f"{JOBS}/{name}", {"op": LOAD, "request": request})
                        self.assertEqual(response.status, 201, response)
                server.wait_until(lambda: self.status(under_test, "long")["attempts"] == attempt, "it is run again")
                for name in waiting:
                    server.wait_until(lambda name=name: self.status(under_test, name)["status"] == "accepted", "it waits")
                under_test.process.kill()
                under_test.wait()
            with server.Server(**options) as under_test:
                for name in waiting:
                    self.wait(under_test, name)
                self.wait(under_test, "long", "failed")
                self.assertEqual(self.result(under_test, "long").slug(), "job-crashed")

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
                    self.assertEqual(second.get("/v1/system").json()["jobs"], {"kept": "memory"})
                self.assertTrue(first.post(WORD, SHORT, headers=ASYNC).json()["durable"])
                self.assertEqual(first.get("/v1/system").json()["jobs"], {"kept": "durable"})

    def test_a_damaged_store_is_left_alone_and_everything_else_served(self):
        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder}
            with server.Server(**options) as first:
                self.wait(first, self.submit(first, WORD, SHORT))
            path = pathlib.Path(folder) / "jobs.db"
            for wal in pathlib.Path(folder).glob("jobs.db-*"):
                wal.unlink()
            path.write_bytes(b"no database at all" * 500)
            self.assert_left_alone(path, "file is not a database", **options)

    def assert_left_alone(self, path, reason, **options):
        """The store stays as it is, one line says why, and what isn't a job is computed."""
        def content():
            return {file: file.read_bytes() for file in path.parent.glob("jobs.db*")}

        before = content()
        with server.Server(**options) as under_test:
            self.assertEqual(under_test.start_line["jobs"], "unavailable")
            self.assertEqual(under_test.post(WORD, SHORT).json()["count"], 2)
            named = under_test.request("PUT", f"{JOBS}/a", {"op": WORD, "request": SHORT})
            for response in (under_test.post(WORD, SHORT, headers=ASYNC), named, under_test.get(JOBS),
                             under_test.get(f"{JOBS}/a"), under_test.get(f"{JOBS}/a/result"),
                             under_test.request("DELETE", f"{JOBS}/a")):
                self.assertEqual((response.status, response.slug()), (503, "jobs-unavailable"), response)
            self.assertEqual(under_test.get("/v1/system").json()["jobs"],
                             {"kept": "unavailable", "reason": response.json()["detail"]})
            self.assertEqual(under_test.post(WORD, SHORT).json()["count"], 2)
            (line,) = (entry for level in ("warn", "error") for entry in under_test.log(level=level)
                       if entry["event"] not in ("request", "limit-lowered"))
            self.assertEqual((line["level"], line["event"]), ("error", "jobs-unavailable"))
            self.assertIn(str(path), line["detail"])
            self.assertIn(reason, line["detail"])
        after = content()
        self.assertEqual(after.keys(), before.keys())
        self.assertTrue(after == before, "it was changed")

    def test_a_store_that_cannot_be_written_or_is_newer_is_left_alone_and_there_when_it_can_be_opened(self):
        def set_version(path, version):
            with contextlib.closing(sqlite3.connect(path)) as database:
                (before,) = database.execute("PRAGMA user_version").fetchone()
                database.execute(f"PRAGMA user_version = {version}")
                return before

        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder}
            path = pathlib.Path(folder) / "jobs.db"
            first = server.Server(exits_with=None, **options)
            job = self.submit(first, WORD, SHORT)
            self.wait(first, job)
            expected = self.result(first, job).body
            first.process.kill()  # so that the job is in the log alone
            first.wait()
            path.chmod(0o400)
            as_anyone = () if os.getuid() else ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
            self.assert_left_alone(path, "it can't be written", through=as_anyone, **options)
            path.chmod(0o600)
            version = set_version(path, 99)
            reason = f"its schema is version 99, this program's is {version}"
            self.assert_left_alone(path, reason, **options)
            self.assertFalse(path.with_name("jobs.db-wal").exists())
            set_version(path, version)
            with server.Server(**options) as again:
                self.assertEqual(self.result(again, job).body, expected)

    def test_a_long_result_whose_file_was_changed_is_never_given_out(self):
        """Neither whole nor in part, by the process that wrote it nor by the next one; the file is kept, under another
        name, and each who asks is told the same, after a restart too. One that is gone is another matter."""
        def flip(body, at):
            return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]

        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder}
            changes = (lambda body: flip(body, 0), lambda body: flip(body, len(body) - 1), lambda body: body[:-1],
                       lambda body: body + b" ", lambda body: b"")
            damaged, jobs = {}, []
            with server.Server(**options) as first:
                for number in range(2 * len(changes) + 1):
                    job = self.submit(first, GAUSS, {"x": list(range(3000)), "y": number})
                    self.wait(first, job)
                    body = self.result(first, job).body
                    path = pathlib.Path(folder) / "jobs" / hashlib.sha256(body).hexdigest()
                    self.assertEqual(path.read_bytes(), body)
                    jobs.append((job, body, path))
                for change, (job, body, path) in zip(changes * 2, jobs):
                    damaged[path] = change(body)
                    path.write_bytes(damaged[path])
                for job, _, path in jobs[:len(changes)]:
                    self.assert_damaged(first, job, path, damaged[path])
            with server.Server(**options) as second:
                for job, _, path in jobs[len(changes):-1]:
                    self.assert_damaged(second, job, path, damaged[path])
                for job, _, _ in jobs[:-1]:
                    self.assert_told(second, job)
                job, body, path = jobs[-1]
                self.assertEqual(self.result(second, job).body, body)
                path.unlink()
                response = self.result(second, job)
                self.assertEqual((response.status, response.slug()), (410, "result-gone"), response)
                self.assertIn("not on the disk any more", response.json()["detail"])

    def assert_told(self, under_test, job):
        for fields in ({}, {"Range": "bytes=10-20"}):
            response = self.result(under_test, job, **fields)
            self.assertEqual((response.status, response.slug()), (500, "job-damaged"), response)
            self.assertIn("submit the job again", response.json()["detail"])

    def assert_damaged(self, under_test, job, path, content):
        for _ in range(2):  # the second time the file isn't there any more
            self.assert_told(under_test, job)
        server.wait_until(lambda: [entry["level"] for entry in under_test.log(event="bad-file")
                                   if path.name in entry["detail"]] == ["error"], "it is said, once")
        self.assertFalse(path.exists())
        (aside,) = path.parent.glob(f"{path.name}.*")
        self.assertEqual(aside.read_bytes(), content)

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_the_202_comes_after_the_syncs(self):
        """Of the body's file, of its folder, where it has its name, and of the commit, in that order; no event loop waits
        for any of them."""
        calls = "fsync,fdatasync,renameat,rename,sendto,sendmsg,write,writev"
        for body, expected in ((b"is it " * 50_000, ["file", "rename", "folder", "commit"]), (b"is it", ["commit"])):
            with self.subTest(len(body)), tempfile.TemporaryDirectory() as folder:
                trace, state = pathlib.Path(folder) / "trace", pathlib.Path(folder) / "state"
                command = ("strace", "-D", "-f", "-yy", "-o", str(trace), "-e", f"trace={calls}")
                sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
                with server.Server(cores=1, jobs="durable", state_dir=state, through=command,
                                   env={"ASAN_OPTIONS": sanitizer}) as under_test:
                    started = len(trace.read_text().splitlines())
                    response = under_test.request("POST", WORD + "?word=is", body,
                                                  headers=ASYNC | {"Content-Type": "text/plain"})
                    self.assertEqual((response.status, response.json()["durable"]), (202, True), response)
                server.wait_until(lambda: "+++ exited with 0" in trace.read_text(), "the trace is complete")
                lines = trace.read_text().splitlines()
                answer = next(at for at, line in enumerate(lines) if "202 Accepted" in line)
                seen = [kind for kind in map(self.kind, lines[started:answer]) if kind]
                self.assertEqual([kind for at, kind in enumerate(seen) if kind not in seen[:at]], expected)
                threads = {line.split()[0] for line in lines[started:answer] if self.kind(line)}
                self.assertNotIn(lines[answer].split()[0], threads)

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_no_event_loop_unmaps_a_long_result(self):
        """It is sent from where its file is mapped; the more of it there is, the longer that takes to undo."""
        with tempfile.TemporaryDirectory() as folder:
            trace, state = pathlib.Path(folder) / "trace", pathlib.Path(folder) / "state"
            command = ("strace", "-D", "-f", "-o", str(trace), "-e", "trace=munmap")
            sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
            with server.Server(cores=1, jobs="durable", state_dir=state, through=command,
                               env={"ASAN_OPTIONS": sanitizer}) as under_test:
                job = self.submit(under_test, GAUSS, server.slow_body(300_000), **{"Content-Type": "application/json"})
                self.wait(under_test, job)
                lengths = [len(self.result(under_test, job).body) for _ in range(3)]
                tasks = pathlib.Path(f"/proc/{under_test.process.pid}/task").iterdir()
                names = {task.name: (task / "comm").read_text().strip() for task in tasks}
            self.assertGreater(lengths[0], 1_000_000)
            server.wait_until(lambda: "+++ exited with 0" in trace.read_text(), "the trace is complete")
            unmapped = re.findall(rf"^(\d+) +munmap\(0x[0-9a-f]+, {lengths[0]}\b", trace.read_text(), re.MULTILINE)
            self.assertEqual([names[thread] for thread in unmapped], ["disk"] * len(lengths), names)

    def kind(self, line):
        """What a line of strace has done for a submission; None: nothing."""
        if "rename" in line and re.search(r'"[0-9a-f]{64}"', line):
            return "rename"
        named = re.search(r"(?:fsync|fdatasync)\(\d+<([^>]*)>", line)
        if not named:
            return None
        endings = {".part": "file", "/jobs": "folder", "/jobs.db-wal": "commit"}
        return next((kind for ending, kind in endings.items() if named.group(1).endswith(ending)), None)


if __name__ == "__main__":
    unittest.main()
