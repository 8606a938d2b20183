"""Callbacks: the end of a job is told to a URL of its client's, signed, as often as is needed and no oftener, and after a
restart as well. Receivers are real ones, on loopback.

ctest: threads
"""

import base64
import hashlib
import hmac
import json
import signal
import tempfile
import threading
import time
import unittest

import server
from callback_case import FAST, CallbackTest, Receiver, secret_file
from job_case import ENDLESS, JOBS, LOAD, SHORT, WORD

KEY = b"a key that nobody else may know"
TRIES = 8


def signature(key, fields, body):
    message = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


class Delivering(CallbackTest):
    def test_the_status_document_comes_signed(self):
        other = bytes(range(30))
        with secret_file(KEY, b"whsec_" + base64.b64encode(other)) as keys, Receiver() as receiver:
            def check(under_test):
                self.assertTrue(under_test.start_line["callbacks_signed"])
                del receiver.requests[:]
                job = self.submit_calling(under_test, receiver.url("/done?token=1"))
                callback = self.wait_callback(under_test, job, "delivered")
                self.assertEqual(callback, {"url": receiver.url("/done?token=1"), "state": "delivered", "tries": 1})
                (path, fields, body), = receiver.requests
                self.assertEqual((path, fields["Content-Type"]), ("/done?token=1", "application/json"))
                self.assertRegex(fields["User-Agent"], r"^forkjoin/\d")
                self.assertRegex(fields["webhook-id"], r"^msg_[0-9a-f]{32}$")
                self.assertLess(abs(int(fields["webhook-timestamp"]) - time.time()), server.PATIENCE_S)
                self.assertEqual(fields["webhook-signature"].split(" "),
                                 [signature(KEY, fields, body), signature(other, fields, body)])
                told, now = json.loads(body), self.status(under_test, job)
                self.assertEqual((told.pop("callback")["state"], now.pop("callback")["state"]), ("due", "delivered"))
                self.assertEqual(told, now)
                self.assertEqual((told["id"], told["status"]), (job, "successful"))
                line, = self.events(under_test, "callback-delivered", 1)
                self.assertIn(f"job {job}: http://127.0.0.1:{receiver.port} answered 200", line)
                self.assertNotIn("token", "\n".join(under_test.lines))

            self.each(check, callback_allow=f"127.0.0.1:{receiver.port}", callback_secret_file=keys, **FAST)

    def test_failed_dismissed_and_named_jobs_too(self):
        with Receiver() as receiver:
            def check(under_test):
                del receiver.requests[:]
                self.assertEqual(len(self.events(under_test, "callbacks-unsigned", 1)), 1)
                failed = self.submit_calling(under_test, receiver.url("/failed"), WORD, {"text": 1})
                self.wait_callback(under_test, failed, "delivered")
                endless = self.submit_calling(under_test, receiver.url("/dismissed"), LOAD, ENDLESS)
                self.assertEqual(self.status(under_test, endless)["callback"]["state"], "waiting")
                self.assertEqual(under_test.request("DELETE", f"{JOBS}/{endless}").status, 200)
                self.wait_callback(under_test, endless, "delivered")
                named = under_test.request("PUT", f"{JOBS}/mine", {"op": LOAD, "request": {"ranges": [3]},
                                                                   "callback": receiver.url("/named")})
                self.assertEqual(named.status, 201, named)
                self.wait_callback(under_test, "mine", "delivered")
                told = {path: json.loads(body) for path, _fields, body in receiver.requests}
                self.assertEqual({path: document["status"] for path, document in told.items()},
                                 {"/failed": "failed", "/dismissed": "dismissed", "/named": "successful"})
                self.assertEqual(len({fields["webhook-id"] for _path, fields, _body in receiver.requests}), 3)
                self.assertEqual({fields["webhook-signature"] for _path, fields, _body in receiver.requests}, {None})
                plain = self.submit(under_test, WORD, SHORT)
                self.assertNotIn("callback", self.wait(under_test, plain))

            self.each(check, callback_allow=f"127.0.0.1:{receiver.port}", **FAST)

    def test_what_fails_comes_again_under_the_same_id(self):
        answers = [Receiver.say(500), Receiver.say(429, Retry_After="0"), Receiver.say(204)]

        def answer(handler, number):
            answers[number % 3](handler, number)

        with Receiver(answer) as receiver:
            def check(under_test):
                del receiver.requests[:]
                job = self.submit_calling(under_test, receiver.url())
                self.assertEqual(self.wait_callback(under_test, job, "delivered")["tries"], 3)
                self.assertEqual(len(receiver.requests), 3)
                self.assertEqual(len({fields["webhook-id"] for _path, fields, _body in receiver.requests}), 1)
                lines = self.events(under_test, "callback-failed", 2)
                self.assertIn("try 1 of 8: answered 500; again in", lines[0])
                self.assertIn("try 2 of 8: answered 429", lines[1])

            self.each(check, callback_allow=f"127.0.0.1:{receiver.port}", **FAST)

    def test_many_are_delivered_once_each(self):
        with Receiver() as receiver:
            def check(under_test):
                del receiver.requests[:]
                jobs = [self.submit_calling(under_test, receiver.url()) for _ in range(100)]
                receiver.wait_for(len(jobs))
                for job in jobs:
                    self.wait_callback(under_test, job, "delivered")
                self.assertEqual(sorted(json.loads(body)["id"] for _path, _fields, body in receiver.requests),
                                 sorted(jobs))

            self.each(check, callback_allow=f"127.0.0.1:{receiver.port}", **FAST)

    def test_it_is_given_up_after_eight_tries_or_at_once_if_nobody_wants_it(self):
        with Receiver(Receiver.say(503)) as busy, Receiver(Receiver.say(410)) as gone:
            allowed = f"127.0.0.1:{busy.port},127.0.0.1:{gone.port}"
            with server.Server(cores=1, callback_allow=allowed, callback_retry="1ms") as under_test:
                job = self.submit_calling(under_test, gone.url())
                callback = self.wait_callback(under_test, job, "given-up")
                self.assertEqual((callback["tries"], callback["error"]), (1, "answered 410"))
                job = self.submit_calling(under_test, busy.url())
                callback = self.wait_callback(under_test, job, "given-up")
                self.assertEqual((callback["tries"], callback["error"], len(busy.requests)), (TRIES, "answered 503", TRIES))
                self.assertNotIn("next", callback)
                self.assertEqual(len(self.events(under_test, "callback-given-up", 2)), 2)
                self.assertEqual(len(gone.requests), 1)


