"""Every kind of bad input gets its own problem, and the same connection answers a good request right after it."""

import codecs
import json
import unittest

import server

JSON = {"Content-Type": "application/json"}
GOOD = {"text": "is it", "word": "is"}
WORD = "/v1/wordcount"
GAUSS = "/v1/gaussian"
TRIANGULAR = "/v1/triangular"
MAP = "/v1/map"


def word(**fields):
    return json.dumps(GOOD | fields).encode()


def gauss(**fields):
    return json.dumps({"x": [1, 2], "y": [3, 4]} | fields).encode()


# name: (path, body, status, slug, pointer)
BODIES = {
    "empty body": (WORD, b"", 400, "empty-body", ""),
    "not JSON": (WORD, b"word=is", 400, "invalid-json", ""),
    "only white space": (WORD, b" \r\n\t", 400, "empty-body", ""),
    "cut off": (WORD, b'{"text": "is', 400, "invalid-json", ""),
    "single quotes": (WORD, b"{'text': 'is'}", 400, "invalid-json", ""),
    "trailing comma": (WORD, b'{"text": "a", "word": "b",}', 400, "invalid-json", ""),
    "a bare control character in a string": (WORD, b'{"text": "a\nb", "word": "b"}', 400, "invalid-json", ""),
    "a lone surrogate": (WORD, b'{"text": "\\ud800", "word": "b"}', 400, "invalid-json", None),
    "NaN": (GAUSS, b'{"x": [NaN], "y": [1]}', 400, "invalid-json", None),
    "a leading zero": (GAUSS, b'{"x": [01], "y": [1]}', 400, "invalid-json", None),
    "a bare fraction": (GAUSS, b'{"x": [.5], "y": [1]}', 400, "invalid-json", None),
    "two byte order marks": (WORD, 2 * codecs.BOM_UTF8 + word(), 400, "invalid-json", ""),
    "a byte order mark after a space": (WORD, b" " + codecs.BOM_UTF8 + word(), 400, "invalid-json", ""),
    "half a byte order mark": (WORD, codecs.BOM_UTF8[:2] + word(), 400, "invalid-utf8", None),
    "nothing but a byte order mark": (WORD, codecs.BOM_UTF8, 400, "empty-body", ""),
    "bad JSON after a byte order mark": (WORD, codecs.BOM_UTF8 + word()[:-1], 400, "invalid-json", ""),
    "UTF-16": (WORD, word().decode().encode("utf-16"), 400, "invalid-utf8", ""),
    "UTF-16, big endian without a mark": (WORD, word().decode().encode("utf-16-be"), 400, "invalid-utf8", ""),
    "UTF-32": (WORD, word().decode().encode("utf-32"), 400, "invalid-utf8", ""),
    "trailing garbage": (WORD, word() + b"x", 400, "trailing-data", ""),
    "two documents": (WORD, word() + word(), 400, "trailing-data", ""),
    "a NUL byte": (WORD, word() + b"\0", 400, "trailing-data", ""),
    "duplicate keys": (WORD, b'{"text": "a", "word": "b", "word": "c"}', 400, "duplicate-key", None),
    "invalid UTF-8": (WORD, b'{"text": "\xff", "word": "b"}', 400, "invalid-utf8", None),
    "overlong UTF-8": (WORD, b'{"text": "\xc0\xaf", "word": "b"}', 400, "invalid-utf8", None),
    "a surrogate in UTF-8": (WORD, b'{"text": "\xed\xa0\x80", "word": "b"}', 400, "invalid-utf8", None),
    "deep nesting": (WORD, b'{"text": ' + b"[" * 100000 + b"]" * 100000 + b"}", 400, "too-deep", None),
    "deep nesting never closed": (WORD, b"[" * 100000, 400, "too-deep", None),
    "root is an array": (WORD, b"[1]", 400, "not-an-object", ""),
    "root is a string": (WORD, b'"text"', 400, "not-an-object", ""),
    "root is a number": (WORD, b"1", 400, "not-an-object", ""),
    "root is null": (WORD, b"null", 400, "not-an-object", ""),
    "missing text": (WORD, b'{"word": "is"}', 422, "missing-field", "/text"),
    "missing word": (WORD, b'{"text": "is", "match": "exact"}', 422, "missing-field", "/word"),
    "missing x": (GAUSS, b'{"y": [1]}', 422, "missing-field", "/x"),
    "missing y": (GAUSS, b'{"x": [1]}', 422, "missing-field", "/y"),
    "unknown field": (WORD, word(thraeds=2), 422, "unknown-field", "/thraeds"),
    "unknown field with characters to escape": (WORD, word(**{"a/b~c": 2}), 422, "unknown-field", "/a~1b~0c"),
    "another endpoint's field": (WORD, word(gamma=2), 422, "unknown-field", "/gamma"),
    "text is a number": (WORD, word(text=1), 422, "wrong-type", "/text"),
    "text is null": (WORD, word(text=None), 422, "wrong-type", "/text"),
    "word is an array": (WORD, word(word=["is"]), 422, "wrong-type", "/word"),
    "an empty word": (WORD, word(word=""), 422, "out-of-range", "/word"),
    "an unknown match": (WORD, word(match="fuzzy"), 422, "out-of-range", "/match"),
    "match is a number": (WORD, word(match=1), 422, "wrong-type", "/match"),
    "threads 0": (WORD, word(threads=0), 422, "out-of-range", "/threads"),
    "threads -1": (WORD, word(threads=-1), 422, "out-of-range", "/threads"),
    "threads 1025": (WORD, word(threads=1025), 422, "out-of-range", "/threads"),
    "threads 1e30": (WORD, word(threads=1e30), 422, None, "/threads"),
    "threads 1.5": (WORD, word(threads=1.5), 422, "wrong-type", "/threads"),
    "threads two": (WORD, word(threads="two"), 422, None, "/threads"),
    "threads null": (WORD, word(threads=None), 422, "wrong-type", "/threads"),
    "threads true": (WORD, word(threads=True), 422, "wrong-type", "/threads"),
    "an unknown schedule": (WORD, word(schedule="random"), 422, "out-of-range", "/schedule"),
    "schedule is a number": (WORD, word(schedule=1), 422, "wrong-type", "/schedule"),
    "a chunk of 2^53 + 1": (WORD, word(chunk=2**53 + 1), 422, "out-of-range", "/chunk"),
    "a negative chunk": (WORD, word(chunk=-1), 422, "out-of-range", "/chunk"),
    "timeout 0": (WORD, word(timeout_ms=0), 422, "out-of-range", "/timeout_ms"),
    "timeout as text": (WORD, word(timeout_ms="1s"), 422, "wrong-type", "/timeout_ms"),
    "cores is a number": (WORD, word(cores=0), 422, "wrong-type", "/cores"),
    "cores with a negative id": (WORD, word(cores=[-1]), 422, "out-of-range", "/cores/0"),
    "cores with an id this machine lacks": (WORD, word(cores=[1023]), 422, "out-of-range", "/cores/0"),
    "cores with text": (WORD, word(cores=["0"]), 422, "wrong-type", "/cores/0"),
    "x and y of different lengths": (GAUSS, gauss(y=[1]), 422, "length-mismatch", "/y"),
    "x is nested": (GAUSS, gauss(x=[1, [2]]), 422, "wrong-type", "/x/1"),
    "x with null": (GAUSS, gauss(x=[None, 2]), 422, "wrong-type", "/x/0"),
    "y with a string": (GAUSS, gauss(y=[1, "2"]), 422, "wrong-type", "/y/1"),
    "y with true": (GAUSS, gauss(y=[1, True]), 422, "wrong-type", "/y/1"),
    "x is a string": (GAUSS, gauss(x="12"), 422, "wrong-type", "/x"),
    "x is an object": (GAUSS, gauss(x={}), 422, "missing-field", "/x/data"),
    "x refers to nothing": (GAUSS, gauss(x={"data": "nothing"}), 422, "unknown-data", "/x/data"),
    "x refers to what is no name": (GAUSS, gauss(x={"data": "../x"}), 422, "invalid-name", "/x/data"),
    "an expression that ends early": (MAP, b'{"expr": "x +", "x": [1]}', 422, "invalid-expression", "/expr"),
    "a division by the integer 0": (MAP, b'{"expr": "(x > 0) // 0", "x": [1]}', 422, "no-integer", "/expr"),
    "both numbers": (GAUSS, gauss(x=1, y=2), 422, "wrong-type", None),
    "a number over 1e308": (GAUSS, b'{"x": [1e999], "y": [1]}', 400, "number-overflow", "/x"),
    "a negative number over 1e308": (GAUSS, b'{"x": 1, "y": [-1e309]}', 400, "number-overflow", "/y"),
    "an integer over 1e308": (GAUSS, b'{"x": [1' + b"0" * 400 + b'], "y": [1]}', 400, "number-overflow", None),
    "negative gamma": (GAUSS, gauss(gamma=-1), 422, "out-of-range", "/gamma"),
    "gamma as text": (GAUSS, gauss(gamma="1"), 422, "wrong-type", "/gamma"),
    "sigma 0": (GAUSS, gauss(sigma=0), 422, "out-of-range", "/sigma"),
    "negative sigma": (GAUSS, gauss(sigma=-2), 422, "out-of-range", "/sigma"),
    "a sigma whose square overflows": (GAUSS, gauss(sigma=1e160), 422, "out-of-range", "/sigma"),
    "a sigma whose square is 0": (GAUSS, gauss(sigma=1e-170), 422, "out-of-range", "/sigma"),
    "a gamma beyond doubles": (GAUSS, b'{"x": [1], "y": 1, "gamma": 1e400}', 400, "number-overflow", "/gamma"),
    "gamma and sigma": (GAUSS, gauss(gamma=1, sigma=1), 422, "conflicting-fields", None),
    "precision 0": (GAUSS, gauss(precision=0), 422, "out-of-range", "/precision"),
    "precision 18": (GAUSS, gauss(precision=18), 422, "out-of-range", "/precision"),
    "precision 1.5": (GAUSS, gauss(precision=1.5), 422, "wrong-type", "/precision"),
    "precision as text": (GAUSS, gauss(precision="x"), 422, "wrong-type", "/precision"),
    "precision null": (GAUSS, gauss(precision=None), 422, "wrong-type", "/precision"),
    "precision of a word count": (WORD, word(precision=3), 422, "unknown-field", "/precision"),
    "two commas in an array, and another length": (GAUSS, b'{"x": [1,,2], "y": [1]}', 400, "invalid-json", ""),
    "a comma at an array's end": (GAUSS, b'{"x": [1,2,], "y": [1, 2]}', 400, "invalid-json", ""),
    "invalid UTF-8 and no word": (WORD, b'{"text": "\xff"}', 400, "invalid-utf8", ""),
    "missing ranges": (TRIANGULAR, b'{"threads": 2}', 422, "missing-field", "/ranges"),
    "ranges is a number": (TRIANGULAR, b'{"ranges": 3}', 422, "wrong-type", "/ranges"),
    "no ranges": (TRIANGULAR, b'{"ranges": []}', 422, "out-of-range", "/ranges"),
    "4097 ranges": (TRIANGULAR, b'{"ranges": [1' + b",1" * 4096 + b"]}", 422, "out-of-range", "/ranges"),
    "a range over 4e9": (TRIANGULAR, b'{"ranges": [1, 2, 4000000001]}', 422, "out-of-range", "/ranges/2"),
    "a negative range": (TRIANGULAR, b'{"ranges": [-1]}', 422, "out-of-range", "/ranges/0"),
    "a broken range": (TRIANGULAR, b'{"ranges": [1, 1.5]}', 422, "wrong-type", "/ranges/1"),
    "a range of 1e308": (TRIANGULAR, b'{"ranges": [1e308]}', 422, "out-of-range", "/ranges/0"),
    "ranges that add up to too much": (TRIANGULAR, b'{"ranges": [4e9, 4e9]}', 422, "out-of-range", "/ranges"),
    "an infinity times zero": (GAUSS, gauss(x=[1e308, 0], y=[-1e308, 0], gamma=0), 422, "non-finite-result", None),
}

