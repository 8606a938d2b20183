"""Data that is replaced and deleted while requests compute on it: each result is that of one version, whole.
ctest: threads"""

import json
import random
import threading
import unittest

import arrays
import numpy as np
import server

NPY = arrays.NPY
NAMES = ("a", "b", "c")
COUNT = 20_000
ROUNDS = 150
LEVELS = 40


def version(level):
    """All numbers of a version are alike, and so are those of its Gaussian: a mixture would show."""
    return np.full(COUNT + level, level / 8)


class Races(server.ServerTest):
    options = {"cores": 2}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = {}
        for level in range(LEVELS):
            body = json.dumps({"x": [level / 8], "y": 0.5})
            cls.results[level] = cls.server.post("/v1/gaussian", body, headers={"Content-Type": "application/json"}).json()["z"][0]

    def setUp(self):
        self.failures = []
        self.seen = {"computed": 0, "read": 0, "missing": 0}
        self.done = threading.Event()

    def look(self, what, condition, found):
        if not condition:
            self.failures.append((what, found))

    def change(self, seed):
        rng = random.Random(seed)
        connection = self.server.connect()
        while not self.done.is_set():
            name = rng.choice(NAMES)
            if rng.random() < 0.2:
                response = self.server.request("DELETE", f"/v1/data/{name}", connection=connection)
                self.look("delete", response.status in (204, 404), response)
            else:
                body = arrays.saved(version(rng.randrange(LEVELS)))
                response = self.server.request("PUT", f"/v1/data/{name}", body, headers={"Content-Type": NPY}, connection=connection)
                self.look("put", response.status in (200, 201), response)
        connection.close()

    def check_array(self, array, values):
        level = len(array) - COUNT
        self.look("mixture", (array == values[level]).all(), array)

    def compute(self, rng, connection):
        name = rng.choice(NAMES)
        query = f"x=data:{name}&y=0.5&threads={rng.randint(1, 2)}"
        kept = rng.random() < 0.3
        if kept:
            query += "&store=z"
        response = self.server.request("POST", f"/v1/gaussian?{query}", headers={"Accept": NPY}, connection=connection)
        if response.status == 422:
            self.look("unknown", response.slug() == "unknown-data", response)
            self.seen["missing"] += 1
            return
        self.look("computed", response.status == (201 if kept else 200), response)
        self.seen["computed"] += 1
        if not kept:
            self.check_array(arrays.loaded(response.body), self.results)

    def read(self, rng, connection):
        name = rng.choice((*NAMES, "z"))
        response = self.server.request("GET", f"/v1/data/{name}", headers={"Accept": NPY}, connection=connection)
        if response.status == 404:
            self.seen["missing"] += 1
            return
        self.seen["read"] += 1
        values = self.results if name == "z" else {level: level / 8 for level in range(LEVELS)}
        self.check_array(arrays.loaded(response.body), values)

    def use(self, seed):
        rng = random.Random(seed)
        connection = self.server.connect()
        try:
            for _ in range(ROUNDS):
                (self.compute if rng.random() < 0.7 else self.read)(rng, connection)
        except Exception as error:
            self.failures.append(("use", error))
        connection.close()

    def test_each_result_is_that_of_one_version(self):
        changing = [threading.Thread(target=self.change, args=(seed,)) for seed in range(2)]
        using = [threading.Thread(target=self.use, args=(100 + seed,)) for seed in range(4)]
        for thread in changing + using:
            thread.start()
        for thread in using:
            thread.join()
        self.done.set()
        for thread in changing:
            thread.join()
        self.assertEqual(self.failures[:3], [])
        self.assertGreater(self.seen["computed"], 100)
        self.assertGreater(self.seen["read"], 20)
        self.assertEqual(self.server.request("DELETE", "/v1/data?all=true").status, 200)
        server.wait_until(lambda: server.health(self.server)["data"]["used_bytes"] == 0, "nothing is held")

    def test_who_reads_slowly_gets_the_version_it_began_with(self):
        big = np.full(2_000_000, 1.5)
        self.server.request("PUT", "/v1/data/big", arrays.saved(big), headers={"Content-Type": NPY})
        with self.server.socket() as connection:
            connection.sendall(f"GET /v1/data/big HTTP/1.1\r\nHost: a\r\nAccept: {NPY}\r\n\r\n".encode())
            first = connection.recv(1000)
            self.assertEqual(self.server.request("DELETE", "/v1/data/big").status, 204)
            for _ in range(3):
                other = arrays.saved(np.full(2_000_000, 2.5))
                self.server.request("PUT", "/v1/data/big", other, headers={"Content-Type": NPY})
            received = [first]
            left = 128 + big.nbytes - len(first.partition(b"\r\n\r\n")[2])
            while left > 0:
                received.append(connection.recv(1 << 20))
                left -= len(received[-1])
        body = b"".join(received).partition(b"\r\n\r\n")[2]
        self.assertTrue((arrays.loaded(body) == 1.5).all())


if __name__ == "__main__":
    unittest.main()
