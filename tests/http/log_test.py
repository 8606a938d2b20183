"""One JSON line per request on stderr, whatever became of the request."""

import re
import socket
import subprocess
import time
import unittest

import server

JSON = {"Content-Type": "application/json"}
WORD = "/v1/wordcount"
PHASES = ["receive_ms", "queue_ms", "decode_ms", "compute_ms", "encode_ms", "total_ms", "cpu_ms"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


class Log(server.ServerTest):
    options = {"max_body": "1MiB"}

    def line_of(self, request_id):
        """The one request line with this id."""
        server.wait_until(lambda: self.server.log(request_id=request_id), f"the line of {request_id} is there")
        lines = self.server.log(request_id=request_id)
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def test_an_answered_call_is_logged_with_all_its_figures(self):
        body = b'{"text": "is it", "word": "is", "threads": 1}'
        response = self.server.post(WORD, body, headers=JSON | {"X-Request-Id": "figures"})
        line = self.line_of("figures")
        self.assertRegex(line["time"], TIME)
        wanted = {"level": "info", "event": "request", "peer": "127.0.0.1", "method": "POST", "path": WORD,
                  "status": 200, "bytes_in": len(body), "bytes_out": len(response.body),
                  "threads": {"requested": 1, "granted": 1}}
        self.assertEqual({name: line.get(name) for name in wanted}, wanted)
        self.assertNotIn("problem", line)
        for phase in PHASES:
            self.assertGreaterEqual(line[phase], 0)

    def test_a_refused_call_is_logged_with_its_problem(self):
        for request_id, method, path, body, status, problem in [
            ("empty", "POST", WORD, b"", 400, "empty-body"), ("missing", "POST", WORD, b"{}", 422, "missing-field"),
            ("path", "GET", "/nothing", None, 404, "not-found"),
            ("method", "GET", WORD, None, 405, "method-not-allowed"),
            ("large", "POST", WORD, b" " * 1048577, 413, "body-too-large"),
        ]:
            with self.subTest(request_id):
                self.server.request(method, path, body, headers=JSON | {"X-Request-Id": request_id})
                line = self.line_of(request_id)
                self.assertEqual((line["status"], line["problem"], line["path"]), (status, problem, path))

    def test_information_endpoints_are_logged_too(self):
        for number, path in enumerate(("/", "/livez", "/readyz", "/healthz", "/v1/system", "/openapi.yaml")):
            with self.subTest(path):
                self.server.get(path, headers={"X-Request-Id": f"info{number}"})
                line = self.line_of(f"info{number}")
                self.assertEqual((line["path"], line["status"]), (path, 200))

    def test_users_and_passwords_are_never_logged(self):
        for target, path, rest in [
            ("http://user:secret@a/livez", "/livez", ""), ("HTTP://user:secret@a?b", "/", ""), ("http://a/readyz", "/readyz", ""),
            ("ftp://user:secret@a/x", "", ""), ("user:secret@a:443", "", ""), ("/a:b@c", "/a:b@c", ""), ("livez", "livez", ""),
            ("http://user:secret@a/livez", "/livez", ": x\r\n"), ("user:secret@a:443", "", ": x\r\n"),
            ("http://" + "secret" * 30 + "@a/livez", "/livez", ""), ("http://" + "secret" * 30 + "@a/livez", "/", ": x\r\n"),
        ]:
            with self.subTest(target, rest=rest):
                responses, _ = self.server.raw(f"GET {target} HTTP/1.1\r\nHost: a\r\n{rest}Connection: close\r\n\r\n".encode())
                self.assertEqual(self.line_of(responses[0].headers["X-Request-Id"])["path"], path)
        self.assertEqual([line for line in self.server.lines if "secret" in line], [])

    def test_a_head_that_is_given_up_has_its_method(self):
        for number, finish in enumerate((False, True)):
            for method in ("GET", "PUT"):
                with self.subTest(method, finish=finish):
                    path = f"/given-up/{method}/{number}"
                    with self.server.socket() as connection:
                        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n".encode())
                        if finish:
                            connection.shutdown(socket.SHUT_WR)
                            server.read_all(connection)
                        else:
                            time.sleep(0.05)  # else it is gone before its first line is read, and never was a request
                    server.wait_until(lambda: self.server.log(path=path), "it is logged")
                    line = self.server.log(path=path)[0]
                    self.assertEqual((line["status"], line["problem"], line["method"]), (499, "client-gone", method))

    def test_a_malformed_head_is_logged(self):
        before = len(self.server.log(event="request", problem="malformed-request"))
        self.server.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        server.wait_until(lambda: len(self.server.log(event="request", problem="malformed-request")) == before + 1,
                          "the line is there")

    def test_a_refused_head_is_logged_with_what_was_sent(self):
        for method in ("GET", "HEAD"):
            with self.subTest(method), self.server.socket() as connection:
                path = f"/refused/{method}"
                connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nBroken field\r\n\r\n".encode())
                response = server.read_response(connection, method)
                self.assertEqual((response.status, response.body == b""), (400, method == "HEAD"))
                server.wait_until(lambda path=path: self.server.log(path=path), "its line is there")
                line, = self.server.log(path=path)
                self.assertEqual((line["method"], line["bytes_in"], line["bytes_out"]), (method, 0, len(response.body)))
                self.assertNotIn("threads", line)

    def test_what_the_library_refuses_by_itself_is_logged_with_its_status(self):
        no_host = b"GET /livez HTTP/1.1\r\nX-Request-Id: ignored\r\n\r\n"
        bad_length = b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"
        bad_chunk = (b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n")
        large_head = b"GET /livez HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 200000 + b"\r\n\r\n"
        for sent, path, status in ((no_host, "/livez", 400), (bad_length, WORD, 400), (bad_chunk, WORD, 400),
                                   (large_head, "/livez", 431)):
            with self.subTest(sent[:80]):
                before = len(self.server.log(path=path))
                responses, _ = self.server.raw(sent)
                self.assertEqual([response.status for response in responses], [status])
                server.wait_until(lambda: len(self.server.log(path=path)) > before, "its line is there")
                lines = self.server.log(path=path)[before:]
                self.assertEqual([line["status"] for line in lines], [status], lines)

    def test_what_a_terminal_obeys_stands_escaped_in_lines_and_answers(self):
        """ESC, DEL, C1 as a character and as a byte, a line separator, an override of the direction; escaped or not."""
        codes = "\x1b[31m\x7f\u009b31m\u0085\u2028\u202e\u2066\u200f".encode() + b"\x9b\x80"
        escaped = b"".join(b"%%%02x" % byte for byte in codes)
        raw = b"".join(b"%%%02x" % byte if byte < 0x80 else b"%c" % byte for byte in codes)
        body = b'{"text": "a", "' + codes.replace(b"\x1b", b"") + b'": 1}'
        for number, sent in enumerate((
            b"GET /" + escaped + b" HTTP/1.1\r\nHost: a\r\n",
            b"GET /" + raw + b" HTTP/1.1\r\nHost: a\r\n",
            b"GET /livez?" + escaped + b"=1 HTTP/1.1\r\nHost: a\r\n",
            b"POST /v1/wordcount?word=" + escaped + b"&" + escaped + b"=1 HTTP/1.1\r\nHost: a\r\n"
            b"Content-Type: text/plain\r\nContent-Length: 0\r\n",
            b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: " + codes[-9:] + b"\r\nContent-Length: 0\r\n",
            b"POST /v1/wordcount HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n" % len(body),
        )):
            head = sent + b"X-Request-Id: codes%d\r\nConnection: close\r\n\r\n" % number
            responses, closed = self.server.raw(head + (body if b"json" in sent else b""))
            self.assertTrue(closed)
            for response in responses:
                self.assertTrue(response.body.decode().rstrip("\n").isprintable(), response)
        server.wait_until(lambda: self.server.log(request_id="codes5"), "the last line is there")
        for line in self.server.lines:
            self.assertTrue(line.isprintable(), line)

    def test_what_a_client_sends_cant_break_the_line(self):
        self.server.raw(b'GET /"\\%0a{},"x":1 HTTP/1.1\r\nHost: a\r\nX-Request-Id: quotes\r\nConnection: close\r\n\r\n')
        self.assertEqual(self.line_of("quotes")["status"], 404)
        self.server.get("/" + "x" * 3000, headers={"X-Request-Id": "long"})
        self.assertLess(len(self.line_of("long")["path"]), 1000)

    def test_every_line_is_json_with_time_level_and_event(self):
        self.server.get("/livez")
        for line in self.server.lines:
            self.assertTrue(line.startswith("{") and line.endswith("}"), line)
        for entry in self.server.log():
            self.assertRegex(entry["time"], TIME)
            self.assertIn(entry["level"], ("error", "warn", "info", "debug"))
            self.assertTrue(entry["event"])

    def test_a_query_is_not_logged(self):
        self.server.get("/livez?token=secret", headers={"X-Request-Id": "query"})
        self.assertEqual(self.line_of("query")["path"], "/livez")
        self.assertNotIn("secret", "".join(self.server.lines))


class Level(unittest.TestCase):
    def test_warn_silences_the_request_lines(self):
        with server.Server(log_level="warn") as under_test:
            self.assertEqual(under_test.get("/livez").status, 200)
        self.assertEqual(under_test.log(event="request"), [])

    def test_every_level_has_the_line_that_says_where_it_listens(self):
        """As --help says: whoever starts it waits for that."""
        shown = subprocess.run([server.binary(), "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("least important level that is logged; the line listening is at every level", " ".join(shown.split()))
        for level in ("error", "warn", "info", "debug"):
            with server.Server(log_level=level) as under_test:
                self.assertEqual(under_test.start_line["event"], "listening")


if __name__ == "__main__":
    unittest.main()
