"""Starts a forkjoin server for a test, talks to it, and stops it by its own process id.

Every test server listens on a free port of 127.0.0.1, is asked to end with SIGTERM and must then exit with 0, leave no
sanitizer report on stderr and nothing in /dev/shm; Server.stop checks that for every test. The binary is named by the environment variable
FORKJOIN. Only Python's standard library is used.
"""

import atexit
import codecs
import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

# How long a test waits for something that must happen; never how fast it has to be.
PATIENCE_S = 30.0

SANITIZER_MARKS = ("ERROR: AddressSanitizer", "LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer")


def binary():
    path = os.environ.get("FORKJOIN")
    if not path:
        raise SystemExit("FORKJOIN names no binary: set it to the path of the forkjoin executable")
    return path


def flags_of(options):
    """drain_delay="50ms" -> ["--drain-delay", "50ms"]"""
    return [part for name, value in options.items() for part in ("--" + name.replace("_", "-"), str(value))]


def environment(**variables):
    """The environment without FORKJOIN's own variables, plus the given ones. Jobs don't go to the user's own folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORKJOIN")}
    return kept | {"FORKJOIN_JOBS": "memory"} | variables


def zen(times=1000):
    """PyO3's word-count text: the Zen of Python between two line ends, 858 bytes, 10 times the word "is"."""
    with contextlib.redirect_stdout(io.StringIO()):
        import this  # prints itself when imported
    return ("\n" + codecs.decode(this.s, "rot13") + "\n") * times


def slow_body(numbers):
    """A Gaussian request that takes a while: its time grows with the numbers, in decoding as in printing the result."""
    return b'{"y": 0, "x": [1' + b",1" * (numbers - 1) + b"]}"


def health(under_test):
    return under_test.get("/healthz").json()


def load(under_test):
    """(running, queued) as /healthz says."""
    figures = health(under_test)
    return figures["running"], figures["queued"]


def wait_until(condition, what):
    """Polls condition until it is true, less often with time; fails with `what` when patience ends."""
    pause, end = 0.005, time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE_S} s in vain until {what}")
        time.sleep(pause)
        pause = min(1.2 * pause, 0.05)


class Response:
    """One complete HTTP response."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # http.client.HTTPMessage: names in any case
        self.body = body

    def json(self):
        return json.loads(self.body)

    def slug(self):
        """The last part of the problem's type, or None for anything that isn't a problem."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return None
        return self.json()["type"].removeprefix("urn:forkjoin:problem:")

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:400]!r}"


def remove_remains(process, begun):
    """Removes what a process that has ended left in /dev/shm, and says whether there was anything: LLVM's OpenMP runtime
    (the tsan preset) has a file there until exit handlers run, which a process that is ended at once doesn't do. One from
    before `begun`, a time, is of a process that had the same id."""
    remains = f"/dev/shm/__KMP_REGISTERED_LIB_{process.pid}_{os.getuid()}"
    try:
        is_its_own = os.stat(remains).st_mtime > begun - 1
        os.unlink(remains)
    except FileNotFoundError:
        return False
    return is_its_own


