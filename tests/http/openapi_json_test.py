"""/openapi.json is openapi.yaml, whichever YAML one reads that by, and is served as what doesn't change.

Needs PyYAML (Debian: python3-yaml).
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import protocol_test
import server
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = "/openapi.json"


def nodes(node):
    yield node
    if isinstance(node, (dict, list)):
        for member in node.values() if isinstance(node, dict) else node:
            yield from nodes(member)


class TheDocument(server.ServerTest):
    def test_it_is_what_the_file_says(self):
        """Read by YAML 1.1 here, by 1.2 where it was made: a date, or an `on`, that isn't quoted would differ."""
        answer = self.server.get(PATH)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
        expected = yaml.safe_load((ROOT / "openapi.yaml").read_bytes())
        self.assertEqual(answer.json(), expected)
        self.assertEqual(json.dumps(answer.json()), json.dumps(expected), "the members have another order")
        self.assertEqual(answer.body.count(b"\n"), 0)

    def test_every_reference_leads_somewhere(self):
        document = self.server.get(PATH).json()
        references = [node["$ref"] for node in nodes(document) if isinstance(node, dict) and "$ref" in node]
        self.assertGreater(len(references), 100)
        for reference in set(references):
            target = document
            self.assertTrue(reference.startswith("#/"), reference)
            for part in reference[2:].split("/"):
                self.assertIn(part, target, reference)
                target = target[part]

    def test_it_comes_compressed_to_whoever_likes_that(self):
        plain = self.server.get(PATH)
        self.assertIsNone(plain.headers["Content-Encoding"])
        folded = self.server.get(PATH, headers={"Accept-Encoding": "gzip"})
        self.assertEqual(folded.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(folded.body), plain.body)
        self.assertLess(len(folded.body), len(plain.body) / 4)
        for answer in (plain, folded):
            self.assertIn("Accept-Encoding", answer.headers["Vary"])

    def test_head_is_get_without_the_body(self):
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            answer = self.server.request("HEAD", PATH, headers=headers)
            got = self.server.get(PATH, headers=headers)
            self.assertEqual((answer.status, answer.body), (200, b""))
            for name in ("Content-Length", "Content-Type", "Content-Encoding", "ETag"):
                self.assertEqual(answer.headers[name], got.headers[name])

    def test_it_has_a_name_of_its_own(self):
        self.assertNotEqual(self.server.get(PATH).headers["ETag"], self.server.get("/openapi.yaml").headers["ETag"])

    def test_who_takes_no_json_and_who_posts_is_refused(self):
        self.assert_problem(self.server.get(PATH, headers={"Accept": "application/yaml"}), 406, "not-acceptable")
        self.assert_problem(self.server.post(PATH, {}), 405, "method-not-allowed")


class Validators(protocol_test.Validators):
    PATH = PATH


class TheScript(unittest.TestCase):
    """cmake/openapi_json.py on what the file doesn't have, or mustn't."""

    def make(self, text):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder) / "in.yaml", pathlib.Path(folder) / "out.json"
            source.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", ROOT / "cmake" / "openapi_json.py", source, target],
                                  stderr=subprocess.PIPE, text=True, check=False)
            return (json.loads(target.read_text(encoding="utf-8")) if done.returncode == 0 else None), done.stderr

    def test_plain_scalars_are_those_of_yaml_1_2(self):
        for text, expected in {
                "true": True, "False": False, "on": "on", "off": "off", "yes": "yes", "No": "No", "y": "y",
                "2026-01-31": "2026-01-31", "2026-01-31T08:00:00Z": "2026-01-31T08:00:00Z", "12:30": "12:30",
                "1_000": "1_000", "017": 17, "0o17": 15, "0x1F": 31, "-5": -5, "+5": 5, "1.50": 1.5, "1e3": 1000.0, ".5": 0.5,
                "1.0e-153": 1e-153, "9223372036854775807": 9223372036854775807, "": None, "~": None, "null": None,
                "1.2.3": "1.2.3", "=": "=", "'5'": "5", '"\\x93a\\0"': "\x93a\0", "z\u00b2 \u2026": "z\u00b2 \u2026"}.items():
            with self.subTest(text):
                self.assertEqual(repr(self.make(f"a: {text}\n")), repr(({"a": expected}, "")))

    def test_names_are_texts_in_their_order(self):
        self.assertEqual(list(self.make("on: 1\nno: 2\nb: 3\na: 4\n'200': 5\n")[0]), ["on", "no", "b", "a", "200"])

    def test_an_alias_is_what_it_stands_for(self):
        self.assertEqual(self.make("a: &x {b: 1}\nc: *x\n")[0], {"a": {"b": 1}, "c": {"b": 1}})

    def test_what_json_cannot_say_ends_the_build(self):
        for text, reason in {"a: 1\na: 2\n": '"a" occurs twice', "200: a\n": "the name 200 is no text", "true: a\n": "is no text",
                             "a: .inf\n": "not JSON compliant", "a: 1e999\n": "not JSON compliant",
                             "a: &x\n  b: *x\n": "Circular", "a: [\n": "expected", "a: !!set {b}\n": "set"}.items():
            with self.subTest(text):
                made, told = self.make(text)
                self.assertIsNone(made)
                self.assertIn(reason, told)


if __name__ == "__main__":
    unittest.main()
