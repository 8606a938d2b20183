"""POST /v1/pairwise against NumPy, over HTTP."""

import io
import unittest

import numpy as np

import server
from arrays import NPY, listed, loaded, saved
from job_case import ASYNC
from pairwise_case import PATH, PairwiseTest, by_numpy, kernel, measures

TOLERANCE = {"f8": 2e-13, "f4": 2e-5}
SHAPES = [(1, 1, 1), (2, 3, 1), (17, 64, 2), (129, 7, 3), (64, 700, 5), (40, 33, 64), (3, 100, 257)]
# As here and in NumPy; g and h are numbers.
TEXTS = ["d2", "d", "dot", "l1", "linf", "cos", "exp(-g*d)", "d + 2*l1 - linf/3", "where(d2 < g, dot, cos)",
         "1/(1 + d/h)", "xs*ys*d2", "tanh(g*dot + h) * ys", "d2*0 + xs"]


def numbers_of(text):
    return {name: value for name, value in (("g", 0.75), ("h", 2.5)) if f"{name}" in text.replace("tanh", "").replace(
        "where", "")}


class Pairwise(PairwiseTest):
    def points(self, n, m, d, dtype="f8", seed=1):
        chance = np.random.default_rng(seed)
        return [chance.normal(size=shape).astype(dtype) for shape in ((n, d), (m, d), (n,), (m,))]

    def keep(self, **arrays):
        for name, array in arrays.items():
            response = self.server.request("PUT", f"/v1/data/p/{name}", saved(array), headers={"Content-Type": NPY})
            self.assertIn(response.status, (200, 201))

    def test_expressions_of_every_measure_are_numpys(self):
        for n, m, d in SHAPES:
            for dtype in ("f8", "f4"):
                x, y, xs, ys = self.points(n, m, d, dtype)
                self.keep(xs=xs, ys=ys)
                for text in TEXTS:
                    numbers = numbers_of(text)
                    scalars = {name: array for name, array in (("xs", xs), ("ys", ys)) if name in text}
                    query = numbers | {name: f"data:p/{name}" for name in scalars}
                    with self.subTest(text, n=n, m=m, d=d, dtype=dtype):
                        found = self.ask(x, y, expr=text, **query)
                        self.assertEqual(found.dtype, dtype)
                        self.assert_near(found, by_numpy(text, x, y, **numbers, **scalars), TOLERANCE[dtype])

    def test_reductions_are_numpys(self):
        for n, m, d in SHAPES:
            for dtype in ("f8", "f4"):
                x, y, _, weights = self.points(n, m, d, dtype)
                rows = np.random.default_rng(5).normal(size=(m, 3)).astype(dtype)
                z = by_numpy("d + l1", x, y)
                greatest = z.max(axis=1, keepdims=True)
                with self.subTest(n=n, m=m, d=d, dtype=dtype):
                    for reduce, expected in (
                        ("sum", z.sum(axis=1)), ("mean", z.mean(axis=1)), ("min", z.min(axis=1)),
                        ("max", z.max(axis=1)), ("argmin", z.argmin(axis=1)), ("argmax", z.argmax(axis=1)),
                        ("logsumexp", greatest[:, 0] + np.log(np.exp(z - greatest).sum(axis=1)))):
                        found = self.ask(x, y, expr="d + l1", reduce=reduce)
                        self.assertEqual(found.dtype, np.int64 if reduce.startswith("arg") else dtype, reduce)
                        self.assert_near(found, expected, 0 if reduce.startswith("arg") else TOLERANCE[dtype])
                    scale = np.abs(z) @ np.abs(rows.astype(float))
                    for given, expected in ((weights, z @ weights.astype(float)), (rows, z @ rows.astype(float))):
                        found = self.ask(x, y, given, expr="d + l1", reduce="sum")
                        self.assertEqual((found.dtype, found.shape), (dtype, expected.shape))
                        self.assertLessEqual(np.abs(found - expected).max(), TOLERANCE[dtype] * scale.max() * 10)
                    limit = float(np.median(z))
                    found = self.ask(x, y, expr="d + l1 < t", t=limit * 1.001, reduce="count")
                    self.assertEqual(found.dtype, np.int64)
                    self.assertEqual(found.tolist(), (z < limit * 1.001).sum(axis=1).tolist())
                    self.assertEqual(self.ask(x, y, expr="d + l1 < t", t=limit * 1.001, reduce="sum").tolist(),
                                     found.tolist())

    def test_topk_has_values_and_indices_in_order(self):
        x, y = self.points(50, 301, 4)[:2]
        z = measures(x, y)["d2"]
        for k in (1, 7, 301):
            for largest, order in ((False, np.argsort(z, axis=1, kind="stable")),
                                   (True, np.argsort(-z, axis=1, kind="stable"))):
                word = "true" if largest else "false"
                with self.subTest(k=k, largest=largest):
                    response = self.post(x, y, expr="d2", reduce="topk", k=k, largest=word)
                    body = io.BytesIO(response.body)
                    values, indices = np.load(body), np.load(body)
                    self.assertEqual((body.read(), indices.dtype, values.dtype), (b"", np.int64, np.float64))
                    self.assertEqual(indices.tolist(), order[:, :k].tolist())
                    self.assert_near(values, np.take_along_axis(z, order[:, :k], axis=1), 1e-14)
                    answer = self.ask_json(x=x, y=y, expr="d2", reduce="topk", k=k, largest=largest)
                    self.assertEqual(list(answer), ["z", "indices", "dtype", "threads", "timing"])
                    self.assertEqual((answer["z"], answer["indices"]), (values.tolist(), indices.tolist()))
        ties = self.ask_json(x=[[0]], y=[[1], [-1], [1], [0], [0]], expr="d", reduce="topk", k=4)
        self.assertEqual((ties["z"], ties["indices"]), ([[0, 0, 1, 1]], [[3, 4, 0, 1]]))

    def test_long_results_in_json_are_those_of_npy(self):
        """Printed in pieces by the team, one array behind the other."""
        x, y = self.points(600, 40, 3)[:2]
        expected = self.ask(x, y, expr="d2")
        self.assertEqual(self.ask_json(x=x, y=y, expr="d2", threads=2)["z"], expected.tolist())
        answer = self.ask_json(x=x, y=y, expr="d2", reduce="topk", k=40, threads=2)
        self.assertEqual(answer["indices"], np.argsort(expected, axis=1, kind="stable").tolist())
        self.assertEqual(answer["z"], np.sort(expected, axis=1).tolist())

    def test_json_has_the_bits_of_npy(self):
        x, y, xs, ys = self.points(9, 11, 3)
        rows = np.random.default_rng(6).normal(size=(11, 2))
        self.keep(xs=xs, ys=ys)
        answer = self.ask_json(weights=rows, ys=ys, y=y, xs=xs, x=x, expr="xs*d2 + g*ys", g=0.1, reduce="sum")
        self.assertEqual(list(answer), ["z", "dtype", "threads", "timing"])
        found = self.ask(x, y, rows, expr="xs*d2 + g*ys", g=0.1, reduce="sum", xs="data:p/xs", ys="data:p/ys")
        self.assertEqual((answer["z"], answer["dtype"]), (found.tolist(), "float64"))
        accepted = self.server.post(PATH, listed(x=x, y=y, expr="dot"), headers={"Accept": NPY})
        self.assertEqual(loaded(accepted.body).tolist(), self.ask_json(x=x, y=y, expr="dot")["z"])
        printed = self.post(x.astype("f4"), y.astype("f4"), accept="application/json", expr="dot").json()
        self.assertEqual((printed["z"], printed["dtype"]),
                         (self.ask(x.astype("f4"), y.astype("f4"), expr="dot").astype(float).tolist(), "float32"))
        self.assertEqual(self.ask(x.astype("f4"), y, expr="dot").dtype, np.float64)
        conditions = self.ask_json(x=[[1], [2]], expr="d2 > 0")
        self.assertEqual((conditions["z"], conditions["dtype"]), ([[False, True], [True, False]], "bool"))
        self.assertEqual(self.ask(np.array([[1.0], [2.0]]), expr="d2 > 0").dtype, bool)
        self.assertEqual(self.ask_json(x=[[1], [2]], expr="1 + (d2 > 0)", reduce="sum")["z"], [3, 3])

    def test_x_alone_is_compared_with_itself(self):
        for dtype in ("f8", "f4"):
            for n, d in ((1, 1), (7, 3), (200, 5), (150, 70)):
                x, _, xs, _ = self.points(n, 1, d, dtype)
                for text in ("d2", "exp(-d)", "cos", "l1 + linf", "dot"):
                    with self.subTest(text, n=n, d=d, dtype=dtype):
                        alone, both = self.ask(x, expr=text), self.ask(x, x, expr=text)
                        self.assertEqual(alone.tobytes(), alone.T.tobytes())
                        self.assertEqual(alone.tobytes(), both.tobytes())
                self.keep(xs=xs, ys=xs * 2)
                once = self.ask(x, expr="xs*ys*d", xs="data:p/xs")
                self.assertEqual(once.tobytes(), self.ask(x, expr="xs*ys*d", xs="data:p/xs", ys="data:p/xs").tobytes())
                self.assertEqual(self.ask(x, expr="ys", xs="data:p/xs").tobytes(), np.tile(xs, (n, 1)).tobytes())
                other = self.ask(x, expr="xs*ys*d", xs="data:p/xs", ys="data:p/ys")
                self.assert_near(other, 2 * once.astype(float), 1e-6)

    def test_the_bytes_do_not_depend_on_the_team(self):
        rows = np.random.default_rng(8).normal(size=(3001, 2))
        for d, dtype in ((3, "f8"), (70, "f8"), (3, "f4"), (70, "f4")):
            x, y = self.points(97, 3001, d, dtype)[:2]
            for reduce, more in ((None, ()), ("sum", ()), ("sum", (rows.astype(dtype),)), ("mean", ()), ("topk", ()),
                                 ("argmin", ()), ("logsumexp", ()), ("count", ())):
                options = {} if reduce is None else {"reduce": reduce}
                options |= {"k": 5} if reduce == "topk" else {}
                answers = {self.post(x, y, *more, expr="exp(-d) * (d > 1)", threads=threads, schedule=schedule,
                                     chunk=chunk, **options).body
                           for threads in (1, 2, 3, 4) for schedule, chunk in (("static", 0), ("dynamic", 1), ("guided", 3))}
                with self.subTest(d=d, dtype=dtype, reduce=reduce):
                    self.assertEqual(len(answers), 1)

    def test_kernels_are_expressions_with_their_parameters(self):
        x, y = self.points(20, 30, 4)[:2]
        for name, text, parameters in (
            ("gaussian", "exp(-gamma*d2)", {"gamma": 0.25}), ("rbf", "exp(-gamma*d2)", {"gamma": 0.25}),
            ("laplacian", "exp(-gamma*l1)", {"gamma": 0.25}),
            ("matern12", "exp(-d/length_scale)", {"length_scale": 1}),
            ("polynomial", "k = gamma*dot + coef0; k*k*k", {"degree": 3, "gamma": 0.25, "coef0": 1}),
            ("sigmoid", "tanh(gamma*dot + coef0)", {"gamma": 0.25, "coef0": 1}),
            ("rational_quadratic", "(1 + d2/length_scale**2/(2*alpha))**-alpha", {"length_scale": 1, "alpha": 1}),
            ("cauchy", "1/(1 + d2/length_scale**2)", {"length_scale": 1}), ("linear", "dot", {}), ("cosine", "cos", {})):
            with self.subTest(name):
                answer = self.ask_json(x=x, y=y, kernel=name)
                self.assertEqual(list(answer), ["z", "dtype", "parameters", "threads", "timing"])
                self.assertEqual(answer["parameters"], parameters)
                self.assertEqual(answer["z"], self.ask_json(x=x, y=y, expr=text, **{
                    parameter: value for parameter, value in parameters.items() if parameter != "degree"})["z"])
                other = {parameter: value + 1 for parameter, value in parameters.items()}
                answer = self.ask_json(x=x, y=y, kernel=name, **other)
                self.assertEqual(answer["parameters"], other)
                self.assert_near(np.array(answer["z"]), kernel(name, x, y, **other), 1e-13)

    def test_points_far_apart_have_the_limit(self):
        x = np.array([[0.0, 0], [1e3, 0], [1e160, 0], [1e200, 0], [np.inf, 0], [np.nan, 0]])
        for name in ("gaussian", "laplacian", "matern12", "matern32", "matern52", "rational_quadratic", "cauchy"):
            found = self.ask(x, x[:1], kernel=name)[:, 0]
            with self.subTest(name):
                self.assertEqual(found[0], 1)
                self.assertTrue((np.diff(found[:5]) <= 0).all() and np.isnan(found[5]), found)
                self.assertEqual(found[4], 0)
        self.assertEqual(self.ask(x[:2], kernel="matern52", length_scale=1e-150).tolist(), [[1, 0], [0, 1]])

    def test_edges(self):
        none, some = np.zeros((0, 3)), np.ones((4, 3))
        for reduce, of_none in (("sum", 0), ("mean", np.nan), ("count", 0), ("logsumexp", -np.inf)):
            with self.subTest(reduce):
                self.assertEqual(self.ask(none, some, expr="d", reduce=reduce).tolist(), [])
                np.testing.assert_array_equal(self.ask(some, none, expr="d", reduce=reduce), [of_none] * 4)
        for reduce in ("min", "max", "argmin", "argmax"):
            self.assertEqual(self.ask(none, some, expr="d", reduce=reduce).tolist(), [])
            response = self.post(some, none, expr="d", reduce=reduce)
            self.assert_problem(response, 422, "out-of-range", "/reduce")
            self.assertIn("result 0: the ", response.json()["detail"])
        self.assertEqual(self.ask(none, some, expr="d").shape, (0, 4))
        self.assertEqual(self.ask(some, none, expr="d").shape, (4, 0))
        self.assertEqual(self.ask(none, expr="d").shape, (0, 0))
        self.assertEqual(self.ask(some, none, np.zeros((0, 2)), expr="d", reduce="sum").tolist(), [[0, 0]] * 4)
        self.assertEqual(self.ask(some, some, np.zeros((4, 0)), expr="d", reduce="sum").shape, (4, 0))
        self.assertEqual(self.ask(some, np.ones(4), expr="d + 1", reduce="sum").tolist(), [4] * 4)
        self.assertEqual(self.ask_json(x=[], expr="d")["z"], [])
        self.assertEqual(self.ask_json(x=[[1], [2]], y=[], expr="d")["z"], [[], []])
        self.assertEqual(self.ask_json(x=[[1], [2]], y=[], expr="d", reduce="sum", weights=[])["z"], [0, 0])
        self.assertEqual(self.ask_json(x=[], y=[[1]], expr="d", reduce="topk", k=1)["z"], [])
        response = self.server.post(PATH, {"x": [[1]], "y": [], "expr": "d", "reduce": "topk", "k": 1})
        self.assert_problem(response, 422, "out-of-range", "/k")

    def test_named_data_and_store(self):
        x, y, xs, ys = self.points(5, 6, 3)
        rows = np.random.default_rng(9).normal(size=(6, 2))
        self.keep(x=x, y=y, xs=xs, ys=ys, w=ys, rows=rows)
        names = {name: {"data": f"p/{name}"} for name in ("x", "y", "xs", "ys")}
        found = self.ask_json(**names, expr="xs + ys + d2")["z"]
        self.assertEqual(found, self.ask_json(x=x, y=y, xs=xs, ys=ys, expr="xs + ys + d2")["z"])
        for name, weights in (("w", ys), ("rows", rows)):
            found = self.ask_json(x=x, y=names["y"], weights={"data": f"p/{name}"}, expr="d2", reduce="sum")["z"]
            self.assertEqual(found, self.ask_json(x=x, y=y, weights=weights, expr="d2", reduce="sum")["z"])
            response = self.post(x, y, expr="d2", reduce="sum", weights=f"data:p/{name}", store="p/z")
            self.assertEqual(response.status, 201, response)
            kept = loaded(self.server.get("/v1/data/p/z", headers={"Accept": NPY}).body)
            self.assertEqual(kept.tolist(), found)
        for text, reduce, dtype in (("d2", {"reduce": "argmin"}, "int64"), ("d < 1", {}, "bool")):
            response = self.post(x, y, expr=text, store="p/z", **reduce)
            self.assertEqual(response.status, 201, response)
            kept = loaded(self.server.get("/v1/data/p/z", headers={"Accept": NPY}).body)
            self.assertEqual((kept.dtype, kept.tolist()), (dtype, self.ask_json(x=x, y=y, expr=text, **reduce)["z"]))
        response = self.server.post(f"{PATH}?x=data:p/x&y=data:p/y&kernel=linear", None, headers={"Accept": NPY})
        self.assertEqual(loaded(response.body).tolist(), self.ask_json(x=x, y=y, kernel="linear")["z"])
        part = self.ask_json(x={"data": "p/x", "rows": [1, 3]}, expr="d")["z"]
        self.assertEqual(part, self.ask_json(x=x[1:3], expr="d")["z"])

    def test_jobs_and_batches(self):
        x, y = self.points(5, 6, 3)[:2]
        expected = self.ask_json(x=x, y=y, kernel="matern32")["z"]
        response = self.server.post(PATH, listed(x=x, y=y, kernel="matern32"), headers=ASYNC)
        self.assertEqual(response.status, 202, response)
        links = self.server.get(response.headers["Location"] + "?wait=30").json()["links"]
        self.assertEqual(self.server.get(links["result"]).json()["z"], expected)
        response = self.server.request("PUT", "/v1/jobs/pairs", {"op": PATH, "request": listed(x=x, y=y, expr="d2")})
        self.assertEqual(response.status, 201, response)
        self.assertEqual(self.server.get("/v1/jobs/pairs?wait=30").json()["status"], "successful")
        self.assertEqual(self.server.get("/v1/jobs/pairs/result").json()["z"], self.ask_json(x=x, y=y, expr="d2")["z"])
        weights = [[1, 2]] * 6
        defaults = listed(y=y, expr="exp(-g*d2)", g=0.5, weights=weights, k=2, xs=[1])
        items = [listed(x=x[:1], reduce="sum"), listed(x=x[1:2], expr="d2"), listed(x=x[:1], reduce="topk", g=2),
                 listed(x=x[:1], kernel="linear"), listed(x=x[:1], kernel="linear", h=2),
                 listed(x=x[:1], expr="xs*d2", reduce="mean"), {"x": [[1]]}]
        answer = self.server.post("/v1/batch", {"op": PATH, "defaults": defaults, "items": items}).json()["results"]
        self.assertEqual(answer[0]["z"], self.ask_json(x=x[:1], y=y, expr="exp(-g*d2)", g=0.5, reduce="sum",
                                                       weights=weights)["z"])
        self.assertEqual(answer[1]["z"], self.ask_json(x=x[1:2], y=y, expr="d2")["z"])
        top = self.ask_json(x=x[:1], y=y, expr="exp(-g*d2)", g=2, reduce="topk", k=2)
        self.assertEqual((answer[2]["z"], answer[2]["indices"]), (top["z"], top["indices"]))
        self.assertEqual(answer[3]["z"], self.ask_json(x=x[:1], y=y, kernel="linear")["z"])
        self.assertEqual((answer[4]["status"], answer[4]["pointer"]), (422, "/items/4/h"))
        self.assertEqual(answer[5]["z"], self.ask_json(x=x[:1], y=y, expr="d2", reduce="mean")["z"])
        self.assertEqual((answer[6]["status"], answer[6]["pointer"]), (422, "/defaults/y"))

    def test_a_deadline_ends_it(self):
        x = np.random.default_rng(7).normal(size=(20000, 50)).astype("f4")
        response = self.post(x, expr="sin(d)", reduce="sum", timeout_ms=1, threads=2)
        self.assert_problem(response, 504, "deadline-exceeded")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the kernel stops")


if __name__ == "__main__":
    unittest.main()
