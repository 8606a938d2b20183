"""traceparent: the log line and the answer name the trace; what isn't right is as if it weren't there."""

import json
import unittest

import server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
MEMBERS = ("trace_id", "span_id", "parent_span_id")


class Trace(server.ServerTest):
    options = {"cores": 1}

    def ask(self, request_id, fields, method="GET", path="/v1/system", body=b""):
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        with self.server.socket() as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {request_id}\r\n{head}"
                               f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = server.read_response(connection, method)
        server.wait_until(lambda: self.server.log(request_id=request_id), "its line is there")
        return answer, self.server.log(request_id=request_id)[0]

    def test_a_request_is_a_span_of_its_trace(self):
        spans = set()
        cases = [("GET", "/livez", b"", 200), ("GET", "/nowhere", b"", 404), ("HEAD", "/v1/system", b"", 200),
                 ("OPTIONS", "/v1/system", b"", 204), ("POST", "/v1/triangular", json.dumps({"ranges": [10]}).encode(), 200),
                 ("POST", "/v1/triangular", b"{", 400)]
        for number, (method, path, body, status) in enumerate(cases):
            for flags, answered in (("00", "00"), ("01", "01"), ("03", "01")):
                with self.subTest(method=method, path=path, flags=flags):
                    fields = [("traceparent", f"00-{TRACE}-{SPAN}-{flags}"), ("Content-Type", "application/json")]
                    answer, line = self.ask(f"t{number}-{flags}", fields, method, path, body)
                    self.assertEqual(answer.status, status)
                    self.assertEqual((line["trace_id"], line["parent_span_id"]), (TRACE, SPAN))
                    self.assertRegex(line["span_id"], r"\A[0-9a-f]{16}\Z")
                    self.assertEqual(answer.headers["traceresponse"], f"00-{TRACE}-{line['span_id']}-{answered}")
                    spans.add(line["span_id"])
        self.assertEqual(len(spans), 3 * len(cases))
        self.assertNotIn(SPAN, spans)

    def test_what_is_not_right_is_ignored(self):
        good = f"00-{TRACE}-{SPAN}-01"
        cases = [[], [("traceparent", "")], [("traceparent", good.upper())], [("traceparent", good + "-00")],
                 [("traceparent", good), ("traceparent", good)], [("traceparent", good), ("Traceparent", "x")],
                 [("traceparent", f"ff-{TRACE}-{SPAN}-01")], [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
                 [("tracestate", "a=b")], [("traceparent", '"},{"'), ("tracestate", "a=b")]]
        for number, fields in enumerate(cases):
            with self.subTest(fields=fields):
                answer, line = self.ask(f"wrong{number}", fields)
                self.assertEqual(answer.status, 200)
                self.assertNotIn("traceresponse", answer.headers)
                self.assertEqual([name for name in MEMBERS if name in line], [])

    def test_the_next_request_of_a_connection_is_another_one(self):
        with self.server.socket() as connection:
            for number, field in enumerate((f"traceparent: 00-{TRACE}-{SPAN}-01\r\n", "", f"TraceParent: 01-{TRACE}-{SPAN}-00\r\n")):
                connection.sendall(f"GET /livez HTTP/1.1\r\nHost: a\r\n{field}\r\n".encode())
                self.assertEqual("traceresponse" in server.read_response(connection).headers, number != 1)


if __name__ == "__main__":
    unittest.main()
