"""POST /v1/gaussian with arrays in NumPy's .npy format, over HTTP. Arrays are written and read with struct alone."""

import gzip
import math
import pathlib
import random
import struct
import threading
import unittest

import server

NPY = "application/x-npy"
FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "npy"
LETTERS = {"<f8": "d", "<f4": "f"}
ROUNDING = {"<f8": 2.0**-53, "<f4": 2.0**-24}
SMALLEST = {"<f8": 2.0**-1022, "<f4": 2.0**-126}


def npy(values, dtype="<f8", shape=None, version=1, padding=0):
    """An array as np.save writes it; padding makes its head that much longer, which leaves what follows misaligned."""
    shape = f"({len(values)},)" if shape is None else shape
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    before = 10 if version == 1 else 12
    head += " " * (-(before + len(head) + 1) % 64 + padding) + "\n"
    size = struct.pack("<H" if version == 1 else "<I", len(head))
    data = struct.pack(f"<{len(values)}{LETTERS[dtype]}", *values)
    return b"\x93NUMPY" + bytes([version, 0]) + size + head.encode() + data


def fixture(name):
    return (FIXTURES / (name + ".npy")).read_bytes()


def parse(body):
    """(dtype, values) of one array of one dimension that fills the body."""
    assert body[:8] == b"\x93NUMPY\x01\x00", body[:80]
    end = 10 + struct.unpack_from("<H", body, 8)[0]
    assert end % 64 == 0, end
    description = eval(body[10:end].decode(), {})  # what np.load does, more or less
    assert description["fortran_order"] is False, description
    (count,) = description["shape"]
    dtype = description["descr"]
    values = struct.unpack(f"<{count}{LETTERS[dtype]}", body[end:])
    return dtype, list(values)


def narrowed(values):
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


