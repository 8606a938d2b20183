"""--data durable: what was answered 201 is there after kill -9, the same bytes under the same ETag, or it is reported and
never served; a disk that is full, and two processes on one folder."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import arrays
import numpy as np
import server

NPY = arrays.NPY
JSON = "application/json"


class Durable(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forkjoin_state_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, **options):
        return server.Server(data="durable", state_dir=self.folder, **options)

    def put(self, under_test, name, body, media=JSON, **more):
        return under_test.request("PUT", f"/v1/data/{name}", body, headers={"Content-Type": media}, **more)

    def assert_no_start(self, folder):
        """It says why in one line, and ends."""
        command = [server.binary(), *server.flags_of({"port": 0, "data": "durable", "state_dir": folder})]
        done = subprocess.run(command, capture_output=True, text=True, timeout=server.PATIENCE_S, check=False,
                              env=server.environment())
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.splitlines()[0], "start-failed.*state-dir")

    def kill(self, under_test):
        under_test.exits_with = -signal.SIGKILL
        under_test.process.kill()
        under_test.wait()
        under_test.stop()

    def test_all_kinds_are_there_after_kill_9(self):
        rows = np.random.default_rng(3).random((100, 7))
        bodies = {"numbers": (b"[1,2,3]", JSON), "a/rows": (arrays.saved(rows), NPY), "text": ("caf\u00e9".encode(), "text/plain"),
                  "none": (b"[]", JSON), "narrow": (arrays.saved(rows.astype("f4")), NPY),
                  "whole": (arrays.saved(np.arange(-200_000, 200_000)), NPY), "truth": (arrays.saved(rows > 0.5), NPY),
                  "three": (arrays.saved(rows.reshape(10, 10, 7)), NPY),
                  "four": (arrays.saved(np.arange(400_000).reshape(10, 1, 200, 200)), NPY),
                  "void": (arrays.saved(np.zeros((3, 0, 2))), NPY)}
        first = self.start()
        self.assertEqual(first.start_line["state_dir"], str(self.folder))
        for name, (body, media) in bodies.items():
            self.assertEqual(self.put(first, name, body, media).status, 201)
        response = first.request("POST", "/v1/gaussian/matrix?x=data:a/rows&store=k")
        self.assertEqual(response.status, 201)
        self.assertEqual(first.request("POST", "/v1/map?expr=x%2B1&x=data:four&store=z").status, 201)
        metas = {name: first.get(f"/v1/data/{name}?meta").json() for name in (*bodies, "k", "z")}
        matrix = first.get("/v1/data/k", headers={"Accept": NPY}).body
        self.kill(first)
        with self.start() as second:
            for name, meta in metas.items():
                self.assertEqual(second.get(f"/v1/data/{name}?meta").json(), meta)
            self.assertEqual(second.get("/v1/data/k", headers={"Accept": NPY}).body, matrix)
            found = arrays.loaded(second.get("/v1/data/a/rows", headers={"Accept": NPY}).body)
            self.assertEqual(found.tobytes(), rows.tobytes())
            for name in ("whole", "truth", "three", "four", "void"):
                self.assertEqual(second.get(f"/v1/data/{name}", headers={"Accept": NPY}).body, bodies[name][0])
            found = arrays.loaded(second.get("/v1/data/z?rows=2:4", headers={"Accept": NPY}).body)
            np.testing.assert_array_equal(found, np.arange(400_000).reshape(10, 1, 200, 200)[2:4] + 1)
            again = second.request("POST", "/v1/gaussian/matrix?x=data:a/rows", headers={"Accept": NPY}).body
            self.assertEqual(again, matrix)
            tag = metas["numbers"]["etag"]
            self.assertEqual(second.get("/v1/data/numbers", headers={"If-None-Match": tag}).status, 304)
            self.assertEqual(second.get("/healthz").json()["data"]["kept"], "durable")

    def test_what_was_kept_before_there_were_three_dimensions_is_there(self):
        """Files as programs wrote them that knew two: content by its digest, and a record with its digest behind."""
        kept = {"old/flat": ("numbers", 1, 1, np.arange(5, dtype="f4")), "old/one": ("numbers", 0, 0, np.float64(2.5)),
                "old/rows": ("rows", 6, 2, np.arange(6).reshape(2, 3)), "old/none": ("rows", 0, 2, np.zeros((0, 3)))}
        folder = self.folder / "data"
        folder.mkdir(mode=0o700)
        for number, (name, (kind, dtype, dimensions, array)) in enumerate(kept.items()):
            rows, columns = (*array.shape, 1, 1)[:2]
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            record = (f'{{"format":1,"name":"{name}","kind":"{kind}","dtype":{dtype},"sent_dtype":4,"dimensions":{dimensions},'
                      f'"rows":"{rows}","columns":"{columns}","length":"{array.nbytes}","sha256":"{digest}",'
                      f'"tag":"\\"01a227c2e43c000{number}-863cf7a7d738\\"","sequence":"11770025827133030{number}",'
                      '"created_ms":1795963414651,"expires_ms":0}').encode()
            (folder / digest).write_bytes(array.tobytes())
            (folder / f"name-{hashlib.sha256(name.encode()).hexdigest()}").write_bytes(record + hashlib.sha256(record).digest())
        with self.start() as under_test:
            for name, (kind, _, _, array) in kept.items():
                meta = under_test.get(f"/v1/data/{name}?meta").json()
                self.assertEqual((meta["kind"], meta["shape"], meta["sent_dtype"]), (kind, list(array.shape), "int16"))
                self.assertEqual(under_test.get(f"/v1/data/{name}", headers={"Accept": NPY}).body, arrays.saved(array))

    def test_killed_under_load_nothing_told_is_lost(self):
        rng = random.Random(11)
        acknowledged = {}  # name -> values that may be there: the last told, and those on their way
        lock = threading.Lock()

        def write(under_test, seed):
            own = random.Random(seed)
            connection = under_test.connect()
            try:
                while True:
                    name, value = f"n/{seed}/{own.randrange(4)}", own.random()
                    with lock:
                        acknowledged.setdefault(name, [None]).append(value)
                    if own.random() < 0.2:
                        response = under_test.request("DELETE", f"/v1/data/{name}", connection=connection)
                        value = None
                    else:
                        response = self.put(under_test, name, json.dumps([value]), connection=connection)
                    if response.status in (200, 201, 204, 404):
                        with lock:
                            acknowledged[name] = [value]
            except OSError:
                pass
            except Exception as error:  # what http.client makes of a connection that ends
                if "http" not in type(error).__module__:
                    raise
            finally:
                connection.close()

        for _ in range(8):
            under_test = self.start()
            threads = [threading.Thread(target=write, args=(under_test, seed)) for seed in range(3)]
            for thread in threads:
                thread.start()
            threading.Event().wait(rng.random() * 0.3)
            self.kill(under_test)
            for thread in threads:
                thread.join()
            with self.start() as again:
                for name, values in acknowledged.items():
                    response = again.get(f"/v1/data/{name}")
                    value = response.json()[0] if response.status == 200 else None
                    may_be = [*values, None] if len(values) > 1 else values
                    self.assertIn(value, may_be, (name, response))
                    acknowledged[name] = [value]
                self.assertEqual([line for line in again.lines if '"bad-file"' in line], [])

    def test_what_was_deleted_stays_so(self):
        first = self.start()
        for name in ("a", "b", "c/1", "c/2"):
            self.put(first, name, "[1]")
        self.assertEqual(first.request("DELETE", "/v1/data/a").status, 204)
        self.assertEqual(first.request("DELETE", "/v1/data?prefix=c/&all=true").json()["deleted"], 2)
        self.kill(first)
        with self.start() as second:
            self.assertEqual([entry["name"] for entry in second.get("/v1/data").json()["data"]], ["b"])
            second.request("DELETE", "/v1/data/b")
        self.assertEqual(list((self.folder / "data").iterdir()), [])

    def test_a_changed_byte_is_reported_and_never_served(self):
        with self.start() as first:
            self.put(first, "good", "[1]")
            self.put(first, "bad", arrays.saved(np.arange(1000.0)), NPY)
        (content,) = (file for file in (self.folder / "data").iterdir() if file.stat().st_size == 8000)
        changed = bytearray(content.read_bytes())
        changed[4000] ^= 1
        content.write_bytes(changed)
        with self.start() as second:
            self.assertEqual(second.get("/v1/data/bad").status, 404)
            self.assertEqual(second.get("/v1/data/good").json(), [1])
            server.wait_until(lambda: second.log(event="bad-file"), "it is reported")
            self.assertEqual(self.put(second, "bad", "[2]").status, 201)
        with self.start() as third:
            self.assertEqual(third.get("/v1/data/bad").json(), [2])

    def test_content_stays_while_its_record_is_set_aside(self):
        body = arrays.saved(np.arange(1000.0))
        with self.start() as first:
            self.put(first, "kept", body, NPY)
        (record,) = (self.folder / "data").glob("name-*")
        aside = record.rename(f"{record}.bad")
        for _ in range(2):
            with self.start() as other:
                self.assertEqual(other.get("/v1/data/kept").status, 404)
        aside.rename(record)
        with self.start() as again:
            self.assertEqual(again.get("/v1/data/kept", headers={"Accept": NPY}).body, body)

    def test_expiry_outlives_the_process(self):
        with self.start() as first:
            self.put(first, "a?expires_s=1", "[1]")
            self.put(first, "b?expires_s=1000", "[1]")
        threading.Event().wait(1.1)
        with self.start() as second:
            self.assertEqual(second.get("/v1/data/a").status, 404)
            self.assertIsNotNone(second.get("/v1/data/b?meta").json()["expires"])

    def test_a_clock_that_is_set_back_keeps_nothing_longer_than_was_asked(self):
        """The records as a clock would have written them that was an hour ahead."""
        with self.start() as first:
            self.put(first, "a?expires_s=1", "[1]")
            self.put(first, "b?expires_s=1000", "[2]")
        for path in (self.folder / "data").glob("name-*"):
            record = json.loads(path.read_bytes()[:-32])
            record |= {name: record[name] + 3_600_000 for name in ("created_ms", "expires_ms")}
            text = json.dumps(record).encode()
            path.write_bytes(text + hashlib.sha256(text).digest())
        with self.start() as second:
            self.assertEqual(second.get("/v1/data/b").json(), [2])
            server.wait_until(lambda: second.get("/v1/data/a").status == 404, "it expires")
            self.assertEqual(second.get("/v1/data/b").json(), [2])

    def test_one_process_at_a_time_has_the_folder(self):
        with self.start():
            self.assert_no_start(self.folder)

    def test_a_folder_that_cannot_be_used_is_an_error_at_start(self):
        (self.folder / "file").write_text("")
        self.assert_no_start(self.folder / "file")

    def test_a_disk_that_is_full_says_so_and_recovers(self):
        mounting = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=3m none "$0" && exec "$@"', str(self.folder))
        if subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no tmpfs may be mounted here")
        bodies = [arrays.saved(np.random.default_rng(seed).random(60_000)) for seed in range(8)]
        with self.start(through=mounting) as under_test:
            statuses = [self.put(under_test, f"n/{number}", body, NPY).status for number, body in enumerate(bodies)]
            self.assertEqual(statuses, sorted(statuses))
            kept = statuses.count(201)
            self.assertEqual(set(statuses), {201, 507})
            response = self.put(under_test, "n/0", bodies[7], NPY)  # in its place: both have to be there for a moment
            self.assertEqual((response.status, response.slug()), (507, "disk-failed"), response)
            for number in range(kept):
                found = under_test.get(f"/v1/data/n/{number}", headers={"Accept": NPY}).body
                self.assertEqual(found, bodies[number])
            self.assertEqual(server.health(under_test)["data"]["names"], kept)
            self.assertEqual(under_test.request("DELETE", "/v1/data/n/1").status, 204)
            self.assertEqual(self.put(under_test, "n/0", bodies[7], NPY).status, 200)

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_the_answer_comes_after_the_syncs(self):
        trace = self.folder / "trace"
        command = ("strace", "-D", "-f", "-o", str(trace), "-e", "trace=fsync,renameat,rename,sendto,sendmsg,write,writev")
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
        with server.Server(data="durable", state_dir=self.folder / "state", through=command,
                           env={"ASAN_OPTIONS": sanitizer}) as under_test:
            self.assertEqual(self.put(under_test, "a", "[1]").status, 201)
        server.wait_until(lambda: "+++ exited with 0" in trace.read_text(), "the trace is complete")
        lines = trace.read_text().splitlines()
        answer = next(at for at, line in enumerate(lines) if "201 Created" in line)
        before = [line.split("(")[0].split()[-1] for line in lines[:answer] if "fsync(" in line or "rename" in line]
        self.assertGreaterEqual(before.count("fsync"), 4)  # content, folder, record, folder
        self.assertEqual(before[-1], "fsync")
        threads = {line.split()[0] for line in lines[:answer] if "fsync(" in line}
        self.assertNotIn(lines[answer].split()[0], threads)  # the event loop has waited for none of them


if __name__ == "__main__":
    unittest.main()