class Surviving(CallbackTest):
    def test_a_kill_loses_none_and_what_was_told_stays_told(self):
        is_up = threading.Event()

        def answer(handler, number):
            if handler.path != "/told" and not is_up.is_set():
                over.wait(server.PATIENCE_S)
            else:
                Receiver.say(200)(handler, number)

        over = threading.Event()
        with tempfile.TemporaryDirectory() as folder, Receiver(answer) as receiver:
            options = {"cores": 2, "jobs": "durable", "state_dir": folder, "callback_allow": f"127.0.0.1:{receiver.port}"}
            first = server.Server(exits_with=None, **options)
            told = self.submit_calling(first, receiver.url("/told"))
            self.wait_callback(first, told, "delivered")
            flying = [self.submit_calling(first, receiver.url(f"/flying/{number}")) for number in range(3)]
            receiver.wait_for(4)
            running = self.submit_calling(first, receiver.url("/running"), LOAD,
                                          {"ranges": [300_000_000] * 4, "threads": 1, "chunk": 1})
            first.process.send_signal(signal.SIGKILL)
            first.wait()
            over.set()
            is_up.set()
            with server.Server(**options) as second:
                for job in flying + [running]:
                    self.wait_callback(second, job, "delivered")
                self.assertEqual(self.status(second, told)["callback"]["tries"], 1)
            paths = [path for path, _fields, _body in receiver.requests]
            self.assertEqual((paths.count("/told"), paths.count("/running")), (1, 1))
            for number in range(3):
                self.assertEqual(paths.count(f"/flying/{number}"), 2)
            ids = [fields["webhook-id"] for path, fields, _body in receiver.requests if path == "/flying/0"]
            self.assertEqual(ids[0], ids[1])

    def test_a_stop_waits_for_what_is_under_way(self):
        has_come, over = threading.Event(), threading.Event()

        def answer(handler, number):
            has_come.set()
            over.wait(server.PATIENCE_S)
            Receiver.say(200)(handler, number)

        with tempfile.TemporaryDirectory() as folder, Receiver(answer) as receiver:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder, "callback_allow": f"127.0.0.1:{receiver.port}"}
            with server.Server(**options) as first:
                job = self.submit_calling(first, receiver.url())
                self.assertTrue(has_come.wait(server.PATIENCE_S))
                first.signal()
                server.wait_until(lambda: first.log(event="draining"), "it stops")
                over.set()
            with server.Server(**options) as second:
                self.assertEqual(self.status(second, job)["callback"], {"url": receiver.url(), "state": "delivered", "tries": 1})
            self.assertEqual(len(receiver.requests), 1)

    def test_a_stop_cuts_what_takes_too_long_and_it_stays_due(self):
        over = threading.Event()
        with tempfile.TemporaryDirectory() as folder, Receiver(lambda _handler, _number: over.wait(60)) as receiver:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder, "drain": "100ms"}
            with server.Server(callback_allow=f"127.0.0.1:{receiver.port}", callback_timeout="300s", **options) as first:
                job = self.submit_calling(first, receiver.url())
                receiver.wait_for(1)
            over.set()
            with server.Server(**options) as without:  # nothing may be called: it is kept
                self.assertEqual(self.status(without, job)["callback"]["state"], "due")
                self.assertEqual(self.status(without, job)["callback"]["tries"], 0)
            with server.Server(callback_allow="hooks.example.org", **options) as other:
                callback = self.wait_callback(other, job, "given-up")
                self.assertEqual(callback["error"], "the host isn't listed in --callback-allow any more")
            self.assertEqual(len(receiver.requests), 1)

    def test_it_comes_after_the_result_has_expired_too(self):
        takes, said = threading.Event(), []

        def answer(handler, number):
            said.append(200 if takes.is_set() else 500)
            Receiver.say(said[-1])(handler, number)

        with Receiver(answer) as receiver:
            with server.Server(cores=1, callback_allow=f"127.0.0.1:{receiver.port}", callback_retry="100ms") as under_test:
                preference = f'respond-async; keep_s=1; callback="{receiver.url()}"'
                job = self.submit(under_test, LOAD, {"ranges": [10]}, Prefer=preference)
                server.wait_until(lambda: self.status(under_test, job).get("expired"), "its result is gone")
                takes.set()

                def is_delivered():  # or that has been long enough ago for it to be forgotten
                    response = under_test.get(f"{JOBS}/{job}")
                    return response.status == 404 or response.json()["callback"]["state"] == "delivered"

                server.wait_until(is_delivered, "it is delivered")
                self.assertIn(200, said)


if __name__ == "__main__":
    unittest.main()
