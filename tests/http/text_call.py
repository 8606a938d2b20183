"""POST /v1/wordcount with a text in its two forms: JSON, and the text alone with the options in the query."""

import gzip
import json
import random
import urllib.parse

import server

WORD = "/v1/wordcount"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
WINDOW = 1024 * 1024
ODD = 65521  # a prime, so that chunks and windows end together nowhere
RUNS = [{}, {"threads": 1}, {"threads": 3, "chunk": 1000}, {"threads": 4, "schedule": "dynamic", "chunk": 65536},
        {"threads": 2, "schedule": "guided"}]


def target(**options):
    """A list becomes a repeated name, but cores."""
    return WORD + "?" + urllib.parse.urlencode(options, doseq=True)


def pieces(body, size):
    return (body[at:at + size] for at in range(0, len(body), size))


def random_text(seed, characters, size):
    """At least `size` bytes, without end effects that repeat."""
    chance = random.Random(seed)
    block = "".join(chance.choices(characters, k=20011))
    return (block + "\n") * (size // len(block.encode()) + 1)


def counted(result):
    """What was counted, without what is in every result."""
    return {name: value for name, value in result.items() if name not in ("threads", "timing")}


def at_rest(under_test):
    figures = server.health(under_test)
    return (figures["running"], figures["queued"], figures["memory"]["used_bytes"]) == (0, 0, 0)


class TextTest(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 4}

    def stream(self, body, sent_in=None, under_test=None, coding=None, connection=None, **options):
        """Declared with its length, or sent in chunks of that size."""
        headers = dict(TEXT)
        if coding == "gzip":
            headers["Content-Encoding"] = coding
            body = gzip.compress(body, 1)
        sent = body if sent_in is None else pieces(body, sent_in)
        return (under_test or self.server).post(target(**options), sent, headers=headers, connection=connection)

    def by_stream(self, body, sent_in=None, **options):
        response = self.stream(body, sent_in, **options)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        return counted(response.json())

    def by_json(self, text, **fields):
        body = json.dumps({"text": text, **fields}, ensure_ascii=False)
        response = self.server.post(WORD, body, headers={"Content-Type": "application/json"})
        self.assertEqual(response.status, 200, response)
        return counted(response.json())

    def assert_everywhere(self, text, expected, **fields):
        """JSON and streams, however the text is sent and split, give that result."""
        body = text.encode()
        for run in RUNS:
            with self.subTest(run):
                self.assertEqual(self.by_json(text, **fields, **run), expected)
                self.assertEqual(self.by_stream(body, **fields, **run), expected)
        for sent_in in (3001, ODD, WINDOW):
            with self.subTest(sent_in=sent_in):
                self.assertEqual(self.by_stream(body, sent_in, **fields), expected)
        with self.subTest("gzip"):
            self.assertEqual(self.by_stream(body, ODD, coding="gzip", **fields), expected)
