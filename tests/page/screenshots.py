#!/usr/bin/python3 -B
"""Makes the pictures of docs/page.md: docs/pictures/page-<view>.png, light, and page-phone.png, dark.
Usage: FORKJOIN=build/release/forkjoin tests/page/screenshots.py [view ...]
"""

import json
import pathlib
import sys
import unittest

import browser

PICTURES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "pictures"
SIZE = (1200, 800)


class Photographer(browser.PageTest):
    """Not a test: a server and a browser to take pictures of."""

    def runTest(self):
        PICTURES.mkdir(exist_ok=True)
        for view in sys.argv[1:] or self.views():
            self.at(SIZE)
            if view in ("now", "jobs"):
                self.submit_jobs()
            self.open(view)
            self.until(lambda view=view: self.find_all(f"#view-{view} h1, #view-{view} h2"), "its heading is there")
            getattr(self, f"prepare_{view}", lambda: None)()
            self.browser.save_screenshot(str(PICTURES / f"page-{view}.png"))
        self.at(browser.PHONE, dark=True)
        self.open("try")
        self.prepare_try()
        self.browser.save_screenshot(str(PICTURES / "page-phone.png"))

    def setUp(self):
        super().setUp()
        for name, value in (("points", [[i / 100, i * i / 10000] for i in range(1000)]), ("texts/zen", browser.server.zen(1))):
            self.server.request("PUT", f"/v1/data/{name}", json.dumps(value), headers={"Content-Type": "application/json"})

    def submit_jobs(self):
        for ranges in ([1], [1000000000], [2000000000] * 4, [2000000000] * 4):
            self.server.post("/v1/triangular", {"ranges": ranges, "threads": 1}, headers={"Prefer": "respond-async"})

    def prepare_lab(self):
        self.click("#view-lab input[value=expression]")
        self.click("#view-lab button[type=submit]")
        self.until(lambda: self.find("#view-lab button[type=submit]").is_enabled(), "it is measured")
        self.script("document.activeElement.blur(); window.scrollTo(0, 0)")

    def prepare_try(self):
        self.find('#try-operation option[value="POST /v1/map"]').click()
        self.script("""const field = name => [...document.querySelectorAll("#view-try form label")]
                           .find(label => label.textContent === name).control;
                       const put = (name, text) => {
                           field(name).value = text;
                           field(name).dispatchEvent(new Event("input"));
                       };
                       put("expr", "exp(-gamma * (x - y)**2) * cos(6 * x)");
                       put("x", page.json.write(Array.from({length: 200}, (_, i) => i / 50)));
                       put("y", "2");""")
        self.click("#view-try button[type=submit]")
        self.find("#view-try .chart canvas")
        self.script("document.activeElement.blur(); window.scrollTo(0, 0)")


if __name__ == "__main__":
    unittest.TextTestRunner().run(unittest.TestSuite([Photographer()]))
