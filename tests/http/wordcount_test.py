"""POST /v1/wordcount against an oracle written in Python, over HTTP."""

import collections
import json
import random
import re
import unittest

import server

# Characters that the two rules treat differently. Only letters for which Python's isalpha() and Unicode's Alphabetic
# agree.
CHARACTERS = "ab iIsS .,!'\n\r\0éÉßΣσςжЖ日1"
# Unicode's White_Space, and characters that Python or others take for it.
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
NOT_WHITE = "\x1c\x1f\u180e\u200b\u2060\ufeff"
MATCHES = ["exact", "letters", "words"]
WORDS = ["is", "a", "i", "s.", "é", "σ", "Ж", "ж", "日", "'", "isis", "a\0", "1", "\r", "i" * 300]
TIMING = {"receive_ms", "queue_ms", "decode_ms", "compute_ms", "encode_ms", "total_ms", "cpu_ms"}


def words_of(text):
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if number < len(lines) - 1 and line.endswith("\r"):
            line = line[:-1]
        yield from line.split(" ")


def letters_match(word, needle):
    start = next((i for i, character in enumerate(word) if character.isalpha()), len(word))
    rest = word[start:]
    for position, character in enumerate(rest):
        if position == len(needle):
            return not character.isalpha()
        if character.lower()[0] != needle[position]:
            return False
    return len(rest) == len(needle)


def count(text, needle, match):
    if match == "exact":
        return sum(word == needle for word in words_of(text))
    if match == "words":
        return collections.Counter(re.split(f"[{WHITE}]+", text))[needle]
    return sum(letters_match(word, needle) for word in words_of(text))


