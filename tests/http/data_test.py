"""Named data over HTTP: what is put comes back, under names that are allowed, until it expires."""

import gzip
import json
import unittest
import urllib.parse

import arrays
import data_case
import numpy as np
import server
from coding_test import FOLD
from data_case import JSON, NPY, TEXT

# What .npy arrays are kept as, where that isn't float64.
KEPT = {"f4": "float32", "?": "bool", **dict.fromkeys(("i1", "i2", "i4", "i8", "u1", "u2", "u4"), "int64")}


class RoundTrips(data_case.Case):
    def test_json_comes_back(self):
        for body in ("[1,2.5,-3]", "[[1,2],[3,4]]", "[]", "3.5", '"text"', '""', '"caf\u00e9 \U0001f600"', "[-0.0,1e-320]"):
            with self.subTest(body):
                self.assertEqual(self.put("a/b", body, query="").status, 201)
                response = self.get("a/b")
                self.assertEqual((response.status, response.headers["Content-Type"]), (200, JSON))
                self.assertEqual(response.json(), json.loads(body))
                self.assertEqual(self.delete("a/b").status, 204)

    def test_white_space_and_a_byte_order_mark_are_no_part_of_it(self):
        self.kept("a", b"\xef\xbb\xbf \n [ 1 ,\t2 ] \r\n")
        self.assertEqual(self.get("a").json(), [1, 2])
        self.kept("a", b"\xef\xbb\xbfa b", TEXT)
        self.assertEqual(self.get("a", TEXT).body, b"a b")

    def test_long_arrays_come_back(self):
        numbers = np.random.default_rng(1).random(300_000)
        self.kept("long", json.dumps(numbers.tolist()))
        np.testing.assert_array_equal(self.array("long"), numbers)
        self.assertEqual(self.get("long").json(), numbers.tolist())
        rows = numbers.reshape(-1, 3)
        self.kept("long", json.dumps(rows.tolist()))
        np.testing.assert_array_equal(self.array("long"), rows)

    def test_npy_arrays_keep_dtype_and_shape_or_become_wider(self):
        arithmetic = np.arange(12)
        for dtype in ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">f8", ">f4", ">i2"):
            for shape in ((12,), (3, 4), (12, 1)):
                array = arithmetic.astype(dtype).reshape(shape)
                for order in ("C", "F"):
                    with self.subTest(dtype=dtype, shape=shape, order=order):
                        response = self.kept("a", arrays.saved(np.asarray(array, order=order)), NPY)
                        found = self.array("a")
                        kept = KEPT.get(dtype[-2:].strip("<>"), "float64")
                        self.assertEqual((found.dtype, found.shape), (kept, shape))
                        np.testing.assert_array_equal(found, array.astype(kept))
                        meta = response.json()
                        self.assertEqual((meta["dtype"], meta["sent_dtype"]), (kept, array.dtype.name))
                        self.assertEqual(meta["shape"], list(shape))
                        self.assertEqual(meta["kind"], "rows" if len(shape) == 2 else "numbers")
        self.kept("a", arrays.saved(np.float64(2.5)), NPY)
        self.assertEqual(self.array("a").shape, ())

    def test_nan_and_infinity_come_by_npy(self):
        odd = np.array([1, np.nan, np.inf, -np.inf, -0.0])
        self.kept("odd", arrays.saved(odd), NPY)
        self.assertEqual(self.array("odd").tobytes(), odd.tobytes())
        self.assert_problem(self.get("odd"), 422, "non-finite-result", "/1")
        self.assertEqual(self.get("odd?rows=0:1").json(), [1])
        self.kept("odd", arrays.saved(odd.reshape(5, 1)), NPY)
        self.assert_problem(self.get("odd"), 422, "non-finite-result", "/1/0")

    def test_empty_arrays(self):
        for shape in ((0,), (0, 3), (3, 0)):
            self.kept("none", arrays.saved(np.zeros(shape)), NPY)
            self.assertEqual(self.array("none").shape, shape)
            self.assertEqual(self.get("none").json(), np.zeros(shape).tolist())

    def test_plain_texts(self):
        for text in (b"", b"a b\n", "caf\u00e9 \U0001f600 \u4e16".encode(), b"x" * 3_000_000, b"no UTF-8: \xff\xfe\xfd."):
            with self.subTest(text[:20]):
                self.kept("text", text, TEXT)
                response = self.get("text", TEXT)
                self.assertEqual((response.headers["Content-Type"], response.body), (TEXT, text))
        self.assert_problem(self.get("text"), 400, "invalid-utf8")
        self.kept("text", "caf\u00e9".encode(), TEXT)
        self.assertEqual(self.get("text").json(), "caf\u00e9")

    def test_texts_in_json(self):
        text = '"quotes", \\ and \n, caf\u00e9 \U0001f600 ' * 20_000
        for ascii_only in (True, False):
            self.kept("text", json.dumps(text, ensure_ascii=ascii_only).encode())
            self.assertEqual(self.get("text", TEXT).body.decode(), text)
            self.assertEqual(self.get("text").json(), text)

    def test_bodies_in_any_coding(self):
        numbers = np.arange(50_000.0)
        for coding, fold in FOLD.items():
            self.kept("a", fold(arrays.saved(numbers)), NPY, Content_Encoding=coding)
            np.testing.assert_array_equal(self.array("a"), numbers)
            self.kept("a", fold(json.dumps(numbers.tolist()).encode()), Content_Encoding=coding)
            np.testing.assert_array_equal(self.array("a"), numbers)
            self.kept("a", fold(b"a text " * 1000), TEXT, Content_Encoding=coding)
            self.assertEqual(self.get("a", TEXT).body, b"a text " * 1000)

    def test_chunked_bodies(self):
        numbers = np.arange(100_000.0)
        body = arrays.saved(numbers)
        pieces = (body[at : at + 60_000] for at in range(0, len(body), 60_000))
        connection = self.server.connect()
        connection.request("PUT", "/v1/data/a", body=pieces, headers={"Content-Type": NPY}, encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()
        np.testing.assert_array_equal(self.array("a"), numbers)

    def test_answers_in_a_coding_that_must_be(self):
        self.kept("a", b"a text " * 1000, TEXT)
        response = self.get("a", TEXT, Accept_Encoding="gzip, identity;q=0")
        self.assertEqual(gzip.decompress(response.body), b"a text " * 1000)
        self.assertNotEqual(response.headers["ETag"], self.get("a", TEXT).headers["ETag"])
        self.assertEqual(self.get("a", TEXT, Accept_Encoding="gzip, identity;q=0", Range="bytes=0-3").status, 200)

    def test_what_is_no_data_is_refused_and_changes_nothing(self):
        self.kept("a", "[1]")
        cases = [
            (b"", JSON, 400, "empty-body", ""),
            (b"  ", JSON, 400, "empty-body", ""),
            (b"[1,2", JSON, 400, "invalid-json", ""),
            (b'"abc', JSON, 400, "invalid-json", ""),
            (b"[1 2]", JSON, 400, "invalid-json", ""),
            (b"[1,]", JSON, 400, "invalid-json", ""),
            (b"[01]", JSON, 400, "invalid-json", ""),
            (b"nothing", JSON, 400, "invalid-json", ""),
            (b"[NaN]", JSON, 400, "invalid-json", ""),
            (b"[1],[2]", JSON, 400, "trailing-data", ""),
            (b"[1 2],[2]", JSON, 400, "invalid-json", ""),
            (b"1 2", JSON, 400, None, ""),
            (b'1,"data":2', JSON, 400, None, ""),
            (b"[1e999]", JSON, 400, "number-overflow", ""),
            (b'"\xff"', JSON, 400, "invalid-utf8", ""),
            ("[1]".encode("utf-16"), JSON, 400, "invalid-utf8", ""),
            ("text".encode("utf-16"), TEXT, 400, "invalid-utf8", ""),
            (b'{"x": 1}', JSON, 422, "wrong-type", ""),
            (b"true", JSON, 422, "wrong-type", ""),
            (b"null", JSON, 422, "wrong-type", ""),
            (b'[1,"2"]', JSON, 422, "wrong-type", "/1"),
            (b"[[1],2]", JSON, 422, "wrong-type", "/1"),
            (b"[[1,2],[3]]", JSON, 422, "length-mismatch", "/1"),
            (b"[[[1]]]", JSON, 422, "wrong-type", "/0/0"),
            (b"", NPY, 400, "empty-body", ""),
            (b"[1]", NPY, 400, "invalid-npy", ""),
            (arrays.saved(np.arange(3.0))[:-1], NPY, 400, "invalid-npy", ""),
            (arrays.saved(np.arange(3.0)) + b"x", NPY, 400, "invalid-npy", ""),
            (arrays.saved(np.zeros((1,) * 5)), NPY, 422, "wrong-type", ""),
            (arrays.saved(np.array([1j])), NPY, 422, "wrong-type", ""),
            (arrays.saved(np.array([1, 2**53 + 1], "u8")), NPY, 422, "out-of-range", "/1"),
            (b"[1]", "application/xml", 415, "unsupported-media-type", ""),
        ]
        for body, media, status, slug, pointer in cases:
            with self.subTest(body=body[:30], media=media):
                response = self.put("a", body, media)
                self.assert_problem(response, status, slug or response.slug(), pointer)
        self.assertEqual(self.get("a").json(), [1])

    def test_mistakes_are_where_they_are_in_the_body(self):
        for body, position in ((b"[1,x]", 4), (b"\xef\xbb\xbf [1,x]", 8), (b"[1],x", 4)):
            detail = self.put("a", body).json()["detail"]
            self.assertTrue(detail.startswith(f"at byte {position}"), detail)


class Names(data_case.Case):
    def test_all_that_are_allowed(self):
        for name in ("a", "A-Z_0.9", "a/b/c.npy", ".hidden", "...", "n" * 128, "a/" * 63 + "bc"):
            self.assertEqual(self.put(name, "[1]").status, 201, name)
            self.assertEqual(self.get(name).json(), [1])

    def test_no_other_and_no_way_out_of_a_folder(self):
        names = ("a//b", "a/", ".", "..", "../a", "a/..", "a/../b", "a/./b", "%2e%2e/a", "a%2Fb", "a%00", "a%20b", "a+b",
                 "a:b", "a~", "a@b", "caf%C3%A9", "n" * 129, "a;b", "a=b", "a,b", "*", "")
        for name in names:
            for method, body in (("PUT", "[1]"), ("GET", None), ("DELETE", None)):
                headers = {"Content-Type": JSON} if body else {}
                response = self.server.request(method, f"/v1/data/{name}", body, headers=headers)
                if name == "a%00":  # is no path at all
                    self.assert_problem(response, 400, "malformed-request")
                elif name == "":
                    self.assert_problem(response, 404, "not-found")
                else:
                    self.assert_problem(response, 422, "invalid-name")
            if "%" not in name and name:
                body = {"x": {"data": name}, "y": 1}
                self.assert_problem(self.server.post("/v1/gaussian", body), 422, "invalid-name", "/x/data")
                body = {"x": [1], "y": 1, "store": name}
                self.assert_problem(self.server.post("/v1/gaussian", body), 422, "invalid-name", "/store")

    def test_a_name_that_stands_for_nothing(self):
        self.assert_problem(self.get("nothing"), 404, "not-found")
        self.assert_problem(self.get("nothing?meta"), 404, "not-found")
        self.assert_problem(self.delete("nothing"), 404, "not-found")
        response = self.server.post("/v1/gaussian", {"x": {"data": "nothing"}, "y": 1})
        self.assert_problem(response, 422, "unknown-data", "/x/data")

    def test_lists_in_pages(self):
        names = sorted(f"{group}/{number}" for group in "ab" for number in range(30))
        for name in names:
            self.kept(name, "[1,2]")
        seen, after = [], ""
        while after is not None:
            page = self.server.get(f"/v1/data?limit=7&after={urllib.parse.quote(after)}").json()
            self.assertLessEqual(len(page["data"]), 7)
            seen += [entry["name"] for entry in page["data"]]
            after = page["next"]
        self.assertEqual(seen, names)
        page = self.server.get("/v1/data?prefix=b/2").json()
        self.assertEqual([entry["name"] for entry in page["data"]], [name for name in names if name.startswith("b/2")])
        self.assertIsNone(page["next"])
        self.assertEqual(page["data"][0], self.get("b/2?meta").json() | {"sha256": None})
        self.assertEqual(page["count"], 60)
        self.assertEqual(self.server.get("/v1/data?prefix=c").json()["data"], [])
        for query in ("limit=0", "limit=1001", "limit=x", "prefix=..%2F", "prefix=a%20", "afte=a", "after=%00"):
            self.assertIn(self.server.get("/v1/data?" + query).status, (400, 422), query)

    def test_all_of_a_prefix_go_where_that_is_meant(self):
        for name in ("t/1", "t/2", "tt", "u"):
            self.kept(name, "[1,2]")
        self.assert_problem(self.server.request("DELETE", "/v1/data?prefix=t/"), 422, "missing-field", "/all")
        self.assert_problem(self.server.request("DELETE", "/v1/data?prefix=t/&all=no"), 422, "out-of-range", "/all")
        self.assertEqual(len(self.server.get("/v1/data").json()["data"]), 4)
        response = self.server.request("DELETE", "/v1/data?prefix=t/&all=true")
        self.assertEqual((response.status, response.json()), (200, {"deleted": 2, "bytes": 32}))
        self.assertEqual([entry["name"] for entry in self.server.get("/v1/data").json()["data"]], ["tt", "u"])

    def test_methods(self):
        response = self.server.request("PATCH", "/v1/data/a")
        self.assertEqual((response.status, response.headers["Allow"]), (405, "GET, HEAD, PUT, DELETE, OPTIONS"))
        self.assertEqual(self.server.request("POST", "/v1/data").headers["Allow"], "GET, HEAD, DELETE, OPTIONS")


class Expiry(data_case.Case):
    def test_what_has_expired_is_gone(self):
        self.kept("goes", "[1]", query="expires_s=1")
        self.kept("stays", "[1]", query="expires_s=1000")
        self.assertEqual(self.get("goes").status, 200)
        server.wait_until(lambda: self.get("goes").status == 404, "it has expired")
        server.wait_until(lambda: server.health(self.server)["data"]["names"] == 1, "it was freed")
        self.assertEqual(self.get("stays").status, 200)

    def test_results_expire_as_well(self):
        response = self.server.post("/v1/gaussian", {"x": [1], "y": 1, "store": "z", "expires_s": 1})
        self.assertIsNotNone(response.json()["expires"])
        server.wait_until(lambda: self.get("z").status == 404, "it has expired")

    def test_seconds_are_whole_and_few_enough(self):
        for seconds in ("0", "-1", "1.5", "x", "", "1e12"):
            self.assertEqual(self.put("a", "[1]", query=f"expires_s={seconds}").status, 422, seconds)
        response = self.server.post("/v1/gaussian", {"x": [1], "y": 1, "expires_s": 5})
        self.assert_problem(response, 422, "missing-field", "/store")


if __name__ == "__main__":
    unittest.main()
