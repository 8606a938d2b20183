"""What the tests of callbacks have in common: receivers, and jobs that call them."""

import contextlib
import http.server
import pathlib
import socket
import tempfile
import threading

import server
from job_case import LOAD, JobTest

FAST = {"callback_retry": "20ms"}


class Receiver:
    """An HTTP server on a free port of 127.0.0.1, which answers by `answer(handler, number of the request from 0)`, 200
    with a short body unless said otherwise."""

    def __init__(self, answer=None, address="127.0.0.1"):
        self.requests = []  # (path, header fields, body)
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    number = len(receiver.requests)
                    receiver.requests.append((self.path, self.headers, body))
                with contextlib.suppress(ConnectionError):
                    (answer or receiver.say(200))(self, number)

            def do_GET(self):
                with receiver.lock:
                    receiver.requests.append((self.path, self.headers, b"GET"))
                self.send_error(405)

            def log_message(self, *_arguments):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
            daemon_threads = True

            def handle_error(self, *_arguments):
                pass  # the sender has hung up

        self.listener = Listener((address, 0), Handler)
        self.port = self.listener.server_port
        self.thread = threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @staticmethod
    def say(status, **fields):
        def answer(handler, _number):
            handler.send_response(status)
            for name, value in fields.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", "2")
            handler.end_headers()
            handler.wfile.write(b"ok")

        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_arguments):
        self.listener.shutdown()
        self.thread.join()
        self.listener.server_close()

    def url(self, path="/", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def wait_for(self, count):
        server.wait_until(lambda: len(self.requests) >= count, f"{count} requests have come")
        return self.requests


class CallbackTest(JobTest):
    def submit_calling(self, under_test, url, path=LOAD, body=None, **headers):
        preference = {"Prefer": f'respond-async; callback="{url}"'}
        return self.submit(under_test, path, body or {"ranges": [10]}, **headers | preference)

    def wait_callback(self, under_test, job, state):
        server.wait_until(lambda: self.status(under_test, job)["callback"]["state"] == state, f"it is {state}")
        return self.status(under_test, job)["callback"]

    def events(self, under_test, event, count):
        server.wait_until(lambda: len(under_test.log(event=event)) >= count, f"{event} is logged")
        return [entry["detail"] for entry in under_test.log(event=event)]


@contextlib.contextmanager
def secret_file(*lines):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "keys"
        path.write_bytes(b"\n".join(lines) + b"\n")
        yield str(path)