class Npy(server.ServerTest):
    options = {"max_body": "64MiB"}

    def post(self, body, query="", accept=NPY, **more):
        headers = {"Content-Type": NPY, **({"Accept": accept} if accept else {})}
        return self.server.post("/v1/gaussian" + (query and "?" + query), body, headers=headers, **more)

    def ask(self, body, query="", **more):
        response = self.post(body, query, **more)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), response)
        self.assertEqual(response.headers["Content-Length"], str(len(response.body)))
        self.assertIn("compute;dur=", response.headers["Server-Timing"])
        return parse(response.body)

    def assert_values(self, dtype, values, x, y, gamma):
        self.assertEqual(len(values), len(x))
        for index, (left, right) in enumerate(zip(x, y)):
            argument = -gamma * (left - right) ** 2
            expected = math.exp(argument)
            allowed = expected * (5.001 * -argument + 13) * ROUNDING[dtype] + SMALLEST[dtype]
            self.assertLessEqual(abs(values[index] - expected), allowed, (index, left, right, values[index], expected))

    def test_both_types_give_the_formulas_values_in_their_own_type(self):
        chance = random.Random(1)
        x = narrowed([chance.gauss(0, 2) for _ in range(3000)])
        y = narrowed([chance.gauss(0, 2) for _ in range(3000)])
        for dtype in ("<f8", "<f4"):
            got, values = self.ask(npy(x, dtype) + npy(y, dtype), "gamma=0.5")
            self.assertEqual(got, dtype)
            self.assert_values(dtype, values, x, y, 0.5)

    def test_the_bytes_do_not_depend_on_team_or_alignment(self):
        chance = random.Random(2)
        count = 200_000
        x = [chance.gauss(0, 3) for _ in range(count)]
        y = [chance.gauss(0, 3) for _ in range(count)]
        for dtype in ("<f8", "<f4"):
            expected = None
            for threads in range(1, 9):
                body = npy(x, dtype, padding=threads) + npy(y, dtype, padding=3 * threads)
                for schedule in ("static", "dynamic", "guided"):
                    query = f"sigma=1.5&threads={threads}&schedule={schedule}&chunk=1000"
                    answer = self.post(body, query).body
                    expected = expected or answer
                    self.assertTrue(answer == expected, (dtype, threads, schedule))

    def test_all_versions_and_paddings_are_read(self):
        for version in (1, 2, 3):
            for padding in range(9):
                body = npy([1.0, 2.5], version=version, padding=padding) + npy([1.0, 1.5], padding=padding * 2)
                dtype, values = self.ask(body)
                self.assert_values(dtype, values, [1.0, 2.5], [1.0, 1.5], 1)

    def test_heads_shorter_than_the_answers_are_read(self):
        """Then the answer's head has no place before the numbers, and both are sent apart."""
        for count in (0, 1, 5, 3000):
            values = [number / 7 for number in range(count)]
            expected = self.ask(npy(values), "y=1")
            for padding in (-8, -16, -48, -55):
                with self.subTest(count=count, padding=padding):
                    self.assertEqual(self.ask(npy(values, padding=padding), "y=1"), expected)
                    folded = self.server.post("/v1/gaussian?y=1", npy(values, padding=padding), headers={
                        "Content-Type": NPY, "Accept": NPY, "Accept-Encoding": "gzip, identity;q=0"})
                    self.assertEqual((folded.status, folded.headers["Content-Encoding"]), (200, "gzip"), folded)
                    self.assertEqual(parse(gzip.decompress(folded.body)), expected)

    def test_long_bodies_with_a_mistake_are_refused_as_short_ones(self):
        query = "gamma=2&threads=2&timeout_ms=20000&chunk=4096"
        for count in (3, 30000):
            for body, slug in ((npy([1.0] * count) + npy([1.0]), "length-mismatch"),
                               (npy([1.0] * count) * 3, "invalid-npy"), (npy([1.0] * count), "missing-field")):
                with self.subTest(count=count, slug=slug):
                    response = self.post(body, query)
                    self.assertEqual(response.slug(), slug, response)
            wrong = self.post(npy([1.0] * count) * 2, "threads=2&sigma=x")
            self.assert_problem(wrong, 422, "wrong-type", "/sigma")

    def test_either_side_may_be_a_number_in_the_query_or_the_body(self):
        array, number = npy([1.0, 3.0]), npy([1.0], shape="()")
        for body, query in ((array, "y=1"), (array, "x=1.0"), (array + number, ""), (number + array, "")):
            dtype, values = self.ask(body, query)
            self.assert_values(dtype, values, [1.0, 3.0], [1.0, 1.0], 1)

    def test_nan_and_infinity_pass(self):
        body = npy([math.nan, math.inf, math.inf, 1.0]) + npy([1.0, 1.0, math.inf, 1.0])
        _, values = self.ask(body)
        self.assertTrue(math.isnan(values[0]) and math.isnan(values[2]), values)
        self.assertEqual((values[1], values[3]), (0, 1))

    def test_json_refuses_them_and_says_where(self):
        for dtype in ("<f8", "<f4"):
            body = npy([1.0, 2.0, math.nan], dtype) + npy([1.0] * 3, dtype)
            for accept in ("application/json", None):
                response = self.post(body, accept=accept)
                self.assert_problem(response, 422, "non-finite-result", "/z/2")
                self.assertIn(NPY, response.json()["detail"])

    def test_empty_arrays_give_an_empty_array(self):
        for dtype in ("<f8", "<f4"):
            self.assertEqual(self.ask(npy([], dtype) + npy([], dtype, padding=1)), (dtype, []))
            self.assertEqual(self.ask(npy([], dtype), "x=2"), (dtype, []))

    def test_json_in_npy_out(self):
        response = self.server.post(
            "/v1/gaussian", {"x": [1e200, 1, 2], "y": [0, 1, 0], "gamma": 0}, headers={"Accept": NPY}
        )
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), response)
        dtype, values = parse(response.body)
        self.assertEqual((dtype, values[1:]), ("<f8", [1, 1]))
        self.assertTrue(math.isnan(values[0]))

    def test_long_json_in_npy_out(self):
        x = [index / 1000 for index in range(50_000)]
        response = self.server.post("/v1/gaussian", {"x": x, "y": 20}, headers={"Accept": NPY})
        dtype, values = parse(response.body)
        self.assertEqual(dtype, "<f8")
        self.assert_values(dtype, values, x, [20] * len(x), 1)

    def test_npy_in_json_out(self):
        for dtype in ("<f8", "<f4"):
            body = npy([1.0, 1.5], dtype) + npy([1.0, 1.0], dtype)
            response = self.post(body, "sigma=0.5&precision=4&threads=2", accept="application/json")
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
            result = response.json()
            self.assertEqual(set(result), {"z", "gamma", "threads", "timing"})
            self.assertEqual((result["z"], result["gamma"]), ([1, 0.6065], 2))
            self.assertEqual(result["threads"]["requested"], 2)

    def test_long_npy_in_json_out_has_the_bits_of_npy_out(self):
        chance = random.Random(3)
        for dtype in ("<f8", "<f4"):
            body = npy([chance.gauss(0, 2) for _ in range(50_000)], dtype)
            _, values = self.ask(body, "y=0")
            self.assertTrue(self.post(body, "y=0", accept="application/json").json()["z"] == values, dtype)

    def test_accept_chooses(self):
        body = npy([1.0])
        for accept, media in (
            (None, "application/json"),
            ("*/*", "application/json"),
            ("application/x-npy;q=0.5, application/json;q=0.4", NPY),
            ("application/*;q=0.1, application/x-npy", NPY),
        ):
            self.assertEqual(self.post(body, "y=0", accept=accept).headers["Content-Type"], media, accept)
        self.assert_problem(self.post(body, "y=0", accept="text/csv"), 406, "not-acceptable")
        for path in ("/v1/wordcount",):
            refused = self.server.post(path, body, headers={"Content-Type": NPY})
            self.assert_problem(refused, 415, "unsupported-media-type")

    def test_a_problem_is_json_whatever_is_accepted(self):
        response = self.post(npy([1.0]), "y=1&gamma=-1")
        self.assert_problem(response, 422, "out-of-range", "/gamma")

    def test_wrong_bodies_are_refused(self):
        two = npy([1.0, 2.0])
        cases = (
            (b"", "", 400, "empty-body", ""),
            (b"\x93NUMPX" + two[6:], "y=1", 400, "invalid-npy", "/x"),
            (b'{"x": [1], "y": [2]}', "", 400, "invalid-npy", "/x"),
            (two[:20], "y=1", 400, "invalid-npy", "/x"),
            (two[:-1], "y=1", 400, "invalid-npy", "/x"),
            (two + two[:-1], "", 400, "invalid-npy", "/y"),
            (two + b"\0", "y=1", 400, "invalid-npy", ""),
            (two + two + two, "", 400, "invalid-npy", ""),
            (two + two, "y=1", 400, "invalid-npy", ""),
            (two, "", 422, "missing-field", "/y"),
            (two, "x=1&y=1", 422, "wrong-type", "/x"),
            (npy([1.0], shape="()"), "y=1", 422, "wrong-type", "/x"),
            (two + npy([1.0, 2.0, 3.0]), "", 422, "length-mismatch", "/y"),
            (npy([1.0, 2.0], shape="(1, 2)"), "y=1", 422, "wrong-type", "/x"),
            (two.replace(b"<f8", b"<c8"), "y=1", 422, "wrong-type", "/x"),
            (two.replace(b"<f8", b"|O8"), "y=1", 422, "wrong-type", "/x"),
            (npy([1.0], shape="(-1,)"), "y=1", 400, "invalid-npy", "/x"),
            (npy([1.0], shape="(99999999999999999999,)"), "y=1", 400, "invalid-npy", "/x"),
            (npy([1.0], shape="(2305843009213693952,)"), "y=1", 400, "invalid-npy", "/x"),
        )
        for body, query, status, slug, pointer in cases:
            with self.subTest(body=body[:60], query=query):
                self.assert_problem(self.post(body, query), status, slug, pointer)

    def test_a_body_that_ends_early_is_refused_wherever_it_ends(self):
        connection = self.server.connect()
        first, second = fixture("row_f8_version_3"), fixture("row_f8")
        for kept in range(1, len(first) + len(second)):
            with self.subTest(kept=kept):
                response = self.post((first + second)[:kept], connection=connection)
                if kept == len(first):
                    self.assert_problem(response, 422, "missing-field", "/y")
                else:
                    self.assert_problem(response, 400, "invalid-npy", "/x" if kept < len(first) else "/y")
        connection.close()

    def test_of_the_files_numpy_wrote_the_readable_ones_are_read_and_the_others_refused(self):
        readable = {"row_f8": 7, "row_f4": 4, "row_f8_version_1": 7, "row_f8_version_2": 7, "row_f8_version_3": 7,
                    "empty_f8": 0, "row_big_endian_f8": 3, "row_i8": 3, "row_f2": 3, "row_bool": 2}
        for path in FIXTURES.glob("*.npy"):
            with self.subTest(path.stem):
                response = self.post(path.read_bytes(), "y=1")
                if path.stem in readable:
                    self.assertEqual((response.status, len(parse(response.body)[1])), (200, readable[path.stem]))
                elif path.stem == "two_f8":
                    self.assert_problem(response, 400, "invalid-npy")
                else:
                    self.assert_problem(response, 422, "wrong-type", "/x")

    def test_wrong_options_are_refused_as_in_json(self):
        body = npy([1.0, 2.0])
        for query, fields in (
            ("threads=0", {"threads": 0}),
            ("schedule=fair", {"schedule": "fair"}),
            ("chunk=-1", {"chunk": -1}),
            ("timeout_ms=1.5", {"timeout_ms": 1.5}),
            ("cores=", {"cores": []}),
            ("gamma=-2", {"gamma": -2}),
            ("sigma=0", {"sigma": 0}),
            ("sigma=1&gamma=1", {"sigma": 1, "gamma": 1}),
            ("precision=0", {"precision": 0}),
            ("thread=1", {"thread": 1}),
        ):
            with self.subTest(query=query):
                by_query = self.post(body, "y=1&" + query)
                by_json = self.server.post("/v1/gaussian", {"x": [1.0, 2.0], "y": 1, **fields})
                problems = [response.json() for response in (by_query, by_json)]
                for problem in problems:
                    problem.pop("request_id")
                self.assertEqual(problems[0], problems[1])
                self.assertEqual(by_query.status, 422)

    def test_what_is_no_number_in_a_query_is_refused_as_it_was_sent(self):
        expected = "a number is expected, as JSON writes it: 0.5, -1, 1e3"
        whole = "a whole number is expected, as JSON writes it: 0, 20, -1"
        for query, pointer, detail in (
            ("threads=AUTO", "/threads", f'"threads" is "AUTO" in the query; {whole}; or auto'),
            ("threads=", "/threads", f'"threads" is "" in the query; {whole}; or auto'),
            ("cores=0,,1", "/cores/1", f'"cores" is "" in the query; {whole}; commas separate numbers'),
            ("gamma=-", "/gamma", f'"gamma" is "-" in the query; {expected}'),
            ("gamma=one", "/gamma", f'"gamma" is "one" in the query; {expected}'),
        ):
            with self.subTest(query=query):
                response = self.post(npy([1.0, 2.0]), "y=1&" + query)
                self.assert_problem(response, 422, "wrong-type", pointer)
                self.assertEqual(response.json()["detail"], detail)

    def test_what_only_a_query_can_have_wrong(self):
        body = npy([1.0, 2.0])
        for query, status, slug, pointer in (
            ("y=1&y=1", 400, "duplicate-key", None),
            ("y=%zz", 400, "malformed-request", None),
            ("y=1e999", 400, "number-overflow", "/y"),
            ("y=0x1", 422, "wrong-type", "/y"),
            ("y=01", 422, "wrong-type", "/y"),
            ("y=nan", 422, "wrong-type", "/y"),
            ("y=1,2", 422, "wrong-type", "/y"),
        ):
            with self.subTest(query=query):
                self.assert_problem(self.post(body, query), status, slug, pointer)

    def test_chunked_bodies_and_kept_connections_work(self):
        body = npy([float(index) for index in range(5000)], padding=5)
        expected = self.post(body, "y=3").body
        connection = self.server.connect()
        for _ in range(3):
            pieces = (body[at : at + 777] for at in range(0, len(body), 777))
            connection.request(
                "POST", "/v1/gaussian?y=3", pieces, {"Content-Type": NPY, "Accept": NPY}, encode_chunked=True
            )
            self.assertTrue(connection.getresponse().read() == expected)
        connection.close()

    def test_many_clients_at_once_get_their_own_arrays(self):
        wrong = []

        def ask(number):
            values = [number + index / 100 for index in range(3000)]
            for _ in range(5):
                answer = parse(self.post(npy(values, padding=number), f"x={number}").body)[1]
                if abs(answer[100] - math.exp(-1)) > 1e-12 or answer[0] != 1:
                    wrong.append((number, answer[0], answer[100]))

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(server.PATIENCE_S)
        self.assertEqual(wrong, [])

    def test_memory_is_body_and_little_more(self):
        """8 MB twice fit into 20 MiB of memory: nothing is copied on either way."""
        with server.Server(memory="20MiB", max_body="18MiB") as small:
            zeros = npy([0.0] * 1_000_000)
            headers = {"Content-Type": NPY, "Accept": NPY}
            response = small.post("/v1/gaussian?gamma=2", zeros + zeros, headers=headers)
            self.assertEqual(response.status, 200, response)
            self.assertTrue(response.body == npy([1.0] * 1_000_000))
            headers["Accept"] = "application/json"
            response = small.post("/v1/gaussian?gamma=2", zeros + zeros, headers=headers)
            self.assert_problem(response, 413, "memory-limit")


if __name__ == "__main__":
    unittest.main()
