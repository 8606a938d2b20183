"""A server that computes jobs for several clients is killed at random moments, again and again, and started on the same
folder. What the clients were told is a history, which is checked as a whole: every job that was answered for is there,
its result is the synchronous answer's, and stays the bytes that it was; it was not begun more often, nor given up
earlier, than the kills explain.

With an argument, that many kills, with other chances: jobs_crash_test.py 200 [seed].

ctest: threads
"""

import http.client
import math
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import server
from job_case import ASYNC, ENDLESS, GAUSS, JOBS, LOAD, WORD, JobTest

KILLS, SEED = 8, 1  # those of CI
CLIENTS, WINDOW = 6, 16  # jobs of a client that aren't over
ATTEMPTS = 3
ALIVE_S = (0, 1.2)  # from the line `listening` on
STILLBORN, UNBORN_S = 0.3, 0.1  # so many are killed once more, before or soon after that line
BROKEN = (OSError, http.client.HTTPException)
OVER = ("successful", "failed", "dismissed")
BATCH = "/v1/batch"
FIXED = "fixed/points"  # named data that jobs refer to


class Question:
    """What a job is asked, and the member of the answer that tells whether it is right. Its media type is text where the
    body is bytes."""

    def __init__(self, path, body, member, expected=None):
        self.path, self.body, self.member, self.expected = path, body, member, expected
        self.kept = body.get("store") if isinstance(body, dict) else None

    def headers(self):
        return {"Content-Type": "text/plain"} if isinstance(self.body, bytes) else {}

    def is_answer(self, response):
        if self.kept:
            return response.status == 201 and response.headers["Location"] == f"/v1/data/{self.kept}"
        return response.status == 200 and response.json().get(self.member) == self.expected


def questions(under_test):
    """Counts and sums are Python's own; of the others, the server's synchronous answer."""
    chance = random.Random(3)
    points = [[chance.random() for _ in range(length)] for length in (3, 100, 2000)]
    found = [Question(WORD, {"text": "it is " * times, "word": "is"}, "count", times) for times in (1, 50, 3000)]
    found += [Question(f"{WORD}?word=is", b"is it " * times, "count", times) for times in (10, 30_000, 300_000)]
    found += [Question(LOAD, {"ranges": [number] * 2}, "sum", number * (number - 1))
              for number in (10, 1_000_000, 50_000_000)]
    others = [Question(GAUSS, {"x": x, "y": 0.25}, "z") for x in points]
    others += [Question(BATCH, {"op": GAUSS, "items": [{"x": x, "y": 0.25} for x in points[:2]] * times}, "results")
               for times in (1, 10)]
    others.append(Question(GAUSS, {"x": {"data": FIXED}, "y": 0.25}, "z"))
    assert under_test.request("PUT", f"/v1/data/{FIXED}", str(points[1]),
                              {"Content-Type": "application/json"}).status == 201
    for question in others:
        question.expected = under_test.post(question.path, question.body).json()[question.member]
    for question, x in zip(others, points):
        assert all(math.isclose(z, math.exp(-(one - 0.25) ** 2)) for one, z in zip(x, question.expected))
    stored = [Question(GAUSS, question.body | {"store": f"kept/{at}"}, None, question.expected)
              for at, question in enumerate(others[:3])]
    return found + others + stored


class Submission:
    """A job of the history. how: plainly, under a name of the client's own, or with an Idempotency-Key."""

    def __init__(self, how, number, question):
        self.how, self.number, self.question = how, number, question
        self.job = None  # its id, once it was told
        self.kills_before = None
        self.is_over = False
        self.result = None  # status and bytes, as they were read first
        self.released = 0  # attempts that the log says were given back

    def request(self):
        trace = f"00-{self.number + 1:032x}-{self.number + 1:016x}-01"  # so that each attempt's end is logged
        if self.how == "named":
            body = {"op": self.question.path, "request": self.question.body}
            return "PUT", f"{JOBS}/n-{self.number}", body, {"traceparent": trace}
        headers = ASYNC | self.question.headers() | {"traceparent": trace}
        if self.how == "keyed":
            headers["Idempotency-Key"] = f"k-{self.number}"
        return "POST", self.question.path, self.question.body, headers

    def is_told(self, response, was_sent):
        """What is answered to it. was_sent: another time before, which may have come to nothing."""
        expected = {202} if self.how != "named" else {200} if self.job else {200, 201} if was_sent else {201}
        assert response.status in expected, (self.how, self.number, response)
        job = response.json()["id"]
        assert self.job in (None, job), f"{job} for {self.job}"
        self.job = job


