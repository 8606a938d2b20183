"""Malformed and smuggled request heads: 400 (431 or 414 for too much of it), then the connection is closed.

Each request is followed by a second, good one in the same packet. A server that misreads where the first one ends would
answer both; here there must be exactly one answer, and the end of the connection.
"""

import time
import unittest

import server

BODY = b'{"text": "is", "word": "is"}'
GOOD = server.post_head("/v1/wordcount", len(BODY)) + BODY


def get(*lines, target="/livez", method="GET", version="HTTP/1.1"):
    head = [f"{method} {target} {version}".encode("latin-1")]
    head += [line if isinstance(line, bytes) else line.encode("latin-1") for line in lines]
    return b"\r\n".join(head) + b"\r\n\r\n"


def post(*lines, body=BODY):
    return get("Host: a", "Content-Type: application/json", *lines, target="/v1/wordcount", method="POST") + body


CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = f"Content-Length: {len(BODY)}"

BAD = {
    "no Host in HTTP/1.1": get(),
    "two Hosts": get("Host: a", "Host: b"),
    "the same Host twice": get("Host: a", "Host: a"),
    "two hosts in one Host": get("Host: a, b"),
    "a Host with user info": get("Host: user@a"),
    "a Host with a path": get("Host: a/b"),
    "a Host with a query": get("Host: a?b"),
    "a Host with a space": get("Host: a b"),
    "two Content-Lengths that differ": post(LENGTH, "Content-Length: 3"),
    "two Content-Lengths that agree": post(LENGTH, LENGTH),
    "a list as Content-Length": post(f"Content-Length: {len(BODY)}, {len(BODY)}"),
    "a negative Content-Length": post("Content-Length: -1"),
    "a Content-Length with a sign": post(f"Content-Length: +{len(BODY)}"),
    "a hexadecimal Content-Length": post("Content-Length: 0x1c"),
    "an empty Content-Length": post("Content-Length:"),
    "a Content-Length with more behind it": post(f"Content-Length: {len(BODY)}x"),
    "Transfer-Encoding together with Content-Length": post(LENGTH, "Transfer-Encoding: chunked", body=CHUNKED),
    "Content-Length together with Transfer-Encoding": post("Transfer-Encoding: chunked", LENGTH, body=CHUNKED),
    "Transfer-Encoding gzip": post("Transfer-Encoding: gzip"),
    "Transfer-Encoding gzip, chunked": post("Transfer-Encoding: gzip, chunked", body=CHUNKED),
    "Transfer-Encoding chunked, chunked": post("Transfer-Encoding: chunked, chunked", body=CHUNKED),
    "two Transfer-Encodings": post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=CHUNKED),
    "Transfer-Encoding xchunked": post("Transfer-Encoding: xchunked", body=CHUNKED),
    "Transfer-Encoding in quotes": post('Transfer-Encoding: "chunked"', body=CHUNKED),
    "a header name that is no token": get("Host: a", "x(y): 1"),
    "a header name that is not ASCII": get("Host: a", b"x\xc3\xa9: 1"),
    "a space in a header name": get("Host: a", "x y: 1"),
    "a space before the colon": post(f"Content-Length : {len(BODY)}"),
    "an empty header name": get("Host: a", ": 1"),
    "a header without a colon": get("Host: a", "x"),
    "a control character in a value": get("Host: a", "x: a\x01b"),
    "DEL in a value": get("Host: a", "x: a\x7fb"),
    "NUL in a value": get("Host: a", "x: a\0b"),
    "a bare CR in a value": get("Host: a", "x: a\rb"),
    "a folded header": get("Host: a", "x: a", " b"),
    "a folded header with a tab": get("Host: a", "x: a", "\tb"),
    "a first header that starts with a space": get(" x: a", "Host: a"),
    "* with GET": get("Host: a", target="*"),
    "* with POST": post(LENGTH).replace(b"/v1/wordcount", b"*"),
    "a URL that is not ASCII": get("Host: a", target="/\xe9"),
    "overlong UTF-8 in the URL": get("Host: a", target="/\xc0\xaflivez"),
    "escaped overlong UTF-8 in the URL": get("Host: a", target="/%c0%aflivez"),
    "escaped NUL in the URL": get("Host: a", target="/livez%00"),
    "a bad escape in the URL": get("Host: a", target="/livez%zz"),
    "a control character in the URL": get("Host: a", target="/liv\x01ez"),
    "a relative URL": get("Host: a", target="livez"),
    "a space in the URL": get("Host: a", target="/livez x"),
    "a version in small letters": get("Host: a", version="http/1.1"),
    "no version": b"GET /livez\r\nHost: a\r\n\r\n",
    "no method": b" /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method that is no token": get("Host: a", method="G(T"),
    "two spaces before the URL": get("Host: a", target=" /livez"),
    "two spaces before the version": get("Host: a", target="/livez "),
    "a space behind the version": get("Host: a", version="HTTP/1.1 "),
    "a bare LF behind the request line": get("Host: a").replace(b"\r\n", b"\n", 1),
    "bare LFs": get("Host: a").replace(b"\r\n", b"\n"),
    "a bare LF behind a header": get("Host: a", "x: a\nContent-Length: 5"),
    "a folded Content-Length": post(f"Content-Length:\r\n {len(BODY)}"),
    "a folded Transfer-Encoding": post("Transfer-Encoding:\r\n chunked", body=CHUNKED),
    "Transfer-Encoding in HTTP/1.0": get("Host: a", "Content-Type: application/json", "Transfer-Encoding: chunked",
                                         "Connection: keep-alive", target="/v1/wordcount", method="POST",
                                         version="HTTP/1.0") + CHUNKED,
    "a header that begins with a colon": get("Host: a", ": x"),
    "a header that begins with a colon and then a request": get("Host: a", ": x\r\n\r\nGET /readyz?: HTTP/1.1", "Host: b"),
    "not HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}

