"""POST /v1/wordcount with several words at once: each count is what the word alone has."""

import random
import unittest

import server
import text_call
from text_call import ODD, WINDOW, random_text
from wordcount_test import CHARACTERS, MATCHES, WHITE, WORDS as ALL_WORDS, count

WORDS = [word for word in ALL_WORDS if "\0" not in word]  # which is refused in a URL


class SeveralWords(text_call.TextTest):
    def test_random_texts_give_the_oracles_counts(self):
        chance = random.Random(8)
        connection = self.server.connect()
        for number in range(80):
            text = "".join(chance.choices(CHARACTERS + chance.choice(["", WHITE]), k=chance.choice([0, 1, 5, 60, 700])))
            words = chance.choices(WORDS[:-1], k=chance.choice([1, 2, 7, 64]))
            fields = {"words": words, "match": chance.choice(MATCHES),
                      "threads": chance.choice([1, 2, 4]), "chunk": chance.choice([0, 1, 61])}
            with self.subTest(number, text=text, **fields):
                expected = {"counts": [count(text, word, fields["match"]) for word in words]}
                response = self.server.post(text_call.WORD, {"text": text, **fields}, connection=connection)
                self.assertEqual((response.status, text_call.counted(response.json())), (200, expected))
                self.assertEqual(self.by_stream(text.encode(), chance.choice([None, 1, 17]), connection=connection,
                                                **fields), expected)
        connection.close()

    def test_a_long_text_however_it_is_sent_and_split(self):
        text = random_text(9, CHARACTERS + "    \t\u2003", 2 * WINDOW)
        for match in MATCHES:
            counts = [self.by_json(text, word=word, match=match)["count"] for word in WORDS]
            self.assertGreater(max(counts), 1000)
            self.assert_everywhere(text, {"counts": counts}, words=WORDS, match=match)

    def test_sixty_four_words_and_their_order(self):
        words = [f"w{number}" for number in range(64)]
        text = "".join(f"w{number} " * (number + 1) for number in range(64)) * 300
        for match in MATCHES:
            expected = {"counts": [count(text[:len(text) // 300], word, match) * 300 for word in words]}
            self.assert_everywhere(text, expected, words=words, match=match)
            expected["counts"].reverse()
            self.assertEqual(self.by_json(text, words=words[::-1], match=match), expected)

    def test_words_with_commas_spaces_and_signs_of_a_query(self):
        text = "a,b c&d=e 100% x+y ü,ü a,b"
        words = ["a,b", "c&d=e", "100%", "x+y", "ü,ü", "a b", "a"]
        self.assertEqual(self.by_json(text, words=words), {"counts": [2, 1, 1, 1, 1, 0, 0]})
        self.assertEqual(self.by_stream(text.encode(), words=words), {"counts": [2, 1, 1, 1, 1, 0, 0]})

    def test_one_word_is_a_list_of_one_in_a_query(self):
        self.assertEqual(self.by_stream(b"a b a", words="a"), {"counts": [2]})

    def test_a_word_longer_than_several_windows(self):
        long = "x" * (2 * WINDOW + 17)
        body = f"{long} x {long}y x".encode()
        self.assertEqual(self.by_stream(body, ODD, words=["x", "xy"]), {"counts": [2, 0]})
        self.assertEqual(self.by_json(body.decode(), words=[long, "x"]), {"counts": [1, 2]})

    def test_the_zen_of_python(self):
        self.assertEqual(self.by_stream(server.zen().encode(), words=["is", "better"], match="letters"),
                         {"counts": [10000, 8000]})


class Refusals(text_call.TextTest):
    def refuse(self, fields, status, slug, pointer, part):
        """In JSON and, where it can be said there, in a query."""
        responses = [self.server.post(text_call.WORD, {"text": "a", **fields})]
        if fields.get("words") != []:
            responses.append(self.stream(b"a", **fields))
        for response in responses:
            with self.subTest(str(fields)[:60]):
                self.assert_problem(response, status, slug, pointer)
                self.assertIn(part, response.json()["detail"])

    def test_wrong_lists_are_refused(self):
        self.refuse({"words": []}, 422, "out-of-range", "/words", "has 0 elements; 1 to 64 are allowed")
        self.refuse({"words": ["a"] * 65}, 422, "out-of-range", "/words", "has 65 elements; 1 to 64 are allowed")
        self.refuse({"words": ["a", "b", ""]}, 422, "out-of-range", "/words/2", "is empty")

    def test_fields_that_exclude_each_other_are_refused(self):
        self.refuse({"words": ["a"], "word": "a"}, 422, "conflicting-fields", "/words", '"word" and "words"')
        self.refuse({"word": "a", "top": 1}, 422, "conflicting-fields", "/top", '"word" and "top"')
        self.refuse({"words": ["a"], "top": 1}, 422, "conflicting-fields", "/top", '"words" and "top"')
        self.refuse({"top": 1, "match": "exact"}, 422, "conflicting-fields", "/match", '"top" compares nothing')
        self.refuse({"match": "exact"}, 422, "missing-field", "/word", '"word" or "words"')

    def test_a_list_that_jansson_has_to_read_costs_memory_and_no_more(self):
        response = self.server.post(text_call.WORD, {"text": "a", "words": ["a"] * 300000})
        self.assert_problem(response, 422, "out-of-range", "/words")
        server.wait_until(lambda: text_call.at_rest(self.server), "all memory is given back")


if __name__ == "__main__":
    unittest.main()
