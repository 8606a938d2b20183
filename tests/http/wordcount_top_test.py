"""POST /v1/wordcount with top: the most frequent words, against collections.Counter."""

import collections
import contextlib
import random
import re
import threading
import unittest

import server
import text_call
from text_call import ODD, WINDOW, random_text

# Unicode's White_Space.
SPACES = "\t\n\v\f\r \x85\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200b))) + "\u2028\u2029\u202f\u205f\u3000"
# Only letters that have been in Unicode for long.
CHARACTERS = "abAB.,'éÉßẞΣσςЖжİıǅ日本😀\0\u200b\x1c" + SPACES
FEW_SPACES = "abcdeABC.éÉßΣσςЖжİ日" * 2 + " \n\u3000"


def lower(word):
    return "".join(map(str.lower, word))  # character by character: no final sigma


def frequencies(body, limit):
    """Of a text as bytes, which needn't be UTF-8."""
    text = body.decode("utf-8", "surrogateescape")
    counts = collections.Counter(map(lower, re.findall(f"[^{SPACES}]+", text)))
    ordered = sorted((-count, word.encode("utf-8", "surrogateescape")) for word, count in counts.items())
    shown = [(word.decode("utf-8", "surrogateescape"), -count) for count, word in ordered[:limit]]
    return {"top": [{"word": re.sub("[\udc80-\udcff]", "\ufffd", word), "count": count} for word, count in shown],
            "distinct": len(counts), "words": counts.total()}


def distinct_words(begin, end):
    """About 12 bytes each."""
    return " ".join(f"{number * 2654435761 % 2 ** 32:010d}x" for number in range(begin, end))