# name: (method, path, headers, status, slug)
HEADS = {
    "wrong content type": ("POST", WORD, {"Content-Type": "text/html"}, 415, "unsupported-media-type"),
    "a content type that only starts like JSON": ("POST", WORD, {"Content-Type": "application/jsonp"}, 415,
                                                  "unsupported-media-type"),
    "missing content type": ("POST", WORD, {}, 415, "unsupported-media-type"),
    "another charset": ("POST", WORD, {"Content-Type": "application/json; charset=latin1"}, 415,
                        "unsupported-media-type"),
    "UTF-16 by name": ("POST", WORD, {"Content-Type": "application/json; charset=utf-16"}, 415,
                       "unsupported-media-type"),
    "brotli": ("POST", WORD, JSON | {"Content-Encoding": "br"}, 415, "unsupported-encoding"),
    "gzip that isn't": ("POST", WORD, JSON | {"Content-Encoding": "gzip"}, 400, "invalid-encoding"),
    "an Accept that can't be met": ("POST", WORD, JSON | {"Accept": "image/png"}, 406, "not-acceptable"),
    "an Accept that refuses JSON": ("POST", WORD, JSON | {"Accept": "application/json;q=0"}, 406, "not-acceptable"),
    "unknown path": ("POST", "/v1/nothing", JSON, 404, "not-found"),
    "a path with more behind it": ("POST", WORD + "/", JSON, 404, "not-found"),
    "an escaped slash in the path": ("POST", "/v1%2Fwordcount", JSON, 404, "not-found"),
    "an escaped letter in the path": ("POST", "/v1/%77ordcount", JSON, 404, "not-found"),
    "dots in the path": ("POST", "/v1/../v1/wordcount", JSON, 404, "not-found"),
    "escaped dots in the path": ("POST", "/v1/%2e/wordcount", JSON, 404, "not-found"),
    "two slashes in the path": ("POST", "/v1//wordcount", JSON, 404, "not-found"),
    "two slashes before the path": ("POST", "//v1/wordcount", JSON, 404, "not-found"),
    "capitals in the path": ("POST", "/V1/wordcount", JSON, 404, "not-found"),
    "a parameter in the path": ("POST", WORD + ";a=b", JSON, 404, "not-found"),
    "an escaped question mark in the path": ("POST", WORD + "%3Fword=is", JSON, 404, "not-found"),
    "wrong method": ("PUT", WORD, JSON, 405, "method-not-allowed"),
    "a method nobody knows": ("BREW", WORD, JSON, 405, "method-not-allowed"),
}

