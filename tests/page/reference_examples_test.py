"""Each example of the reference gets to Try by its button, and is answered as the document says."""

import pathlib
import re
import unittest

import browser
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_bytes())
METHODS = ("get", "post", "put", "delete")
OPERATIONS = [(path, method, item[method]) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item]


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def examples(operation):
    """Anchors of what has a button: a second example of a name has its media type in it."""
    anchors = []
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        for name in content.get("examples", {}):
            anchor = f"example-{slug(name)}"
            anchors.append(f"{anchor}-{slug(media)}" if anchor in anchors else anchor)
    return anchors or ["example-request"]


# Of one endpoint's page: presses the buttons, and in Try the one that sends, if it shall. [[anchor, endpoint chosen in Try, status]]
PRESS = """
    const [page, anchors, sends] = arguments;
    const look = selector => document.querySelector(selector);
    const wait = async (what, condition) => {
        for (const end = Date.now() + 20000; !condition(); await new Promise(done => setTimeout(done, 5))) {
            if (Date.now() > end) {
                throw new Error(`in vain: ${what}`);
            }
        }
    };
    return (async () => {
        const pressed = [];
        for (const anchor of anchors) {
            location.hash = `#api/${page}/${anchor}`;
            await wait(`${anchor} is shown`, () => look(`#view-api:not([hidden]) #${anchor}.ref-target[open] .ref-try`) &&
                                                   look("#ref-nav [aria-current]").hash === `#api/${page}`);
            look("#view-try .send .note")?.replaceChildren(); /* what was said before */
            look(`#${anchor} .ref-try`).click();
            await wait("Try is filled in", () => location.hash === "#try" && /Filled in/.test(look("#view-try .send .note")?.textContent));
            const chosen = look("#try-operation").value;
            if (sends) {
                look("#view-try button[type=submit]").click();
                await wait("there is an answer", () => look("#view-try .status"));
            }
            pressed.push([anchor, chosen, sends ? look("#view-try .status").textContent.slice(0, 3) : ""]);
        }
        return pressed;
    })().catch(error => [[error.message, "", ""]]);
"""


class ReferenceExamplesTest(browser.PageTest):
    view = "api"
    expected = ("404 (Not Found)",)  # of jobs and data that aren't there (yet)

    def test_every_example_gets_to_try_and_is_answered_as_documented(self):
        tried = 0
        for path, method, operation in OPERATIONS:
            with self.subTest(path, method=method):
                sends = not path.endswith("/events")  # lasts as long as its job
                pressed = self.script(PRESS, slug(f"{method} {path}"), examples(operation), sends)
                self.assertEqual([anchor for anchor, *_ in pressed], examples(operation))
                for anchor, chosen, status in pressed:
                    self.assertEqual(chosen, f"{method.upper()} {path}")
                    self.assertIn(status, operation["responses"] if sends else [""])
                    if operation["tags"] == ["compute"]:
                        self.assertEqual(status, "200", anchor)
                    tried += 1
        self.assertGreaterEqual(tried, 60)

    def test_what_try_shows_is_the_example(self):
        for size in (browser.PHONE, browser.DESK):
            self.at(size)
            self.open("api/post-v1-wordcount/example-letters")
            self.click("#example-letters .ref-try")
            self.find("#view-try .send .note")
            self.until(lambda: self.find_all("#view-try form textarea"), "the form is there")
            shown = [field.get_attribute("value") for field in self.find_all("#view-try form :is(textarea, input, select)")]
            for value in ("There is only one way. Is it? It is.", "is", "letters", "1"):
                self.assertIn(value, shown)


if __name__ == "__main__":
    unittest.main()
