"""Starts and stops the servers that are measured, and asks them things.

Every server runs on a free port of 127.0.0.1, is ended by its own pid, and writes what it says to a file in the
bench's temporary folder, where its start-up line {"event":"listening","address":"127.0.0.1:PORT"} is looked for.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time

START_SECONDS = 10
STOP_SECONDS = 15
EXCHANGE_SECONDS = 60
STREAM_SECONDS = 130

NGINX_CONF = """
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 8192; use epoll; }}
http {{
    access_log off; default_type application/json; keepalive_timeout 1h; keepalive_requests 1000000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 '{answer}'; }} }}
}}
"""


class BenchError(Exception):
    """A measurement that couldn't be made; the message says why."""


def require(*programs):
    """Ends this program with a sentence where one of those isn't built."""
    for program in programs:
        if not os.access(program, os.X_OK):
            raise SystemExit(f"{program} isn't built: cmake --preset release && cmake --build --preset release does it")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A running server; use it in a with statement. port: None if the server names it in its start-up line."""

    def __init__(self, arguments, folder, port=None, quiet=False):
        self.arguments = arguments
        self.name = os.path.basename(arguments[0])
        self.log_path = os.path.join(folder, f"{self.name}-{time.monotonic_ns()}.log")
        self.quiet = quiet
        self.port = port
        self.process = None

    def __enter__(self):
        with open(os.devnull if self.quiet else self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait_listening()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_listening(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended at once: {self.said()}")
            if self.port is None:
                self.port = self.announced_port()
            if self.port is not None and answers(self.port):
                return
            time.sleep(0.01)
        raise BenchError(f"{self.name} wasn't listening after {START_SECONDS} s: {self.said()}")

    def said(self):
        if self.quiet:
            return "(not recorded)"
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read(2000).strip()

    def announced_port(self):
        for line in self.said().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and event.get("event") == "listening":
                return int(event["address"].rpartition(":")[2])
        return None

    def status(self, *names):
        """Numbers of /proc/PID/status, e.g. Threads, VmRSS (KiB)."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii", errors="replace") as status:
            fields = dict(line.split(":", 1) for line in status)
        return [int(fields[name].split()[0]) for name in names]

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def pin(self, core):
        """Binds every thread the server has now to one core."""
        for thread in self.thread_ids():
            os.sched_setaffinity(thread, {core})

    def thread_ids(self):
        return {int(name) for name in os.listdir(f"/proc/{self.process.pid}/task")}


def nginx(folder, answer):
    """nginx with one worker that answers everything with the given body, without an access log."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not program:
        raise BenchError("nginx isn't installed")
    if "'" in answer or "$" in answer or "\\" in answer:
        raise BenchError("this answer can't be written into an nginx configuration")
    port = free_port()
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(NGINX_CONF.format(folder=folder, port=port, answer=answer))
    return Server([program, "-p", folder, "-c", configuration, "-e", "stderr"], folder, port)


class Reply:
    """Status, end of the body and timing of one answer; seconds from the first byte sent to the last one received."""

    def __init__(self, status, tail, body_bytes, seconds):
        self.status = status
        self.tail = tail
        self.body_bytes = body_bytes
        self.seconds = seconds
        self.timing = {name: float(ms) for name, ms in re.findall(rb'"(\w+)_ms": ?([0-9.eE+-]+)', tail)}
        self.timing = {name.decode(): ms for name, ms in self.timing.items()}


JSON_HEADERS = ("Content-Type: application/json",)


def exchange(port, path, body, barrier=None, headers=JSON_HEADERS):
    """POSTs a file's content (by sendfile: the client shall cost as little as it can) and reads the answer."""
    with socket.create_connection(("127.0.0.1", port), EXCHANGE_SECONDS) as connection, open(body, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        head = "\r\n".join([f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "Connection: close",
                            f"Content-Length: {length}", "", ""])
        if barrier:
            barrier.wait(EXCHANGE_SECONDS)
        begun = time.monotonic()
        try:
            connection.sendall(head.encode())
            connection.sendfile(file)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early: the answer says why
        answer = read_to_end(connection)
        return Reply(*answer, time.monotonic() - begun)


def read_to_end(connection):
    """(status, last 4 KiB, length of the body): a result's timing is at its end."""
    buffer = bytearray(1 << 20)
    status, tail, length, head_length = None, b"", 0, 0
    while True:
        count = connection.recv_into(buffer)
        if count == 0:
            break
        if status is None:
            status = int(bytes(buffer[9:12]))
            head_length = bytes(buffer[:count]).find(b"\r\n\r\n") + 4
        length += count
        tail = (tail + bytes(buffer[max(0, count - 4096):count]))[-4096:]
    if status is None:
        raise BenchError("the server closed the connection without an answer")
    return status, tail, length - head_length


def stream(program, server, path, file, times):
    """A text/plain stream of the file's content, that many times: (seconds, the answer if it is JSON)."""
    arguments = [program, str(server.port), path, "text/plain", file, str(times)]
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=STREAM_SECONDS, check=False)
    timing, _, answer = result.stdout.partition("\n")
    if result.returncode != 0 or not timing.endswith(" 200"):
        raise BenchError(f"the stream failed: {result.stderr.strip()} {result.stdout[:300]}")
    return float(timing.split()[0]), json.loads(answer) if answer.startswith("{") else {}


class Load:
    """Runs the load generator; see bench/README.md for the members of its report."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder

    def arguments(self, server, bodies, clients, seconds, warmup, path="/v1/wordcount", headers=JSON_HEADERS,
                  method="POST", source=None, pace_ms=None):
        arguments = [self.program, "--port", str(server.port), "--method", method, "--path", path,
                     "--clients", str(clients), "--duration", str(seconds), "--warmup", str(warmup)]
        for header in headers:
            arguments += ["--header", header]
        for body in bodies:
            arguments += ["--body", body]
        if source:
            arguments += ["--source", source]
        if pace_ms:
            arguments += ["--paced", "--backoff-ms", str(pace_ms)]
        return arguments

    def start(self, *arguments, **request):
        return subprocess.Popen(self.arguments(*arguments, **request), stdout=subprocess.PIPE)

    def finish(self, process, limit_seconds=60):
        try:
            output, _ = process.communicate(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise BenchError(f"the load generator didn't end within {limit_seconds} s") from None
        if process.returncode != 0:
            raise BenchError("the load generator failed")
        return json.loads(output)

    def run(self, server, bodies, clients, seconds, warmup=0.5, core=None, **request):
        """The load generator's report, and in server_cpu_us what an answer cost the server (warm-up estimated)."""
        cpu_seconds = server.cpu_seconds()
        process = self.start(server, bodies, clients, seconds, warmup, **request)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})  # it has one thread; the warm-up covers the move
        report = self.finish(process)
        cpu_seconds = server.cpu_seconds() - cpu_seconds
        answers_in_all = report["answers"] * (1 + warmup / report["seconds"])
        report["server_cpu_us"] = round(cpu_seconds * 1e6 / max(answers_in_all, 1), 2)
        return report
