"""Many clients at once: everyone is answered, properly, and a SIGTERM in the middle loses nothing that was accepted.

ctest: threads
"""

import asyncio
import json
import random
import time
import unittest

import server

CLIENTS = 500
REQUESTS_EACH = 6
FLAGS = {"queue": 4096, "max_connections": 2000, "max_connections_per_address": 0, "io_threads": 2, "timeout": "60s",
         "max_body": "8MiB"}


class Lost(Exception):
    """The connection ended before a byte of the answer."""


def post(path, fields, request_id):
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    head = server.post_head(path, len(body), f"X-Request-Id: {request_id}")
    return head + body


async def exchange(reader, writer, request):
    """Sends a request and returns (status, headers, body); Lost where no byte came, ValueError where it broke off."""
    try:
        writer.write(request)
        await writer.drain()
        first = await reader.readline()
    except OSError as error:
        raise Lost from error
    if not first:
        raise Lost
    headers = {}
    try:
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            name, value = line.decode("latin-1").split(":", 1)
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers["content-length"]))
    except (OSError, asyncio.IncompleteReadError) as error:
        raise ValueError(f"an answer broke off after {first!r} {headers}") from error
    return int(first.split()[1]), headers, body


def expectation(chance, request_id):
    """A random request and a function that tells whether (status, parsed body) is its right answer."""
    kind = chance.randrange(6)
    if kind == 0:
        return (f"GET /livez HTTP/1.1\r\nHost: a\r\nX-Request-Id: {request_id}\r\n\r\n".encode(),
                lambda status, _: status == 200)
    if kind == 1:
        count = chance.randrange(50)
        return (post("/v1/wordcount", {"text": "is " * count, "word": "is"}, request_id),
                lambda status, answer: status == 200 and answer["count"] == count)
    if kind == 2:
        count = chance.randrange(5000, 20000)
        fields = {"text": "so it is\n" * count, "word": "is", "threads": chance.choice([1, 2, 3, 8, "auto"])}
        return (post("/v1/wordcount", fields, request_id),
                lambda status, answer: status == 200 and answer["count"] == count)
    if kind == 3:
        count = chance.randrange(3000)
        return (post("/v1/gaussian", {"x": [1] * count, "y": 1, "threads": chance.choice([1, 2, "auto"])}, request_id),
                lambda status, answer: status == 200 and answer["z"] == [1] * count)
    if kind == 4:
        return (post("/v1/wordcount", b'{"text": ' + b" " * chance.randrange(50000), request_id),
                lambda status, answer: status == 400 and answer["type"].endswith(":invalid-json"))
    return (post("/v1/gaussian", {"x": [1, 2], "y": [1]}, request_id),
            lambda status, answer: status == 422 and answer["type"].endswith(":length-mismatch"))


class Crowd(unittest.TestCase):
    async def client(self, under_test, number, wrong):
        chance = random.Random(number)
        reader, writer = await asyncio.open_connection(under_test.host, under_test.port, limit=1 << 20)
        for turn in range(REQUESTS_EACH):
            request_id = f"c{number}-{turn}"
            request, is_right = expectation(chance, request_id)
            status, headers, body = await exchange(reader, writer, request)
            if headers.get("x-request-id") != request_id or not is_right(status, json.loads(body)):
                wrong.append((number, turn, status, headers, body[:300]))
        writer.close()

    def test_five_hundred_mixed_clients_all_get_their_right_answers(self):
        async def crowd(under_test, wrong):
            await asyncio.wait_for(asyncio.gather(*(self.client(under_test, n, wrong) for n in range(CLIENTS))), 300)

        wrong = []
        with server.Server(**FLAGS) as under_test:
            asyncio.run(crowd(under_test, wrong))
            self.assertEqual(wrong, [])
            server.wait_until(lambda: server.load(under_test) == (0, 0), "no work is left")
            under_test.stop()
            lines = [entry for entry in under_test.log(event="request") if entry["path"] != "/healthz"]
            self.assertEqual(len(lines), CLIENTS * REQUESTS_EACH)


class Ending(unittest.TestCase):
    async def until_lost(self, under_test, number, outcomes):
        """Asks on and on, reconnecting where told to, until the server is gone. Notes each request's outcome."""
        chance = random.Random(number)
        turn = 0
        while True:
            try:
                reader, writer = await asyncio.open_connection(under_test.host, under_test.port, limit=1 << 20)
            except OSError:
                return
            try:
                while True:
                    request_id = f"e{number}-{turn}"
                    turn += 1
                    request, is_right = expectation(chance, request_id)
                    outcomes[request_id] = "lost"
                    status, headers, body = await exchange(reader, writer, request)
                    outcomes[request_id] = "right" if is_right(status, json.loads(body)) else (status, body[:300])
                    if headers.get("connection", "").lower() == "close":
                        break
            except Lost:
                pass
            finally:
                writer.close()

    def run_until_the_end(self, **flags):
        async def run(under_test, outcomes):
            clients = [asyncio.create_task(self.until_lost(under_test, n, outcomes)) for n in range(60)]
            begin = time.monotonic()
            while len(outcomes) < 600 and time.monotonic() - begin < server.PATIENCE_S:
                await asyncio.sleep(0.01)
            under_test.signal()
            await asyncio.wait_for(asyncio.gather(*clients), 120)

        outcomes = {}
        with server.Server(**FLAGS, **flags) as under_test:
            asyncio.run(run(under_test, outcomes))
            self.assertEqual(under_test.wait(), 0)
            under_test.stop()
        logged = {entry["request_id"]: entry for entry in under_test.log(event="request")}
        return outcomes, logged

    def assert_nothing_lost(self, outcomes, logged):
        wrong = {name: outcome for name, outcome in outcomes.items() if outcome not in ("right", "lost")}
        self.assertEqual(wrong, {})
        self.assertGreater(sum(outcome == "right" for outcome in outcomes.values()), 100)
        lost = [name for name, outcome in outcomes.items() if outcome == "lost"]
        accepted_and_lost = {name: logged[name] for name in lost if name in logged}
        self.assertEqual(accepted_and_lost, {})
        unlogged = [name for name, outcome in outcomes.items() if outcome == "right" and name not in logged]
        self.assertEqual(unlogged, [])

    def test_sigterm_under_load_answers_every_accepted_request(self):
        self.assert_nothing_lost(*self.run_until_the_end())

    def test_sigterm_with_a_delay_under_load_answers_every_accepted_request(self):
        self.assert_nothing_lost(*self.run_until_the_end(drain_delay="300ms"))


if __name__ == "__main__":
    unittest.main()
