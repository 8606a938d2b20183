"""Named data over HTTP: PUT, GET, HEAD and DELETE of /v1/data/{name}, lists, and requests that refer to data."""

import gzip
import hashlib
import json
import time
import unittest
import urllib.parse
import zlib

import arrays
import numpy as np
import server

JSON = "application/json"
NPY = arrays.NPY
TEXT = "text/plain"


class Case(server.ServerTest):
    """Each test has the store to itself, which is as empty before as after."""

    def setUp(self):
        self.assertEqual(server.health(self.server)["data"]["used_bytes"], 0)

    def tearDown(self):
        self.assertEqual(self.server.request("DELETE", "/v1/data?all=true").status, 200)
        server.wait_until(lambda: server.health(self.server)["data"]["used_bytes"] == 0, "nothing is held")

    def put(self, name, body, media=JSON, query="", **headers):
        named = {field.replace("_", "-"): value for field, value in headers.items()}
        path = f"/v1/data/{name}" + (query and "?" + query)
        return self.server.request("PUT", path, body, headers={"Content-Type": media, **named})

    def kept(self, *arguments, **more):
        response = self.put(*arguments, **more)
        self.assertIn(response.status, (200, 201), response)
        return response

    def get(self, name, accept=None, method="GET", **headers):
        named = {field.replace("_", "-"): value for field, value in headers.items()}
        return self.server.request(method, f"/v1/data/{name}", headers={**({"Accept": accept} if accept else {}), **named})

    def array(self, name):
        response = self.get(name, NPY)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), response)
        return arrays.loaded(response.body)

    def delete(self, name, **headers):
        named = {field.replace("_", "-"): value for field, value in headers.items()}
        return self.server.request("DELETE", f"/v1/data/{name}", headers=named)

    def gaussian(self, **fields):
        response = self.server.post("/v1/gaussian", fields)
        self.assertIn(response.status, (200, 201), response)
        return response.json()


class RoundTrips(Case):
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

    def test_npy_arrays_keep_dtype_and_shape_or_become_doubles(self):
        arithmetic = np.arange(12)
        for dtype in ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">f8", ">f4", ">i2"):
            for shape in ((12,), (3, 4), (12, 1)):
                array = arithmetic.astype(dtype).reshape(shape)
                for order in ("C", "F"):
                    with self.subTest(dtype=dtype, shape=shape, order=order):
                        response = self.kept("a", arrays.saved(np.asarray(array, order=order)), NPY)
                        found = self.array("a")
                        kept = "float32" if dtype[-2:] == "f4" else "float64"
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
        for coding, fold in (("gzip", gzip.compress), ("deflate", zlib.compress)):
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
            (arrays.saved(np.zeros((2, 2, 2))), NPY, 422, "wrong-type", ""),
            (arrays.saved(np.array([1j])), NPY, 422, "wrong-type", ""),
            (arrays.saved(np.array([1, 2**53 + 1])), NPY, 422, "out-of-range", "/1"),
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


class Names(Case):
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


