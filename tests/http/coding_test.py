"""Compressed bodies and answers: Content-Encoding and Accept-Encoding, gzip, zstd and deflate, over HTTP.

zstd is done by the zstd program (Debian: zstd), as Python's library has none.

ctest: threads
"""

import gzip
import json
import random
import re
import subprocess
import unittest
import zlib

import server

WORD = "/v1/wordcount"
GAUSS = "/v1/gaussian"
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
MIB = 1024 * 1024


def zstd(*arguments, data):
    return subprocess.run(["zstd", "-q", "-c", *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def pieces(body, size):
    return (body[at:at + size] for at in range(0, len(body), size))


def bare(data):
    """deflate as some clients send it: without zlib's header and checksum."""
    compressor = zlib.compressobj(6, wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


FOLD = {"gzip": lambda data: gzip.compress(data, 6), "zstd": lambda data: zstd("-3", data=data),
        "deflate": lambda data: zlib.compress(data, 6)}
UNFOLD = {"gzip": gzip.decompress, "zstd": lambda data: zstd("-d", data=data), "deflate": zlib.decompress}


def peak_kib(under_test):
    with open(f"/proc/{under_test.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read(), re.MULTILINE)[1])


def crumbs(text):
    """Text with little to compress, so that a folded body is long as well: words of random letters, "is" among them."""
    chance = random.Random(4)
    words = ["is" if number % 7 == 0 else "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9))
             for number in range(text)]
    return " ".join(words).encode()


class Bodies(server.ServerTest):
    options = {"max_body": "4MiB", "max_stream": "64MiB"}

    def post(self, path, body, coding, media=JSON, **more):
        return self.server.post(path, body, headers=media | {"Content-Encoding": coding}, **more)

    def test_compressed_json_is_the_same_request(self):
        for coding, fold in FOLD.items():
            for times in (1, 1000, 4000):
                with self.subTest(coding, times=times):
                    body = json.dumps({"text": server.zen(times), "word": "is"}).encode()
                    response = self.post(WORD, fold(body), coding)
                    self.assertEqual((response.status, response.json().get("count")), (200, 10 * times), response)

    def test_names_of_codings_have_any_case_and_identity_is_none(self):
        body = b'{"text": "is", "word": "is"}'
        for name, sent in (("GZip", gzip.compress(body)), ("x-gzip", gzip.compress(body)), ("identity", body),
                           ("ZSTD", FOLD["zstd"](body)), ("Deflate", FOLD["deflate"](body))):
            with self.subTest(name):
                self.assertEqual(self.post(WORD, sent, name).status, 200)

    def test_compressed_text_is_counted_while_it_arrives(self):
        plain = crumbs(700000)
        self.assertGreater(len(plain), 5 * MIB)
        expected = plain.split(b" ").count(b"is")
        for coding, fold in FOLD.items():
            folded = fold(plain)
            self.assertGreater(len(folded), 2 * MIB)
            for match in ("exact", "letters", "words"):
                for sent in (folded, pieces(folded, 65521), pieces(folded, 700001)):
                    with self.subTest(coding, match=match):
                        response = self.post(f"{WORD}?word=is&match={match}&threads=2", sent, coding, TEXT)
                        self.assertEqual((response.status, response.json().get("count")), (200, expected), response)

    def test_a_text_that_shrinks_a_thousandfold_is_counted(self):
        for coding, fold in FOLD.items():
            response = self.post(WORD + "?word=is", fold(b"is " * (20 * MIB)), coding, TEXT)
            self.assertEqual((response.status, response.json().get("count")), (200, 20 * MIB), response)

    def test_an_empty_compressed_text_has_no_words(self):
        for coding, fold in FOLD.items():
            self.assertEqual(self.post(WORD + "?word=is", fold(b""), coding, TEXT).json().get("count"), 0)

    def test_deflate_without_its_header_is_read_too(self):
        for level in (0, 1, 9):
            plain = json.dumps({"text": server.zen(100), "word": "is"}).encode()
            compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
            folded = compressor.compress(plain) + compressor.flush()
            for sent in (folded, pieces(folded, 1), pieces(folded, 1021)):
                with self.subTest(level):
                    self.assertEqual(self.post(WORD, sent, "deflate").json().get("count"), 1000)
        text = crumbs(100000)
        response = self.post(WORD + "?word=is", pieces(bare(text), 1 << 16), "deflate", TEXT)
        self.assertEqual(response.json().get("count"), text.split(b" ").count(b"is"))

    def test_deflate_is_one_stream_and_says_so(self):
        for fold in (FOLD["deflate"], bare):
            for behind in (fold(b"is"), b"\n", b"garbage"):
                response = self.post(WORD + "?word=is", fold(b"it is") + behind, "deflate", TEXT)
                self.assert_problem(response, 400, "invalid-encoding")
                self.assertIn("something behind its end", response.json()["detail"])

    def test_what_is_wrong_with_a_deflate_body_is_named(self):
        whole = zlib.compress(b"it is")
        for body, named in ((whole[:-1] + bytes([whole[-1] ^ 1]), "incorrect data check"), (whole[:-1], "ends early"),
                            (whole[:1], "ends early"), (b"\x78\xbb" + bytes(8), "preset dictionary"),
                            (b"\x07" + bytes(8), "invalid block type"), (gzip.compress(b"it is"), "it looks like gzip"),
                            (zstd("-3", data=b"it is"), "it looks like zstd"), (b'{"text": ""}', "it looks like JSON"),
                            (bare(b"it is")[:-1], "no zlib header")):
            with self.subTest(named):
                response = self.post(WORD + "?word=is", body, "deflate", TEXT)
                self.assert_problem(response, 400, "invalid-encoding")
                self.assertIn(named, response.json()["detail"])

    def test_several_members_one_after_the_other_are_one_body(self):
        for coding, fold in FOLD.items():
            if coding == "deflate":
                continue
            response = self.post(WORD + "?word=is", fold(b"it is i") + fold(b"") + fold(b"s is"), coding, TEXT)
            self.assertEqual((response.status, response.json().get("count")), (200, 3), response)

    def test_compressed_npy_is_read(self):
        head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
        head += b" " * (-(10 + len(head) + 1) % 64) + b"\n"
        array = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(16)
        response = self.post(GAUSS + "?y=0", gzip.compress(array), "gzip", {"Content-Type": "application/x-npy"})
        self.assertEqual((response.status, response.json().get("z")), (200, [1, 1]), response)

    def broken(self, fold):
        body = json.dumps({"text": crumbs(5000).decode(), "word": "is"}).encode()
        folded = fold(body)
        middle = len(folded) // 2
        wrong_sum = folded[:-5] + bytes([folded[-5] ^ 1]) + folded[-4:]  # of gzip; in zstd it is a byte of the data
        return {"not compressed": body, "empty": b"", "cut in the middle": folded[:middle],
                "cut at the end": folded[:-1], "garbage behind": folded + b"garbage",
                "a flipped byte": folded[:middle] + bytes([folded[middle] ^ 0x55]) + folded[middle + 1:],
                "a wrong checksum": wrong_sum, "no magic": folded[1:]}

    def test_broken_bodies_are_refused(self):
        for coding, fold in FOLD.items():
            for name, body in self.broken(fold).items():
                for path, media in ((WORD, JSON), (WORD + "?word=is", TEXT)):
                    for sent in (body, pieces(body, 997)):
                        with self.subTest(name, coding=coding, media=media):
                            connection = self.server.connect()
                            response = self.post(path, sent, coding, media, connection=connection)
                            slug = "empty-body" if not body and media is JSON else "invalid-encoding"
                            self.assert_problem(response, 400, slug)
                            self.assertEqual(self.server.get("/livez", connection=connection).status, 200)
                            connection.close()

    def test_what_is_in_another_coding_is_told_by_name(self):
        plain = b'{"text": "is", "word": "is"}'
        for path, media in ((WORD, JSON), (WORD + "?word=is", TEXT)):
            for coding in FOLD:
                for other in {*FOLD, None} - {coding}:
                    body = FOLD[other](plain) if other else plain
                    with self.subTest(coding=coding, other=other):
                        response = self.post(path, body, coding, media)
                        self.assert_problem(response, 400, "invalid-encoding")
                        detail = response.json()["detail"]
                        self.assertIn(f" of the {coding} body: ", detail)
                        if (coding, other) not in (("gzip", "zstd"), ("zstd", "deflate")):  # refused before it is told
                            self.assertIn(f"; it looks like {other or 'JSON that'}", detail)

    def test_json_that_is_compressed_and_does_not_say_so(self):
        for coding, fold in FOLD.items():
            for path, plain in ((WORD, b'{"text": "is", "word": "is"}'), ("/v1/data/a", b"[1, 2]")):
                with self.subTest(coding, path=path):
                    method = "PUT" if "data" in path else "POST"
                    response = self.server.request(method, path, fold(plain), headers=JSON)
                    self.assert_problem(response, 400, "invalid-utf8")
                    self.assertEqual(response.json()["detail"],
                                     f"the body is {coding}, without Content-Encoding: {coding}; JSON is read as UTF-8")

    def test_unknown_codings_and_several_are_refused(self):
        for coding in ("br", "x-deflate", "zlib", "compress", "gzip, gzip", "deflate, gzip", "identity, br", "gzip;q=1"):
            for media in (JSON, TEXT):
                with self.subTest(coding):
                    self.assert_problem(self.post(WORD + ("?word=a" if media is TEXT else ""), b"{}", coding, media),
                                        415, "unsupported-encoding")

    def test_a_body_that_unfolds_beyond_the_limit_is_refused_without_unfolding_it_all(self):
        bomb = FOLD["gzip"](b'{"word": "is", "text": "' + b" " * (100 * MIB))
        self.assertLess(len(bomb), MIB)
        self.post(WORD, gzip.compress(b'{"word": "is", "text": "' + b" " * (3 * MIB) + b'"}'), "gzip")
        for coding, body in (("gzip", bomb), ("gzip", pieces(bomb, 30011)),
                             ("deflate", FOLD["deflate"](b'{"word": "is", "text": "' + b" " * (100 * MIB))),
                             ("deflate", bare(b'{"word": "is", "text": "' + b" " * (100 * MIB))),
                             ("zstd", FOLD["zstd"](b'{"word": "is", "text": "' + b" " * (100 * MIB)))):
            before = peak_kib(self.server)
            response = self.post(WORD, body, coding)
            self.assert_problem(response, 413, "body-too-large")
            self.assertIn("--max-body", response.json()["detail"])
            self.assertLess(peak_kib(self.server) - before, 32 * 1024)
        server.wait_until(lambda: server.health(self.server)["memory"]["used_bytes"] == 0, "all memory is given back")

    def test_a_body_that_just_fits_unfolded_is_taken(self):
        for more, status in ((0, 200), (1, 413)):
            body = b'{"word": "is", "text": "' + b" " * (4 * MIB - 26 + more) + b'"}'
            self.assertEqual(len(body), 4 * MIB + more)
            self.assertEqual(self.post(WORD, gzip.compress(body), "gzip").status, status)


CONNECTIONS = 300 * 1024  # what one with a large buffer and two with small ones take of the memory


class ShortMemory(server.ServerTest):
    options = {"memory": "16MiB"}

    def test_a_compressed_text_that_would_fit_alone_is_only_refused_for_now(self):
        """Others hold a little more each time, so that it is each of the stream's own blocks in turn that finds none."""
        refused = 0
        for spare in range(4096, MIB + 128 * 1024, 16 * 1024):
            with self.subTest(spare), self.server.socket() as other:
                held = 16 * MIB - CONNECTIONS - spare
                other.sendall(server.post_head(WORD, held) + b" " * (held - 1))
                server.wait_until(lambda: server.health(self.server)["memory"]["used_bytes"] >= held, "it is held")
                response = self.server.request("POST", WORD + "?word=is", gzip.compress(b"it is"),
                                               {**TEXT, "Content-Encoding": "gzip"})
                if response.status != 200:
                    self.assert_problem(response, 503, "memory-busy")
                    refused += 1
            server.wait_until(lambda: server.health(self.server)["memory"]["used_bytes"] == 0, "it is free again")
        self.assertGreater(refused, 0)


class Answers(server.ServerTest):
    """To a client on the same machine the server compresses only where identity is refused."""

    options = {"max_body": "64MiB"}
    NUMBERS = {"x": [0.001 * number for number in range(20000)], "y": 0}

    def ask(self, accept, fields=None, method="POST", path=GAUSS, **more):
        headers = {"Accept-Encoding": accept, **more}
        return self.server.request(method, path, fields or self.NUMBERS if method == "POST" else None, headers=headers)

    def assert_coded(self, response, coding):
        self.assertEqual((response.status, response.headers["Content-Encoding"]), (200, coding), response)
        self.assertEqual(response.headers["Vary"], "Accept-Encoding")
        self.assertEqual(int(response.headers["Content-Length"]), len(response.body))
        return UNFOLD[coding](response.body)

    def test_local_clients_get_plain_answers_unless_they_refuse_them(self):
        expected = self.ask("identity").json()["z"]
        for accept in ("gzip", "zstd, gzip", "gzip;q=1, identity;q=0.1", "*", "br", "", "gzip, *;q=0.5"):
            with self.subTest(accept):
                response = self.ask(accept)
                self.assertIsNone(response.headers["Content-Encoding"])
                self.assertEqual(response.json()["z"], expected)

    def test_an_answer_is_compressed_where_identity_is_refused(self):
        expected = self.ask("identity").json()["z"]
        for accept, coding in (("gzip, identity;q=0", "gzip"), ("zstd, identity;q=0", "zstd"),
                               ("identity;q=0, zstd;q=0.5, gzip", "gzip"), ("gzip, zstd, identity;q=0", "zstd"),
                               ("*;q=0, gzip", "gzip"), ("x-gzip, identity;q=0", "gzip"),
                               ("deflate, identity;q=0", "deflate"), ("deflate, *;q=0", "deflate"),
                               ("gzip, deflate, identity;q=0", "gzip"), ("gzip;q=0.5, deflate, identity;q=0", "deflate"),
                               ("gzip;q=0, zstd;q=0, *", None), ("gzip;q=0, zstd;q=0, identity;q=0, *", "deflate")):
            with self.subTest(accept):
                response = self.ask(accept)
                if coding is None:
                    self.assertIsNone(response.headers["Content-Encoding"])
                    continue
                self.assertEqual(json.loads(self.assert_coded(response, coding))["z"], expected)
                self.assertLess(len(response.body), 300000)

    def test_small_and_binary_answers_are_compressed_too(self):
        for coding in FOLD:
            accept = f"{coding}, identity;q=0"
            answer = json.loads(self.assert_coded(self.ask(accept, {"x": [1], "y": 1}), coding))
            self.assertEqual((answer["z"], answer["gamma"]), ([1], 1))
            plain = self.ask("identity", Accept="application/x-npy").body
            self.assertTrue(self.assert_coded(self.ask(accept, Accept="application/x-npy"), coding) == plain)

    def test_streams_have_compressed_answers_as_well(self):
        response = self.server.post(WORD + "?word=is", server.zen(2000), headers=TEXT | {
            "Accept-Encoding": "gzip, identity;q=0"})
        self.assertEqual(json.loads(self.assert_coded(response, "gzip"))["count"], 20000)

    def test_accept_encoding_lines_are_one_list(self):
        body = b'{"x": [1], "y": 1}'
        head = server.post_head(GAUSS, len(body), "Accept-Encoding: gzip", "Accept-Encoding: identity;q=0",
                                "Connection: close")
        responses, _ = self.server.raw(head + body)
        self.assertEqual(json.loads(self.assert_coded(responses[0], "gzip"))["z"], [1])

    def test_where_all_is_refused_the_answer_is_406(self):
        for accept in ("identity;q=0", "*;q=0", "br, identity;q=0", "gzip;q=0, zstd;q=0, identity;q=0",
                       "deflate;q=0, identity;q=0"):
            with self.subTest(accept):
                self.assert_problem(self.ask(accept), 406, "not-acceptable")

    def test_weights_are_read_as_clients_write_them(self):
        for accept, coding in (("gzip;q=.5, identity ; q = 0", "gzip"), ("gzip;q=.5, zstd;q=0.5001, identity;q=.0", "zstd"),
                               ("gzip;q=.5, deflate;q=high, identity;q=0", "deflate")):
            with self.subTest(accept):
                self.assert_coded(self.ask(accept, {"x": [1], "y": 1}), coding)

    def test_a_file_never_comes_in_a_coding_that_was_refused(self):
        for path, media in (("/openapi.yaml", "application/yaml"), ("/openapi.json", "application/json"), ("/", "text/html")):
            for accept, coding in (("deflate;q=1, gzip;q=0.1, identity;q=0", "gzip"), ("deflate, zstd;q=.1", "zstd"),
                                   ("deflate, *, identity;q=0", "gzip"), ("identity ; q = 0 , gzip", "gzip")):
                with self.subTest(path, accept=accept):
                    response = self.ask(accept, method="GET", path=path, Accept=media)
                    self.assertEqual((response.status, response.headers["Content-Encoding"]), (200, coding))
                    self.assertEqual(UNFOLD[coding](response.body), self.server.get(path, headers={"Accept": media}).body)
            with self.subTest(path):
                refused = self.ask("deflate, identity;q=0", method="GET", path=path, Accept=media)
                self.assert_problem(refused, 406, "not-acceptable")
                self.assertIn("all of zstd, gzip", refused.json()["detail"])
                plain = self.ask("deflate", method="GET", path=path, Accept=media)
                self.assertEqual((plain.status, plain.headers["Content-Encoding"]), (200, None))

    def test_problems_are_never_compressed(self):
        response = self.ask("gzip, identity;q=0", {"x": [1], "y": "a"})
        self.assert_problem(response, 422, "wrong-type", "/y")
        self.assertIsNone(response.headers["Content-Encoding"])


if __name__ == "__main__":
    unittest.main()
