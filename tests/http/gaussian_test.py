"""POST /v1/gaussian against Python's math.exp, over HTTP."""

import json
import math
import random
import struct
import unittest

import server

# exp(a) inherits the rounding of its argument: three roundings of 2**-53 relative to a, times |a|; exp's own error is
# below 4 units in the last place.
ARGUMENT_ROUNDING = 3 * 2.0**-53
EXP_ROUNDING = 4 * 2.0**-52
SMALLEST_NORMAL = 2.2250738585072014e-308


def tolerance(argument, value):
    return value * (abs(argument) * ARGUMENT_ROUNDING + EXP_ROUNDING) + SMALLEST_NORMAL


class Gaussian(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 8}

    def ask(self, **fields):
        response = self.server.post("/v1/gaussian", fields)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        return response.json()

    def assert_values(self, result, x, y, gamma):
        self.assertEqual(len(result["z"]), len(x))
        for index, (left, right) in enumerate(zip(x, y)):
            argument = -gamma * (left - right) ** 2
            expected = math.exp(argument)
            difference = abs(result["z"][index] - expected)
            where = (index, left, right, result["z"][index], expected)
            self.assertLessEqual(difference, tolerance(argument, expected), where)

    def test_small_arrays_have_the_formulas_values(self):
        result = self.ask(x=[0, 1, 2], y=[0, 0, 0.5], gamma=0.5)
        self.assertEqual(set(result), {"z", "gamma", "threads", "timing"})
        self.assertEqual(result["z"][0], 1)
        self.assertEqual(result["gamma"], 0.5)
        self.assert_values(result, [0, 1, 2], [0, 0, 0.5], 0.5)

    def test_random_arrays_have_the_formulas_values_for_every_thread_count(self):
        chance = random.Random(1)
        x = [chance.gauss(0, 3) for _ in range(20000)]
        y = [chance.gauss(0, 3) for _ in range(20000)]
        first = None
        for threads in (1, 2, 3, 4, 5, 6, 7, 8, "auto"):
            for schedule in ("static", "dynamic", "guided"):
                result = self.ask(x=x, y=y, gamma=0.7, threads=threads, schedule=schedule, chunk=333)
                if first is None:
                    first = result["z"]
                    self.assert_values(result, x, y, 0.7)
                self.assertTrue(result["z"] == first, f"other bits with {threads} threads, {schedule}")

    def test_either_side_may_be_a_number(self):
        array = [-1.5, 0.0, 2.25, 1e3, -0.0]
        left = self.ask(x=array, y=0.25)
        right = self.ask(x=0.25, y=array)
        self.assertEqual(left["z"], right["z"])
        self.assert_values(left, array, [0.25] * len(array), 1.0)

    def test_gamma_is_one_unless_given_and_always_echoed(self):
        self.assertEqual(self.ask(x=[1.0], y=[0.0])["gamma"], 1)
        self.assertEqual(self.ask(x=[1.0], y=[0.0], gamma=0.25)["gamma"], 0.25)
        flat = self.ask(x=[1.0, -7.0], y=[0.0, 1e100], gamma=0)
        self.assertEqual((flat["z"], flat["gamma"]), ([1, 1], 0))

    def test_sigma_means_one_over_two_sigma_squared(self):
        result = self.ask(x=[3.0, -1.0], y=[1.0, 0.5], sigma=2)
        self.assertEqual(result["gamma"], 0.125)
        self.assert_values(result, [3.0, -1.0], [1.0, 0.5], 0.125)

    def test_empty_arrays_give_an_empty_array(self):
        self.assertEqual(self.ask(x=[], y=[])["z"], [])
        self.assertEqual(self.ask(x=[], y=1)["z"], [])

    def test_extremes(self):
        result = self.ask(x=[1e308, -1e308, 1e-320, 5e-324, 0], y=[-1e308, -1e308, 0, 0, -0.0])
        self.assertEqual(result["z"], [0, 1, 1, 1, 1])
        self.assertEqual(self.ask(x=[18446744073709551616, 1], y=[18446744073709551616, 1])["z"], [1, 1])

    def raw(self, body):
        response = self.server.post("/v1/gaussian", body, headers={"Content-Type": "application/json"})
        self.assertEqual(response.status, 200, response.body[:400])
        return response

    def test_a_hundred_thousand_elements_are_the_same_bytes_for_every_thread_count(self):
        chance = random.Random(7)
        x = [chance.choice([chance.gauss(0, 2), chance.uniform(-1e-3, 1e-3), chance.randrange(-9, 9)])
             for _ in range(100000)]
        y = [chance.gauss(0, 1) for _ in range(100000)]
        body = json.dumps({"x": x, "y": y, "gamma": 0.3})
        printed = set()
        for threads in range(1, 9):
            with self.subTest(threads=threads):
                answer = self.raw(body[:-1] + f', "threads": {threads}}}').body
                printed.add(answer[answer.index(b"["):answer.index(b"]") + 1])
        self.assertEqual(len(printed), 1)
        text = printed.pop()
        self.assert_values({"z": json.loads(text)}, x, y, 0.3)
        for number, value in zip(text[1:-1].split(b","), json.loads(text)):
            self.assertEqual(float(number), value)
            self.assertLessEqual(len(number), len(repr(value)), "a shorter text reads back the same")

    def test_what_is_read_has_the_bits_that_python_reads(self):
        chance = random.Random(8)
        x = [chance.uniform(-1, 1) * 10.0 ** chance.randrange(-320, 308) for _ in range(50000)]
        # exp(0) is 1 exactly, and a neighbour of x gives less as soon as gamma is large enough: gamma 1e308 with x near
        # 1 tells two doubles apart that differ in the last bit.
        x += [1 + chance.random() for _ in range(50000)]
        for threads in (1, 8):
            result = self.ask(x=x, y=x, gamma=1e308, threads=threads)
            self.assertEqual(result["z"], [1] * len(x))
        shifted = [math.nextafter(value, math.inf) for value in x[50000:]]
        self.assertEqual(self.ask(x=x[50000:], y=shifted, gamma=1e308)["z"], [0] * 50000)

    def test_answers_of_every_length_are_whole(self):
        for count in (4095, 4096, 4097, 8192, 12289, 524288, 524289):
            with self.subTest(count):
                connection = self.server.connect()
                numbers = ",".join(str(i % 2) for i in range(count))
                response = self.server.post("/v1/gaussian", f'{{"x": [{numbers}], "y": 0, "precision": 3}}',
                                            headers={"Content-Type": "application/json"}, connection=connection)
                self.assertEqual(int(response.headers["Content-Length"]), len(response.body))
                self.assertEqual(response.json()["z"], [1, 0.368] * (count // 2) + [1] * (count % 2))
                self.assertEqual(list(response.json()), ["z", "gamma", "threads", "timing"])
                self.assertEqual(self.server.get("/livez", connection=connection).status, 200)
                connection.close()

    def test_an_answer_of_millions_of_numbers_arrives_whole_behind_a_long_head_and_before_another_request(self):
        count = 4200000
        body = b'{"y": 0, "precision": 1, "cores": [], "x": [1' + b",1" * (count - 1) + b"]}"
        usable = self.server.get("/v1/system").json()["cores"]["usable"]
        body = body.replace(b"[]", b"[%d]" % usable[0], 1)
        head = server.post_head("/v1/gaussian", len(body), "X-Filler: " + "f" * 7000)
        with self.server.socket() as connection:
            next_one = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Filler: " + b"f" * 7000 + b"\r\n\r\n"
            connection.sendall(head + body + next_one)
            response, after = server.parse_responses(server.read_all(connection)[0])
        self.assertEqual((response.status, after.status), (200, 200), response)
        self.assertTrue(response.body.startswith(b'{"z":[' + b"0.4," * (count - 1) + b'0.4],"gamma":1,'), response)

    def test_what_a_client_sends_around_a_request_never_costs_it_a_long_answer(self):
        count = 530000
        body = b'{"y": 0, "precision": 1, "x": [1' + b",1" * (count - 1) + b"]}"
        for filler, behind in ((0, 7800), (3000, 4000), (6000, 7800), (7800, 0), (7800, 7800)):
            with self.subTest(filler=filler, behind=behind), self.server.socket() as connection:
                head = server.post_head("/v1/gaussian", len(body), "X-Filler: " + "f" * filler)
                connection.sendall(head + body + b"GET /livez HTTP/1.1\r\nX-Filler: " + b"f" * behind)
                response = server.read_response(connection)
                self.assertEqual(response.status, 200)
                self.assertTrue(response.body.startswith(b'{"z":[' + b"0.4," * (count - 1) + b'0.4],"gamma":1,'))

    def test_precision_limits_the_digits_of_the_values(self):
        x = [0.001 * i for i in range(10000)]
        full = self.ask(x=x, y=0)["z"]
        for precision in (1, 2, 9, 15, 16, 17):
            with self.subTest(precision):
                result = self.ask(x=x, y=0, precision=precision, gamma=1)
                self.assertEqual(result["z"], [float(f"{value:.{precision - 1}e}") for value in full])
        self.assertEqual(self.ask(x=x, y=0, precision=17)["z"], full)

    def test_a_wrong_element_deep_in_a_long_array_is_pointed_at(self):
        for wrong in ("null", '"1"', "[1]", "true", "{}"):
            with self.subTest(wrong):
                body = '{"y": 0, "x": [' + "0.25," * 90000 + wrong + ",0.5" * 1000 + "]}"
                response = self.server.post("/v1/gaussian", body, headers={"Content-Type": "application/json"})
                self.assert_problem(response, 422, "wrong-type", "/x/90000")

    def test_a_syntax_error_deep_in_a_long_array_is_told_with_its_offset(self):
        start = '{"y": 0, "x": [' + "0.25," * 90000
        for wrong, offset, slug in (("01", 2, "invalid-json"), ("", 1, "invalid-json"), ("+1", 1, "invalid-json"),
                                    ("1.", 3, "invalid-json"), ("1e", 3, "invalid-json"), ("1e999", 1, "number-overflow")):
            for threads in (1, 2, 8):
                with self.subTest(wrong, threads=threads):
                    body = start + wrong + ",0.5" * 50000 + ",,1], \"threads\": %d}" % threads
                    response = self.server.post("/v1/gaussian", body, headers={"Content-Type": "application/json"})
                    self.assert_problem(response, 400, slug)
                    self.assertTrue(response.json()["detail"].startswith(f"at byte {len(start) + offset}: "), response)

    def test_a_broken_body_is_refused_as_such_whatever_else_is_wrong(self):
        body = '{"x": [1,' + "2," * 50000 + ",3], \"y\": [1], \"gamma\": -1}"
        response = self.server.post("/v1/gaussian", body, headers={"Content-Type": "application/json"})
        self.assert_problem(response, 400, "invalid-json")

    def test_numbers_are_printed_in_the_shortest_text_that_reads_back(self):
        x = [0.001 * number for number in range(7000)] + [15, 20, 26.6, 27, 27.2]
        printed = json.loads(self.raw(json.dumps({"x": x, "y": 0})).body, parse_float=str, parse_int=str)["z"]
        expected = self.bits(x)
        for number, text in zip(expected, printed, strict=True):
            self.assertEqual(float(text), number)
            self.assertLessEqual(len(text), len(repr(number)))
        self.assertGreater(len(set(printed)), 6900)

    def bits(self, x):
        """The very doubles, from an answer that isn't text."""
        response = self.server.post("/v1/gaussian", {"x": x, "y": 0}, headers={"Accept": "application/x-npy"})
        return struct.unpack(f"<{len(x)}d", response.body[-8 * len(x):])


if __name__ == "__main__":
    unittest.main()