class WordCount(server.ServerTest):
    options = {"max_body": "64MiB"}

    def ask(self, **fields):
        response = self.server.post("/v1/wordcount", fields)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        return response.json()

    def test_the_zen_of_python_a_thousand_times_contains_is_ten_thousand_times(self):
        text = server.zen()
        self.assertEqual(len(text.encode()), 858000)
        self.assertEqual(self.ask(text=text, word="is")["count"], 10000)

    def test_the_two_rules_differ_on_the_zen_as_the_oracle_says(self):
        text = server.zen(3)
        for word in ("is", "better", "never", "idea"):
            for match in MATCHES:
                with self.subTest(word=word, match=match):
                    self.assertEqual(self.ask(text=text, word=word, match=match)["count"], count(text, word, match))

    def test_random_texts_give_the_oracles_counts(self):
        chance = random.Random(2)
        with_http = self.server.connect()
        for round_number in range(120):
            characters = chance.choice([CHARACTERS, CHARACTERS, "isa" * 20 + WHITE + NOT_WHITE])
            text = "".join(chance.choices(characters, k=chance.choice([0, 1, 5, 60, 700])))
            word = chance.choice(WORDS)
            match = chance.choice(MATCHES)
            fields = {"text": text, "word": word, "match": match, "threads": chance.choice([1, 2, 5, "auto"]),
                      "schedule": chance.choice(["static", "dynamic", "guided"]),
                      "chunk": chance.choice([0, 1, 7, 4096])}
            with self.subTest(round_number, **fields):
                response = self.server.post("/v1/wordcount", fields, connection=with_http)
                self.assertEqual(response.status, 200, response)
                self.assertEqual(response.json()["count"], count(text, word, match))
        with_http.close()

    def test_edges_of_lines_and_words(self):
        for text, word, expected in [
            ("", "a", 0), ("a", "a", 1), ("a\n", "a", 1), ("a\r\na\r\n", "a", 2), ("a\r", "a", 0),
            ("a\r\r\n", "a\r", 1),
            ("a\ra", "a", 0), ("a  a", "a", 2), (" a ", "a", 1), ("a\ta", "a", 0), ("aa", "aaa", 0), ("A", "a", 0),
            ("a\0 a", "a\0", 1), ("a", "a b", 0), ("\r\n", "\r", 0), ("b\r", "b\r", 1),
        ]:
            with self.subTest(text=text, word=word):
                self.assertEqual(self.ask(text=text, word=word)["count"], expected)

    def test_tabs_separate_words_where_asked_for(self):
        table = "name\tcount\r\nis\t10\r\nis not\t3\r\n"
        for match, expected in (("exact", 1), ("letters", 2), ("words", 2)):
            self.assertEqual(self.ask(text=table, word="is", match=match)["count"], expected, match)
        for white in WHITE:
            with self.subTest(f"U+{ord(white):04X}"):
                text = white.join(["is", "is", "", "Is", "is."]) + white
                self.assertEqual(self.ask(text=text, word="is", match="words")["count"], 2)
                self.assertEqual(self.ask(text=text, word=f"is{white}is", match="words")["count"], 0)
                self.assertEqual(self.ask(text=text, word=white, match="words")["count"], 0)
        for other in NOT_WHITE:
            with self.subTest(f"U+{ord(other):04X}"):
                self.assertEqual(self.ask(text=f"is{other}is", word="is", match="words")["count"], 0)

    def test_words_are_those_of_top_where_nothing_is_in_capitals(self):
        chance = random.Random(10)
        for _ in range(20):
            text = "".join(chance.choices("abcéж" * 8 + WHITE + NOT_WHITE, k=2000))
            top = self.ask(text=text, top=100000)["top"]
            self.assertGreater(len(top), 64)
            some = chance.sample(top, 64)
            counts = self.ask(text=text, words=[entry["word"] for entry in some], match="words")["counts"]
            self.assertEqual(counts, [entry["count"] for entry in some])
            self.assertEqual(self.ask(text=text, word=some[0]["word"], match="words")["count"], some[0]["count"])

    def test_every_thread_count_and_schedule_gives_the_same_count(self):
        text = server.zen(100)
        for match, expected in (("exact", 1000), ("letters", count(text, "is", "letters")), ("words", 1000)):
            for threads in (1, 2, 3, 4, 5, 6, 7, 8, "auto"):
                for schedule in ("static", "dynamic", "guided"):
                    with self.subTest(match=match, threads=threads, schedule=schedule):
                        options = {"threads": threads, "schedule": schedule, "chunk": 1000}
                        result = self.ask(text=text, word="is", match=match, **options)
                        self.assertEqual(result["count"], expected)

    def test_json_escapes_are_decoded_before_counting(self):
        body = b'{"text": "\\u0069s \\u00e9t\\u00e9\\n\\ud83d\\ude00 is", "word": "is"}'
        response = self.server.post("/v1/wordcount", body, headers={"Content-Type": "application/json"})
        self.assertEqual(response.json()["count"], 2)
        self.assertEqual(self.ask(text="é 😀 é", word="😀")["count"], 1)

    def test_every_escape_is_decoded_in_long_texts_too(self):
        escaped = r'\"\\\/\b\f\n\r\t\u0000\u00e9\u20AC\ud83d\uDE00 \u0069s '
        text = json.loads(f'"{escaped}"')
        for times in (1, 1000, 100000):
            for match in ("exact", "letters"):
                with self.subTest(times=times, match=match):
                    body = f'{{"match": "{match}", "text": "{escaped * times}", "word": "is"}}'
                    response = self.server.post("/v1/wordcount", body, headers={"Content-Type": "application/json"})
                    self.assertEqual(response.status, 200, response)
                    self.assertEqual(response.json()["count"], count(text, "is", match) * times)

    def test_a_word_may_contain_a_nul_and_characters_outside_the_basic_plane(self):
        for written in (r"a\u0000b", r"\ud83d\ude00", r"\u0000"):
            word = json.loads(f'"{written}"')
            for spelling in (written, json.dumps(word, ensure_ascii=False)[1:-1]):
                with self.subTest(written, spelling=spelling):
                    body = '{"text": "' + (spelling + " b ") * 5000 + '", "word": "' + written + '"}'
                    response = self.server.post("/v1/wordcount", body, headers={"Content-Type": "application/json"})
                    self.assertEqual((response.status, response.json().get("count")), (200, 5000), response)

    def test_mistakes_deep_in_a_long_text_are_told_with_their_offsets(self):
        start = b'{"word": "a", "text": "' + b"a\\n" * 50000
        for wrong, offset, slug in ((b"\\x", 2, "invalid-json"), (b"\\ud800", 1, "invalid-json"),
                                    (b"\\udc00\\ud800", 1, "invalid-json"), (b"\\u12g4", 5, "invalid-json"),
                                    (b"\xff", 1, "invalid-utf8"), (b"\xc0\xaf", 1, "invalid-utf8"),
                                    (b"\x01", 1, "invalid-json")):
            with self.subTest(wrong):
                response = self.server.post("/v1/wordcount", start + wrong + b" b" * 1000 + b'"}',
                                            headers={"Content-Type": "application/json"})
                self.assert_problem(response, 400, slug)
                self.assertTrue(response.json()["detail"].startswith(f"at byte {len(start) + offset}: "), response)

    def test_thirty_megabytes_of_text(self):
        text = server.zen(35000)
        self.assertGreater(len(text), 30000000)
        for threads in (1, 8):
            self.assertEqual(self.ask(text=text, word="is", threads=threads)["count"], 350000)
        plain = text.replace("\n", " ").replace("\\", "").replace('"', "")
        self.assertEqual(self.ask(text=plain, word="is", match="exact")["count"], plain.split(" ").count("is"))

    def test_the_result_says_which_threads_it_had_and_how_long_each_phase_took(self):
        result = self.ask(text="is it", word="is", threads=1)
        self.assertEqual(set(result), {"count", "threads", "timing"})
        self.assertEqual(result["threads"], {"requested": 1, "granted": 1})
        self.assertEqual(set(result["timing"]), TIMING)
        self.assertGreaterEqual(min(result["timing"].values()), 0)
        phases = sum(result["timing"][name] for name in ("receive_ms", "queue_ms", "decode_ms", "compute_ms"))
        self.assertGreaterEqual(result["timing"]["total_ms"] + 0.01, phases)

    def test_a_charset_parameter_is_accepted(self):
        for media_type in ("application/json; charset=utf-8", "Application/JSON", "application/json;charset=\"UTF-8\""):
            with self.subTest(media_type):
                response = self.server.post("/v1/wordcount", b'{"text": "a", "word": "a"}',
                                            headers={"Content-Type": media_type})
                self.assertEqual(response.status, 200, response)


