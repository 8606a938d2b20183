#!/usr/bin/env python3
"""Jobs: how many are accepted, what waiting for one costs beside the call itself, and what they cost others.

  accepted a second     tiny ones, durable, 64 clients; beside it how many write and fdatasync of a small file a second
  added latency         respond-async, wait=10 beside the call, one at a time, in memory and durable
  cancelled             from DELETE of a durable job that computes until its cores are free, as /healthz says, and until
                        the answer: median and longest, of several kinds
  beside long jobs      p99 of small requests while jobs fill the cores they may have, beside none
  beside waiting        throughput of small requests while clients wait for a job, beside none, and what each takes of
                        the server's memory, libmicrohttpd's part included

usage: jobs.py [--build FOLDER] [--state-dir FOLDER] [--seconds S] [--waiting N] [--used N] [--streams N]
               [--only ROW]...

FOLDER is where release was built (build/release); the durable rows write to a folder of their own in --state-dir, which
decides what disk is measured."""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import resource
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import servers

BODY = b'{"text": "is it is", "word": "is"}'
JSON = {"Content-Type": "application/json"}
LONG = json.dumps({"ranges": [100_000_000] * 1800, "threads": 1, "chunk": 1}).encode()  # a minute; its sum fits 63 bits
TURNS = 300
CANCELS = 50


def serve(arguments, folder, *flags):
    return servers.Server([f"{arguments.build}/forkjoin", "--port", "0", "--log-level", "error", *flags], folder)


def load(arguments, port, folder, clients, *headers):
    path = os.path.join(folder, "body.json")
    pathlib.Path(path).write_bytes(BODY)
    fields = [part for header in ("Content-Type: application/json", *headers) for part in ("--header", header)]
    done = subprocess.run([f"{arguments.build}/bench/fj-load", "--port", str(port), "--path", "/v1/wordcount", *fields,
                           "--body", path, "--clients", str(clients), "--duration", str(arguments.seconds)],
                          check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def syncs_per_s(folder):
    with open(os.path.join(folder, "sync"), "wb") as file:
        begin, count = time.monotonic(), 0
        while time.monotonic() - begin < 1:
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - begin)


def median_ms(connection, *headers):
    """Of a short request in one piece, without what a client library adds: its answer comes in one, too."""
    lines = ["POST /v1/wordcount HTTP/1.1", "Host: a", "Content-Type: application/json", *headers,
             f"Content-Length: {len(BODY)}"]
    request = "\r\n".join([*lines, "", ""]).encode() + BODY
    times = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        connection.sendall(request)
        answer = connection.recv(65536)
        times.append((time.perf_counter() - begin) * 1000)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise servers.BenchError(f"{answer[:80]} instead of 200")
    return statistics.median(times)


def submit(port, body, path="/v1/triangular"):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", path, body, JSON | {"Prefer": "respond-async"})
    job = json.loads(connection.getresponse().read())
    connection.close()
    return job["id"]


def require_running(port, job):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/v1/jobs/{job}")
    status = json.loads(connection.getresponse().read())["status"]
    connection.close()
    if status != "running":
        raise servers.BenchError(f"the long job is {status}")


def accepted(arguments, folder, state):
    with serve(arguments, folder, "--state-dir", state) as server:
        rate = load(arguments, server.port, folder, 64, "Prefer: respond-async")
    if set(rate["status"]) != {"202"}:
        raise servers.BenchError(f"statuses {rate['status']}")
    print(f"accepted a second, durable, 64 clients   {rate['answers_per_s']:8.0f}   (one sync each: {syncs_per_s(folder):.0f})")


def latency(arguments, folder, state):
    for name, flags in (("memory", ["--jobs", "memory"]), ("durable", ["--state-dir", state])):
        with serve(arguments, folder, *flags) as server, \
                socket.create_connection(("127.0.0.1", server.port)) as connection:
            pairs = [(median_ms(connection), median_ms(connection, "Prefer: respond-async, wait=10")) for _ in range(5)]
            added = statistics.median(job - call for call, job in pairs)
            print(f"added to the call's {pairs[0][0]:.3f} ms, {name:8}     {added:8.3f} ms"
                  + (f"   (a sync: {1000 / syncs_per_s(folder):.3f} ms)" if name == "durable" else ""))


def kinds():
    """(name, path, body) of jobs that compute for a while, in pieces of different kinds."""
    numbers = random.Random(1)
    points = [[round(numbers.random() * 9, 3)] for _ in range(100_000)]
    some = points[:2000]
    steps = " + ".join(f"lgamma(x + {step})" for step in range(60))
    text = " ".join(f"{numbers.getrandbits(40):x}" for _ in range(2_000_000))
    bodies = {
        "Gaussian sum": ("/v1/gaussian/sum", {"x": points, "y": points}),
        "pairwise, topk": ("/v1/pairwise", {"x": points, "y": points, "expr": "exp(-d)", "reduce": "topk", "k": 5}),
        "map": ("/v1/map", {"x": [x for x, in points] * 5, "expr": steps}),
        "most frequent words": ("/v1/wordcount", {"text": text, "top": 10}),
        "a batch of sums": ("/v1/batch", {"op": "/v1/gaussian/sum", "defaults": {"y": points},
                                          "items": [{"x": some}] * 50}),
        "sums of triangles": ("/v1/triangular", json.loads(LONG)),
    }
    return [(name, path, json.dumps(body).encode()) for name, (path, body) in bodies.items()]


