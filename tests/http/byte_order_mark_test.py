"""A byte order mark before a body is no part of it, however the body comes; UTF-16 and UTF-32 are named."""

import codecs
import gzip
import json
import unittest
import zlib

import server

WORD, GAUSS = "/v1/wordcount", "/v1/gaussian"
MARK = codecs.BOM_UTF8
JSON, TEXT = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
LONG = "is it é\n" * 400_000  # several windows of a stream
TEXTS = ["", "i", "is", "is it\n", "\ufeff", "\ufeffis", "é is", LONG]
QUERIES = ["", "word=is", "words=is&words=it", "word=is&match=letters", "top=3"]
# (path, text of a JSON body)
DOCUMENTS = [
    (WORD, '{"text": "is it", "word": "is"}'),
    (WORD, ' \n{"word": "is", "text": "is \\u00e9 \\" is"}'),
    (WORD, '{"text": "\ufeffis", "word": "is"}'),
    (WORD, json.dumps({"word": "is", "text": LONG, "threads": 2})),
    (GAUSS, json.dumps({"x": [number / 7 for number in range(30000)], "y": 1, "gamma": 0.5, "precision": 5})),
    (GAUSS + "/sum", json.dumps({"x": [[1, 2], [3, 4]], "weights": [1, 2]})),
    (WORD, '{"text": "is it", "word": "is", "threads": 0}'),
    (WORD, '{"text": "is it", "text": "is"}'),
    (GAUSS, '{"x": [1, 01], "y": 1}'),
    (GAUSS, '{"y": tru, "x": [1, 2]}'),
    (GAUSS, json.dumps({"x": [0.5] * 40000})[:-2] + ", 1e999]}"),
    (GAUSS, json.dumps({"x": [0.5] * 40000})[:-1] + ', "y": tru}'),
    (WORD, json.dumps({"text": LONG})[:-1] + ', "word": "is"} x'),
]


def essence(response, shift=0):
    """The answer without what differs from request to request; its offset is moved back by `shift`."""
    answer = {name: value for name, value in response.json().items() if name not in ("timing", "request_id")}
    words = answer.get("detail", "").split(" ", 3)
    if words[:2] == ["at", "byte"]:
        answer["detail"] = f"at byte {int(words[2].rstrip(':')) - shift}: {words[3]}"
    return response.status, answer


def deflated(body):
    """In blocks of a byte each at first, so that a decoder may give the mark byte by byte."""
    folder = zlib.compressobj(wbits=31)
    pieces = [folder.compress(body[at:at + 1]) + folder.flush(zlib.Z_FULL_FLUSH) for at in range(min(4, len(body)))]
    return b"".join(pieces) + folder.compress(body[4:]) + folder.flush()


class ByteOrderMarks(server.ServerTest):
    def ways(self, path, body, headers):
        """The answers to the body as it is, in chunks with the mark in pieces, and compressed."""
        yield self.server.post(path, body, headers=headers)
        yield self.server.post(path, iter([body[:1], body[1:2], body[2:3], body[3:]]), headers=headers)
        for fold in (gzip.compress, deflated):
            yield self.server.post(path, fold(body), headers=headers | {"Content-Encoding": "gzip"})

    def test_a_text_is_counted_without_it(self):
        for text in TEXTS:
            for query in QUERIES:
                path = f"{WORD}?{query}"
                expected = essence(self.server.post(path, text.encode(), headers=TEXT))
                if text.startswith("\ufeff"):
                    expected = essence(self.server.post(path, text[1:].encode(), headers=TEXT))
                    self.compare(path, text.encode(), TEXT, expected)
                else:
                    self.compare(path, MARK + text.encode(), TEXT, expected)

    def test_a_mark_behind_the_first_is_a_character(self):
        response = self.server.post(WORD, 2 * MARK + b"is", headers=TEXT).json()
        self.assertEqual((response["chars"], response["bytes"]), (3, 5))

    def test_json_is_read_without_it(self):
        for path, text in DOCUMENTS:
            expected = essence(self.server.post(path, text.encode(), headers=JSON))
            self.compare(path, MARK + text.encode(), JSON, expected, shift=3)

    def compare(self, path, body, headers, expected, shift=0):
        for way, response in enumerate(self.ways(path, body, headers)):
            with self.subTest(path=path, body=body[:60], way=way):
                status, answer = essence(response, shift)
                if "threads" in answer:
                    answer["threads"], expected[1]["threads"] = None, None
                self.assertEqual((status, answer), expected)

    def test_other_encodings_are_named(self):
        names = {"utf-16-le": "UTF-16 (little endian)", "utf-16-be": "UTF-16 (big endian)",
                 "utf-32-le": "UTF-32 (little endian)", "utf-32-be": "UTF-32 (big endian)"}
        for encoding, name in names.items():
            for text in ('{"text": "is it", "word": "is"}', json.dumps({"text": LONG, "word": "is"})):
                for mark in ("", "\ufeff"):
                    for response in self.ways(WORD, (mark + text).encode(encoding), JSON):
                        with self.subTest(encoding=encoding, mark=mark, bytes=len(text)):
                            self.assert_problem(response, 400, "invalid-utf8")
                            self.assertEqual(response.json()["detail"], f"the body is {name}; JSON is read as UTF-8")
            for text in ("is it", LONG):
                for response in self.ways(WORD, ("\ufeff" + text).encode(encoding), TEXT):
                    with self.subTest(encoding=encoding, bytes=len(text)):
                        self.assert_problem(response, 400, "invalid-utf8")
                        self.assertEqual(response.json()["detail"], f"the body is {name}; text is read as UTF-8")


if __name__ == "__main__":
    unittest.main()
