"""Where callbacks may go, and what receivers may do: hosts that are listed alone, no private addresses behind names, no
redirections; answers that don't come, don't end, or are none.

ctest: threads
"""

import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest

import server
from callback_case import FAST, CallbackTest, Receiver, secret_file
from job_case import JOBS, LOAD, SHORT, WORD

# Of localhost, for a hundred years, signed by itself.
UNTRUSTED = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "untrusted.pem"


class Receivers(CallbackTest):
    """That want something else than what they get."""

    def check(self, receiver, allowed=None, host="127.0.0.1", env=None, **options):
        options = {"callback_retry": "3600s", **options}
        with server.Server(cores=1, callback_allow=allowed or f"127.0.0.1:{receiver.port}", env=env, **options) as under_test:
            job = self.submit_calling(under_test, receiver.url(host=host))
            server.wait_until(lambda: self.status(under_test, job)["callback"]["tries"] > 0, "it was tried")
            return self.status(under_test, job)["callback"]

    def test_a_redirection_is_not_followed(self):
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status), Receiver() as other, \
                    Receiver(Receiver.say(status, Location=other.url("/other"))) as receiver:
                callback = self.check(receiver, f"127.0.0.1:{receiver.port},127.0.0.1:{other.port}")
                self.assertEqual((callback["state"], callback["error"]), ("due", f"answered {status}, which isn't followed"))
                self.assertEqual((len(receiver.requests), other.requests), (1, []))

    def test_one_that_never_answers_is_left(self):
        over = threading.Event()
        with Receiver(lambda _handler, _number: over.wait(server.PATIENCE_S)) as receiver:
            callback = self.check(receiver, callback_timeout="300ms")
            self.assertEqual((callback["state"], callback["error"]), ("due", "timed out: there was no answer within 0.3 s (--callback-timeout)"))
            over.set()

    def test_one_that_is_silent_does_not_hold_up_all_others(self):
        over = threading.Event()
        with Receiver(lambda _handler, _number: over.wait(server.PATIENCE_S)) as silent, Receiver() as other:
            with server.Server(cores=1, callback_allow=f"127.0.0.1:{silent.port},127.0.0.1:{other.port}",
                               callback_timeout="1s", drain="100ms") as under_test:
                for _ in range(200):
                    self.submit_calling(under_test, silent.url())
                job = self.submit_calling(under_test, other.url())
                self.wait_callback(under_test, job, "delivered")
                self.assertLess(len(silent.requests), 100)  # 32 at first, then 4 at once
                over.set()

    def test_one_that_answers_without_end_is_left(self):
        sent, over = [0], threading.Event()

        def endless(handler, _number):
            handler.send_response(200)
            handler.end_headers()
            try:
                while sent[0] < 256 * 1024 * 1024:
                    handler.wfile.write(b"x" * 65536)
                    sent[0] += 65536
            finally:
                over.set()

        with Receiver(endless) as receiver:
            self.assertEqual(self.check(receiver, callback_timeout="60s")["state"], "delivered")
            self.assertTrue(over.wait(server.PATIENCE_S))
            self.assertLess(sent[0], 64 * 1024 * 1024)

    def test_one_whose_head_has_no_end_is_left(self):
        def endless(handler, _number):
            handler.send_response(200)
            handler.flush_headers()
            for number in range(100_000):
                handler.wfile.write(f"x-{number}: {'y' * 100}\r\n".encode())

        with Receiver(endless) as receiver:
            callback = self.check(receiver, callback_timeout="60s")
            self.assertEqual((callback["state"], callback["error"]), ("due", "the head of the answer exceeds 64 KiB"))

    def test_interim_answers_are_none(self):
        def interim(handler, _number):
            handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3)
            handler.wfile.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

        with Receiver(interim) as receiver:
            self.assertEqual(self.check(receiver)["error"], "answered 500")

    def test_one_that_hangs_up_or_speaks_otherwise(self):
        def garbage(handler, _number):
            handler.wfile.write(b"\x15\x03\x01 this is no HTTP\r\n\r\n")

        def half_a_head(handler, _number):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")
            handler.connection.shutdown(socket.SHUT_RDWR)

        def reset(handler, _number):
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()

        for answer, reason in ((lambda handler, _number: handler.connection.shutdown(socket.SHUT_RDWR),
                                "the host hung up without an answer"),
                               (garbage, "what the host answered is not HTTP/1.1 or HTTP/1.0"),
                               (half_a_head, None), (reset, "the connection broke before there was an answer")):
            with Receiver(answer) as receiver, self.subTest(reason):
                callback = self.check(receiver)
                self.assertEqual(callback["state"], "due")
                self.assertEqual(callback["error"], reason or callback["error"])
                self.assertTrue(callback["error"])

    def test_one_that_speaks_no_tls(self):
        with Receiver(lambda handler, _number: None) as receiver, \
                server.Server(cores=1, callback_allow=f"localhost:*,127.0.0.1:{receiver.port}", **FAST) as under_test:
            self.submit_calling(under_test, f"https://localhost:{receiver.port}/")
            self.assertIn("the TLS handshake failed", self.events(under_test, "callback-failed", 1)[0])

    def test_a_name_that_nobody_has(self):
        with server.Server(cores=1, callback_allow="nobody.invalid", **FAST) as under_test:
            job = self.submit_calling(under_test, "http://nobody.invalid/")
            line = self.events(under_test, "callback-failed", 1)[0]
            self.assertRegex(line, "the host's name couldn't be resolved( within|; again)")
            self.assertIn("the host's name couldn't be resolved", self.status(under_test, job)["callback"]["error"])

    def test_one_that_takes_no_connection_in_time(self):
        """Its backlog is full: what comes then is left unanswered by the system."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(8)]
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            with server.Server(cores=1, callback_allow=f"127.0.0.1:{port}", callback_timeout="300ms", **FAST) as under_test:
                self.submit_calling(under_test, f"http://127.0.0.1:{port}/")
                self.assertIn("timed out: the host couldn't be connected to within 0.3 s",
                              self.events(under_test, "callback-failed", 1)[0])
            for client in waiting:
                client.close()

    def test_nobody_listens_there(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with server.Server(cores=1, callback_allow=f"127.0.0.1:{port}", **FAST) as under_test:
            job = self.submit_calling(under_test, f"http://127.0.0.1:{port}/")
            self.assertIn("the host couldn't be connected to: Connection refused; ",
                          self.events(under_test, "callback-failed", 1)[0])
            self.assertEqual(under_test.request("DELETE", f"{JOBS}/{job}").status, 204)  # and it comes no more

    def test_a_longer_pause_is_granted(self):
        with Receiver(Receiver.say(503, Retry_After="1000")) as receiver:
            callback = self.check(receiver, callback_retry="1ms")
            self.assertEqual((callback["state"], callback["tries"]), ("due", 1))
            until = time.time() + 1000
            self.assertRegex(callback["next"], "|".join(time.strftime("%Y-%m-%dT%H:%M", time.gmtime(until + more))
                                                        for more in (-60, 0, 60)))

    def test_a_name_opens_no_private_address(self):
        with Receiver() as receiver:
            callback = self.check(receiver, f"localhost:{receiver.port}", host="localhost")
            self.assertEqual((callback["state"], callback["error"]),
                             ("due", "the host has a loopback address, which --callback-allow doesn't list"))
            self.assertEqual(receiver.requests, [])
            for listed in (f"localhost:*,127.0.0.0/8:{receiver.port}", f"*:*,127.0.0.1:{receiver.port}"):
                self.assertEqual(self.check(receiver, listed, host="localhost")["state"], "delivered")
            self.assertEqual(len(receiver.requests), 2)

    def test_ipv6(self):
        try:
            receiver = Receiver(address="::1")
        except OSError:
            self.skipTest("there is no IPv6 here")
        with receiver:
            self.assertEqual(self.check(receiver, f"[::1]:{receiver.port}", host="[::1]")["state"], "delivered")

    def test_no_proxy_is_asked(self):
        with Receiver() as receiver, Receiver() as proxy:
            names = ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")
            callback = self.check(receiver, env={name: proxy.url() for name in names})
            self.assertEqual((callback["state"], proxy.requests), ("delivered", []))

    def test_a_certificate_has_to_be_trusted(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(UNTRUSTED)
        with Receiver() as receiver:
            receiver.listener.socket = context.wrap_socket(receiver.listener.socket, server_side=True)
            with server.Server(cores=1, callback_allow=f"localhost:*,127.0.0.1:{receiver.port}", **FAST) as under_test:
                self.submit_calling(under_test, f"https://localhost:{receiver.port}/")
                self.assertIn("the peer certificate is not trusted here, or is another host's", self.events(under_test, "callback-failed", 1)[0])
                self.assertEqual(receiver.requests, [])


class Refusing(CallbackTest):
    def test_urls_that_may_not_be_called(self):
        with server.Server(cores=1, callback_allow="hooks.example.org,127.0.0.1:9") as under_test:
            for url, why in (("ftp://hooks.example.org/", "http"), ("hooks.example.org", "http"), ("", "http"),
                             ("http://a:b@hooks.example.org/", "password"), ("http://other.example.org/", "doesn't list"),
                             ("http://hooks.example.org:8080/", "doesn't list"), ("http://127.0.0.1/", "doesn't list"),
                             ("http://127.0.0.1:0/", "port 0"), ("http://localhost:9/", "doesn't list"), ("http://0x7f000001/", "doesn't list"),
                             ("http://169.254.169.254/latest/", "doesn't list"), ("http://[::1]:9/", "doesn't list"),
                             ("http://hooks.example.org/" + "a" * 2000, "up to 2000")):
                with self.subTest(url[:60]):
                    response = under_test.post(LOAD, {"ranges": [1]},
                                               headers={"Prefer": f'respond-async; callback="{url}"'})
                    self.assertEqual((response.status, response.slug()), (422, "out-of-range"), response)
                    self.assertIn('"callback"', response.json()["detail"])
                    self.assertIn(why, response.json()["detail"])
                    response = under_test.request("PUT", f"{JOBS}/x", {"op": LOAD, "request": {"ranges": [1]}, "callback": url})
                    self.assertEqual((response.status, response.slug(), response.json()["pointer"]),
                                     (422, "out-of-range", "/callback"), response)
                    self.assertIn(why, response.json()["detail"])
            response = under_test.request("PUT", f"{JOBS}/x", {"op": LOAD, "request": {"ranges": [1]}, "callback": 7})
            self.assertEqual((response.status, response.slug(), response.json()["pointer"]), (422, "wrong-type", "/callback"))
            self.assertEqual(under_test.get(JOBS).json(), {"jobs": []})

    def test_without_a_list_there_are_none(self):
        with server.Server(cores=1) as under_test:
            self.assertNotIn("callback_allow", under_test.start_line)
            response = under_test.post(LOAD, {"ranges": [1]},
                                       headers={"Prefer": 'respond-async; callback="http://127.0.0.1/"'})
            self.assertEqual((response.status, response.slug()), (422, "out-of-range"), response)
            self.assertIn("--callback-allow", response.json()["detail"])

    def test_what_is_no_submission_has_no_callback(self):
        with Receiver() as receiver, server.Server(cores=1, callback_allow=f"127.0.0.1:{receiver.port}") as under_test:
            quoted = f'callback="{receiver.url()}"'
            for prefer, headers in ((quoted, {}), (f"wait=5; {quoted}", {}), (f"respond-async, {quoted}", {}),
                                    (f"respond-async; {quoted}", {"If-None-Match": "*"})):
                with self.subTest(prefer, **headers):
                    response = under_test.post(LOAD, {"ranges": [1]}, headers={"Prefer": prefer} | headers)
                    self.assertEqual((response.status, response.slug()), (422, "unknown-field"), response)
                    self.assertIn("respond-async", response.json()["detail"])
            response = under_test.request("QUERY", LOAD, {"ranges": [1]}, headers={"Prefer": f"respond-async; {quoted}"})
            self.assertEqual((response.status, response.slug()), (422, "unknown-field"), response)
            for name, value in (("callback", receiver.url()), ("priority", 3), ("keep_s", 60)):
                for path, body in ((LOAD, {"ranges": [1], name: value}), (WORD, SHORT | {name: value})):
                    response = under_test.post(path, body)
                    self.assertEqual((response.status, response.slug(), response.json()["pointer"]),
                                     (422, "unknown-field", "/" + name), response)
                    self.assertIn("respond-async", response.json()["detail"])
            response = under_test.post(WORD + f"?word=is&callback={receiver.url()}", "is it",
                                       headers={"Content-Type": "text/plain"})
            self.assertEqual((response.status, response.slug()), (422, "unknown-field"), response)
            self.assertIn("respond-async", response.json()["detail"])
            self.assertEqual(receiver.requests, [])

    def test_keys_that_cannot_be_read_end_the_start(self):
        def start(path):
            return subprocess.run([server.binary(), "--port", "0", "--callback-allow", "hooks.example.org",
                                   "--callback-secret-file", path], capture_output=True, text=True,
                                  timeout=server.PATIENCE_S, env=server.environment(), check=False)

        with secret_file(b"too short") as path:
            for file in (path, path + ".not"):
                done = start(file)
                self.assertEqual(done.returncode, 1, done)
                self.assertIn("--callback-secret-file", done.stderr)
                self.assertNotIn("too short", done.stderr)

    def test_repeating_a_submission_calls_once(self):
        with Receiver() as receiver, server.Server(cores=1, callback_allow=f"127.0.0.1:{receiver.port}") as under_test:
            headers = {"Prefer": f'respond-async; callback="{receiver.url()}"', "Idempotency-Key": "one"}
            jobs = {under_test.post(LOAD, {"ranges": [1]}, headers=headers).json()["id"] for _ in range(3)}
            self.assertEqual(len(jobs), 1)
            self.wait_callback(under_test, jobs.pop(), "delivered")
            self.assertEqual(len(receiver.requests), 1)

    def test_a_status_changes_its_tag_with_its_callback(self):
        over = threading.Event()

        def answer(handler, number):
            over.wait(server.PATIENCE_S)
            Receiver.say(200)(handler, number)

        with Receiver(answer) as receiver, server.Server(cores=1, callback_allow=f"127.0.0.1:{receiver.port}") as under_test:
            job = self.submit_calling(under_test, receiver.url())
            receiver.wait_for(1)
            before = under_test.get(f"{JOBS}/{job}").headers["ETag"]
            over.set()
            self.wait_callback(under_test, job, "delivered")
            response = under_test.get(f"{JOBS}/{job}", headers={"If-None-Match": before})
            self.assertEqual((response.status, response.headers["ETag"] != before), (200, True))


if __name__ == "__main__":
    unittest.main()
