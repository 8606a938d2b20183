"""POST /v1/map against NumPy, over HTTP."""

import json
import random
import unittest
import urllib.parse

import numpy as np

import server
from arrays import NPY, loaded, saved

# NumPy's functions of float32 and SVML's of float64 are off by up to 4.
ULPS = 5

# The text here and in NumPy where they differ in spelling.
FUNCTIONS = {name: getattr(np, name) for name in (
    "abs absolute fabs sign minimum maximum clip floor ceil trunc round rint sqrt cbrt square hypot exp expm1 log log2 "
    "log10 log1p logaddexp sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh degrees radians "
    "rad2deg deg2rad copysign nextafter isnan isfinite isinf signbit where power floor_divide remainder mod").split()}
CONSTANTS = {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan, "True": True, "False": False}


def by_numpy(text, **operands):
    """The last of the text's statements, as NumPy computes it."""
    names = {**FUNCTIONS, **CONSTANTS, **operands}
    *statements, result = text.split(";")
    with np.errstate(all="ignore"):
        for statement in statements:
            name, value = statement.split("=", 1)
            names[name.strip()] = eval(value.strip(), {}, names)
        return np.asarray(eval(result.strip(), {}, names))


def near(found, expected):
    """Within ULPS units in the last place of what NumPy has, which is off itself."""
    if found.dtype.kind != "f":
        return np.array_equal(found, expected)
    with np.errstate(all="ignore"):
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        return bool(np.all(same | (np.abs(found - expected) <= ULPS * np.spacing(np.abs(expected)))))


