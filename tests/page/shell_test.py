"""The page's shell: what / answers to whom, what the answers say, and the page as a frame of its views."""

import gzip
import subprocess
import unittest

import browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

LIKES_HTML = {"Firefox": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
              "Chrome": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
                        "application/signed-exchange;v=b3;q=0.7",
              "text/html alone": "text/html"}
LIKES_JSON = {"curl": "*/*", "a program": "application/json", "fetch() of a page": "application/json, text/plain, */*",
              "nothing": None, "either": "application/json, text/html;q=0.9", "whom all is the same": "text/html;q=0.5, */*;q=0.5"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
          "base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
PARTS = {"/": "text/html; charset=utf-8", "/page.js": "text/javascript", "/page.css": "text/css"}
LIMIT = 100 * 1024  # bytes, gzip: the page with all its scripts and styles


def unfold(answer):
    coding = answer.headers.get("Content-Encoding")
    if coding == "zstd":
        return subprocess.run(["zstd", "-dc"], input=answer.body, capture_output=True, check=True).stdout
    return gzip.decompress(answer.body) if coding == "gzip" else answer.body


class ShellTest(browser.PageTest):
    def ask(self, path, method="GET", **headers):
        likes = {"Accept": "text/html"} if path == "/" else {}
        return self.server.request(method, path, headers=likes | {name.replace("_", "-"): value for name, value in headers.items()})

    def test_browsers_get_the_page_and_programs_the_index(self):
        for who, accept in LIKES_HTML.items():
            with self.subTest(who):
                answer = self.server.get("/", headers={"Accept": accept})
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, PARTS["/"]))
                self.assertIn("Accept", answer.headers["Vary"])
                self.assertIn(b"<!DOCTYPE html>", answer.body)
        for who, accept in LIKES_JSON.items():
            with self.subTest(who):
                answer = self.server.get("/", headers={} if accept is None else {"Accept": accept})
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
                self.assertIn("Accept", answer.headers["Vary"])
                self.assertEqual(answer.json()["name"], "forkjoin")
                self.assertNotIn("Content-Security-Policy", answer.headers)

    def test_the_policy_is_exact_and_other_guards_are_there(self):
        for answer in (self.ask("/"), self.ask("/", "HEAD")):
            self.assertEqual(answer.headers["Content-Security-Policy"], POLICY)
            self.assertEqual(answer.headers["Cross-Origin-Opener-Policy"], "same-origin")
            self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        for path, media in PARTS.items():
            answer = self.ask(path)
            self.assertEqual((answer.headers["X-Content-Type-Options"], answer.headers["Content-Type"]), ("nosniff", media))

    def test_tags_codings_and_heads(self):
        for path in PARTS:
            plain = self.ask(path)
            tags = {plain.headers["ETag"]}
            for coding in ("gzip", "zstd"):
                with self.subTest(path, coding=coding):
                    answer = self.ask(path, Accept_Encoding=f"{coding}, identity;q=0")
                    self.assertEqual(answer.headers["Content-Encoding"], coding)
                    self.assertIn("Accept-Encoding", ", ".join(answer.headers.get_all("Vary")))
                    self.assertEqual(unfold(answer), plain.body)
                    tag = answer.headers["ETag"]
                    tags.add(tag)
                    again = self.ask(path, If_None_Match=tag, Accept_Encoding=f"{coding}, identity;q=0")
                    self.assertEqual((again.status, again.body, again.headers["ETag"]), (304, b"", tag))
                    self.assertEqual(self.ask(path, If_None_Match=tag).status, 200, "these are other bytes")
            self.assertEqual(len(tags), 3)
            self.assertEqual(self.ask(path, If_None_Match='"another"').status, 200)
            head = self.ask(path, "HEAD")
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["Content-Length"], plain.headers["Content-Length"])
            self.assertEqual(self.ask(path, "POST").status, 405)

    def test_the_index_for_programs_goes_as_it_is(self):
        for coding in ("gzip, identity;q=0", "gzip", "identity;q=0"):
            answer = self.server.get("/", headers={"Accept": "application/json", "Accept-Encoding": coding})
            self.assertEqual((answer.status, answer.headers["Content-Encoding"]), (200, None), coding)
            self.assertEqual(answer.json()["name"], "forkjoin")

    def test_the_whole_page_is_small(self):
        sizes = {path: len(self.ask(path, Accept_Encoding="gzip, identity;q=0").body) for path in PARTS}
        self.assertLessEqual(sum(sizes.values()), LIMIT, sizes)

    def test_every_view_fits_and_no_other_host_is_asked(self):
        for size in (browser.PHONE, browser.DESK, (360, 640), (2560, 1300)):
            self.at(size)
            for view in self.views():
                with self.subTest(view, width=size[0]):
                    self.open(view)
                    self.until(lambda view=view: self.find_all(f"#view-{view} h1, #view-{view} h2"), "its heading is there")
                    self.assert_fits()
                    self.assertEqual(self.find("header nav a[aria-current=page]").get_attribute("href"), f"{self.address}#{view}")
                    asked = self.script("return performance.getEntriesByType('resource').map(each => each.name)")
                    others = [name for name in asked if not name.startswith((self.address, "data:"))]
                    self.assertTrue(asked)
                    self.assertEqual(others, [])

    def test_the_navigation_works_by_keyboard_alone(self):
        def press(*keys):
            ActionChains(self.browser).send_keys(*keys).perform()

        def focused():
            return self.script("return document.activeElement.getAttribute('href') || document.activeElement.id")

        views = self.views()
        press(Keys.TAB)
        self.assertEqual(focused(), "#main")
        press(Keys.ENTER)
        self.until(lambda: focused() == "main", "the content has the focus")
        self.open("try")
        press(Keys.TAB, Keys.TAB)
        self.assertEqual(focused(), "#try")
        for view in views:
            press(Keys.TAB)
            self.assertEqual(focused(), f"#{view}")
            press(Keys.ENTER)
            self.until(lambda view=view: self.find(f"#view-{view}").is_displayed(), f"{view} is shown")
            self.until(lambda view=view: self.browser.title.startswith(self.find("header nav a[aria-current]").text), "the title says so")
            self.assertEqual(focused(), f"#{view}", "the focus is lost")

    def test_a_link_to_nowhere_shows_the_first_view(self):
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}#nowhere")
        self.until(lambda: self.find("#view-try").is_displayed(), "Try is shown")

    def test_a_link_to_the_content_leads_there_from_anywhere(self):
        """Opened as it stands in the address after the link was followed, too."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}#main")
        self.until(lambda: self.find("#view-try").is_displayed(), "Try is shown")

    def test_an_address_that_is_no_url_is_taken_as_it_is(self):
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}#api/%")
        self.until(lambda: self.find("#view-api").is_displayed(), "the view that it begins with is shown")


if __name__ == "__main__":
    unittest.main()
