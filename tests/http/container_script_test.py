"""tests/container.sh: on a machine that lacks something it says what, and what brings it."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("buildah", "runc", "debootstrap", "curl", "python3")


class ContainerScript(unittest.TestCase):
    def run_with(self, tools, user="0"):
        """(exit status, stdout and stderr) of the script where these tools of TOOLS are all there are."""
        with tempfile.TemporaryDirectory(prefix="container script ") as root:
            tree = pathlib.Path(root)
            (tree / "tests").mkdir()
            (tree / "bin").mkdir()
            shutil.copy(ROOT / "tests/container.sh", tree / "tests")
            for tool in ("bash", "dirname", "mkdir", "tail"):
                (tree / "bin" / tool).symlink_to(shutil.which(tool))
            for tool, commands in [("id", f"echo {user}")] + [(tool, "exit 9") for tool in tools]:
                (tree / "bin" / tool).write_text(f"#!/bin/bash\n{commands}\n")
                (tree / "bin" / tool).chmod(0o755)
            done = subprocess.run([tree / "tests/container.sh"], env={"PATH": str(tree / "bin")}, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=server.PATIENCE_S)
        return done.returncode, done.stdout

    def test_a_missing_tool_is_named_with_what_brings_it(self):
        for missing in TOOLS:
            with self.subTest(missing):
                self.assertEqual(self.run_with([tool for tool in TOOLS if tool != missing]),
                                 (1, f"container: {missing} is missing; packages/install.sh container brings it\n"))

    def test_it_needs_root(self):
        self.assertEqual(self.run_with(TOOLS, user="1000"), (1, "container: must run as root\n"))


if __name__ == "__main__":
    unittest.main()
