"""PUT with --data durable of bodies so long that they are written while they arrive: what is kept is what it would be
without that, and what is refused, left or cut short leaves nothing.

ctest: threads"""

import hashlib
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import arrays
import numpy as np
import server

NPY, JSON, TEXT = arrays.NPY, "application/json", "text/plain"
MIB = 1 << 20
NUMBERS = np.random.default_rng(5).random(400_000)  # 3.2 MB


def saved(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


class Arriving(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forkjoin_state_"))
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, **options):
        return server.Server(data="durable", state_dir=self.folder, **options)

    def put(self, under_test, name, body, media=NPY, **headers):
        return under_test.request("PUT", f"/v1/data/{name}", body, headers={"Content-Type": media} | headers)

    def files(self):
        """Names, but for records."""
        return sorted(path.name for path in (self.folder / "data").iterdir() if not path.name.startswith("name-"))

    def upload(self, under_test, body, length):
        client = under_test.socket()
        client.sendall(f"PUT /v1/data/a HTTP/1.1\r\nHost: a\r\nContent-Type: {NPY}\r\n"
                       f"Content-Length: {length}\r\n\r\n".encode())
        client.sendall(body)
        return client

    def test_what_is_kept_is_what_was_sent(self):
        """As it came, or converted; with heads that leave numbers aligned or not; after a restart as before it."""
        text = "caf\u00e9 is it\n".encode() * 200_000
        unaligned = saved(NUMBERS).replace(b"}      ", b"}", 1)  # a head that is six bytes shorter, and says so
        unaligned = unaligned[:8] + (int.from_bytes(unaligned[8:10], "little") - 6).to_bytes(2, "little") + unaligned[10:]
        bodies = {"plain": (saved(NUMBERS), NPY, NUMBERS), "second": (saved(NUMBERS, (2, 0)), NPY, NUMBERS),
                  "unaligned": (unaligned, NPY, NUMBERS), "narrow": (saved(NUMBERS.astype("f4")), NPY, NUMBERS.astype("f4")),
                  "rows": (saved(NUMBERS.reshape(1000, 400)), NPY, NUMBERS.reshape(1000, 400)),
                  "big-endian": (saved(NUMBERS.astype(">f8")), NPY, NUMBERS),
                  "fortran": (saved(np.asfortranarray(NUMBERS.reshape(1000, 400))), NPY, NUMBERS.reshape(1000, 400)),
                  "four": (saved(NUMBERS.reshape(10, 20, 4, 500)), NPY, NUMBERS),
                  "fortran-cube": (saved(np.asfortranarray(NUMBERS.reshape(100, 40, 100))), NPY, NUMBERS),
                  "integers": (saved(np.arange(400_000)), NPY, np.arange(400_000)),
                  "short": (saved(np.arange(400_000, dtype=">i4")), NPY, np.arange(400_000)),
                  "truth": (saved(np.arange(2_000_000) % 3 == 0), NPY, np.arange(2_000_000) % 3 == 0),
                  "text": (text, TEXT, text), "marked": (b"\xef\xbb\xbf" + text, TEXT, text)}

        def check(under_test):
            for name, (_, _, expected) in bodies.items():
                with self.subTest(name):
                    accept = TEXT if isinstance(expected, bytes) else NPY
                    found = under_test.get(f"/v1/data/{name}", headers={"Accept": accept}).body
                    kept = expected if isinstance(expected, bytes) else expected.tobytes()
                    self.assertEqual(found if accept == TEXT else arrays.loaded(found).tobytes(), kept)
                    meta = under_test.get(f"/v1/data/{name}?meta").json()
                    self.assertEqual(meta["sha256"], hashlib.sha256(kept).hexdigest())

        first = self.start()
        for name, (body, media, _) in bodies.items():
            response = self.put(first, name, body, media)
            self.assertEqual(response.status, 201, response)
        check(first)
        first.exits_with = -signal.SIGKILL
        first.process.kill()
        first.wait()
        first.stop()
        with self.start() as second:
            check(second)
            self.assertEqual(len(self.files()), len({body[2] if isinstance(body[2], bytes) else body[2].tobytes()
                                                     for body in bodies.values()}))

    def test_a_bad_body_never_gets_a_name(self):
        good = saved(NUMBERS)
        with self.start() as under_test:
            self.assertEqual(self.put(under_test, "a", good).status, 201)
            before = self.files()
            for body, media, slug in ((good[:-8], NPY, "invalid-npy"), (good + b"x", NPY, "invalid-npy"),
                                      (b"x" + good, NPY, "invalid-npy"), (b"\xff\xfei\x00s\x00" * MIB, TEXT, "invalid-utf8"),
                                      (b"[" * 2 * MIB, JSON, "too-deep")):
                for name in ("a", "b"):
                    response = self.put(under_test, name, body, media)
                    self.assertEqual((response.status, response.slug()), (400, slug), response)
            refused = self.put(under_test, "a", saved(NUMBERS + 1), **{"If-None-Match": "*"})
            self.assertEqual(refused.status, 412)
            server.wait_until(lambda: self.files() == before, "nothing is left of them")
            self.assertEqual(under_test.get("/v1/data/a", headers={"Accept": NPY}).body, good)
            self.assertEqual(under_test.get("/v1/data/b").status, 404)

    def test_who_leaves_or_is_killed_leaves_nothing(self):
        body = saved(NUMBERS)
        first = self.start()
        client = self.upload(first, body[:-MIB], len(body))
        server.wait_until(lambda: [name for name in self.files() if name.endswith(".part")], "it is being written")
        client.close()
        server.wait_until(lambda: self.files() == [], "it is removed")
        client = self.upload(first, body[:-MIB], len(body))
        server.wait_until(lambda: self.files(), "it is being written")
        first.exits_with = -signal.SIGKILL
        first.process.kill()
        first.wait()
        client.close()
        first.stop()
        with self.start() as second:
            self.assertEqual((self.files(), second.get("/v1/data/a").status), ([], 404))

    def test_several_at_once_under_one_name(self):
        bodies = [saved(NUMBERS + number) for number in range(4)]
        with self.start() as under_test:
            for _ in range(3):
                clients = [self.upload(under_test, body[:2 * MIB], len(body)) for body in bodies]
                for client, body in zip(clients, bodies):
                    client.sendall(body[2 * MIB:])
                for client in clients:
                    self.assertIn(server.read_response(client).status, (200, 201))
                    client.close()
                found = under_test.get("/v1/data/a", headers={"Accept": NPY}).body
                self.assertIn(found, bodies)
                server.wait_until(lambda: len(self.files()) == 1, "the others are gone")
        with self.start() as under_test:
            self.assertEqual(under_test.get("/v1/data/a", headers={"Accept": NPY}).body, found)

    def test_a_full_disk(self):
        mounting = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=8m none "$0" && exec "$@"', str(self.folder))
        if subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no tmpfs may be mounted here")
        with self.start(through=mounting) as under_test:
            statuses = [self.put(under_test, f"n/{number}", saved(NUMBERS + number)).status for number in range(4)]
            self.assertEqual(statuses, [201, 201, 507, 507])
            self.assertEqual(under_test.request("DELETE", "/v1/data/n/0").status, 204)
            self.assertEqual(self.put(under_test, "n/3", saved(NUMBERS + 3)).status, 201)
            found = under_test.get("/v1/data/n/3", headers={"Accept": NPY}).body
            self.assertEqual(found, saved(NUMBERS + 3))

    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "strace is not installed")
    def test_it_is_written_while_it_comes(self):
        """Nearly all of it before the last piece was sent; synced before it has a name, and that before the answer."""
        trace = self.folder / "trace"
        calls = "write,fsync,renameat,sendto,sendmsg,writev"
        command = ("strace", "-D", "-f", "-yy", "-o", str(trace), "-e", f"trace={calls}")
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't where another one traces
        body = saved(NUMBERS)

        def written(lines):
            """Calls during which another thread makes one stand in two lines."""
            total, begun = 0, set()
            for line in lines:
                pid = line.split(maxsplit=1)[0]
                done = re.search(r"write\(\d+<[^>]*\.part>.* = (\d+)$", line)
                if re.search(r"write\(\d+<[^>]*\.part>.*<unfinished \.\.\.>$", line):
                    begun.add(pid)
                elif not done and pid in begun and "write resumed>" in line:
                    begun.discard(pid)
                    done = re.search(r" = (\d+)$", line)
                total += int(done.group(1)) if done else 0
            return total

        with self.start(through=command, env={"ASAN_OPTIONS": sanitizer}) as under_test:
            client = self.upload(under_test, body[:-10], len(body))
            server.wait_until(lambda: written(trace.read_text().splitlines()) > 2 * MIB - 1000, "most is written")
            client.sendall(body[-10:])
            self.assertEqual(server.read_response(client).status, 201)
            client.close()
        server.wait_until(lambda: "+++ exited with 0" in trace.read_text(), "the trace is complete")
        lines = trace.read_text().splitlines()
        digest = hashlib.sha256(NUMBERS.tobytes()).hexdigest()
        named = next(at for at, line in enumerate(lines) if "renameat" in line and digest in line)
        answer = next(at for at, line in enumerate(lines) if "201 Created" in line)
        recorded = next(at for at, line in enumerate(lines) if "renameat" in line and '"name-' in line)
        self.assertTrue(any(re.search(r"fsync\(\d+<[^>]*\.part>", line) for line in lines[:named]))
        self.assertTrue(any(re.search(r"fsync\(\d+<[^>]*/data>", line) for line in lines[named:recorded]))
        self.assertTrue(any(re.search(r"fsync\(\d+<[^>]*/data>", line) for line in lines[recorded:answer]))


if __name__ == "__main__":
    unittest.main()
