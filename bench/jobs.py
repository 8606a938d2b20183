#!/usr/bin/env python3
"""Jobs: how many are accepted, what waiting for one costs beside the call itself, and what they cost others.

  accepted a second     tiny ones, durable, 64 clients; beside it how many write and fdatasync of a small file a second
  added latency         respond-async, wait=10 beside the call, one at a time, in memory and durable
  beside long jobs      p99 of small requests while jobs fill the cores they may have, beside none
  beside long-polls     throughput of small requests while clients wait for a job, beside none

usage: jobs.py [--build FOLDER] [--state-dir FOLDER] [--seconds S] [--waiting N]

FOLDER is where release was built (build/release); the durable rows write to a folder of their own in --state-dir, which
decides what disk is measured."""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import servers

BODY = b'{"text": "is it is", "word": "is"}'
JSON = {"Content-Type": "application/json"}
LONG = json.dumps({"ranges": [200_000_000] * 1000, "threads": 1, "chunk": 1}).encode()
TURNS = 300


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


def median_ms(connection, headers):
    times = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        connection.request("POST", "/v1/wordcount", BODY, JSON | headers)
        response = connection.getresponse()
        response.read()
        times.append((time.perf_counter() - begin) * 1000)
        if response.status != 200:
            raise servers.BenchError(f"{response.status} instead of 200")
    return statistics.median(times)


def submit(port, body, path="/v1/triangular"):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", path, body, JSON | {"Prefer": "respond-async"})
    job = json.loads(connection.getresponse().read())
    connection.close()
    return job["id"]


def accepted(arguments, folder, state):
    with serve(arguments, folder, "--state-dir", state) as server:
        rate = load(arguments, server.port, folder, 64, "Prefer: respond-async")
    if set(rate["status"]) != {"202"}:
        raise servers.BenchError(f"statuses {rate['status']}")
    print(f"accepted a second, durable, 64 clients   {rate['answers_per_s']:8.0f}   (one sync each: {syncs_per_s(folder):.0f})")


def latency(arguments, folder, state):
    for name, flags in (("memory", ["--jobs", "memory"]), ("durable", ["--state-dir", state])):
        with serve(arguments, folder, *flags) as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            pairs = [(median_ms(connection, {}), median_ms(connection, {"Prefer": "respond-async, wait=10"}))
                     for _ in range(3)]
            added = statistics.median(job - call for call, job in pairs)
            print(f"added to the call's {pairs[0][0]:.3f} ms, {name:8}     {added:8.3f} ms"
                  + (f"   (a sync: {1000 / syncs_per_s(folder):.3f} ms)" if name == "durable" else ""))


def beside_long_jobs(arguments, folder):
    with serve(arguments, folder, "--jobs", "memory") as server:
        idle = load(arguments, server.port, folder, 8)["answered_ms"]["p99"]
        for _ in range(8):
            submit(server.port, LONG)
        busy = load(arguments, server.port, folder, 8)["answered_ms"]["p99"]
        print(f"p99 of small requests beside long jobs   {busy:8.3f} ms   ({busy / idle:.2f} x the {idle:.3f} ms of none)")


def beside_waiting(arguments, folder):
    with serve(arguments, folder, "--jobs", "memory", "--max-connections", str(arguments.waiting + 200)) as server, \
            contextlib.ExitStack() as stack:
        alone = load(arguments, server.port, folder, 64)["answers_per_s"]
        job = submit(server.port, LONG)  # on one core, and queued ones have no part
        none = load(arguments, server.port, folder, 64)["answers_per_s"]
        before = server.status("VmRSS")[0]
        for _ in range(arguments.waiting):
            waiting = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            waiting.sendall(f"GET /v1/jobs/{job}?wait=600 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        time.sleep(1)
        each = (server.status("VmRSS")[0] - before) / arguments.waiting
        rate = load(arguments, server.port, folder, 64)["answers_per_s"]
        print(f"throughput beside {arguments.waiting} long-polls    {rate / none:14.2f} x that of none "
              f"({none:.0f}/s beside one job, {alone:.0f}/s alone); {each:.1f} KiB each")


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "build/release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(default))
    parser.add_argument("--state-dir", help="where the durable rows write (the system's temporary folder)")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--waiting", type=int, default=5000)
    arguments = parser.parse_args()
    servers.require(f"{arguments.build}/forkjoin", f"{arguments.build}/bench/fj-load")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, arguments.waiting + 500)), hard))
    with tempfile.TemporaryDirectory(dir=arguments.state_dir) as folder:
        for step, durable in ((accepted, True), (latency, True), (beside_long_jobs, False), (beside_waiting, False)):
            state = os.path.join(folder, "state")
            step(arguments, folder, state) if durable else step(arguments, folder)
            shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
