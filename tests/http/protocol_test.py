"""What HTTP itself promises: methods, negotiation, ids, timing headers, pipelining, framing and keep-alive."""

import contextlib
import json
import re
import socket
import unittest

import server

JSON = {"Content-Type": "application/json"}
WORD = "/v1/wordcount"
BODY = b'{"text": "is it", "word": "is"}'
GETS = ["/", "/livez", "/readyz", "/healthz", "/v1/system", "/openapi.yaml", "/openapi.json"]
POSTS = ["/v1/wordcount", "/v1/gaussian"]
SERVER_TIMING = re.compile(r"[a-z]+;dur=\d+(\.\d+)?(, [a-z]+;dur=\d+(\.\d+)?)*")


class Methods(server.ServerTest):
    def test_every_information_endpoint_answers_get(self):
        for path in GETS:
            with self.subTest(path):
                response = self.server.get(path)
                self.assertEqual(response.status, 200, response)
                self.assertEqual(int(response.headers["Content-Length"]), len(response.body))
                if path == "/openapi.yaml":
                    self.assertIn("yaml", response.headers["Content-Type"])
                else:
                    self.assertEqual(response.headers["Content-Type"], "application/json")
                    response.json()

    def test_the_index_lists_every_endpoint(self):
        text = json.dumps(self.server.get("/").json())
        for path in GETS[1:] + POSTS:
            self.assertIn(f'"{path}"', text)

    def test_head_has_gets_head_and_no_body(self):
        for path in GETS:
            with self.subTest(path):
                connection = self.server.connect()
                head = self.server.request("HEAD", path, connection=connection)
                got = self.server.get(path, connection=connection)
                self.assertEqual((head.status, head.body), (200, b""))
                self.assertEqual(head.headers["Content-Type"], got.headers["Content-Type"])
                if path in ("/", "/livez", "/openapi.yaml", "/openapi.json"):  # the others' lengths change with the figures in them
                    self.assertEqual(head.headers["Content-Length"], got.headers["Content-Length"])
                connection.close()

    def test_options_names_the_allowed_methods(self):
        for path, allowed in [(path, {"GET", "HEAD", "OPTIONS"}) for path in GETS] + [
            (path, {"POST", "QUERY", "OPTIONS"}) for path in POSTS
        ]:
            with self.subTest(path):
                response = self.server.request("OPTIONS", path)
                self.assertEqual((response.status, response.body), (204, b""), response)
                self.assertEqual(set(re.split(r",\s*", response.headers["Allow"])), allowed)

    def test_options_of_the_server_itself_is_answered(self):
        responses, _ = self.server.raw(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertEqual(responses[0].status, 204, responses)

    def test_a_wrong_method_is_405_and_says_which_are_right(self):
        for method, path, allowed in [
            ("GET", WORD, {"POST", "QUERY", "OPTIONS"}), ("HEAD", WORD, {"POST", "QUERY", "OPTIONS"}),
            ("DELETE", WORD, {"POST", "QUERY", "OPTIONS"}),
            ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}), ("PATCH", "/", {"GET", "HEAD", "OPTIONS"}),
        ]:
            with self.subTest(method=method, path=path):
                response = self.server.request(method, path, b"x" if method in ("POST", "PATCH") else None)
                self.assertEqual(response.status, 405, response)
                self.assertEqual(set(re.split(r",\s*", response.headers["Allow"])), allowed)
                if method != "HEAD":
                    self.assert_problem(response, 405, "method-not-allowed")

    def test_an_unknown_path_is_404_for_every_method(self):
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            with self.subTest(method):
                self.assert_problem(self.server.request(method, "/nothing"), 404, "not-found")
        self.assertEqual(self.server.request("HEAD", "/nothing").status, 404)

    def test_the_query_is_not_part_of_the_path(self):
        self.assertEqual(self.server.get("/livez?verbose").status, 200)


