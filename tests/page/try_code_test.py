"""Try: what stands under "As curl" and "As Python" works as it is pasted, and is answered as the page is."""

import json
import pathlib
import struct
import subprocess
import unittest

from try_test import TryBase, computations, examples, npy, server

CHANGING = ("threads", "timing", "request_id")
# As if it were pasted: python3 reads statement by statement.
MARK = "----"
PROGRAMS = (("curl", ["/bin/sh"]), ("Python", ["/usr/bin/python3", "-B", "-q", "-i"]))


def result(text):
    """What doesn't differ between two answers of one request."""
    answer = json.loads(text)
    if not isinstance(answer, dict):
        return answer
    for triangular in answer.get("results", []):
        triangular.pop("core", None)
    return {name: value for name, value in answer.items() if name not in CHANGING}


class TryCodeTest(TryBase):
    def setUp(self):
        super().setUp()
        self.script("document.querySelectorAll('#view-try form > details').forEach(each => { each.open = true; })")

    def code(self, language):
        """As it is copied."""
        return self.find(f'[aria-label="As {language}"]').get_attribute("textContent")

    def run_both(self):
        """The standard output of both, each in a folder with the files."""
        return [self.run_one(command, self.code(language)) for language, command in PROGRAMS]

    def run_one(self, command, code):
        done = subprocess.run(command, input=code, capture_output=True, text=True, cwd=self.folder.name,
                              timeout=server.PATIENCE_S, check=False)
        self.assertEqual((done.returncode, done.stderr.replace(">>> ", "").replace("... ", "").strip()), (0, ""), code)
        return done.stdout

    def assert_all_answer_alike(self, status="200 OK"):
        self.assertIn(status, self.sent())
        shown = result(self.answer_text())
        for output in self.run_both():
            self.assertEqual(result(output), shown)
        return shown

    def answer_text(self):
        """As it is shown: none of these is so long that it is cut."""
        return self.find("[aria-label=\"The answer's JSON\"]").get_attribute("textContent")

    def put_raw(self, **values):
        self.raw()
        self.script("""for (const [id, value] of Object.entries(arguments[0])) {
                           const control = document.getElementById(`try-${id}`);
                           control.value = value;
                           control.dispatchEvent(new Event("input"));
                       }""", values)

    def test_every_example(self):
        """Sent one after the other, then said by one shell and one Python, which answer the same."""
        wanted = [(path, place, name) for path, operation in computations().items() for place, _, name, _ in examples(operation)]
        self.assertGreaterEqual(len(wanted), 30)
        said = self.browser.execute_async_script("""
            const [wanted, done] = arguments;
            const find = selector => document.querySelector(`#view-try ${selector}`);
            const choose = (select, value) => {
                select.value = value;
                select.dispatchEvent(new Event("change"));
            };
            (async () => {
                const found = [];
                for (const [path, place, name] of wanted) {
                    choose(find("#try-operation"), `POST ${path}`);
                    choose(find("#try-example"), String(place));
                    find("button[type=submit]").click();
                    while (!find(".status")) {
                        await new Promise(resolve => setTimeout(resolve));
                    }
                    found.push([find("#try-example").selectedOptions[0].textContent.split(":")[0], find(".status").textContent,
                                ...["The answer's JSON", "As curl", "As Python"].map(label => find(`[aria-label="${label}"]`).textContent)]);
                }
                return found;
            })().then(done, error => done([String(error)]));""", wanted)
        self.assertEqual([each[0] for each in said], [name for _, _, name in wanted])
        curl = self.run_one(PROGRAMS[0][1], "".join(f"{each[3]}\necho\necho {MARK}\n" for each in said)).split(MARK)
        python = self.run_one(PROGRAMS[1][1], "".join(f'{each[4]}\nprint("{MARK}")\n' for each in said)).split(MARK)
        for (path, _, name), (_, status, shown, *_), *others in zip(wanted, said, curl, python):
            with self.subTest(path, example=name):
                self.assertIn("200 OK", status)
                for output in others:
                    self.assertEqual(result(output), result(shown))

    def test_texts_with_quotes_and_other_characters(self):
        text = "it's \"is\" $HOME `id` \\n \\ % %s é 漢字 😀 ! # & ; | is\nis\n"
        for media, written in (("application/json", json.dumps({"text": text, "word": "is"})),
                               ("application/json", json.dumps({"text": text, "word": "it's"}, ensure_ascii=False, indent=2)),
                               ("application/json", '{"text": "a\\/b \\ud83d\\ude00 \\u0000", "word": "\\ud83d\\ude00"}'),
                               ("text/plain", text), ("text/plain", "@file is\tis\r\n'\x01'7"), ("text/plain", "is " * 50000)):
            with self.subTest(written[:60]):
                self.setUp()
                self.put_raw(rawMedia=media, body=written, query="word=is" if media == "text/plain" else "")
                self.assert_all_answer_alike()

    def test_what_is_no_json_for_python_is_sent_as_it_is(self):
        for written in ('{"text": "a", "text": "b"}', '{"text": ', '{"text": "a", "threads": 1e999}', '{"x": true, "y": null}'):
            with self.subTest(written):
                self.setUp()
                self.put_raw(body=written)
                self.assertIn("4", self.sent()[0])
                for output in self.run_both():
                    self.assertEqual(result(output), result(self.answer_text()))

    def test_files_by_their_names(self):
        self.put_file(self.file("it's a -text.txt", server.zen(10).encode()))
        self.assertEqual(self.assert_all_answer_alike()["count"], 100)
        self.choose("operation", "POST /v1/map")
        self.put_file(self.file("-b [1].npy", npy([1, 2])), self.file("a.npy", npy([5, 7])))
        self.type_into("gamma", "")
        self.type_into("expr", "a - b")
        self.type_into("names", "b,a")  # in the order of the files' names
        self.assertEqual(self.assert_all_answer_alike()["z"], [4, 5])

    def test_npy_answers_go_to_a_file(self):
        self.choose("operation", "POST /v1/gaussian/matrix")
        self.choose("accept", "application/x-npy")
        self.assertIn("200 OK", self.sent())
        answer = pathlib.Path(self.folder.name) / "answer.npy"
        for language, command in PROGRAMS:
            self.run_one(command, self.code(language))
            self.assertEqual(len(answer.read_bytes()), 128 + 3 * 2 * 8)
            self.assertEqual(struct.unpack("<d", answer.read_bytes()[128:136]), (1.0,))
            answer.unlink()

    def test_other_methods_header_fields_and_named_data(self):
        self.choose("operation", "PUT /v1/data/{name}")
        self.type_into("expires_s", "1000")
        self.sent()
        for output in self.run_both():
            self.assertEqual(json.loads(output)["shape"], [3])
        self.choose("operation", "POST /v1/gaussian")
        self.choose("media", "")
        self.type_into("x", "data:a/x")
        self.type_into("y", "1")
        self.assertEqual(len(self.assert_all_answer_alike()["z"]), 3)
        self.choose("method", "QUERY")
        self.assert_all_answer_alike()
        self.choose("operation", "GET /v1/data/{name}")
        self.assert_all_answer_alike()
        self.put_raw(headers="If-None-Match: *")
        self.assertIn("304", self.sent())


if __name__ == "__main__":
    unittest.main()
