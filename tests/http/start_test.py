"""What a process is started with, and what is done to it from outside: OpenMP's variables, closed descriptors, failing
allocations, signals.

ctest: threads, uninstrumented
"""

import contextlib
import http.client
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

import server

USABLE = sorted(os.sched_getaffinity(0))
# What the service gives its OpenMP runtime.
OPENMP = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000", "OMP_DYNAMIC": "false", "OMP_MAX_ACTIVE_LEVELS": "1",
          "OMP_STACKSIZE": "2M"}
LAST = str(USABLE[-1])
# Each takes threads or cores away, or would change what they do, if it were obeyed (by libgomp, LLVM's runtime or both).
HOSTILE = [
    {"OMP_DYNAMIC": "true"}, {"OMP_THREAD_LIMIT": "1"}, {"OMP_MAX_ACTIVE_LEVELS": "0"}, {"OMP_NUM_THREADS": "1"},
    {"OMP_PROC_BIND": "true"}, {"OMP_PROC_BIND": "master", "OMP_PLACES": "{" + LAST + "}"}, {"OMP_PLACES": "threads(1)"},
    {"GOMP_CPU_AFFINITY": LAST}, {"KMP_AFFINITY": "explicit,proclist=[" + LAST + "]"}, {"KMP_HW_SUBSET": "1c"},
    {"KMP_ALL_THREADS": "1"}, {"KMP_DEVICE_THREAD_LIMIT": "1"}, {"KMP_TEAMS_THREAD_LIMIT": "1"},
    {"OMP_SCHEDULE": "dynamic,1"}, {"OMP_STACKSIZE": "1"}, {"OMP_STACKSIZE": "8192G"}, {"KMP_STACKSIZE": "1"},
    {"GOMP_STACKSIZE": "1"}, {"GOMP_SPINCOUNT": "infinity"}, {"OMP_WAIT_POLICY": "active"}, {"OMP_CANCELLATION": "true"},
    {"OMP_NESTED": "true"}, {"OMP_DISPLAY_ENV": "verbose"}, {"OMP_DISPLAY_AFFINITY": "true"}, {"KMP_SETTINGS": "1"},
    {"KMP_LIBRARY": "serial"}, {"OMP_TARGET_OFFLOAD": "mandatory"}, {"OMP_TOOL": "disabled"},
    {"OMP_THREAD_LIMIT_ALL": "1"}, {"OMP_THREAD_LIMIT_DEV": "1"}, {"OMP_DYNAMIC_DEV_0": "true"}, {"OMP_DYNAMIC": ""},
    {"OMP_DYNAMIC": "FALSE"}, {"HWLOC_SYNTHETIC": "pack:2 core:512 pu:1"}, {"HWLOC_FSROOT": "/nonexistent"},
    {"HWLOC_XMLFILE": "/nonexistent"}, {"HWLOC_COMPONENTS": "stop"},
]
PRLIMIT_CALLS = {"x86_64": 302, "aarch64": 261}  # the system call's number
# Runs a program with a filter that answers EPERM to who sets the limit of descriptors. It looks at the call's number,
# which limit it is, and where the new one lies: BPF's load, jump if equal (so far, or so far else), return.
FORBIDS_LIMIT = """
import ctypes, os, struct, sys
program = [(0x20, 0, 0, 0), (0x15, 0, 5, int(sys.argv[1])), (0x20, 0, 0, 24), (0x15, 0, 3, 7),  # RLIMIT_NOFILE
           (0x20, 0, 0, 32), (0x15, 1, 0, 0), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
whole = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in ((38, 1, 0, 0, 0), (22, 2, whole)):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP with a filter
    if libc.prctl(*arguments) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
"""
KEPT_OUT = ("OMP_", "GOMP_", "KMP_", "HWLOC_")
PAIR = {"ranges": [40000000, 40000000], "threads": 2, "cores": USABLE[:2], "chunk": 1}


