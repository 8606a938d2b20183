"""axe-core finds nothing in any view, at both widths, light and dark.

ctest: may skip (axe-core comes from npm's registry, which not everybody can reach)
"""

import pathlib
import sys
import unittest

import browser

AXE = pathlib.Path(__file__).resolve().parent / "node_modules" / "axe-core" / "axe.min.js"


class AccessibleTest(browser.PageTest):
    def findings(self):
        """What axe says: rule, what it asks for, and where that isn't so."""
        result = self.browser.execute_async_script("""
            const done = arguments[arguments.length - 1];
            axe.run(document, {preload: false, resultTypes: ["violations"]})
                .then(result => done(result.violations.map(each => [each.id, each.help, ...each.nodes.map(node => node.html)])),
                      error => done([["failed", String(error)]]));""")
        return [tuple(text[:300] for text in each) for each in result]

    def look_at(self, view, dark):
        for size in (browser.PHONE, browser.DESK):
            self.at(size, dark)
            self.until(lambda: self.find_all(f"#view-{view} h1, #view-{view} h2"), f"{view} has its heading")
            self.script("document.querySelectorAll('details').forEach(each => { each.open = true; })")
            with self.subTest(view, dark=dark, width=size[0]):
                self.assertEqual(self.findings(), [])

    def test_every_view(self):
        self.assertTrue(AXE.is_file())
        views = self.views()
        self.assertIn("try", views)
        for view in views:
            self.open(view)
            self.script(AXE.read_text(encoding="utf-8"))
            for dark in (False, True):
                self.look_at(view, dark)

    def test_an_answer_and_a_problem(self):
        self.script(AXE.read_text(encoding="utf-8"))
        for operation in ("POST /v1/gaussian", "POST /v1/triangular"):
            self.find(f'#try-operation option[value="{operation}"]').click()
            self.click("#view-try button[type=submit]")
            self.find("#view-try .status")
            for dark in (False, True):
                self.look_at("try", dark)

    def test_a_measurement(self):
        self.open("lab")
        self.script(AXE.read_text(encoding="utf-8"))
        self.click("#view-lab input[value=gaussian]")
        self.write("#lab-gaussian-n", "1000")
        self.write("#lab-common-rounds", "1\n")
        self.find("#view-lab svg")
        self.until(lambda: "Done" in self.find("#view-lab .status").text, "it is measured")
        for dark in (False, True):
            self.look_at("lab", dark)

    def test_it_would_find_something(self):
        self.script(AXE.read_text(encoding="utf-8"))
        self.script("document.getElementById('main').append(document.createElement('input'))")
        self.assertIn("label", [finding[0] for finding in self.findings()])


if __name__ == "__main__":
    if not AXE.is_file():
        print(f"{AXE} isn't there: tests/page/install.sh gets it from npm's registry. Nothing was tested.")
        sys.exit(77)
    unittest.main()