class Reading(Case):
    def test_what_it_is(self):
        numbers = np.arange(6.0).reshape(2, 3)
        before = time.time()
        answered = self.kept("a/rows", arrays.saved(numbers), NPY, query="expires_s=3600")
        meta = self.get("a/rows?meta").json()
        self.assertEqual(meta["sha256"], hashlib.sha256(numbers.tobytes()).hexdigest())
        self.assertEqual({key: answered.json()[key] for key in meta}, meta | {"sha256": None})
        self.assertEqual(meta["name"], "a/rows")
        self.assertEqual((meta["kind"], meta["dtype"], meta["shape"], meta["bytes"]), ("rows", "float64", [2, 3], 48))
        created, expires = (time.strptime(meta[key][:19] + "Z", "%Y-%m-%dT%H:%M:%SZ") for key in ("created", "expires"))
        self.assertAlmostEqual(before, time.mktime(created) - time.timezone, delta=server.PATIENCE_S)
        self.assertEqual(time.mktime(expires) - time.mktime(created), 3600)
        self.assertEqual(answered.headers["ETag"], meta["etag"])
        self.assertEqual(answered.headers["Location"], "/v1/data/a/rows")
        self.kept("text", "caf\u00e9".encode(), TEXT)
        meta = self.get("text?meta").json()
        self.assertEqual((meta["kind"], meta["dtype"], meta["shape"], meta["bytes"], meta["expires"]), ("text", None, None, 5, None))
        self.assertEqual(meta["sha256"], hashlib.sha256("caf\u00e9".encode()).hexdigest())

    def test_rows(self):
        flat, rows = np.arange(10.0), np.arange(12.0).reshape(4, 3)
        self.kept("flat", arrays.saved(flat), NPY)
        self.kept("rows", arrays.saved(rows), NPY)
        for begin, end in ((0, 4), (1, 3), (2, 2), (4, 4), (0, 0)):
            for name, whole in (("flat", flat), ("rows", rows)):
                part = f"{name}?rows={begin}:{end}"
                np.testing.assert_array_equal(self.array(part), whole[begin:end])
                self.assertEqual(self.array(part).shape, whole[begin:end].shape)
                self.assertEqual(self.get(part).json(), whole[begin:end].tolist())
        np.testing.assert_array_equal(self.array("rows?rows=2:"), rows[2:])
        np.testing.assert_array_equal(self.array("rows?rows=:2"), rows[:2])
        np.testing.assert_array_equal(self.array("rows?rows=:"), rows)

    def test_rows_that_are_not_there(self):
        self.kept("rows", "[[1],[2]]")
        self.kept("text", '"text"')
        self.kept("one", "1")
        for query, slug in (("0:3", "out-of-range"), ("2:1", "out-of-range"), ("-1:2", "wrong-type"), ("1", "wrong-type"),
                            ("a:b", "wrong-type"), ("1:2:1", "wrong-type"), ("9" * 30 + ":", "wrong-type"), ("", "wrong-type")):
            self.assert_problem(self.get(f"rows?rows={query}"), 422, slug, "/rows")
        self.assert_problem(self.get("text?rows=0:1"), 422, "wrong-type", "/rows")
        self.assert_problem(self.get("one?rows=0:1"), 422, "wrong-type", "/rows")
        self.assert_problem(self.get("rows?rows=0:1&meta"), 422, "conflicting-fields", "/rows")
        self.assert_problem(self.get("rows?row=0:1"), 422, "unknown-field", "/row")
        self.assert_problem(self.get("rows?store=x"), 422, "unknown-field", "/store")

    def test_media_by_accept(self):
        self.kept("numbers", "[1]")
        self.kept("text", '"text"')
        for name, accept, media in (
            ("numbers", None, JSON), ("numbers", "*/*", JSON), ("numbers", NPY, NPY), ("numbers", "text/html, */*;q=0.1", JSON),
            ("numbers", "text/plain, application/json;q=0.5", JSON), ("numbers", f"{JSON};q=0.5, {NPY}", NPY),
            ("text", None, JSON), ("text", TEXT, TEXT), ("text", f"{NPY}, text/*;q=0.2", TEXT),
        ):
            response = self.get(name, accept)
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, media), (name, accept))
            self.assertIn("Accept", response.headers["Vary"])
        self.assert_problem(self.get("numbers", TEXT), 406, "not-acceptable")
        self.assert_problem(self.get("text", NPY), 406, "not-acceptable")
        self.assert_problem(self.get("text?meta", TEXT), 406, "not-acceptable")
        self.assert_problem(self.get("text", "image/png"), 406, "not-acceptable")

    def test_head_is_get_without_a_body(self):
        self.kept("a", json.dumps(list(range(100))))
        for accept in (JSON, NPY):
            get, head = self.get("a", accept), self.get("a", accept, "HEAD")
            self.assertEqual((head.status, head.body), (200, b""))
            for field in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
                self.assertEqual(head.headers[field], get.headers[field])
        self.assertEqual(self.get("a", NPY, "HEAD", Range="bytes=0-1").status, 200)
        self.assertEqual(self.get("nothing", method="HEAD").status, 404)
        self.assertEqual(self.get("a?meta", method="HEAD").status, 200)

    def test_ranges(self):
        self.kept("a", arrays.saved(np.arange(1000.0)), NPY)
        whole = self.get("a", NPY).body
        size = len(whole)
        self.assertEqual(size, 8128)
        for asked, begin, end in (("0-0", 0, 1), ("0-127", 0, 128), ("100-199", 100, 200), ("128-", 128, size), ("-8", size - 8, size),
                                  ("-99999", 0, size), (f"8000-{size + 5}", 8000, size), ("127-128", 127, 129)):
            response = self.get("a", NPY, Range=f"bytes={asked}")
            self.assertEqual((response.status, response.body), (206, whole[begin:end]), asked)
            self.assertEqual(response.headers["Content-Range"], f"bytes {begin}-{end - 1}/{size}")
        for asked in (f"{size}-", "-0", "999999-"):
            response = self.get("a", NPY, Range=f"bytes={asked}")
            self.assert_problem(response, 416, "range-not-satisfiable")
            self.assertEqual(response.headers["Content-Range"], f"bytes */{size}")
        for asked in ("bytes=0-1,3-4", "bytes=2-1", "bytes=a-b", "bytes=", "rows=0-1", "bytes=-", "0-1"):
            self.assertEqual(self.get("a", NPY, Range=asked).status, 200, asked)
        self.assertEqual(self.get("a", JSON, Range="bytes=0-1").status, 200)
        tag = self.get("a", NPY).headers["ETag"]
        self.assertEqual(self.get("a", NPY, Range="bytes=0-1", If_Range=tag).status, 206)
        for other in ('"other"', "W/" + tag, self.get("a").headers["ETag"], "Sat, 01 Jan 2022 00:00:00 GMT"):
            self.assertEqual(self.get("a", NPY, Range="bytes=0-1", If_Range=other).status, 200, other)

    def test_who_has_it_is_told_so(self):
        self.kept("a", arrays.saved(np.arange(10.0)), NPY)
        tags = {accept: self.get("a", accept).headers["ETag"] for accept in (JSON, NPY)}
        self.assertEqual(len(set(tags.values())), 2)
        for accept, tag in tags.items():
            for listed in (tag, "W/" + tag, f'"x", {tag}', "*"):
                response = self.get("a", accept, If_None_Match=listed)
                self.assertEqual((response.status, response.body, response.headers["ETag"]), (304, b"", tag))
            for listed in ('"x"', *[other for other in tags.values() if other != tag]):
                self.assertEqual(self.get("a", accept, If_None_Match=listed).status, 200)
        self.assertEqual(self.get("a", If_Match=tags[JSON]).status, 200)
        self.assert_problem(self.get("a", If_Match='"x"'), 412, "precondition-failed")
        self.kept("a", arrays.saved(np.arange(10.0)), NPY)
        self.assertEqual(self.get("a", JSON, If_None_Match=tags[JSON]).status, 200)