class Lives:
    """A server that is killed and started again: which one is it now?"""

    def __init__(self, folder):
        self.options = {"cores": 2, "job_cores": 2, "jobs": "durable", "data": "durable", "state_dir": folder,
                        "job_attempts": ATTEMPTS}
        self.changed = threading.Condition()
        self.server, self.kills = server.Server(**self.options), 0

    def now(self):
        with self.changed:
            return self.server, self.kills

    def next_one(self, kills):
        with self.changed:
            assert self.changed.wait_for(lambda: self.kills > kills, 2 * server.PATIENCE_S), "no server comes"

    def kill(self, chance):
        """And starts another one. What the log has said."""
        dead, kills = self.server, self.kills + 1
        dead.exits_with = -signal.SIGKILL
        dead.process.kill()
        dead.wait()
        dead.stop()
        lines = list(dead.lines)
        while chance.random() < STILLBORN:
            lines += self.start_and_kill(chance.uniform(0, UNBORN_S))
            kills += 1
        with self.changed:
            self.server, self.kills = server.Server(**self.options), kills
            self.changed.notify_all()
        return lines

    def start_and_kill(self, after_s):
        command, begun = [server.binary(), *server.flags_of({"port": 0, **self.options})], time.time()
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=server.environment(), text=True) as process:
            time.sleep(after_s)
            process.kill()
            lines = process.communicate()[1].splitlines()
        server.remove_remains(process, begun)
        return lines


class Client:
    def __init__(self, lives, asked, seed, number):
        self.lives, self.asked, self.chance = lives, asked, random.Random(f"{seed} {number}")
        self.next_number, self.step = number, CLIENTS
        self.history, self.waiting = [], []
        self.over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.over.is_set():
                self.act()
                time.sleep(self.chance.random() * 0.005)
        except Exception as error:  # told by whoever joins
            self.failure = error
            raise

    def act(self):
        dice = self.chance.random()
        if len(self.waiting) >= WINDOW:
            self.look(self.waiting[0], "?wait=1")
        elif dice < 0.6 or not self.history:
            question = self.chance.choice(self.asked)
            how = self.chance.choice(("plain", "keyed") if isinstance(question.body, bytes) else ("plain", "named", "keyed"))
            submission = Submission(how, self.next_number, question)
            self.next_number += self.step
            self.history.append(submission)
            self.send(submission)
            if submission.job:
                self.waiting.append(submission)
        else:
            submission = self.chance.choice(self.history[-3 * WINDOW:])
            if dice < 0.7 and submission.how != "plain":
                self.send(submission)
            elif submission.job:
                self.look(submission)

    def send(self, submission):
        """Until it is answered for. One that nothing names can't be sent again: nobody knows whether it is there."""
        was_sent = submission.job is not None
        while True:
            under_test, kills = self.lives.now()
            if submission.kills_before is None:
                submission.kills_before = kills
            method, path, body, headers = submission.request()
            try:
                response = under_test.request(method, path, body, headers)
            except BROKEN:
                self.lives.next_one(kills)
                if submission.how == "plain":
                    return
                was_sent = True
                continue
            submission.is_told(response, was_sent)
            return

    def look(self, submission, query=""):
        under_test, kills = self.lives.now()
        try:
            response = under_test.get(f"{JOBS}/{submission.job}{query}")
            assert response.status == 200, response
            status = response.json()["status"]
            assert status in OVER or not submission.is_over, f"it was over: {response}"
            if status in OVER:
                submission.is_over = True
                self.waiting = [one for one in self.waiting if one is not submission]
                read_result(under_test, submission)
        except BROKEN:
            self.lives.next_one(kills)


def read_result(under_test, submission):
    response = under_test.get(f"{JOBS}/{submission.job}/result")
    if response.slug() != "job-crashed":  # a problem, which has an id of its own each time
        found = (response.status, response.body)
        assert submission.result in (None, found), (submission.job, submission.result, found)
        submission.result = found
        assert submission.question.is_answer(response), (submission.question.body, response)
    return response


