"""CORS: what a browser needs so that a page from elsewhere may ask, and read answers and problems (--cors-origin).

ctest: threads
"""

import json
import pathlib
import re
import subprocess
import unittest

import server

JSON = {"Content-Type": "application/json"}
WORD = "/v1/wordcount"
BODY = b'{"text": "is it", "word": "is"}'
PAGE = "https://app.example"
OTHER = "https://evil.example"
ALLOW = "Access-Control-Allow-Origin"
FIELDS = [ALLOW, "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age",
          "Access-Control-Expose-Headers", "Access-Control-Allow-Private-Network", "Access-Control-Allow-Credentials",
          "Timing-Allow-Origin"]


def words(value):
    return {word.strip() for word in value.split(",")}


def vary(response):
    return {word for line in response.headers.get_all("Vary") or [] for word in words(line)}


def head(line, *fields):
    return "\r\n".join([line, "Host: a", *fields, "", ""]).encode()


class CorsTest(server.ServerTest):
    def assert_no_field(self, response):
        self.assertEqual([name for name in FIELDS if response.headers[name]], [], response)

    def assert_readable(self, response, origin=PAGE):
        self.assertEqual(response.headers.get_all(ALLOW), [origin], response)
        self.assertEqual(response.headers.get_all("Timing-Allow-Origin"), [origin], response)
        exposed = words(response.headers["Access-Control-Expose-Headers"])
        self.assertLessEqual({"Server-Timing", "X-Request-Id", "Retry-After", "Allow", "Accept-Query", "Accept-Encoding", "ETag"},
                             exposed)
        self.assertNotIn("*", exposed)
        self.assertEqual("Origin" in vary(response), origin != "*", response)

    def preflight(self, path, method="POST", origin=PAGE, **more):
        fields = {"Origin": origin, "Access-Control-Request-Method": method,
                  "Access-Control-Request-Headers": "content-type", **more}
        return self.server.request("OPTIONS", path, headers=fields)

    def malformed(self, origin):
        """(name, status, what to send) of heads that aren't read to their end, and before that it is known who asks."""
        asked = f"Origin: {origin}"
        many = [f"X-{number}: 1" for number in range(70)]
        yield "malformed, the origin before", 400, head("GET /livez HTTP/1.1", asked, "Host: b")
        yield "malformed with a body", 400, head(f"POST {WORD} HTTP/1.1", asked, "Host: b", "Content-Length: 2") + b"{}"
        yield "white space behind the origin", 400, head("GET /livez HTTP/1.1", asked + " \t ", ": x")
        yield "another origin behind", 400, head("GET /livez HTTP/1.1", asked, "Origin: https://else.example", ": x")
        yield "many fields behind", 431, head("GET /livez HTTP/1.1", asked, *many)

    def malformed_early(self, origin):
        """The same where it isn't known."""
        asked = f"Origin: {origin}"
        many = [f"X-{number}: 1" for number in range(70)]
        yield "malformed, the origin behind", 400, head("GET /livez HTTP/1.1", "Host: b", asked)
        yield "malformed, the origin in it", 400, f"GET /livez HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\n\r\n".encode()
        yield "another version", 505, head("GET /livez HTTP/2.0", asked)
        yield "more behind the origin than is kept", 400, head("GET /livez HTTP/1.1", asked + " " * 320 + "x", ": x")
        yield "another origin before", 400, head("GET /livez HTTP/1.1", "Origin: https://else.example", asked, ": x")
        yield "many fields before", 431, head("GET /livez HTTP/1.1", *many, asked)
        yield "a target too long", 414, head(f"GET /{'a' * 9000} HTTP/1.1", asked)

    def problems(self, origin):
        """The same of problems that are found in a request, at every place where one can be."""
        asked = f"Origin: {origin}"
        length = len(BODY)
        post = [f"POST {WORD} HTTP/1.1", asked, "Content-Type: application/json"]
        yield "a query without a type", 400, head(f"QUERY {WORD} HTTP/1.1", asked, f"Content-Length: {length}") + BODY
        yield "no escape", 400, head("GET /livez%xx HTTP/1.1", asked)
        yield "broken chunk", 400, head(*post, "Transfer-Encoding: chunked") + b"zz\r\n"
        yield "no such path", 404, head("GET /nothing HTTP/1.1", asked)
        yield "no such path, with a body", 404, head("POST /nothing HTTP/1.1", asked, f"Content-Length: {length}") + BODY
        yield "method", 405, head(f"GET {WORD} HTTP/1.1", asked)
        yield "not acceptable", 406, head("GET /v1/system HTTP/1.1", asked, "Accept: text/html")
        yield "far too long", 413, head(*post, "Content-Length: 1000000000")
        yield "too long", 413, head(*post, "Content-Length: 70000") + b" " * 70000
        yield "too long, chunked", 413, head(*post, "Transfer-Encoding: chunked") + (
            (b"8000\r\n" + b" " * 32768 + b"\r\n") * 3 + b"0\r\n\r\n")
        yield "media type", 415, head(*post[:2], f"Content-Length: {length}", "Content-Type: text/csv") + BODY
        yield "coding", 415, head(*post, f"Content-Length: {length}", "Content-Encoding: br") + BODY
        yield "no member", 422, head(*post, "Content-Length: 2") + b"{}"
        yield "no body", 400, head(*post, "Content-Length: 0")
        yield "expects to continue", 413, head(*post, "Content-Length: 1000000000", "Expect: 100-continue")

    def answer_to(self, sent):
        with self.server.socket() as connection:
            connection.sendall(sent)
            return server.read_response(connection)