class Conditions(Case):
    def test_nothing_is_overwritten_where_that_is_asked(self):
        self.assertEqual(self.put("a", "[1]", If_None_Match="*").status, 201)
        self.assert_problem(self.put("a", "[2]", If_None_Match="*"), 412, "precondition-failed")
        self.assertEqual(self.get("a").json(), [1])

    def test_only_what_was_seen_is_replaced(self):
        self.assert_problem(self.put("a", "[1]", If_Match="*"), 412, "precondition-failed")
        first = self.kept("a", "[1]").headers["ETag"]
        second = self.put("a", "[2]", If_Match=first)
        self.assertEqual(second.status, 200)
        self.assert_problem(self.put("a", "[3]", If_Match=first), 412, "precondition-failed")
        self.assert_problem(self.put("a", "[3]", If_Match="W/" + second.headers["ETag"]), 412, "precondition-failed")
        self.assertEqual(self.put("a", "[3]", If_Match=self.get("a", NPY).headers["ETag"]).status, 200)
        self.assert_problem(self.delete("a", If_Match=first), 412, "precondition-failed")
        self.assertEqual(self.delete("a", If_Match="*").status, 204)

    def test_results_have_the_same_conditions(self):
        body = {"x": [1], "y": 1, "store": "z"}
        self.assertEqual(self.server.post("/v1/gaussian", body, headers={"If-None-Match": "*"}).status, 201)
        response = self.server.post("/v1/gaussian", body, headers={"If-None-Match": "*"})
        self.assert_problem(response, 412, "precondition-failed")
        self.assertEqual(self.server.post("/v1/gaussian", body).status, 201)

    def test_of_many_at_once_one_comes_first(self):
        statuses = server_parallel(20, lambda: self.put("once", "[1]", If_None_Match="*").status)
        self.assertEqual(sorted(statuses), [201] + [412] * 19)