BAD |= {f"the Host {host}": get(f"Host: {host}") for host in
        ("[", "]", "[]", "[::1", "[::1]x", "[::1]:x", "a:80:80", "a:xx", "a:-1", "%", "a%4", "a%zz")}
BAD |= {f"the target {target}": get("Host: a", target=target) for target in
        ("http:///livez", "http://[::1/livez", 'http://"/livez', "http://a:x/livez", "livez", "a:443", "/%")}

# Each with the status of the refusal.
CHUNKS = {
    "a chunk size that is no number": (b"xyz\r\n", 400),
    "a chunk size with a sign": (b"+2\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk size beyond 64 bits": (b"fffffffffffffffff\r\n", 413),
    "a chunk longer than it says": (b"1\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk that ends with LF alone": (b"2\r\n{}\n0\r\n\r\n", 400),
    "a chunk size that ends with LF alone": (b"2\n{}\r\n0\r\n\r\n", 400),
    "a chunk extension without end": (b"2;" + b"x" * 5000, 400),
    "a trailer without a colon": (b"2\r\n{}\r\n0\r\nx\r\n\r\n", 400),
}


class Heads(server.ServerTest):
    options = {"header_timeout": "5s", "idle_timeout": "5s", "max_body": "1MiB"}

    def assert_refused(self, sent, status=400):
        """One answer, a problem document, whether it all comes at once or not; one log line that names the answer."""
        responses, closed = self.server.raw(sent + GOOD)
        self.assertTrue(closed, "the connection stayed open")
        self.assertEqual([response.status for response in responses], [status], responses)
        self.assertEqual(responses[0].headers["content-type"], "application/problem+json")
        name = responses[0].headers["x-request-id"]
        server.wait_until(lambda: self.server.log(event="request", request_id=name), "the refusal is logged")
        lines = self.server.log(event="request", request_id=name)
        self.assertEqual([(line["status"], line["problem"]) for line in lines], [(status, responses[0].slug())])
        return responses[0]

    def test_every_malformed_head_is_refused_and_the_connection_closed(self):
        for name, sent in BAD.items():
            with self.subTest(name):
                self.assert_problem(self.assert_refused(sent), 400, "malformed-request")

    def test_of_a_target_is_said_what_is_wrong(self):
        for target, word in (("a:443", '"/"'), ("livez", '"/"'), ("http:///livez", "host"), ("/%", "escapes")):
            with self.subTest(target):
                detail = self.assert_refused(get("Host: a", target=target)).json()["detail"]
                self.assertIn(word, detail)
                self.assertEqual("escapes" in detail, word == "escapes")

    def test_another_version_is_named(self):
        for sent in (get("Host: a", version="HTTP/3.7"), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
            self.assert_problem(self.assert_refused(sent, 505), 505, "http-version")

    def test_and_behind_a_good_request(self):
        for name, sent in BAD.items():
            with self.subTest(name):
                responses, closed = self.server.raw(GOOD + sent + GOOD)
                self.assertEqual(([response.status for response in responses], closed), ([200, 400], True))

    def test_and_when_the_bytes_trickle_in(self):
        for name, sent in BAD.items():
            with self.subTest(name), self.server.socket() as connection:
                try:
                    for at in range(0, len(GOOD + sent), 7):
                        connection.sendall((GOOD + sent)[at:at + 7])
                        time.sleep(0.0002)
                except OSError:
                    pass  # it was refused before its end
                received, closed = server.read_all(connection)
                self.assertEqual([response.status for response in server.parse_responses(received)], [200, 400])
                self.assertTrue(closed)

    def test_bad_chunk_framing_is_refused_and_the_connection_closed(self):
        for name, (chunks, status) in CHUNKS.items():
            with self.subTest(name):
                self.assert_refused(post("Transfer-Encoding: chunked", body=chunks), status)

    def test_and_in_a_stream(self):
        head = post("Transfer-Encoding: chunked", body=b"").replace(b"application/json", b"text/plain")
        for name, (chunks, status) in CHUNKS.items():
            with self.subTest(name):
                text = b"4\r\nis a\r\n" * 1000
                self.assert_refused(head.replace(b"wordcount ", b"wordcount?word=is ") + text + chunks, status)

    def test_what_was_asked_before_is_answered_first(self):
        slow = b'{"ranges": [30000000], "threads": 1}'
        sent = server.post_head("/v1/triangular", len(slow)) + slow
        for bad in (get(), b"\x16\x03\x01", get("Host: a", ": x")):
            with self.subTest(bad):
                responses, closed = self.server.raw(sent + bad + GOOD)
                self.assertEqual(([response.status for response in responses], closed), ([200, 400], True))

    def test_the_log_line_names_what_came(self):
        for sent, method, path in ((get("Host: a", ": x", target="/v1/system?x=y"), "GET", "/v1/system"),
                                   (get(), "GET", "/livez"), (get("Host: a", target="/a b"), "GET", "/a"),
                                   (b"\x16\x03\x01", "", ""), (b"G\xe9T / HTTP/1.1\r\n", "G", "")):
            with self.subTest(sent):
                name = self.assert_refused(sent).headers["x-request-id"]
                line = self.server.log(event="request", request_id=name)[0]
                self.assertEqual((line["method"], line["path"]), (method, path))

    def test_and_when_the_bad_line_comes_later(self):
        for method in ("PUT", "HEAD"):
            with self.subTest(method), self.server.socket() as connection:
                known = len(self.server.log(event="request", path="/readyz"))
                connection.sendall(f"{method} /readyz HTTP/1.1\r\n".encode())
                time.sleep(0.05)  # mostly read by itself; what is expected is the same if not
                connection.sendall(b": x\r\n")
                received, closed = server.read_all(connection)
                self.assertTrue(closed)
                self.assertTrue(received.startswith(b"HTTP/1.1 400 "), received)
                self.assertEqual(received.endswith(b"\r\n\r\n"), method == "HEAD", received)
                server.wait_until(lambda: len(self.server.log(event="request", path="/readyz")) > known, "it is logged")
                self.assertEqual(self.server.log(event="request", path="/readyz")[-1]["method"], method)

    def test_no_answer_to_head_has_a_body(self):
        with self.server.socket() as connection:
            connection.sendall(get("Host: a", ": x", method="HEAD"))
            self.assertTrue(server.read_all(connection)[0].endswith(b"\r\n\r\n"))

    def test_a_client_that_speaks_tls_is_told(self):
        self.assertIn("TLS", self.assert_refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").json()["detail"])

    def test_what_comes_behind_a_head_takes_no_room_from_it(self):
        """Its read buffer is full then; what libmicrohttpd notes of a head, and its answer's, need room beside it."""
        body = b"is " * 2700
        for fields in (1, 20, 40, 62):
            for arguments in (1, 30, 64):
                for more in (0, 3000, 7000):
                    target = "/v1/wordcount?word=is" + "&word=is" * (arguments - 1)
                    lines = ["Host: a", *(f"x{number}: y" for number in range(fields - 1)), "Cookie: " + "a=b; " * 90]
                    lines[-2] += "z" * more
                    head = get(*lines, f"Content-Length: {len(body)}", "Content-Type: text/plain", target=target,
                               method="POST")
                    many = get(*lines, target=target.replace("v1/wordcount", "livez")) + GOOD * 500
                    many += get("Host: a", "Connection: close")
                    for sent, right in ((head + body, (200, 400)), (many, (200,))):
                        responses, closed = self.server.raw(sent + GOOD if sent is many else sent + get(
                            "Host: a", "Connection: close"))
                        self.assertTrue(closed)
                        statuses = [response.status for response in responses]
                        if 431 in statuses:
                            self.assertEqual((statuses, responses[0].slug()), ([431], "head-too-large"))
                        else:
                            self.assertIn(statuses[0], right)
                            self.assertEqual(len(statuses), 502 if sent is many else 2)

    def test_a_request_line_has_the_time_of_a_head_on_a_used_connection_too(self):
        for rest in (b"GE", b"GET /livez", b"GET /livez HTTP/1.1"):
            with self.subTest(rest), server.Server(header_timeout="300ms", idle_timeout="600s") as under_test:
                responses, closed = under_test.raw(GOOD + rest)
                self.assertEqual(([response.status for response in responses], closed), ([200, 408], True))

    def test_no_head_is_too_long_for_an_answer(self):
        """What libmicrohttpd has no room for never gets to it: of each length there is one answer."""
        for length in [*range(7800, 8400, 40), *range(12000, 17000, 100)]:
            for head in (get("Host: a", "Connection: close", target="/livez?" + "x" * length),
                         get("Host: a", "Connection: close", "x: " + "y" * length),
                         get("Host: a", "Connection: close", "Cookie: " + "a=b; " * (length // 10)),
                         get("Host: a", "Connection: close", "x: " + "y" * (length // 2),
                             target="/livez?" + "x" * (length // 2)),
                         get("Host: a", "Connection: close", *("x: " + "y" * (length // 60) for _ in range(60)))):
                responses, closed = self.server.raw(head)
                self.assertTrue(closed)
                self.assertEqual(len(responses), 1, (length, head[:60], responses))
                self.assertIn(responses[0].status, (200, 414, 431))
                if responses[0].status != 200:
                    self.assertEqual(responses[0].slug(),
                                     "target-too-long" if responses[0].status == 414 else "head-too-large")

    def test_nor_is_anything_else_that_the_library_keeps(self):
        trailed = get("Host: a", "Content-Type: application/json", "x: " + "y" * 8000, "Transfer-Encoding: chunked",
                      target="/v1/wordcount", method="POST") + CHUNKED[:-2] + b"z: " + b"z" * 8000 + b"\r\n\r\n"
        for name, sent in {"a method": get("Host: a", method="M" * 20000), "a trailer": trailed,
                           "white space in cookies": get("Host: a", "Cookie: a=b" + " " * 8000 + ";",
                                                         target="/livez?" + "x" * 4800)}.items():
            with self.subTest(name):
                self.assert_problem(self.assert_refused(sent, 431), 431, "head-too-large")

    def test_content_type_and_content_encoding_may_be_there_once(self):
        for line in ("Content-Type: application/json", "Content-Encoding: identity"):
            for more in (line, line.lower(), line.split()[0]):
                with self.subTest(line, more=more):
                    name = line.split(":")[0]
                    lines = (line, more) if name == "Content-Encoding" else (more,)  # post has a type already
                    response = self.assert_refused(post(LENGTH, *lines))
                    self.assert_problem(response, 400, "malformed-request")
                    self.assertIn(name, response.json()["detail"])

    def test_accept_lines_are_one_list(self):
        for lines, status in ((("text/html", "application/json"), 200), (("application/json", "text/html"), 200),
                              (("text/html", "image/png"), 406), (("*/*", "application/json;q=0"), 406)):
            with self.subTest(lines):
                sent = post(LENGTH, *("Accept: " + media for media in lines), "Connection: close")
                responses, closed = self.server.raw(sent)
                self.assertEqual(([response.status for response in responses], closed), ([status], True))

    def test_white_space_behind_a_value_is_no_part_of_it(self):
        for space in (" ", "\t", " \t "):
            for sent in (post(LENGTH + space), post("Transfer-Encoding: chunked" + space, body=CHUNKED)):
                with self.subTest(sent):
                    responses, closed = self.server.raw(sent + get("Host: a", "Connection: close"))
                    self.assertEqual(([response.status for response in responses], closed), ([200, 200], True))

    def test_too_many_headers_are_431(self):
        response = self.assert_refused(get("Host: a", *(f"x{number}: 1" for number in range(400))), 431)
        self.assert_problem(response, 431, "head-too-large")

    def test_a_head_that_is_too_large_is_431(self):
        self.assert_refused(get("Host: a", "x: " + "y" * 200000), 431)

    def test_a_request_line_that_is_too_long_is_refused(self):
        for length in (8193, 9000, 200000):
            response = self.assert_refused(get("Host: a", target="/" + "y" * (length - 1)), 414)
            self.assert_problem(response, 414, "target-too-long")

    def test_a_head_without_end_is_cut_off(self):
        """However fast it comes: what is dropped is limited in bytes, too (twice --max-body and 1 MiB)."""
        with self.server.socket() as connection:
            try:
                for _ in range(1000):
                    connection.sendall(b"x: " + b"y" * 65536)
            except OSError:
                return
        self.fail("64 MB of head were taken")

    def test_who_sends_a_body_behind_a_bad_head_gets_the_answer(self):
        for size in (100, 100000, 2000000):
            with self.subTest(size):
                self.assert_refused(get("Host: a", f"Content-Length: {size}", ": x", method="POST") + b"x" * size)

    def test_heads_that_look_odd_but_are_fine_are_answered(self):
        for name, sent in {
            "an empty Host": get("Host:", "Connection: close"),
            "a Host of spaces": get("Host:   ", "Connection: close"),
            "a Host with a port": get("Host: a:80", "Connection: close"),
            "an IPv6 Host": get("Host: [::1]:8080", "Connection: close"),
            "a Host with an escape": get("Host: a%41:80", "Connection: close"),
            "a Host with an interface": get("Host: [fe80::1%eth0]:80", "Connection: close"),
            "an absolute target": get("Host: a", "Connection: close", target="http://[::1]:80/livez"),
            "any case of names": get("hOsT: a", "cOnNeCtIoN: close"),
            "no space after the colon": get("Host:a", "Connection:close"),
            "a tab after the colon": get("Host:\ta", "Connection: close"),
            "UTF-8 in a value": get("Host: a", b"x: \xc3\xa9", "Connection: close"),
            "a query": get("Host: a", "Connection: close", target="/livez?x=1"),
            "an empty line before the request": b"\r\n" + get("Host: a", "Connection: close"),
            "HTTP/1.0 without Host": get(version="HTTP/1.0"),
        }.items():
            with self.subTest(name):
                responses, closed = self.server.raw(sent)
                self.assertEqual(([response.status for response in responses], closed), ([200], True))


if __name__ == "__main__":
    unittest.main()
