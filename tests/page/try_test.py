"""Try: requests by forms made from openapi.yaml, their answers, and errors at their fields."""

import json
import pathlib
import struct
import unittest

import browser
import server
import yaml
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHASES = ["receive", "queue", "decode", "compute", "encode"]
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))


def computations():
    return {path: item["post"] for path, item in DOCUMENT["paths"].items() if "compute" in item.get("post", {}).get("tags", [])}


def examples(operation):
    """(place, media, name, value) of a request's examples, in the order of the document."""
    content = operation.get("requestBody", {}).get("content", {})
    every = [(media, name, example["value"]) for media, each in content.items() for name, example in each.get("examples", {}).items()]
    return [(i, *example) for i, example in enumerate(every)]


def npy(values, descr="<f8"):
    """The bytes of a .npy file of one dimension."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({len(values)},), }}"
    head += " " * (117 - len(head)) + "\n"
    return b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head.encode() + struct.pack(f"<{len(values)}d", *values)


class TryBase(browser.PageTest):
    """What a person does in Try."""

    expected = ("422 (Unprocessable", "404 (Not Found)", "400 (Bad Request)")

    def setUp(self):
        super().setUp()
        self.find("#try-operation option")

    def choose(self, control, value):
        self.script("""const select = document.getElementById(`try-${arguments[0]}`);
                       select.value = arguments[1];
                       select.dispatchEvent(new Event("change"));""", control, value)

    def field(self, name):
        """The control of this name in the form."""
        found = self.script("""return [...document.querySelectorAll("#view-try form label")]
            .filter(label => label.textContent.split(" ")[0] === arguments[0]).map(label => label.control)""", name)
        self.assertEqual(len(found), 1, name)
        return found[0]

    def type_into(self, name, text):
        self.field(name).send_keys(Keys.CONTROL + "a" + Keys.NULL, Keys.DELETE, text)

    def sent(self):
        """Sends, and returns the text of the answer's status."""
        self.script("document.querySelector('[aria-label=Answer] > div').replaceChildren()")
        self.click("#view-try button[type=submit]")
        return self.find("#view-try .status").text

    def phases(self):
        """[name, how long] of each phase that is listed."""
        return [part.text.split(" ", 1) for part in self.find_all("#view-try .phase-list li")]

    def header_fields(self):
        return self.find('[aria-label="Header fields"]').get_attribute("textContent")

    def shown(self):
        """The answer's JSON, of one that is short enough to be shown whole."""
        return json.loads(self.find("[aria-label=\"The answer's JSON\"]").get_attribute("textContent"))

    def raw(self):
        """The request as it is sent: its body."""
        self.click("#view-try .send button:last-of-type")
        return self.find("#try-body").get_attribute("value")

    def put_file(self, *paths):
        self.find("#try-files").send_keys("\n".join(str(path) for path in paths))

    def file(self, name, content):
        path = pathlib.Path(self.folder.name) / name
        path.write_bytes(content)
        return path


