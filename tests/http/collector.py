"""A collector of traces for tests, and a strict reader of OTLP/JSON (opentelemetry-proto 1.x, trace service): what it
doesn't know is an error."""

import contextlib
import http.server
import json
import re
import threading
import time

MEMBERS = {
    "export": {"resourceSpans"},
    "resourceSpans": {"resource", "scopeSpans"},
    "scopeSpans": {"scope", "spans"},
    "span": {"traceId", "spanId", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
             "status"},
}
KINDS = {1: "internal", 2: "server", 5: "consumer"}


class Wrong(Exception):
    """It isn't OTLP/JSON, or no span that could be."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def read_attributes(listed):
    found = {}
    for entry in listed:
        expect(set(entry) == {"key", "value"} and len(entry["value"]) == 1 and entry["key"] not in found, entry)
        (kind, value), = entry["value"].items()
        expect(isinstance(value, str) and kind in ("stringValue", "intValue"), entry)
        if kind == "intValue":
            expect(re.fullmatch(r"0|[1-9][0-9]*", value) and int(value) < 1 << 63, entry)
        found[entry["key"]] = int(value) if kind == "intValue" else value
    return found


class Span:
    def __init__(self, given):
        expect(set(given) <= MEMBERS["span"], given)
        self.trace, self.id, self.parent = given["traceId"], given["spanId"], given.get("parentSpanId")
        for text, digits in ((self.trace, 32), (self.id, 16), (self.parent, 16)):
            expect(text is None or (re.fullmatch(f"[0-9a-f]{{{digits}}}", text) and int(text, 16) > 0), given)
        for name in ("startTimeUnixNano", "endTimeUnixNano"):
            expect(isinstance(given[name], str) and re.fullmatch(r"[1-9][0-9]{18}", given[name]), given)
        self.start, self.end = int(given["startTimeUnixNano"]), int(given["endTimeUnixNano"])
        expect(self.start <= self.end, given)
        expect(isinstance(given["kind"], int) and isinstance(given["flags"], int) and given["flags"] & 1, given)
        self.kind, self.flags, self.name = KINDS[given["kind"]], given["flags"], given["name"]
        expect(isinstance(self.name, str) and self.name, given)
        self.attributes = read_attributes(given.get("attributes", []))
        self.status = given.get("status", {})
        expect(set(self.status) <= {"code", "message"} and self.status.get("code", 0) in (0, 1, 2), given)

    def __repr__(self):
        return f"{self.name} {self.attributes}"


def read(body):
    """(attributes of the resource, spans) of one POST."""
    document = json.loads(body.decode("utf-8"))
    expect(set(document) == MEMBERS["export"] and len(document["resourceSpans"]) == 1, document)
    of_resource = document["resourceSpans"][0]
    expect(set(of_resource) == MEMBERS["resourceSpans"] and len(of_resource["scopeSpans"]) == 1, of_resource)
    of_scope = of_resource["scopeSpans"][0]
    expect(set(of_scope) == MEMBERS["scopeSpans"] and of_scope["scope"]["name"], of_scope)
    expect(of_scope["spans"], "no spans")
    return read_attributes(of_resource["resource"]["attributes"]), [Span(span) for span in of_scope["spans"]]


class Collector:
    """Answers with `answers`, (status, header fields) or (status, header fields, body) each, and with 200 once they are used
    up; between hold() and release() it doesn't answer at all."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.posts = []  # (path, header fields, body)
        self.times = []  # when each came
        self.wrong = []
        self.released = threading.Event()
        self.released.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                with contextlib.suppress(ConnectionError):  # it didn't wait for all of the answer
                    super().handle()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, fields, *answer = collector.take(self.path, self.headers, body)
                answer = answer[0] if answer else b"{}"
                collector.released.wait()
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"

    def take(self, path, fields, body):
        try:
            read(body)
        except (Wrong, ValueError, KeyError, TypeError) as error:
            self.wrong.append((repr(error), body))
        self.posts.append((path, fields, body))
        self.times.append(time.monotonic())
        return self.answers.pop(0) if self.answers else (200, {})

    def hold(self):
        self.released.clear()

    def release(self):
        self.released.set()

    def spans(self, **wanted):
        """Those that have come, by these members."""
        found = [span for _, _, body in list(self.posts) for span in read(body)[1]]
        return [span for span in found if all(getattr(span, name) == value for name, value in wanted.items())]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self.httpd.shutdown()
        self.thread.join()
        self.httpd.server_close()
        if self.wrong:
            raise AssertionError(self.wrong)