def ask(connection, method, path):
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise servers.BenchError(f"{head[:80]} instead of 200")
    return json.loads(body)


def cancel(server, path, body, pause_s):
    """(ms until no core is busy, ms until the answer) from DELETE of a job that has computed for a while."""
    job = submit(server.port, body, path)
    with socket.create_connection(("127.0.0.1", server.port)) as asking, \
            socket.create_connection(("127.0.0.1", server.port)) as deleting:
        while ask(asking, "GET", f"/v1/jobs/{job}").get("timing", {}).get("compute_ms", 0) == 0:
            time.sleep(0.001)
        time.sleep(pause_s)
        if ask(asking, "GET", "/healthz")["cores_busy"] == 0:
            raise servers.BenchError(f"a job of {path} is over too soon")
        begin = time.perf_counter()
        deleting.sendall(f"DELETE /v1/jobs/{job} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        free_ms = answer_ms = None
        while not free_ms or not answer_ms:
            if not free_ms and ask(asking, "GET", "/healthz")["cores_busy"] == 0:
                free_ms = (time.perf_counter() - begin) * 1000
            if not answer_ms and select.select([deleting], [], [], 0)[0]:
                answer_ms = (time.perf_counter() - begin) * 1000
        if b'"dismissed"' not in deleting.recv(65536):
            raise servers.BenchError(f"a job of {path} was over before it was cancelled")
    return free_ms, answer_ms


def cancelled(arguments, folder, state):
    pauses = random.Random(2)
    bodies = kinds()
    with serve(arguments, folder, "--state-dir", state, "--memory", "2GiB") as server:
        for name, path, body in bodies:
            times = [cancel(server, path, body, pauses.random() / 20) for _ in range(CANCELS)]
            columns = [f"{statistics.median(column):6.2f} ms, longest {max(column):6.2f}" for column in zip(*times)]
            print("cancelled: {:20}  cores free {}; answered {}".format(name, *columns))


def beside_long_jobs(arguments, folder, _):
    with serve(arguments, folder, "--jobs", "memory") as server:
        idle = load(arguments, server.port, folder, 8)["answered_ms"]["p99"]
        jobs = [submit(server.port, LONG) for _ in range(8)]
        busy = load(arguments, server.port, folder, 8)["answered_ms"]["p99"]
        require_running(server.port, jobs[0])
        print(f"p99 of small requests beside long jobs   {busy:8.3f} ms   ({busy / idle:.2f} x the {idle:.3f} ms of none)")


def wait_all(server, paths, stack, is_used=False):
    """Opens a connection for each path, asks for it, and returns by how much the server has grown for one, in KiB.
    is_used: the connection has had another request before."""
    before = server.status("VmRSS")[0]
    for path in paths:
        waiting = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        if is_used:
            ask(waiting, "GET", "/livez")
        waiting.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    time.sleep(2)
    return (server.status("VmRSS")[0] - before) / len(paths)


def beside_waiting(arguments, folder, _):
    limit = str(arguments.waiting + arguments.used + arguments.streams + 200)
    with serve(arguments, folder, "--jobs", "memory", "--max-connections", limit) as server, \
            contextlib.ExitStack() as stack:
        alone = load(arguments, server.port, folder, 64)["answers_per_s"]
        job = submit(server.port, LONG)  # on one core, and queued ones have no part
        none = load(arguments, server.port, folder, 64)["answers_per_s"]
        poll = wait_all(server, [f"/v1/jobs/{job}?wait=600"] * arguments.waiting, stack)
        used = wait_all(server, [f"/v1/jobs/{job}?wait=600"] * arguments.used, stack, is_used=True)
        stream = wait_all(server, [f"/v1/jobs/{job}/events"] * arguments.streams, stack)
        rate = load(arguments, server.port, folder, 64)["answers_per_s"]
        require_running(server.port, job)
        print(f"beside {arguments.waiting + arguments.used} long-polls, {arguments.streams} streams  {rate / none:8.2f} x "
              f"the throughput of none ({none:.0f}/s beside one job, {alone:.0f}/s alone); {poll:.1f} KiB a poll, "
              f"{used:.1f} on a used connection, {stream:.1f} a stream")


STEPS = {"accepted": accepted, "latency": latency, "cancelled": cancelled, "beside-long-jobs": beside_long_jobs,
         "beside-waiting": beside_waiting}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "build/release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(default))
    parser.add_argument("--state-dir", help="where the durable rows write (the system's temporary folder)")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--waiting", type=int, default=10000)
    parser.add_argument("--used", type=int, default=2000, help="long-polls on used connections")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--only", action="append", choices=list(STEPS), help="this row only; may be repeated")
    arguments = parser.parse_args()
    servers.require(f"{arguments.build}/forkjoin", f"{arguments.build}/bench/fj-load")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = arguments.waiting + arguments.used + arguments.streams + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, wanted)), hard))
    with tempfile.TemporaryDirectory(dir=arguments.state_dir) as folder:
        for name in arguments.only or STEPS:
            state = os.path.join(folder, "state")
            STEPS[name](arguments, folder, state)
            shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
