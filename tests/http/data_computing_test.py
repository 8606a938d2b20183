"""Requests that refer to named data, results that are kept, and the room for both."""

import json
import unittest

import arrays
import data_case
import numpy as np
import server
from data_case import JSON, NPY, TEXT


class Computing(data_case.Case):
    """A request that refers to data gives what it gives with the data in its body."""

    def same(self, path, referring, plain, query=False):
        if query:
            text = "&".join(f"{key}=data:{value['data']}" if isinstance(value, dict) else f"{key}={value}" for key, value in referring.items())
            answer = self.server.request("POST", f"{path}?{text}")
        else:
            answer = self.server.post(path, referring)
        expected = self.server.post(path, plain).json()
        self.assertEqual(answer.status, 200, answer)
        for unsteady in ("threads", "timing"):
            expected.pop(unsteady)
        found = answer.json()
        self.assertEqual({key: found[key] for key in expected}, expected)

    def test_gaussians(self):
        x, y = np.linspace(-1, 1, 5000), np.linspace(0, 2, 5000)
        self.kept("x", json.dumps(x.tolist()))
        self.kept("y", arrays.saved(y), NPY)
        plain = {"x": x.tolist(), "y": y.tolist()}
        self.same("/v1/gaussian", {"x": {"data": "x"}, "y": {"data": "y"}}, plain)
        self.same("/v1/gaussian", {"x": {"data": "x"}, "y": {"data": "y"}}, plain, query=True)
        self.same("/v1/gaussian", {"x": {"data": "x"}, "y": y.tolist(), "threads": 2}, plain)
        self.same("/v1/gaussian", {"x": {"data": "x", "rows": [10, 20]}, "y": 0.5}, {"x": x[10:20].tolist(), "y": 0.5})
        body = arrays.saved(y)
        response = self.server.post("/v1/gaussian?x=data:x", body, headers={"Content-Type": NPY})
        self.assertEqual(response.json()["z"], self.gaussian(**plain)["z"])

    def test_points(self):
        rng = np.random.default_rng(7)
        x, y, weights = rng.random((50, 3)), rng.random((40, 3)), rng.random(40)
        for name, array in (("x", x), ("y", y), ("w", weights)):
            self.kept(name, arrays.saved(array), NPY)
        plain = {"x": x.tolist(), "y": y.tolist()}
        self.same("/v1/gaussian/matrix", {"x": {"data": "x"}, "y": {"data": "y"}}, plain, query=True)
        self.same("/v1/gaussian/matrix", {"x": {"data": "x", "rows": [5, 25]}}, {"x": x[5:25].tolist()})
        named = {"x": {"data": "x"}, "y": {"data": "y"}, "weights": {"data": "w"}}
        self.same("/v1/gaussian/sum", named, plain | {"weights": weights.tolist()}, query=True)
        body = arrays.saved(y, weights)
        response = self.server.post("/v1/gaussian/sum?x=data:x", body, headers={"Content-Type": NPY})
        expected = self.server.post("/v1/gaussian/sum", plain | {"weights": weights.tolist()}).json()["s"]
        self.assertEqual(response.json()["s"], expected)
        response = self.server.post("/v1/gaussian/sum?weights=data:w&y=data:y", arrays.saved(x), headers={"Content-Type": NPY})
        self.assertEqual(response.json()["s"], expected)

    def test_texts(self):
        text = server.zen(200)
        self.kept("zen", text.encode(), TEXT)
        for rest in ({}, {"word": "is"}, {"words": ["is", "better"]}, {"top": 5}, {"word": "is", "match": "words"}):
            self.same("/v1/wordcount", {"text": {"data": "zen"}, **rest}, {"text": text, **rest})
        self.same("/v1/wordcount", {"text": {"data": "zen"}, "word": "is"}, {"text": text, "word": "is"}, query=True)
        response = self.server.post("/v1/wordcount?text=data:zen", b"another", headers={"Content-Type": TEXT})
        self.assert_problem(response, 422, "conflicting-fields", "/text")
        response = self.server.request("QUERY", "/v1/wordcount?text=data:zen&word=is")
        self.assertEqual((response.status, response.json()["count"]), (200, 2000))

    def test_ranges(self):
        self.kept("ranges", "[10,20,30]")
        answer = self.server.post("/v1/triangular", {"ranges": {"data": "ranges"}}).json()
        self.assertEqual(answer["sum"], self.server.post("/v1/triangular", {"ranges": [10, 20, 30]}).json()["sum"])

    def test_float32_stays_float32(self):
        x = np.linspace(0, 1, 1000, dtype=np.float32)
        self.kept("x", arrays.saved(x), NPY)
        path = "/v1/gaussian?x=data:x&y=0.5"
        found = arrays.loaded(self.server.request("POST", path, headers={"Accept": NPY}).body)
        sent = self.server.post("/v1/gaussian?y=0.5", arrays.saved(x), headers={"Content-Type": NPY, "Accept": NPY})
        self.assertEqual(found.dtype, np.float32)
        self.assertEqual(found.tobytes(), arrays.loaded(sent.body).tobytes())

    def test_integers_are_computed_on_as_float64(self):
        i = np.arange(-500, 500).reshape(-1, 2)
        for array in (i, i > 0, i.astype("i1")):
            self.kept("i", arrays.saved(array), NPY)
            self.kept("row", arrays.saved(array.ravel()), NPY)
            self.kept("one", arrays.saved(array[0, 0]), NPY)
            for path, sent in (("/v1/gaussian/matrix?x=data:i", array), ("/v1/gaussian?x=data:row&y=data:one", array.ravel())):
                named = arrays.loaded(self.server.request("POST", path, headers={"Accept": NPY}).body)
                plain = path.split("=")[0].replace("?x", "") + (f"?y={float(array[0, 0])}" if "row" in path else "")
                response = self.server.post(plain, arrays.saved(sent), headers={"Content-Type": NPY, "Accept": NPY})
                self.assertEqual(named.dtype, np.float64)
                self.assertEqual(named.tobytes(), arrays.loaded(response.body).tobytes())
        self.kept("i", arrays.saved(np.array([1, 2**53 + 1])), NPY)
        response = self.server.request("POST", "/v1/gaussian?x=data:i&y=0")
        self.assert_problem(response, 422, "out-of-range", "/x/1")
        self.assertEqual(self.server.post("/v1/batch", {"op": "/v1/gaussian", "defaults": {"x": {"data": "row"}, "y": 0},
                                                        "items": [{}, {"gamma": 2}]}).json()["failed"], 0)

    def test_operands_are_never_changed(self):
        x = np.linspace(-1, 1, 100_000)
        self.kept("x", arrays.saved(x), NPY)
        for _ in range(3):
            self.assertEqual(self.server.request("POST", "/v1/gaussian?x=data:x&y=data:x").status, 200)
            self.assertEqual(self.array("x").tobytes(), x.tobytes())

    def test_results_are_kept(self):
        x = np.linspace(-1, 1, 100_000)
        self.kept("x", arrays.saved(x), NPY)
        response = self.server.request("POST", "/v1/gaussian?x=data:x&y=0&gamma=2&store=z")
        self.assertEqual(response.status, 201, response)
        meta = response.json()
        self.assertEqual((meta["name"], meta["shape"], meta["gamma"], response.headers["Location"]), ("z", [100_000], 2, "/v1/data/z"))
        self.assertIn("timing", meta)
        sent = self.server.post("/v1/gaussian?y=0&gamma=2", arrays.saved(x), headers={"Content-Type": NPY, "Accept": NPY})
        self.assertEqual(self.array("z").tobytes(), arrays.loaded(sent.body).tobytes())
        response = self.server.request("POST", "/v1/gaussian?x=data:z&y=0&store=z", headers={"Accept": NPY})
        self.assertEqual((response.status, response.headers["Content-Type"]), (201, JSON))
        rows = self.server.post("/v1/gaussian/matrix", {"x": [[0], [1]], "store": "k"})
        self.assertEqual((rows.json()["kind"], rows.json()["shape"]), ("rows", [2, 2]))
        self.assertEqual(self.get("k").json(), self.server.post("/v1/gaussian/matrix", {"x": [[0], [1]]}).json()["k"])

    def test_counts_are_kept_as_numbers(self):
        text = "a b a\nc\n"
        for rest, numbers in (({}, [2, 4, 8, 8]), ({"word": "a"}, [2]), ({"words": ["a", "c", "x"]}, [2, 1, 0])):
            response = self.server.post("/v1/wordcount", {"text": text, "store": "n", **rest})
            self.assertEqual(response.status, 201, response)
            self.assertEqual(self.get("n").json(), numbers)
        response = self.server.post("/v1/wordcount?word=a&store=n", text.encode(), headers={"Content-Type": TEXT})
        self.assertEqual((response.status, self.get("n").json()), (201, [2]))
        self.assertEqual(self.server.post("/v1/triangular", {"ranges": [3, 4], "store": "n"}).status, 201)
        self.assertEqual(self.get("n").json(), [3, 6])
        response = self.server.post("/v1/wordcount", {"text": text, "top": 1, "store": "n"})
        self.assert_problem(response, 422, "conflicting-fields", "/store")

    def test_query_keeps_nothing(self):
        response = self.server.request("QUERY", "/v1/gaussian", {"x": [1], "y": 1, "store": "z"})
        self.assert_problem(response, 422, "conflicting-fields", "/store")

    def test_what_is_no_reference_is_refused(self):
        self.kept("x", "[1,2,3]")
        for reference, pointer in (
            ({"data": "x", "row": [0, 1]}, "/x/row"), ({"data": 1}, "/x/data"), ({}, "/x/data"), ({"data": "x", "rows": [0]}, "/x/rows"),
            ({"data": "x", "rows": [0, 9]}, "/x/rows"), ({"data": "x", "rows": [2, 1]}, "/x/rows/1"), ({"data": "x", "rows": None}, "/x/rows"),
        ):
            response = self.server.post("/v1/gaussian", {"x": reference, "y": 1})
            self.assertEqual((response.status, response.json().get("pointer")), (422, pointer), response)
        for query in ("x=data:&y=1", "x=data:..&y=1", "x=data:nothing&y=1", "x=data:x&y=datax", "x=data&y=1"):
            response = self.server.request("POST", "/v1/gaussian?" + query)
            self.assertEqual(response.status, 422, (query, response))