def server_parallel(count, call):
    """What so many calls at once return."""
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(count)]]


class Expiry(Case):
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


class Computing(Case):
    """A request that refers to data gives what it gives with the data in its body."""

    def same(self, path, referring, plain, query=False):
        if query:
            text = "&".join(f"{key}=data:{value['data']}" if isinstance(value, dict) else f"{key}={value}" for key, value in referring.items())
            answer = self.server.request("POST", f"{path}?{text}")
        else:
            answer = self.server.post(path, referring)
        expected = self.server.post(path, plain).json()
        self.assertEqual(answer.status, 200, answer)
        for unsteady in ("threads", "timing"):
            expected.pop(unsteady)
        found = answer.json()
        self.assertEqual({key: found[key] for key in expected}, expected)

    def test_gaussians(self):
        x, y = np.linspace(-1, 1, 5000), np.linspace(0, 2, 5000)
        self.kept("x", json.dumps(x.tolist()))
        self.kept("y", arrays.saved(y), NPY)
        plain = {"x": x.tolist(), "y": y.tolist()}
        self.same("/v1/gaussian", {"x": {"data": "x"}, "y": {"data": "y"}}, plain)
        self.same("/v1/gaussian", {"x": {"data": "x"}, "y": {"data": "y"}}, plain, query=True)
        self.same("/v1/gaussian", {"x": {"data": "x"}, "y": y.tolist(), "threads": 2}, plain)
        self.same("/v1/gaussian", {"x": {"data": "x", "rows": [10, 20]}, "y": 0.5}, {"x": x[10:20].tolist(), "y": 0.5})
        body = arrays.saved(y)
        response = self.server.post("/v1/gaussian?x=data:x", body, headers={"Content-Type": NPY})
        self.assertEqual(response.json()["z"], self.gaussian(**plain)["z"])

    def test_points(self):
        rng = np.random.default_rng(7)
        x, y, weights = rng.random((50, 3)), rng.random((40, 3)), rng.random(40)
        for name, array in (("x", x), ("y", y), ("w", weights)):
            self.kept(name, arrays.saved(array), NPY)
        plain = {"x": x.tolist(), "y": y.tolist()}
        self.same("/v1/gaussian/matrix", {"x": {"data": "x"}, "y": {"data": "y"}}, plain, query=True)
        self.same("/v1/gaussian/matrix", {"x": {"data": "x", "rows": [5, 25]}}, {"x": x[5:25].tolist()})
        named = {"x": {"data": "x"}, "y": {"data": "y"}, "weights": {"data": "w"}}
        self.same("/v1/gaussian/sum", named, plain | {"weights": weights.tolist()}, query=True)
        body = arrays.saved(y, weights)
        response = self.server.post("/v1/gaussian/sum?x=data:x", body, headers={"Content-Type": NPY})
        expected = self.server.post("/v1/gaussian/sum", plain | {"weights": weights.tolist()}).json()["s"]
        self.assertEqual(response.json()["s"], expected)
        response = self.server.post("/v1/gaussian/sum?weights=data:w&y=data:y", arrays.saved(x), headers={"Content-Type": NPY})
        self.assertEqual(response.json()["s"], expected)

    def test_texts(self):
        text = server.zen(200)
        self.kept("zen", text.encode(), TEXT)
        for rest in ({}, {"word": "is"}, {"words": ["is", "better"]}, {"top": 5}, {"word": "is", "match": "words"}):
            self.same("/v1/wordcount", {"text": {"data": "zen"}, **rest}, {"text": text, **rest})
        self.same("/v1/wordcount", {"text": {"data": "zen"}, "word": "is"}, {"text": text, "word": "is"}, query=True)
        response = self.server.post("/v1/wordcount?text=data:zen", b"another", headers={"Content-Type": TEXT})
        self.assert_problem(response, 422, "conflicting-fields", "/text")
        response = self.server.request("QUERY", "/v1/wordcount?text=data:zen&word=is")
        self.assertEqual((response.status, response.json()["count"]), (200, 2000))

    def test_ranges(self):
        self.kept("ranges", "[10,20,30]")
        answer = self.server.post("/v1/triangular", {"ranges": {"data": "ranges"}}).json()
        self.assertEqual(answer["sum"], self.server.post("/v1/triangular", {"ranges": [10, 20, 30]}).json()["sum"])

    def test_float32_stays_float32(self):
        x = np.linspace(0, 1, 1000, dtype=np.float32)
        self.kept("x", arrays.saved(x), NPY)
        path = "/v1/gaussian?x=data:x&y=0.5"
        found = arrays.loaded(self.server.request("POST", path, headers={"Accept": NPY}).body)
        sent = self.server.post("/v1/gaussian?y=0.5", arrays.saved(x), headers={"Content-Type": NPY, "Accept": NPY})
        self.assertEqual(found.dtype, np.float32)
        self.assertEqual(found.tobytes(), arrays.loaded(sent.body).tobytes())

    def test_operands_are_never_changed(self):
        x = np.linspace(-1, 1, 100_000)
        self.kept("x", arrays.saved(x), NPY)
        for _ in range(3):
            self.assertEqual(self.server.request("POST", "/v1/gaussian?x=data:x&y=data:x").status, 200)
            self.assertEqual(self.array("x").tobytes(), x.tobytes())

    def test_results_are_kept(self):
        x = np.linspace(-1, 1, 100_000)
        self.kept("x", arrays.saved(x), NPY)
        response = self.server.request("POST", "/v1/gaussian?x=data:x&y=0&gamma=2&store=z")
        self.assertEqual(response.status, 201, response)
        meta = response.json()
        self.assertEqual((meta["name"], meta["shape"], meta["gamma"], response.headers["Location"]), ("z", [100_000], 2, "/v1/data/z"))
        self.assertIn("timing", meta)
        sent = self.server.post("/v1/gaussian?y=0&gamma=2", arrays.saved(x), headers={"Content-Type": NPY, "Accept": NPY})
        self.assertEqual(self.array("z").tobytes(), arrays.loaded(sent.body).tobytes())
        response = self.server.request("POST", "/v1/gaussian?x=data:z&y=0&store=z", headers={"Accept": NPY})
        self.assertEqual((response.status, response.headers["Content-Type"]), (201, JSON))
        rows = self.server.post("/v1/gaussian/matrix", {"x": [[0], [1]], "store": "k"})
        self.assertEqual((rows.json()["kind"], rows.json()["shape"]), ("rows", [2, 2]))
        self.assertEqual(self.get("k").json(), self.server.post("/v1/gaussian/matrix", {"x": [[0], [1]]}).json()["k"])

    def test_counts_are_kept_as_numbers(self):
        text = "a b a\nc\n"
        for rest, numbers in (({}, [2, 4, 8, 8]), ({"word": "a"}, [2]), ({"words": ["a", "c", "x"]}, [2, 1, 0])):
            response = self.server.post("/v1/wordcount", {"text": text, "store": "n", **rest})
            self.assertEqual(response.status, 201, response)
            self.assertEqual(self.get("n").json(), numbers)
        response = self.server.post("/v1/wordcount?word=a&store=n", text.encode(), headers={"Content-Type": TEXT})
        self.assertEqual((response.status, self.get("n").json()), (201, [2]))
        self.assertEqual(self.server.post("/v1/triangular", {"ranges": [3, 4], "store": "n"}).status, 201)
        self.assertEqual(self.get("n").json(), [3, 6])
        response = self.server.post("/v1/wordcount", {"text": text, "top": 1, "store": "n"})
        self.assert_problem(response, 422, "conflicting-fields", "/store")

    def test_query_keeps_nothing(self):
        response = self.server.request("QUERY", "/v1/gaussian", {"x": [1], "y": 1, "store": "z"})
        self.assert_problem(response, 422, "conflicting-fields", "/store")

    def test_what_is_no_reference_is_refused(self):
        self.kept("x", "[1,2,3]")
        for reference, pointer in (
            ({"data": "x", "row": [0, 1]}, "/x/row"), ({"data": 1}, "/x/data"), ({}, "/x/data"), ({"data": "x", "rows": [0]}, "/x/rows"),
            ({"data": "x", "rows": [0, 9]}, "/x/rows"), ({"data": "x", "rows": [2, 1]}, "/x/rows/1"), ({"data": "x", "rows": None}, "/x/rows"),
        ):
            response = self.server.post("/v1/gaussian", {"x": reference, "y": 1})
            self.assertEqual((response.status, response.json().get("pointer")), (422, pointer), response)
        for query in ("x=data:&y=1", "x=data:..&y=1", "x=data:nothing&y=1", "x=data:x&y=datax", "x=data&y=1"):
            response = self.server.request("POST", "/v1/gaussian?" + query)
            self.assertEqual(response.status, 422, (query, response))