def variables_of(process):
    """The variables of OpenMP and hwloc that a process was started with, the last time."""
    environ = pathlib.Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
    pairs = [entry.split("=", 1) for entry in environ if entry.startswith(KEPT_OUT)]
    return dict(pairs)


@contextlib.contextmanager
def only(**variables):
    """An environment with these variables of OpenMP and hwloc and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(KEPT_OUT)}
    with unittest.mock.patch.dict(os.environ, others | variables, clear=True):
        yield


class OpenmpVariables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with only(), server.Server() as under_test:
            cls.topology = under_test.get("/v1/system").json()["cores"]["topology"]

    def assert_rules_itself(self, under_test, usable=None):
        usable = usable or USABLE
        self.assertEqual(variables_of(under_test.process), OPENMP)
        cores = under_test.get("/v1/system").json()["cores"]
        self.assertEqual(cores["usable"], usable)
        self.assertEqual([place for place in self.topology if place["id"] in usable], cores["topology"])
        if len(usable) > 1:
            answer = under_test.post("/v1/triangular", PAIR)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual([entry["core"] for entry in answer.json()["results"]], USABLE[:2])
            self.assertEqual(answer.json()["threads"], {"requested": 2, "granted": 2})

    def warnings(self, under_test):
        return [line["detail"] for line in under_test.log(event="environment-ignored", level="warn")]

    def test_without_any_it_sets_its_own_and_says_nothing(self):
        for given in ({}, OPENMP, {"OMP_WAIT_POLICY": "passive"}):
            with only(**given), server.Server() as under_test:
                self.assert_rules_itself(under_test)
                self.assertEqual(self.warnings(under_test), [])

    def test_each_is_overridden_and_named_once(self):
        for given in HOSTILE:
            with self.subTest(given), only(**given), server.Server() as under_test:
                self.assert_rules_itself(under_test)
                warnings = self.warnings(under_test)
                self.assertEqual(len(warnings), 1, under_test.lines)
                for name, value in given.items():
                    self.assertIn(f"{name}={value}", warnings[0])

    def test_all_at_once_are_too(self):
        everything = {name: value for given in HOSTILE for name, value in given.items()}
        with only(**everything, OMP_X="\x1b[31m\n\u009b" + "x" * 5000), server.Server() as under_test:
            self.assert_rules_itself(under_test)
            self.assertEqual(len(self.warnings(under_test)), 1)
            self.assertIn("and others", self.warnings(under_test)[0])

    def test_their_values_stand_escaped_in_the_log(self):
        with only(OMP_X="\x1b[31m\n\u009b31m\x7f"), server.Server() as under_test:
            self.assertIn("OMP_X=\x1b[31m\n\u009b31m\x7f", self.warnings(under_test)[0])
            for line in under_test.lines:
                self.assertTrue(line.isprintable(), line)

    def test_warnings_can_be_switched_off(self):
        with only(OMP_DYNAMIC="true"), server.Server(log_level="error") as under_test:
            self.assert_rules_itself(under_test)
            self.assertEqual(self.warnings(under_test), [])

    @unittest.skipIf(len(USABLE) < 2, "needs two cores")
    def test_the_mask_that_the_process_was_started_with_stays(self):
        os.sched_setaffinity(0, USABLE[:1])
        try:
            with only(GOMP_CPU_AFFINITY=LAST, OMP_PROC_BIND="true", KMP_AFFINITY="compact"):
                under_test = server.Server()
        finally:
            os.sched_setaffinity(0, USABLE)
        with under_test:
            self.assert_rules_itself(under_test, USABLE[:1])

    def test_a_command_that_doesnt_serve_says_nothing_of_them(self):
        with only(OMP_DYNAMIC="true"):
            done = subprocess.run([server.binary(), "--healthcheck", "--port", "x"], capture_output=True, text=True,
                                  env=server.environment(), check=False)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("OMP_", done.stderr)


def listening_port(pid):
    """The port that a process listens on, None while there is none."""
    inodes = {}
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            inodes[f"socket:[{fields[9]}]"] = int(fields[1].split(":")[1], 16)
    with contextlib.suppress(FileNotFoundError):
        for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(descriptor) in inodes:
                return inodes[os.readlink(descriptor)]
    return None


class ClosedDescriptors(unittest.TestCase):
    def test_standard_streams_that_were_closed_are_nowhere_and_no_sockets(self):
        for closed in ("0<&- 1>&- 2>&-", "2>&-", "0<&-", "1>&- 2>&-"):
            with self.subTest(closed):
                begun = time.time()
                process = subprocess.Popen(["/bin/sh", "-c", f'exec {closed}; exec "$@"', "sh", server.binary(), "--port", "0"],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           env=server.environment())
                try:
                    server.wait_until(lambda: process.poll() is not None or listening_port(process.pid), "it listens")
                    self.assertIsNone(process.poll())
                    port = listening_port(process.pid)
                    for number in range(3):
                        target = os.readlink(f"/proc/{process.pid}/fd/{number}")
                        is_closed = f"{number}<&-" in closed or f"{number}>&-" in closed
                        self.assertEqual(target == "/dev/null", is_closed, (number, target))
                        self.assertFalse(target.startswith("socket:"))
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=server.PATIENCE_S)
                    connection.request("GET", "/livez")
                    self.assertEqual(connection.getresponse().status, 200)
                    connection.close()
                    process.terminate()
                    process.communicate(timeout=server.PATIENCE_S)
                    self.assertEqual(process.returncode, 0)
                finally:
                    if process.poll() is None:
                        process.kill()
                        process.communicate()
                    server.remove_remains(process, begun)


class Limits(unittest.TestCase):
    """The system's, so low that something is refused."""

    def start(self, *through, **variables):
        """(exit status, lines of stderr) of a start that is told to end once it listens and has answered."""
        with subprocess.Popen([*through, server.binary(), "--port", "0", "--drain-delay", "0ms"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=server.environment(**variables)) as process:
            patience = threading.Timer(server.PATIENCE_S, process.kill)
            patience.start()
            lines = []
            for line in process.stderr:
                lines.append(line.decode())
                if '"listening"' in lines[-1]:
                    host, port = json.loads(lines[-1])["address"].rsplit(":", 1)
                    connection = http.client.HTTPConnection(host, int(port), timeout=server.PATIENCE_S)
                    try:
                        connection.request("GET", "/livez")
                        self.assertEqual(connection.getresponse().status, 200)
                    except ConnectionError as error:  # no memory for a connection
                        lines.append(str(error))
                    connection.close()
                    process.terminate()
            process.wait()
            patience.cancel()
        return process.returncode, lines

    def test_too_few_descriptors_end_the_start_with_a_line(self):
        for limit in (16, 32, 63):
            with self.subTest(limit):
                status, lines = self.start("prlimit", f"--nofile={limit}")
                self.assertEqual((status, len(lines)), (1, 1), lines)
                self.assertIn(f"the descriptor limit (ulimit -n) is {limit}; at least 64 are needed", lines[0])
                self.assertIn('"start-failed"', lines[0])

    def test_with_enough_of_them_it_serves(self):
        with tempfile.TemporaryDirectory() as folder:
            for jobs in ("memory", "durable"):
                variables = {"FORKJOIN_JOBS": jobs, "FORKJOIN_DATA": jobs}
                variables |= {"FORKJOIN_STATE_DIR": folder} if jobs == "durable" else {}
                status, lines = self.start("prlimit", "--nofile=64", **variables)
                self.assertEqual((status, [line for line in lines if not line.startswith("{")]), (0, []), lines)
                self.assertIn('"limit-lowered"', lines[0])

    @unittest.skipUnless(platform.machine() in PRLIMIT_CALLS, "another number of the system call")
    def test_a_limit_that_cannot_be_raised_is_told_of_and_kept(self):
        """As a unit's SystemCallFilter=~@resources forbids it."""
        call = str(PRLIMIT_CALLS[platform.machine()])
        status, lines = self.start("prlimit", "--nofile=256:512", sys.executable, "-c", FORBIDS_LIMIT, call)
        events = [json.loads(line) for line in lines]
        self.assertEqual((status, [event["event"] for event in events[:2]]), (0, ["limit-kept", "limit-lowered"]), lines)
        self.assertIn("can't be raised to 512: Operation not permitted", events[0]["detail"])
        self.assertIn("the descriptor limit is 256", events[1]["detail"])

    @unittest.skipUnless(os.environ.get("FAILING_MALLOC"), "not with sanitizers or LLVM's OpenMP runtime")
    def test_too_few_threads_or_too_little_memory_end_it_too(self):
        nobody = ["setpriv", "--reuid", "54321", "--clear-groups"]  # of whom there are no other threads; root has no limit
        limits = [["prlimit", f"--as={size * 1024 * 1024}"] for size in (30, 34, 38, 42, 46, 50)]
        # Through prlimit: a folder that is root's alone can be entered until the next program begins.
        if os.getuid() == 0 and subprocess.run([*nobody, "prlimit", "--nproc=100", server.binary(), "--version"],
                                               capture_output=True, check=False).returncode == 0:
            limits += [[*nobody, "prlimit", f"--nproc={count}"] for count in (1, 3, 5, 6, 7, 8, 9)]
        outcomes = set()
        for through in limits:
            with self.subTest(through):
                status, lines = self.start(*through)
                if status == 127 and "shared libraries" in lines[-1]:
                    continue  # the dynamic loader's own line: nothing of ours has run
                self.assertIn(status, (0, 1), lines)
                outcomes.add(status)
                if status == 1:
                    self.assertIn('"start-failed"', lines[-1])
        self.assertIn(1, outcomes)


@unittest.skipUnless(os.environ.get("FAILING_MALLOC"), "not with sanitizers or LLVM's OpenMP runtime")
class FailingAllocations(unittest.TestCase):
    """Started again and again, each time with another allocation that fails."""

    def run_with(self, first, last, *arguments, **variables):
        variables |= {"LD_PRELOAD": os.environ["FAILING_MALLOC"], "MALLOC_FAILS_FROM": str(first),
                      "MALLOC_FAILS_TO": str(last)}
        return subprocess.Popen([server.binary(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env=server.environment(**variables))

    def count(self, *arguments):
        """Allocations of a run to its end, nearly all of them before main."""
        with self.run_with(0, 0, *arguments, MALLOC_REPORTS="1") as process:
            return int(process.communicate(timeout=server.PATIENCE_S)[1])

    def assert_serves_or_says_why_not(self, first, last, asks=False, **variables):
        """Returns whether it served. asks: it is sent a request, which it may leave unanswered."""
        with self.run_with(first, last, "--port", "0", **variables) as process:
            said = b""
            patience = threading.Timer(server.PATIENCE_S, process.kill)
            patience.start()
            for line in process.stderr:
                said += line
                if b'"listening"' in line:
                    if asks:
                        self.ask(json.loads(line)["address"])
                    process.terminate()
                    break
            said += process.communicate()[1]
            patience.cancel()
        self.assertIn(process.returncode, (0, 1), (first, last, said))
        if process.returncode == 1:
            self.assertRegex(said.decode(), r"(?i)memory|GnuTLS", (first, last))
        return process.returncode == 0

    def ask(self, address):
        host, port = address.rsplit(":", 1)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(host, int(port), timeout=5)
            connection.request("POST", "/v1/triangular", json.dumps(PAIR), {"Content-Type": "application/json"})
            connection.getresponse().read()
            connection.close()

    def test_when_all_fail_soon_after_it_ends_by_itself_or_when_told_to(self):
        """A team's threads are ended then."""
        before_main = self.count("--version")
        for number in range(before_main + 30, before_main + 120, 6):
            self.assert_serves_or_says_why_not(number, 10**9, asks=True, MALLOC_SPARES_CHILDREN="1")

    def test_a_single_one_is_borne_or_ends_the_start_with_a_line(self):
        before_main = self.count("--version")
        outcomes = {self.assert_serves_or_says_why_not(number, number)
                    for number in (*range(before_main - 3, before_main + 6),
                                   *range(before_main + 6, before_main + 270, 8))}
        self.assertEqual(outcomes, {True, False})

    def test_when_all_fail_the_start_ends_with_a_line(self):
        before_main = self.count("--version")
        for number in (*range(before_main - 3, before_main + 6), *range(before_main + 6, before_main + 100, 16)):
            self.assertFalse(self.assert_serves_or_says_why_not(number, 10**9))

    def test_starting_again_for_openmp_ends_too(self):
        before_main = self.count("--version")
        with only():
            for number in range(before_main - 2, before_main + 6):
                self.assert_serves_or_says_why_not(number, number)


FAULTS = {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS}
HOLDS = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGPWR, signal.SIGXCPU]
STRAY = [number for number in range(1, signal.SIGRTMAX + 1) if number not in {signal.SIGKILL, *FAULTS, *HOLDS, *STOPS}]
BODY = b'{"text": "is it", "word": "is"}'


class Signals(unittest.TestCase):
    def begin(self, under_test):
        """A request of which half a body is there."""
        connection = under_test.socket()
        connection.sendall(server.post_head("/v1/wordcount", len(BODY)) + BODY[:5])
        server.wait_until(lambda: server.health(under_test)["connections"] >= 2, "the connection is counted")
        return connection

    def finish(self, connection):
        connection.sendall(BODY[5:])
        response = server.read_response(connection)
        connection.close()
        self.assertEqual((response.status, response.json()["count"]), (200, 1))

    def test_stray_ones_do_nothing(self):
        self.assertIn(signal.SIGHUP, STRAY)
        self.assertIn(32, STRAY)
        with server.Server() as under_test:
            connection = self.begin(under_test)
            for number in STRAY:
                under_test.signal(number)
                self.assertEqual(under_test.get("/readyz").status, 200, number)
            self.finish(connection)
            self.assertEqual([line["event"] for line in under_test.log() if line["event"] != "request"], ["listening"])

    def test_some_let_it_finish_what_it_has_begun(self):
        for number in STOPS:
            with self.subTest(number), server.Server() as under_test:
                connection = self.begin(under_test)
                under_test.signal(number)
                server.wait_until(lambda: under_test.log(event="draining"), "it drains")
                self.finish(connection)
                self.assertEqual(under_test.wait(), 0)
                self.assertEqual(under_test.log(event="draining")[0]["detail"], f"{number.name} received")

    def test_those_that_the_system_repeats_dont_hurry_it(self):
        with server.Server() as under_test:
            connection = self.begin(under_test)
            for _ in range(3):
                under_test.signal(signal.SIGXCPU)
                under_test.signal(signal.SIGPWR)
                under_test.signal(signal.SIGHUP)
                server.wait_until(lambda: under_test.log(event="draining"), "it drains")
                time.sleep(0.05)
            self.finish(connection)
            self.assertEqual(under_test.wait(), 0)

    def test_a_second_one_of_a_person_does(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            with self.subTest(number), server.Server(exits_with=128 + number, drain="600s") as under_test:
                connection = self.begin(under_test)
                under_test.signal(signal.SIGTERM)
                server.wait_until(lambda: under_test.log(event="draining"), "it drains")
                time.sleep(0.3)
                under_test.signal(number)
                under_test.wait()
                connection.close()

    def test_it_survives_nohup(self):
        with server.Server(through=["nohup"]) as under_test:
            under_test.signal(signal.SIGHUP)
            self.assertEqual(under_test.get("/livez").status, 200)


if __name__ == "__main__":
    unittest.main()
