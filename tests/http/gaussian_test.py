"""POST /v1/gaussian against Python's math.exp, over HTTP."""

import json
import math
import random
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
    options = {"max_body": "64MiB"}

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

    def test_numbers_are_printed_so_that_they_read_back_exactly(self):
        body = self.server.post("/v1/gaussian", {"x": [0.1, 0.3, 27.0], "y": 0}).body
        values = json.loads(body, parse_float=str)["z"]
        for text in values:
            self.assertEqual(repr(float(text)), repr(float(repr(float(text)))))
            self.assertLessEqual(len(text), 24)


if __name__ == "__main__":
    unittest.main()
