"""The view "Now": traffic that the test makes appears, and nobody who doesn't look asks anything."""

import json
import unittest

import browser
from browser import server

from selenium.webdriver.support.ui import Select

LOOK = {"path": "/metrics"}
METRICS = """# HELP a_total Counts "things".
# TYPE a_total counter
a_total{name="x",path="/v1/data/{name}"} 3
a_total{name="quote \\" slash \\\\ line \\n, and=\\"y\\"",path="}"} 4.5
b 1e3 1700000000
c +Inf
h_bucket{le="0.1"} 2
h_bucket{le="+Inf"} 3
"""
TWO_LOOKS = """
const look = (start, ...values) => page.metrics.parse(["process_start_time_seconds " + start,
    ...values.map(([name, value]) => `a_total{name="${name}"} ${value}`)].join("\\n"));
const grown = (now, before) => { const map = page.metrics.growth(now, before, each => page.metrics.sums(each, "a_total", "name"));
    return map && Object.fromEntries(map); };
const first = look(1, ["x", 5]);
return [grown(first, null), grown(look(1, ["x", 7], ["y", 2]), first), grown(look(1, ["x", 4]), first),
    grown(look(2, ["x", 9]), first), grown(look(1), first)];
"""


class NowTest(browser.PageTest):
    view = "now"
    options = {"cores": 2, "data_memory": "2MiB"}
    expected = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")

    def text(self, part):
        return self.find(f"#now-{part} > p").text

    def row(self, endpoint):
        """The table's row of an endpoint as texts, or None."""
        return self.script("""
            const row = [...document.querySelectorAll('#now-endpoints tbody tr')].find(each => each.cells[0].textContent === arguments[0]);
            return row ? [...row.cells].map(each => each.textContent) : null;""", endpoint)

    def looks(self):
        return len(self.server.log(**LOOK))

    def make_traffic(self):
        self.server.post("/v1/gaussian", {"x": [1, 2, 3], "y": 0, "threads": 2})
        self.server.post("/v1/gaussian", {"x": "wrong"})
        self.server.request("PUT", "/v1/data/large", b"x" * (3 << 20), headers={"Content-Type": "text/plain"})

    def shows(self, part, wanted):
        def is_shown():
            self.make_traffic()
            return wanted(self.text(part))
        self.until(is_shown, f"{part} shows the traffic, last {self.text(part)!r}")

    def rate(self):
        self.make_traffic()
        row = self.row("/v1/gaussian")
        return row is not None and row[1] not in ("–", "0")

    def test_traffic_appears(self):
        self.until(lambda: self.looks() > 1, "the page asks")
        self.until(self.rate, "a rate of requests is shown")
        row = self.row("/v1/gaussian")
        self.assertGreater(float(row[1].replace(",", "")), 0)
        self.assertRegex(row[2], r"^[\d.]+ (µs|ms|s)$")
        self.assertRegex(row[3], r"^[\d.]+ (µs|ms|s)$")
        self.shows("requests", lambda text: text[0].isdigit() and not text.startswith("0 "))
        self.shows("latency", lambda text: "p50" in text and "s, p99" in text)
        self.shows("refusals", lambda text: "data-full" in text and "wrong-type" not in text and text[0].isdigit() and not text.startswith("0 "))
        self.shows("cores", lambda text: "of 2 held" in text and "threads granted a computation" in text)
        self.assertIn("of 256", self.text("queue"))
        self.assertIn("of 4,096", self.text("connections"))
        Select(self.find("#now-latency select")).select_by_visible_text("/v1/gaussian")
        self.shows("latency", lambda text: "p50" in text)
        self.server.request("PUT", "/v1/data/numbers", json.dumps([0.5] * 131072), headers={"Content-Type": "application/json"})
        self.until(lambda: "data 1 MiB" in self.text("memory"), f"data is in the memory: {self.text('memory')!r}")
        self.server.request("DELETE", "/v1/data/numbers")
        for size in (browser.PHONE, browser.DESK):
            self.at(size)
            self.assert_fits()
        self.assertEqual(len(self.find_all("#view-now .chart canvas")) >= 7, True)

    def test_work_that_waits_appears(self):
        body = b'{"ranges": [2400000000, 2400000000], "threads": 2}'
        clients = [self.server.socket() for _ in range(3)]
        for client in clients:
            client.sendall(server.post_head("/v1/triangular", len(body)) + body)
        self.until(lambda: "2 of 2 held" in self.text("cores"), "cores are held")
        self.until(lambda: self.text("queue").startswith(("1 of 256", "2 of 256")), "what waits is shown")
        for client in clients:
            client.close()
        self.until(lambda: "0 of 2 held" in self.text("cores") and self.text("queue").startswith("0 of"), "they are gone")

    def pass_seconds(self):
        """Some of those after which the page would have asked, on its own clock."""
        self.browser.set_script_timeout(server.PATIENCE_S)
        self.browser.execute_async_script("setTimeout(arguments[0], 3000)")

    def test_who_does_not_look_asks_nothing(self):
        def switch(selector):
            return lambda: self.script("document.querySelector(arguments[0]).click()", selector)

        def hide():
            self.script("document.addEventListener('visibilitychange', () => { window.wasHidden ||= document.hidden; })")
            self.browser.switch_to.new_window("tab")

        def come_back():
            self.browser.close()
            self.browser.switch_to.window(self.browser.window_handles[0])

        for leave, back in ((switch("#view-now .head button"), switch("#view-now .head button")),
                            (lambda: self.script("location.hash = '#lab'"), lambda: self.script("location.hash = '#now'")),
                            (hide, come_back)):
            seen = self.looks()
            self.until(lambda seen=seen: self.looks() > seen, "it asks")
            leave()
            self.pass_seconds()  # what was under way comes to its end
            seen = self.looks()
            self.pass_seconds()
            self.assertEqual(self.looks(), seen)
            back()
            self.until(lambda seen=seen: self.looks() > seen, "it asks again")
        self.assertTrue(self.script("return window.wasHidden"), "another tab hides this one")

    def test_another_process_is_a_new_beginning(self):
        with server.Server(cores=2) as first:
            for _ in range(5):
                first.post("/v1/gaussian", {"x": [1], "y": 0})
            self.browser.get(f"http://{first.host}:{first.port}/#now")
            self.until(lambda: (self.row("/v1/gaussian") or [""])[-1] == "5", "what it has counted is shown")
            self.assertIn(self.row("/v1/gaussian")[1], ("–", "0"))  # of its first look, and of others: none came since
            first.stop()
        self.until(lambda: "doesn't answer" in self.find("#view-now [role=status]").text, "it says that nobody answers")
        with server.Server(cores=2, port=first.port) as second:
            self.until(lambda: self.find("#view-now [role=status]").text == "", "it has found the other one")
            self.assertNotIn("-", self.text("requests"))
            second.post("/v1/gaussian", {"x": [1], "y": 0})
            self.until(lambda: (self.row("/v1/gaussian") or [""])[-1] == "1", "what that has counted is shown")
            self.browser.get("about:blank")

    def test_a_service_that_is_away_is_one_gap(self):
        self.open("try")
        self.script("""
            const [chart, call] = [page.chart, page.call];
            window.failed = 0;
            page.chart = (parent, options) => {
                const made = chart(parent, options);
                return options.label.startsWith("Memory") ? {...made, update(rows) { window.rows = rows; made.update(rows); }} : made;
            };
            page.call = (method, path, ...more) => path === "/metrics" && window.isAway
                ? (window.failed++, Promise.reject(new Error("away"))) : call(method, path, ...more);
            location.hash = "#now";""")
        self.until(lambda: self.script("return (window.rows || []).length") > 2, "there are looks")
        self.script("window.isAway = true")
        self.until(lambda: self.script("return window.failed") > 2, "it has failed more than once")
        self.script("window.rows = null; window.isAway = false")
        self.until(lambda: self.script("return window.rows"), "it is back")
        gaps = self.script("return window.rows.slice(1).filter(row => row.slice(1).every(value => value === null)).length")
        self.assertEqual(gaps, 1)

    def test_text_format_is_read(self):
        found = self.script("""const read = page.metrics.parse(arguments[0]);
            return [Object.fromEntries(read), page.metrics.sum(read, "a_total"), page.metrics.sum(read, "a_total", {name: "x"}),
                    read.get("c")[0].value === Infinity, page.metrics.sum(read, "nothing")];""", METRICS)
        self.assertEqual(found[0]["a_total"], [
            {"labels": {"name": "x", "path": "/v1/data/{name}"}, "value": 3},
            {"labels": {"name": 'quote " slash \\ line \n, and="y"', "path": "}"}, "value": 4.5}])
        self.assertEqual(found[0]["b"], [{"labels": {}, "value": 1000}])
        self.assertEqual([each["labels"]["le"] for each in found[0]["h_bucket"]], ["0.1", "+Inf"])
        self.assertEqual(found[1:], [7.5, 3, True, 0])

    def test_growth_is_none_at_first_and_after_a_reset(self):
        self.assertEqual(self.script(TWO_LOOKS), [None, {"x": 2, "y": 2}, None, None, {}])

    def test_quantiles_lie_within_their_buckets(self):
        def quantile(share, **grown):
            pairs = [[name.replace("_", ".").replace("Inf", "+Inf"), count] for name, count in grown.items()]
            return self.script("return page.metrics.quantile(new Map(arguments[0]), arguments[1])", pairs, share)

        cases = ((0.5, {"1_0": 5, "2_0": 10, "Inf": 10}, 1), (0.75, {"1_0": 5, "2_0": 10, "Inf": 10}, 1.5),
                 (0.99, {"1_0": 100, "2_0": 100, "Inf": 100}, 0.99), (0.5, {"1_0": 0, "2_0": 4, "Inf": 4}, 1.5),
                 (0.99, {"1_0": 1, "2_0": 1, "Inf": 10}, 2), (0.5, {"1_0": 0, "Inf": 0}, None))
        for share, grown, wanted in cases:
            self.assertEqual(quantile(share, **{f"{name}": count for name, count in grown.items()}), wanted)


if __name__ == "__main__":
    unittest.main()
