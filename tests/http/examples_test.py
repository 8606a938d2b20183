"""The curl commands and Python programs in README.md and docs/ work as they stand there and answer what is shown."""

import json
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ["README.md", "docs/operation.md", "docs/data.md", "docs/jobs.md", "docs/expressions.md", "docs/pairwise.md"]
ADDRESS = "127.0.0.1:8080"
CHANGING = {"timing", "request_id"}


def examples():
    """(file, command, shown answer or None) for every line that starts with curl, or with "$ curl" in a console."""
    for name in FILES:
        for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL):
            lines = block.splitlines()
            for number, line in enumerate(lines):
                command = line.removeprefix("$ ")
                if command.startswith("curl "):
                    shown = lines[number + 1] if line.startswith("$ ") and number + 1 < len(lines) else None
                    yield name, command, shown


class Examples(server.ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        keys = pathlib.Path(cls.folder.name) / "keys"
        keys.write_text("an example of a key, in 32 bytes\n")  # the manual's
        cls.options = {"callback_allow": "127.0.0.1:*", "callback_secret_file": keys}
        super().setUpClass()

    def test_every_python_program_runs(self):
        """With Debian's own Python: another one in PATH may lack NumPy."""
        tried = 0
        for name in FILES:
            text = (ROOT / name).read_text()
            for program in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
                with self.subTest(program, file=name):
                    self.assertIn(ADDRESS, program)
                    program = program.replace(ADDRESS, f"{self.server.host}:{self.server.port}")
                    done = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True,
                                          timeout=server.PATIENCE_S, check=False, cwd=ROOT)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    tried += 1
        self.assertGreaterEqual(tried, 1)

    @unittest.skipUnless(shutil.which("node"), "the manual's program for browsers needs node here")
    def test_every_javascript_program_runs(self):
        """As in a browser, but for what the browser alone checks (cors_test.py)."""
        tried = 0
        for name in FILES:
            text = (ROOT / name).read_text()
            for program in re.findall(r"^```js\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
                with self.subTest(program, file=name):
                    self.assertIn(ADDRESS, program)
                    program = program.replace(ADDRESS, f"{self.server.host}:{self.server.port}")
                    done = subprocess.run(["node", "--input-type=module", "-e", program], capture_output=True, text=True,
                                          timeout=server.PATIENCE_S, check=False)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertRegex(done.stdout, r"^2 times, with \d+ thread\(s\); receive;dur=")
                    tried += 1
        self.assertEqual(tried, 1)

    def test_every_curl_command_is_answered_as_shown(self):
        tried = 0
        for name, command, shown in examples():
            with self.subTest(command, file=name):
                self.assertIn(ADDRESS, command)
                words = shlex.split(command.replace(ADDRESS, f"{self.server.host}:{self.server.port}"))
                done = subprocess.run(words, capture_output=True, text=True, timeout=server.PATIENCE_S, check=True,
                                      cwd=ROOT)
                answer = json.loads(done.stdout)
                if shown is None:
                    self.assertNotIn("urn:forkjoin:problem", done.stdout)
                else:
                    expected = json.loads(shown)
                    self.assertEqual(list(answer), list(expected), "other members, or in another order")
                    self.assertEqual({key: value for key, value in answer.items() if key not in CHANGING},
                                     {key: value for key, value in expected.items() if key not in CHANGING})
                tried += 1
        self.assertGreaterEqual(tried, 6)

    def test_the_log_lines_of_the_manual_have_the_members_of_real_ones(self):
        manual = (ROOT / "docs/operation.md").read_text().splitlines()
        shown = [json.loads(line) for line in manual if line.startswith('{"time')]
        self.assertEqual([entry["event"] for entry in shown], ["listening", "request", "job"])
        self.server.post("/v1/wordcount", {"text": "a", "word": "a"}, headers={"X-Request-Id": "manual"})
        server.wait_until(lambda: self.server.log(request_id="manual"), "the line is there")
        self.assertEqual([name for name in self.server.start_line if not name.startswith("callback")], list(shown[0]))
        self.assertEqual(list(self.server.log(request_id="manual")[0]), list(shown[1]))
        fields = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Prefer": "respond-async"}
        self.server.post("/v1/wordcount", {"text": "a", "word": "a"}, headers=fields)
        server.wait_until(lambda: self.server.log(event="job"), "the job's line is there")
        self.assertEqual(list(self.server.log(event="job")[0]), list(shown[2]))

    def test_the_manual_lists_every_flag_with_its_default(self):
        done = subprocess.run([server.binary(), "--help"], capture_output=True, text=True, check=True)
        printed = dict(re.findall(r"^  --([a-z-]+) [A-Z]+ [^[]*\[([^[\]]+)\]$", done.stdout, re.MULTILINE))
        manual = (ROOT / "docs/operation.md").read_text()
        rows = re.findall(r"^\| `--([a-z-]+)` \| `(FORKJOIN_\w+)` \| [^|]+ \| ([^|]+) \|", manual, re.MULTILINE)
        self.assertEqual({flag: default.strip() for flag, _, default in rows}, printed)
        for flag, variable, _ in rows:
            self.assertEqual(variable, "FORKJOIN_" + flag.upper().replace("-", "_"))


if __name__ == "__main__":
    unittest.main()
