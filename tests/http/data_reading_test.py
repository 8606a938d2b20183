"""Named data over HTTP: what it is, rows and ranges of it, media, and conditions."""

import concurrent.futures
import hashlib
import json
import time
import unittest

import arrays
import data_case
import numpy as np
import server
from data_case import JSON, NPY, TEXT


class Reading(data_case.Case):
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


def server_parallel(count, call):
    """What so many calls at once return."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(count)]]


class Conditions(data_case.Case):
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

    def test_who_comes_between_head_and_body_comes_first(self):
        with self.server.socket() as slow:
            slow.sendall(b"PUT /v1/data/slow HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nIf-None-Match: *\r\n"
                         b"Content-Length: 3\r\n\r\n")
            server.wait_until(lambda: server.health(self.server)["connections"] > 1, "it is there")
            self.assertEqual(self.put("slow", "[1]").status, 201)
            slow.sendall(b"[2]")
            self.assert_problem(server.read_response(slow), 412, "precondition-failed")

    def test_of_many_at_once_one_comes_first(self):
        statuses = server_parallel(20, lambda: self.put("once", "[1]", If_None_Match="*").status)
        self.assertEqual(sorted(statuses), [201] + [412] * 19)


if __name__ == "__main__":
    unittest.main()
