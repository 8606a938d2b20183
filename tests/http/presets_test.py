"""CMakePresets.json: release, dev and asan build with gcc or with what CC and CXX name, tsan and fuzz with clang."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import server

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What CMake thinks of the compilers; it needn't try them, which takes a second.
TINY = """cmake_minimum_required(VERSION 3.25)
set(CMAKE_C_COMPILER_WORKS TRUE)
set(CMAKE_CXX_COMPILER_WORKS TRUE)
project(tiny C CXX)
message("compilers: ${CMAKE_C_COMPILER_ID} ${CMAKE_CXX_COMPILER_ID}")
"""


class Project:
    """A project that consists of forkjoin's presets, in a folder of its own."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="presets ")
        self.root = pathlib.Path(self.temporary.name)
        shutil.copy(ROOT / "CMakePresets.json", self.root)
        shutil.copytree(ROOT / "cmake", self.root / "cmake")
        (self.root / "CMakeLists.txt").write_text(TINY)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def configure(self, preset, **variables):
        """(exit status, all that CMake says)."""
        kept = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
        done = subprocess.run(["cmake", "--preset", preset], cwd=self.root, env=kept | variables, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=server.PATIENCE_S)
        return done.returncode, done.stdout


class Presets(unittest.TestCase):
    def test_each_takes_the_compilers_it_says(self):
        for preset, variables, compilers in [
            ("dev", {}, "GNU GNU"),
            ("dev", {"CC": ""}, "GNU GNU"),
            ("dev", {"CC": "clang"}, "Clang Clang"),
            ("dev", {"CC": "clang", "CXX": "clang++"}, "Clang Clang"),
            ("dev", {"CXX": "g++"}, "GNU GNU"),
            ("release", {"CC": shutil.which("clang")}, "Clang Clang"),
            ("asan", {"CC": "clang"}, "Clang Clang"),
            ("tsan", {"CC": "gcc", "CXX": "g++"}, "Clang Clang"),
            ("fuzz", {"CC": "gcc"}, "Clang Clang"),
        ]:
            with self.subTest(preset, **variables), Project() as project:
                status, said = project.configure(preset, **variables)
                self.assertEqual(status, 0, said)
                self.assertIn(f"compilers: {compilers}\n", said)

    def test_a_folder_of_another_compiler_is_refused(self):
        with Project() as project:
            self.assertEqual(project.configure("dev")[0], 0)
            status, said = project.configure("dev", CC="clang")
            self.assertNotEqual(status, 0, said)
            self.assertIn("CC is clang, but", said)
            self.assertIn("remove it first", " ".join(said.split()))
            for same in ({}, {"CC": "gcc"}, {"CC": shutil.which("gcc")}):
                self.assertEqual(project.configure("dev", **same)[0], 0, same)


if __name__ == "__main__":
    unittest.main()
