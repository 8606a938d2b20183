"""The option "cores": which cores a request's threads may run on, while it runs and afterwards.

Whether threads are pinned is seen from outside, in /proc. A lane keeps its masks until its next request, so after an
answer they can be looked at in peace. Needs two cores; on one there is nothing to choose from.

ctest: threads
"""

import contextlib
import os
import pathlib
import re
import struct
import threading
import unittest

import server

WORD = "/v1/wordcount"
GAUSS = "/v1/gaussian"
TRIANGULAR = "/v1/triangular"
TEXT = {"Content-Type": "text/plain"}
NPY = {"Content-Type": "application/x-npy"}
USABLE = sorted(os.sched_getaffinity(0))
WIDE = len(USABLE)  # teams so wide are on one core each when they aren't pinned by request
TEAM = 3 if WIDE == 2 else 2
RANGE = 2000000  # well above what an event loop computes by itself


def npy(values):
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % len(values)
    head += " " * ((-len(head) - 11) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}d", *values)


def ids(mask):
    """"0-2,5" -> {0, 1, 2, 5}"""
    parts = [part.split("-") for part in mask.split(",")]
    return {number for part in parts for number in range(int(part[0]), int(part[-1]) + 1)}


class AffinityTest(server.ServerTest):
    options = {"cores": 4, "max_body": "64MiB"}

    def load(self, **fields):
        response = self.server.post(TRIANGULAR, fields)
        self.assertEqual(response.status, 200, response)
        return response.json()


