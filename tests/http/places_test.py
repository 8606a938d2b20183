"""A malformed body is told where its first mistake is, in the body as it was sent, whoever reads it: wherever the mistake
stands, however long the body is, at whichever endpoint. Brute force (json_place.py) says where."""

import gzip
import json
import re
import unittest

import job_case
import json_place
import server

JSON = {"Content-Type": "application/json"}

VALUES = [
    b"01", b"-01", b"1.", b"1.e5", b"-", b"--1", b"+1", b".5", b"1e", b"1E", b"1e+", b"1e-.", b"1.5.5", b"0x10", b"1_0", b"1 1",
    b"nul", b"nulL", b"nane", b"tru", b"t", b"fals", b"falses", b"true1", b"True", b"NaN", b"nan", b"-Infinity", b"'a'", b"a",
    b"\x01", b"\xff", b"1\xff", b"\xc3\xa9", b"\0", b"1\0", b",1", b"", b"}", b"1:1", b"1e999", b"-1e400", b'{"a"}', b'{"a":}',
    b'{"a":1,}', b"{1:2}", b'{"a":1 "b":2}', b'{"a":1,"a":2}', b'{"b":{"a":1},"a":[{"a":1, "\\u0061":2}]}', b"[1}", b"[1,]", b"[,1]",
    b"[1,,2]", b"[[1] [2]]", b"[[1],]", b"[[1],[2,]]", b"[[1],[1e999]]", b"[1e]", b"[1,nul]", b"[1.]", b'"a\nb"', b'"\x1f"', b'"\xff"',
    b'"a\xe2\x82"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\\q"', b'"\\u"', b'"\\u12g4"', b'"a\\ud800"', b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00\\ud83dx"', b'"\\ud800\\u0041"', b'"\\ud800\\q"', b'"\\ud800\\uq"', b'"\\ud800\xff"', b'"\xff\\ud800"', b'"a""b"']

# JSON all the same: an item's own problem, which a job of a batch has among its results.
ITEMS_OWN = [b"1e999", b"-1e400", b"[[1],[1e999]]", b'{"a":1,"a":2}', b'{"b":{"a":1},"a":[{"a":1, "\\u0061":2}]}']

LONG = b"0.25," * 40000
LONG_TEXT = b"\\u00e9\xc3\xa9 \\n" * 20000

# (method, path, body with % for the value and & for something long, headers)
PLACES = [
    ("POST", "/v1/gaussian", b'{"x":[1],"y":0,"gamma":%}', {}),
    ("POST", "/v1/gaussian", b'{"x":[&%],"y":0}', {}),
    ("POST", "/v1/gaussian", b'{"y":0,"x":[&1,2],"gamma" : %}', {}),
    ("POST", "/v1/gaussian", b'{"x":%,"y":[1,]}', {}),
    ("POST", "/v1/gaussian", b'\xef\xbb\xbf{\r\n"y":0,\r\n"x":[&1,\r\n%]}\r\n', {}),
    ("POST", "/v1/gaussian", b'{"x":%}', {"Content-Encoding": "gzip"}),
    ("POST", "/v1/gaussian/matrix", b'{"x":[[&1],[%]]}', {}),
    ("POST", "/v1/gaussian/matrix", b'{"x":[[1],[2]],"y":[[1],%,[3]]}', {}),
    ("POST", "/v1/map", b'{"expr":"x + \\u0079","x":[&1],"y":%}', {}),
    ("POST", "/v1/triangular", b'{"ranges":[1,%]}', {}),
    ("POST", "/v1/wordcount", b'{"word":"\xc3\xa9","text":%}', {}),
    ("POST", "/v1/wordcount", b'{"text":"&","word":%}', {}),
    ("POST", "/v1/batch", b'{"op":"/v1/gaussian","items":[{"x":[&1],"y":0},{"x":[1],"y":%},{"x":[1,2],"y":0}]}', {}),
    ("POST", "/v1/batch", b'{"items":[{"x":[1]},{"x":[2]}],"defaults":{"x":[1],"y":%},"op":"/v1/gaussian"}', {}),
    ("POST", "/v1/batch", b'{"op":"/v1/wordcount","items":[{"text":"&"},{"text":%}]}', {}),
    ("POST", "/v1/batch", b'{"op":"/v1/gaussian","items":[{"x":[1],"y":0},{"x":[1,%],"y":0}]}', {"Accept": "application/x-ndjson"}),
    ("PUT", "/v1/jobs/a", b'{"op":"/v1/gaussian","request":{"x":[&%],"y":0}}', {}),
    ("PUT", "/v1/jobs/a", b'{"request" :\r\n{"x":[1],"gamma":%},"op":"/v1/gaussian"}', {}),
    ("PUT", "/v1/jobs/a", b'{"op":"/v1/wordcount","request":{"text":"&","word":%},"priority":99}', {}),
    ("PUT", "/v1/jobs/a", b'{"op":"/v1/batch","request":{"op":"/v1/gaussian","items":[{"x":[1,%]}]}}', {}),
    ("PUT", "/v1/data/a", b"%", {}),
    ("PUT", "/v1/data/a", b"\xef\xbb\xbf [&1,%]", {}),
    ("PUT", "/v1/data/a", b" [[1],[%]] ", {}),
]


def told(response):
    """The place that a problem names, be it the answer's or that of an item."""
    answers = [response.body] if response.headers["Content-Type"] != "application/x-ndjson" else response.body.splitlines()
    for answer in map(json.loads, answers):
        for problem in answer.get("results", [answer]):
            found = re.match(r"at byte (\d+): ", problem.get("detail", ""))
            if found:
                return int(found[1])
    return None


class Places(server.ServerTest):
    options = {"max_body": "4MiB", "memory": "256MiB"}

    def ask(self, method, path, body, headers):
        sent = gzip.compress(body) if "Content-Encoding" in headers else body
        return self.server.request(method, path, sent, headers={**JSON, **headers})

    def check(self, method, path, template, value, headers):
        """What is long stands before the mistake: brute force needn't go through it."""
        expected = json_place.place(template.replace(b"&", b"").replace(b"%", value))
        if expected is None or not template.replace(b"%", value):
            return 0
        if b'"op":"/v1/batch"' in template and value in ITEMS_OWN:
            return 0
        for long in (b"", LONG_TEXT if b'"&"' in template else LONG) if b"&" in template else (b"",):
            body = template.replace(b"&", long).replace(b"%", value)
            with self.subTest(path=path, template=template, value=value, length=len(body)):
                response = self.ask(method, path, body, headers)
                self.assertEqual(told(response), expected + len(long), response)
                if method == "PUT":
                    self.assertEqual(response.status, 400, response)
        return 1

    def test_the_first_mistake_is_named_whoever_reads(self):
        checked = 0
        for place in PLACES:
            for value in VALUES:
                checked += self.check(*place[:3], value, place[3])
        self.assertGreater(checked, len(PLACES) * len(VALUES) * 9 // 10)

    def test_a_body_that_ends_early_is_wrong_behind_its_last_byte(self):
        whole = b'{"gamma":-1.5e-3,"x":[1,-0.5E+2],"a\\u00e9":"\\ud83d\\ude00","b":{"c":[true,null,false]}}'
        for length in range(1, len(whole)):
            for path, before in (("/v1/gaussian", b""), ("/v1/batch", b'{"op":"/v1/gaussian","items":['),
                                 ("/v1/batch", b'{"defaults":')):
                body = before + whole[:length]
                with self.subTest(body=body):
                    expected = json_place.place(body)
                    self.assertTrue(expected == len(body) + 1 or body[expected - 1:].startswith(b"\\ud83d"), expected)
                    self.assertEqual(told(self.ask("POST", path, body, {})), expected)

    def test_what_is_too_deep_by_one_level_is_told_where_it_is(self):
        deep = b"[" * 2047
        for method, path, before, inside in (("POST", "/v1/gaussian", b'{"y":0,"x":' + deep, b"1"),
                                             ("POST", "/v1/wordcount", b'{"text":"a","b":' + deep, b"null"),
                                             ("POST", "/v1/wordcount", b'{"text":"a","b":' + deep, b"[]"),
                                             ("PUT", "/v1/jobs/deep", b'{"op":"/v1/gaussian","request":{"a":' + deep, b"1"),
                                             ("PUT", "/v1/data/deep", deep, b"[]"),
                                             ("PUT", "/v1/data/deep", b"[" + deep, b"1")):
            with self.subTest(path, inside=inside):
                close = b"]" * before.count(b"[") + b"}" * before.count(b"{")
                response = self.ask(method, path, before + inside + close, {})
                self.assertEqual((response.status, response.slug()), (400, "too-deep"), response)
                self.assertEqual(told(response), len(before) + 1)


class Jobs(job_case.JobTest):
    def test_a_job_of_a_malformed_body_says_where_in_the_body_it_was_sent_with(self):
        def check(under_test):
            for value in (b"01", b"nul", b"[1e]", b"1e999", b'"a\\ud800"'):
                body = b'{"y":0,"x":[1,2],"gamma":' + value + b"}"
                job = self.submit(under_test, "/v1/gaussian", body, **JSON)
                self.wait(under_test, job, "failed")
                result = self.result(under_test, job)
                self.assertEqual((result.status, told(result)), (400, json_place.place(body)), result)
        self.each(check)

    def test_a_named_job_of_a_malformed_request_is_none(self):
        def check(under_test):
            def put(request, **more):
                fields = b"".join(b',"%s":%d' % (name.encode(), value) for name, value in more.items())
                body = b'{"op":"/v1/gaussian","request":' + request + fields + b"}"
                return under_test.request("PUT", "/v1/jobs/it", body, JSON), body

            for request, slug, pointer in ((b'{"x":[01]}', "invalid-json", None), (b'{"x":"\\ud800"}', "invalid-json", None),
                                           (b'{"x":[1],"x":[2]}', "duplicate-key", None), (b'{"x":"\xff"}', "invalid-utf8", None),
                                           (b'{"y":0,"x":[1,1e999]}', "number-overflow", "/request/x"),
                                           (b'{"gamma":1e999}', "number-overflow", "/request/gamma"),
                                           (b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}", "too-deep", None)):
                with self.subTest(request[:20]):
                    response, body = put(request)
                    self.assertEqual((response.status, response.slug(), response.json().get("pointer")), (400, slug, pointer), response)
                    if slug != "too-deep":
                        self.assertEqual(told(response), json_place.place(body), response)
                    self.assertEqual(under_test.get("/v1/jobs/it").status, 404)
            self.assertEqual(put(b'{"x":[01]}', priority=10)[0].slug(), "invalid-json")  # before what is wrong with its fields
            response, _ = put(b'{"x":"1","y":0}')  # what its members mean is told by the job, as it is to a body of its own
            self.assertEqual(response.status, 201, response)
            self.wait(under_test, "it", "failed")
            result = self.result(under_test, "it")
            self.assertEqual((result.status, result.json()["pointer"]), (422, "/x"))
        self.each(check)


if __name__ == "__main__":
    unittest.main()
