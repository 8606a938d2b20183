"""Long texts of jobs, which go to a file while they arrive: any length, in little memory, and nothing left of what came to
nothing.

ctest: threads
"""

import http.client
import os
import pathlib
import re
import select
import subprocess
import tempfile
import unittest

import server
from coding_test import FOLD
from job_case import ASYNC, ENDLESS, GAUSS, JOBS, LOAD, WORD, JobTest

MIB = 1 << 20
LINE = b"it is what it is\n"
TEXT = {"Content-Type": "text/plain"}
COUNT = WORD + "?word=is"


def text_of(length):
    return LINE * (length // len(LINE))


def peak_kib(under_test):
    """Of the process's own memory: files that are mapped can be let go of at any time."""
    status = pathlib.Path(f"/proc/{under_test.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))


class Upload:
    """A submission that is sent as the test wants it to be."""

    def __init__(self, under_test, length, path=COUNT, media="text/plain", prefer="respond-async"):
        self.socket = under_test.socket()
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {media}\r\nPrefer: {prefer}\r\n"
        self.socket.sendall((head + f"Content-Length: {length}\r\n\r\n").encode())

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        response = server.read_response(self.socket)
        self.socket.close()
        return response

    def leave(self):
        self.socket.close()


class Arriving(JobTest):
    def setUp(self):
        self.root = tempfile.TemporaryDirectory()
        self.addCleanup(self.root.cleanup)
        self.folder = pathlib.Path(self.root.name)
        self.options = {"cores": 2, "jobs": "durable", "state_dir": self.folder}

    def files(self, ending=""):
        return sorted(path.name for path in (self.folder / "jobs").iterdir() if path.name.endswith(ending))

    def await_files(self, count, ending=""):
        server.wait_until(lambda: len(self.files(ending)) == count, f"{count} files that end with '{ending}'")

    def await_bytes(self, count):
        """Whole windows, which go to the disk when there is more than they hold: more than `count` have to be sent."""

        def has_come():
            return sum((self.folder / "jobs" / name).stat().st_size for name in self.files(".part")) == count

        server.wait_until(has_come, f"{count} bytes have come")

    def count(self, under_test, job):
        self.wait(under_test, job)
        return self.result(under_test, job).json()["count"]

    def test_a_text_is_longer_than_what_memory_there_is(self):
        with server.Server(memory="48MiB", max_body="1MiB", **self.options) as under_test:
            before = peak_kib(under_test)
            upload = Upload(under_test, 100 * len(text_of(MIB)))
            most = 0
            for _ in range(100):
                upload.send(text_of(MIB))
                most = max(most, peak_kib(under_test))
            response = upload.answer()
            self.assertEqual(response.status, 202, response)
            self.assertLess(most - before, 16 * 1024)  # two windows, the connection's pool
            self.assertEqual(self.count(under_test, response.json()["id"]), 2 * 100 * (MIB // len(LINE)))
            self.await_files(0)  # what was asked isn't needed any more

    def test_any_body_goes_that_way(self):
        """JSON, a coded body, one of no declared length, short or long; a wait for the result."""
        with server.Server(**self.options) as under_test:
            text = text_of(3 * MIB)
            expected = 2 * (len(text) // len(LINE))
            for coding, fold in FOLD.items():
                job = self.submit(under_test, COUNT, fold(text), **TEXT, **{"Content-Encoding": coding})
                self.assertEqual(self.count(under_test, job), expected, coding)
            body = {"text": text.decode(), "word": "is"}
            self.assertEqual(self.count(under_test, self.submit(under_test, WORD, body)), expected)
            for length in (10, 70_000, 3 * MIB):
                pieces = iter([text_of(length)[:-1], b"\n"] if length > 20 else [b"is it"])
                job = self.submit(under_test, COUNT, pieces, **TEXT)
                self.assertEqual(self.count(under_test, job), 2 * (length // len(LINE)) if length > 20 else 1)
            response = under_test.request("POST", COUNT, text, headers=TEXT | {"Prefer": "respond-async, wait=60"})
            self.assertEqual((response.status, response.json()["count"]), (200, expected), response)
            wrong = self.submit(under_test, GAUSS, b"[" * MIB, **{"Content-Type": "application/json"})
            self.wait(under_test, wrong, "failed")

    def test_a_long_one_under_a_name(self):
        with server.Server(**self.options) as under_test:
            request = {"text": text_of(3 * MIB).decode(), "word": "is"}
            for status in (201, 200, 200):
                response = under_test.request("PUT", f"{JOBS}/long", {"op": WORD, "request": request})
                self.assertEqual(response.status, status, response)
            self.assertEqual(self.count(under_test, "long"), 2 * (3 * MIB // len(LINE)))
            request["word"] = "it"
            response = under_test.request("PUT", f"{JOBS}/long", {"op": WORD, "request": request})
            self.assertEqual((response.status, response.slug()), (422, "idempotency-conflict"), response)
            self.await_files(0)

    def test_the_same_key_finds_the_same_job(self):
        with server.Server(**self.options) as under_test:
            key = TEXT | ASYNC | {"Idempotency-Key": "once"}
            first = under_test.request("POST", COUNT, text_of(MIB), headers=key)
            again = under_test.request("POST", COUNT, text_of(MIB), headers=key)
            self.assertEqual((first.status, again.json()["id"]), (202, first.json()["id"]), again)
            other = under_test.request("POST", COUNT, text_of(MIB) + b"is", headers=key)
            self.assertEqual((other.status, other.slug()), (422, "idempotency-conflict"), other)
            self.count(under_test, first.json()["id"])
            self.await_files(0)

    def test_limits_are_those_of_the_computation(self):
        with server.Server(max_body="1MiB", max_stream="2MiB", **self.options) as under_test:
            for path, media, limit in ((COUNT, "text/plain", 2 * MIB), (WORD, "application/json", MIB)):
                for body in (b" " * (limit + 1), iter([b" " * limit, b" "])):
                    with self.subTest(media, declared=isinstance(body, bytes)):
                        response = under_test.request("POST", path, body, headers=ASYNC | {"Content-Type": media})
                        self.assertEqual((response.status, response.slug()), (413, "body-too-large"), response)
            self.await_files(0)
            self.assertEqual(under_test.get(JOBS).json()["jobs"], [])

    def test_a_text_of_any_length_is_longer_than_a_small_limit(self):
        with server.Server(max_body="16KiB", **self.options) as under_test:
            for length in (16 * 1024, 16 * 1024 + 1, 30000, 65536, 65537):
                with self.subTest(length):
                    response = under_test.request("POST", COUNT, b"is " * (length // 3 + 1), headers=ASYNC | {
                        "Content-Type": "text/plain"})
                    self.assertEqual(response.status, 202, response)
                    self.wait(under_test, response.json()["id"])
            response = under_test.request("POST", WORD, b" " * 30000, headers=ASYNC | {"Content-Type": "application/json"})
            self.assertEqual((response.status, response.slug()), (413, "body-too-large"), response)
            self.assertIn("as text/plain", response.json()["detail"])

    def test_a_client_that_leaves_leaves_nothing(self):
        with server.Server(**self.options) as under_test:
            for length in (0, 100, MIB, 5 * MIB):
                upload = Upload(under_test, 8 * MIB)
                upload.send(b"a" * length)
                if length > MIB:
                    self.await_files(1, ".part")
                upload.leave()
                self.await_files(0)
            self.assertEqual(under_test.get(JOBS).json()["jobs"], [])
            server.wait_until(lambda: server.health(under_test)["connections"] == 1, "they are gone")
            job = self.submit(under_test, COUNT, text_of(2 * MIB), **TEXT)
            self.assertEqual(self.count(under_test, job), 2 * (2 * MIB // len(LINE)))

    def test_a_kill_midway_leaves_what_the_next_start_removes(self):
        first = server.Server(exits_with=None, **self.options)
        upload = Upload(first, 8 * MIB)
        upload.send(b"a" * (5 * MIB))
        self.await_files(1, ".part")
        first.process.kill()
        first.wait()
        upload.leave()
        self.assertEqual(len(self.files(".part")), 1)
        with server.Server(**self.options) as second:
            self.assertEqual(self.files(), [])
            self.assertEqual(second.get(JOBS).json()["jobs"], [])

    def test_the_state_limit(self):
        """What can be known is refused before it comes; what is left is shared by those that come."""
        with server.Server(state_limit="8MiB", **self.options) as under_test:
            upload = Upload(under_test, 9 * MIB)
            response = upload.answer()  # not a byte was sent
            self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
            self.assertIn("8388608", response.json()["detail"])
            first, second = Upload(under_test, 5 * MIB), Upload(under_test, 5 * MIB)
            first.send(b" " * (4 * MIB + 1))
            self.await_bytes(4 * MIB)
            second.send(b" " * (5 * MIB))  # there is no room for its end
            response = second.answer()
            self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
            self.await_files(1, ".part")
            first.send(b" " * (MIB - 1))
            response = first.answer()
            self.assertEqual(response.status, 202, response)
            self.assertEqual(self.count(under_test, response.json()["id"]), 0)
            self.await_files(0)
            job = self.submit(under_test, COUNT, text_of(5 * MIB), **TEXT)  # there is room again
            self.assertEqual(self.count(under_test, job), 2 * (5 * MIB // len(LINE)))

    def test_in_memory_the_limit_is_known_as_well(self):
        with server.Server(cores=2, state_limit="2MiB") as under_test:
            response = Upload(under_test, 3 * MIB).answer()
            self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
            job = self.submit(under_test, COUNT, text_of(MIB), **TEXT)
            self.assertEqual(self.count(under_test, job), 2 * (MIB // len(LINE)))
            busy = self.submit(under_test, LOAD, ENDLESS)  # what comes now waits
            key = TEXT | {"Idempotency-Key": "once"}
            job = self.submit(under_test, COUNT, text_of(3 * MIB // 2), **key)
            self.assertEqual(self.submit(under_test, COUNT, text_of(3 * MIB // 2), **key), job)  # needs no more room
            response = Upload(under_test, MIB).answer()
            self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
            self.assertEqual(under_test.request("DELETE", f"{JOBS}/{busy}").status, 200)
            self.assertEqual(self.count(under_test, job), 2 * (3 * MIB // 2 // len(LINE)))

    def test_two_at_once(self):
        with server.Server(**self.options) as under_test:
            uploads = [Upload(under_test, 64 * 4 * len(LINE) * 1000) for _ in range(6)]
            for _ in range(64):
                for upload in uploads:
                    upload.send(LINE * 4000)
            for upload in uploads:
                self.assertEqual(self.count(under_test, upload.answer().json()["id"]), 2 * 64 * 4000)
            self.await_files(0)

    def test_a_full_disk_refuses_and_recovers(self):
        mounting = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=24m none "$0" && exec "$@"', str(self.folder))
        if subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no tmpfs may be mounted here")
        with server.Server(through=mounting, **self.options) as under_test:
            for body in (text_of(40 * MIB), iter([text_of(40 * MIB)])):
                try:
                    response = under_test.request("POST", COUNT, body, headers=TEXT | ASYNC)
                except (ConnectionError, http.client.HTTPException):
                    continue  # it was answered before all was sent
                self.assertEqual((response.status, response.slug()), (507, "state-full"), response)
            server.wait_until(lambda: under_test.log(status=507), "it is said why")
            job = self.submit(under_test, COUNT, text_of(2 * MIB), **TEXT)  # nothing is left of what had no room
            self.assertEqual(self.count(under_test, job), 2 * (2 * MIB // len(LINE)))

    def test_an_upload_that_is_slower_than_a_drain(self):
        for drain, status in (("20s", 202), ("300ms", 503)):
            with self.subTest(drain):
                first = server.Server(drain=drain, **self.options)
                upload = Upload(first, 3 * MIB)
                upload.send(b"is " * (MIB // 3) + b"\n")
                first.signal()
                server.wait_until(lambda: first.log(event="draining"), "it drains")
                if status == 202:
                    upload.send(b"\n" * (2 * MIB))
                    response = upload.answer()
                    self.assertEqual((response.status, response.json()["durable"]), (202, True), response)
                else:
                    response = upload.answer()
                    self.assertEqual((response.status, response.slug()), (503, "shutting-down"), response)
                first.wait()
                self.assertEqual(self.files(".part"), [])
                with server.Server(**self.options) as second:
                    if status == 202:
                        self.assertEqual(self.count(second, response.json()["id"]), MIB // 3)
                    self.assertEqual(len(second.get(JOBS).json()["jobs"]), 1)  # the first one's

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_others_are_served_while_the_disk_lets_one_wait(self):
        """The one core, and the one event loop, are everybody's meanwhile."""
        slow = ("strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=1000000")
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
        with server.Server(through=slow, env={"ASAN_OPTIONS": sanitizer}, **self.options | {"cores": 1}) as under_test:
            upload = Upload(under_test, 2 * MIB)
            upload.send(b"is " * (2 * MIB // 3) + b"is")
            for _ in range(5):
                answer = under_test.post(WORD, {"text": "is it " * 20_000, "word": "is"})  # on a lane
                self.assertEqual((answer.status, answer.json()["count"]), (200, 20_000))
            self.assertEqual(select.select([upload.socket], [], [], 0)[0], [])  # it still waits
            self.assertEqual(self.count(under_test, upload.answer().json()["id"]), 2 * MIB // 3 + 1)


if __name__ == "__main__":
    unittest.main()