class Frequencies(text_call.TextTest):
    def test_small_texts(self):
        for text in ("", " ", "a", "a A b", "b a", "a b a b c", "  a\n\na ", "Ab aB AB", "İ i\u0307", "ΣΑΣ σας",
                     "ẞ ß ss", "\0 \0", "a\u00a0a\u3000a\x85a", "a\x1ca", "\u200b", "é e\u0301", "x" * 9000):
            for limit in (1, 2, 100000):
                with self.subTest(text[:20], limit=limit):
                    expected = frequencies(text.encode(), limit)
                    self.assertEqual(self.by_json(text, top=limit), expected)
                    self.assertEqual(self.by_stream(text.encode(), top=limit), expected)

    def test_random_texts(self):
        chance = random.Random(10)
        for number in range(60):
            text = "".join(chance.choices(CHARACTERS, k=chance.choice([1, 7, 64, 1000, 4099])))
            limit = chance.choice([1, 3, 50, 100000])
            expected = frequencies(text.encode(), limit)
            with self.subTest(number):
                self.assertEqual(self.by_json(text, top=limit, threads=chance.choice([1, 2, 4]),
                                              chunk=chance.choice([0, 1, 61])), expected)
                self.assertEqual(self.by_stream(text.encode(), chance.choice([1, 13, 997]), top=limit), expected)

    def test_a_long_text_however_it_is_sent_and_split(self):
        text = random_text(11, FEW_SPACES, 2 * WINDOW)
        for limit in (1, 100000):
            self.assert_everywhere(text, frequencies(text.encode(), limit), top=limit)

    def test_every_place_of_a_windows_border_in_a_word_and_a_space(self):
        across = "É日\u3000😀É É\u2003"
        for before in range(len(across.encode()) + 1):
            body = b"x" * (WINDOW - before) + across.encode() * 2
            with self.subTest(before):
                self.assertEqual(self.by_stream(body, top=9), frequencies(body, 9))

    def test_a_word_longer_than_several_windows(self):
        body = b"a " + b"X" * (3 * WINDOW + 17) + b" a"
        for sent_in in (None, ODD):
            self.assertEqual(self.by_stream(body, sent_in, top=2), frequencies(body, 2))

    def test_bytes_that_are_no_utf8_stand_in_their_words(self):
        parts = [b"a", b"B", b" ", b" ", b"\n", b"\xff", b"\x80", b"\xc3", b"\xe2\x80", b"\xf0\x9f\x98", b"\xed\xa0\x80",
                 b"\xc0\xa0", "É".encode(), "\u3000".encode()]
        chance = random.Random(12)
        for size in (1, 2, 5, 100, 5000, 700000):
            body = b"".join(chance.choices(parts, k=size))
            for sent_in in (None, ODD):
                with self.subTest(size=size, sent_in=sent_in):
                    self.assertEqual(self.by_stream(body, sent_in, top=1000, threads=chance.choice([1, 3])),
                                     frequencies(body, 1000))

    def test_a_hundred_thousand_entries(self):
        text = distinct_words(0, 120000) + " " + distinct_words(500, 700)
        expected = frequencies(text.encode(), 100000)
        self.assertEqual((len(expected["top"]), expected["distinct"]), (100000, 120000))
        self.assert_everywhere(text, expected, top=100000)

    def test_escapes_of_json_in_words(self):
        text = 'a"\\/\b\x7f\x01é a"\\/\b\x7f\x01é'
        self.assertEqual(self.by_json(text, top=1), frequencies(text.encode(), 1))

    def test_a_long_answer_is_compressed_where_that_is_wanted(self):
        headers = {**text_call.TEXT, "Accept-Encoding": "gzip, identity;q=0"}
        response = self.server.post(text_call.target(top=1000), distinct_words(0, 5000).encode(), headers=headers)
        self.assertEqual((response.status, response.headers["Content-Encoding"]), (200, "gzip"))
        self.assertLess(len(response.body), 20000)

    def test_streams_of_all_kinds_at_once(self):
        body = random_text(13, FEW_SPACES, 2 * WINDOW).encode()
        kinds = [{"top": 5}, {"words": ["a", "b,"]}, {"word": "a"}, {}, {"top": 100000}]
        expected = [self.by_stream(body, **kind) for kind in kinds]
        wrong = []

        def ask(number):
            kind = number % len(kinds)
            found = self.by_stream(body, (None, ODD)[number % 2], threads=1 + number % 4, **kinds[kind])
            if found != expected[kind]:
                wrong.append(number)

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(wrong, [])
        server.wait_until(lambda: text_call.at_rest(self.server), "all memory is given back")

    def test_a_deadline_that_passes_before_the_result_is_504(self):
        response = self.server.post(text_call.WORD, {"text": "é " * 4000000, "top": 5, "timeout_ms": 1})
        self.assert_problem(response, 504, "deadline-exceeded")

    def test_clients_that_leave_cost_nothing(self):
        body = distinct_words(0, 300000).encode()
        for number in range(10):
            with self.server.socket() as connection:
                connection.sendall(f"POST {text_call.target(top=9)} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                                   "Content-Length: 68719476736\r\n\r\n".encode())
                connection.sendall(body[:WINDOW // 3 * (number + 1)])
        server.wait_until(lambda: text_call.at_rest(self.server), "all memory is given back")

    def test_limits_of_top(self):
        for limit, slug in ((0, "out-of-range"), (100001, "out-of-range"), (-1, "out-of-range"), (1.5, "wrong-type"),
                            ("many", "wrong-type")):
            with self.subTest(limit):
                for response in (self.server.post(text_call.WORD, {"text": "a", "top": limit}),
                                 self.stream(b"a", top=limit)):
                    self.assert_problem(response, 422, slug, "/top")


class Memory(text_call.TextTest):
    options = {"memory": "16MiB", "max_body": "16MiB", "cores": 2}

    def test_a_text_with_too_many_distinct_words_is_refused_with_the_figures(self):
        body = distinct_words(0, 700000).encode()
        for sent_in in (None, ODD):
            response = self.stream(body, sent_in, top=10)
            self.assert_problem(response, 413, "memory-limit", "/top")
            self.assertRegex(response.json()["detail"], r'^"top" keeps every distinct word until the end: the request '
                             r"needs \d+ bytes beside the \d+ it has, the limit \(--memory\) is 16777216 in all$")
            server.wait_until(lambda: text_call.at_rest(self.server), "all memory is given back")

    def test_so_is_one_in_json(self):
        response = self.server.post(text_call.WORD, {"text": distinct_words(0, 500000), "top": 10})
        self.assert_problem(response, 413, "memory-limit", "/top")
        server.wait_until(lambda: text_call.at_rest(self.server), "all memory is given back")

    def test_one_with_few_may_have_any_length(self):
        block = ("It is so, is it? " * 6000).encode()
        response = self.server.post(text_call.target(top=2), (block for _ in range(300)), headers=text_call.TEXT)
        self.assertEqual(response.status, 200, response)
        self.assertEqual(response.json()["top"], [{"word": "is", "count": 3600000}, {"word": "it", "count": 1800000}])

    def test_memory_that_another_text_holds_is_a_reason_to_try_again(self):
        with self.server.socket() as first:
            body = distinct_words(0, 120000).encode()
            first.sendall(f"POST {text_call.target(top=9)} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
            held = WINDOW * 5
            server.wait_until(lambda: server.health(self.server)["memory"]["used_bytes"] > held, "it holds its words")
            statuses = set()
            for _ in range(3):
                with contextlib.suppress(ConnectionError):
                    response = self.stream(body, ODD, top=9)
                    statuses.add((response.status, response.slug(), response.headers.get("Retry-After")))
            self.assertEqual(statuses, {(503, "memory-busy", "1")})
            first.sendall(body[-1:])
            response = server.read_response(first)
            self.assertEqual((response.status, response.json().get("distinct")), (200, 120000), response)
        self.assertEqual(self.by_stream(body, ODD, top=1)["distinct"], 120000)


if __name__ == "__main__":
    unittest.main()
