"""POST /v1/gaussian/sum against NumPy, over HTTP."""

import gzip
import json
import unittest

import numpy as np
import server
from arrays import NPY, kernel, listed, loaded, saved

PATH = "/v1/gaussian/sum"
# Of the largest sum that the weights allow.
TOLERANCE = {np.dtype("f8"): 1e-13, np.dtype("f4"): 5e-6}
SHAPES = [(1, 1, 1), (2, 3, 1), (17, 64, 2), (129, 7, 3), (64, 700, 5), (40, 33, 64), (3, 100, 257), (5, 40000, 3)]


class GaussianSum(server.ServerTest):
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

    def assert_sums(self, s, x, y, weights, gamma):
        self.assertEqual((s.shape, s.dtype), ((len(x),), x.dtype))
        weights = weights.astype(float)
        wrong = np.abs(s - kernel(x, y, gamma) @ weights).max(initial=0)
        self.assertLessEqual(wrong, TOLERANCE[x.dtype] * np.abs(weights).sum(), (x.shape, y.shape))

    def test_random_points_of_both_types_have_numpys_values(self):
        chance = np.random.default_rng(1)
        for n, m, d in SHAPES:
            for dtype in ("f8", "f4"):
                x, y = (chance.normal(size=(count, d)).astype(dtype) for count in (n, m))
                weights, own_weights = (chance.normal(size=count).astype(dtype) for count in (m, n))
                with self.subTest(n=n, m=m, d=d, dtype=dtype):
                    self.assert_sums(self.ask(x), x, x, np.ones(n), 1 / d)
                    self.assert_sums(self.ask(x, y, query="gamma=0.03"), x, y, np.ones(m), 0.03)
                    self.assert_sums(self.ask(x, own_weights, query="sigma=2"), x, x, own_weights, 0.125)
                    self.assert_sums(self.ask(x, y, weights, query="threads=2"), x, y, weights, 1 / d)

    def test_json_has_the_bits_of_npy(self):
        chance = np.random.default_rng(2)
        for n, m, d in SHAPES:
            x, y, weights = chance.normal(size=(n, d)), chance.normal(size=(m, d)), chance.normal(size=m)
            with self.subTest(n=n, m=m, d=d):
                result = self.ask_json(x=x, y=y, weights=weights, threads=2)
                self.assertEqual(list(result), ["s", "gamma", "threads", "timing"])
                self.assertEqual(result["gamma"], 1 / d)
                self.assertEqual(result["s"], self.ask(x, y, weights).tolist())
                answer = self.server.post(PATH, listed(weights=weights, y=y, x=x), headers={"Accept": NPY})
                self.assertEqual(loaded(answer.body).tolist(), result["s"])
                narrow = [array.astype("f4") for array in (x, y, weights)]
                printed = self.post(narrow, accept="application/json").json()["s"]
                self.assertEqual(printed, self.ask(*narrow).astype(float).tolist())

    def test_the_bytes_do_not_depend_on_the_team(self):
        chance = np.random.default_rng(3)
        for d, dtype in ((3, "f8"), (50, "f8"), (3, "f4"), (50, "f4")):
            x, y = (chance.normal(size=(count, d)).astype(dtype) for count in (37, 17000))
            arrays = [x, y, chance.normal(size=17000).astype(dtype)]
            answers = {self.post(arrays, f"threads={threads}&schedule={schedule}&chunk={chunk}").body
                       for threads in (1, 2, 5) for schedule in ("static", "dynamic", "guided") for chunk in (0, 7)}
            self.assertEqual(len(answers), 1)

    def test_no_points_give_no_sums_or_zeros(self):
        for dtype in ("f8", "f4"):
            none, some = np.zeros((0, 3), dtype), np.ones((4, 3), dtype)
            self.assertEqual(self.ask(none).tolist(), [])
            self.assertEqual(self.ask(none, some).tolist(), [])
            self.assertEqual(self.ask(some, none).tolist(), [0] * 4)
            self.assertEqual(self.ask(some, none, none[:, 0]).tolist(), [0] * 4)
        self.assertEqual(self.ask_json(x=[])["s"], [])
        self.assertEqual(self.ask_json(x=[[1, 2]], y=[])["s"], [0])

    def test_nan_and_infinity_pass_as_npy_alone(self):
        x = np.array([[0.0, 1], [np.nan, 0], [np.inf, 2], [3, 4]])
        weights = np.array([1, np.inf])
        for dtype in ("f8", "f4"):
            points = x.astype(dtype)
            s = self.ask(points, points[:1])
            np.testing.assert_array_equal(s[:3], [1, np.nan, 0])
            response = self.post([points, points[:1]], accept="application/json")
            self.assert_problem(response, 422, "non-finite-result", "/s/1")
            response = self.post([points, points[[0, 0]], weights.astype(dtype)], accept="application/json")
            self.assert_problem(response, 422, "non-finite-result", "/s/0")
            self.assertIn("sum 0 is", response.json()["detail"])

    def test_compressed_bodies_are_unfolded(self):
        x = np.random.default_rng(4).normal(size=(500, 3))
        expected = self.ask(x).tolist()
        packed = self.post(gzip.compress(saved(x)), **{"Content-Encoding": "gzip"})
        self.assertEqual(loaded(packed.body).tolist(), expected)
        body = gzip.compress(json.dumps(listed(x=x)).encode())
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        self.assertEqual(self.server.post(PATH, body, headers=headers).json()["s"], expected)

    def test_wrong_documents_are_refused(self):
        good = [[1, 2], [3, 4]]
        for fields, slug, pointer in (
            ({"x": [1, 2]}, "wrong-type", "/x"),
            ({"x": good, "y": [[1, 2], [3]]}, "length-mismatch", "/y/1"),
            ({"x": good, "weights": [1]}, "length-mismatch", "/weights"),
            ({"x": good, "y": [[1, 2]], "weights": [1, 2]}, "length-mismatch", "/weights"),
            ({"x": good, "weights": 1}, "wrong-type", "/weights"),
            ({"x": good, "weights": [1, None]}, "wrong-type", "/weights/1"),
            ({"x": good, "weights": [[1], [2]]}, "wrong-type", "/weights/0"),
            ({"x": good, "z": 1}, "unknown-field", "/z"),
        ):
            with self.subTest(pointer=pointer, slug=slug):
                self.assert_problem(self.server.post(PATH, fields), 422, slug, pointer)

    def test_wrong_arrays_are_refused(self):
        x, weights = np.zeros((4, 3)), np.zeros(4)
        for arrays, status, slug, pointer in (
            ([weights], 422, "wrong-type", "/x"),
            ([x, weights[:3]], 422, "length-mismatch", "/weights"),
            ([x, weights.astype("c8")], 422, "wrong-type", "/y"),
            ([x, x[:3], weights], 422, "length-mismatch", "/weights"),
            ([x, x, x], 422, "wrong-type", "/weights"),
            ([x, np.float64(1)], 422, "wrong-type", "/y"),
            ([x, weights, x], 400, "invalid-npy", ""),
            ([x, x, weights, weights], 400, "invalid-npy", ""),
        ):
            with self.subTest([array.shape for array in arrays], slug=slug):
                self.assert_problem(self.post(arrays), status, slug, pointer)

    def test_points_whose_matrix_would_not_fit_are_summed(self):
        x = np.zeros((4000, 1), "f4")
        with server.Server(memory="20MiB", max_body="2MiB") as small:
            headers = {"Content-Type": NPY, "Accept": NPY}
            response = small.post(PATH + "?threads=2", saved(x), headers=headers)
            self.assertEqual(response.status, 200, response)
            self.assertEqual(set(loaded(response.body).tolist()), {4000})
            self.assertEqual(server.health(small)["memory"]["used_bytes"], 0)

    def test_a_deadline_ends_it(self):
        x = np.random.default_rng(5).normal(size=(60000, 8))
        self.assert_problem(self.post([x], "timeout_ms=20&threads=2"), 504, "deadline-exceeded")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the kernel stops")


if __name__ == "__main__":
    unittest.main()