class Validators(server.ServerTest):
    """/openapi.yaml doesn't change while the service runs: who has it already gets 304 (RFC 9110, 13.1.2)."""

    PATH = "/openapi.yaml"

    def tag(self):
        return self.server.get(self.PATH).headers["ETag"]

    def test_the_description_has_a_strong_tag_that_stays(self):
        first, second = (self.server.get(self.PATH) for _ in range(2))
        self.assertRegex(first.headers["ETag"], r'^"[!#-~]{8,}"$')
        self.assertEqual(first.headers["ETag"], second.headers["ETag"])
        self.assertEqual(self.server.request("HEAD", self.PATH).headers["ETag"], first.headers["ETag"])
        self.assertEqual(first.headers["Cache-Control"], "no-cache")

    def test_who_has_it_is_told_so(self):
        tag = self.tag()
        for value in (tag, "W/" + tag, "*", f'"other", {tag}', f'W/"other",W/{tag}', f'"a,b", {tag}, "c"'):
            for method in ("GET", "HEAD"):
                with self.subTest(value, method=method):
                    connection = self.server.connect()
                    response = self.server.request(method, self.PATH, headers={"If-None-Match": value},
                                                   connection=connection)
                    self.assertEqual((response.status, response.body), (304, b""))
                    self.assertEqual(response.headers["ETag"], tag)
                    self.assertEqual(response.headers["Cache-Control"], "no-cache")
                    self.assertTrue(response.headers["Date"])
                    self.assertIsNone(response.headers["Content-Type"])
                    length = response.headers["Content-Length"]
                    self.assertIn(length, (None, self.server.get(self.PATH, connection=connection).headers["Content-Length"]))
                    connection.close()

    def test_lines_of_the_field_are_one_list(self):
        responses, _ = self.server.raw(f'GET {self.PATH} HTTP/1.1\r\nHost: a\r\nIf-None-Match: "x"\r\nIf-None-Match: '
                                       f'{self.tag()}\r\nConnection: close\r\n\r\n'.encode())
        self.assertEqual(responses[0].status, 304)

    def test_who_has_another_gets_it(self):
        tag = self.tag()
        for value in ('"x"', tag[1:-1], tag[:-1], tag.upper().replace("A", "B") + "x", "w/" + tag, "", f"{tag} x", '"*"'):
            with self.subTest(value):
                response = self.server.get(self.PATH, headers={"If-None-Match": value})
                self.assertEqual((response.status, response.headers["ETag"]), (200, tag))
                self.assertTrue(response.body)

    def test_the_log_says_that_nothing_was_sent(self):
        self.server.get(self.PATH, headers={"If-None-Match": "*", "X-Request-Id": "has-it"})
        server.wait_until(lambda: self.server.log(request_id="has-it"), "the line is there")
        line = self.server.log(request_id="has-it")[0]
        self.assertEqual((line["status"], line["bytes_out"], line["level"]), (304, 0, "info"))

    def test_what_changes_has_no_tag(self):
        for path in ("/", "/livez", "/v1/system"):
            response = self.server.get(path, headers={"If-None-Match": "*"})
            self.assertEqual(response.status, 200)
            self.assertIsNone(response.headers["ETag"])

    def test_a_problem_is_no_answer_to_have(self):
        self.assertEqual(self.server.get(self.PATH, headers={"If-None-Match": "*", "Accept": "text/html"}).status, 406)