class Off(CorsTest):
    def test_nothing_is_added(self):
        for response in (self.server.get("/livez", headers={"Origin": PAGE}),
                         self.server.post(WORD, BODY, headers=JSON | {"Origin": PAGE}),
                         self.server.get("/nothing", headers={"Origin": PAGE}), self.preflight(WORD)):
            with self.subTest(response.status):
                self.assert_no_field(response)
                self.assertEqual(vary(response), set())
        self.assertEqual(self.preflight(WORD).status, 204)
        self.assertEqual(self.preflight("/nothing").status, 404)


class Listed(CorsTest):
    options = {"cors_origin": f"http://localhost:3000, {PAGE}", "max_body": "64KiB", "header_timeout": "400ms",
               "body_timeout": "400ms"}

    def test_a_listed_page_may_read_answers(self):
        for origin in (PAGE, "http://localhost:3000", "HTTPS://App.Example"):
            for response in (self.server.get("/livez", headers={"Origin": origin}),
                             self.server.request("HEAD", "/openapi.yaml", headers={"Origin": origin}),
                             self.server.request("OPTIONS", WORD, headers={"Origin": origin}),
                             self.server.post(WORD, BODY, headers=JSON | {"Origin": origin}),
                             self.server.request("QUERY", WORD, BODY, headers=JSON | {"Origin": origin})):
                with self.subTest(origin, status=response.status):
                    self.assertLess(response.status, 300)
                    self.assert_readable(response, origin)

    def test_a_listed_page_may_read_every_problem(self):
        for name, status, sent in self.problems(PAGE):
            with self.subTest(name):
                response = self.answer_to(sent)
                self.assertEqual(response.status, status, response)
                self.assertTrue(response.slug(), response)
                self.assert_readable(response)

    def test_of_a_head_that_was_refused_it_is_known_who_asks_where_that_came_before(self):
        for name, status, sent in self.malformed(PAGE):
            for before in (b"", head("GET /livez HTTP/1.1")):
                with self.subTest(name, before=before), self.server.socket() as connection:
                    if before:
                        connection.sendall(before)
                        self.assertEqual(server.read_response(connection).status, 200)
                    connection.sendall(sent)
                    response = server.read_response(connection)
                    self.assertEqual(response.status, status, response)
                    self.assert_readable(response)
        page = head("GET /livez HTTP/1.1", f"Origin: {PAGE}")
        for name, status, sent in [*self.malformed_early(PAGE), *self.malformed(OTHER)]:
            for before in (b"", page):  # nor is the page of the request before the one that asks
                with self.subTest(name, before=before), self.server.socket() as connection:
                    if before:
                        connection.sendall(before)
                        self.assert_readable(server.read_response(connection))
                    connection.sendall(sent)
                    response = server.read_response(connection)
                    self.assertEqual(response.status, status, response)
                    self.assert_no_field(response)
                    self.assertIn("Origin", vary(response))

    def test_half_a_head_may_say_who_asks(self):
        half = f"GET /livez HTTP/1.1\r\nHost: a\r\nOrigin: {PAGE}"
        for sent, is_known in ((half + "\r\n", True), (half + "\r\nX", True), (half, False), (half + " ", False)):
            with self.subTest(sent):
                response = self.answer_to(sent.encode())
                self.assert_problem(response, 408, "request-timeout")
                self.assertIn("Origin", vary(response))
                if is_known:
                    self.assert_readable(response)
                else:  # more of it might have come
                    self.assert_no_field(response)

    def test_white_space_behind_an_origin_is_no_part_of_it(self):
        for space in (" ", "\t", " \t  "):
            response = self.answer_to(head("GET /livez HTTP/1.1", f"Origin: {PAGE}{space}"))
            self.assert_readable(response)
            response = self.answer_to(head(f"OPTIONS {WORD} HTTP/1.1", f"Origin: {PAGE}{space}",
                                           f"Access-Control-Request-Method: POST{space}",
                                           f"Access-Control-Request-Private-Network: true{space}"))
            self.assertEqual((response.status, response.headers[ALLOW]), (204, PAGE))
            self.assertEqual(response.headers["Access-Control-Allow-Private-Network"], "true")

    def test_a_body_that_is_late_is_refused_readably(self):
        response = self.answer_to(head(f"POST {WORD} HTTP/1.1", f"Origin: {PAGE}", "Content-Type: application/json",
                                       "Content-Length: 10"))
        self.assert_problem(response, 408, "request-timeout")
        self.assert_readable(response)

    def test_other_pages_get_nothing_and_caches_know_why(self):
        near = ("null", OTHER, "https://app.example.evil.example", "https://app.example:444", "http://app.example",
                "https://app.exampl", "https://app.example/", "https://app.example,https://evil.example",
                f"http://localhost:3000, {PAGE}", "*", "")
        for origin in near:
            with self.subTest(origin):
                response = self.server.post(WORD, BODY, headers=JSON | {"Origin": origin})
                self.assertEqual(response.status, 200)
                self.assert_no_field(response)
                self.assertIn("Origin", vary(response))
                self.assert_no_field(self.preflight(WORD, origin=origin))
        for name, status, sent in self.problems(OTHER):
            with self.subTest(name):
                response = self.answer_to(sent)
                self.assertEqual(response.status, status)
                self.assert_no_field(response)
                self.assertIn("Origin", vary(response))

    def test_without_an_origin_caches_know_as_well(self):
        late = self.answer_to(b"")
        self.assertEqual(late.status, 408)
        for response in (self.server.get("/livez"), self.server.get("/nothing"), self.server.get("/openapi.yaml"), late):
            self.assert_no_field(response)
            self.assertIn("Origin", vary(response))

    def test_a_preflight_says_what_the_path_takes(self):
        for path, methods in ((WORD, {"POST", "QUERY", "OPTIONS"}), ("/v1/system", {"GET", "HEAD", "OPTIONS"}),
                              ("/livez", {"GET", "HEAD", "OPTIONS"})):
            for method in ("POST", "QUERY", "GET", "DELETE"):
                with self.subTest(path, method=method):
                    response = self.preflight(path, method)
                    self.assertEqual((response.status, response.body), (204, b""))
                    self.assertEqual(response.headers.get_all(ALLOW), [PAGE])
                    self.assertIn("Origin", vary(response))
                    self.assertEqual(words(response.headers["Access-Control-Allow-Methods"]), methods)
                    taken = {name.lower() for name in words(response.headers["Access-Control-Allow-Headers"])}
                    self.assertLessEqual({"content-type", "content-encoding", "x-request-id", "accept"}, taken)
                    self.assertGreater(int(response.headers["Access-Control-Max-Age"]), 0)
                    self.assertIsNone(response.headers["Access-Control-Allow-Credentials"])

    def test_the_manual_names_the_fields_that_a_page_may_set_and_read(self):
        manual = " ".join((pathlib.Path(__file__).parents[2] / "docs/operation.md").read_text().split())
        read = re.search(r"Pages may read the headers (.+?), and see the timing", manual)[1]
        written = re.search(r"which methods a path takes, and that (.+?) may be set", manual)[1]
        answer = self.server.get("/livez", headers={"Origin": PAGE})
        for text, response, field in ((read, answer, "Access-Control-Expose-Headers"),
                                      (written, self.preflight(WORD), "Access-Control-Allow-Headers")):
            self.assertEqual(sorted(re.findall("`(.+?)`", text)), sorted(words(response.headers[field])))

    def test_a_preflight_of_a_path_that_is_not_there_lets_the_page_see_the_problem(self):
        self.assertEqual(self.preflight("/nothing").status, 204)
        self.assertEqual(self.preflight("/nothing", origin=OTHER).status, 404)
        self.assertEqual(self.server.request("OPTIONS", "/nothing", headers={"Origin": PAGE}).status, 404)

    def test_a_page_of_a_wider_network_is_let_in_where_it_is_named(self):
        asked = {"Access-Control-Request-Private-Network": "true"}
        name = "Access-Control-Allow-Private-Network"
        self.assertEqual(self.preflight(WORD, **asked).headers[name], "true")
        self.assertIsNone(self.preflight(WORD).headers[name])
        self.assertIsNone(self.preflight(WORD, origin=OTHER, **asked).headers[name])

    def test_a_page_may_ask_with_its_own_tag(self):
        tag = self.server.get("/openapi.yaml").headers["ETag"]
        response = self.server.get("/openapi.yaml", headers={"Origin": PAGE, "If-None-Match": tag})
        self.assertEqual(response.status, 304)
        self.assert_readable(response)
        self.assertIn("if-none-match", self.preflight("/openapi.yaml").headers["Access-Control-Allow-Headers"].lower())