# body: the detail of its problem
DETAILS = {
    b'{"y": 0}': '"x" is missing; an array of numbers, a number, or {"data": "name"} is expected',
    b'{"x": 0}': '"y" is missing; an array of numbers, a number, or {"data": "name"} is expected',
    b'{"x": [1], "y": 0, "sigma": 1e-200}': 
        '"sigma" is 1e-200; it is from 1e-153 to 1e+153, so that 1/(2 sigma^2) is a double with all its digits',
    b'{"x": [1], "y": 0, "sigma": 1e160}':
        '"sigma" is 1e+160; it is from 1e-153 to 1e+153, so that 1/(2 sigma^2) is a double with all its digits',
    b'{"x": [1], "y": 0, "chunk": 9007199254740993}':
        '"chunk" is about 9007199254740992; a whole number from 0 to 9007199254740991 is expected',
    b'{"x": [1], "y": 0, "gamma": 1e400}':
        "at byte 29: real number overflow near '1e400' in \"gamma\"; a double ends at 1.7976931348623157e308",
    b'{"x": [1e400], "y": 0}':
        "at byte 8: real number overflow near '1e400' in \"x\"; a double ends at 1.7976931348623157e308",
    b'{"x": [1], "y": "0"}': '"y" is the string "0"; an array of numbers, a number, or {"data": "name"} is expected',
    b'{"x": [1], "y": [1, 2]}': '"x" has 1 element, "y" has 2; they have one length, or one is a number',
    '{"x": [1], "y": 0}'.encode("utf-16"): "the body is UTF-16 (little endian); JSON is read as UTF-8",
    '{"x": [1], "y": 0}'.encode("utf-32-be"): "the body is UTF-32 (big endian); JSON is read as UTF-8",
    codecs.BOM_UTF8 + b'{"x": [1], "y": tru}': "at byte 23: invalid token near 'tru'",
    b'{"x": [1], "y": 0, "threads": "2"}':
        '"threads" is the string "2"; a whole number from 1 to 1024, or "auto", is expected',
    b'{"x": [1], "y": 0, "cores": [0.5]}':
        'element 0 of "cores" is 0.5; a whole number from 0 to 1023 is expected',
    b'{"x": [1], "y": 0, "gamma": "a\\n\\u00e9"}': '"gamma" is the string "a\\x0a\u00e9"; a number is expected',
    json.dumps({"x": [1], "y": 0, "gamma": "g" * 1000}).encode():
        f'"gamma" is the string "{"g" * 57}..."; a number is expected',
}

