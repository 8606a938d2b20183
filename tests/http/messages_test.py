"""Messages say what came, what the limit is called, and what else there is; and the log says what the answer says."""

import json
import pathlib
import re
import unittest

import numpy as np

import server
from arrays import saved

ROOT = pathlib.Path(__file__).resolve().parents[2]
JSON = {"Content-Type": "application/json"}
NPY = {"Content-Type": "application/x-npy"}
GAUSS, WORD, TRIANGULAR = "/v1/gaussian", "/v1/wordcount", "/v1/triangular"


class Messages(server.ServerTest):
    options = {"max_body": "1KiB", "timeout": "30s", "cores": 1}

    def detail(self, path, body, status):
        response = self.server.post(path, body, headers=JSON)
        self.assertEqual(response.status, status, response)
        return response.json()["detail"]

    def test_nan_names_the_media_type_that_has_it_where_the_endpoint_takes_it(self):
        body = b'{"x": [1, NaN], "y": [1, 2]}'
        plain = f"at byte {body.index(b'N') + 1}: invalid token near 'NaN': JSON has neither NaN nor infinity"
        for path in (GAUSS, GAUSS + "/matrix", GAUSS + "/sum"):
            self.assertEqual(self.detail(path, body, 400), plain + ", application/x-npy takes them")
        for path in (WORD, TRIANGULAR):
            self.assertEqual(self.detail(path, body, 400), plain)
        python = json.dumps({"x": [[1.0, float("-inf")]]}).encode()
        self.assertIn("near '-Infinity': JSON has neither", self.detail(GAUSS + "/matrix", python, 400))

    def test_a_missing_comma_is_missed_where_it_should_be(self):
        self.assertEqual(self.detail(GAUSS, b'{"x":[1,2 3],"y":0}', 400), "at byte 11: a comma expected near '3'")
        self.assertEqual(self.detail(GAUSS + "/sum", b'{"x":[[1,2 3]]}', 400), "at byte 12: a comma expected near '3'")

    def test_bytes_and_characters_count_from_one(self):
        """Whatever finds the fault, the place named is its own, counted alike."""
        for path, body in ((WORD, b'{"text": "a?"}'), (WORD, b'{"word": "a", "text": "a\\n?"}'), (GAUSS, b'{"x": [1, ?]}'),
                           (GAUSS, b'{"gamma": ?}'), (TRIANGULAR, b'{"cores": "?"}'), ("/v1/batch", b'{"items": [{"x": "?"}]}'),
                           (GAUSS + "/matrix", b'{"x": [[1], ?]}')):
            for fault in (b"\xff", b"\n", b"\x01", b"\0"):
                if fault == b"\n" and b'?"' not in body:
                    continue
                with self.subTest(path, body=body, fault=fault):
                    detail = self.detail(path, body.replace(b"?", fault), 400)
                    self.assertIn(f"at byte {body.index(b'?') + 1}", detail)
        for expr, place in (("?x", 1), ("x + ?", 5), ("x + \u00e9", 5), ("x +", 4)):
            self.assertIn(f"at character {place}: ", self.detail("/v1/map", {"expr": expr, "x": 1}, 422))
        self.assertIn("character 2 of the name is '*'", self.detail(GAUSS, {"x": {"data": "a*b"}, "y": 1}, 422))

    def test_integers_come_back_as_integers_and_the_timeout_by_its_name(self):
        self.assertEqual(self.detail(TRIANGULAR, {"ranges": [1], "timeout_ms": 100000}, 422),
                         '"timeout_ms" is 100000; a whole number from 1 to 30000 is expected; '
                         "the limit is the server's --timeout")
        self.assertIn('"ranges" is 10000000000000; ', self.detail(TRIANGULAR, {"ranges": [10 ** 13]}, 422))

    def test_a_body_that_is_too_large_is_told_what_has_no_such_limit(self):
        body = json.dumps({"text": "a" * 2000, "word": "a"})
        self.assertEqual(self.detail(WORD, body, 413), f"the body has {len(body)} bytes, the limit (--max-body) is 1024; "
                         "as text/plain it may have any length (--max-stream)")
        chunked = self.server.request("POST", WORD, iter([body.encode()]), JSON)
        self.assertEqual((chunked.status, chunked.json()["detail"]),
                         (413, "the body has more than 1024 bytes, which is the limit (--max-body); "
                          "as text/plain it may have any length (--max-stream)"))
        self.assertEqual(self.detail(GAUSS, body, 413), f"the body has {len(body)} bytes, the limit (--max-body) is 1024")

    def test_only_what_may_be_longer_is_offered(self):
        body = json.dumps({"text": "a" * 2000, "word": "a"})
        for max_stream, offer in (("1KiB", ""), ("1MiB", "; as text/plain it may be longer (--max-stream)")):
            with server.Server(max_body="1KiB", max_stream=max_stream) as under_test:
                response = under_test.post(WORD, body, headers=JSON)
                self.assertEqual(response.json()["detail"],
                                 f"the body has {len(body)} bytes, the limit (--max-body) is 1024{offer}")

    def test_words_are_as_many_as_the_manual_says(self):
        license_text = (ROOT / "LICENSE").read_bytes()
        counts = []
        for query in ("word=the", "word=the&match=letters", "top=1"):
            answer = self.server.post(f"{WORD}?{query}", license_text, headers={"Content-Type": "text/plain"}).json()
            counts.append(answer["count"] if "count" in answer else answer["top"][0]["count"])
        manual = " ".join((ROOT / "docs/operation.md").read_text().split())
        shown = re.search(r"“the” is in LICENSE (\d+) times .*?, (\d+) times .*?, and (\d+) times in `top`", manual)
        self.assertEqual(counts, [int(count) for count in shown.groups()])

    def test_what_is_allowed_accepted_and_answered_is_listed(self):
        plain, refusing = {"Content-Type": "text/html"}, JSON | {"Accept": "image/png"}
        for method, path, fields, status, detail in (
                ("PUT", WORD, JSON, 405, "allowed here: POST, QUERY, OPTIONS"),
                ("DELETE", "/v1/jobs", {}, 405, "allowed here: GET, HEAD, OPTIONS"),
                ("POST", WORD, refusing, 406, "answers here are application/json"),
                ("POST", GAUSS, refusing, 406, "answers here are application/json or application/x-npy"),
                ("GET", "/v1/data/x", refusing, 406, "answers here are application/json or text/plain or application/x-npy"),
                ("POST", WORD, plain, 415, "Content-Type must be application/json or text/plain, not text/html"),
                ("POST", GAUSS, {}, 415, "Content-Type must be application/json or application/x-npy, and is absent or empty"),
                ("POST", "/v1/batch", plain, 415, "Content-Type must be application/json, not text/html"),
                ("QUERY", WORD, {}, 400, "a QUERY needs a Content-Type: application/json or text/plain"),
                ("QUERY", "/v1/batch", {}, 400, "a QUERY needs a Content-Type: application/json"),
                ("POST", WORD, {"Content-Type": "text/plain; charset=latin1"}, 415,
                 'the charset "latin1" of Content-Type is not read here: text/plain is UTF-8'),
                ("POST", GAUSS, {"Content-Type": "application/json; charset=utf-16"}, 415,
                 'the charset "utf-16" of Content-Type is not read here: application/json is UTF-8'),
                ("POST", WORD, {"Content-Type": "text/plain", "Content-Encoding": "zstd, br"}, 415,
                 'Content-Encoding "zstd, br" is not supported; these are, one at a time: zstd, gzip, deflate')):
            with self.subTest(method, path=path, fields=fields):
                response = self.server.request(method, path, None if method == "GET" else b"a", fields)
                self.assertEqual((response.status, response.json()["detail"]), (status, detail))

    def test_arrays_of_a_body_and_their_names_are_as_many(self):
        x = saved(np.arange(3.0))
        for query, body, status, detail in (
                ("expr=x*2", x, 422, '"names" is missing: it says in the query what the arrays of the body are called, in '
                 "order: names=x,y"),
                ("expr=x*2&names=x", x + x, 400, f"at byte {len(x) + 1} of the body: its end is expected, since \"names\" has "
                 "1 name; no more arrays and no other bytes"),
                ("expr=x*y&names=x,y", x + x + b"a", 400, f"at byte {2 * len(x) + 1} of the body: its end is expected, since "
                 '"names" has 2 names; no more arrays and no other bytes')):
            response = self.server.post(f"/v1/map?{query}", body, headers=NPY)
            self.assertEqual((response.status, response.json()["detail"]), (status, detail))
        response = self.server.post("/v1/map?expr=x*y&names=x,%20y", x + x, headers=NPY)
        self.assertEqual(response.json().get("z"), [0, 1, 4], response)

    def test_data_without_its_prefix_is_told_of_it(self):
        for value, detail in (("nc/x", '"x" is "nc/x" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3; '
                               "or data:name for named data"),
                              ("", '"x" is "" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3'),
                              (".", '"x" is "." in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3'),
                              ("nc/x1", '"x" is "nc/x1" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3; '
                               "or data:name for named data"),
                              ("1,2", '"x" is "1,2" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3')):
            response = self.server.post(f"/v1/map?expr=x&x={value}&y=1", b"", headers=NPY)
            self.assertEqual((response.status, response.json()["detail"]), (422, detail))

    def test_an_option_that_is_mistyped_is_guessed(self):
        """Beside an expression every member may be an operand."""
        missing = '"expr" is missing, what is to be computed; or "exprs", several by name'
        of_pairs = '"expr" is missing, what is to be computed of each pair; or "kernel", the name of it'
        for path, fields, detail in (
                ("map", {"exp": "x", "x": [1]}, missing + '; is it meant by "exp"?'),
                ("map", {"exprz": {"a": "x"}, "x": [1]}, missing + '; is it meant by "exprz"?'),
                ("map", {"x": [1]}, missing),
                ("map", {"expr": "x", "redcue": "sum", "x": [1]}, '"redcue" is the string "sum"; an array of numbers or of '
                 'rows, a number, or {"data": "name"} is expected; did you mean "reduce"?'),
                ("map", {"expr": "x", "thread": 2, "x": [1]}, '"thread" is no option, and no expression needs it; did you mean '
                 '"threads"?'),
                ("map", {"expr": "x", "thread": 2, "threads": 1, "x": [1]}, '"thread" is no option, and no expression needs it'),
                ("map", {"expr": "x", "y": 2, "x": [1]}, '"y" is no option, and no expression needs it'),
                ("map?expr=x&redcue=sum&x=1", None, '"redcue" is "sum" in the query; a number is expected, as JSON writes it: '
                 '0.5, -1, 1e3; or data:name for named data; did you mean "reduce"?'),
                ("map?exp=x*2&x=1", None, '"exp" is "x*2" in the query; a number is expected, as JSON writes it: 0.5, -1, '
                 '1e3; or data:name for named data; did you mean "expr"?'),
                ("pairwise", {"exp": "d2", "x": [[1]]}, of_pairs + '; is it meant by "exp"?'),
                ("pairwise", {"kernal": "rbf", "x": [[1]]}, of_pairs + '; is it meant by "kernal"?'),
                ("pairwise", {"expr": "d2", "redcue": "sum", "x": [[1]]}, '"redcue" is the string "sum"; a number is expected; '
                 'did you mean "reduce"?'),
                ("pairwise", {"expr": "d2", "thread": 2, "x": [[1]]}, '"thread" is no option, and no expression needs it; did '
                 'you mean "threads"?'),
                ("pairwise", {"kernel": "rbf", "thread": 2, "x": [[1]]}, '"thread" is no option and no parameter of the kernel '
                 '"rbf", which has gamma; did you mean "threads"?')):
            with self.subTest(path, fields=fields):
                response = self.server.post(f"/v1/{path}", b"" if fields is None else json.dumps(fields),
                                            headers=NPY if fields is None else JSON)
                self.assertEqual((response.status, response.json()["detail"]), (422, detail))

    def test_a_query_s_way_to_name_data_is_corrected_in_json(self):
        for path, fields, member, expected in (
                ("map", {"expr": "x"}, "x", 'an array of numbers or of rows, a number, or {"data": "name"}'),
                ("gaussian", {"y": 0}, "x", 'an array of numbers, a number, or {"data": "name"}'),
                ("gaussian/sum", {"x": [[1]]}, "weights", 'an array of numbers, or {"data": "name"},'),
                ("pairwise", {"kernel": "linear"}, "x", 'an array of rows, [[1, 2], [3, 4]], or {"data": "name"},'),
                ("triangular", {}, "ranges", 'an array of whole numbers, or {"data": "name"},')):
            self.assertEqual(self.detail(f"/v1/{path}", fields | {member: "data:w"}, 422),
                             f'"{member}" is the string "data:w"; {expected} is expected')

    def test_an_expression_of_pairs_is_told_what_it_may_have(self):
        for expr, detail in (
                ("x-y", "at character 1: this is the name of an option: there are the pair's measures d2, d, dot, l1, linf and "
                 "cos, and xs and ys; a number needs another name\nx-y\n^"),
                ("d2*gamma", 'at character 4: there is no "gamma"; there are d2, d, dot, l1, linf, cos, xs, ys, and pi, e, inf, '
                 'nan; a number of this name beside "expr" would be one\nd2*gamma\n   ^')):
            self.assertEqual(self.detail("/v1/pairwise", {"expr": expr, "x": [[1]]}, 422), detail)
        self.assertEqual(self.detail("/v1/map", {"expr": "k - axis", "k": 1}, 422), "at character 5: this is the name of an "
                         "option: give the operand another name\nk - axis\n    ^")

    def test_an_expressions_excerpt_can_be_read_in_a_terminal(self):
        for expr, detail in (
                ("\tx +\t$ y", "at character 6: $ means nothing here\n\tx +\t$ y\n\t   \t^"),
                ("x\x1b[31mred", "at character 2: the control character \\x1b means nothing here\nx\\x1b[31mred\n ^"),
                ("x + \u202ey", "at character 5: a character that isn't ASCII's means nothing here\nx + \\u202ey\n    ^"),
                ("x # \u202e\r\n+ $", None)):
            found = self.detail("/v1/map", {"expr": expr, "x": [1]}, 422)
            self.assertEqual(found, found if detail is None else detail)
            self.assertNotRegex(found, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")

    def test_what_an_expression_cannot_have_is_told_with_what_it_can(self):
        for expr, part in (("foo(x)", "docs/expressions.md lists those there are"), ("np.exp(x)", "write exp(...)"),
                           ("x.shape", "GET /v1/data/<name>?meta"), ("fmin(x, x)", "write where(isnan(a) | (b < a), b, a)"),
                           ("x & 1", "numbers in JSON are float64, .npy and named data bring int64")):
            found = self.detail("/v1/map", {"expr": expr, "x": [1, 2, 3]}, 422)
            self.assertIn(part, found)
            self.assertTrue(found.endswith("^"), found)

    def test_an_operand_that_is_given_a_value_is_told_so(self):
        for expr, detail in (("x = 3; x", '"x" is given another value before anything is computed of what the request has'),
                             ("a = 3; a", '"x" is no option, and no expression needs it')):
            self.assertEqual(self.detail("/v1/map", {"expr": expr, "x": [1]}, 422), detail)
        self.assertEqual(self.server.post("/v1/map", {"expr": "x = x + 1; x", "x": [1]}).json()["z"], [2])

    def test_an_empty_body_is_called_so(self):
        for body, what in ((b"", "empty"), (b" \n", "empty but for white space")):
            for path in (GAUSS, WORD, "/v1/batch"):
                self.assertEqual(self.detail(path, body, 400), f"the body is {what}; a JSON object is expected")

    def test_an_op_that_isnt_there_is_answered_with_those_that_are(self):
        known = ("/v1/wordcount, /v1/gaussian, /v1/gaussian/matrix, /v1/gaussian/sum, /v1/map, /v1/pairwise, "
                 "/v1/triangular, /v1/batch")
        for op, near in (("/v1/nope", ""), ("map", '; did you mean "/v1/map"'), ("/v1/gausian", '; did you mean "/v1/gaussian"')):
            response = self.server.request("PUT", "/v1/jobs/a", json.dumps({"op": op, "request": {}}), JSON)
            self.assertEqual((response.status, response.json()["pointer"], response.json()["detail"]),
                             (422, "/op", f'"op" is "{op}"{near}; one of these is expected: {known}'))

    def test_a_job_is_refused_for_its_name_or_its_key(self):
        def submit(name, fields, number):
            request = {"op": TRIANGULAR, "request": {"ranges": [number]}}
            return self.server.request("PUT", f"/v1/jobs/{name}", json.dumps(request), JSON) if name else self.server.post(
                TRIANGULAR, {"ranges": [number]}, headers=JSON | {"Prefer": "respond-async"} | fields)

        form = "a job's name has 1 to 128 letters, digits, '.', '_' and '-'"
        for name, at_fault in (("a_b!c", "character 4 of the name is '!'; "), ("a%25b", "character 2 of the name is '%'; "),
                               ("%C3%A9", "character 1 of the name is "), ("...", None), ("a" * 128, None),
                               ("a" * 129, "the name has 129 characters; ")):
            response = submit(name, {}, 1)
            if at_fault is None:
                self.assertEqual(response.status, 201, response)
            else:
                self.assertEqual((response.status, response.slug()), (422, "out-of-range"))
                self.assertTrue(response.json()["detail"].startswith(at_fault), response)
                self.assertTrue(response.json()["detail"].endswith(form), response)
        response = submit(None, {"Idempotency-Key": "k" * 256}, 1)
        self.assertEqual((response.status, response.json()["detail"]),
                         (422, "the Idempotency-Key has 256 bytes; it has at most 255"))
        for name, fields, what in (("taken", {}, "name"), (None, {"Idempotency-Key": "taken"}, "Idempotency-Key")):
            self.assertIn(submit(name, fields, 1).status, (201, 202))
            response = submit(name, fields, 2)
            self.assertEqual((response.slug(), response.json()["detail"]), (
                "idempotency-conflict", f"there is a job of this {what} already, and it was asked for something else"))

    def test_a_deadline_is_told_with_its_length(self):
        for timeout_ms in (1, 20):
            body = {"ranges": [100_000_000] * 30, "timeout_ms": timeout_ms}
            self.assertEqual(self.detail(TRIANGULAR, body, 504), f"the result was not ready within {timeout_ms} ms")

    def test_a_word_that_cannot_occur_is_counted_zero_times(self):
        for fields in ({"word": "a b"}, {"word": "a\nb"}, {"word": "A", "match": "letters"},
                       {"word": "(a", "match": "letters"}, {"word": "a b", "match": "letters"}):
            response = self.server.post(WORD, {"text": "(a b\nA a\nb a b", **fields})
            self.assertEqual((response.status, response.json().get("count")), (200, 0), fields)

    def test_the_log_says_why_there_were_fewer_threads(self):
        """As the answer does."""
        for name, load, reason in (("budget", 10 ** 7, "core budget is 1"), ("small", 1, "small work runs on one thread")):
            response = self.server.post(TRIANGULAR, {"ranges": [load, load], "threads": 2},
                                        headers={"X-Request-Id": name})
            expected = {"requested": 2, "granted": 1, "reason": reason}
            self.assertEqual(response.json()["threads"], expected)
            server.wait_until(lambda name=name: self.server.log(request_id=name), "the line is there")
            self.assertEqual(self.server.log(request_id=name)[0]["threads"], expected)


if __name__ == "__main__":
    unittest.main()