class Any(CorsTest):
    options = {"cors_origin": "*", "max_body": "64KiB", "header_timeout": "400ms", "body_timeout": "400ms"}

    def test_every_page_may_read_answers_and_problems(self):
        for origin in (PAGE, OTHER, "null"):
            response = self.server.post(WORD, BODY, headers=JSON | {"Origin": origin})
            self.assertEqual(response.status, 200)
            self.assert_readable(response, "*")
            for name, status, sent in [*self.problems(origin), *self.malformed(origin), *self.malformed_early(origin)]:
                with self.subTest(name, origin=origin):
                    response = self.answer_to(sent)
                    self.assertEqual(response.status, status)
                    self.assert_readable(response, "*")

    def test_what_is_refused_before_its_origin_is_known_is_readable_too(self):
        for name, status, sent in (("no head", 408, b""), ("half a head", 408, b"GET /livez HTTP/1.1\r\nHost: a\r\n")):
            with self.subTest(name):
                response = self.answer_to(sent)
                self.assertEqual(response.status, status, response)
                self.assert_readable(response, "*")

    def test_a_preflight_names_no_network(self):
        response = self.preflight(WORD, origin="null", **{"Access-Control-Request-Private-Network": "true"})
        self.assertEqual((response.status, response.headers[ALLOW]), (204, "*"))
        self.assertIsNone(response.headers["Access-Control-Allow-Private-Network"])


