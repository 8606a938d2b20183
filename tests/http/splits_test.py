"""However a body is cut on its way, the answer is the one to the whole body: status, problem, offset, result.

Each body goes out whole first. Then it is cut in two at every place, as two chunks and as two writes with an exchange on
another connection between them: the server's one loop has then read what was there. At last it comes byte by byte.
"""

import codecs
import gzip
import json
import pathlib
import re
import socket
import subprocess
import unittest

import bad_input_test
import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORD, GAUSS = bad_input_test.WORD, bad_input_test.GAUSS
LONGEST = 300  # bytes of a body; longer ones have no more ways to be cut wrongly
AT_ONCE = 50  # connections that wait for the rest of their body together

JSON, TEXT, NPY = "application/json", "text/plain", "application/x-npy"
COUNTED = "is é 日 😀 (IS) is\r\nÉ.\r\né日 isis 'is".encode()


def fixture(name):
    return (ROOT / "tests" / "fixtures" / "npy" / (name + ".npy")).read_bytes()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:]


def json_bodies():
    """name: (path, media type, coding, body)"""
    bad = {name: (path, body) for name, (path, body, *_) in bad_input_test.BODIES.items() if 0 < len(body) <= LONGEST}
    good = {
        "words": (WORD, '{"text": "né is \\ud83d\\ude00 is \\\\\\" is", "word": "is", "threads": 1}'.encode()),
        "letters": (WORD, '{"word":"é","text":"É. \\u00e9 é\\n日é","match":"letters"}'.encode()),
        "numbers": (GAUSS, b' {"x": [1, -2.5e0 ,3E-1,0.12345678901234567], "y": [1,-2,0 , 1e-1], "gamma": 0.5} \n'),
        "a number and an array": (GAUSS, b'{"y":1e0,"x":[0,1,2],"sigma":1,"precision":4}'),
        "no numbers": (GAUSS, b'{"x":[],"y":[]}'),
        "words after a byte order mark": (WORD, codecs.BOM_UTF8 + b'{"text": "is it", "word": "is"}'),
        "numbers after a byte order mark": (GAUSS, codecs.BOM_UTF8 + b'{"x": [1, 2], "y": [1, 0.5]}'),
    }
    return {name: (path, JSON, None, body) for name, (path, body) in (bad | good).items()}


