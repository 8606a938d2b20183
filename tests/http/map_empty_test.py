"""Arrays without numbers in POST /v1/map: their shapes may be huge, and their results' bytes, text and time are bounded."""

import unittest

import server
from arrays import NPY, loaded


class Empty(server.ServerTest):
    options = {"cores": 2, "max_body": "64MiB"}

    def ask_empty(self, shape, query, accept=NPY, dtype="<f8"):
        """Of a shape that NumPy itself may not make: the head alone says it."""
        text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
        head = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"
        return self.server.request("POST", f"/v1/map?expr=x&names=x&{query}", head,
                                   headers={"Content-Type": NPY, "Accept": accept})

    def test_huge_shapes_of_nothing(self):
        for exponent in (49, 59, 60, 61, 62):
            for shape, axis in ((f"(0, {2**exponent})", 0), (f"({2**exponent}, 0)", 1), (f"(1, {2**exponent}, 0, 1)", 2)):
                for dtype in ("<f8", "<f4", "|b1"):
                    for reduce in ("sum", "argmin"):
                        with self.subTest(shape=shape, dtype=dtype, reduce=reduce):
                            response = self.ask_empty(shape, f"reduce={reduce}&axis={axis}", dtype=dtype)
                            self.assertIn((response.status, response.slug()), ((413, "memory-limit"),), response)
                            self.assertNotRegex(response.json()["detail"], r"\d{19}")
        response = self.ask_empty("(0, 200000000)", "reduce=sum&axis=0&timeout_ms=50")
        self.assertEqual((response.status, response.slug()), (504, "deadline-exceeded"), response)
        self.assertEqual(loaded(self.ask_empty("(0, 3)", "reduce=sum&axis=0").body).tolist(), [0, 0, 0])

    def test_empty_arrays_in_json(self):
        for shape in ("(1000000, 1000000, 0)", "(65537, 0)", "(100000000, 0)", f"({2**40}, 0)", f"(0, {2**40})"):
            with self.subTest(shape=shape):
                response = self.ask_empty(shape, "", "application/json")
                if shape.startswith("(0"):
                    self.assertEqual(response.json()["z"], [])
                else:
                    self.assertEqual((response.status, response.slug()), (422, "out-of-range"), response)
                    self.assertIn("65536 empty arrays", response.json()["detail"])
        self.assertEqual(self.ask_empty("(2, 3, 0)", "", "application/json").json()["z"], [[[], [], []]] * 2)
        self.assertEqual(self.ask_empty("(65536, 0)", "", "application/json").json()["z"], [[]] * 65536)


if __name__ == "__main__":
    unittest.main()
