"""The reference: what it has of openapi.yaml, its addresses, its search, how it looks."""

import pathlib
import re
import unittest

import browser
import yaml
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_bytes())
METHODS = ("get", "post", "put", "delete")
OPERATIONS = [(path, method, item[method]) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item]
PROBLEMS = [name.split(":")[-1] for name in DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]]


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def examples(operation):
    """Anchors of what has a button."""
    content = operation.get("requestBody", {}).get("content", {})
    names = [name for media in content.values() for name in media.get("examples", {})] or ["request"]
    return [f"example-{slug(name)}" for name in dict.fromkeys(names)]


class ReferenceTest(browser.PageTest):
    view = "api"

    def setUp(self):
        super().setUp()
        self.find("#ref-nav a")

    def go(self, rest):
        self.script("location.hash = arguments[0]", f"#api/{rest}")
        self.until(lambda: self.script("return location.hash") == f"#api/{rest}", f"the address is {rest}")

    def heading(self):
        return self.find(".ref-main h1").text

    def names(self, selector):
        return self.script("return Array.from(document.querySelectorAll(arguments[0]), each => each.textContent)", selector)

    def show(self, path, method):
        self.go(slug(f"{method} {path}"))
        self.until(lambda: path in self.heading() and method.upper() in self.heading(), f"{method} {path} is shown")

    # --- what it has ---

    def test_every_endpoint_is_listed_and_has_all_that_the_document_says_of_it(self):
        self.assertEqual(set(self.script("return Array.from(document.querySelectorAll('#ref-nav a'), each => each.hash)"))
                         & {f"#api/{slug(f'{method} {path}')}" for path, method, _ in OPERATIONS},
                         {f"#api/{slug(f'{method} {path}')}" for path, method, _ in OPERATIONS})
        for path, method, operation in OPERATIONS:
            with self.subTest(path, method=method):
                self.show(path, method)
                shown = set(self.script("return Array.from(document.querySelectorAll('.ref-main [id]'), each => each.id)"))
                parameters = map(resolve, operation.get("parameters", []) + DOCUMENT["paths"][path].get("parameters", []))
                expected = {f"{parameter['in']}-{slug(parameter['name'])}" for parameter in parameters}
                for content in resolve(operation.get("requestBody", {})).get("content", {}).values():
                    expected |= {f"field-{slug(name)}" for name in resolve(content["schema"]).get("properties", {})}
                expected |= set(examples(operation))
                expected |= {f"{'answer' if status < '400' else 'error'}-{status}" for status in operation["responses"]}
                self.assertEqual(expected - shown, set())
                said = {name for status, response in operation["responses"].items() if status >= "400"
                        for name in resolve(response)["content"]["application/problem+json"]["examples"]}
                self.assertEqual(set(self.names("#error-x, .ref-problems code")), said)

    def test_a_field_has_its_type_limits_default_and_meaning(self):
        self.go("post-v1-wordcount")
        row = lambda anchor: " ".join(self.find(f"[id='{anchor}']").text.split())  # noqa: E731
        self.assertEqual(row("field-threads"), 'threads integer (1 … 1024) or "auto" How many threads the call may use. Default: "auto"')
        self.assertEqual(row("field-text"), "text required string or DataReference What is counted in.")
        self.assertIn('"exact", "letters", "words"', row("field-match"))
        self.assertIn("array (1 … 64 elements) of strings (not empty)", row("field-words"))
        self.assertIn("For text/plain", row("query-top"))
        self.assertIn("array (≤ 100000 elements) of objects", row("answer-200-wordcounttop-top"))
        self.assertIn("string", row("answer-200-wordcounttop-top-word"))
        self.go("post-v1-triangular")
        self.until(lambda: "triangular" in self.heading(), "the next one")
        self.assertIn("integer (0 … 2^63 - 1)", row("answer-200-sum"))  # not what a double makes of it

    def test_every_problem_has_its_status_and_title(self):
        self.go("problems")
        self.assertEqual(self.heading(), "Problems")
        listed = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \| (.+?) \|$", DOCUMENT["info"]["description"], re.MULTILINE)
        self.assertEqual({name for name, *_ in listed}, set(PROBLEMS))
        for name, status, title in listed:
            text = self.script("const h = document.getElementById(`problem-${arguments[0]}`);"
                               "return h.textContent + '|' + h.nextElementSibling.textContent", name)
            self.assertTrue(text.startswith(f"{name} {status}|{title}. "), text)

    def test_the_chapters_of_the_description_are_rendered(self):
        titles = re.findall(r"^## (.*)$", DOCUMENT["info"]["description"], re.MULTILINE)
        for title in titles:
            self.go(f"about-{slug(title)}")
            self.until(lambda title=title: self.heading() == title, f"{title} is shown")
            text = self.find(".ref-main").text
            for mark in ("`", "**", "](", "| "):
                self.assertNotIn(mark, text)
        self.go("about-options-of-every-computation")
        self.assertEqual(self.names(".ref-table thead th"), ["option", "range", "default", "meaning"])
        self.assertEqual(self.find(".ref-main a[href='#api/about-named-data']").text, "data")
        self.assertEqual(self.find(".ref-main a[href='#api/problem-wrong-type']").text, "wrong-type")

    # --- its addresses ---

    def test_every_link_leads_to_something(self):
        pages = [link.split("/")[1] for link in self.script(
            "return Array.from(document.querySelectorAll('#ref-nav a'), each => each.hash)")]
        ids, links = {}, set()
        for page in pages:
            self.go(page)
            self.until(lambda page=page: self.script("return document.querySelector('#ref-nav [aria-current]').hash") == f"#api/{page}",
                       f"{page} is the current one")
            every = self.script("return Array.from(document.querySelectorAll('#view-api [id]'), each => each.id)")
            self.assertEqual(sorted(every), sorted(set(every)), f"{page} has an id twice")
            ids[page] = set(every)
            links |= set(self.script("return Array.from(document.querySelectorAll('.ref-main a'), each => each.getAttribute('href'))"))
        self.assertGreater(len(links), 1000)
        for link in links - {"/openapi.json", "/openapi.yaml"}:
            self.assertTrue(link.startswith("#api/"), link)
            page, _, anchor = link.removeprefix("#api/").partition("/")
            for kind, together in (("problem-", "problems"), ("type-", "types")):
                if page.startswith(kind):
                    page, anchor = together, anchor or page
            self.assertIn(page, ids, link)
            self.assertTrue(not anchor or anchor in ids[page], link)

    def test_an_address_opens_where_it_points(self):
        for rest, selector in {"post-v1-map/example-several": "#example-several[open] pre", "post-v1-map/field-axis": "#field-axis",
                               "problem-no-integer": "#problem-no-integer", "type-Timing": "#type-Timing"}.items():
            with self.subTest(rest):
                self.open(f"api/{rest}")
                target = self.find(f".ref-main {selector}")
                self.until(lambda target=target: 0 <= self.script("return arguments[0].getBoundingClientRect().top", target) < 450,
                           "it is in sight")

    def test_what_is_gone_to_has_the_focus_and_back_goes_back(self):
        self.click("#ref-nav a[href='#api/post-v1-map']")
        self.until(lambda: self.script("return document.activeElement.textContent").startswith("POST"), "the heading has the focus")
        self.go("post-v1-map/field-expr")
        self.browser.back()
        self.browser.back()
        self.until(lambda: self.heading() == "API reference", "one is back")

    # --- search ---

    def test_the_search_finds_endpoints_fields_problems_examples_and_chapters(self):
        for text, kind, title in (("pairwise", "Endpoint", "POST /v1/pairwise"), ("timeout_ms", "Field", "timeout_ms"),
                                  ("out of range", "Problem", "out-of-range"), ("mean rows", "Example", "a mean along the rows"),
                                  ("half-close", "Guide", "Clients that close their side"), ("cpu_ms", "Type", "Timing"),
                                  ("idempotency key", "Parameter", "Idempotency-Key")):
            with self.subTest(text):
                self.write("#ref-search", text)
                found = list(zip(self.names(".ref-kind"), self.names(".ref-results li > p:first-child > a")))
                self.assertIn((kind, title), found[:8])
                for word in text.split():
                    self.assertIn(word, self.find(".ref-results").text.lower())

    def test_what_is_found_is_shown_as_it_is_read(self):
        for text, shown in (("threads", "threads · 1 … 1024"), ("internal", "internal · 500")):
            self.write("#ref-search", text)
            said = " ".join(self.names(".ref-results .note"))
            self.assertIn(shown, said)
            self.assertNotRegex(said, r"\| ?\w+ ?\||---|\]\(")

    def test_keys_are_enough_to_find_something(self):
        for size in (browser.PHONE, browser.DESK):
            self.at(size)
            self.open("api")
            self.find("#ref-nav a")
            self.find("body").send_keys("/")
            box = self.find("#ref-search")
            self.assertEqual(self.browser.switch_to.active_element, box)
            box.send_keys("/")  # is a character here
            self.assertEqual(box.get_attribute("value"), "/")
            box.clear()
            box.send_keys("no-integer", Keys.ENTER)
            self.until(lambda: self.heading() == "Problems", "the first that was found is shown")
            self.assertEqual(self.script("return location.hash"), "#api/problem-no-integer")
            self.assertEqual(box.get_attribute("value"), "")
            box.send_keys("no-integer")
            self.assertIn("found", self.heading())
            self.assert_fits()
            self.assertIn("found", self.find("#announcer").get_attribute("textContent"))
            box.send_keys(Keys.ENTER)  # to where one is already
            self.until(lambda: self.heading() == "Problems", "it is shown again")
            box.send_keys("zebra crossing")
            self.assertEqual(self.heading(), "Nothing has “zebra crossing”")
            box.send_keys(Keys.ESCAPE)
            self.assertEqual(self.heading(), "Problems")

    def test_the_slash_belongs_to_other_views_elsewhere(self):
        self.open("try")
        self.find("body").send_keys("/")
        self.assertFalse(self.find_all("#ref-search:focus"))

    # --- examples ---

    def test_copy_has_the_example(self):
        self.browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        self.go("post-v1-map/example-reduction")
        self.click("#example-reduction button.quiet")
        self.until(lambda: self.find("#example-reduction button.quiet").text == "Copied", "it says so")
        copied = self.browser.execute_async_script(
            "const done = arguments[0]; navigator.clipboard.readText().then(done, error => done(String(error)))")
        wanted = DOCUMENT["paths"]["/v1/map"]["post"]["requestBody"]["content"]["application/json"]["examples"]["reduction"]["value"]
        self.assertEqual(yaml.safe_load(copied), wanted)

    # --- how it looks ---

    def test_it_fits_and_its_contents_can_be_folded_out(self):
        pages = ("", "about-options-of-every-computation", "problems", "types", "post-v1-wordcount", "put-v1-jobs-id", "get-v1-system")
        for rest in pages:
            self.go(rest)
            self.until(lambda rest=rest: self.script("return document.querySelector('#ref-nav [aria-current]').hash") == f"#api/{rest}",
                       f"{rest} is shown")
            self.script("document.querySelectorAll('.ref-main details').forEach(each => { each.open = true; })")
            for width in (360, 390, 768, 1440, 2560):
                with self.subTest(rest, width=width):
                    self.at((width, 900), dark=width == 390)
                    self.assert_fits()
                    levels = [int(tag[1]) for tag in self.script(
                        "return Array.from(document.querySelectorAll('#view-api :is(h1, h2, h3, h4, h5, h6)'), each => each.tagName)")]
                    self.assertEqual(levels[0], 1)
                    self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels)
        self.at(browser.PHONE)
        self.open("api")
        self.assertFalse(self.find("#ref-nav").is_displayed())
        self.click(".ref-toggle")
        self.assertEqual(self.find(".ref-toggle").get_attribute("aria-expanded"), "true")
        self.click("#ref-nav a[href='#api/get-v1-jobs']")
        self.until(lambda: not self.find("#ref-nav").is_displayed(), "the contents are folded in again")
        self.assertIn("/v1/jobs", self.heading())


if __name__ == "__main__":
    unittest.main()