class TryTest(TryBase):
    def test_the_form_and_the_raw_request_are_two_views_of_one(self):
        for size in (browser.PHONE, browser.DESK):
            self.at(size)
            self.open("try")
            self.find("#try-operation option")
            self.type_into("text", 'so it is: "is" it\\?')
            self.type_into("threads", "2")
            self.field("match").send_keys("letters")
            self.assert_fits()
            self.assertEqual(json.loads(self.raw()), {"text": 'so it is: "is" it\\?', "word": "is", "threads": 2, "match": "letters"})
            self.assert_fits()
            self.write("#try-body", '{"text": "a b", "words": ["a", "x"], "chunk": 9007199254740991}')
            self.click("#view-try .send button:last-of-type")
            self.assertEqual(self.field("words").get_attribute("value"), "a\nx")
            self.assertEqual(self.field("chunk").get_attribute("value"), "9007199254740991")
            self.assertEqual(self.field("word").get_attribute("value"), "")
            self.assertIn("200 OK", self.sent())
            self.assertEqual(self.shown()["counts"], [1, 0])

    def test_a_body_that_is_no_json_is_sent_and_answered_as_it_is(self):
        self.raw()
        self.write("#try-body", '{"text": ')
        self.click("#view-try .send button:last-of-type")
        self.assertIn("no JSON object", self.find("#view-try .send .note").text)
        self.assertIn("400", self.sent())
        self.assertIn("at byte 10: a value expected near the end", self.find("#view-try .error").text)

    def test_a_problem_stands_at_the_field_that_it_names(self):
        self.type_into("threads", "many")
        self.assertIn("422", self.sent())
        self.until(lambda: self.field("threads").get_attribute("aria-invalid") == "true", "the field is marked")
        described = self.field("threads").get_attribute("aria-describedby").split()[-1]
        self.assertIn('"threads" is the string "many"', self.find(f"#{described}").text)
        self.assertEqual(self.script("return document.activeElement.id"), self.field("threads").get_attribute("id"))
        self.field("threads").send_keys("x")
        self.assertIsNone(self.field("threads").get_attribute("aria-invalid"))
        self.choose("operation", "POST /v1/map")
        self.type_into("expr", "x +* y")
        self.sent()
        self.until(lambda: self.field("expr").get_attribute("aria-invalid") == "true", "the expression is marked")
        self.assertIn("422 ", self.find("#view-try .send .note").text)
        self.assertEqual(self.script("""const {fontFamily, whiteSpace} = getComputedStyle(document.querySelector("#view-try .error .mono"));
                                        return [fontFamily.includes("monospace"), whiteSpace];"""), [True, "pre-wrap"])

    def test_an_answer_comes_into_sight_wherever_it_was_asked_from(self):
        seen = "const {top} = document.querySelector('[aria-label=Answer] h2').getBoundingClientRect(); return top >= 0 && top < innerHeight"
        for size in (browser.DESK, browser.PHONE, (1440, 400)):
            self.at(size)
            self.open("try")
            self.find("#try-operation option")
            self.script("window.scrollTo(0, document.documentElement.scrollHeight)")
            self.script("document.querySelector('#view-try button[type=submit]').click()")
            self.find("#view-try .status")
            self.until(lambda: self.script(seen), "it is in sight")

    def test_lists_of_a_few_numbers_are_typed_without_brackets(self):
        for text, cores in (("0,1", [0, 1]), ("1", [1]), ("[0]", [0]), (" 1, 0 ", [1, 0])):
            self.type_into("cores", text)
            self.assertEqual(json.loads(self.raw())["cores"], cores)
            self.click("#view-try .send button:last-of-type")

    def test_phases_and_the_grant_are_said(self):
        self.choose("operation", "POST /v1/triangular")
        self.type_into("threads", "64")
        self.sent()
        self.assertEqual([name for name, _ in self.phases()], [*PHASES, "finish", "network"])
        granted = self.shown()["threads"]
        self.assertIn(f"Got {granted['granted']} of the 64 threads asked for: {granted['reason']}.", self.find("#view-try .grant").text)

    def test_phases_are_those_of_the_answer(self):
        for operation in ("POST /v1/wordcount", "POST /v1/gaussian", "POST /v1/triangular"):
            self.choose("operation", operation)
            self.sent()
            timing = self.shown()["timing"]
            total = self.script("return /total;dur=([\\d.]+)/.exec(arguments[0])[1]", self.header_fields())
            wanted = {name: timing[f"{name}_ms"] for name in PHASES} | {"finish": float(total) - timing["total_ms"]}
            self.assertEqual(self.phases()[:-1], [[name, self.script("return page.duration(arguments[0])", value)]
                                                  for name, value in wanted.items()])
            self.assertIn("ends before “finish”", self.find("[aria-label=Answer]").text)

    def test_phases_are_this_requests_where_the_answer_has_a_jobs(self):
        job = self.server.post("/v1/triangular", {"ranges": [50_000_000]}, headers={"Prefer": "respond-async"}).json()["id"]
        self.server.get(f"/v1/jobs/{job}?wait=60")
        self.script("page.fillTry('GET', arguments[0])", f"/v1/jobs/{job}/result")
        self.until(lambda: "Filled in" in self.find("#view-try .send .note").text, "it is there")
        self.sent()
        self.assertIn("compute_ms", self.shown()["timing"])
        self.assertEqual([name for name, _ in self.phases()], [*PHASES, "network"])
        self.assertNotIn("finish", self.find("[aria-label=Answer]").text)

    def test_long_arrays_are_drawn_and_cut_and_saved_whole(self):
        self.choose("operation", "POST /v1/gaussian")
        self.raw()
        body = json.dumps({"x": [i / 1000 for i in range(5000)], "y": 0})
        self.script("""const body = document.getElementById("try-body");
                       body.value = arguments[0]; body.dispatchEvent(new Event("input"));""", body)
        self.assertIn("200 OK", self.sent())
        self.find("#view-try .chart canvas")
        self.assertIn("4,976 more", self.find("[aria-label=\"The answer's JSON\"]").text)
        self.click("[aria-label=Answer] .actions button")
        self.assertEqual(len(json.loads(self.saved("answer.json").read_text())["z"]), 5000)

    def test_npy_answers_are_decoded_and_drawn(self):
        self.choose("operation", "POST /v1/map")
        self.put_file(self.file("b.npy", npy([1.5] * 20)), self.file("a.npy", npy(range(20))))
        self.until(lambda: "a.npy" in self.find("#view-try .body").text, "the files are listed")
        self.assertEqual(self.field("names").get_attribute("value"), "x,y")
        self.assertEqual(self.field("gamma").get_attribute("value"), "0.5")
        self.assertIn("200 OK", self.sent())
        self.type_into("expr", "a - b")
        self.assertEqual(self.field("names").get_attribute("value"), "a,b")
        self.assertEqual(self.field("gamma").get_attribute("value"), "")
        self.choose("accept", "application/x-npy")
        self.assertIn("200 OK application/x-npy", self.sent())
        self.assertIn("<f8, shape (20,)", self.find("[aria-label=Answer]").text)
        self.assertIn("-1.5, -0.5, 0.5", self.find('[aria-label="First values of array 1"]').text)
        self.find("#view-try .chart canvas")

    def test_arrays_whose_files_have_no_names_of_operands(self):
        self.choose("operation", "POST /v1/map")
        self.put_file(*(self.file(name, npy([1, 2])) for name in ("1.npy", "in.npy", "y.npy")))
        self.until(lambda: self.field("names").get_attribute("value") == "x,y,z", "they are called by letters")
        self.type_into("names", "x,y")
        self.assertIn("400", self.sent())
        self.until(lambda: self.field("names").get_attribute("aria-invalid") == "true", "the fault is there")
        self.type_into("names", "x,y,w")
        self.type_into("expr", "x + y + w * gamma")
        self.assertIn("200 OK", self.sent())
        self.assertEqual(self.shown()["z"], [2.5, 5])

    def test_what_files_an_endpoint_takes(self):
        for operation, has, hasnt in (("POST /v1/wordcount", "a text", ".npy"), ("POST /v1/map", ".npy arrays", "text"),
                                      ("PUT /v1/data/{name}", "a text, or .npy arrays", "neither")):
            self.choose("operation", operation)
            said = self.find("#view-try .drop").text
            self.assertIn(has, said)
            self.assertNotIn(hasnt, said)
        self.choose("operation", "POST /v1/triangular")
        self.assertFalse(self.find("#view-try .drop").is_displayed())
        self.raw()
        self.assertIn("neither", self.find("#view-try .drop").text)

    def test_a_text_is_dropped_and_streamed_with_its_options(self):
        path = self.file("zen.txt", server.zen(20000).encode())
        self.script("""
            const files = new DataTransfer();
            files.items.add(new File([arguments[0].repeat(arguments[1])], "zen.txt"));
            const event = new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: files});
            document.querySelector("#view-try form").dispatchEvent(event);""", server.zen(1), 20000)
        self.until(lambda: "zen.txt" in self.find("#view-try .body").text, "the file is listed")
        self.assertEqual(self.field("word").get_attribute("value"), "is")
        self.assertIn("200 OK", self.sent())
        self.assertEqual(self.shown()["count"], 10 * 20000)
        self.click("#view-try .body button")
        self.put_file(path)
        self.sent()
        self.assertEqual(self.shown()["count"], 10 * 20000)

    def test_a_request_is_cancelled(self):
        self.choose("operation", "POST /v1/triangular")
        self.type_into("ranges", json.dumps([2000000000] * 4))
        self.click("#view-try button[type=submit]")
        self.until(lambda: server.load(self.server)[0] == 1, "it runs")
        self.click("#view-try .send button:nth-of-type(2)")
        self.until(lambda: "Cancelled" in self.find("[aria-label=Answer]").text, "it says so")
        self.until(lambda: server.load(self.server)[0] == 0, "its work has ended")

    def test_values_get_names_of_the_callers_own(self):
        self.choose("operation", "POST /v1/map")
        self.type_into("Another", "scale")
        self.field("Another").send_keys(Keys.ENTER)
        self.until(lambda: self.script("return document.activeElement.id") == self.field("scale").get_attribute("id"), "it is focused")
        self.type_into("scale", "[[1, 2, 3], [4, 5, 6]]")
        self.type_into("expr", "x * scale + y * gamma")
        self.assertIn("200 OK", self.sent())
        self.assertEqual(self.shown()["z"], [[0, 2.5, 7], [0, 5.5, 13]])

    def test_header_fields_are_filled_in_and_make_a_job(self):
        self.script("page.fillTry(...arguments)", "POST", "/v1/triangular",
                    {"media": "application/json", "headers": {"Prefer": "respond-async"}, "body": '{"ranges": [1]}'})
        self.until(lambda: "Filled in" in self.find("#view-try .send .note").text, "it is there")
        self.assertEqual(self.field("Prefer").get_attribute("value"), "respond-async")
        self.assertIn("202 Accepted", self.sent())
        self.assertIn("It is a job now", self.find("#view-try .grant").text)
        self.click("#view-try .grant a")
        self.until(lambda: "Done" in self.find("#view-jobs").text, "the link leads to it")

    def test_control_enter_sends(self):
        self.field("word").send_keys(Keys.CONTROL, Keys.ENTER)
        self.assertIn("200 OK", self.find("#view-try .status").text)

    def test_other_endpoints_are_asked_too(self):
        self.choose("operation", "PUT /v1/data/{name}")
        self.assertEqual(self.field("name").get_attribute("value"), "a/x")
        self.assertIn("201", self.sent())
        self.choose("operation", "DELETE /v1/data/{name}")
        self.assertIn("204", self.sent())
        self.choose("operation", "GET /metrics")
        self.sent()
        self.assertIn("more characters", self.find('[aria-label="The answer"]').text)
        self.raw()
        self.write("#try-path", "/nowhere")
        self.assertIn("404", self.sent())
        self.click("#view-try .send button:last-of-type")
        self.assertIn("No form belongs", self.find("#view-try .send .note").text)

    def test_a_raw_request_goes_to_no_other_host(self):
        self.raw()
        for path in ("http://127.0.0.1:1/", "//127.0.0.1:1/", "/\\127.0.0.1:1/", "v1/wordcount", ""):
            self.write("#try-path", path)
            self.click("#view-try button[type=submit]")
            self.assertIn("begins with one", self.find("#try-path-said").text, path)
            self.assertEqual(self.find("#try-path").get_attribute("aria-invalid"), "true")
            self.assertEqual(self.find_all("#view-try .status"), [])
        self.write("#try-path", "/v1/wordcount")
        self.assertEqual(self.find("#try-path-said").text, "")
        self.write("#try-headers", "Host: elsewhere\nX-Own: 1\nsec-fetch-mode: none")
        self.assertIn("Left out by this page: Host, sec-fetch-mode.", self.find("#try-headers-said").text)
        self.assertIn("200 OK", self.sent())

    def test_any_example_of_the_description_can_be_filled_in(self):
        """By whoever calls page.fillTry(), with each method that its path takes."""
        wanted = []
        for path, item in DOCUMENT["paths"].items():
            for method in ("get", "post", "put", "delete"):
                for _, media, _, value in examples(item.get(method, {})):
                    body = value if media != "application/json" else json.dumps(value)
                    query = "threads=1" if media != "application/json" else ""
                    for asked in ("POST", "QUERY") if method == "post" else (method.upper(),):
                        wanted.append([asked, path.replace("{name}", "a/x").replace("{id}", "one"), query, media, body])
        self.assertGreaterEqual(len(wanted), 60)
        filled = self.browser.execute_async_script("""
            const [wanted, done] = arguments;
            const find = selector => document.querySelector(`#view-try ${selector}`);
            (async () => {
                const found = [];
                for (const [method, path, query, media, body] of wanted) {
                    find(".send .note").textContent = "";
                    page.fillTry(method, path, {query, media, body});
                    while (find(".send .note").textContent === "") {
                        await new Promise(resolve => setTimeout(resolve));
                    }
                    if (find("#try-path").offsetParent === null) {
                        find(".send button:last-of-type").click();
                    }
                    found.push([...["rawMethod", "path", "query", "rawMedia", "body"].map(id => find(`#try-${id}`).value),
                                find(".body").textContent]);
                    find(".send button:last-of-type").click();
                }
                return found;
            })().then(done, error => done([String(error)]));""", wanted)
        self.assertEqual(len(filled), len(wanted), filled[:1])
        for (*head, body), (*shown, text, whole) in zip(wanted, filled):
            with self.subTest(head):
                self.assertEqual(shown, head)
                if head[-1] == "application/json":
                    self.assertEqual(json.loads(text), json.loads(body))
                elif head[-1] == "text/plain":
                    self.assertEqual(text, body)
                else:
                    self.assertIn("<f8, shape (2,", whole)


if __name__ == "__main__":
    unittest.main()
