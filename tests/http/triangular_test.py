"""POST /v1/triangular: the load whose size is known."""

import unittest

import server

PATH = "/v1/triangular"
LARGEST = 4 * 10**9


def last(range_):
    return range_ * (range_ - 1) // 2


class Triangular(server.ServerTest):
    options = {"cores": 2}

    def ask(self, **fields):
        response = self.server.post(PATH, fields)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        result = response.json()
        self.assertEqual(list(result), ["results", "sum", "threads", "timing"])
        return result

    def assert_values(self, result, ranges):
        self.assertEqual([(entry["range"], entry["last"]) for entry in result["results"]],
                         [(range_, last(range_)) for range_ in ranges])
        self.assertEqual(result["sum"], sum(map(last, ranges)))

    def test_the_example_has_the_sum_that_is_known(self):
        result = self.ask(ranges=[100000000, 200000000, 300000000])
        self.assertEqual(result["sum"], 69999999700000000)
        self.assert_values(result, [100000000, 200000000, 300000000])

    def test_integers_beyond_two_to_the_53_are_exact(self):
        response = self.server.post(PATH, {"ranges": [200000003]})
        self.assertIn(b'"last":20000000500000003,', response.body)

    def test_small_ranges_and_none(self):
        ranges = [0, 1, 2, 3, 1000, 0, 65537]
        self.assert_values(self.ask(ranges=ranges), ranges)

    def test_every_team_and_schedule_gives_the_same_numbers(self):
        ranges = [number * 9973 for number in range(60)]
        for threads in (1, 2, 8, "auto"):
            for schedule in ("static", "dynamic", "guided"):
                for chunk in (0, 1, 7, 1000):
                    with self.subTest(threads=threads, schedule=schedule, chunk=chunk):
                        self.assert_values(self.ask(ranges=ranges, threads=threads, schedule=schedule, chunk=chunk),
                                           ranges)

    def test_as_many_ranges_as_are_allowed(self):
        ranges = [number % 100 for number in range(4096)]
        self.assert_values(self.ask(ranges=ranges), ranges)

    def test_every_range_says_which_core_it_ran_on(self):
        usable = self.server.get("/v1/system").json()["cores"]["usable"]
        for ranges in ([10], [3000000] * 7):
            for entry in self.ask(ranges=ranges)["results"]:
                self.assertIn(entry["core"], usable)

    def test_auto_takes_no_more_threads_than_there_are_ranges(self):
        self.assertEqual(self.ask(ranges=[20000000])["threads"], {"requested": "auto", "granted": 1})
        self.assertEqual(self.ask(ranges=[20000000] * 2)["threads"], {"requested": "auto", "granted": 2})

    def test_a_range_that_is_not_looped_through_in_time_is_cut_off_in_its_middle(self):
        """4e9 steps in a millisecond: only without the loop."""
        for threads in (1, 2):
            response = self.server.post(PATH, {"ranges": [LARGEST], "timeout_ms": 1, "threads": threads})
            self.assert_problem(response, 504, "deadline-exceeded")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the cores are free")
        self.assert_values(self.ask(ranges=[5]), [5])

    def test_a_client_that_leaves_ends_its_load(self):
        with self.server.socket() as connection:
            body = b'{"ranges": [3e9, 3e9], "threads": 1, "timeout_ms": 30000}'
            connection.sendall(server.post_head(PATH, len(body)) + body)
            server.wait_until(lambda: server.load(self.server)[0] == 1, "the load runs")
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the load has ended")
        server.wait_until(lambda: self.server.log(path=PATH, status=499), "the log says so")

    def test_json_alone_is_taken(self):
        for media in ("text/plain", "application/x-npy"):
            response = self.server.post(PATH + "?ranges=1", b"", headers={"Content-Type": media})
            self.assert_problem(response, 415, "unsupported-media-type")
        response = self.server.post(PATH, {"ranges": [1]}, headers={"Accept": "application/x-npy"})
        self.assert_problem(response, 406, "not-acceptable")


if __name__ == "__main__":
    unittest.main()