class Crashes(JobTest):
    kills, seed = KILLS, SEED

    def test_killed_at_random_moments_nothing_told_is_lost_or_wrong(self):
        print(f"seed {self.seed}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            self.lives = Lives(folder)
            asked = questions(self.lives.server)
            clients = [Client(self.lives, asked, self.seed, number) for number in range(CLIENTS)]
            self.endless = []
            lines = self.live(clients)
            history = self.endless + [submission for client in clients for submission in client.history]
            self.note_released(history, lines)
            with self.lives.server as under_test:
                self.check(under_test, history)
                self.check_kept(under_test, asked)

    def live(self, clients):
        """What the logs of those that were killed say of attempts that were given back."""
        chance, lines = random.Random(self.seed), []
        for client in clients:
            client.thread.start()
        try:
            while self.lives.kills < self.kills:
                self.keep_one_endless()
                time.sleep(chance.uniform(*ALIVE_S))
                lines += [line for line in self.lives.kill(chance) if '"released"' in line]
        finally:
            for client in clients:
                client.over.set()
            for client in clients:
                client.thread.join()
        self.assertEqual([client.failure for client in clients if client.failure], [])
        return lines + [line for line in list(self.lives.server.lines) if '"released"' in line]

    def keep_one_endless(self):
        """A job that is run whenever the server is killed, so that there is one that is given up."""
        under_test, kills = self.lives.now()
        last = self.endless[-1] if self.endless else None
        if not last or self.status(under_test, last.job)["status"] in OVER:
            last = Submission("named", 10**9 + len(self.endless), Question(LOAD, ENDLESS, None))
            last.kills_before = kills
            last.is_told(under_test.request(*last.request()), False)
            self.endless.append(last)

    def note_released(self, history, lines):
        by_job = {submission.job: submission for submission in history if submission.job}
        for line in lines:
            for job in (part.split('"')[0] for part in line.split('"job":"')[1:]):
                if job in by_job:
                    by_job[job].released += 1

    def list_all(self, under_test):
        found, path = [], f"{JOBS}?limit=1000"
        while path:
            page = under_test.get(path).json()
            found += page["jobs"]
            path = page.get("next")
        self.assertEqual(len({job["id"] for job in found}), len(found))
        return {job["id"]: job for job in found}

    def check(self, under_test, history):
        listed = self.list_all(under_test)
        told = {submission.job: submission for submission in history if submission.job}
        lost = [submission for submission in history if not submission.job]
        self.assertEqual(len(told), len(history) - len(lost), "each has a job of its own")
        self.assertEqual(told.keys() - listed.keys(), set(), "all are there")
        for submission in self.endless[-1:]:
            response = under_test.request("DELETE", f"{JOBS}/{submission.job}")
            self.assertIn(response.status, (200, 204), response)
            if response.status == 204:  # it was given up after the last kill, and is forgotten now
                del told[submission.job]
        others = listed.keys() - {submission.job for submission in history}
        documents = [self.check_job(under_test, submission) for submission in told.values()]
        self.assertLessEqual(len(others), len(lost), "what nobody was told of was sent")
        for job in others:
            self.wait_until_over(under_test, job)
            response = self.result(under_test, job)
            self.assertTrue(response.slug() == "job-crashed" or
                            any(submission.question.is_answer(response) for submission in lost), response)
        crashed = sum(document.get("failure") == "job-crashed" for document in documents)
        attempts = [document["attempts"] for document in documents]
        print(f"{self.lives.kills} kills; {len(told)} jobs told, {len(lost)} submissions without an answer, {len(others)} jobs of these; "
              f"{sum(one > 1 for one in attempts)} begun again, {max(attempts)} times at most, {crashed} given up")

    def wait_until_over(self, under_test, job):
        server.wait_until(lambda: self.status(under_test, f"{job}?wait=5")["status"] in OVER, f"{job} is over")
        return self.status(under_test, job)

    def check_job(self, under_test, submission):
        document = self.wait_until_over(under_test, submission.job)
        kills = self.lives.kills - submission.kills_before
        # Given back is what was claimed behind a long job; a kill may come between that and its line in the log.
        self.assertLessEqual(document["attempts"], 1 + 2 * kills + submission.released, document)
        if document["status"] == "dismissed":
            self.assertIn(submission, self.endless[-1:], document)
        elif document["status"] == "failed":
            self.assertEqual(document["failure"], "job-crashed", document)
            self.assertGreaterEqual(min(kills, document["attempts"]), ATTEMPTS, document)
            self.assertIn(f" {ATTEMPTS} times ", self.result(under_test, submission.job).json()["detail"])
            self.assertIsNone(submission.result)
        else:
            self.assertNotIn(submission, self.endless)
            read_result(under_test, submission)
        return document

    def check_kept(self, under_test, asked):
        for question in asked:
            if question.kept:
                response = under_test.get(f"/v1/data/{question.kept}")
                if response.status != 404:  # none of its jobs has come to its turn
                    self.assertEqual(response.json(), question.expected)


if __name__ == "__main__":
    import unittest

    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        Crashes.kills, Crashes.seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
        del sys.argv[1:]
    unittest.main()