def other_bodies():
    text = WORD + "?word=%C3%A9&match=letters"
    both = GAUSS + "?sigma=1"
    one = GAUSS + "?y=1"
    array, pair = fixture("row_f4"), fixture("row_f8_version_2") + fixture("row_f8")
    body = b'{"text": "it is what it is, is it", "word": "is"}'
    cases = {
        "text": (text, TEXT, None, COUNTED),
        "text, other words": (WORD + "?word=is", TEXT, None, COUNTED),
        "text after a byte order mark": (WORD, TEXT, None, codecs.BOM_UTF8 + COUNTED),
        "nothing but a byte order mark": (WORD, TEXT, None, codecs.BOM_UTF8),
        "text in UTF-16": (WORD, TEXT, None, COUNTED.decode().encode("utf-16")),
        "text that is no UTF-8": (text, TEXT, None, COUNTED + b"\xf0\x9f"),
        "array": (one, NPY, None, array),
        "two arrays": (both, NPY, None, pair),
        "array, last byte missing": (one, NPY, None, array[:-1]),
        "array, a byte too many": (one, NPY, None, array + b"\0"),
        "array, another shape": (one, NPY, None, fixture("matrix_f8")),
        "array, another order": (one, NPY, None, fixture("matrix_fortran_f8")),
        "array of objects": (one, NPY, None, fixture("row_objects")),
        "array, broken head": (one, NPY, None, array.replace(b"(4,)", b"(4,,")),
    }
    for coding, fold in (("gzip", gzip.compress), ("zstd", zstd)):
        folded = fold(body)
        cases |= {
            f"{coding} of JSON": (WORD, JSON, coding, folded),
            f"{coding} of bad JSON": (WORD, JSON, coding, fold(body.replace(b",", b";"))),
            f"{coding} of text": (text, TEXT, coding, fold(COUNTED[:20]) + fold(COUNTED[20:])),
            f"{coding} of text after a byte order mark": (WORD, TEXT, coding, fold(codecs.BOM_UTF8 + COUNTED)),
            f"{coding} of a byte order mark in two": (WORD, TEXT, coding, fold(b"\xef") + fold(b"\xbb\xbfis it")),
            f"{coding} of JSON after a byte order mark": (WORD, JSON, coding, fold(codecs.BOM_UTF8 + body)),
            f"{coding} of an array": (one, NPY, coding, fold(array)),
            f"{coding} cut short": (WORD, JSON, coding, folded[:-3]),
            f"{coding} of text cut short": (text, TEXT, coding, fold(COUNTED)[:-3]),
            f"{coding} and more": (WORD, JSON, coding, folded + b"more"),
            f"{coding} with a flipped byte": (WORD, JSON, coding, flip(folded, len(folded) // 2)),
            f"{coding} of text with a flipped byte": (text, TEXT, coding, flip(fold(COUNTED), 30)),
        }
    return cases


def text_of(length, rest):
    return '{"text": "' + 'is it \\n \\u00e9'.ljust(length, "a") + '"' + rest


def numbers_of(length, rest, wrong=""):
    return '{"x": [' + "0.5, " * (length // 10) + wrong + "1], " + '"y": [' + "0.25, " * (length // 10) + "2]" + rest


# name: (path, function of a length that gives a body, its problem)
LONG = {
    "unknown field after text": (WORD, lambda length: text_of(length, ', "wort": "is"}'), "unknown-field"),
    "wrong option after text": (WORD, lambda length: text_of(length, ', "word": "is", "threads": 0}'), "out-of-range"),
    "text that is no UTF-8 before a wrong option":
        (WORD, lambda length: text_of(length, ', "threads": 0}').replace("\\n", "\\ud800"), "invalid-json"),
    "bad escape": (WORD, lambda length: text_of(length, ', "word": "is"}').replace("\\n", "\\x"), "invalid-json"),
    "bad escape before bad JSON":
        (WORD, lambda length: text_of(length, ', "word" "is"}').replace("\\n", "\\x"), "invalid-json"),
    "no end": (WORD, lambda length: text_of(length, ', "word": "is"'), "invalid-json"),
    "no quote": (WORD, lambda length: text_of(length, "")[:-1], "invalid-json"),
    "text twice": (WORD, lambda length: text_of(length, ', "text": "b", "word": "is"}'), "duplicate-key"),
    "more after the text": (WORD, lambda length: text_of(length, ', "word": "is"} {}'), "trailing-data"),
    "bad number before an unknown field":
        (GAUSS, lambda length: numbers_of(length, ', "z": 1}', "01, "), "invalid-json"),
    "overflow": (GAUSS, lambda length: numbers_of(length, "}", "1e999, "), "number-overflow"),
    "no number": (GAUSS, lambda length: numbers_of(length, "}", "null, "), "wrong-type"),
    "length mismatch": (GAUSS, lambda length: numbers_of(length, "}", "3, "), "length-mismatch"),
    "wrong option after numbers": (GAUSS, lambda length: numbers_of(length, ', "chunk": -1}'), "out-of-range"),
}


def long_bodies():
    cases = {name: (path, JSON, None, body(300000).encode()) for name, (path, body, _) in LONG.items()}
    x = [number / 7 for number in range(20000)]
    return cases | {
        "words": (WORD, JSON, None, json.dumps({"text": 'é is \\ "is" 😀\n' * 20000, "word": "is"}).encode()),
        "word first": (WORD, JSON, None, json.dumps({"word": "is", "text": "it is \n" * 20000}).encode()),
        "numbers": (GAUSS, JSON, None, json.dumps({"x": x, "gamma": 0.1, "y": x[::-1], "precision": 6}).encode()),
        "rows": ("/v1/gaussian/sum", JSON, None,
                 json.dumps({"x": [x[:3], x[3:6]], "y": [x[at:at + 3] for at in range(9000)]}).encode()),
    }


def head_of(case, framing):
    path, media, coding, _ = case
    accept = NPY if path == GAUSS + "?sigma=1" else JSON
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {media}", f"Accept: {accept}", framing]
    if coding:
        lines.append(f"Content-Encoding: {coding}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunked(case, pieces):
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head_of(case, "Transfer-Encoding: chunked") + framed + b"0\r\n\r\n"


def essence(response):
    """The answer without what differs from request to request."""
    if "json" not in response.headers["Content-Type"]:
        return response.status, response.headers["Content-Type"], response.body
    answer = {name: value for name, value in response.json().items() if name not in ("timing", "request_id")}
    return response.status, response.headers["Content-Type"], json.dumps(answer)


class Splits(server.ServerTest):
    options = {"io_threads": 1, "max_connections": 4 * AT_ONCE}

    def setUp(self):
        self.pool = [self.connect() for _ in range(AT_ONCE)]
        self.other = self.server.connect()

    def connect(self):
        connection = self.server.socket()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each write is on its way at once
        return connection

    def tearDown(self):
        for connection in self.pool:
            connection.close()
        self.other.close()

    def let_it_read(self):
        """What was sent before is read, once the one loop has answered on another connection."""
        self.assertEqual(self.server.get("/livez", connection=self.other).status, 200)

    def ask(self, index, sent):
        """The answer on that connection; a new one takes its place if the server closes it."""
        connection = self.pool[index]
        connection.sendall(sent)
        return self.answer(index)

    def answer(self, index):
        response = server.read_response(self.pool[index])
        if response.headers.get("Connection", "").lower() == "close":
            self.pool[index].close()
            self.pool[index] = self.connect()
        return essence(response)

    def whole(self, case):
        expected = self.ask(0, head_of(case, f"Content-Length: {len(case[3])}") + case[3])
        self.assertIn(expected[0], (200, 400, 422))
        return expected

    def check_chunks(self, name, case):
        body, expected = case[3], self.whole(case)
        for at in range(1, len(body)):
            self.assertEqual(self.ask(0, chunked(case, (body[:at], body[at:]))), expected, (name, at))
        single = (body[at:at + 1] for at in range(len(body)))
        self.assertEqual(self.ask(0, chunked(case, single)), expected, name)

    def check_writes(self, name, case):
        body, expected = case[3], self.whole(case)
        head = head_of(case, f"Content-Length: {len(body)}")
        for first in range(0, len(body), AT_ONCE):
            places = range(first, min(first + AT_ONCE, len(body)))
            for index, at in enumerate(places):
                self.pool[index].sendall(head + body[:at])
            self.let_it_read()
            for index, at in enumerate(places):
                self.pool[index].sendall(body[at:])
            for index, at in enumerate(places):
                self.assertEqual(self.answer(index), expected, (name, at))

    def check_bytes(self, cases):
        """All of them side by side, a byte of each at a time."""
        names = list(cases)
        for first in range(0, len(names), AT_ONCE):
            batch = [cases[name] for name in names[first:first + AT_ONCE]]
            expected = [self.whole(case) for case in batch]
            for index, case in enumerate(batch):
                self.pool[index].sendall(head_of(case, f"Content-Length: {len(case[3])}"))
            for at in range(max(len(case[3]) for case in batch)):
                self.let_it_read()
                for index, case in enumerate(batch):
                    self.pool[index].sendall(case[3][at:at + 1])
            for index, case in enumerate(batch):
                self.assertEqual(self.answer(index), expected[index], names[first + index])

    def test_json_in_two_chunks(self):
        for name, case in json_bodies().items():
            self.check_chunks(name, case)

    def test_json_in_two_writes(self):
        for name, case in json_bodies().items():
            self.check_writes(name, case)

    def test_other_media_and_codings_in_two_chunks(self):
        for name, case in other_bodies().items():
            self.check_chunks(name, case)

    def test_other_media_and_codings_in_two_writes(self):
        for name, case in other_bodies().items():
            self.check_writes(name, case)

    def test_byte_by_byte(self):
        self.check_bytes(json_bodies())
        self.check_bytes(other_bodies())

    def test_long_json_in_odd_pieces(self):
        """Bulk members of long bodies are located while they arrive; mistakes are named as in short ones."""
        for name, case in long_bodies().items():
            expected = self.whole(case)
            for size in (977, 20011, 65537, 200003):
                pieces = [case[3][at:at + size] for at in range(0, len(case[3]), size)]
                with self.subTest(name, size=size):
                    self.assertEqual(self.ask(0, chunked(case, pieces)), expected)
                    self.pool[1].sendall(head_of(case, f"Content-Length: {len(case[3])}"))
                    for piece in pieces:
                        self.pool[1].sendall(piece)
                        if size > 20000:
                            self.let_it_read()
                    self.assertEqual(self.answer(1), expected)

    def test_long_json_has_the_problems_of_short_json(self):
        """What stands after 300,000 bytes more of text or numbers is refused as it is after three, but for offsets."""
        for name, (path, body, kind) in LONG.items():
            long, short = (self.whole((path, JSON, None, body(length).encode())) for length in (300000, 3))
            with self.subTest(name):
                self.assertEqual((long[0], json.loads(long[2])["type"]), (short[0], json.loads(short[2])["type"]))
                self.assertEqual(json.loads(long[2])["type"].rpartition(":")[2], kind)

    def test_the_bodies_show_every_problem_that_a_body_can_have(self):
        """All of 400 and 422 in codecs/problem.h, but for what a body of no or many bytes or the head is needed for."""
        rows = re.findall(r'X\(\w+, "([^"]+)", (?:400|422), ', (ROOT / "codecs" / "problem.h").read_text())
        answers = [self.whole(case) for case in (json_bodies() | other_bodies()).values()]
        seen = {json.loads(answer)["type"].rpartition(":")[2] for status, _, answer in answers if status != 200}
        self.assertEqual(set(rows) - seen, {"malformed-request", "too-deep", "idempotency-conflict"})


if __name__ == "__main__":
    unittest.main()