class Room(Case):
    options = {"data_memory": "4MiB", "memory": "64MiB", "max_body": "32MiB"}

    def test_a_full_store_says_so_and_recovers(self):
        big = np.zeros(300_000)  # 2.4 MB
        self.kept("a", arrays.saved(big), NPY)
        before = server.health(self.server)
        response = self.put("b", arrays.saved(big), NPY)
        self.assert_problem(response, 507, "data-full")
        for figure in ("24", str(4 << 20), str(server.health(self.server)["data"]["used_bytes"])):
            self.assertIn(figure, response.json()["detail"])
        self.assert_problem(self.put("b", json.dumps(big.tolist())), 507, "data-full")
        response = self.server.request("POST", "/v1/gaussian?x=data:a&y=0&store=b")
        self.assert_problem(response, 507, "data-full")
        self.assertEqual(self.get("a?rows=0:1").json(), [0])
        self.assertEqual(server.health(self.server)["data"], before["data"])
        self.kept("a", arrays.saved(big), NPY)  # in place of itself
        self.assertEqual(self.delete("a").status, 204)
        self.kept("b", arrays.saved(big), NPY)

    def test_what_never_fits_is_refused_before_it_comes(self):
        head = (f"PUT /v1/data/a HTTP/1.1\r\nHost: a\r\nContent-Type: {NPY}\r\nContent-Length: 9000000\r\n"
                "Expect: 100-continue\r\n\r\n").encode()
        with self.server.socket() as connection:
            connection.sendall(head)
            self.assertEqual(server.read_response(connection, "PUT").status, 507)
        head = head.replace(b"/a ", b"/a%20b ").replace(b"9000000", b"900000")
        with self.server.socket() as connection:
            connection.sendall(head)
            self.assertEqual(server.read_response(connection, "PUT").status, 422)

    def test_memory_is_as_before_when_all_is_deleted(self):
        def used():
            return server.health(self.server)["memory"]["used_bytes"]

        self.get("nothing")
        before = used()
        for number in range(50):
            self.kept(f"n/{number}", json.dumps(list(range(number * 100))))
            self.kept(f"n/{number}", arrays.saved(np.zeros(number * 10)), NPY)
            self.kept(f"t/{number}", "text " * number, TEXT)
            self.assertEqual(self.server.request("POST", f"/v1/gaussian?x=data:n/{number}&y=1&store=z/{number}").status, 201)
        self.assertGreater(used(), before)
        self.assertEqual(self.server.request("DELETE", "/v1/data?all=true").json()["deleted"], 150)
        server.wait_until(lambda: used() <= before, "memory is as before")


if __name__ == "__main__":
    unittest.main()
