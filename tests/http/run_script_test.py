"""run.sh: what it says when the service listens can be pasted, and when it doesn't, nothing is said that isn't so."""

import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import unittest

import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
BANNER = "forkjoin serves on http://"


class Tree:
    """A copy of what run.sh needs, in a folder with a space in its name, where installing and building are what the test
    says: the binary under test lies in its place already."""

    def __init__(self, install="true", build="true"):
        self.temporary = tempfile.TemporaryDirectory(prefix="run script ")
        self.root = pathlib.Path(self.temporary.name)
        for folder in ("build/release", "packages", "tests/fixtures", "bin"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(ROOT / "run.sh", self.root)
        shutil.copy(ROOT / "packages/quietly.sh", self.root / "packages")
        shutil.copy(ROOT / "tests/fixtures/zen.txt", self.root / "tests/fixtures")
        self.write_script("packages/install.sh", f"echo what was installed\n{install}")
        self.write_script("bin/cmake", f"echo what was built\n{build}")
        (self.root / "build/release/forkjoin").symlink_to(os.path.abspath(server.binary()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def write_script(self, path, commands):
        (self.root / path).write_text(f"#!/bin/sh\n{commands}\n")
        (self.root / path).chmod(0o755)

    def start(self, *arguments, **variables):
        variables = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", **variables}
        return subprocess.Popen([self.root / "run.sh", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=server.environment(**variables), cwd="/",
                                start_new_session=True)

    def run(self, *arguments, **variables):
        """(exit status, stdout, stderr) of one that doesn't serve."""
        with self.start(*arguments, **variables) as process:
            try:
                out, errors = process.communicate(timeout=server.PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, out, errors


class Serving:
    """A service that run.sh has started; what it says on stdout, up to the empty line at the end, is in `banner`."""

    def __init__(self, tree, *arguments, **variables):
        self.process = tree.start(*arguments, **variables)
        self.errors = []
        self.reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self.reader.start()
        self.banner = []
        for line in self.process.stdout:
            self.banner.append(line.rstrip("\n"))
            if line == "\n" and len(self.banner) > 2:
                break
        self.address = self.banner[0].removeprefix(BANNER).partition(" ")[0] if self.banner else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def end(self, send, number):
        """Ends it by os.kill or os.killpg; returns (exit status, the rest of stdout)."""
        send(self.process.pid, number)
        status = self.process.wait(server.PATIENCE_S)
        self.reader.join()
        return status, self.process.stdout.read()


class RunScript(unittest.TestCase):
    def assert_pasted_lines_work(self, banner):
        commands = [line for line in banner if line.startswith("curl ")]
        self.assertEqual(len(commands), 3, banner)
        for command, expected in zip(commands, ('"count":10000,', '"z":[', '"version":')):
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True,
                                  timeout=server.PATIENCE_S)
            self.assertIn(expected, done.stdout, command)
            self.assertTrue(done.stdout.endswith("}\n"), "the prompt comes on a line of its own")

    def test_the_commands_it_shows_can_be_pasted_and_ctrl_c_ends_it(self):
        with Tree() as tree, Serving(tree, "--port", "0") as serving:
            self.assertRegex(serving.banner[0], f"^{BANNER}127\\.0\\.0\\.1:[1-9][0-9]* ")
            self.assert_pasted_lines_work(serving.banner)
            self.assertEqual(serving.end(os.killpg, signal.SIGINT), (0, ""))
            log = "".join(serving.errors)
            for event in ("listening", "request", "stopped"):
                self.assertIn(f'"event":"{event}"', log, "the log goes where it went")
            self.assertEqual(sorted(path.name for path in (tree.root / "build").iterdir()),
                             ["release", "release.log", "zen.json"])

    def test_the_process_is_the_services(self):
        with Tree() as tree, Serving(tree, "--drain-delay=0s", FORKJOIN_PORT="0", FORKJOIN_LISTEN="0.0.0.0",
                                     FORKJOIN_LOG_LEVEL="error") as serving:
            self.assertRegex(serving.banner[0], f"^{BANNER}127\\.0\\.0\\.1:[1-9][0-9]* ")
            self.assert_pasted_lines_work(serving.banner)
            self.assertEqual(os.readlink(f"/proc/{serving.process.pid}/exe"), os.path.realpath(server.binary()))
            self.assertEqual(serving.end(os.kill, signal.SIGTERM), (0, ""))

    def test_an_address_of_ipv6_can_be_pasted_too(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 loopback here")
        with Tree() as tree, Serving(tree, "--listen", "::", "--port=0") as serving:
            self.assertRegex(serving.banner[0], f"^{BANNER}\\[::1\\]:[1-9][0-9]* ")
            self.assert_pasted_lines_work(serving.banner)
            self.assertEqual(serving.end(os.kill, signal.SIGTERM), (0, ""))

    def test_what_does_not_serve_shows_its_reason_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, Tree() as tree:
            port = str(taken.getsockname()[1])
            for arguments, variables, status, said in [
                (("--prot", "9000"), {}, 2, "did you mean --port?"),
                (("--port",), {}, 2, "--port needs a value"),
                (("--port", "65536"), {}, 2, "65535"),
                ((), {"FORKJOIN_PORT": "x"}, 2, "FORKJOIN_PORT"),
                (("--port", port), {}, 1, port),
            ]:
                with self.subTest(arguments, **variables):
                    code, out, errors = tree.run(*arguments, **variables)
                    self.assertEqual((code, out), (status, ""), errors)
                    self.assertIn(said, errors)

    def test_what_only_prints_is_printed(self):
        with Tree() as tree:
            for flag, begin in (("--help", "Usage: "), ("-h", "Usage: "), ("--version", "forkjoin ")):
                code, out, _ = tree.run(flag)
                self.assertEqual((code, out[: len(begin)]), (0, begin))

    def test_what_fails_ends_it_and_shows_its_log(self):
        for install, build, status, log in [
            ("exit 4", "true", 4, "what was installed\n"),
            ("true", "exit 3", 3, "what was installed\nwhat was built\n"),  # by the first of two that would fail
        ]:
            with self.subTest(install=install, build=build), Tree(install, build) as tree:
                code, out, errors = tree.run("--version")
                self.assertEqual((code, out), (status, ""))
                self.assertEqual(errors.partition("\n")[2], log)

    def test_without_root_and_sudo_it_says_what_it_would_install(self):
        """Once, and nothing of the cmake that isn't there either."""
        with Tree() as tree:
            shutil.copy(ROOT / "packages/install.sh", tree.root / "packages")
            (tree.root / "packages/list.txt").write_text("build there\nbuild not-there\nrun neither\n")
            (tree.root / "bin/cmake").unlink()
            for tool in ("bash", "sed", "cat", "mkdir", "dirname", "awk", "sort", "comm", "env", "kill"):
                (tree.root / "bin" / tool).symlink_to(shutil.which(tool))
            tree.write_script("bin/dpkg-query", "echo installed there")
            tree.write_script("bin/id", "echo 1000")
            code, out, errors = tree.run("--version", PATH=str(tree.root / "bin"))
            self.assertEqual((code, out), (1, ""), errors)
            self.assertEqual(errors.splitlines()[1:], ["Installing neither not-there",
                             "packages/install.sh: root or sudo is needed to install: neither not-there"])

    def test_a_terminal_is_told_how_far_it_is(self):
        """The last line of the build's log and the seconds, in one line, which is gone when it is done."""
        ours, its = pty.openpty()
        termios.tcsetwinsize(its, (24, 30))
        with Tree(build="sleep 0.5; echo abcdefghijklmnopqrstuvwxyz; sleep 0.5") as tree:
            process = subprocess.Popen([tree.root / "run.sh", "--version"], stdin=subprocess.DEVNULL, stdout=its, stderr=its,
                                       env=server.environment(PATH=f"{tree.root / 'bin'}:{os.environ['PATH']}"))
            os.close(its)
            told = b""
            while True:
                try:
                    told += os.read(ours, 4096)
                except OSError:  # the other end is closed
                    break
            self.assertEqual(process.wait(), 0, told)
        os.close(ours)
        self.assertRegex(told, rb"\r\x1b\[K +[0-9]+ s  what was built\r")
        self.assertRegex(told, rb"\r\x1b\[K +[0-9]+ s  abcdefghijklmnopqrstu\r", "no wider than the terminal")
        self.assertRegex(told, rb"\r\x1b\[Kforkjoin [0-9.]+")

    def test_many_log_lines_after_the_start_all_arrive(self):
        with Tree() as tree, Serving(tree, "--port", "0") as serving:
            host, port = serving.address.rsplit(":", 1)
            with socket.create_connection((host, int(port))) as connection:
                for _ in range(500):
                    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                    while not connection.recv(65536).endswith(b"}"):
                        pass
            self.assertEqual(serving.end(os.kill, signal.SIGTERM)[0], 0)
            self.assertEqual(sum('"path":"/livez"' in line for line in serving.errors), 500)


if __name__ == "__main__":
    unittest.main()