class Room(data_case.Case):
    options = {"data_memory": "4MiB", "memory": "64MiB", "max_body": "32MiB"}

    def test_a_full_store_says_so_and_recovers(self):
        big = np.zeros(300_000)  # 2.4 MB
        self.kept("a", arrays.saved(big), NPY)
        before = server.health(self.server)
        response = self.put("b", arrays.saved(big), NPY)
        self.assert_problem(response, 507, "data-full")
        for figure in ("24", str(4 << 20), str(server.health(self.server)["data"]["used_bytes"])):
            self.assertIn(figure, response.json()["detail"])
        self.assert_problem(self.put("b", json.dumps(big.tolist())), 507, "data-full")
        response = self.server.request("POST", "/v1/gaussian?x=data:a&y=0&store=b")
        self.assert_problem(response, 507, "data-full")
        self.assertEqual(self.get("a?rows=0:1").json(), [0])
        self.assertEqual(server.health(self.server)["data"], before["data"])
        self.kept("a", arrays.saved(big), NPY)  # in place of itself
        self.assertEqual(self.delete("a").status, 204)
        self.kept("b", arrays.saved(big), NPY)

    def test_what_never_fits_is_refused_before_it_comes(self):
        head = (f"PUT /v1/data/a HTTP/1.1\r\nHost: a\r\nContent-Type: {NPY}\r\nContent-Length: 9000000\r\n"
                "Expect: 100-continue\r\n\r\n").encode()
        with self.server.socket() as connection:
            connection.sendall(head)
            self.assertEqual(server.read_response(connection, "PUT").status, 507)
        head = head.replace(b"/a ", b"/a%20b ").replace(b"9000000", b"900000")
        with self.server.socket() as connection:
            connection.sendall(head)
            self.assertEqual(server.read_response(connection, "PUT").status, 422)

    def test_memory_is_as_before_when_all_is_deleted(self):
        def used():
            return server.health(self.server)["memory"]["used_bytes"]

        self.get("nothing")
        before = used()
        for number in range(50):
            self.kept(f"n/{number}", json.dumps(list(range(number * 100))))
            self.kept(f"n/{number}", arrays.saved(np.zeros(number * 10)), NPY)
            self.kept(f"t/{number}", "text " * number, TEXT)
            self.assertEqual(self.server.request("POST", f"/v1/gaussian?x=data:n/{number}&y=1&store=z/{number}").status, 201)
        self.assertGreater(used(), before)
        self.assertEqual(self.server.request("DELETE", "/v1/data?all=true").json()["deleted"], 150)
        server.wait_until(lambda: used() <= before, "memory is as before")


class Full(data_case.Case):
    options = {"memory": "16MiB", "data_memory": "64MiB", "max_body": "32MiB"}

    def test_who_deletes_finds_room(self):
        self.assertEqual(self.server.start_line["data_memory_bytes"], 14 << 20)
        self.assertEqual(len(self.server.log(event="limit-lowered")), 1)
        stored, status = 0, 201
        while status == 201:
            status = self.put(f"n/{stored}", arrays.saved(np.zeros(60_000)), NPY).status
            stored += status == 201
        self.assertIn(status, (503, 507))
        self.assertGreater(stored, 20)
        self.assertEqual(self.get("n/0?meta").status, 200)
        self.assertEqual(self.delete("n/0").status, 204)
        self.assertEqual(self.put("n/0", arrays.saved(np.zeros(60_000)), NPY).status, 201)


if __name__ == "__main__":
    unittest.main()
