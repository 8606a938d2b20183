"""QUERY (RFC 10008): what POST does, by a method that is safe and may be repeated; and Accept-Query.

ctest: threads
"""

import gzip
import json
import unittest

import server

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
WORD = "/v1/wordcount"
BODY = b'{"text": "is it", "word": "is"}'
MEDIA = {
    WORD: {"application/json", "text/plain"},
    "/v1/gaussian": {"application/json", "application/x-npy"},
    "/v1/gaussian/matrix": {"application/json", "application/x-npy"},
    "/v1/gaussian/sum": {"application/json", "application/x-npy"},
    "/v1/triangular": {"application/json"},
}
METHODS = {"POST", "QUERY", "OPTIONS"}


def words(value):
    return {word.strip() for word in value.split(",")}


def query_head(path, *fields):
    return "\r\n".join([f"QUERY {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode()


class Query(server.ServerTest):
    options = {"max_body": "1MiB", "body_timeout": "5s"}

    def query(self, path, body, headers=None, **more):
        return self.server.request("QUERY", path, body, headers=JSON if headers is None else headers, **more)

    def assert_same(self, path, body, headers):
        asked, posted = self.query(path, body, headers), self.server.post(path, body, headers=headers)
        self.assertEqual((asked.status, posted.status), (200, 200), asked)
        answers = [{name: member for name, member in response.json().items() if name not in ("timing", "threads")}
                   for response in (asked, posted)]
        self.assertEqual(*answers)
        return asked

    def test_every_computation_answers_as_to_post(self):
        for path, fields in ((WORD, {"text": "a b a", "word": "a"}), ("/v1/gaussian", {"x": [1, 2], "y": 0}),
                             ("/v1/gaussian/matrix", {"x": [[1, 2]], "y": [[0, 0]]}),
                             ("/v1/gaussian/sum", {"x": [[1, 2]], "weights": [2]}),
                             ("/v1/triangular", {"ranges": [10], "threads": 1})):
            with self.subTest(path):
                answers = [self.server.request(method, path, fields).json() for method in ("QUERY", "POST")]
                for name in set(answers[1]) - {"timing", "results"}:
                    self.assertEqual(answers[0][name], answers[1][name])

    def test_bodies_of_every_framing_are_read(self):
        plain = json.dumps({"text": server.zen(100), "word": "is"}).encode()
        self.assertEqual(self.assert_same(WORD, plain, JSON).json()["count"], 1000)
        chunks = (plain[at:at + 997] for at in range(0, len(plain), 997))
        self.assertEqual(self.query(WORD, chunks).json()["count"], 1000)
        self.assertEqual(self.query(WORD, gzip.compress(plain), JSON | {"Content-Encoding": "gzip"}).json()["count"], 1000)

    def test_a_long_text_is_counted_while_it_arrives(self):
        text = server.zen(5000).encode()
        for body in (text, (text[at:at + 100000] for at in range(0, len(text), 100000))):
            response = self.query(WORD + "?word=is&threads=2", body, TEXT)
            self.assertEqual((response.status, response.json()["count"]), (200, 50000))

    def test_a_connection_carries_queries_and_posts_in_turn(self):
        connection = self.server.connect()
        for method in ("QUERY", "POST", "QUERY", "QUERY", "POST"):
            response = self.server.request(method, WORD, BODY, headers=JSON, connection=connection)
            self.assertEqual(response.json()["count"], 1)
        connection.close()

    def test_pipelined_queries_are_answered_in_order(self):
        sent = b""
        for number in range(1, 20):
            body = json.dumps({"text": "is " * number, "word": "is"}).encode()
            sent += query_head(WORD, "Content-Type: application/json", f"Content-Length: {len(body)}") + body
        responses, _ = self.server.raw(sent + b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertEqual([response.json()["count"] for response in responses[:-1]], list(range(1, 20)))

    def test_expect_continue_is_kept(self):
        fields = ["Content-Type: application/json", "Expect: 100-continue"]
        with self.server.socket() as connection:
            connection.sendall(query_head(WORD, *fields, f"Content-Length: {len(BODY)}"))
            self.assertTrue(connection.recv(25).startswith(b"HTTP/1.1 100"))
            connection.sendall(BODY)
            self.assertEqual(server.read_response(connection).json()["count"], 1)
        with self.server.socket() as connection:
            connection.sendall(query_head(WORD, *fields, "Content-Length: 1000000000"))
            self.assert_problem(server.read_response(connection), 413, "body-too-large")

    def test_what_is_wrong_is_refused_as_with_post(self):
        for body, headers, status, slug in (
            (b"", JSON, 400, "empty-body"), (b"{", JSON, 400, "invalid-json"), (b"{}", JSON, 422, "missing-field"),
            (b" " * (1 << 21), JSON, 413, "body-too-large"), (BODY, {"Content-Type": "text/csv"}, 415, "unsupported-media-type"),
            (BODY, JSON | {"Content-Encoding": "br"}, 415, "unsupported-encoding"),
            (BODY, JSON | {"Accept": "text/html"}, 406, "not-acceptable"),
            (BODY, JSON | {"Content-Encoding": "gzip"}, 400, "invalid-encoding"),
        ):
            with self.subTest(slug):
                self.assert_problem(self.query(WORD, body, headers), status, slug)
        self.assert_problem(self.query(WORD + "?word=is", BODY), 422, "unknown-field")
        self.assert_problem(self.query("/nothing", BODY), 404, "not-found")

    def test_refused_early_or_far_too_long_it_is_answered(self):
        for path, fields, status in ((WORD, ["Content-Length: 1000000000"], 413), ("/livez", ["Content-Length: 1000000000"], 405),
                                     (WORD, ["Content-Length: 5", "Host: b"], 400)):
            with self.subTest(status):
                responses, closed = self.server.raw(query_head(path, "Content-Type: application/json", *fields))
                self.assertEqual(([response.status for response in responses], closed), ([status], True))
                if status == 405:
                    self.assertEqual(words(responses[0].headers["Allow"]), {"GET", "HEAD", "OPTIONS"})

    def test_a_query_without_content_type_is_malformed(self):
        with self.server.socket() as connection:
            connection.sendall(query_head(WORD, f"Content-Length: {len(BODY)}") + BODY)
            response = server.read_response(connection)
        self.assert_problem(response, 400, "malformed-request")
        self.assertIn("Content-Type", response.json()["detail"])
        self.assertEqual(words(response.headers["Accept-Query"]), MEDIA[WORD])

    def test_information_is_not_asked_by_query(self):
        for path in ("/", "/livez", "/v1/system", "/openapi.yaml"):
            response = self.query(path, BODY)
            self.assert_problem(response, 405, "method-not-allowed")
            self.assertEqual(words(response.headers["Allow"]), {"GET", "HEAD", "OPTIONS"})
            self.assertIsNone(response.headers["Accept-Query"])

    def test_methods_have_capitals(self):
        for method in ("query", "Query", "QUERY1", "QUER"):
            self.assertEqual(self.server.request(method, WORD, BODY, headers=JSON).status, 405)

    def test_caches_learn_what_the_answer_depends_on(self):
        lines = self.query(WORD, BODY).headers.get_all("Vary")
        self.assertLessEqual({"Accept", "Accept-Encoding"}, words(",".join(lines)))

    def test_the_log_names_the_method(self):
        self.query(WORD, BODY, JSON | {"X-Request-Id": "a-query"})
        server.wait_until(lambda: self.server.log(request_id="a-query"), "the line is there")
        self.assertEqual(self.server.log(request_id="a-query")[0]["method"], "QUERY")


class Discovery(server.ServerTest):
    def test_options_and_refusals_say_which_media_queries_may_have(self):
        for path, media in MEDIA.items():
            for response in (self.server.request("OPTIONS", path), self.server.get(path),
                             self.server.request("HEAD", path), self.server.request("DELETE", path),
                             self.server.post(path, b"x", headers={"Content-Type": "text/csv"}),
                             self.server.request("QUERY", path, b"x", headers={"Content-Type": "text/csv"}),
                             self.server.request("QUERY", path, b"x", headers=JSON | {"Content-Encoding": "br"})):
                with self.subTest(path, status=response.status):
                    self.assertEqual(words(response.headers["Accept-Query"]), media)
                    if response.status in (204, 405):
                        self.assertEqual(words(response.headers["Allow"]), METHODS)

    def test_a_refused_coding_comes_with_those_that_are_taken(self):
        responses, _ = self.server.raw(query_head(WORD, "Content-Type: application/json", "Content-Encoding: br",
                                                  "Content-Length: 1000000000"))  # refused before its body
        for response in responses + [self.server.post(WORD, BODY, headers=JSON | {"Content-Encoding": "br"})]:
            self.assert_problem(response, 415, "unsupported-encoding")
            self.assertEqual(words(response.headers["Accept-Encoding"]), {"gzip", "zstd", "deflate"})
            self.assertEqual(words(response.headers["Accept-Query"]), MEDIA[WORD])

    def test_the_index_has_it(self):
        methods = {entry["path"]: entry["methods"] for entry in self.server.get("/").json()["endpoints"]}
        for path in MEDIA:
            self.assertEqual(methods[path], ["POST", "QUERY"])
        self.assertEqual(methods["/livez"], ["GET", "HEAD"])

    def test_other_paths_have_no_media_for_queries(self):
        for path in ("/livez", "/openapi.yaml", "/nothing"):
            self.assertIsNone(self.server.request("OPTIONS", path).headers["Accept-Query"])


if __name__ == "__main__":
    unittest.main()
