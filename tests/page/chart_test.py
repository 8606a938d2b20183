"""Charts: whatever the names of what is drawn, they are text."""

import json
import unittest

import browser
import server

REFRESH = "<meta http-equiv=refresh content=0;url=http://evil/>"
IMAGE = "<img src=/livez?injected><b id=inj>"
LONG = "W" * 120
VALUES = list(range(8))
MADE_OF_MARKUP = """
const parent = document.createElement("div");
document.querySelector("#view-now").append(parent);
page.chart(parent, {label: "l", x: "<b id=inj>x", y: "<b id=inj>y", series: ["<b id=inj>s", "__proto__", "x", "x"],
    dashed: ["__proto__"], rows: [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]], value: n => `<b id=inj>&amp;${n}`, valueX: n => `<i id=inj>${n}`});
return parent.innerText;"""


class ChartTest(browser.PageTest):
    view = "now"
    options = {"cores": 2}

    def assert_is_text(self, view, name):
        """The chart of this one member: it names the y axis and the line."""
        self.until(lambda: self.find_all(f"#view-{view} .chart canvas"), "it is drawn")
        self.assertEqual(self.find(f"#view-{view} .chart .y").get_property("textContent"), name)
        self.assertEqual(self.find(f"#view-{view} .chart .x").text, "element")
        self.assertEqual(self.find(f"#view-{view} .legend").text, name)
        self.assertEqual(self.find_all("#inj, main meta, main img"), [], "it is no markup")
        self.assertEqual(self.browser.current_url.split("#")[0], self.address)
        self.assertEqual(self.server.log(path="/livez"), [], "nothing of it was asked for")
        self.assert_fits()

    def test_names_in_the_result_of_a_job_are_text(self):
        for i, name in enumerate((REFRESH, IMAGE, LONG)):
            with self.subTest(name):
                job = f"/v1/jobs/a{i}"
                self.assertEqual(self.server.request("PUT", job, {
                    "op": "/v1/map", "request": {"exprs": {name: "x"}, "x": VALUES}}).status, 201)
                server.wait_until(lambda job=job: self.server.get(job).json()["status"] == "successful", "it is over")
                for size in browser.PHONE, browser.DESK:
                    self.at(size)
                    self.open(f"jobs/a{i}")
                    self.assert_is_text("jobs", name)

    def test_names_in_an_answer_are_text(self):
        for name in REFRESH, IMAGE, LONG:
            with self.subTest(name):
                self.open("now")
                self.script("page.fillTry('POST', '/v1/map', {media: 'application/json', body: arguments[0]})",
                            json.dumps({"exprs": {name: "x"}, "x": VALUES}))
                self.until(lambda: self.find("#view-try").is_displayed() and "Filled in" in self.find("#view-try").text, "Try has it")
                self.browser.switch_to.active_element.click()
                self.assert_is_text("try", name)

    def test_many_lines_with_names_of_markup_are_drawn(self):
        self.server.request("PUT", "/v1/jobs/many", {
            "op": "/v1/map", "request": {"exprs": {REFRESH: "x", IMAGE: "-x"}, "x": VALUES}})
        self.open("jobs/many")
        self.until(lambda: IMAGE in self.find("#view-jobs .legend").text, "it is drawn")
        self.assertIn(REFRESH, self.find("#view-jobs .legend").text)
        self.assertEqual(self.find("#view-jobs .chart .y").get_property("textContent"), "value")
        self.assertEqual(self.find_all("#inj, main meta, main img"), [])

    def test_what_is_said_of_numbers_is_text(self):
        said = self.script(MADE_OF_MARKUP)
        self.assertEqual(self.find_all("#inj"), [])
        for text in ("<b id=inj>x", "<b id=inj>y", "<b id=inj>s", "__proto__", "<b id=inj>&amp;2", "<i id=inj>0.5"):
            self.assertIn(text, said)


if __name__ == "__main__":
    unittest.main()