class Text:
    """Random expressions of x, y (float64), f (float32), i (int64) and b (bool), which integers don't overflow in."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def any(self, *choices):
        return self.random.choice(choices)

    def number(self, depth):
        if depth == 0:
            return self.any("x", "y", "f", "i", "b", "2", "0.5", "pi", "1e-3")
        inner = lambda: self.number(depth - 1)
        return self.any(
            lambda: f"({inner()} {self.any('+', '-', '*', '/')} {inner()})".replace("(b - b)", "(b ^ b)"),
            lambda: f"{self.any('exp', 'sin', 'cos', 'sqrt', 'arctan', 'tanh', 'cbrt', 'floor', 'fabs')}({inner()} * 1.0)",
            lambda: f"{self.any('hypot', 'minimum', 'maximum', 'arctan2')}({inner()} * 1.0, {inner()} * 1.0)",
            lambda: f"where({self.condition(depth - 1)}, {inner()}, {inner()})",
            lambda: f"({inner()} * 1.0) ** {self.any('2', '2.0', '3')}",
            lambda: f"-({inner()} * 1.0)",
            lambda: f"clip({inner()} * 1.0, -1, 1)",
        )()

    def condition(self, depth):
        if depth == 0:
            return self.any("b", "(x > y)", "(i != 2)")
        return self.any(
            lambda: f"({self.condition(depth - 1)} {self.any('&', '|', '^')} {self.condition(depth - 1)})",
            lambda: f"~{self.condition(0)}",
            lambda: f"({self.number(depth - 1)} {self.any('<', '<=', '>', '>=', '==', '!=')} {self.number(depth - 1)})",
            lambda: f"isfinite({self.number(depth - 1)} * 1.0)",
        )()


class Map(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 4}

    def ask(self, **fields):
        response = self.server.post("/v1/map", fields)
        self.assertEqual(response.status, 200, response)
        return response.json()

    def ask_npy(self, text, query="", **operands):
        """The arrays in one body, the answer as an array."""
        given = urllib.parse.urlencode({"expr": text, "names": ",".join(operands)})
        response = self.server.post(f"/v1/map?{given}{query}", saved(*operands.values()),
                                    headers={"Content-Type": NPY, "Accept": NPY})
        self.assertEqual(response.status, 200, (text, response))
        return loaded(response.body)

    def assert_as_numpy(self, text, **operands):
        found, expected = self.ask_npy(text, **operands), by_numpy(text, **operands)
        self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape), text)
        self.assertTrue(near(found, expected), (text, found, expected))

    def test_json(self):
        for fields, z, dtype in [
            ({"expr": "x**2", "x": [1, 2, 3]}, [1, 4, 9], "float64"),
            ({"expr": "x + y + z", "x": [1, 2], "y": [3, 4], "z": 0.5}, [4.5, 6.5], "float64"),
            ({"expr": "A*B", "A": [[1, 2], [3, 4]], "B": [[5], [6]]}, [[5, 10], [18, 24]], "float64"),
            ({"expr": "x > 1", "x": [1, 2]}, [False, True], "bool"),
            ({"expr": "1 + (x > 1)", "x": [1, 2]}, [1, 2], "int64"),
            ({"expr": "x * 2", "x": 3}, 6, "float64"),
            ({"expr": "x + y", "x": [], "y": 1}, [], "float64"),
            ({"expr": "2 * 3"}, 6, "int64"),
        ]:
            with self.subTest(fields):
                answer = self.ask(**fields)
                self.assertEqual((answer["z"], answer["dtype"]), (z, dtype))

    def test_several_results_are_computed_in_one_pass(self):
        x = list(range(10000))
        answer = self.ask(exprs={"twice": "2 * x", "even": "x % 2 == 0", "one": "1"}, x=x)
        self.assertEqual(answer["z"]["twice"], [2 * value for value in x])
        self.assertEqual(answer["z"]["even"], [value % 2 == 0 for value in x])
        self.assertEqual(answer["z"]["one"], [1] * 10000)
        self.assertEqual(answer["dtype"], {"twice": "float64", "even": "bool", "one": "int64"})
        response = self.server.post("/v1/map", {"exprs": {"a": "x", "b": "x > 1"}, "x": [1, 2]}, headers={"Accept": NPY})
        self.assertEqual(response.body, saved(np.array([1.0, 2.0]), np.array([False, True])))

    def test_several_results_have_the_shape_of_all_operands(self):
        fields = {"exprs": {"a": "x", "b": "x + y", "n": "n"}, "x": [1, 2, 3], "y": [[10], [20]], "n": 5}
        answer = self.ask(**fields)
        self.assertEqual(answer["z"], {"a": [[1, 2, 3]] * 2, "b": [[11, 12, 13], [21, 22, 23]], "n": [[5] * 3] * 2})
        self.assertEqual(self.ask(**fields, reduce="sum")["z"], {"a": 12, "b": 102, "n": 30})
        self.assertEqual(self.ask(**fields, reduce="sum", axis=0)["z"], {"a": [2, 4, 6], "b": [32, 34, 36], "n": [10] * 3})
        self.assertEqual(self.ask(**fields, reduce="sum", axis=1)["z"], {"a": [6, 6], "b": [36, 66], "n": [15, 15]})
        self.assertEqual(self.ask(expr="x", x=[1, 2, 3], reduce="sum")["z"], 6)

    def test_random_expressions_are_numpys(self):
        values = np.random.default_rng(1)
        shapes = [((7,), (7,)), ((3, 5), (5,)), ((4, 1), (1, 6)), ((2000,), (1,)), ((), (3,))]
        for seed in range(300):
            write = Text(seed)
            shape, other = shapes[seed % len(shapes)]
            operands = {"x": values.normal(size=shape), "y": values.normal(size=other),
                        "f": values.normal(size=other).astype("f4"), "i": values.integers(-9, 9, size=shape),
                        "b": values.normal(size=shape) > 0}
            text = write.any(write.number, write.condition)(3)
            used = {name: value for name, value in operands.items() if name in set(text.replace("exp", "").replace("(", " ")
                    .replace(")", " ").replace(",", " ").replace("~", " ").replace("-", " ").split())}
            expected = by_numpy(text, **used)
            if not used or expected.dtype not in (np.float64, np.float32, np.int64, np.bool_):
                continue  # NumPy's narrower types aren't here
            with self.subTest(text):
                found = self.ask_npy(text, **used)
                self.assertEqual(found.shape, expected.shape)
                self.assertTrue(np.allclose(found, expected, rtol=1e-5 if "f" in used else 1e-12, equal_nan=True),
                                (found, expected))

    @np.errstate(over="ignore")
    def test_each_function_is_numpys(self):
        x = np.random.default_rng(2).uniform(-1, 1, 1000)
        y = np.random.default_rng(3).uniform(-1, 1, 1000)
        special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e308, 0.5])
        x, y = np.concatenate([x, np.repeat(special, 10)]), np.concatenate([y, np.tile(special, 10)])
        for name, function in FUNCTIONS.items():
            if name == "logaddexp":
                continue  # where its parts cancel their ulps count, not the result's
            count = 3 if name in ("where", "clip") else function.nin if isinstance(function, np.ufunc) else 1
            for dtype in ("f8", "f4"):
                text = {1: f"{name}(x)", 2: f"{name}(x, y)", 3: f"{name}(x > 0, x, y)" if name == "where" else
                        f"{name}(x, -0.5, 0.25)"}[count]
                operands = {"x": x.astype(dtype), **({"y": y.astype(dtype)} if "y" in text else {})}
                with self.subTest(text, dtype=dtype):
                    self.assert_as_numpy(text, **operands)

    def test_integers_are_exact_or_refused(self):
        i = np.array([2**62, 7, -7, 2**53 + 1])
        self.assert_as_numpy("i + 1", i=i)
        self.assert_as_numpy("i // 2 + i % 3", i=i)
        self.assert_as_numpy("i & 255 | i >> 3 ^ ~i", i=i)
        for dtype in ("i1", "<i2", ">i4", "u1", ">u2", "<u4", "?"):
            values = np.array([0, 1, 100]).astype(dtype)
            found = self.ask_npy("i", i=values)
            self.assertEqual(found.dtype, bool if dtype == "?" else np.int64)
            self.assertTrue(np.array_equal(found, values))
        turned = np.asfortranarray(np.arange(6).reshape(2, 3))
        self.assertTrue(np.array_equal(self.ask_npy("i", i=turned), turned))
        self.assertTrue(np.array_equal(self.ask_npy("i", i=turned > 2), turned > 2))
        for text, place, what in [("i * 4", 0, "multiplication overflows"), ("1 // (i - 7)", 1, "is by 0"),
                                  ("2 ** (i * 0 - 1)", 0, "has a negative exponent"), ("1 << i", 0, "overflows")]:
            query = urllib.parse.urlencode({"expr": text, "names": "i"})
            response = self.server.post("/v1/map?" + query, saved(i), headers={"Content-Type": NPY})
            with self.subTest(text):
                self.assert_problem(response, 422, "no-integer", "/expr")
                self.assertIn(f"at element [{place}] the int64 ", response.json()["detail"])
                self.assertIn(what, response.json()["detail"])

    def test_long_arrays_have_the_same_bits_for_any_team(self):
        x = np.random.default_rng(4).normal(size=300_001)
        y = np.random.default_rng(5).normal(size=300_001)
        text = "d = x - y; where(d > 0, exp(-d*d), sin(x) / (1 + y*y))"
        first = self.ask_npy(text, x=x, y=y)
        self.assertTrue(np.allclose(first, by_numpy(text, x=x, y=y), rtol=1e-13))
        for query in ("&threads=1", "&threads=4&schedule=dynamic&chunk=77", "&threads=3&schedule=guided"):
            self.assertEqual(self.ask_npy(text, query, x=x, y=y).tobytes(), first.tobytes())

    def test_reductions_are_numpys(self):
        values = np.random.default_rng(6)
        arrays = [values.normal(size=shape) for shape in ((5, 7), (3000, 3), (2, 3000), (50_000,), ())]
        numpys = {"count": np.count_nonzero, **{name: getattr(np, name) for name in (
            "sum mean prod min max any all argmin argmax var std").split()}}
        for x in arrays:
            for text, y in (("x", x), ("x > 0", x > 0), ("i", (x * 3).astype(int)), ("f", x.astype("f4"))):
                for name, function in numpys.items():
                    for axis in [None, *range(-x.ndim, x.ndim)]:
                        if name == "prod" and text == "i":
                            continue  # would overflow, or be 0
                        query = f"&reduce={name}" + ("" if axis is None else f"&axis={axis}")
                        with self.subTest(text, shape=x.shape, reduce=name, axis=axis):
                            operand = "x" if text == "x > 0" else text
                            found = self.ask_npy(text, query, **{operand: x if operand == "x" else y})
                            expected = np.asarray(function(y, axis=axis))
                            self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape))
                            self.assertTrue(np.allclose(found, expected, rtol=1e-4 if text == "f" else 1e-11,
                                                        atol=1e-2 if text == "f" else 1e-10), (found, expected))

    def test_several_reductions_in_one_pass(self):
        x = np.random.default_rng(10).normal(size=(700, 30))
        answer = self.ask(exprs={"total": "x", "squares": "x*x", "above": "x > 1"}, x=x.tolist(), reduce="sum")
        self.assertEqual(answer["dtype"], {"total": "float64", "squares": "float64", "above": "int64"})
        self.assertEqual(answer["z"]["above"], int((x > 1).sum()))
        self.assertEqual(answer["z"]["squares"], self.ask(expr="x*x", x=x.tolist(), reduce="sum")["z"])
        self.assertTrue(np.allclose(answer["z"]["total"], x.sum()))
        texts = {"a": "x", "b": "x + 1"}
        for axis, function in ((0, np.argmax), (1, np.argmax)):
            answer = self.ask(exprs=texts, x=x.tolist(), reduce="argmax", axis=axis)
            for name in texts:
                self.assertEqual(answer["z"][name], function(x, axis=axis).tolist())
        response = self.server.post("/v1/map", {"exprs": texts, "x": x.tolist(), "reduce": "min", "axis": 0},
                                    headers={"Accept": NPY})
        self.assertEqual(response.body, saved(x.min(axis=0), x.min(axis=0) + 1))

    def test_reductions_that_have_no_result(self):
        for fields, slug, pointer, detail in [
            ({"expr": "x", "x": [], "reduce": "min"}, "out-of-range", "/reduce", "result 0: the min of no elements"),
            ({"expr": "x", "x": [], "reduce": "mean"}, "non-finite-result", "/z", "is NaN"),
            ({"expr": "x", "x": [1], "reduce": "median"}, "out-of-range", "/reduce", "one of these is expected: sum"),
            ({"expr": "x", "x": [1], "reduce": "sum", "axis": 1}, "out-of-range", "/axis", "from -1 to 0"),
            ({"expr": "x", "x": 1, "reduce": "sum", "axis": 0}, "out-of-range", "/axis", "single numbers"),
            ({"expr": "x", "x": [1], "axis": 0}, "missing-field", "/reduce", "there is no"),
            ({"exprs": {"a": "x", "b": "2**62 * (x > 0)"}, "x": [1, 1], "reduce": "sum"}, "no-integer", "/reduce",
             "b, result 0: the sum overflows"),
            ({"exprs": {"a": "x", "b": "-x"}, "x": [], "reduce": "max"}, "out-of-range", "/reduce",
             "a, result 0: the max of no elements"),
            ({"expr": "2**62 * (x > 0)", "x": [1, 1], "reduce": "sum"}, "no-integer", "/reduce", "the sum overflows"),
        ]:
            with self.subTest(fields):
                response = self.server.post("/v1/map", fields)
                self.assert_problem(response, 422, slug, pointer)
                self.assertIn(detail, response.json()["detail"])

    def test_up_to_four_dimensions(self):
        values = np.random.default_rng(7)
        for shape, other in [((2, 3, 4), (4,)), ((2, 3, 4), (3, 1)), ((2, 1, 4), (1, 3, 1)), ((2, 3, 4, 5), (4, 1)),
                             ((5, 1, 1, 7), (2, 3, 1)), ((1, 1, 1, 1), (2, 2)), ((2, 0, 3), (1, 3)), ((0, 3, 1, 2), ()),
                             ((30, 7, 11, 13), (7, 1, 1)), ((2, 300, 1, 5), (4, 1))]:
            for turn in (np.ascontiguousarray, np.asfortranarray):
                x, y = turn(values.normal(size=shape)), turn(values.normal(size=other))
                with self.subTest(shape, other=other, turn=turn.__name__):
                    self.assert_as_numpy("x * y + 1", x=x, y=y)
                    self.assert_as_numpy("(x > 0) & (i > 0)", x=x, i=turn((y * 9).astype(">i4")))
                    self.assert_as_numpy("x + f", x=x.astype(">f4"), f=y.astype("f4"))
        response = self.server.post("/v1/map?expr=x&names=x", saved(np.zeros((1,) * 5)), headers={"Content-Type": NPY})
        self.assert_problem(response, 422, "wrong-type", "/x")
        self.assertIn("5 dimensions; at most 4", response.json()["detail"])
        response = self.server.post("/v1/map?expr=x%2By&names=x,y", saved(np.zeros((2, 3, 4)), np.zeros((2, 4))),
                                    headers={"Content-Type": NPY})
        self.assert_problem(response, 422, "length-mismatch", "/y")
        self.assertIn('"y" has 2 elements along dimension 0, the operands before it 3', response.json()["detail"])
        wide = [np.zeros(shape) for shape in ((0, 1, 1, 9 * 10**17), (1, 9 * 10**17, 0, 1))]
        response = self.server.post("/v1/map?expr=x%2By&names=x,y", saved(*wide), headers={"Content-Type": NPY})
        self.assert_problem(response, 413, "memory-limit")
        self.assertIn("the request needs more bytes than can be counted beside the ", response.json()["detail"])

    def test_up_to_four_dimensions_in_json(self):
        for shape in [(2, 3, 4), (3, 1, 1, 2), (1, 1, 1), (2, 2, 0), (2, 0, 2), (0, 2, 2), (2, 3, 0, 4), (20, 3, 17, 7), (1, 9000, 1)]:
            for dtype in (float, int, bool):
                x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
                with self.subTest(shape, dtype=dtype):
                    response = self.server.post("/v1/map?expr=x&names=x", saved(x), headers={"Content-Type": NPY})
                    self.assertEqual(response.json()["z"], x.tolist())
        x = np.zeros((2, 3, 4))
        x[1, 2, 3] = np.nan
        response = self.server.post("/v1/map?expr=x&names=x", saved(x), headers={"Content-Type": NPY})
        self.assert_problem(response, 422, "non-finite-result", "/z/1/2/3")
        x = np.zeros((2, 3, 4, 5), int)
        x[1, 0, 3, 2] = 2**62
        response = self.server.post("/v1/map?expr=2*x&names=x", saved(x), headers={"Content-Type": NPY})
        self.assertIn("at element [1, 0, 3, 2] the int64 multiplication overflows", response.json()["detail"])

    def test_reductions_along_each_of_four_dimensions(self):
        x = np.random.default_rng(8).normal(size=(3, 4, 5, 6))
        narrow = np.random.default_rng(9).normal(size=(2, 70, 1, 40))
        for array in (x, narrow, np.asfortranarray(x), x[0]):
            for axis in [None, *range(-array.ndim, array.ndim)]:
                for name in ("sum", "max", "argmin", "var", "count"):
                    with self.subTest(array.shape, axis=axis, reduce=name):
                        query = f"&reduce={name}" + ("" if axis is None else f"&axis={axis}")
                        function = np.count_nonzero if name == "count" else getattr(np, name)
                        expected = np.asarray(function(array, axis=axis))
                        found = self.ask_npy("x", query, x=array)
                        self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape))
                        self.assertTrue(np.allclose(found, expected, rtol=1e-12))

    def test_other_endpoints_want_fewer_dimensions(self):
        cube = saved(np.zeros((2, 2, 2)))
        for path, body in [("/v1/gaussian", cube + cube), ("/v1/gaussian/matrix", cube),
                           ("/v1/gaussian/sum", cube + cube + saved(np.zeros(2)))]:
            with self.subTest(path):
                response = self.server.post(path, body, headers={"Content-Type": NPY})
                self.assert_problem(response, 422, "wrong-type")
                self.assertIn("3 dimensions", response.json()["detail"])

    def test_named_data_keeps_integers_and_bool(self):
        for array in (np.array([2**62, -7, 3]), np.array([1, 255], "u1"), np.array([[1, -2], [3, 4]], ">i2"),
                      np.array([True, False]), np.asfortranarray([[True, False], [True, True]]), np.int64(2**60 + 1)):
            kept = np.array(array, order="C", dtype=bool if array.dtype == bool else np.int64)
            with self.subTest(array=array):
                response = self.server.request("PUT", "/v1/data/m/i", saved(array), headers={"Content-Type": NPY})
                self.assertEqual((response.status in (200, 201), response.json()["dtype"]), (True, str(kept.dtype)))
                self.assertEqual(self.server.get("/v1/data/m/i").json(), kept.tolist())
                self.assertEqual(self.server.get("/v1/data/m/i", headers={"Accept": NPY}).body, saved(kept))
                answer = self.ask(expr="i", i={"data": "m/i"})
                self.assertEqual((answer["z"], answer["dtype"]), (kept.tolist(), str(kept.dtype)))
                again = self.server.post("/v1/map", {"expr": "i == i" if kept.dtype == bool else "i ^ 1",
                                                     "i": {"data": "m/i"}, "store": "m/j"})
                self.assertEqual((again.status, again.json()["dtype"]), (201, str(kept.dtype)))
                expected = kept == kept if kept.dtype == bool else kept ^ 1
                self.assertEqual(self.server.get("/v1/data/m/j", headers={"Accept": NPY}).body, saved(np.asarray(expected)))
        self.server.request("PUT", "/v1/data/m/i", saved(np.array([1, 2, 3])), headers={"Content-Type": NPY})
        answer = self.ask(expr="i // 2", i={"data": "m/i", "rows": [1, 3]})
        self.assertEqual((answer["z"], answer["dtype"]), ([1, 1], "int64"))
        kept = self.server.post("/v1/map?expr=x&x=data:m/i&reduce=sum&store=m/n", None)
        self.assertEqual((kept.status, kept.json()["dtype"], kept.json()["shape"]), (201, "int64", []))
        self.assertEqual(self.ask(expr="n", n={"data": "m/n"})["z"], 6)

    def test_named_data_and_store(self):
        self.server.request("PUT", "/v1/data/m/x", saved(np.arange(4.0)), headers={"Content-Type": NPY})
        answer = self.ask(expr="x * g", x={"data": "m/x"}, g=2)
        self.assertEqual(answer["z"], [0, 2, 4, 6])
        kept = self.server.post("/v1/map?expr=x%2B1&x=data:m/x&store=m/z", None)
        self.assertEqual(kept.status, 201, kept)
        self.assertEqual(self.server.get("/v1/data/m/z", headers={"Accept": NPY}).body, saved(np.arange(4.0) + 1))
        refused = self.server.post("/v1/map", {"exprs": {"a": "x", "b": "x"}, "x": [1], "store": "m/b"})
        self.assert_problem(refused, 422, "conflicting-fields", "/store")

    def test_exprs_of_one_member_are_kept(self):
        for fields, dtype, kept in [({}, "float64", [1, 3]), ({"reduce": "sum"}, "float64", 4),
                                    ({"reduce": "argmax"}, "int64", 1)]:
            fields = {"exprs": {"p": "x"}, "x": [1, 3], "store": "m/p", **fields}
            with self.subTest(fields):
                response = self.server.post("/v1/map", fields, headers={"Accept": NPY})
                self.assertEqual((response.status, response.json()["name"], response.json()["dtype"]), (201, "m/p", dtype))
                self.assertEqual(self.server.get("/v1/data/m/p").json(), kept)
                self.server.request("DELETE", "/v1/data/m/p")
                response = self.server.post("/v1/map", fields, headers={"Prefer": "respond-async"})
                self.assertEqual(self.finished(response).json()["dtype"], dtype)
                self.assertEqual(self.server.get("/v1/data/m/p").json(), kept)

    def finished(self, response, status="successful"):
        """The result of a job that has just been submitted, when it has ended so."""
        job = response.headers["Location"]
        self.assertEqual(self.server.get(f"{job}?wait=60").json()["status"], status)
        return self.server.get(f"{job}/result")

    def test_jobs(self):
        x = np.linspace(-1, 1, 20_000)
        query = urllib.parse.urlencode({"expr": "exp(-g * x**2) + i", "names": "x,i", "g": 2})
        body = saved(x, np.arange(20_000))
        expected = self.server.post("/v1/map?" + query, body, headers={"Content-Type": NPY, "Accept": NPY})
        for _ in range(2):
            response = self.server.post("/v1/map?" + query, body,
                                        headers={"Content-Type": NPY, "Accept": NPY, "Prefer": "respond-async"})
            self.assertEqual((response.status, response.json()["op"]), (202, "/v1/map"))
            self.assertEqual(self.finished(response).body, expected.body)
        fields = {"exprs": {"a": "x + y", "b": "x * y"}, "x": x.tolist(), "y": 3, "reduce": "sum"}
        response = self.server.request("PUT", "/v1/jobs/map-1", {"op": "/v1/map", "request": fields})
        self.assertEqual(response.status, 201, response)
        self.assertEqual(self.finished(response).json()["z"], self.ask(**fields)["z"])
        self.assertEqual(self.server.request("PUT", "/v1/jobs/map-1", {"op": "/v1/map", "request": fields}).status, 200)
        for name, request, slug, pointer in [("map-2", {"expr": "1 // i", "i": "x"}, "wrong-type", "/i"),
                                             ("map-3", {"expr": "2 ** (0 * (i > 0) - 1)", "i": [1]}, "no-integer", "/expr")]:
            response = self.server.request("PUT", f"/v1/jobs/{name}", {"op": "/v1/map", "request": request})
            result = self.finished(response, "failed")
            self.assertEqual((result.status, result.slug(), result.json()["pointer"]), (422, slug, pointer))
        self.server.request("PUT", "/v1/data/m/j", saved(np.arange(5)), headers={"Content-Type": NPY})
        response = self.server.request("PUT", "/v1/jobs/map-4", {"op": "/v1/map", "request": {
            "expr": "i * i", "i": {"data": "m/j"}, "store": "m/k"}})
        self.server.request("PUT", "/v1/data/m/j", saved(np.arange(6.0)), headers={"Content-Type": NPY})
        self.assertEqual(self.finished(response).json()["dtype"], "int64")
        self.assertEqual(self.server.get("/v1/data/m/k").json(), [0, 1, 4, 9, 16])

    def test_a_call_ends_when_it_is_cut(self):
        x = [-175.25] * 1000
        rows = [[-170.5]] * 1000
        fields = {"expr": "tgamma(x) + tgamma(y) + lgamma(x) + x ** y", "x": x, "y": rows, "reduce": "sum", "threads": 1}
        response = self.server.post("/v1/map", {**fields, "timeout_ms": 20})
        self.assert_problem(response, 504, "deadline-exceeded")
        job = self.server.post("/v1/map", fields, headers={"Prefer": "respond-async"}).headers["Location"]
        self.assertEqual(self.server.request("DELETE", job).json()["status"], "dismissed")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "its core is free")

    def test_items_of_a_batch_have_operands_in_common(self):
        answer = self.server.post("/v1/batch", {"op": "/v1/map", "defaults": {"x": [1, 2, 3], "g": 2},
                                                "items": [{"expr": "x * g"}, {"expr": "x + y", "y": [1, 1, 1]},
                                                          {"expr": "x + w"}]}).json()
        self.assertEqual([item.get("z") for item in answer["results"]], [[2, 4, 6], [2, 3, 4], None])
        self.assertEqual(answer["results"][2]["type"], "urn:forkjoin:problem:invalid-expression")

    def test_what_is_wrong_is_said_with_its_place(self):
        x = [1.0, 2.0]
        cases = [
            ({"expr": "x + yy", "x": x, "y": x}, "invalid-expression", "/expr",
             'at character 5: there is no "yy"; did you mean "y"?; there are x, y, and pi, e, inf, nan\nx + yy\n    ^'),
            ({"expr": "x**2"}, "invalid-expression", "/expr",
             'there is no "x"; there are no operands, only pi, e, inf, nan; a member of this name would be an '
             'operand\nx**2\n^'),
            ({"exprs": {"a": "x"}}, "invalid-expression", "/exprs/a", "a member of this name would be an operand"),
            ({"expr": "x +", "x": x}, "invalid-expression", "/expr", "at character 4: the text ends where"),
            ({"expr": "1 < x < 2", "x": x}, "invalid-expression", "/expr", "comparisons don't chain"),
            ({"expr": "x * threads", "x": x, "threads": 2}, "invalid-expression", "/expr",
             "at character 5: this is the name of an option: give the operand another name\nx * threads\n    ^"),
            ({"expr": "\u00e9 + x", "x": x}, "invalid-expression", "/expr", "\n\u00e9 + x\n^"),
            ({"expr": "y = x;\n y * \u00e9", "x": x}, "invalid-expression", "/expr", "at character 13: a character"),
            ({"expr": "x" * 4097, "x": x}, "invalid-expression", "/expr", "the text has 4097 bytes; 4096 are allowed"),
            ({"exprs": {"a": "x", "b": "x +"}, "x": x}, "invalid-expression", "/exprs/b", "at character 4"),
            ({"exprs": {}, "x": x}, "out-of-range", "/exprs", "1 to 16"),
            ({"exprs": {"a": 1}, "x": x}, "wrong-type", "/exprs/a", "a string is expected"),
            ({"exprs": "x", "x": x}, "wrong-type", "/exprs", "an object of strings is expected"),
            ({"exprs": {"a": "x"}, "expr": "x", "x": x}, "conflicting-fields", "/exprs", "give one of them"),
            ({"x": x}, "missing-field", "/expr", '"expr" is missing'),
            ({"expr": "x", "x": x, "y": 1}, "unknown-field", "/y", "no expression needs it"),
            ({"expr": "x", "x": x, "a b": 1}, "unknown-field", "/a b", "no name of an operand"),
            ({"expr": "x", "x": x, "lambda": 1}, "unknown-field", "/lambda", "no name of an operand"),
            ({"expr": "x + y", "x": x, "y": [1, 2, 3]}, "length-mismatch", "/y", "3 elements along dimension 0"),
            ({"expr": "x", "x": "data:x"}, "wrong-type", "/x",
             'an array of numbers or of rows, a number, or {"data": "name"} is expected'),
            ({"expr": "x", "x": [[[1]]]}, "wrong-type", "/x/0/0", "a number is expected"),
            ({"expr": "x", "x": [[1], 2]}, "wrong-type", "/x/1", "an array of numbers is expected"),
            ({"expr": "x", "x": [1, "a"]}, "wrong-type", "/x/1", "a number is expected"),
            ({"expr": "x", "x": [[1, 2], [3]]}, "length-mismatch", "/x/1", ""),
            ({"expr": "x", "x": {"data": "none"}}, "unknown-data", "/x/data", ""),
            ({"expr": "1 / x", "x": [1, 0]}, "non-finite-result", "/z/1", "element 1 is infinite"),
            ({"exprs": {"a": "x", "b": "0 * x / x"}, "x": [[1, 0]]}, "non-finite-result", "/z/b/0/1", "is NaN"),
            ({"expr": "x", "x": x, "names": "x"}, "unknown-field", "/names", ""),
        ]
        for fields, slug, pointer, detail in cases:
            with self.subTest(json.dumps(fields)[:80]):
                response = self.server.post("/v1/map", fields)
                self.assert_problem(response, 422, slug, pointer)
                self.assertIn(detail, response.json()["detail"])

    def test_many_arrays(self):
        for count in (8, 9, 40, 64):
            many = {f"a{i}": [[i, 1], [2, 3]] if i % 3 else [i, 2 * i] for i in range(count)}
            total = sum(np.array(value) for value in many.values()).tolist()
            text = "+".join(many)
            self.assertEqual(self.ask(expr=text, **many)["z"], total)
            self.assertEqual(self.server.post("/v1/map", {**many, "expr": text}).json()["z"], total)
            batch = self.server.post("/v1/batch", {"op": "/v1/map", "defaults": many, "items": [{"expr": text}] * 3}).json()
            self.assertEqual([item["z"] for item in batch["results"]], [total] * 3)
        many["b"] = [1]
        response = self.server.post("/v1/map", {"expr": "b", **many})
        self.assert_problem(response, 422, "out-of-range")
        self.assertIn("more than 64 operands", response.json()["detail"])
        many = {f"a{i}": [i] for i in range(30)}
        many["a20"] = [1, "x"]
        self.assert_problem(self.server.post("/v1/map", {"expr": "a1", **many}), 422, "wrong-type", "/a20/1")
        body = json.dumps({"expr": "a1", **{f"a{i}": [i] for i in range(30)}})
        for wrong in (body.replace("[25]", "[2 5]"), body[:-1] + ', "a25": [1]}', body[:-3]):
            self.assertEqual(self.server.post("/v1/map", wrong.encode(), headers={"Content-Type": "application/json"}).status, 400)

    def test_bodies_and_names_that_differ(self):
        x = saved(np.arange(3.0))
        for query, body, slug, pointer in [
            ("expr=x", x, "missing-field", "/names"),
            ("expr=x%2By&names=x,y", x, "missing-field", "/y"),
            ("expr=x&names=x", x + x, "invalid-npy", ""),
            ("expr=x&names=x,x", x + x, "unknown-field", "/x"),
            ("expr=x&names=threads", x, "unknown-field", "/threads"),
            ("expr=x&names=x&x=1", x, "unknown-field", "/x"),
            ("expr=x&names=", x, "unknown-field", ""),
        ]:
            with self.subTest(query):
                response = self.server.post("/v1/map?" + query, body, headers={"Content-Type": NPY})
                self.assert_problem(response, 400 if slug == "invalid-npy" else 422, slug)
                self.assertEqual(response.json().get("pointer", ""), pointer or response.json().get("pointer", ""))
        query = urllib.parse.urlencode({"expr": "x * g", "names": "x", "g": 3})
        self.assertTrue(np.array_equal(loaded(self.server.post("/v1/map?" + query, x, headers={
            "Content-Type": NPY, "Accept": NPY}).body), np.arange(3.0) * 3))


if __name__ == "__main__":
    unittest.main()
