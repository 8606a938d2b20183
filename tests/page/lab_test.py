"""The speed-up lab: each experiment is run as a visitor would, and what it shows is compared with what the service was asked,
with the files that it saves and with Python's own statistics."""

import collections
import contextlib
import csv
import random
import socket
import statistics
import unittest
import xml.etree.ElementTree

import browser
from browser import server

from selenium.webdriver.support.ui import Select

SVG = "{http://www.w3.org/2000/svg}"
HEADS = ["Threads", "Granted", "Min", "Max", "Mean", "StdDev", "Median", "IQR", "Ops/s", "Rounds", "Speed-up"]
DIGITS = 6e-3  # the table has three significant digits …
CLOCK = 6e-4  # … of milliseconds, and no more than three decimals
LONG = str(2_400_000_000)  # of triangular numbers: a second of a core; three of them have a sum of 63 bits
ROUNDS = 3


def expected_figures(values):
    """Min to operations per second, of milliseconds."""
    quarters = statistics.quantiles(values, n=4, method="inclusive")
    mean = statistics.mean(values)
    return [min(values), max(values), mean, statistics.stdev(values), statistics.median(values), quarters[2] - quarters[0], 1000 / mean]


class LabTest(browser.PageTest):
    view = "lab"
    options = {"cores": 2}
    expected = ("status of 422", "status of 507")

    def setUp(self):
        super().setUp()
        self.find("#view-lab form")

    def choose(self, experiment, rounds=ROUNDS, threads="1-2", **values):
        """Fills the form in one go, where typing isn't what is tested. Choices by their text's beginning."""
        self.click(f"#view-lab input[value={experiment}]")
        fields = {"common-rounds": rounds, "common-counts": threads}
        fields |= {f"{experiment}-{name}": value for name, value in values.items()}
        self.script("""
            for (const [id, value] of Object.entries(arguments[0])) {
                const input = document.getElementById(`lab-${id}`);
                const choice = [...(input.options || [])].find(each => each.text.startsWith(value));
                input.value = choice ? choice.value : value;
                input.dispatchEvent(new Event("change", {bubbles: true}));
            }""", fields)

    def begin(self):
        self.click("#view-lab button[type=submit]")

    def status(self):
        return self.find("#view-lab .status").text

    def finish(self):
        self.until(lambda: self.find("#view-lab button[type=submit]").is_enabled(), "the run is over")
        self.assertIn("Done", self.status())

    def run_it(self, experiment, **values):
        self.choose(experiment, **values)
        self.begin()
        self.finish()

    def notes(self):
        return [item.text for item in self.find_all("#view-lab .notes li")]

    def table(self):
        self.assertEqual([head.get_attribute("textContent") for head in self.find_all("#view-lab th")], HEADS)
        return [[cell.get_attribute("textContent") for cell in row.find_elements("tag name", "td")]
                for row in self.find_all("#view-lab tbody tr")]

    def save(self, button, name):
        (self.downloads / name).unlink(missing_ok=True)
        self.script("""[...document.querySelectorAll('#view-lab .actions button')].find(each => each.textContent === arguments[0]).click()""",
                    button)
        return self.saved(name)

    def assert_no_data(self, service=None):
        self.until(lambda: (service or self.server).get("/v1/data").json()["count"] == 0, "the lab's data is deleted")

    def calls(self, path):
        """How many threads were asked for and granted by each call so far."""
        return [(entry["threads"]["requested"], entry["threads"]["granted"]) for entry in self.server.log(method="POST", path=path)]

    def test_each_experiment_asks_all_threads_in_each_round(self):
        for experiment, path, values, kept in (
                ("wordcount", "/v1/wordcount", {"repeat": 3000, "word": "is", "count": "one word, any case"}, 1),
                ("wordcount", "/v1/wordcount", {"repeat": 1000, "count": "the 10 most"}, 1),
                ("gaussian", "/v1/gaussian", {"n": 400_000, "gamma": 0.5}, 2),
                ("expression", "/v1/map", {"expr": "x * 2", "n": 1000, "result": "its mean"}, 1),
                ("expression", "/v1/map", {"expr": "hypot(x, y)", "n": 400_000, "result": "kept"}, 2),
                ("triangular", "/v1/triangular", {"range0": 1_000_000, "range1": 2_000_000, "range2": 3_000_000}, 0)):
            with self.subTest(experiment, **values):
                before, sent = len(self.calls(path)), len(self.server.log(method="PUT", status=201))
                self.at(browser.PHONE if experiment in ("gaussian", "triangular") else browser.DESK)
                self.run_it(experiment, **values)
                self.assert_fits()
                calls = self.calls(path)[before:]
                self.assertEqual(len(calls), 2 * (ROUNDS + 1))
                for start in range(0, len(calls), 2):
                    self.assertCountEqual([asked for asked, _ in calls[start : start + 2]], [1, 2])
                self.assertEqual(len(self.server.log(method="PUT", status=201)) - sent, kept)
                granted = {asked: sorted({got for wanted, got in calls[2:] if wanted == asked}) for asked in (1, 2)}
                self.assertEqual([(row[0], row[1], row[9]) for row in self.table()],
                                 [(str(asked), ", ".join(map(str, got)), str(ROUNDS)) for asked, got in granted.items()])
                self.assertEqual(any("small work runs on one thread" in note for note in self.notes()), values.get("n") == 1000)
                self.assertFalse(any("Other requests" in note for note in self.notes()), self.notes())
                self.assert_no_data()

    def test_table_is_what_the_saved_times_say(self):
        self.run_it("gaussian", n=400_000, rounds=5, threads="1-3")
        with open(self.save("Save CSV", "forkjoin-gaussian.csv"), newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual({(line["what"], line["schedule"], line["chunk"]) for line in lines},
                         {("Gaussian of 400,000 elements", "static", "0")})
        self.assertCountEqual([(line["round"], line["threads"]) for line in lines],
                              [(str(number), str(threads)) for number in range(1, 6) for threads in (1, 2, 3)])
        for choice, column in (("computing alone", "compute_ms"), ("the whole call", "total_ms")):
            Select(self.find("#lab-which")).select_by_visible_text(choice)
            times = collections.defaultdict(list)
            for line in lines:
                times[line["threads"]].append(float(line[column]))
            rows = self.table()
            self.assertEqual([row[0] for row in rows], ["1", "2", "3 (beyond the cores)"])
            for row, values in zip(rows, (times["1"], times["2"], times["3"]), strict=True):
                for shown, figure in zip(row[2:9], expected_figures(values), strict=True):
                    self.assertAlmostEqual(float(shown.replace(",", "")), figure, delta=DIGITS * abs(figure) + CLOCK)
                self.assertAlmostEqual(float(row[10]), statistics.median(times["1"]) / statistics.median(values), delta=0.0051)
        for row in rows:
            self.assertEqual(set(row[1].split(", ")), {line["granted"] for line in lines if line["threads"] == row[0][0]})
        self.assertTrue(any("granted no more" in note for note in self.notes()))

    def test_the_table_scrolls_on_phones_alone(self):
        self.run_it("triangular", threads="1-2, 1024", rounds=1, range0=1000, range1=1000, range2=1000)
        for values in ([1, 1, 1], [0, 0, 0], [0.0005, 0.09994, 0.09996], [999.4, 999.6, 99_999.5], [123_456, 234_567, 345_678]):
            self.script("""const [values] = arguments;
                           const run = {samples: values.flatMap((value, i) => [1, 2, 1024].map(threads =>
                               ({threads, granted: 1 + i % 2, compute: value, total: value}))), counts: [1, 2, 1024], cores: 2};
                           window.measured ||= page.statisticsOfRun;
                           const rows = measured(run, "compute");
                           page.statisticsOfRun = () => rows;
                           document.getElementById("lab-which").dispatchEvent(new Event("change"));""", values)
            rows = self.table()
            self.assertFalse(any(word in " ".join(row) for row in rows for word in ("NaN", "Infinity", "e+", "e-")), rows)
            for width in (1024, 1100, 1199, 1200, 1440):
                self.at((width, 800))
                room, taken = self.script("""const {clientWidth, scrollWidth} = document.querySelector("#view-lab .scroll");
                                             return [clientWidth, scrollWidth]""")
                self.assertLessEqual(taken, room, (width, rows))
            self.at(browser.PHONE)
            self.assert_fits()

    def test_saved_picture_is_xml_that_needs_nothing_else(self):
        self.run_it("expression", n=1000, threads="1-2, 4")
        text = self.save("Save SVG", "forkjoin-expression.svg").read_text("utf-8")
        root = xml.etree.ElementTree.fromstring(text)
        self.assertEqual(root.tag, SVG + "svg")
        told = [each.text for each in root.iter(SVG + "text")]
        for wanted in ("Time to compute, ms", "Speed-up", "2 cores", "ideal", "measured", "threads", "4"):
            self.assertIn(wanted, told)
        self.assertRegex(" ".join(told[-2:]), r"1,000 elements, .*3 rounds .*(x86|aarch)")
        above = sum(int(each.split()[0]) for each in told if " above, up to " in each)
        dots = [each for each in root.iter(SVG + "circle") if "dot" in each.get("class")]
        self.assertEqual(len(dots) - 1 + above, 3 * ROUNDS, "one is the legend's")
        self.assertFalse({"href", "style", "{http://www.w3.org/1999/xlink}href"} & {name for each in root.iter() for name in each.attrib})
        self.assertNotIn("NaN", text)

    def test_stop_ends_what_runs(self):
        self.choose("triangular", rounds=1000, range0=LONG, range1=LONG, range2=LONG)
        self.begin()
        self.until(lambda: server.load(self.server)[0] == 1, "it computes")
        self.click("#view-lab .stop")
        self.until(lambda: "Stopped after" in self.status(), "it says that it has stopped")
        self.until(lambda: server.load(self.server) == (0, 0), "the service has nothing to do")
        self.assertTrue(self.find("#view-lab button[type=submit]").is_enabled())
        self.assert_no_data()

    def test_data_is_deleted_when_the_view_or_the_page_is_left(self):
        for leave in (lambda: self.script("location.hash = '#now'"), lambda: self.browser.get("about:blank")):
            self.open("lab")
            self.choose("gaussian", rounds=1000, n=1000)
            self.begin()
            self.until(lambda: "Round 2" in self.status(), "it measures")
            self.assertEqual(self.server.get("/v1/data").json()["data"][0]["expires"] is None, False)
            leave()
            self.assert_no_data()
        self.until(lambda: server.load(self.server) == (0, 0), "nothing is computed any more")

    def test_mistakes_are_shown_at_their_fields(self):
        for field, values, part in (("expression-expr", {"expr": "exp(x"}, "^"),
                                    ("common-counts", {"threads": "0-2"}, "Numbers from 1"),
                                    ("common-counts", {"threads": "1-1024"}, "at most"),
                                    ("expression-n", {"n": 100_000_000}, "64 MiB")):
            with self.subTest(field, **values):
                self.choose("expression", **{"n": 100, "expr": "x", **values})
                self.begin()
                self.until(lambda field=field: self.find(f"#lab-{field}-error").text, "the mistake is told")
                self.assertIn(part, self.find(f"#lab-{field}-error").text)
                self.assertEqual(self.find(f"#lab-{field}").get_attribute("aria-invalid"), "true")
                self.assertEqual(self.script("return document.activeElement.id"), f"lab-{field}")
        self.choose("expression", expr="log(x - 1)", n=100)
        self.begin()
        self.until(lambda: self.find_all("#view-lab .status .error"), "what no field is to blame for is told above")
        self.assertIsNone(self.find("#lab-expression-expr").get_attribute("aria-invalid"))
        self.assert_no_data()

    def test_without_room_data_travels(self):
        with server.Server(cores=2, data_memory="1MiB") as small:
            self.browser.get(f"http://{small.host}:{small.port}/#lab")
            for experiment, values, granted in (("gaussian", {"n": 200_000}, "–"), ("expression", {"n": 400_000}, "2"),
                                                ("wordcount", {"repeat": 2000}, "2")):
                self.run_it(experiment, **values)
                self.assertTrue(any("travels with each request" in note for note in self.notes()), self.notes())
                self.assertEqual([row[1] for row in self.table()][1], granted)
                self.assertGreater(float(self.table()[0][2]), 0)
            self.assert_no_data(small)
            self.browser.get("about:blank")

    def test_others_on_the_service_are_told_of(self):
        with contextlib.closing(self.server.socket()) as other:
            body = f'{{"ranges": [{LONG}, {LONG}, {LONG}], "threads": 1, "timeout_ms": 30000}}'.encode()
            other.sendall(server.post_head("/v1/triangular", len(body)) + body)
            self.until(lambda: server.load(self.server)[0] == 1, "somebody else computes")
            self.choose("triangular", rounds=1, threads="1", range0=1000, range1=1000, range2=1000)
            self.begin()
            self.finish()
            other.shutdown(socket.SHUT_RDWR)
        self.assertIn("Other requests used the service's cores when a round began.", self.notes())
        self.until(lambda: server.load(self.server) == (0, 0), "they are gone")

    def test_notes_say_what_the_samples_show(self):
        def notes(*samples, cores=2):
            samples = [dict(zip(("threads", "granted", "compute", "cpu"), each), total=each[2], reason="why") for each in samples]
            run = {"samples": samples, "counts": sorted({each["threads"] for each in samples}), "cores": cores, "carried": None,
                   "sharedRounds": 0}
            return " ".join(self.script("return page.lookAtRun(arguments[0], 'compute')", run))

        calm = [(1, 1, 10.0, 9.99)] * 4 + [(2, 2, 5.0, 9.99)] * 4
        self.assertEqual(notes(*calm), "")
        self.assertIn("1 of 9 calls were granted fewer threads than they asked for: why.", notes(*calm, (2, 1, 5.0, 5)))
        self.assertIn("had its core for 60 % of the time", notes(*[(1, 1, 10.0, 6)] * 3))
        self.assertIn("by 50 % with 2 threads", notes((1, 1, 10.0, 10), *[(2, 2, each, 9) for each in (6.0, 8.0, 10.0, 12.0, 4.0)]))
        self.assertIn("granted no more", notes((1, 1, 1.0, 1), (3, 2, 1.0, 2)))
        self.assertIn("say little of threads", notes((1, 1, 0.02, 0.02)))

    def test_statistics_are_pythons(self):
        for count in (2, 3, 4, 7, 100):
            values = [random.lognormvariate(0, 1) for _ in range(count)]
            found = self.script("return page.statistics(arguments[0])", values)
            names = ("min", "max", "mean", "deviation", "median", "iqr", "rate")
            for name, figure in zip(names, expected_figures(values), strict=True):
                self.assertAlmostEqual(found[name], figure, delta=1e-12 * abs(figure), msg=name)
        single = self.script("const found = page.statistics([2]); return [found.median, found.iqr, Number.isNaN(found.deviation)]")
        self.assertEqual(single, [2, 0, True])

    def test_a_click_is_enough(self):
        """What the form has at first, but for the rounds, which are too many for a busy machine; by keys alone."""
        self.write("#lab-common-rounds", "1\n")
        self.finish()
        self.assertEqual([row[0].split()[0] for row in self.table()], ["1", "2", "3", "4"])
        unnamed = self.script("""return [...document.querySelectorAll('#view-lab input, #view-lab select, #view-lab textarea')]
                                 .filter(each => !each.labels.length).map(each => each.id)""")
        self.assertEqual(unnamed, [])
        self.at(browser.PHONE, dark=True)
        self.until(lambda: self.script("return document.querySelector('#view-lab svg').getBoundingClientRect().right < innerWidth"),
                   "the plot follows the window's width")
        self.assert_fits()


if __name__ == "__main__":
    unittest.main()
