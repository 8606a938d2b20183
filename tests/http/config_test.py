"""Flags, environment variables and what is said about bad ones."""

import re
import signal
import socket
import struct
import subprocess
import unittest

import server

FLAGS = ["listen", "port", "io-threads", "cores", "job-cores", "queue", "max-body", "memory", "max-connections",
         "max-connections-per-address", "header-timeout", "body-timeout", "idle-timeout", "timeout", "drain",
         "drain-delay", "otlp", "log-level"]


def run(*arguments, **variables):
    """Runs the binary to its end; for command lines that don't serve."""
    return subprocess.run([server.binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=server.PATIENCE_S, env=server.environment(**variables), check=False)


class CommandLine(unittest.TestCase):
    def test_help_names_every_flag_and_variable(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for flag in FLAGS:
            self.assertIn("--" + flag, done.stdout)
            self.assertIn("FORKJOIN_" + flag.upper().replace("-", "_"), done.stdout)
        for flag in ("--help", "-h", "--version", "--healthcheck"):
            self.assertIn(flag, done.stdout)
        self.assertEqual([line for line in done.stdout.splitlines() if len(line) > 80 or line != line.rstrip()], [])

    def test_help_is_the_same_by_its_short_name_and_says_what_flags_take(self):
        done = run("-h")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, run("--help").stdout, ""))
        for shown in ("--listen ADDRESS ", "--port N ", "--max-body SIZE ", "--timeout TIME ", "--log-level LEVEL ",
                      "--cgroup-root PATH "):
            self.assertIn(shown, done.stdout)

    def test_version_is_one_line(self):
        done = run("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^forkjoin \d+\.\d+\.\d+[^\n]*\n$")

    def assert_usage_error(self, done, *mentions):
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for mention in mentions:
            self.assertIn(mention, done.stderr)

    def test_bad_values_exit_with_2_and_one_line_that_says_what_is_allowed(self):
        for flag, value, allowed in [
            ("--port", "65536", "65535"), ("--port", "-1", "65535"), ("--port", "http", "65535"),
            ("--port", "", "65535"),
            ("--cores", "many", ""), ("--queue", "1.5", ""), ("--io-threads", "-3", ""),
            ("--max-body", "1XB", "KiB"), ("--max-body", "99999999999999999999GiB", ""), ("--max-body", "-1", ""),
            ("--timeout", "5m", "ms"), ("--timeout", "soon", "ms"), ("--timeout", "-1s", ""), ("--timeout", "nan", ""),
            ("--log-level", "loud", "warn"), ("--listen", "no host", "address"), ("--listen", "999.0.0.1", "address"),
        ]:
            with self.subTest(flag=flag, value=value):
                self.assert_usage_error(run(flag, value), flag, allowed)

    def test_unknown_flags_missing_values_and_stray_words_exit_with_2(self):
        for arguments in (["--nope"], ["--nope", "1"], ["-x"], ["--port"], ["serve"], ["--por", "1"],
                          ["--port", "0", "more"]):
            with self.subTest(arguments):
                self.assert_usage_error(run(*arguments))

    def test_bad_environment_variables_exit_with_2_and_are_named(self):
        self.assert_usage_error(run(FORKJOIN_PORT="http"), "FORKJOIN_PORT")
        self.assert_usage_error(run(FORKJOIN_LOG_LEVEL="loud"), "FORKJOIN_LOG_LEVEL")

    def test_a_port_in_use_is_an_error_that_names_the_address(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("--port", str(port))
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(str(port), done.stderr)


class Effect(unittest.TestCase):
    BIG = {"text": "is " * 1000, "word": "is"}

    def test_an_environment_variable_counts(self):
        with server.Server(env={"FORKJOIN_MAX_BODY": "1KiB"}) as under_test:
            self.assertEqual(under_test.post("/v1/wordcount", self.BIG).status, 413)

    def test_a_flag_wins_over_its_variable(self):
        with server.Server(env={"FORKJOIN_MAX_BODY": "1KiB"}, max_body="1MiB") as under_test:
            self.assertEqual(under_test.post("/v1/wordcount", self.BIG).status, 200)

    def test_a_flag_and_its_value_may_be_one_word(self):
        done = run("--port=http")
        self.assertEqual(done.returncode, 2)
        self.assertIn("65535", done.stderr)

    def test_sizes_and_times_take_their_units(self):
        flags = {"max_body": "2048", "memory": "1GiB", "timeout": "1.5s", "idle_timeout": "2",
                 "header_timeout": "250ms"}
        with server.Server(**flags) as under_test:
            system = under_test.get("/v1/system").json()
            limits = system["limits"]
            self.assertEqual(limits["max_body_bytes"], 2048)
            self.assertEqual(system["memory"]["limit_bytes"], 1 << 30)
            self.assertEqual(limits["timeout_ms"], 1500)
            self.assertEqual(limits["idle_timeout_ms"], 2000)
            self.assertEqual(limits["header_timeout_ms"], 250)

    def test_the_start_up_line_says_where_and_with_what(self):
        with server.Server(cores=1) as under_test:
            self.assertEqual(under_test.start_line["event"], "listening")
            self.assertRegex(under_test.start_line["address"], r"^127\.0\.0\.1:\d+$")
            self.assertIn("cores", under_test.start_line)
            self.assertIn("io_threads", under_test.start_line)

    def test_every_limit_is_in_the_start_up_line_and_in_system(self):
        flags = {"max_stream": "1GiB", "drain": "3s", "drain_delay": "4ms"}
        expected = {"max_stream_bytes": 1 << 30, "drain_ms": 3000, "drain_delay_ms": 4}
        with server.Server(**flags) as under_test:
            limits = under_test.get("/v1/system").json()["limits"]
            for name, value in expected.items():
                self.assertEqual((limits[name], under_test.start_line[name]), (value, value), name)
            shown = {name for name in limits if not name.startswith(("inline_", "queue_"))}
            self.assertLessEqual(shown, set(under_test.start_line))

    def test_cores_sets_the_budget_and_system_says_where_it_comes_from(self):
        with server.Server(cores=1) as under_test:
            cores = under_test.get("/v1/system").json()["cores"]
            self.assertEqual(cores["count"], 1)
            self.assertIn("--cores", cores["source"])

    def test_it_listens_on_ipv6_too(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 loopback here")
        with server.Server(listen="::1") as under_test:
            under_test.host = under_test.host.strip("[]")
            self.assertEqual(under_test.get("/livez").status, 200)

    def test_many_io_threads_share_the_work(self):
        with server.Server(io_threads=3) as under_test:
            for _ in range(60):
                self.assertEqual(under_test.post("/v1/wordcount", {"text": "is", "word": "is"}).json()["count"], 1)


class Process(unittest.TestCase):
    def test_sigpipe_is_ignored(self):
        with server.Server() as under_test:
            under_test.signal(signal.SIGPIPE)
            body = server.slow_body(100000)
            for _ in range(5):
                with under_test.socket() as connection:
                    connection.sendall(server.post_head("/v1/gaussian", len(body)) + body)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
            self.assertEqual(under_test.get("/livez").status, 200)

    def test_the_memory_budget_is_half_of_what_there_is_unless_given(self):
        with server.Server() as under_test:
            memory = under_test.get("/v1/system").json()["memory"]
        in_cgroup = re.fullmatch(r"cgroup v[12] limit in (/\S+)", memory["source"])
        if in_cgroup:
            with open(in_cgroup[1], encoding="ascii") as limit:
                self.assertEqual(memory["limit_bytes"], int(limit.read()) // 2)
        else:
            self.assertEqual(memory["source"], "the machine's memory")
            with open("/proc/meminfo", encoding="ascii") as meminfo:
                total_kib = int(re.search(r"^MemTotal:\s+(\d+) kB", meminfo.read())[1])
            self.assertEqual(memory["limit_bytes"], total_kib * 1024 // 2)
        with server.Server(memory="20MiB") as under_test:
            memory = under_test.get("/v1/system").json()["memory"]
        self.assertEqual((memory["limit_bytes"], memory["source"]), (20 << 20, "--memory"))

    def test_named_data_has_a_quarter_of_the_memory_unless_given(self):
        for options, expected in (({"memory": "20MiB"}, 5 << 20), ({"memory": "20MiB", "data_memory": "3MiB"}, 3 << 20),
                                  ({"memory": "20MiB", "data_memory": 0}, 5 << 20)):
            with self.subTest(options), server.Server(**options) as under_test:
                self.assertEqual(under_test.get("/v1/system").json()["data"]["limit_bytes"], expected)
                self.assertEqual(under_test.start_line["data_memory_bytes"], expected)
        with server.Server() as under_test:
            system = under_test.get("/v1/system").json()
            self.assertEqual(system["data"]["limit_bytes"], system["memory"]["limit_bytes"] // 4)


class Healthcheck(unittest.TestCase):
    def test_it_exits_with_0_while_the_server_lives_and_with_1_after(self):
        with server.Server() as under_test:
            self.assertEqual(run("--healthcheck", "--port", str(under_test.port)).returncode, 0)
            self.assertEqual(run("--healthcheck", FORKJOIN_PORT=str(under_test.port)).returncode, 0)
            port = under_test.port
        self.assertEqual(run("--healthcheck", "--port", str(port)).returncode, 1)

    def test_it_asks_the_loopback_where_the_server_listens_everywhere(self):
        with server.Server(listen="0.0.0.0") as under_test:
            done = run("--healthcheck", "--listen", "0.0.0.0", "--port", str(under_test.port))
            self.assertEqual(done.returncode, 0, done)

    def test_something_that_isnt_the_service_is_not_healthy(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            done = run("--healthcheck", "--port", str(silent.getsockname()[1]))
            self.assertEqual(done.returncode, 1, done)


if __name__ == "__main__":
    unittest.main()
