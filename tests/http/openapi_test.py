"""openapi.yaml is what the server serves, lists what it has, and its examples are true.

Needs PyYAML (Debian: python3-yaml), which yamllint brings along.
"""

import pathlib
import re
import unittest

import server
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "openapi.yaml").read_bytes()
DOCUMENT = yaml.safe_load(TEXT)
OPERATIONS = [(path, method, operation) for path, item in DOCUMENT["paths"].items()
              for method, operation in item.items() if method in ("get", "post")]


def resolve(node):
    """Follows $ref where there is one."""
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def kinds():
    """{slug: (status, title)} out of codecs/problem.h."""
    rows = re.findall(r'X\(\w+, "([^"]+)", (\d+), "([^"]+)"\)', (ROOT / "codecs" / "problem.h").read_text())
    return {slug: (int(status), title) for slug, status, title in rows}


def shape(value):
    """The structure of a JSON value: member names and types, but no values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return value
    return "number" if isinstance(value, (int, float)) else "string"


class OpenApi(server.ServerTest):
    options = {"cores": 2}

    def test_the_server_serves_the_file(self):
        self.assertEqual(self.server.get("/openapi.yaml").body, TEXT)

    def test_its_paths_are_the_servers_endpoints(self):
        endpoints = {(entry["path"], entry["method"]) for entry in self.server.get("/").json()["endpoints"]}
        self.assertEqual({(path, method.upper()) for path, method, _ in OPERATIONS}, endpoints)

    def test_it_lists_exactly_the_servers_problems(self):
        listed = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
        self.assertEqual(sorted(listed), sorted("urn:forkjoin:problem:" + slug for slug in kinds()))

    def test_its_table_of_problems_has_their_status_and_title(self):
        rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \| (.+?) \|", DOCUMENT["info"]["description"], re.MULTILINE)
        self.assertEqual({slug: (int(status), title) for slug, status, title in rows}, kinds())

    def test_every_reference_resolves(self):
        def walk(node):
            if isinstance(node, dict):
                resolve(node)
                node = list(node.values())
            if isinstance(node, list):
                for member in node:
                    walk(member)

        walk(DOCUMENT)

    def test_every_operation_documents_its_successes_and_failures_with_examples(self):
        for path, method, operation in OPERATIONS:
            with self.subTest(path=path):
                self.assertIn("200", operation["responses"])
                self.assertTrue(any(int(status) >= 400 for status in operation["responses"]))
                for response in operation["responses"].values():
                    for content in resolve(response).get("content", {}).values():
                        self.assertTrue(content.get("examples") or content.get("example"))

    def test_each_request_example_is_answered_as_its_response_example_shows(self):
        tried = 0
        for path, method, operation in OPERATIONS:
            content = operation.get("requestBody", {}).get("content", {})
            examples = content.get("application/json", {}).get("examples", {})
            for name, example in examples.items():
                with self.subTest(path=path, example=name):
                    shown = operation["responses"]["200"]["content"]["application/json"]["examples"][name]["value"]
                    response = self.server.request(method.upper(), path, example["value"])
                    self.assertEqual(response.status, 200, response)
                    answer = response.json()
                    self.assertEqual(set(answer), set(shown))
                    self.assertEqual(answer["threads"]["requested"], shown["threads"]["requested"])
                    self.assertEqual(set(answer["timing"]), set(shown["timing"]))
                    for member in set(shown) - {"threads", "timing"}:
                        self.assertEqual(answer[member], shown[member])
                    tried += 1
        self.assertGreaterEqual(tried, 6)

    def test_each_information_example_has_the_answers_shape(self):
        for path, method, operation in OPERATIONS:
            content = operation["responses"]["200"]["content"]
            if method == "get" and "application/json" in content:
                with self.subTest(path):
                    answer = self.server.get(path).json()
                    self.assertEqual(shape(answer), shape(content["application/json"]["example"]))

    def test_problem_examples_are_what_the_server_answers(self):
        for name, response in DOCUMENT["components"]["responses"].items():
            for case, example in resolve(response)["content"]["application/problem+json"]["examples"].items():
                with self.subTest(response=name, example=case):
                    problem = example["value"]
                    slug = problem["type"].removeprefix("urn:forkjoin:problem:")
                    self.assertEqual((problem["status"], problem["title"]), kinds()[slug])
                    self.assertLessEqual(set(problem), {"type", "title", "status", "detail", "request_id", "pointer"})
                    self.assertGreaterEqual(set(problem), {"type", "title", "status", "detail", "request_id"})


if __name__ == "__main__":
    unittest.main()