class Negotiation(server.ServerTest):
    def test_accept_is_understood(self):
        for accept, status in [
            ("*/*", 200), ("application/*", 200), ("application/json", 200), ("text/html, application/json;q=0.5", 200),
            ("text/html, */*;q=0.1", 200), ("APPLICATION/JSON", 200), ("application/json; charset=utf-8", 200),
            ("text/html", 406), ("image/*", 406), ("application/json;q=0", 406), ("application/json;q=0.000, */*", 406),
            ("application/x-npy", 406),
        ]:
            with self.subTest(accept):
                response = self.server.post(WORD, BODY, headers=JSON | {"Accept": accept})
                self.assertEqual(response.status, status, response)
                if status == 406:
                    self.assert_problem(response, 406, "not-acceptable")

    def test_an_identity_encoding_is_no_encoding(self):
        response = self.server.post(WORD, BODY, headers=JSON | {"Content-Encoding": "identity"})
        self.assertEqual(response.status, 200, response)

    def test_unsupported_media_types_are_refused_whatever_the_body(self):
        for body in (b"", BODY, b"x" * 100000):
            with self.subTest(len(body)):
                self.assert_problem(self.server.post(WORD, body, headers={"Content-Type": "text/csv"}), 415,
                                    "unsupported-media-type")

    def test_without_body_type_and_query_the_type_is_missing(self):
        responses, _ = self.server.raw(f"POST {WORD} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        self.assert_problem(responses[0], 415, "unsupported-media-type")
        self.assertIn("is absent or empty", responses[0].json()["detail"])


class Versions(server.ServerTest):
    def test_what_is_not_http_1_is_505_once_and_logged(self):
        for number, version in enumerate(("HTTP/2.0", "HTTP/3.0", "HTTP/2", "HTTP/0.9", "HTTP/9.9", "HTTP/20")):
            for body in (b"", b"\r\nSM\r\n\r\n", b"x" * 100000):
                with self.subTest(version, body=len(body)):
                    path = f"/version/{number}/{len(body)}"
                    responses, closed = self.server.raw(f"PRI {path} {version}\r\nHost: a\r\n\r\n".encode() + body)
                    self.assertTrue(closed)
                    self.assertEqual(len(responses), 1, responses)
                    self.assert_problem(responses[0], 505, "http-version")
                    self.assertIn("HTTP/1.1 and HTTP/1.0", responses[0].json()["detail"])
                    server.wait_until(lambda path=path: self.server.log(path=path), "it is logged")
                    lines = self.server.log(path=path)
                    self.assertEqual([(line["status"], line["level"], line["method"]) for line in lines],
                                     [(505, "info", "PRI")])

    def test_every_minor_version_of_1_is_served(self):
        """RFC 9110, 2.5: as the highest one that the server knows."""
        for version in ("HTTP/1.0", "HTTP/1.1", "HTTP/1.2", "HTTP/1.9"):
            responses, _ = self.server.raw(f"GET /livez {version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            self.assertEqual([response.status for response in responses], [200])

    def test_what_is_no_version_is_malformed(self):
        for version in ("http/1.1", "HTTP/1", "HTTP/1.x", "HTTP/10.1", "HTTPS/1.1", "HTTP/x", "HTTP/", "HTTP 2.0"):
            with self.subTest(version):
                responses, closed = self.server.raw(f"GET /livez {version}\r\nHost: a\r\n\r\n".encode())
                self.assertEqual(([response.slug() for response in responses], closed), (["malformed-request"], True))


class Headers(server.ServerTest):
    def test_a_sane_request_id_is_taken_over(self):
        for request_id in ("a", "req-1.2_3", "0af7651916cd43dd8448eb211c80319c", "A" * 64):
            with self.subTest(request_id):
                response = self.server.get("/livez", headers={"X-Request-Id": request_id})
                self.assertEqual(response.headers.get_all("X-Request-Id"), [request_id])

    def test_any_other_request_id_is_replaced(self):
        seen = set()
        for request_id in (None, "", "a b", 'a"b', "<script>", "A" * 1000, "a,b", "é"):
            with self.subTest(request_id):
                headers = {} if request_id is None else {"X-Request-Id": request_id.encode()}
                got = self.server.get("/livez", headers=headers).headers.get_all("X-Request-Id")
                self.assertEqual(len(got), 1)
                self.assertRegex(got[0], r"^[A-Za-z0-9._-]{8,64}$")
                seen.add(got[0])
        self.assertEqual(len(seen), 8)

    def test_white_space_behind_a_value_is_no_part_of_it(self):
        for space in (" ", "\t", " \t  "):
            head = "GET {} HTTP/1.1\r\nHost: a\r\nConnection: close" + space + "\r\n{}" + space + "\r\n\r\n"
            responses, _ = self.server.raw(head.format("/livez", "X-Request-Id: req-1").encode())
            self.assertEqual([response.headers["X-Request-Id"] for response in responses], ["req-1"])
            tag = self.server.get("/openapi.yaml").headers["ETag"]
            responses, _ = self.server.raw(head.format("/openapi.yaml", f"If-None-Match: {tag}").encode())
            self.assertEqual([response.status for response in responses], [304])
            with self.server.socket() as connection:
                connection.sendall(server.post_head(WORD, len(BODY), "Expect: 100-continue" + space))
                self.assertTrue(connection.recv(25).startswith(b"HTTP/1.1 100"))
                connection.sendall(BODY)
                self.assertEqual(server.read_response(connection).status, 200)

    def test_problems_carry_the_clients_request_id(self):
        response = self.server.post(WORD, b"", headers=JSON | {"X-Request-Id": "mine"})
        self.assert_problem(response, 400, "empty-body")
        self.assertEqual(response.json()["request_id"], "mine")

    def test_server_timing_names_the_phases(self):
        response = self.server.post(WORD, BODY, headers=JSON)
        timing = response.headers["Server-Timing"]
        self.assertRegex(timing, f"^{SERVER_TIMING.pattern}$")
        names = [part.split(";")[0] for part in timing.split(", ")]
        self.assertEqual(set(names), {"receive", "queue", "decode", "compute", "encode", "total", "cpu"})
        self.assertEqual(len(names), len(set(names)))

    def test_every_response_has_id_timing_and_date(self):
        for response in (self.server.get("/livez"), self.server.get("/nothing"),
                         self.server.post(WORD, b"", headers=JSON),
                         self.server.request("OPTIONS", WORD), self.server.request("HEAD", "/livez")):
            with self.subTest(response.status):
                self.assertTrue(response.headers["X-Request-Id"])
                self.assertRegex(response.headers["Server-Timing"], f"^{SERVER_TIMING.pattern}$")
                self.assertTrue(response.headers["Date"])


class Framing(server.ServerTest):
    options = {"max_body": "64KiB"}

    def chunked(self, *pieces):
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        return (b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + chunks)

    def test_a_chunked_body_of_any_cut_is_the_same_body(self):
        for cut in (1, 2, 7, len(BODY)):
            with self.subTest(cut):
                pieces = [BODY[at:at + cut] for at in range(0, len(BODY), cut)]
                with self.server.socket() as connection:
                    connection.sendall(self.chunked(*pieces))
                    self.assertEqual(server.read_response(connection).json()["count"], 1)

    def ask_chunked(self, chunks):
        with self.server.socket() as connection:
            connection.sendall(b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
            return server.read_response(connection)

    def test_a_chunked_body_with_trailers_is_read(self):
        response = self.ask_chunked(b"%x\r\n%s\r\n0\r\nX-After: 1\r\n\r\n" % (len(BODY), BODY))
        self.assertEqual(response.json()["count"], 1)

    def test_chunk_extensions_are_read_over(self):
        response = self.ask_chunked(b"%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
        self.assertEqual((response.status, response.json()["count"]), (200, 1))

    def test_an_empty_chunked_body_is_an_empty_body(self):
        with self.server.socket() as connection:
            connection.sendall(self.chunked())
            self.assert_problem(server.read_response(connection), 400, "empty-body")

    def test_a_request_sent_byte_by_byte_is_answered(self):
        request = server.post_head(WORD, len(BODY)) + BODY
        with self.server.socket() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request:
                connection.sendall(bytes([byte]))
            self.assertEqual(server.read_response(connection).json()["count"], 1)

    def test_pipelined_requests_are_answered_in_order(self):
        request = b""
        for number in range(1, 31):
            text = json.dumps({"text": "is " * number, "word": "is"}).encode()
            request += server.post_head(WORD, len(text), f"X-Request-Id: n{number}") + text
        request += b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        responses, closed = self.server.raw(request)
        self.assertTrue(closed)
        self.assertEqual([response.status for response in responses], [200] * 31)
        self.assertEqual([response.json()["count"] for response in responses[:30]], list(range(1, 31)))
        ids = [response.headers["X-Request-Id"] for response in responses[:30]]
        self.assertEqual(ids, [f"n{number}" for number in range(1, 31)])

    def test_a_connection_is_reused_for_many_requests(self):
        connection = self.server.connect()
        connection.connect()
        port = connection.sock.getsockname()[1]
        for number in range(50):
            response = self.server.post(WORD, {"text": "is " * number, "word": "is"}, connection=connection)
            self.assertEqual(response.json()["count"], number)
            self.assertEqual(connection.sock.getsockname()[1], port)
        connection.close()

    def test_http_1_0_is_answered_and_closed(self):
        responses, closed = self.server.raw(b"GET /livez HTTP/1.0\r\n\r\n")
        self.assertEqual(([response.status for response in responses], closed), ([200], True))

    def test_http_1_0_with_a_body_works(self):
        responses, closed = self.server.raw(
            b"POST /v1/wordcount HTTP/1.0\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
        self.assertEqual((responses[0].status, closed), (200, True))
        self.assertEqual(responses[0].json()["count"], 1)

    def test_connection_close_is_respected(self):
        responses, closed = self.server.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertEqual((len(responses), closed), (1, True))
        self.assertEqual(responses[0].headers["Connection"].lower(), "close")

    def test_expect_continue_is_answered_before_the_body(self):
        with self.server.socket() as connection:
            connection.sendall(server.post_head(WORD, len(BODY), "Expect: 100-continue"))
            self.assertTrue(connection.recv(25).startswith(b"HTTP/1.1 100"))
            connection.sendall(BODY)
            self.assertEqual(server.read_response(connection).json()["count"], 1)

    def test_expect_continue_is_refused_without_the_body_where_the_head_says_enough(self):
        for head, status, slug in [
            (server.post_head(WORD, 1 << 30, "Expect: 100-continue"), 413, "body-too-large"),
            (server.post_head("/nothing", 10, "Expect: 100-continue"), 404, "not-found"),
        ]:
            with self.subTest(slug), self.server.socket() as connection:
                connection.sendall(head)
                self.assert_problem(server.read_response(connection), status, slug)

    def statuses(self, pieces):
        """Of all that comes until the server closes, interim answers too."""
        with self.server.socket() as connection:
            for piece in pieces:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(piece)
            received, closed = server.read_all(connection)
        self.assertTrue(closed)
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]

    def test_expect_continue_where_no_body_comes_is_ignored(self):
        """libmicrohttpd 0.9.75 takes what comes behind such a head for its body, and hangs up."""
        last = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        for method in ("GET", "HEAD", "OPTIONS", "POST", "QUERY", "PUT", "DELETE", "PATCH"):
            for fields in ("", "Content-Length: 0\r\n", "Expect: 100-Continue\r\n", "X: y \r\n"):
                for target in ("/livez", "/nothing", "/%"):
                    sent = f"{method} {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{fields}\r\n".encode()
                    with self.subTest(sent):
                        answers = self.statuses([sent + last])
                        self.assertNotIn(100, answers)
                        if target != "/%":  # else nothing is read behind it
                            self.assertEqual((len(answers), answers[-1]), (2, 200))
                        self.assertEqual(self.statuses([sent, last]), answers)
        sent = b"GET /livez HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n" + last
        for at in range(1, len(sent)):
            self.assertEqual(self.statuses([sent[:at], sent[at:]]), [200, 200], at)
        self.assertEqual(self.statuses([bytes([byte]) for byte in sent]), [200, 200])
        self.assertEqual(self.server.log(event="request", path="/livez", problem="client-gone"), [])

    def test_expect_continue_of_one_request_is_none_of_the_next(self):
        with self.server.socket() as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n" +
                               server.post_head(WORD, len(BODY), "Expect: 100-continue"))
            received = b""
            while b"HTTP/1.1 100 Continue\r\n\r\n" not in received:
                received += connection.recv(65536)
            self.assertTrue(received.startswith(b"HTTP/1.1 200 "), received)
            connection.sendall(BODY)
            self.assertEqual(server.read_response(connection).json()["count"], 1)

    def test_a_declared_body_over_the_limit_is_refused_and_the_connection_goes_on(self):
        with self.server.socket() as connection:
            connection.sendall(server.post_head(WORD, 65537) + b" " * 65537)
            response = server.read_response(connection)
            self.assert_problem(response, 413, "body-too-large")
            self.assertIn("65536", response.json()["detail"])
            connection.sendall(server.post_head(WORD, len(BODY)) + BODY)
            self.assertEqual(server.read_response(connection).json()["count"], 1)

    def test_a_declared_body_far_over_the_limit_is_refused_at_once_and_the_connection_closed(self):
        for length in (1 << 30, 1 << 62, (1 << 64) - 1):
            with self.subTest(length):
                responses, closed = self.server.raw(server.post_head(WORD, length))
                self.assertTrue(closed)
                self.assert_problem(responses[0], 413, "body-too-large")

    def test_a_body_of_exactly_the_limit_is_taken(self):
        body = b'{"word": "is", "text": "'
        body += b"x" * (65536 - len(body) - 2) + b'"}'
        self.assertEqual(len(body), 65536)
        self.assertEqual(self.server.post(WORD, body, headers=JSON).status, 200)

    def test_a_chunked_body_over_the_limit_is_refused(self):
        for size in (65536, 3 << 15):
            with self.subTest(size), self.server.socket() as connection:
                connection.sendall(self.chunked(*[b" " * 32768] * (size // 32768), b"x"))
                self.assert_problem(server.read_response(connection), 413, "body-too-large")
                connection.sendall(server.post_head(WORD, len(BODY)) + BODY)
                self.assertEqual(server.read_response(connection).json()["count"], 1)

    def test_a_chunked_body_without_end_is_cut_off(self):
        piece = b"8000\r\n" + b" " * 32768 + b"\r\n"
        head = self.chunked().removesuffix(b"0\r\n\r\n")
        with self.server.socket() as connection:
            connection.sendall(head)
            try:
                for _ in range(4096):
                    connection.sendall(piece)
            except ConnectionError:
                return
        self.fail("128 MiB of body were taken where 64 KiB are allowed")

    def test_a_client_that_closes_its_sending_side_still_gets_its_answer(self):
        request = server.post_head(WORD, len(BODY), "Connection: close") + BODY
        responses, closed = self.server.raw(request, finish=True)
        self.assertEqual(([response.status for response in responses], closed), ([200], True))


if __name__ == "__main__":
    unittest.main()