# Query that makes the whole target malformed.
QUERIES = ["words=%ff", "words=a%00b", "words=%zz", "words=" + "%41" * 257]


# (path, query, body, Content-Type): the detail of its problem
TOLD = {
    (WORD, "", b"a", "text/plain; charset=ISO-8859-1"):
        'the charset "ISO-8859-1" of Content-Type is not read here: text/plain is UTF-8',
    (WORD, "", b"{}", 'application/json; charset="utf-16"'):
        'the charset "utf-16" of Content-Type is not read here: application/json is UTF-8',
    (GAUSS, "", b"a", ""): "Content-Type must be application/json or application/x-npy, and is absent or empty",
    (GAUSS, "", b"a", " "): "Content-Type must be application/json or application/x-npy, and is absent or empty",
    (GAUSS, "", b"a", "text/plain"): "Content-Type must be application/json or application/x-npy, not text/plain",
    (WORD, "", b"a", "application/x-npy"):
        "Content-Type must be application/json or text/plain, not application/x-npy",
    (WORD, "", "is it".encode("utf-16"), "text/plain"): "the body is UTF-16 (little endian); text is read as UTF-8",
    (WORD, "words[]=a&words[]=b", b"a", "text/plain"):
        '"words[]" is not one of: text, word, words, top, match, threads, schedule, chunk, timeout_ms, cores, store, expires_s',
    (WORD, "cores=0&cores=1", b"a", "text/plain"):
        '"cores" occurs twice in the query; its numbers are separated by commas: cores=0,1',
    (WORD, "text=a", b"a", "text/plain"): '"text" comes in the body (text/plain), not in the query',
    (GAUSS, "y=1&gamma=.5", b"", "application/x-npy"):
        '"gamma" is ".5" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3',
    (GAUSS, "y=1e+2", b"", "application/x-npy"):
        '"y" is "1e+2" in the query, where + is a space (%2B is a plus); a number is expected, as JSON writes it: '
        "0.5, -1, 1e3",
    (GAUSS, "gamma=1&y=1", b"", "application/x-npy"):
        '"x" is missing: "x" and "y" are arrays in the body, one after the other in the .npy format, or one of them '
        "is a number in the query, or data:name for named data",
    (GAUSS, "gamma=1", b"", "application/x-npy"):
        '"x" and "y" are missing: "x" and "y" are arrays in the body, one after the other in the .npy format, or one '
        "of them is a number in the query, or data:name for named data",
    (GAUSS + "/sum", "gamma=1&y=1", b"", "application/x-npy"):
        '"y" comes in the body (application/x-npy), not in the query, which refers to named data by data:name',
    ("/v1/map", "names=x&exprs=a:x*2", b"", "application/x-npy"):
        '"exprs" comes in a JSON body (application/json) only, with all else beside it; an array there is numbers, or '
        'named data: {"data": "name"}',
    (GAUSS + "/sum", "gamma=1", b"", "application/x-npy"):
        '"x" is missing: the body has "x", and "y" or "weights" if there is one, as arrays in the .npy format, one '
        "after the other; the query has the options",
}

