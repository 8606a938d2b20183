"""What POST /v1/pairwise refuses, and what it says."""

import json
import pathlib
import re
import unittest

import numpy as np
import yaml

import server
from arrays import NPY, listed, loaded, saved
from pairwise_case import PATH, PairwiseTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
X = [[1, 2], [3, 4]]


class Refused(PairwiseTest):
    options = {"max_body": "64MiB", "cores": 2}

    def assert_refused(self, fields, slug, pointer, detail):
        with self.subTest(json.dumps(fields)[:90]):
            response = self.server.post(PATH, fields)
            self.assert_problem(response, 422, slug, pointer)
            self.assertIn(detail, response.json()["detail"])

    def test_expressions_and_their_numbers(self):
        for fields, slug, pointer, detail in [
            ({}, "missing-field", "/expr", 'or "kernel"'),
            ({"expr": "d", "kernel": "linear"}, "conflicting-fields", "/kernel", "give one of them"),
            ({"expr": 1}, "wrong-type", "/expr", "a string is expected"),
            ({"expr": "d3"}, "invalid-expression", "/expr",
             'at character 1: there is no "d3"; did you mean "d2"?'),
            ({"expr": "exp(-gamma * d2)"}, "invalid-expression", "/expr", "there are d2, d, dot, l1, linf, cos, xs, ys"),
            ({"expr": "a = 2\n a * d3"}, "invalid-expression", "/expr", "\n a * d3\n     ^"),
            ({"expr": "d * k"}, "invalid-expression", "/expr", "this is the name of an option: there are the pair's measures"),
            ({"expr": "x + d"}, "invalid-expression", "/expr", "this is the name of an option"),
            ({"expr": "d * threads", "threads": 2}, "invalid-expression", "/expr", "this is the name of an option"),
            ({"expr": "d" * 4097}, "invalid-expression", "/expr", "the text has 4097 bytes; 4096 are allowed"),
            ({"expr": "d", "g": 1}, "unknown-field", "/g", "no expression needs it"),
            ({"expr": "d", "a b": 1}, "unknown-field", "/a b", "no name of an operand"),
            ({"expr": "d", "lambda": 1}, "unknown-field", "/lambda", "no name of an operand"),
            ({"expr": "d2", "d": 1}, "unknown-field", "/d", "give the number another name"),
            ({"expr": "g * d", "g": "1"}, "wrong-type", "/g", "a number is expected"),
            ({"expr": "g * d", "g": [1, 2]}, "wrong-type", "/g", "a number is expected"),
            ({"expr": "g * d", "g": [[1, 2]]}, "wrong-type", "/g", "a number is expected"),
            ({"expr": "g * d", "g": {"data": "none"}}, "wrong-type", "/g", "a number is expected"),
            ({"expr": "(d < 1) << 63"}, "no-integer", "/expr",
             "at element [0, 0] the int64 shift (<<) overflows: character 9\n(d < 1) << 63\n        ^"),
            ({"expr": "1 // (0 * (d > 1))"}, "no-integer", "/expr", "at element [0, 0]"),
            ({"expr": "2**62 * (d > 1)", "y": [[1, 2], [9, 9], [8, 8], [9, 8]], "reduce": "sum"}, "no-integer", "/reduce",
             "result 0: the sum overflows"),
            ({"expr": "1 / d"}, "non-finite-result", "/z/0/0", "element 0 is infinite"),
            ({"expr": "1 / d", "reduce": "mean"}, "non-finite-result", "/z/0", "is infinite"),
            ({"expr": "0 / d", "reduce": "topk", "k": 2}, "non-finite-result", "/z/0/1", "is NaN"),
        ]:
            self.assert_refused({"x": X} | fields, slug, pointer, detail)
        for count in (7, 8, 9, 20, 61, 64, 65):  # arrays: more than an envelope has places for at first
            self.assert_refused({"x": X, "expr": "d", **{f"a{i}": [1, 2] for i in range(count)}}, "wrong-type", "/a0",
                                "is an array; a number is expected")
        many = {f"a{i}": i for i in range(57)}
        self.assert_refused({"x": X, "expr": "+".join(many), **many}, "out-of-range", "", "more than 56 numbers")
        del many["a56"]
        self.assertEqual(self.ask_json(x=X, expr="+".join(many), reduce="max", **many)["z"], [sum(range(56))] * 2)

    def test_an_option_whose_name_the_expression_says(self):
        for name, slug, pointer in [("k", "conflicting-fields", "/k"), ("weights", "wrong-type", "/weights"),
                                    ("reduce", "wrong-type", "/reduce"), ("store", "wrong-type", "/store"),
                                    ("cores", "wrong-type", "/cores"), ("xs", "wrong-type", "/xs"),
                                    ("largest", "conflicting-fields", "/largest"),
                                    ("kernel", "conflicting-fields", "/kernel"), ("expires_s", "missing-field", "/store")]:
            self.assert_refused({"x": X, "expr": f"exp(-{name}*d2)", name: 2}, slug, pointer,
                                f'; "{name}" is the name of an option: an operand needs another name')
        response = self.server.post(PATH, {"x": X, "expr": "xs*d2", "xs": [1]})
        self.assertNotIn("name of an option", response.json()["detail"])

    def test_an_ampersand_in_a_query(self):
        for query, slug, pointer in [("expr=d>0&d<2&x=data:x", "wrong-type", "/d<2"),
                                     ("expr=(d>0)&(l1>0)&x=data:x", "wrong-type", "/(l1>0)")]:
            response = self.server.post(f"{PATH}?{query}", None)
            self.assert_problem(response, 422, slug, pointer)
            self.assertIn("; a & within a text is written %26", response.json()["detail"])

    def test_kernels_and_their_parameters(self):
        for fields, slug, pointer, detail in [
            ({"kernel": "gauss"}, "out-of-range", "/kernel", "one of these is expected: gaussian, rbf, laplacian"),
            ({"kernel": 1}, "wrong-type", "/kernel", "a string is expected"),
            ({"kernel": "matern32", "gamma": 1}, "unknown-field", "/gamma",
             'no parameter of the kernel "matern32", which has length_scale'),
            ({"kernel": "polynomial", "length_scale": 1}, "unknown-field", "/length_scale",
             "which has degree, gamma, coef0"),
            ({"kernel": "linear", "gamma": 1}, "unknown-field", "/gamma", "which has none"),
            ({"kernel": "gaussian", "gamma": -1}, "out-of-range", "/gamma", '"gamma" is -1; it is at least 0'),
            ({"kernel": "gaussian", "gamma": "1"}, "wrong-type", "/gamma", "a number is expected"),
            ({"kernel": "matern12", "length_scale": 0}, "out-of-range", "/length_scale", "it is from 1e-150 to 1e+150"),
            ({"kernel": "matern52", "length_scale": -1}, "out-of-range", "/length_scale", "is -1"),
            ({"kernel": "cauchy", "length_scale": 1e151}, "out-of-range", "/length_scale", "is 1e+151"),
            ({"kernel": "rational_quadratic", "alpha": 0}, "out-of-range", "/alpha", "is 0"),
            ({"kernel": "polynomial", "degree": 0.5}, "out-of-range", "/degree", "it is at least 1"),
            ({"kernel": "sigmoid", "gamma": -0.5}, "out-of-range", "/gamma", "it is at least 0"),
            ({"kernel": "linear", "xs": [1, 2]}, "unknown-field", "/xs", "no expression needs it"),
        ]:
            self.assert_refused({"x": X} | fields, slug, pointer, detail)
        narrow = np.ones((3, 2), "f4")
        for query, pointer in (({"kernel": "gaussian", "gamma": 1e-39}, "/gamma"), ({"kernel": "sigmoid", "coef0": 1e39}, "/coef0"),
                               ({"kernel": "cauchy", "length_scale": 1e-19}, "/length_scale")):
            with self.subTest(query):
                response = self.post(narrow, **query)
                self.assert_problem(response, 422, "out-of-range", pointer)
                self.assertIn("with arrays of float32", response.json()["detail"])
                self.assertEqual(self.ask(narrow.astype("f8"), **query).shape, (3, 3))

    def test_what_goes_with_which_reduction(self):
        for fields, slug, pointer, detail in [
            ({"reduce": "median"}, "out-of-range", "/reduce", "one of these is expected: sum, mean"),
            ({"weights": [1, 2]}, "conflicting-fields", "/weights", '"weights" goes with "reduce": "sum"'),
            ({"weights": [[1], [2]], "reduce": "mean"}, "conflicting-fields", "/weights", ""),
            ({"k": 1}, "conflicting-fields", "/k", 'goes with "reduce": "topk"'),
            ({"largest": True, "reduce": "max"}, "conflicting-fields", "/largest", ""),
            ({"reduce": "topk"}, "missing-field", "/k", ""),
            ({"reduce": "topk", "k": 0}, "out-of-range", "/k", "a whole number from 1 to 2"),
            ({"reduce": "topk", "k": 3}, "out-of-range", "/k", "a whole number from 1 to 2"),
            ({"reduce": "topk", "k": 1.5}, "wrong-type", "/k", ""),
            ({"reduce": "topk", "k": 1, "largest": 1}, "wrong-type", "/largest", "true or false is expected"),
            ({"reduce": "topk", "k": 1, "store": "p/z"}, "conflicting-fields", "/store", "topk"),
        ]:
            self.assert_refused({"x": X, "expr": "d"} | fields, slug, pointer, detail)
        response = self.post(np.array(X), expr="d", reduce="topk", k=1, largest="yes")
        self.assert_problem(response, 422, "wrong-type", "/largest")

    def test_points_and_numbers_of_their_own(self):
        for fields, slug, pointer, detail in [
            ({"x": [1, 2]}, "wrong-type", "/x", "x.reshape(-1, 1)"),
            ({"x": {"data": "none"}}, "unknown-data", "/x/data", ""),
            ({"y": [[1, 2, 3]]}, "length-mismatch", "/y", ""),
            ({"x": [[1, 2], [3]]}, "length-mismatch", "/x/1", ""),
            ({"weights": [1], "reduce": "sum"}, "length-mismatch", "/weights", '"weights" has 1 number, "x" has 2 rows'),
            ({"weights": [[1, 1]], "y": [[1, 2]] * 3, "reduce": "sum"}, "length-mismatch", "/weights",
             '"weights" has 1 row, "y" has 3 rows'),
            ({"weights": [[1], [2, 3]], "reduce": "sum"}, "length-mismatch", "/weights/1", ""),
            ({"weights": 1, "reduce": "sum"}, "wrong-type", "/weights", ""),
            ({"weights": [1, "a"], "reduce": "sum"}, "wrong-type", "/weights/1", ""),
            ({"expr": "xs * d"}, "missing-field", "/xs", 'for each row of "x"'),
            ({"expr": "ys * d"}, "missing-field", "/ys", 'for each row of "x"'),
            ({"expr": "ys * xs", "y": X, "xs": [1, 2]}, "missing-field", "/ys", 'for each row of "y"'),
            ({"expr": "xs * d", "xs": [1]}, "length-mismatch", "/xs", '"xs" has 1 number, "x" has 2 rows'),
            ({"expr": "ys * d", "y": [[1, 1]], "ys": [1, 2]}, "length-mismatch", "/ys", '"ys" has 2 numbers, "y" has 1 row'),
            ({"expr": "xs * d", "xs": [1, None]}, "wrong-type", "/xs/1", ""),
            ({"expr": "xs * d", "xs": 3}, "wrong-type", "/xs", ""),
            ({"xs": [1, 2]}, "unknown-field", "/xs", "no expression needs it"),
            ({"ys": [1, 2]}, "unknown-field", "/ys", "no expression needs it"),
        ]:
            self.assert_refused({"x": X, "expr": "d"} | fields, slug, pointer, detail)
        self.assert_problem(self.server.post(PATH, {"expr": "d"}), 422, "missing-field", "/x")
        body = b'{"expr": "d", "x": [[1]], "y": [[01]]}'
        self.assert_problem(self.server.post(PATH, body, headers={"Content-Type": "application/json"}), 400, "invalid-json")

    def test_wrong_bodies_of_arrays(self):
        x, w = np.zeros((4, 3)), np.ones(4)
        for arrays, status, slug, pointer in (
            ([], 400, "empty-body", ""),
            ([x[0]], 422, "wrong-type", "/x"),
            ([x, x, x.astype("c8")], 422, "wrong-type", "/weights"),
            ([x, x[:, :2]], 422, "length-mismatch", "/y"),
            ([x, x, np.float64(1)], 422, "wrong-type", "/weights"),
            ([x, x, w[:3]], 422, "length-mismatch", "/weights"),
            ([x, x, x[:3]], 422, "length-mismatch", "/weights"),
            ([x, w, x], 400, "invalid-npy", ""),
            ([x, x, w, w], 400, "invalid-npy", ""),
        ):
            with self.subTest([array.shape for array in arrays], slug=slug):
                self.assert_problem(self.post(*arrays, expr="d", reduce="sum"), status, slug, pointer)
        self.assert_problem(self.post(x, expr="d", x=1), 422, "unknown-field", "/x")
        self.assert_problem(self.post(x, expr="xs*d", xs="1,2,3,4"), 422, "unknown-field", "/xs")
        self.assert_problem(self.post(x, expr="g*d", g="data:none"), 422, "wrong-type", "/g")

    def test_the_memory_is_that_of_arrays_and_results(self):
        """16 MB of matrix fit into 20 MiB; with its text they don't, and the figure is told before it is tried."""
        x, y = np.zeros((1000, 2)), np.zeros((2000, 2))
        with server.Server(memory="20MiB", max_body="2MiB") as small:
            headers = {"Content-Type": NPY, "Accept": NPY}
            response = small.post(PATH + "?expr=exp(-d)", saved(x, y), headers=headers)
            self.assertEqual(response.status, 200, response)
            np.testing.assert_array_equal(loaded(response.body), np.ones((1000, 2000)))
            response = small.post(PATH + "?expr=d", saved(x, y), headers={"Content-Type": NPY})
            self.assert_problem(response, 413, "memory-limit", "")
            self.assertIn("1000 x 2000 numbers takes 66", response.json()["detail"])
            big = saved(np.zeros((20000, 1), "f4"))
            response = small.post(PATH + "?expr=d", big, headers=headers)
            self.assert_problem(response, 413, "memory-limit", "")
            self.assertRegex(response.json()["detail"], '16000[0-9]{5} bytes.*20971520; "reduce" needs no matrix')
            response = small.post(PATH + "?expr=d2&reduce=topk&k=200", big, headers=headers)
            self.assert_problem(response, 413, "memory-limit", "")
            self.assertIn("20000 x 200 numbers takes 4", response.json()["detail"])
            response = small.post(PATH, listed(x=x[:10], expr="d", reduce="sum"))
            self.assertEqual(response.json()["z"], [0] * 10)
            server.wait_until(lambda: server.health(small)["memory"]["used_bytes"] == 0, "all of it is given back")

    def test_the_manual_and_the_description_list_the_kernels_and_reductions(self):
        schemas = yaml.safe_load((ROOT / "openapi.yaml").read_bytes())["components"]["schemas"]
        manual = (ROOT / "docs/pairwise.md").read_text()
        for field, schema, more in (("kernel", "PairwiseKernel", {}), ("reduce", "PairwiseReduce", {"expr": "d"})):
            detail = self.server.post(PATH, {"x": X, field: "?"} | more).json()["detail"]
            known = detail.split("expected: ")[1].split(", ")
            self.assertEqual(schemas[schema]["enum"], known)
            table = manual[manual.index(f"| `{field}` |"):].split("\n\n")[0]
            first_cells = " ".join(row.split("|")[1] for row in table.splitlines()[2:])
            self.assertEqual(set(known), set(re.findall(r"`([a-z_0-9]+)`", first_cells)), field)


if __name__ == "__main__":
    unittest.main()
