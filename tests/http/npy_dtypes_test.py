"""Arrays of every dtype that a NumPy user has, in .npy, to all endpoints that take arrays, against NumPy.

An array must be computed on as what NumPy's astype makes of it, so its answer has the bytes of that array's."""

import bz2
import io
import itertools
import lzma
import pickle
import re
import unittest

import numpy as np
import server
from arrays import NPY, kernel, loaded, saved
from numpy.lib import format as npy_format

GAUSSIAN, MATRIX, SUM = "/v1/gaussian", "/v1/gaussian/matrix", "/v1/gaussian/sum"
WIDE = ("f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "f8")  # computed in float64
DTYPES = [order + dtype for dtype in WIDE + ("f4",) for order in "<>"]
TOLERANCE = {np.dtype("f8"): 1e-12, np.dtype("f4"): 5e-6}


def computed(*arrays):
    """The arrays as they are computed on."""
    narrow = all(array.dtype.newbyteorder("<") == np.dtype("<f4") for array in arrays)
    return [np.ascontiguousarray(array).astype("<f4" if narrow else "<f8").reshape(array.shape) for array in arrays]


def numbers(chance, dtype, shape):
    """Random ones in reach of a Gaussian."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return chance.normal(size=shape).astype(dtype)
    low, high = {"i": (-4, 5), "u": (0, 5), "b": (0, 2)}[dtype.kind]
    return chance.integers(low, high, size=shape).astype(dtype)


class NpyDtypes(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 4}

    def post(self, path, body, accept=NPY):
        return self.server.post(path, body, headers={"Content-Type": NPY, "Accept": accept})

    def ask(self, path, *arrays):
        response = self.post(path, saved(*arrays))
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), response)
        return loaded(response.body)

    def assert_as_computed(self, path, *arrays):
        """Returns the answer."""
        result, expected = self.ask(path, *arrays), self.ask(path, *computed(*arrays))
        self.assertEqual((result.dtype, result.shape), (expected.dtype, expected.shape))
        self.assertEqual(result.tobytes(), expected.tobytes(), (path, [array.dtype for array in arrays]))
        return result

    def test_every_dtype_in_either_byte_order_and_order_of_dimensions(self):
        chance = np.random.default_rng(1)
        for dtype, order in itertools.product(DTYPES, "CF"):
            with self.subTest(dtype=dtype, order=order):
                x, y = (np.asarray(numbers(chance, dtype, size), order=order) for size in ((70, 33), (41, 33)))
                weights = numbers(chance, dtype, 41)
                k = self.assert_as_computed(MATRIX + "?gamma=0.01&threads=2", x, y)
                self.assertEqual(k.dtype, np.dtype("f4" if dtype.endswith("f4") else "f8"))
                self.assertLessEqual(np.abs(k - kernel(x, y, 0.01)).max(), TOLERANCE[k.dtype])
                self.assert_as_computed(MATRIX, x)
                s = self.assert_as_computed(SUM + "?gamma=0.01&threads=3", x, y, weights)
                wrong = np.abs(s - kernel(x, y, 0.01) @ weights.astype(float)).max()
                self.assertLessEqual(wrong, TOLERANCE[k.dtype] * 41 * 5)
                self.assert_as_computed(SUM, x, numbers(chance, dtype, 70))
                row, other = numbers(chance, dtype, 50_000), numbers(chance, dtype, 50_000)
                z = self.assert_as_computed(GAUSSIAN + "?gamma=0.25&threads=4", row, other)
                expected = np.exp(-0.25 * (row.astype("f8") - other.astype("f8")) ** 2)
                self.assertLessEqual(np.abs(z - expected).max(), TOLERANCE[z.dtype])
                self.assert_as_computed(GAUSSIAN + "?y=0.5", row)
                self.assert_as_computed(GAUSSIAN, row, other[0].reshape(()))

    def test_any_two_dtypes_go_together(self):
        """float32 is computed where all arrays are float32, float64 otherwise."""
        chance = np.random.default_rng(2)
        for one, two in itertools.product(("<f8", ">f4", "<f4", "<f2", "<i2", ">i8", "|u1", "|b1"), repeat=2):
            with self.subTest(one=one, two=two):
                x, y = numbers(chance, one, (30, 3)), numbers(chance, two, (20, 3))
                both_narrow = one[1:] == two[1:] == "f4"
                expected = np.dtype("f4" if both_narrow else "f8")
                self.assertEqual(self.assert_as_computed(MATRIX, x, np.asfortranarray(y)).dtype, expected)
                self.assertEqual(self.assert_as_computed(SUM, x, x, numbers(chance, two, 30)).dtype, expected)
                self.assertEqual(self.assert_as_computed(GAUSSIAN, x[:, 0], numbers(chance, two, 30)).dtype, expected)
                number = numbers(chance, two, 1).reshape(())
                self.assertEqual(self.assert_as_computed(GAUSSIAN, x[:, 0], number).dtype, expected)

    def test_a_number_in_the_query_takes_the_arrays_type(self):
        for dtype, expected in (("f4", "f4"), (">f4", "f4"), ("f2", "f8"), ("u1", "f8")):
            self.assertEqual(self.ask(GAUSSIAN + "?y=0.1", np.ones(3, dtype)).dtype, np.dtype(expected))

    def test_every_float16_has_numpys_value(self):
        halves = np.arange(65536, dtype="<u2").view("<f2")
        with np.errstate(all="ignore"):
            for array in (halves, halves.astype(">f2")):
                self.assert_as_computed(GAUSSIAN + "?y=0&gamma=1e-9", array)
                z = self.ask(GAUSSIAN + "?y=0&gamma=1e-9", array)
                np.testing.assert_array_equal(np.isnan(z), np.isnan(halves))

    def test_arrays_of_all_shapes_in_fortran_order(self):
        chance = np.random.default_rng(3)
        for shape in ((1, 5), (5, 1), (2, 2), (2, 700), (700, 2), (65, 33), (3000, 3), (257, 129)):
            for dtype in ("<f8", ">f4", "<f4", ">i2"):
                with self.subTest(shape=shape, dtype=dtype):
                    x = np.asfortranarray(numbers(chance, dtype, shape))
                    self.assert_as_computed(SUM + "?threads=2", x)
        for shape in ((1, 1), (1, 5), (5, 1), (0, 5)):  # others than NumPy may say so where both orders are the same
            array = np.zeros(shape)
            body = saved(array).replace(b"'fortran_order': False", b"'fortran_order': True ")
            self.assertEqual(loaded(self.post(MATRIX, body).body).tobytes(), self.ask(MATRIX, array).tobytes())

    def test_arrays_without_numbers_have_a_result_without_numbers(self):
        for dtype in DTYPES:
            row, rows = np.zeros(0, dtype), np.zeros((0, 3), dtype)
            self.assertEqual(self.assert_as_computed(GAUSSIAN + "?y=1", row).shape, (0,))
            self.assertEqual(self.assert_as_computed(MATRIX, rows, np.ones((2, 3), dtype)).shape, (0, 2))
            self.assertEqual(self.assert_as_computed(SUM, np.ones((2, 3), dtype, order="F"), rows, row).shape, (2,))

    def test_all_versions_of_the_format(self):
        x = np.asfortranarray(np.arange(12, dtype=">i4").reshape(4, 3))
        for version in ((1, 0), (2, 0), (3, 0)):
            body = io.BytesIO()
            npy_format.write_array(body, x, version=version)
            self.assertEqual(loaded(self.post(MATRIX, body.getvalue()).body).tobytes(), self.ask(MATRIX, x).tobytes())

    def test_integers_that_float64_has_are_taken_however_large(self):
        for dtype in ("<i8", ">i8", "<u8", ">u8"):
            x = np.array([2**53, 2**53 + 2, 2**62, 3 * 2**61, 2**62 + 2**12], dtype)
            self.assert_as_computed(GAUSSIAN + "?y=9007199254740992&gamma=1e-30", x)
        self.assert_as_computed(GAUSSIAN + "?y=0", np.array([-(2**63), -(2**53)], "i8"))
        self.assert_as_computed(GAUSSIAN + "?y=0", np.array([2**64 - 2**11], "u8"))

    def test_integers_that_would_be_changed_are_named(self):
        for dtype in ("<i8", ">i8", "<u8", ">u8"):
            for value in (2**53 + 1, 2**62 + 1, 2**63 - 1) + ((-(2**53) - 1,) if "i" in dtype else (2**64 - 1,)):
                with self.subTest(dtype=dtype, value=value):
                    row = np.zeros(100_000, dtype)
                    row[77_777] = row[99_999] = value
                    response = self.post(GAUSSIAN + "?y=0&threads=4", saved(row))
                    self.assert_problem(response, 422, "out-of-range", "/x/77777")
                    self.assertIn(f'element [77777] of "x" is {value}, ', response.json()["detail"])
                    points = np.zeros((300, 200), dtype)
                    points[123, 45] = points[124, 0] = value
                    for order in "CF":
                        response = self.post(SUM, saved(np.zeros((2, 200)), np.asarray(points, order=order)))
                        self.assert_problem(response, 422, "out-of-range", "/y/123/45")
                        self.assertIn(f'element [123, 45] of "y" is {value}, ', response.json()["detail"])
                    weights = np.array([1, value], dtype)
                    response = self.post(SUM, saved(np.zeros((2, 3)), weights))
                    self.assert_problem(response, 422, "out-of-range", "/weights/1")
                    response = self.post(GAUSSIAN, saved(np.zeros(3), np.array(value, dtype)))
                    self.assert_problem(response, 422, "out-of-range", "/y")

    def test_other_dtypes_are_refused_by_name(self):
        for array, what in (
            (np.zeros(2, "g"), "'<f16', longdouble; "),
            (np.zeros(2, "c8"), "'<c8', complex numbers; "),
            (np.zeros(2, ">c16"), "'>c16', complex numbers; "),
            (np.array(["a", "bc"]), "'<U2', text; "),
            (np.array([b"abc"]), "'|S3', text; "),
            (np.array(["2026-01-01"], "M8[D]"), "'<M8[D]', dates; "),
            (np.zeros(1, "m8[ns]"), "'<m8[ns]', durations; "),
            (np.zeros(1, "V2"), "'|V2', raw bytes; "),
            (np.zeros(1, "V8"), "'|V8', raw bytes; "),
            (np.zeros(2, [("a", "<f8"), ("b", "<i4")]), "a structured dtype, [('a', '<f8'), ('b', '<i4')]; "),
        ):
            if array.dtype == np.dtype("f8"):
                continue  # longdouble is no other type everywhere
            response = self.post(GAUSSIAN + "?y=0", saved(array))
            self.assert_problem(response, 422, "wrong-type", "/x")
            self.assertIn(what, response.json()["detail"])
            detail = response.json()["detail"]
            self.assertIn("taken are float16, float32, float64, int8 to int64, uint8 to uint64 and bool: ", detail)
            self.assertNotEqual(detail[-3:], "...")
        body = io.BytesIO()
        np.save(body, np.array([None, 1], dtype=object), allow_pickle=True)
        response = self.post(GAUSSIAN + "?y=0", body.getvalue())
        self.assert_problem(response, 422, "wrong-type", "/x")
        self.assertIn("'|O', Python objects (a pickle, never read); ", response.json()["detail"])

    def test_what_is_said_to_convert_does(self):
        for array in (np.zeros(2, "g"), np.zeros(2, "c8"), np.array(["1", "2.5"]), np.array([b"1"]),
                      np.array(["2026-01-01"], "M8[D]"), np.zeros(1, "m8[ns]"), np.zeros(2, "V8"),
                      np.array([1, 2.5], object), np.zeros(2, [("rain", "<f8"), ("b", "<i4")])):
            if array.dtype == np.dtype("f8"):
                continue
            body = io.BytesIO()
            np.save(body, array, allow_pickle=True)
            detail = self.post(GAUSSIAN + "?y=0", body.getvalue()).json()["detail"]
            with self.subTest(detail):
                hint = re.search(r"\bx(\.astype\('..'\)|\.view\('f8'\)|\.real|\['rain'\])", detail[detail.index("bool: "):])
                converted = eval("x" + hint[1], {"x": array})  # a hint of this list alone
                self.assertEqual(self.post(GAUSSIAN + "?y=0", saved(converted)).status, 200)

    def test_what_is_no_npy_is_refused_by_name(self):
        array = np.arange(3.0)
        archive, compressed, text = io.BytesIO(), io.BytesIO(), io.BytesIO()
        np.savez(archive, x=array)
        np.savez_compressed(compressed, x=array)
        np.savetxt(text, array.reshape(1, 3), delimiter=",")
        cases = [(body.getvalue(), what) for body, what in (
            (archive, "is a .npz archive"), (compressed, "is a .npz archive"), (text, "is text; "))]
        cases += [(pickle.dumps(array, protocol), "is a pickle") for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
        cases += [(pickle.dumps(value, 0), "is a pickle") for value in ([1.0], {"x": 1.0})]
        cases += [(bz2.compress(saved(array)), "is compressed with bzip2 or xz, "),
                  (lzma.compress(saved(array)), "is compressed with bzip2 or xz, "), (b"FEA1" + bytes(60), "is a Feather file; ")]
        cases += [(b'{"x": [1, 2], "y": 0}', "is JSON; say so: Content-Type: application/json"), (b"[1, 2]", "is JSON; "),
                  (b"a,b\n1,2\n", "is text; "), ("\ufeffa;b\r\n".encode(), "is text; "), ("1\n".encode("utf-16"), "is text"),
                  (array.tobytes(), "starts with other bytes than 93 'NUMPY'")]
        for path in (GAUSSIAN, MATRIX, SUM):
            for body, what in cases:
                with self.subTest(path=path, body=body[:20]):
                    response = self.post(path, body)
                    self.assert_problem(response, 400, "invalid-npy", "/x")
                    self.assertIn(f'"x" {what}', response.json()["detail"])
            if path != GAUSSIAN:
                response = self.post(path, saved(array.reshape(-1, 1)) + archive.getvalue())
                self.assert_problem(response, 400, "invalid-npy", "/y")

    def test_answers_in_json_have_the_values_as_well(self):
        x = np.array([0, 1, 2], ">i2")
        result = self.post(GAUSSIAN + "?y=0&gamma=0.5", saved(x), accept="application/json").json()
        self.assertEqual(result["z"], self.ask(GAUSSIAN + "?y=0&gamma=0.5", x.astype("<f8")).tolist())


class NpyMemory(server.ServerTest):
    options = {"max_body": "18MiB", "memory": "24MiB"}

    def post(self, array):
        return self.server.post(GAUSSIAN + "?y=0", saved(array), headers={"Content-Type": NPY, "Accept": NPY})

    def test_numbers_that_are_converted_are_charged(self):
        response = self.post(np.zeros(1_000_000, "<i2"))
        self.assertEqual(response.status, 200, response)
        response = self.post(np.zeros(4_000_000, "<i2"))  # 32 MB as float64
        self.assert_problem(response, 413, "memory-limit")
        response = self.post(np.zeros(2_000_000))
        self.assertEqual(response.status, 200, response)


if __name__ == "__main__":
    unittest.main()
