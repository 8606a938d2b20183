"""POST /v1/wordcount without a word: lines, words, chars and bytes as wc counts them.

ctest: threads
"""

import os
import random
import re
import subprocess
import unittest

import text_call
from text_call import ODD, WINDOW, random_text

# What wc takes for white space in a UTF-8 locale.
SPACES = "\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200b))) + "\u2028\u2029\u202f\u205f\u2060\u3000"
CHARACTERS = "abcXYZ.,;éßЖжσ日本語😀\0\u200b\x85" + SPACES


def totals(text):
    return {"lines": text.count("\n"), "words": len(re.findall(f"[^{SPACES}]+", text)), "chars": len(text),
            "bytes": len(text.encode())}


def wc(body, *members):
    """The members of a result that wc gives, in its order: lines, words, chars, bytes."""
    flags = "-" + "".join({"lines": "l", "words": "w", "chars": "m", "bytes": "c"}[name] for name in members)
    done = subprocess.run(["wc", flags], input=body, capture_output=True, check=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    return dict(zip(members, map(int, done.stdout.split())))


class Totals(text_call.TextTest):
    def test_small_texts(self):
        for text in ("", "a", " ", "\n", "a\n", "a b", " a  b ", "a\r\nb\r\n", "é", "日本 語", "a\u00a0b", "a\u3000b",
                     "a\u200bb", "\0", "\0 \0", "😀 😀\n", "x" * 9000, "x " * 9000, "\n" * 9000):
            with self.subTest(text[:20]):
                self.assertEqual(self.by_json(text), totals(text))
                self.assertEqual(self.by_stream(text.encode()), totals(text))

    def test_random_texts(self):
        chance = random.Random(4)
        for number in range(60):
            text = "".join(chance.choices(CHARACTERS, k=chance.choice([1, 7, 63, 64, 65, 1000, 4099])))
            with self.subTest(number):
                self.assertEqual(self.by_json(text, threads=chance.choice([1, 2, 4]), chunk=chance.choice([0, 1, 61])),
                                 totals(text))
                self.assertEqual(self.by_stream(text.encode(), chance.choice([1, 13, 997])), totals(text))

    def test_a_long_text_however_it_is_sent_and_split(self):
        text = random_text(5, CHARACTERS, 3 * WINDOW)
        self.assert_everywhere(text, totals(text))

    def test_every_place_of_a_windows_border_in_a_word_and_a_character(self):
        across = "a 日本é\u3000😀 b"
        for before in range(len(across.encode()) + 1):
            body = b"x" * (WINDOW - before) + across.encode() + b" y"
            with self.subTest(before):
                self.assertEqual(self.by_stream(body), totals(body.decode()))

    def test_printable_text_gives_wcs_numbers(self):
        text = random_text(6, "abcXYZ.,;éßЖжσ日本語😀 \n\t\r", 2 * WINDOW)
        self.assertEqual(self.by_stream(text.encode()), wc(text.encode(), "lines", "words", "chars", "bytes"))

    def test_what_is_no_utf8_is_counted_in_bytes_alone(self):
        parts = [b"a", b" ", b"\n", b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80",
                 b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", "é".encode(), "日".encode(), "😀".encode()]
        chance = random.Random(7)
        for size in (1, 2, 5, 100, 5000, 800000):
            body = b"".join(chance.choices(parts, k=size))
            expected = wc(body, "lines", "chars", "bytes")
            for sent_in in (None, ODD):
                with self.subTest(size=size, sent_in=sent_in):
                    result = self.by_stream(body, sent_in, threads=chance.choice([1, 3]))
                    self.assertEqual({name: result[name] for name in expected}, expected)

    def test_json_escapes_are_decoded_before_counting(self):
        body = rb'{"text": "a\u00e9\ud83d\ude00\u2003b\n\u0000\t"}'
        response = self.server.post(text_call.WORD, body, headers={"Content-Type": "application/json"})
        self.assertEqual(text_call.counted(response.json()), totals("aé😀\u2003b\n\0\t"))

    def test_a_deadline_that_passes_before_the_result_is_504(self):
        response = self.server.post(text_call.WORD, {"text": "é " * 4000000, "timeout_ms": 1})
        self.assert_problem(response, 504, "deadline-exceeded")


if __name__ == "__main__":
    unittest.main()