class Server:
    """A running server. Options are flags: Server(max_body="1KiB", cores=1). exits_with: what it must end with; through:
    a command that starts it."""

    def __init__(self, env=None, exits_with=0, through=(), **options):
        self.exits_with = exits_with
        self.is_told_to_end = False
        options = {"port": 0, "drain_delay": "0ms", "drain": "20s", **options}
        self.begun = time.time()
        self.process = subprocess.Popen(
            [*through, binary(), *flags_of(options)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(**(env or {})),
        )
        atexit.register(self._kill_if_left)
        self.lines = []
        self.listening = threading.Event()
        self.start_line = None
        self.reader = threading.Thread(target=self._read_stderr, daemon=True)
        self.reader.start()
        if not self.listening.wait(PATIENCE_S) or self.start_line is None:
            self.process.kill()
            self.process.wait()
            self._remove_remains()
            raise AssertionError("the server did not start: " + "\n".join(self.lines))
        self.host, port = self.start_line["address"].rsplit(":", 1)
        self.port = int(port)

    def _read_stderr(self):
        for raw_line in self.process.stderr:
            line = raw_line.decode("utf-8", "replace").rstrip("\n")
            self.lines.append(line)
            if not self.listening.is_set() and '"event":"listening"' in line.replace('": "', '":"'):
                self.start_line = json.loads(line)
                self.listening.set()
        self.listening.set()

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _traceback):
        if kind is None:
            self.stop()
        else:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            self.process.stderr.close()
            self._remove_remains()
            print("the server's last lines:", *self.lines[-15:], sep="\n    ")

    def _kill_if_left(self):
        """By a test that failed: whoever waits for the output of this program would wait for the server's as well."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
            self._remove_remains()

    def signal(self, number=signal.SIGTERM):
        self.is_told_to_end |= number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end of the process; returns its exit status."""
        status = self.process.wait(PATIENCE_S)
        self.reader.join()
        self.process.stderr.close()
        if status == -signal.SIGKILL:
            self._remove_remains()
        return status

    def _remove_remains(self):
        return remove_remains(self.process, self.begun)

    def stop(self):
        """Ends the process, if it hasn't ended yet, and checks how it ended. One that a test has told to end is left to do
        so: a second signal would cut its drain off."""
        if self.process.returncode is None:
            if not self.is_told_to_end:
                self.signal()
            self.wait()
        status = self.process.returncode
        if self._remove_remains() and status in (0, 1):
            raise AssertionError(f"exit status {status}, and something left in /dev/shm")
        reports = [line for line in self.lines if any(mark in line for mark in SANITIZER_MARKS)]
        if status != self.exits_with or reports:
            last = "\n".join(self.lines[-60:])
            raise AssertionError(f"exit status {status}, expected {self.exits_with}; stderr:\n{last}")

    def log(self, **wanted):
        """The JSON log lines whose members equal the wanted ones."""
        found = []
        for line in list(self.lines):
            if line.startswith("{"):
                entry = json.loads(line)
                if all(entry.get(name) == value for name, value in wanted.items()):
                    found.append(entry)
        return found

    def connect(self, timeout=PATIENCE_S):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def socket(self, timeout=PATIENCE_S):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def request(self, method, path, body=None, headers=None, connection=None):
        """One request; dict bodies become JSON. On a connection of its own unless one is given."""
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        mine = connection is None
        connection = connection or self.connect()
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            if mine:
                connection.close()

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, body, **arguments):
        return self.request("POST", path, body, **arguments)

    def raw(self, sent, timeout=PATIENCE_S, finish=False):
        """Sends bytes as they are and reads until the server closes. Returns (responses, closed): closed is False when
        the server was still holding the connection open after `timeout`. finish: say that no more will be sent."""
        with self.socket(timeout) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent)
                if finish:
                    connection.shutdown(socket.SHUT_WR)
            received, closed = read_all(connection)
        return parse_responses(received), closed


def read_all(connection):
    """Everything until the other side closes (True) or the socket's timeout passes (False)."""
    received = b""
    while True:
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            return received, False
        except ConnectionError:
            return received, True
        if not piece:
            return received, True
        received += piece


class _Bytes:
    """What http.client.HTTPResponse needs of a socket, over bytes already received."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, _mode):
        return self.stream


def parse_responses(received, method="GET"):
    """All responses in received bytes, interim ones (100) included."""

    class Stream(io.BytesIO):
        def close(self):  # HTTPResponse closes its file after each body; the next response is still in it
            pass

    stream = Stream(received)
    responses = []
    while stream.tell() < len(received):
        start = stream.tell()
        if received[start:].startswith(b"HTTP/1.1 100"):
            end = received.index(b"\r\n\r\n", start) + 4
            responses.append(Response(100, http.client.HTTPMessage(), b""))
            stream.seek(end)
            continue
        answer = http.client.HTTPResponse(_Bytes(stream), method=method)
        answer.begin()
        responses.append(Response(answer.status, answer.headers, answer.read()))
    return responses


def read_response(connection, method="GET"):
    """The next response from a connected socket, read without taking more than belongs to it."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    response = Response(answer.status, answer.headers, answer.read())
    answer.close()
    return response


def post_head(path, length, *more, host="localhost"):
    """Head of a JSON POST as bytes, ending with the empty line."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", f"Content-Length: {length}"]
    return ("\r\n".join([*lines, *more]) + "\r\n\r\n").encode()


class ServerTest(unittest.TestCase):
    """A test class with one server for all its tests; `options` are the server's flags."""

    options = {}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(**cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def assert_problem(self, response, status, slug, pointer=None):
        """The response is this RFC 9457 problem; pointer None: not looked at."""
        self.assertEqual((response.status, response.slug()), (status, slug), response)
        problem = response.json()
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["type"], "urn:forkjoin:problem:" + slug)
        self.assertTrue(problem["title"])
        self.assertEqual(problem["request_id"], response.headers.get("X-Request-Id"), response)
        if pointer is not None:
            self.assertEqual(problem.get("pointer", ""), pointer, response)
