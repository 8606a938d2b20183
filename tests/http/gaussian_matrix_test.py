"""POST /v1/gaussian/matrix against NumPy, over HTTP."""

import gzip
import json
import unittest

import numpy as np
import server
from arrays import NPY, kernel, listed, loaded, saved

PATH = "/v1/gaussian/matrix"
TOLERANCE = {np.dtype("f8"): 1e-12, np.dtype("f4"): 2e-6}
SHAPES = [(1, 1, 1), (2, 3, 1), (17, 64, 2), (129, 7, 3), (64, 65, 5), (40, 33, 64), (3, 100, 257), (256, 129, 16)]


class GaussianMatrix(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 8}

    def post(self, arrays, query="", accept=NPY, **headers):
        headers = {"Content-Type": NPY, "Accept": accept} | headers
        body = arrays if isinstance(arrays, bytes) else saved(*arrays)
        return self.server.post(PATH + (query and "?" + query), body, headers=headers)

    def ask(self, *arrays, query=""):
        response = self.post(arrays, query)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), response)
        return loaded(response.body)

    def ask_json(self, **fields):
        response = self.server.post(PATH, listed(**fields))
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        return response.json()

    def assert_matrix(self, k, x, y, gamma):
        self.assertEqual((k.shape, k.dtype), ((len(x), len(y)), x.dtype))
        wrong = np.abs(k - kernel(x, y, gamma)).max(initial=0)
        self.assertLessEqual(wrong, TOLERANCE[x.dtype], (x.shape, y.shape))

    def test_random_points_of_both_types_have_numpys_values(self):
        chance = np.random.default_rng(1)
        for n, m, d in SHAPES:
            for dtype in ("f8", "f4"):
                x, y = (chance.normal(size=(count, d)).astype(dtype) for count in (n, m))
                with self.subTest(n=n, m=m, d=d, dtype=dtype):
                    self.assert_matrix(self.ask(x, y), x, y, 1 / d)
                    self.assert_matrix(self.ask(x, y, query="gamma=0.03"), x, y, 0.03)
                    self.assert_matrix(self.ask(x, query="sigma=2"), x, x, 0.125)

    def test_json_has_the_bits_of_npy(self):
        chance = np.random.default_rng(2)
        for n, m, d in SHAPES:
            x, y = chance.normal(size=(n, d)), chance.normal(size=(m, d))
            with self.subTest(n=n, m=m, d=d):
                result = self.ask_json(x=x, y=y, threads=2)
                self.assertEqual(list(result), ["k", "gamma", "threads", "timing"])
                self.assertEqual(result["gamma"], 1 / d)
                np.testing.assert_array_equal(np.array(result["k"]), self.ask(x, y))
                answer = self.server.post(PATH, listed(x=x, y=y), headers={"Accept": NPY})
                np.testing.assert_array_equal(loaded(answer.body), self.ask(x, y))
                printed = self.post([x.astype("f4"), y.astype("f4")], accept="application/json").json()["k"]
                np.testing.assert_array_equal(np.array(printed), self.ask(x.astype("f4"), y.astype("f4")))

    def test_points_against_themselves_are_symmetric_to_the_bit(self):
        chance = np.random.default_rng(3)
        for n, d in ((1, 1), (2, 2), (65, 3), (300, 40), (131, 300)):
            for dtype in ("f8", "f4"):
                x = chance.normal(size=(n, d)).astype(dtype)
                k = self.ask(x, query="threads=2")
                self.assert_matrix(k, x, x, 1 / d)
                np.testing.assert_array_equal(k, k.T)
                np.testing.assert_array_equal(np.diag(k), np.ones(n, dtype))

    def test_the_bytes_do_not_depend_on_the_team(self):
        chance = np.random.default_rng(4)
        for d, dtype in ((3, "f8"), (100, "f8"), (3, "f4"), (100, "f4")):
            x, y = (chance.normal(size=(count, d)).astype(dtype) for count in (401, 530))
            for arrays in ([x, y], [x]):
                answers = {self.post(arrays, f"threads={threads}&schedule={schedule}&chunk={chunk}").body
                           for threads in (1, 2, 5) for schedule in ("static", "dynamic", "guided") for chunk in (0, 3)}
                self.assertEqual(len(answers), 1)
        x = chance.normal(size=(300, 7))
        texts = set()
        for threads in (1, 2, 3, 8):
            answer = self.server.post(PATH, listed(x=x, threads=threads)).body
            texts.add(answer[answer.index(b"["):answer.index(b"]]") + 2])
        self.assertEqual(len(texts), 1)

    def test_answers_of_every_shape_are_whole(self):
        for n, m in ((0, 0), (0, 5), (5, 0), (1, 4096), (4097, 1), (64, 64), (1, 20000), (20000, 1), (3, 5000)):
            with self.subTest(n=n, m=m):
                x, y = np.zeros((n, 2)), np.ones((m, 2))
                response = self.post([x, y], "precision=3", accept="application/json")
                self.assertEqual(int(response.headers["Content-Length"]), len(response.body))
                self.assertEqual(response.json()["k"], [[0.368] * m] * n)
                self.assertEqual(self.ask(x, y).shape, (n, m))

    def test_what_is_read_are_the_doubles_that_python_reads(self):
        """A neighbour of x is far from it where gamma is large: only the very same bits give 1."""
        chance = np.random.default_rng(5)
        for d in (1, 3):
            x = 1 + chance.random(size=(30000, d))
            result = self.ask_json(x=x[:, :], y=x[:1], gamma=1e308, threads=2)
            self.assertEqual(result["k"], [[1]] + [[0]] * (len(x) - 1))
            k = self.ask_json(x=x[:1], y=x, gamma=1e308, threads=3)["k"]
            self.assertEqual(k, [[1] + [0] * (len(x) - 1)])

    def test_nan_and_infinity_pass_as_npy_alone(self):
        x = np.array([[0.0, 1], [np.nan, 0], [np.inf, 2], [3, 4]])
        for dtype in ("f8", "f4"):
            points = x.astype(dtype)
            k = self.ask(points, points[:1])
            np.testing.assert_array_equal(np.isnan(k[:, 0]), [False, True, False, False])
            self.assertEqual((k[0, 0], k[2, 0]), (1, 0))
            response = self.post([points, points[:1]], accept="application/json")
            self.assert_problem(response, 422, "non-finite-result", "/k/1/0")

    def test_compressed_bodies_are_unfolded(self):
        x = np.random.default_rng(6).normal(size=(500, 3))
        expected = self.ask(x)
        packed = self.post(gzip.compress(saved(x)), **{"Content-Encoding": "gzip"})
        np.testing.assert_array_equal(loaded(packed.body), expected)
        body = gzip.compress(json.dumps(listed(x=x)).encode())
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept": NPY}
        np.testing.assert_array_equal(loaded(self.server.post(PATH, body, headers=headers).body), expected)

    def test_wrong_documents_are_refused(self):
        good = [[1, 2], [3, 4]]
        for fields, slug, pointer in (
            ({}, "missing-field", "/x"),
            ({"x": 1}, "wrong-type", "/x"),
            ({"x": [1, 2]}, "wrong-type", "/x"),
            ({"x": [[[1]]]}, "wrong-type", "/x/0/0"),
            ({"x": [[1], "1"]}, "wrong-type", "/x/1"),
            ({"x": [[1, 2], [3, None]]}, "wrong-type", "/x/1/1"),
            ({"x": [[1, 2]] * 5000 + [[3]]}, "length-mismatch", "/x/5000"),
            ({"x": [[1, 2]] * 5000 + [[3], [4, 5, 6]]}, "length-mismatch", "/x/5000"),
            ({"x": good, "y": [[1, 2, 3]]}, "length-mismatch", "/y"),
            ({"x": [[], []]}, "out-of-range", "/x/0"),
            ({"x": good, "gamma": -1}, "out-of-range", "/gamma"),
            ({"x": good, "sigma": 0}, "out-of-range", "/sigma"),
            ({"x": good, "sigma": 1, "gamma": 1}, "conflicting-fields", "/sigma"),
            ({"x": good, "weights": [1, 2]}, "unknown-field", "/weights"),
            ({"x": good, "threads": 0}, "out-of-range", "/threads"),
        ):
            with self.subTest(pointer=pointer, slug=slug):
                self.assert_problem(self.server.post(PATH, fields), 422, slug, pointer)
        self.assertIn("x.reshape(-1, 1)", self.server.post(PATH, {"x": [1, 2]}).json()["detail"])

    def test_a_mistake_deep_in_the_rows_is_told_with_its_offset_for_every_team(self):
        start = '{"y": [[0,0]], "x": [' + "[0.25,7]," * 40000
        for wrong, offset, slug in (("[01,2]", 3, "invalid-json"), ("[1,]", 4, "invalid-json"), ("", 1, "invalid-json"),
                                    ("[1,2][3,4]", 6, "invalid-json"), ("[1,1e999]", 4, "number-overflow")):
            for threads in (1, 2, 8):
                body = start + wrong + ",[0.5,1]" * 20000 + ',[,1]], "threads": %d}' % threads
                response = self.server.post(PATH, body, headers={"Content-Type": "application/json"})
                with self.subTest(wrong, threads=threads):
                    self.assert_problem(response, 400, slug)
                    self.assertTrue(response.json()["detail"].startswith(f"at byte {len(start) + offset}: "), response)

    def test_wrong_arrays_are_refused(self):
        x = np.zeros((4, 3))
        for arrays, status, slug, pointer in (
            ([], 400, "empty-body", ""),
            ([x[0]], 422, "wrong-type", "/x"),
            ([np.float64(1)], 422, "wrong-type", "/x"),
            ([np.zeros((2, 2, 2))], 422, "wrong-type", "/x"),
            ([x.astype("c8")], 422, "wrong-type", "/x"),
            ([np.zeros((4, 0))], 422, "out-of-range", "/x"),
            ([x, x[0]], 422, "wrong-type", "/y"),
            ([x, x.astype("c16")], 422, "wrong-type", "/y"),
            ([x, np.zeros((4, 2))], 422, "length-mismatch", "/y"),
            ([x, x, x], 400, "invalid-npy", ""),
        ):
            with self.subTest([array.shape for array in arrays], slug=slug):
                self.assert_problem(self.post(arrays), status, slug, pointer)
        self.assert_problem(self.post(saved(x)[:-1]), 400, "invalid-npy", "/x")
        self.assert_problem(self.post(saved(x) + saved(x)[:-1]), 400, "invalid-npy", "/y")
        self.assert_problem(self.post([x], "x=1"), 422, "unknown-field", "/x")
        self.assert_problem(self.post([x.astype("f4")], "gamma=1e39"), 422, "out-of-range", "/gamma")

    def test_the_memory_is_that_of_points_and_matrix(self):
        """16 MB of matrix fit into 20 MiB; with its text they don't, and the figure is told before it is tried."""
        x, y = np.zeros((1000, 2)), np.zeros((2000, 2))
        with server.Server(memory="20MiB", max_body="2MiB") as small:
            headers = {"Content-Type": NPY, "Accept": NPY}
            response = small.post(PATH, saved(x, y), headers=headers)
            self.assertEqual(response.status, 200, response)
            np.testing.assert_array_equal(loaded(response.body), np.ones((1000, 2000)))
            response = small.post(PATH, listed(x=x, y=y), headers={"Accept": NPY})
            np.testing.assert_array_equal(loaded(response.body), np.ones((1000, 2000)))
            response = small.post(PATH, saved(x, y), headers={"Content-Type": NPY})
            self.assert_problem(response, 413, "memory-limit", "")
            self.assertIn("1000 x 2000 numbers takes 66002000 bytes", response.json()["detail"])
            response = small.post(PATH, saved(np.zeros((20000, 1), "f4")), headers=headers)
            self.assert_problem(response, 413, "memory-limit", "")
            self.assertRegex(response.json()["detail"], "16000[0-9]{5} bytes.*20971520.*/v1/gaussian/sum")
            server.wait_until(lambda: server.health(small)["memory"]["used_bytes"] == 0, "all of it is given back")

    def test_a_deadline_ends_it(self):
        x = np.random.default_rng(7).normal(size=(6000, 1000)).astype("f4")
        self.assert_problem(self.post([x], "timeout_ms=1&threads=2"), 504, "deadline-exceeded")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the kernel stops")


if __name__ == "__main__":
    unittest.main()
