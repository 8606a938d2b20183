"""The benchmarks say what isn't built and how it is, before they measure anything."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import server

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


class WithoutABuild(unittest.TestCase):
    def test_each_names_the_missing_program_and_the_command_that_builds_it(self):
        with tempfile.TemporaryDirectory() as build:
            missing = os.path.join(build, "forkjoin")
            for program, named, arguments in [
                ("run.py", missing, ["--quick", "--build", build]),
                ("stories.py", missing, ["--quick", "--build", build]),
                ("matrix.py", os.path.join(build, "bench/matrix"), ["--build", build]),
                ("compare.py", missing, [missing, server.binary(), "--build", build]),
                ("compare.py", os.path.join(build, "bench/fj-load"), [server.binary(), server.binary(), "--build", build]),
            ]:
                with self.subTest(program):
                    done = subprocess.run([BENCH / program, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                                          text=True, timeout=server.PATIENCE_S, check=False)
                    self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                    self.assertEqual(done.stderr, f"{named} isn't built: cmake --preset release && "
                                     "cmake --build --preset release does it\n")
            self.assertEqual(os.listdir(build), [])


if __name__ == "__main__":
    unittest.main()
