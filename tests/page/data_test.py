"""The page's view Data: the list, uploads, and a look at what is kept under a name."""

import io
import pathlib
import re
import sys
import unittest

import numpy as np
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.keys import Keys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser  # noqa: E402

DATA = "/v1/data"
NPY = "application/x-npy"
HOSTILE = "<script>alert(1)</script> \"quoted\" 'é' <img src=x onerror=alert(1)> &amp;"


def npy(array):
    body = io.BytesIO()
    np.save(body, array)
    return body.getvalue()


class DataTest(browser.PageTest):
    view = "data"
    options = {"cores": 2, "max_body": "8MiB"}
    expected = ("404 (Not Found)", "412 (Precondition Failed)", "422 (Unprocessable Content)")  # each is asked for

    def put(self, name, content, query=""):
        media, body = ("text/plain", content) if isinstance(content, str) else (NPY, npy(content))
        answer = self.server.request("PUT", f"{DATA}/{name}{query}", body, {"Content-Type": media})
        self.assertIn(answer.status, (200, 201), answer)

    def setUp(self):
        self.server.request("DELETE", f"{DATA}?all=true")
        super().setUp()

    def said(self, selector="#view-data"):
        while True:
            try:
                return self.find(selector).text
            except StaleElementReferenceException:
                pass  # it was filled anew in between

    def names(self):
        return self.script("return [...document.querySelectorAll('#view-data td.id a')].map(link => link.textContent)")

    def file(self, name, content):
        path = pathlib.Path(self.folder.name) / name
        path.write_bytes(content)
        return path

    def value(self, selector):
        return self.find(selector).get_property("value")

    def fault(self, field):
        self.until(lambda: self.find(f"#data-{field}").get_attribute("aria-invalid") == "true", f"{field} is refused")
        return self.said(f"#data-{field}-fault")

    # --- upload ---

    def upload_with_the_chooser(self, name):
        array = np.arange(6.0).reshape(2, 3)
        self.find("#data-file").send_keys(str(self.file("Größen <b>&amp; Maße.npy", npy(array))))
        self.assertRegex(self.value("#data-name"), r"^[A-Za-z0-9._-]+$", "a name that is allowed is proposed")
        self.assertTrue(self.value("#data-name").startswith("Gro"))
        self.assertEqual(self.value("#data-media"), NPY)
        self.write("#data-name", name)
        self.write("#data-expires", "3600")
        self.assert_fits()
        self.click("#view-data button[type=submit]")
        self.until(lambda: name in self.names(), "it is in the list")
        self.assertIn(f"Kept as {name}", self.said(".outcome"))
        kept = self.server.get(f"{DATA}/{name}?meta").json()
        self.assertEqual((kept["shape"], kept["expires"] is None), ([2, 3], False))
        self.assert_fits()

    def test_upload_with_the_chooser_on_a_desk(self):
        self.upload_with_the_chooser("desk/x")

    def test_upload_with_the_chooser_on_a_phone(self):
        self.at(browser.PHONE)
        self.upload_with_the_chooser("phone/x")

    def drop(self, name, content, media):
        self.script("""
            const transfer = new DataTransfer();
            transfer.items.add(new File([arguments[1]], arguments[0], {type: arguments[2]}));
            const form = document.querySelector("#view-data form");
            for (const kind of ["dragover", "drop"]) {
                form.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
            }""", name, content, media)

    def test_a_text_and_json_are_dropped(self):
        self.drop("notes.txt", HOSTILE, "text/plain")
        self.assertEqual((self.value("#data-name"), self.value("#data-media")), ("notes", "text/plain"))
        self.click("#view-data button[type=submit]")
        self.until(lambda: "notes" in self.names(), "the text is kept")
        self.assertEqual(self.server.get(f"{DATA}/notes").json(), HOSTILE)
        self.drop("rows.json", "[[1, 2], [3, 4]]", "application/json")
        self.click("#view-data button[type=submit]")
        self.until(lambda: "rows" in self.names(), "the rows are kept")
        self.assertEqual(self.server.get(f"{DATA}/rows").json(), [[1, 2], [3, 4]])

    def test_what_is_there_is_replaced_only_if_that_is_said(self):
        self.put("taken", "before")
        self.drop("taken.txt", "after", "text/plain")
        self.click("#view-data button[type=submit]")
        self.assertIn("Replace", self.fault("name"))
        self.assertEqual(self.server.get(f"{DATA}/taken").json(), "before")
        self.click("#data-replace")
        self.click("#view-data button[type=submit]")
        self.until(lambda: "Replaced taken" in self.said(".outcome"), "it is replaced")
        self.assertEqual(self.server.get(f"{DATA}/taken").json(), "after")

    def test_what_is_submitted_twice_is_sent_once(self):
        self.drop("twice.txt", "text", "text/plain")
        self.script("""
            const send = page.try.send;
            window.sent = 0;
            page.try.send = (...request) => { window.sent++; return send(...request); };
            const form = document.querySelector("#view-data form");
            form.requestSubmit();
            form.requestSubmit();""")
        self.until(lambda: "Kept as twice" in self.said(".outcome"), "it is kept")
        self.assertEqual(self.script("return window.sent"), 1)

    def test_what_is_wrong_is_said_at_its_field(self):
        self.click("#view-data button[type=submit]")
        self.assertIn("Choose a file", self.fault("file"))
        self.drop("a.json", '{"a": 1}', "application/json")
        for name in ("a b", "../x", "a//b", "<script>", "é", "x" * 129):
            self.write("#data-name", name)
            self.assertIn("A name has 1 to 128", self.fault("name"))
        self.click("#view-data button[type=submit]")
        self.assertEqual(self.script("return document.activeElement.id"), "data-name")
        self.write("#data-name", "a")
        self.write("#data-expires", "-1")
        self.click("#view-data button[type=submit]")
        self.assertIn("expires_s", self.fault("expires"))
        self.find("#data-expires").clear()
        self.click("#view-data button[type=submit]")
        self.until(lambda: "the body is an object" in self.said(".outcome"), "what the service says of the content")
        self.find("#data-file").send_keys(str(self.file("long.txt", b"x" * (9 << 20))))
        self.click("#view-data button[type=submit]")
        self.assertIn("8 MiB at most", self.fault("file"))
        self.assertEqual(self.server.get(DATA).json()["count"], 0)

    def test_a_long_upload_says_how_far_it_is_and_is_stopped(self):
        self.browser.execute_cdp_cmd("Network.enable", {})
        slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
        self.addCleanup(self.browser.execute_cdp_cmd, "Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
        self.find("#data-file").send_keys(str(self.file("slow.txt", b"x" * (7 << 20))))
        self.click("#view-data button[type=submit]")
        self.until(lambda: 0 < self.find("form progress").get_property("value") < 1, "some of it is sent")
        self.assertRegex(self.said(".outcome"), r" of 7 MiB")
        self.click("form .actions button[type=button]")
        self.until(lambda: "The upload was stopped." in self.said(".outcome"), "it is stopped")
        self.assertEqual(self.server.get(f"{DATA}/slow").status, 404)

    # --- list ---

    def test_the_list_has_pages_a_prefix_and_the_sum(self):
        for i in range(60):
            self.put(f"{'ab'[i % 2]}/{i:02}", "text")
        self.open("data")
        self.until(lambda: len(self.names()) == 50, "a page")
        self.assertRegex(self.said(".use"), r"60 names, .* of .*, in memory")
        self.click("#view-data nav button:last-child")
        self.until(lambda: len(self.names()) == 10, "the next one")
        self.click("#view-data nav button:first-child")
        self.until(lambda: len(self.names()) == 50, "the first one again")
        self.write("#data-prefix", "b/\n")
        self.until(lambda: len(self.names()) == 30 and self.names()[0] == "b/01", "what begins so")
        self.write("#data-prefix", "<b>\n")
        self.until(lambda: "character 1 of the name" in self.said("#data-prefix-fault"), "what is wrong is said")
        self.assertEqual(self.find("#data-prefix").get_attribute("aria-invalid"), "true")
        self.write("#data-prefix", "c\n")
        self.until(lambda: "No name begins with “c”" in self.said(), "that there is none is said")

    def delete_in_the_list(self):
        self.put("one", "1")
        self.put("two", "2")
        self.open("data")
        self.click("[aria-label='Delete one']")
        self.assertIn("Delete one?", self.said())
        self.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
        self.assertEqual(self.script("return document.activeElement.getAttribute('aria-label')"), "Delete one")
        self.click("[aria-label='Delete one']")
        self.click(".confirm .danger")
        self.until(lambda: self.names() == ["two"], "it is gone")
        self.assertEqual(self.server.get(f"{DATA}/one").status, 404)
        self.assert_fits()

    def test_delete_in_the_list_on_a_desk(self):
        self.delete_in_the_list()

    def test_delete_in_the_list_on_a_phone(self):
        self.at(browser.PHONE)
        self.delete_in_the_list()

    def test_what_was_replaced_meanwhile_is_not_deleted(self):
        self.put("x", "before")
        self.open("data/x")
        self.until(lambda: "before" in self.said(), "it is shown")
        self.put("x", "after")
        self.click("[aria-label='Delete x']")
        self.click(".confirm .danger")
        self.until(lambda: "If-Match" in self.said("#view-data .error"), "why is said")
        self.assertEqual(self.server.get(f"{DATA}/x").json(), "after")

    # --- look ---

    def bins(self):
        """The histogram's table: (from, to, count) as they are written."""
        self.until(lambda: self.find_all("#view-data figure canvas"), "there is a histogram")
        return self.script("return [...document.querySelectorAll('#view-data details tbody tr')]"
                           ".map(row => [...row.cells].map(cell => cell.textContent))")

    def counts(self):
        return [int(count.replace(",", "")) for _begin, _end, count in self.bins()]

    def test_a_hash_has_no_digit_alone_on_a_line(self):
        self.put("points", np.arange(100.0))
        self.open("data/points")
        wanted = self.server.get(f"{DATA}/points?meta").json()["sha256"]
        self.find("#view-data .long code")
        for width in (320, *range(360, 1460, 50)):
            self.at((width, 900))
            lines = self.script("""const code = document.querySelector("#view-data .long code");
                const lines = new Map();
                const parts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
                while (parts.nextNode()) {
                    [...parts.currentNode.data].forEach((digit, i) => {
                        const range = document.createRange();
                        range.setStart(parts.currentNode, i);
                        range.setEnd(parts.currentNode, i + 1);
                        const {top} = range.getBoundingClientRect();
                        lines.set(top, (lines.get(top) || "") + digit);
                    });
                }
                return [...lines.values()];""")
            self.assertEqual("".join(lines), wanted)
            self.assertIn({len(line) for line in lines}, ({64}, {32}, {16}), (width, lines))
        self.assertEqual(self.script("""getSelection().selectAllChildren(document.querySelector("#view-data .long code"));
                                        return String(getSelection())"""), wanted)

    def test_numbers(self):
        values = np.concatenate([np.random.default_rng(1).normal(size=5000), [np.nan, np.inf, -np.inf, np.nan]])
        self.put("demo/normal", values)
        for size in browser.PHONE, browser.DESK:
            self.at(size)
            self.open("data/demo/normal")
            expected, edges = np.histogram(values[np.isfinite(values)], 40)
            self.assertEqual(self.counts(), expected.tolist())
            self.assertIn("demo/normal in 40 bins", self.find("figure").get_attribute("aria-label"))
            self.assert_fits()
        facts = self.said()
        for text in ("numbers", "float64", "5,004", "NaN\n2", "Infinite\n2", self.server.get(f"{DATA}/demo/normal?meta").json()["sha256"]):
            self.assertIn(text, facts)
        self.assertIn(repr(float(values[0])), facts)

    def test_rows_are_turned(self):
        self.put("rows", np.array([[1, np.nan], [np.inf, 2], *[[i, -i] for i in range(2, 25)]]))
        self.open("data/rows")
        rows = "#view-data [aria-label='Rows of rows'] tbody"
        self.until(lambda: "NaN" in self.said(rows), "the first rows")
        self.assertEqual(self.said(rows).split("\n")[:3], ["0 1 NaN", "1 Infinity 2", "2 2 -2"])
        self.click("#view-data .stack:last-child .actions button:last-child")
        self.until(lambda: self.said(rows).startswith("10 10 -10"), "the next ones")
        self.click("#view-data .stack:last-child .actions button:last-child")
        self.until(lambda: self.said(rows) == "\n".join(f"{i} {i} -{i}" for i in range(20, 25)), "the last ones")
        self.assertFalse(self.find("#view-data .stack:last-child .actions button:last-child").is_enabled())

    def test_rows_that_come_too_late_are_no_fault_of_those_that_are_shown(self):
        self.put("late", np.arange(25.0))
        self.open("data/late")
        rows = "#view-data [aria-label='Rows of late'] tbody"
        self.until(lambda: self.said(rows).startswith("0 0"), "the first rows")
        self.script("""
            const call = page.call;
            page.call = (method, path, ...more) => path.endsWith("rows=10:20")
                ? new Promise((_, reject) => { window.fail = () => reject(new Error("late")); }) : call(method, path, ...more);
            document.querySelector("#view-data .stack:last-child .actions button:last-child").click();
            document.querySelector("#view-data .stack:last-child .actions button:first-child").click();""")
        self.until(lambda: self.said(rows).startswith("0 0"), "the first rows again")
        self.browser.execute_async_script("window.fail(); setTimeout(arguments[0]);")
        self.assertEqual(self.find_all("#view-data .error"), [])
        self.assertTrue(self.said(rows).startswith("0 0"))

    def test_whole_numbers_wide_rows_bool_and_float32(self):
        self.put("dice", np.array([1, 1, 2, 6, 6, 6]))
        self.put("far", np.array([2**62 + 1, -5, 7]))
        self.put("flags", np.array([True, False, True]))
        self.put("single", np.linspace(0, 1, 1000, dtype=np.float32))
        self.put("wide", np.arange(200_000.0).reshape(2, 100_000))
        for name, expected in (("dice", [2, 1, 0, 0, 0, 3]), ("flags", [1, 2]), ("far", [2] + [0] * 38 + [1])):
            self.open(f"data/{name}")
            self.assertEqual(self.counts(), expected)
        self.assertIn("4611686018427387905", self.said("[aria-label='Rows of far']"))
        self.open("data/single")
        self.assertEqual(sum(self.counts()), 1000)
        self.open("data/wide")
        self.assertEqual(self.said("[aria-label='Rows of wide'] tbody").split("\n")[1].split(" ")[:3], ["1", "…", "…"])
        self.assertIn("100,000 in all", self.said("[aria-label='Rows of wide']"))

    def test_more_dimensions(self):
        """A row is what there is at a place of the first one, in NumPy's order."""
        cube = np.arange(12 * 2 * 3.0).reshape(12, 2, 3)
        self.put("cube", cube)
        self.put("four", np.arange(2 * 3 * 2 * 5).reshape(2, 3, 2, 5) % 7)
        self.open("data")
        self.until(lambda: self.names() == ["cube", "four"], "they are listed")
        self.assertIn("array, float64, 12 × 2 × 3", self.said("#view-data table"))
        for size in browser.PHONE, browser.DESK:
            self.at(size)
            self.open("data/cube")
            self.assertEqual(self.counts(), np.histogram(cube, 40)[0].tolist())
            self.assert_fits()
        for text in ("Kind\narray", "Shape\n12 × 2 × 3", "Values\n72"):
            self.assertIn(text, self.said())
        table = "#view-data [aria-label='Rows of cube']"
        heads = "return [...document.querySelectorAll(arguments[0] + ' thead th')].map(head => head.textContent)"
        self.assertEqual(self.script(heads, table), ["row", "0, 0", "0, 1", "0, 2", "1, 0", "1, 1", "1, 2"])
        self.assertEqual(self.said(f"{table} tbody").split("\n")[1], "1 6 7 8 9 10 11")
        self.click("#view-data .stack:last-child .actions button:last-child")
        self.until(lambda: self.said(f"{table} tbody") == "10 60 61 62 63 64 65\n11 66 67 68 69 70 71", "the last ones")
        self.open("data/four")
        self.assertEqual(self.counts(), [9, 9, 9, 9, 8, 8, 8])
        table = "#view-data [aria-label='Rows of four']"
        self.assertEqual(self.script(heads, table)[-3:], ["1, 0, 0", "1, 0, 1", "30 in all"])
        self.assertEqual(self.said(f"{table} tbody").split("\n")[1].split(" "), ["1", "2", "3", "4", "5", "6", "0", "1", "2", "3", "4", "5", "6", "…"])

    def test_what_has_no_histogram(self):
        for name, array, text in (("one", np.array(3.5), "All values are the same."), ("none", np.zeros((0, 3)), "It is empty."),
                                  ("hollow", np.zeros((3, 0, 2)), "It is empty."),
                                  ("nan", np.array([np.nan, np.inf]), "No value is finite."), ("void", "", "Bytes\n0")):
            self.put(name, array)
            self.open(f"data/{name}")
            self.until(lambda: text in self.said(), f"what is with {name} is said")

    def test_a_text_is_text(self):
        text = HOSTILE + "\n" + "é" * 3000
        self.put("text", text)
        for size in browser.PHONE, browser.DESK:
            self.at(size)
            self.open("data/text")
            self.until(lambda: HOSTILE in self.said("#view-data pre"), "its beginning")
            self.assertRegex(self.said("#view-data pre"), r"é$")
            self.assertLess(len(self.said("#view-data pre")), 2000)
            self.assertIn(f"Characters\n{len(text):,}", self.said())
            self.assert_fits()
        self.assertEqual(self.find_all("#view-data img, #view-data script"), [])
        self.put("short", "short")
        self.open("data/short")
        self.until(lambda: self.said("#view-data pre") == "short", "all of it")

    def test_every_width(self):
        self.put("a-long-name/" * 10 + "x", np.arange(100.0).reshape(10, 10) / 3)
        for width in 360, 2560:
            self.at((width, 800))
            self.open("data")
            self.until(lambda: len(self.names()) == 1, "the list")
            self.assert_fits()
            self.click("#view-data td.id a")
            self.assertEqual(sum(self.counts()), 100)
            self.assert_fits()
            self.assertEqual(self.script("return document.activeElement.tagName"), "H1", "the focus isn't lost")

    def test_deleted_in_the_look(self):
        self.put("look", np.arange(3.0))
        self.open("data/look")
        self.click("[aria-label='Delete look']")
        self.click(".confirm .danger")
        self.until(lambda: self.script("return location.hash") == "#data", "the list is shown")
        self.assertEqual(self.server.get(f"{DATA}/look").status, 404)

    def test_try_is_filled_with_an_example_that_works(self):
        self.put("x", np.arange(3.0))
        self.put("text", "is it is")
        for name in "x", "text":
            self.open(f"data/{name}")
            self.until(lambda: f'{{"data":"{name}"}}' in self.said(), "how to refer to it")
            self.script("[...document.querySelectorAll('#view-data button')].find(each => each.textContent === 'Try it').click()")
            self.until(lambda: self.find("#view-try").is_displayed() and "Filled in" in self.said("#view-try"), "Try has it")
            self.browser.switch_to.active_element.click()
            self.until(lambda: "200" in self.said("#view-try .status"), "it is answered")

    def test_names_that_are_none_and_names_that_are_not_there(self):
        self.open("data/not/there")
        self.until(lambda: 'no data of the name "not/there"' in self.said("#view-data .error"), "that is said")
        for name in ("<img src=x onerror=alert(1)>", "a/../../jobs", "a//b", "\"'é"):
            self.open(f"data/{name}")
            self.until(lambda: "A name has 1 to 128" in self.said("#view-data .error"), "the rule is said")
            self.assertEqual(self.said("#view-data h1"), re.sub(r"\s+", " ", name))
        self.assertEqual(self.find_all("#view-data img"), [])


if __name__ == "__main__":
    unittest.main()