@unittest.skipIf(len(USABLE) < 2, "needs two cores")
class CoresOfResults(AffinityTest):
    def test_ranges_run_on_the_cores_named_in_the_order_of_threads(self):
        first, second = USABLE[:2]
        for cores in ([first], [second], [first, second], [second, first]):
            for threads in (1, 2, 3, 4):
                with self.subTest(cores=cores, threads=threads):
                    result = self.load(ranges=[RANGE] * 8, cores=cores, threads=threads, chunk=1)
                    self.assertEqual(result["threads"]["granted"], threads)
                    self.assertEqual([entry["core"] for entry in result["results"]],
                                     [cores[range_ % threads % len(cores)] for range_ in range(8)])

    def test_without_a_chunk_each_thread_has_neighbouring_ranges(self):
        cores = USABLE[1::-1]
        result = self.load(ranges=[RANGE] * 6, cores=cores)
        self.assertEqual(result["threads"], {"requested": 2, "granted": 2})
        self.assertEqual([entry["core"] for entry in result["results"]], [cores[0]] * 3 + [cores[1]] * 3)

    def test_other_schedules_stay_on_the_cores_named(self):
        for schedule in ("dynamic", "guided"):
            result = self.load(ranges=[RANGE] * 12, cores=USABLE[1:2], threads=3, schedule=schedule)
            self.assertEqual({entry["core"] for entry in result["results"]}, {USABLE[1]})

    def test_even_tiny_work_runs_on_the_core_named(self):
        for core in USABLE[:2]:
            self.assertEqual(self.load(ranges=[1], cores=[core])["results"][0]["core"], core)

    def test_pinned_requests_wait_for_cores_like_others(self):
        """Ten at once on four cores, all pinned to one: all are answered, each on its core."""
        answers = []

        def ask():
            answers.append(self.load(ranges=[RANGE] * 2, cores=USABLE[:1], threads=2))

        clients = [threading.Thread(target=ask) for _ in range(10)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual([entry["core"] for answer in answers for entry in answer["results"]], USABLE[:1] * 20)

    def test_a_core_that_is_not_usable_is_refused_with_the_usable_ones_named(self):
        for target, body, headers in ((TRIANGULAR, {"ranges": [1], "cores": [USABLE[0], 1023]}, {}),
                                      (WORD, {"text": "a", "word": "a", "cores": [USABLE[0], 1023]}, {}),
                                      (f"{WORD}?word=a&cores={USABLE[0]},1023", "a", TEXT),
                                      (GAUSS, {"x": [1], "y": 1, "cores": [USABLE[0], 1023]}, {}),
                                      (f"{GAUSS}?y=1&cores={USABLE[0]},1023", npy([1.0]), NPY)):
            with self.subTest(target, media=headers):
                response = self.server.post(target, body, headers=headers)
                self.assert_problem(response, 422, "out-of-range", "/cores/1")
                refusal, usable = response.json()["detail"].split("; usable cores are ")
                self.assertEqual(refusal, '"cores" names core 1023, which is not usable here')
                self.assertEqual(ids(usable.replace(" ", "")), set(USABLE))


@unittest.skipIf(len(USABLE) < 2, "needs two cores")
class MasksOfThreads(AffinityTest):
    """One request at a time, so that there is one lane of each size, or two."""

    def masks(self):
        """The cores that each of the server's threads may run on."""
        found = []
        for status in pathlib.Path(f"/proc/{self.server.process.pid}/task").glob("*/status"):
            with contextlib.suppress(OSError):  # a thread that has just ended
                found.append(ids(re.search(r"^Cpus_allowed_list:\s*(\S+)$", status.read_text(), re.MULTILINE)[1]))
        return found

    def pinned(self):
        """Ids of the threads that may run on one core only, one for each such thread."""
        return sorted(next(iter(mask)) for mask in self.masks() if len(mask) == 1)

    def free_lanes(self):
        """Unpins the lanes of up to four threads, by using them."""
        for threads in {1, 2, 3, 4} - {WIDE}:
            self.assertEqual(self.load(ranges=[RANGE] * 4, threads=threads)["threads"]["granted"], threads)
        self.assertEqual(self.pinned(), [])

    def test_the_next_request_may_run_anywhere_again(self):
        self.free_lanes()
        process = os.sched_getaffinity(self.server.process.pid)
        self.load(ranges=[RANGE] * TEAM, cores=USABLE[:1], threads=TEAM)
        self.assertEqual(self.pinned(), USABLE[:1] * TEAM)
        self.load(ranges=[RANGE] * TEAM, threads=TEAM)
        self.assertTrue(all(mask == process for mask in self.masks()), self.masks())

    def test_no_request_runs_pinned_beside_a_pinned_one(self):
        """While a pinned request runs, others come and go on lanes of their own, some of them new ones."""
        self.free_lanes()
        body = b'{"ranges": [1e8' + b",1e8" * 1000 + b'], "threads": 1, "cores": [%d]}' % USABLE[1]
        with self.server.socket() as connection:
            connection.sendall(server.post_head(TRIANGULAR, len(body)) + body)
            server.wait_until(lambda: self.pinned() == [USABLE[1]], "the pinned load runs")
            for threads in {1, 2, 3} - {WIDE}:
                self.load(ranges=[RANGE] * 3, threads=threads)
                self.assertEqual(self.pinned(), [USABLE[1]])
        server.wait_until(lambda: server.load(self.server) == (0, 0), "the load has ended")

    def test_every_endpoint_and_media_type_pins_its_threads(self):
        numbers = [0.5] * 20000
        text = server.zen(100)
        long_text = server.zen(3000)  # several windows
        cores = USABLE[1::-1]
        query = f"threads={TEAM}&cores=" + ",".join(map(str, cores))
        options = {"threads": TEAM, "cores": cores}
        cases = {
            "word count, JSON": (WORD, {"text": text, "word": "is"} | options, {}),
            "word count, long JSON": (WORD, {"text": long_text, "word": "is"} | options, {}),
            "totals": (WORD, {"text": text} | options, {}),
            "totals, long text": (f"{WORD}?{query}", long_text, TEXT),
            "frequencies": (WORD, {"text": text, "top": 3} | options, {}),
            "frequencies, long text": (f"{WORD}?top=3&{query}", long_text, TEXT),
            "several words": (WORD, {"text": text, "words": ["is", "it"]} | options, {}),
            "word count, text": (f"{WORD}?word=is&{query}", text, TEXT),
            "word count, long text": (f"{WORD}?word=is&{query}", long_text, TEXT),
            "Gaussian, JSON": (GAUSS, {"x": numbers, "y": 0} | options, {}),
            "Gaussian, small JSON": (GAUSS, {"x": [1], "y": 0} | options, {}),
            "Gaussian, .npy": (f"{GAUSS}?y=0&{query}", npy(numbers), NPY),
            "triangular": (TRIANGULAR, {"ranges": [RANGE] * TEAM} | options, {}),
        }
        for name, (target, body, headers) in cases.items():
            with self.subTest(name):
                self.free_lanes()
                response = self.server.post(target, body, headers=headers)
                self.assertEqual(response.status, 200, response)
                self.assertEqual(response.json()["threads"], {"requested": TEAM, "granted": TEAM})
                self.assertEqual(self.pinned(), sorted(cores[thread % 2] for thread in range(TEAM)))

    def test_only_the_cores_of_the_processs_own_mask_are_usable(self):
        os.sched_setaffinity(0, USABLE[1:2])
        try:
            under_test = server.Server()  # inherits it
        finally:
            os.sched_setaffinity(0, USABLE)
        with under_test:
            cores = under_test.get("/v1/system").json()["cores"]
            self.assertEqual((cores["usable"], [place["id"] for place in cores["topology"]]), (USABLE[1:2],) * 2)
            response = under_test.post(TRIANGULAR, {"ranges": [1], "cores": USABLE[:1]})
            self.assert_problem(response, 422, "out-of-range", "/cores/0")
            self.assertEqual(response.json()["detail"],
                             f'"cores" names core {USABLE[0]}, which is not usable here; usable cores are {USABLE[1]}')
            response = under_test.post(TRIANGULAR, {"ranges": [RANGE] * 2, "cores": USABLE[1:2]})
            self.assertEqual([entry["core"] for entry in response.json()["results"]], USABLE[1:2] * 2)


def system(path):
    """What a file of /sys says about cores, None where there is none."""
    path = pathlib.Path("/sys/devices/system") / path
    return path.read_text().strip() if path.exists() else None


class Topology(server.ServerTest):
    """/v1/system against what the kernel says in /sys."""

    def setUp(self):
        cores = self.server.get("/v1/system").json()["cores"]
        self.places = {place["id"]: place for place in cores["topology"]}
        self.assertEqual(list(self.places), cores["usable"])
        self.assertEqual(cores["usable"], USABLE)

    def test_packages_are_the_kernels(self):
        for core, place in self.places.items():
            package = system(f"cpu/cpu{core}/topology/physical_package_id")
            self.assertEqual(place["package"], None if package in (None, "-1") else int(package))

    def test_ids_with_one_core_are_its_hardware_threads(self):
        for core, place in self.places.items():
            siblings = system(f"cpu/cpu{core}/topology/thread_siblings_list")
            if siblings is None:
                self.assertIsNone(place["core"])
            else:
                self.assertEqual({other for other in self.places if self.places[other]["core"] == place["core"]},
                                 ids(siblings) & set(USABLE))

    def test_nodes_are_the_kernels(self):
        nodes = sorted(pathlib.Path("/sys/devices/system/node").glob("node[0-9]*"))
        for core, place in self.places.items():
            own = [int(node.name[4:]) for node in nodes if (node / f"cpu{core}").exists()]
            self.assertEqual([place["numa_node"]], own or [None])


if __name__ == "__main__":
    unittest.main()