class Refused(unittest.TestCase):
    def test_a_preflight_beyond_the_limit_is_answered_and_the_problem_readable(self):
        with server.Server(max_connections=1, cors_origin=PAGE) as under_test, under_test.socket() as first:
            first.sendall(head("GET /livez HTTP/1.1"))
            server.read_response(first)
            asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
            self.assertEqual(under_test.request("OPTIONS", WORD, headers=asked).status, 204)
            response = under_test.post(WORD, BODY, headers=JSON | {"Origin": PAGE})
            self.assertEqual((response.status, response.slug()), (503, "too-many-connections"))
            self.assertEqual(response.headers[ALLOW], PAGE)
            self.assertIn("Retry-After", response.headers["Access-Control-Expose-Headers"])
            self.assertTrue(response.headers["Retry-After"])

    def test_the_longest_head_leaves_room_for_the_longest_fields(self):
        """libmicrohttpd keeps what came and what goes in one block of memory."""
        origin = "https://" + "a" * 292
        with server.Server(cors_origin=origin) as under_test:
            statuses = []
            for spare in range(0, 1200, 8):
                fields = [f"Origin: {origin}", *[f"X-{number:02}: {'x' * 130}" for number in range(48)]]
                sent = head(f"GET /openapi.yaml?{'a' * 1500} HTTP/1.1", *fields, "Y: " + "y" * (1200 - spare))
                with under_test.socket() as connection:
                    connection.sendall(sent)
                    response = server.read_response(connection)
                if response.status == 200:
                    self.assertEqual(response.headers[ALLOW], origin)
                statuses.append(response.status)
            self.assertEqual(sorted(set(statuses)), [200, 431])
            self.assertEqual(statuses, sorted(statuses, reverse=True), "refused down to a length, answered below")

    def test_what_is_no_origin_ends_the_start(self):
        for value in ("https://app.example/", "https://app.example/page", "app.example", "null", "*,https://app.example",
                      "https://app.example:443", "https://*.example", "", "https://app.example, https://b/"):
            with self.subTest(value):
                for flags, variables in (["--cors-origin", value], {}), ([], {"FORKJOIN_CORS_ORIGIN": value}):
                    done = subprocess.run([server.binary(), *flags], stdin=subprocess.DEVNULL, capture_output=True,
                                          text=True, env=server.environment(**variables), timeout=server.PATIENCE_S,
                                          check=False)
                    self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done)
                    self.assertIn(flags[0] if flags else "FORKJOIN_CORS_ORIGIN", done.stderr)
                    self.assertIn("no path", done.stderr)

    def test_the_scheme_s_own_port_is_named_as_what_is_wrong(self):
        for value, is_told in (("https://app.example:443", True), ("http://[::1]:80", True), (f"{PAGE}, ws://b:80", True),
                               ("http://app.example:443/", False), ("https://app.example:66666", False), ("null", False)):
            with self.subTest(value):
                done = subprocess.run([server.binary(), "--cors-origin", value], stdin=subprocess.DEVNULL, text=True,
                                      capture_output=True, env=server.environment(), timeout=server.PATIENCE_S, check=False)
                self.assertEqual(done.returncode, 2, done)
                self.assertEqual("browsers leave out the port that is the scheme's own" in done.stderr, is_told, done)

    def test_the_first_log_line_says_which_pages(self):
        with server.Server(env={"FORKJOIN_CORS_ORIGIN": PAGE}) as under_test:
            self.assertEqual(under_test.start_line["cors_origin"], PAGE)
        with server.Server(cors_origin="none", env={"FORKJOIN_CORS_ORIGIN": PAGE}) as under_test:
            self.assertNotIn("cors_origin", under_test.start_line)
            json.dumps(under_test.start_line)


if __name__ == "__main__":
    unittest.main()
