"""POST /v1/wordcount with text/plain: counted while it arrives, window by window, however long it is.

What a stream counts is compared with what the JSON form of the same text counts, which has oracles of its own.

ctest: threads, uninstrumented
"""

import contextlib
import json
import re
import threading
import time
import unittest
import urllib.parse

import server

WORD = "/v1/wordcount"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
WINDOW = 1024 * 1024
ODD = 65521  # a prime, so that chunks and windows end together nowhere
MIXED = "ab is iIsS .,!'\n\r\0 éÉßΣ σςжЖ is.\r\n 日1 is is\r\n\r is, Is! é é.\r \r\n"


def target(**options):
    return WORD + "?" + urllib.parse.urlencode(options)


def pieces(body, size):
    return (body[at:at + size] for at in range(0, len(body), size))


def head_of(path, framing):
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n{framing}\r\n\r\n".encode()


def framed(piece):
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def long_text(size):
    """Text whose characters, words and line ends fall on every place of a window's border sooner or later."""
    text = (MIXED + "x" * 13) * (size // len((MIXED + "x" * 13).encode()) + 1)
    return text.encode()[:size].decode("utf-8", "ignore")


@contextlib.contextmanager
def occupied(under_test):
    """Keeps the only core busy: with a request that would take many seconds, and is given up at the end."""
    body = json.dumps({"ranges": [100_000_000] * 1000, "threads": 1}).encode()
    with under_test.socket() as connection:
        connection.sendall(server.post_head("/v1/triangular", len(body)) + body)
        server.wait_until(lambda: server.load(under_test)[0] == 1, "the core is taken")
        yield


def at_rest(under_test):
    figures = server.health(under_test)
    return (figures["running"], figures["queued"], figures["memory"]["used_bytes"]) == (0, 0, 0)


class StreamTest(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 4}

    def stream(self, body, chunk=None, under_test=None, connection=None, **options):
        """Declared with its length, or in chunks of that size."""
        sent = body if chunk is None else pieces(body, chunk)
        return (under_test or self.server).post(target(**options), sent, headers=TEXT, connection=connection)

    def count(self, body, chunk=None, **options):
        response = self.stream(body, chunk, **options)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        return response.json()["count"]

    def by_json(self, text, **fields):
        body = json.dumps({"text": text, **fields}, ensure_ascii=False)
        response = self.server.post(WORD, body, headers=JSON)
        self.assertEqual(response.status, 200, response)
        return response.json()["count"]


class Counts(StreamTest):
    def test_a_declared_and_a_chunked_text_are_counted(self):
        body = server.zen().encode()
        for chunk in (None, 1000, ODD, 300000, len(body)):
            with self.subTest(chunk=chunk):
                self.assertEqual(self.count(body, chunk, word="is"), 10000)

    def test_the_result_has_the_members_of_a_json_requests(self):
        result = self.stream(b"is it", word="is", threads=1).json()
        by_json = self.server.post(WORD, {"text": "is it", "word": "is", "threads": 1}).json()
        self.assertEqual(list(result), list(by_json))
        self.assertEqual(result["threads"], {"requested": 1, "granted": 1})
        self.assertEqual(set(result["timing"]), set(by_json["timing"]))

    def test_all_options_can_be_in_the_query(self):
        usable = self.server.get("/v1/system").json()["cores"]["usable"]
        options = {"word": "is", "match": "exact", "threads": 2, "schedule": "dynamic", "chunk": 1000,
                   "timeout_ms": 20000, "cores": ",".join(map(str, usable[:2]))}
        response = self.server.post(target(**options), server.zen(), headers=TEXT)
        self.assertEqual((response.status, response.json().get("count")), (200, 10000), response)
        self.assertEqual(response.json()["threads"]["requested"], 2)

    def test_an_empty_text_has_no_words(self):
        for chunk in (None, 10):
            self.assertEqual(self.count(b"", chunk, word="a"), 0)

    def test_texts_of_every_length_around_a_windows(self):
        for length in (1, 2, 8191, 8192, 8193, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - 1, 2 * WINDOW,
                       2 * WINDOW + 1):
            body = (b"a " * (length // 2 + 1))[:length]
            for chunk in (None, ODD):
                with self.subTest(length=length, chunk=chunk):
                    self.assertEqual(self.count(body, chunk, word="a"), (length + 1) // 2)

    def test_what_lies_on_a_windows_border_is_read_whole(self):
        for across, word, match in ((" is ", "is", "exact"), ("\nis\r\n", "is", "exact"),
                                    ("\nis\r\r\n", "is\r", "exact"), (" été ", "été", "exact"),
                                    (" 日本 ", "日本", "exact"), (" 😀 ", "😀", "exact"),
                                    (" (Été) ", "été", "letters"), (" .Жж\r\n", "жж", "letters"),
                                    (" '日本' ", "日本", "letters")):
            encoded = across.encode()
            for before in range(len(encoded) + 1):
                with self.subTest(across, before=before):
                    body = b"x" * (WINDOW - before) + encoded + b"x" * 100 + encoded
                    self.assertEqual(self.count(body, word=word, match=match), 2)

    def test_a_word_longer_than_several_windows_is_one_word(self):
        long = b"x" * (3 * WINDOW + 17)
        self.assertEqual(self.count(long + b" is " + long, word="is"), 1)
        self.assertEqual(self.count(b"is" + long, ODD, word="is"), 0)
        self.assertEqual(self.count(b"." * len(long) + b"is", ODD, word="is", match="letters"), 1)
        self.assertEqual(self.count(b"is" + b"." * len(long), ODD, word="is", match="letters"), 1)

    def test_a_long_text_gives_the_json_answer_for_every_team_and_framing(self):
        text = long_text(5 * WINDOW // 2 + 4711)
        body = text.encode()
        for match in ("exact", "letters"):
            for word in ("is", "é", "is.", "\r"):
                expected = self.by_json(text, word=word, match=match)
                for threads, chunk in ((1, None), (2, ODD), (3, 1000003), (4, 7919)):
                    with self.subTest(match=match, word=word, threads=threads, chunk=chunk):
                        self.assertEqual(self.count(body, chunk, word=word, match=match, threads=threads), expected)

    def test_forty_megabytes_are_counted(self):
        body = (server.zen(10) * 4889).encode()
        self.assertGreater(len(body), 40 * WINDOW)
        for chunk in (None, 999983):
            self.assertEqual(self.count(body, chunk, word="is"), 488900)

    def test_a_connection_takes_one_stream_after_the_other(self):
        body = server.zen(4000).encode()
        connection = self.server.connect()
        for chunk in (None, ODD, None):
            self.assertEqual(self.count(body, chunk, word="is", connection=connection), 40000)
            self.assertEqual(self.server.get("/livez", connection=connection).status, 200)
        connection.close()

    def test_a_client_may_pause_within_a_window(self):
        body = (b"is it " * 200000)[:WINDOW + 5000]
        expected = body.split(b" ").count(b"is")
        for framing, frame, end in ((f"Content-Length: {len(body)}", bytes, b""),
                                    ("Transfer-Encoding: chunked", framed, b"0\r\n\r\n")):
            with self.subTest(framing), self.server.socket() as connection:
                connection.sendall(head_of(target(word="is"), framing))
                for piece in pieces(body, 300007):
                    connection.sendall(frame(piece))
                    time.sleep(0.05)
                connection.sendall(end)
                self.assertEqual(server.read_response(connection).json()["count"], expected)

    def test_fifty_streams_at_once_get_their_own_counts(self):
        wrong = []

        def ask(number):
            body = (b"is " * number + b"it\n") * (3 * WINDOW // (3 * number + 3))
            response = self.stream(body, None if number % 2 else 10007 * number, word="is", threads=1 + number % 4)
            if response.status != 200 or response.json()["count"] != number * body.count(b"\n"):
                wrong.append((number, response))

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(1, 51)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(wrong, [])
        server.wait_until(lambda: at_rest(self.server), "all memory is given back")


class Refusals(StreamTest):
    def test_wrong_options_are_refused_with_the_problems_of_json(self):
        for options, status, slug, pointer in (
            ({"match": "exact"}, 422, "missing-field", "/word"), ({"word": ""}, 422, "out-of-range", "/word"),
            ({"word": "a", "threads": "0"}, 422, "out-of-range", "/threads"),
            ({"word": "a", "match": "some"}, 422, None, "/match"),
            ({"word": "a", "text": "b"}, 422, "unknown-field", "/text"),
            ({"word": "a", "precision": "3"}, 422, "unknown-field", "/precision"),
        ):
            with self.subTest(options):
                connection = self.server.connect()
                for body in (b"", b"a b a", b"a " * WINDOW):
                    response = self.stream(body, connection=connection, **options)
                    self.assert_problem(response, status, slug or response.slug(), pointer)
                self.assertEqual(self.server.get("/livez", connection=connection).status, 200)
                connection.close()

    def test_a_client_that_asks_first_is_refused_before_it_sends(self):
        head = head_of(target(match="exact"), "Content-Length: 1000000000000\r\nExpect: 100-continue")
        responses, closed = self.server.raw(head)
        self.assertEqual(([response.slug() for response in responses], closed), (["missing-field"], True))

    def test_another_charset_is_refused(self):
        response = self.server.post(target(word="a"), b"a", headers={"Content-Type": "text/plain; charset=utf-16"})
        self.assert_problem(response, 415, "unsupported-media-type")

    def test_a_deadline_that_passes_while_windows_wait_is_504(self):
        with server.Server(cores=1, max_body="64MiB") as under_test, occupied(under_test):
            connection = under_test.connect()
            response = self.stream(b"a " * (2 * WINDOW), under_test=under_test, connection=connection, word="a",
                                   timeout_ms=20)
            self.assert_problem(response, 504, "deadline-exceeded")
            self.assertEqual(under_test.get("/livez", connection=connection).status, 200)
            connection.close()


class Limits(StreamTest):
    options = {"max_stream": "2MiB", "max_body": "16KiB"}

    def test_a_declared_text_over_the_limit_is_refused_at_once(self):
        responses, _ = self.server.raw(head_of(target(word="a"), "Content-Length: 100000000"), finish=True)
        self.assertEqual([(response.status, response.slug()) for response in responses], [(413, "body-too-large")])
        self.assertIn("--max-stream", responses[0].json()["detail"])

    def test_a_chunked_text_over_the_limit_is_refused_when_it_passes_it(self):
        connection = self.server.connect()
        for length in (2 * WINDOW + 1, 2 * WINDOW + 10000):
            response = self.stream(b"a " * (length // 2) + b"a" * (length % 2), ODD, word="a", connection=connection)
            self.assert_problem(response, 413, "body-too-large")
            self.assertIn("--max-stream", response.json()["detail"])
        self.assertEqual(self.count(b"a " * WINDOW, ODD, word="a", connection=connection), WINDOW)
        connection.close()

    def test_the_client_gets_to_read_that_when_it_goes_on_sending(self):
        with server.Server(max_stream="2MiB") as under_test:
            connection = under_test.connect()
            response = self.stream(b"a " * (8 * WINDOW), ODD, under_test=under_test, connection=connection, word="a")
            self.assert_problem(response, 413, "body-too-large")
            self.assertEqual(under_test.get("/livez", connection=connection).status, 200)
            connection.close()

    def test_max_body_does_not_limit_streams(self):
        self.assertEqual(self.count(b"a " * WINDOW, word="a"), WINDOW)

    def test_an_endless_text_is_cut_off(self):
        with self.server.socket() as connection:
            connection.sendall(head_of(target(word="a"), "Transfer-Encoding: chunked"))
            with contextlib.suppress(ConnectionError):
                for _ in range(1000):
                    connection.sendall(framed(b"a " * 50000))
                self.fail("100 MB were taken")
        server.wait_until(lambda: at_rest(self.server), "all memory is given back")


class Clients(unittest.TestCase):
    def fill(self, connection):
        """Sends until the server takes no more for a while: then both windows are full and the connection rests."""
        connection.settimeout(0.2)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64 * WINDOW:
                sent += connection.send(b"a " * 50000)
        connection.settimeout(server.PATIENCE_S)
        return sent

    def test_a_sender_faster_than_the_counting_is_held_back(self):
        with server.Server(cores=1, max_body="64MiB") as under_test:
            with occupied(under_test), under_test.socket() as connection:
                connection.sendall(head_of(target(word="a"), "Content-Length: 68719476736"))
                sent = self.fill(connection)
                self.assertEqual(server.load(under_test), (1, 1), "its window waits for the core")
                self.assertLess(sent, 32 * WINDOW)  # two windows and the sockets' buffers
            server.wait_until(lambda: at_rest(under_test), "all memory is given back")

    def test_a_client_that_leaves_while_its_window_waits_costs_nothing(self):
        with server.Server(cores=1, max_body="64MiB") as under_test, occupied(under_test):
            for framing, piece in (("Content-Length: 68719476736", b"a " * WINDOW),
                                   ("Transfer-Encoding: chunked", framed(b"a " * WINDOW))):
                with under_test.socket() as connection:
                    connection.sendall(head_of(target(word="a"), framing) + piece)
                    server.wait_until(lambda: server.load(under_test) == (1, 1), "a window waits")
                server.wait_until(lambda: server.load(under_test) == (1, 0), "it waits no more")
            server.wait_until(lambda: len(under_test.log(path=WORD, problem="client-gone")) == 2, "both are logged")

    def test_clients_that_leave_while_their_text_is_counted_cost_nothing(self):
        with server.Server(cores=2) as under_test:
            text = ("Été жЖ, 日本 " * 40000).encode()
            for number in range(40):
                with under_test.socket() as connection:
                    connection.sendall(head_of(target(word="été", match="letters", threads=1 + number % 2),
                                               "Content-Length: 68719476736"))
                    for _ in range(1 + number % 7):
                        connection.sendall(text)
                    connection.sendall(text[:number * 1000])
            server.wait_until(lambda: at_rest(under_test), "all memory is given back")
            server.wait_until(lambda: len(under_test.log(event="request", path=WORD)) == 40, "all are logged")
            self.assertEqual({entry["status"] for entry in under_test.log(event="request", path=WORD)}, {499})
            self.assertEqual(under_test.post(target(word="a"), b"a a", headers=TEXT).json()["count"], 2)

    def test_the_body_timeout_is_for_each_window(self):
        with server.Server(body_timeout="1s") as under_test, under_test.socket() as connection:
            begin = time.monotonic()
            body = b"a " * (5 * WINDOW // 4)
            connection.sendall(head_of(target(word="a"), f"Content-Length: {len(body)}"))
            for piece in pieces(body, WINDOW // 3):
                connection.sendall(piece)
                time.sleep(0.2)
            response = server.read_response(connection)
            self.assertEqual((response.status, response.json().get("count")), (200, len(body) // 2), response)
            self.assertGreater(time.monotonic() - begin, 1.2)

    def assert_late(self, under_test, connection):
        received, closed = server.read_all(connection)
        responses = server.parse_responses(received)
        self.assertEqual(([(response.status, response.slug()) for response in responses], closed),
                         ([(408, "request-timeout")], True))
        server.wait_until(lambda: at_rest(under_test), "all memory is given back")

    def test_a_client_that_falls_silent_is_given_up_after_the_body_timeout(self):
        with server.Server(body_timeout="500ms") as under_test:
            for sent in (100, WINDOW, WINDOW + 100, 2 * WINDOW + 100, 7 * WINDOW + 100):
                with self.subTest(sent), under_test.socket() as connection:
                    connection.sendall(head_of(target(word="a"), "Content-Length: 68719476736"))
                    connection.sendall(b"a" * sent)
                    self.assert_late(under_test, connection)

    def test_so_is_one_that_falls_silent_after_it_was_held_back(self):
        with server.Server(cores=1, body_timeout="500ms", max_body="64MiB") as under_test:
            with under_test.socket() as connection:
                with occupied(under_test):
                    connection.sendall(head_of(target(word="a"), "Content-Length: 68719476736"))
                    self.fill(connection)
                self.assert_late(under_test, connection)

    def test_streams_held_back_together_all_end_well(self):
        with server.Server(cores=1, io_threads=1, max_body="64MiB") as under_test:
            counts = []

            def ask(number):
                body = b"a " * (4 * WINDOW) + b"a" * number
                counts.append(under_test.post(target(word="a"), body, headers=TEXT).json().get("count"))

            clients = [threading.Thread(target=ask, args=(number % 2,)) for number in range(12)]
            with occupied(under_test):
                for client in clients:
                    client.start()
                server.wait_until(lambda: server.load(under_test) == (1, len(clients)), "all of them wait")
            for client in clients:
                client.join()
            self.assertEqual(sorted(counts), [4 * WINDOW] * 6 + [4 * WINDOW + 1] * 6)

    def test_a_stream_on_its_way_is_finished_when_the_server_stops(self):
        with server.Server() as under_test, under_test.socket() as connection:
            body = b"a " * (3 * WINDOW)
            connection.sendall(head_of(target(word="a"), f"Content-Length: {len(body)}"))
            connection.sendall(body[:2 * WINDOW + 11])
            server.wait_until(lambda: server.health(under_test)["memory"]["used_bytes"] > 0, "the stream has begun")
            under_test.signal()
            server.wait_until(lambda: self.is_closed(under_test), "the port is closed")
            connection.sendall(body[2 * WINDOW + 11:])
            response = server.read_response(connection)
            self.assertEqual((response.status, response.json().get("count")), (200, len(body) // 2), response)
            self.assertEqual(under_test.wait(), 0)

    def is_closed(self, under_test):
        with contextlib.suppress(OSError), under_test.socket(5):
            return False
        return True

    def test_three_hundred_megabytes_take_little_memory(self):
        with server.Server() as under_test:
            block = b"is it so: it is so\n" * 11111
            times = 300 * WINDOW // len(block) + 1
            begin = peak_kib(under_test)
            result = under_test.post(target(word="is", threads=2), (block for _ in range(times)), headers=TEXT).json()
            self.assertEqual(result["count"], 2 * 11111 * times)
            self.assertLess(peak_kib(under_test) - begin, 16 * 1024)
            if not is_instrumented():
                self.assertLess(peak_kib(under_test), 64 * 1024)


def peak_kib(under_test):
    with open(f"/proc/{under_test.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read(), re.MULTILINE)[1])


def is_instrumented():
    """Built with a sanitizer, whose own memory is in the figure?"""
    with open(server.binary(), "rb") as program:
        return re.search(rb"__[at]san_init", program.read()) is not None


if __name__ == "__main__":
    unittest.main()