GET_PATHS = ["/v1%2fsystem", "/v1%2Fsystem", "/v1/%73ystem", "/%6Civez", "/x/../livez", "/x/%2e%2e/livez", "//livez",
             "/livez/", "/LIVEZ", "/livez;a", "/./livez", "/livez%20", "/livez%3F", "%2Flivez", "/livez#a"]


class BadInput(server.ServerTest):
    options = {"max_body": "1MiB"}

    def check(self, method, path, body, headers, status, slug, pointer=None):
        connection = self.server.connect()
        response = self.server.request(method, path, body, headers=headers, connection=connection)
        if slug is None:
            self.assertEqual(response.status, status, response)
            slug = response.slug()
            self.assertIn(slug, ("wrong-type", "out-of-range"))
        self.assert_problem(response, status, slug, pointer)
        self.assertTrue(response.json()["detail"], response)
        again = self.server.post(WORD, GOOD, connection=connection)
        self.assertEqual((again.status, again.json().get("count")), (200, 1), again)
        connection.close()

    def test_every_bad_body_has_its_own_problem(self):
        for name, (path, body, status, slug, pointer) in BODIES.items():
            with self.subTest(name):
                self.check("POST", path, body, JSON, status, slug, pointer)

    def test_details_name_the_field_what_was_given_and_what_is_expected(self):
        for body, detail in DETAILS.items():
            with self.subTest(body):
                response = self.server.post(GAUSS, body, headers=JSON)
                self.assertEqual(response.json()["detail"], detail)

    def test_details_tell_what_came_and_where_it_may_stand(self):
        for (path, query, body, media), detail in TOLD.items():
            with self.subTest(path=path, query=query, media=media):
                response = self.server.post(f"{path}?{query}", body, headers={"Content-Type": media})
                self.assertEqual(response.json()["detail"], detail)

    def test_only_a_path_as_it_is_written_leads_anywhere(self):
        for target in GET_PATHS + ["http://a" + path for path in GET_PATHS if path[0] == "/"]:
            with self.subTest(target):
                responses, _ = self.server.raw(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                self.assertIn(responses[0].status, (400, 404), responses[0])
        for target in ("/livez", "/livez?a", "http://a/livez", "HTTP://a:1/livez?/x", "http://a", "http://a?/livez"):
            with self.subTest(target):
                responses, _ = self.server.raw(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                self.assertEqual(responses[0].status, 200, responses[0])
                self.assertEqual("endpoints" in responses[0].json(), "/livez" not in target.split("?")[0])

    def test_a_malformed_query_is_told_what_one_consists_of(self):
        for query in QUERIES:
            with self.subTest(query):
                response = self.server.post(f"{WORD}?{query}", b"a", headers={"Content-Type": "text/plain"})
                self.assert_problem(response, 400, "malformed-request")
                self.assertIn("that decode to UTF-8 without NUL", response.json()["detail"])

    def test_every_bad_demand_in_the_head_has_its_own_problem(self):
        for name, (method, path, headers, status, slug) in HEADS.items():
            with self.subTest(name):
                self.check(method, path, word(), headers, status, slug)

    def test_long_values_are_cut_in_the_detail_and_stay_valid_json(self):
        response = self.server.post(WORD, word(**{"é" * 5000: 1}), headers=JSON)
        self.assert_problem(response, 422, "unknown-field")
        self.assertLess(len(response.body), 2048)

    def test_a_field_name_with_quotes_and_controls_is_escaped(self):
        response = self.server.post(WORD, word(**{'"\\\x01</script>': 1}), headers=JSON)
        self.assert_problem(response, 422, "unknown-field", '/"\\\x01<~1script>')


if __name__ == "__main__":
    unittest.main()