class Grants(server.ServerTest):
    options = {"cores": 2, "max_body": "64MiB"}

    def test_a_grant_below_the_request_is_explained(self):
        result = self.server.post("/v1/wordcount", {"text": server.zen(), "word": "is", "threads": 8}).json()
        self.assertEqual(result["count"], 10000)
        self.assertEqual(result["threads"]["requested"], 8)
        self.assertLess(result["threads"]["granted"], 8)
        self.assertTrue(result["threads"]["reason"])

    def test_auto_is_echoed_and_granted_within_the_budget(self):
        result = self.server.post("/v1/wordcount", {"text": server.zen(), "word": "is"}).json()
        self.assertEqual(result["threads"]["requested"], "auto")
        self.assertIn(result["threads"]["granted"], (1, 2))

    def test_cores_are_accepted_and_set_the_number_of_threads(self):
        """Where the threads really ran can't be seen from outside; tests/unit/engine/lane_test.c looks at that."""
        usable = self.server.get("/v1/system").json()["cores"]["usable"]
        for count in range(1, min(len(usable), 2) + 1):
            fields = {"text": server.zen(), "word": "is", "cores": usable[:count]}
            result = self.server.post("/v1/wordcount", fields).json()
            self.assertEqual((result["count"], result["threads"]), (10000, {"requested": count, "granted": count}))


if __name__ == "__main__":
    unittest.main()
