"""Named data of three and four dimensions: it comes back, expressions compute over it as NumPy does, and what wants fewer
dimensions says so."""

import unittest
import urllib.parse

import arrays
import data_case
import numpy as np
from data_case import NPY, TEXT

MAP = "/v1/map"
SHAPES = ((2, 3, 4), (3, 1, 1), (2, 3, 4, 5), (1, 1, 1, 1), (30, 7, 11, 13), (2, 0, 3), (0, 3, 1, 2), (2, 3, 0, 4))
NUMPY = {name: getattr(np, name) for name in ("exp", "where", "maximum")}


def by_numpy(expr, **operands):
    return np.asarray(eval(expr, {}, NUMPY | operands))


class Dimensions(data_case.Case):
    def keep(self, **named):
        for name, array in named.items():
            self.kept(name, arrays.saved(array), NPY)

    def compute(self, query, body=None, status=200, **headers):
        if body is not None:
            headers["Content-Type"] = NPY
        response = self.server.request("POST", f"{MAP}?{urllib.parse.urlencode(query, safe=':,')}", body,
                                       headers={"Accept": NPY} | headers)
        self.assertEqual(response.status, status, response)
        return response

    def assert_same(self, found, expected):
        self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape))
        np.testing.assert_allclose(found, expected, rtol=1e-14)

    def test_arrays_come_back(self):
        for shape in SHAPES:
            numbers = np.arange(np.prod(shape)).reshape(shape)
            for dtype, kept in (("f8", "f8"), ("f4", "f4"), ("f2", "f8"), (">f8", "f8"), ("i2", "i8"), ("i8", "i8"), ("?", "?")):
                for order in "CF":
                    with self.subTest(shape=shape, dtype=dtype, order=order):
                        array = np.asarray(numbers % 2 if dtype == "?" else numbers % 2000, dtype, order=order)
                        meta = self.kept("a", arrays.saved(array), NPY).json()
                        self.assertEqual((meta["kind"], meta["shape"], meta["sent_dtype"]), ("array", list(shape), array.dtype.name))
                        found = self.array("a")
                        self.assertEqual((found.dtype, found.shape, found.tobytes()),
                                         (np.dtype(kept), shape, array.astype(kept).tobytes()))
                        self.assertEqual(self.get("a").json(), array.tolist())
        self.assertEqual(self.server.get("/v1/data").json()["data"][0], self.get("a?meta").json() | {"sha256": None})

    def test_rows_are_those_of_the_first_dimension(self):
        for shape in ((5, 2, 3), (5, 2, 1, 3), (5, 0, 4)):
            whole = np.arange(np.prod(shape)).reshape(shape)
            self.keep(a=whole)
            for begin, end in ((0, 5), (1, 3), (2, 2), (5, 5), (4, 5)):
                part = self.array(f"a?rows={begin}:{end}")
                self.assertEqual((part.shape, part.tobytes()), (whole[begin:end].shape, whole[begin:end].tobytes()))
                self.assertEqual(self.get(f"a?rows={begin}:{end}").json(), whole[begin:end].tolist())
                answer = self.server.post(MAP, {"expr": "a * 2", "a": {"data": "a", "rows": [begin, end]}})
                self.assertEqual(answer.json()["z"], (whole[begin:end] * 2).tolist())
            self.assert_problem(self.get("a?rows=0:6"), 422, "out-of-range", "/rows")
            response = self.server.post(MAP, {"expr": "a", "a": {"data": "a", "rows": [0, 6]}})
            self.assert_problem(response, 422, "out-of-range", "/a/rows")

    def test_ranges_and_tags(self):
        cube = np.arange(60.0).reshape(3, 4, 5)
        self.keep(a=cube)
        whole = self.get("a", NPY)
        self.assertEqual(whole.body, arrays.saved(cube))
        for name, bytes_of in (("a", whole.body), ("a?rows=1:2", arrays.saved(cube[1:2]))):
            part = self.get(name, NPY, Range="bytes=100-199")
            self.assertEqual((part.status, part.body), (206, bytes_of[100:200]))
        self.assertEqual(self.get("a", NPY, If_None_Match=whole.headers["ETag"]).status, 304)
        self.assertNotEqual(self.get("a").headers["ETag"], whole.headers["ETag"])
        self.assert_problem(self.get("a", TEXT), 406, "not-acceptable")

    def test_what_json_cannot_carry(self):
        cube = np.zeros((2, 3, 4, 5))
        cube[1, 2, 3, 4] = np.inf
        self.keep(a=cube, b=cube[:, 0], many=np.zeros((300, 300, 0)))
        response = self.get("a")
        self.assert_problem(response, 422, "non-finite-result", "/1/2/3/4")
        self.assertIn("Accept: application/x-npy gets it", response.json()["detail"])
        self.assertEqual(self.array("a").tobytes(), cube.tobytes())
        self.assertEqual(self.get("a?rows=0:1").json(), cube[:1].tolist())
        response = self.get("many")
        self.assert_problem(response, 422, "out-of-range")
        self.assertIn("Accept: application/x-npy gets them", response.json()["detail"])
        self.assertEqual(self.array("many").shape, (300, 300, 0))

    def test_five_dimensions_are_too_many(self):
        response = self.put("a", arrays.saved(np.zeros((1,) * 5)), NPY)
        self.assert_problem(response, 422, "wrong-type", "")
        self.assertIn("5 dimensions; at most 4", response.json()["detail"])
        self.assert_problem(self.put("a", "[[[1]]]"), 422, "wrong-type", "/0/0")

    # --- expressions ---

    def test_expressions_are_broadcast_as_numpy_does(self):
        values = np.random.default_rng(5)
        for shape, other in (((2, 3, 4), (4,)), ((2, 3, 4), (3, 1)), ((2, 1, 4), (1, 3, 1)), ((2, 3, 4, 5), (4, 1)), ((3, 2, 2), ()),
                             ((5, 1, 1, 7), (2, 3, 1)), ((2, 0, 3), (1, 3)), ((30, 7, 11, 13), (7, 1, 1)), ((4, 5), (2, 3, 4, 1))):
            x, y = values.normal(size=shape), np.asfortranarray(values.normal(size=other))
            f, i = y.astype("f4"), (y * 9).astype(">i4")
            self.keep(x=x, y=y, f=f, i=i)
            for expr, names in (("exp(-x * y)", "xy"), ("where(x > 0, x, 0) + f", "xf"), ("(x > 0) & (i > 0)", "xi"), ("f * f", "f")):
                operands = {name: {"x": x, "y": y, "f": f, "i": i.astype("i8")}[name] for name in names}
                with self.subTest(expr, shape=shape, other=other):
                    expected = by_numpy(expr, **operands)
                    named = {name: f"data:{name}" for name in operands}
                    self.assert_same(arrays.loaded(self.compute({"expr": expr} | named).body), expected)
                    answer = self.server.post(MAP, {"expr": expr} | {name: {"data": name} for name in operands})
                    np.testing.assert_allclose(np.array(answer.json()["z"]).reshape(expected.shape), expected, rtol=1e-6)

    def test_beside_arrays_of_the_body(self):
        x, y = np.random.default_rng(6).normal(size=(2, 3, 4, 5)), np.arange(5.0)
        self.keep(x=x)
        response = self.compute({"expr": "x + y", "names": "y", "x": "data:x"}, arrays.saved(y))
        self.assert_same(arrays.loaded(response.body), x + y)
        answer = self.server.post(MAP, {"expr": "x + y", "x": {"data": "x", "rows": [1, 2]}, "y": y.tolist()})
        self.assertEqual(answer.json()["z"], (x[1:2] + y).tolist())
        response = self.compute({"expr": "x + y", "x": "data:x", "names": "y"}, arrays.saved(np.zeros((3, 5))), status=422)
        self.assert_problem(response, 422, "length-mismatch", "/x")

    def test_operands_are_never_changed(self):
        x = np.random.default_rng(7).normal(size=(20, 30, 40))
        self.keep(x=x)
        for _ in range(3):
            self.assert_same(arrays.loaded(self.compute({"expr": "x * x", "x": "data:x"}).body), x * x)
            self.assertEqual(self.array("x").tobytes(), x.tobytes())

    def test_results_are_kept_and_computed_on(self):
        x = np.random.default_rng(8).normal(size=(3, 4, 5, 6))
        self.keep(x=x)
        for array, name in ((x, "x"), (x[0], "x3")):
            self.keep(**{name: array})
            meta = self.compute({"expr": "x > 0", "x": f"data:{name}", "store": "z"}, status=201).json()
            self.assertEqual((meta["kind"], meta["shape"], meta["dtype"]), ("array", list(array.shape), "bool"))
            self.assertEqual(self.get("z", NPY).body, arrays.saved(array > 0))
            response = self.compute({"expr": "x * y", "x": f"data:{name}", "y": "data:z", "store": "w"}, status=201)
            self.assertEqual(response.headers["Location"], "/v1/data/w")
            self.assertEqual(self.get("w", NPY).body, arrays.saved(array * (array > 0)))
            self.delete("w")
        sent = self.compute({"expr": "x", "names": "x", "store": "z"}, arrays.saved(x), status=201)
        self.assertEqual(self.get("z", If_Match=sent.headers["ETag"]).json(), x.tolist())
        for axis in (0, -1, 2):
            self.compute({"expr": "x", "x": "data:x", "reduce": "max", "axis": axis, "store": "m"},
                         status=201)
            self.assertEqual(self.get("m", NPY).body, arrays.saved(x.max(axis=axis)))
        self.assertEqual(self.get("m?meta").json()["shape"], [3, 4, 6])

    def test_batches_and_jobs(self):
        x = np.arange(24.0).reshape(2, 3, 4)
        self.keep(x=x)
        for items, defaults in (([{"expr": "x + 1"}, {"expr": "x * 2"}], {"x": {"data": "x"}}),
                                ([{"expr": "x + 1", "x": {"data": "x"}}, {"expr": "x * 2", "x": {"data": "x"}}], {})):
            answer = self.server.post("/v1/batch", {"op": MAP, "defaults": defaults, "items": items}).json()
            self.assertEqual([result["z"] for result in answer["results"]], [(x + 1).tolist(), (x * 2).tolist()])
        job = self.compute({"expr": "x + 1", "x": "data:x", "store": "z"}, status=202, Prefer="respond-async").json()["id"]
        self.keep(x=np.zeros((2, 2, 2)))
        self.assertEqual(self.server.get(f"/v1/jobs/{job}?wait=60").json()["status"], "successful")
        self.assertEqual(self.server.get(f"/v1/jobs/{job}/result").json()["shape"], [2, 3, 4])
        self.assertEqual(self.get("z", NPY).body, arrays.saved(x + 1))

    # --- others ---

    def test_who_wants_fewer_dimensions_says_so(self):
        self.keep(cube=np.zeros((2, 2, 2)), x=np.zeros((2, 2)))
        cube = {"data": "cube"}
        one, two = "3 dimensions; one is expected", "3 dimensions; two are expected"
        for path, body, pointer, detail in (
            ("/v1/gaussian", {"x": cube, "y": 1}, "/x", one), ("/v1/gaussian", {"x": 1, "y": cube}, "/y", one),
            ("/v1/gaussian/matrix", {"x": cube}, "/x", two),
            ("/v1/gaussian/matrix", {"x": [[1]], "y": {"data": "cube", "rows": [0, 1]}}, "/y", two),
            ("/v1/gaussian/sum", {"x": {"data": "x"}, "weights": cube}, "/weights", one),
            ("/v1/pairwise", {"expr": "d2", "x": cube}, "/x", two),
            ("/v1/pairwise", {"expr": "d2 * xs", "x": {"data": "x"}, "xs": cube}, "/xs", one),
            ("/v1/pairwise", {"expr": "d2", "x": {"data": "x"}, "reduce": "sum", "weights": cube}, "/weights",
             "3 dimensions; one or two are expected"),
            ("/v1/triangular", {"ranges": cube}, "/ranges", one),
            ("/v1/wordcount", {"text": cube}, "/text/data", "an array; a text is expected"),
        ):
            with self.subTest(path, pointer=pointer):
                response = self.server.post(path, body)
                self.assert_problem(response, 422, "wrong-type", pointer)
                self.assertIn(detail, response.json()["detail"])
        for query, pointer in (("gaussian?x=data:cube&y=1", "/x"), ("gaussian/matrix?x=data:cube", "/x"),
                               ("gaussian/sum?x=data:x&weights=data:cube", "/weights"), ("triangular?ranges=data:cube", "/ranges")):
            response = self.server.request("POST", f"/v1/{query}")
            self.assert_problem(response, 422, "wrong-type", pointer)
            self.assertIn("3 dimensions", response.json()["detail"])


class Room(data_case.Case):
    options = {"data_memory": "4MiB", "memory": "64MiB"}

    def test_a_result_that_has_no_room_is_refused_before_it_is_computed(self):
        self.kept("x", arrays.saved(np.zeros((100, 1, 100))), NPY)
        self.kept("y", arrays.saved(np.zeros((1, 100, 1))), NPY)
        response = self.server.request("POST", f"{MAP}?expr=x%2By&x=data:x&y=data:y&store=z")
        self.assert_problem(response, 507, "data-full")
        self.assertEqual(self.get("z").status, 404)


if __name__ == "__main__":
    unittest.main()
