#!/usr/bin/python3
"""Named data: what keeping it costs, and what a computation on it costs in place of one in the caller's process.

  PUT of an 80 MB .npy array      in memory, beside the same bytes received into nothing (bench/discard-server)
  the same, --data durable        beside a plain write of the numbers and fsync in the same folder
  Gaussian of two kept arrays     of 10,000,000 with `store`, one after the other, beside its own kernel
  the same, in turn with NumPy    in place in this process

usage: data.py [--build FOLDER] [--rounds N] [--state-dir FOLDER]

Pairs take turns; medians in milliseconds. To be run by Debian's Python, which has Debian's NumPy: /usr/bin/python3.
FOLDER is where release was built (build/release); the durable rows write to a folder of their own in --state-dir, which
decides what disk is measured."""

import argparse
import io
import json
import os
import pathlib
import shutil
import socket
import statistics
import tempfile
import time

import numpy as np
import servers

ELEMENTS = 10_000_000
NPY = "application/x-npy"


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def ask(connection, method, path, body=b""):
    """(seconds, status, body of the answer) of one request on a connection that stays open."""
    described = f"Content-Type: {NPY}\r\n" if body else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{described}Content-Length: {len(body)}\r\n\r\n".encode()
    start = time.perf_counter()
    connection.sendall(head)
    if body:
        connection.sendall(body)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, rest = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields[b"content-length"])
    while len(rest) < length:
        rest += connection.recv(65536)
    return time.perf_counter() - start, int(head.split()[1]), rest


def put(connection, name, body):
    seconds, status, answer = ask(connection, "PUT", f"/v1/data/{name}", body)
    assert status in (200, 201), (status, answer)
    return seconds


def in_turn(rounds, *measures):
    """The medians of what is measured, in milliseconds, once each before it counts."""
    times = [[] for _ in measures]
    for round_number in range(rounds + 1):
        for index, measure in enumerate(measures):
            seconds = measure()
            if round_number > 0:
                times[index].append(seconds)
    return [statistics.median(row) * 1000 for row in times]


def connect(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def measure_put(server, discard, body, rounds):
    with connect(server) as ours, connect(discard) as nothing:
        kept, received = in_turn(
            rounds, lambda: put(ours, "big", body), lambda: ask(nothing, "PUT", "/v1/200", body)[0])
    print(f"PUT of {len(body) / 1e6:.0f} MB in memory: {kept:.1f} ms, received into nothing {received:.1f}: "
          f"{kept / received:.2f} x")


def write_plainly(folder, numbers):
    start = time.perf_counter()
    with open(os.path.join(folder, "plain"), "wb") as file:
        file.write(numbers)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - start


def measure_durable(server, state, body, rounds):
    numbers = memoryview(body)[128:]
    with connect(server) as ours:
        kept, written = in_turn(rounds, lambda: put(ours, "big", body), lambda: write_plainly(state, numbers))
    print(f"PUT of {len(body) / 1e6:.0f} MB durable: {kept:.1f} ms, a plain write and fsync {written:.1f}: "
          f"{kept / written:.2f} x")


def in_place(x, z, gamma):
    """NumPy's z = exp(-gamma (x - z)**2) without an array more."""
    start = time.perf_counter()
    np.subtract(x, z, out=z)
    np.multiply(z, z, out=z)
    np.multiply(z, -gamma, out=z)
    np.exp(z, out=z)
    return time.perf_counter() - start


def measure_gaussian(server, rounds):
    generator = np.random.default_rng(1)
    x, y = generator.random(ELEMENTS) * 2, generator.random(ELEMENTS) * 2
    computed = []
    with connect(server) as ours:
        put(ours, "x", npy(x))
        put(ours, "y", npy(y))

        def store():
            seconds, status, answer = ask(ours, "POST", "/v1/gaussian?x=data:x&y=data:y&gamma=0.7&store=z")
            assert status == 201, (status, answer)
            computed.append(json.loads(answer)["timing"]["compute_ms"])
            return seconds

        kept, = in_turn(4 * rounds, store)
        kernel = statistics.median(computed[1:])
        print(f"Gaussian of {ELEMENTS} with store: {kept:.2f} ms, its kernel {kernel:.2f}: {kept - kernel:.2f} ms more")
        kept, numpy_ms = in_turn(rounds, store, lambda: in_place(x, y.copy(), 0.7))
        print(f"the same in turn with NumPy in place: {kept:.2f} ms, NumPy {numpy_ms:.1f}: {kept / numpy_ms:.2f} x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--rounds", default=7, type=int)
    parser.add_argument("--state-dir", default="/var/tmp", type=pathlib.Path)
    options = parser.parse_args()
    program, discarding = str(options.build / "forkjoin"), str(options.build / "bench" / "discard-server")
    servers.require(program, discarding)
    body = npy(np.random.default_rng(2).random(ELEMENTS))
    folder = tempfile.mkdtemp(prefix="forkjoin_bench_")
    state = tempfile.mkdtemp(prefix="forkjoin_bench_", dir=options.state_dir)
    limits = ["--port", "0", "--max-body", "256MiB", "--memory", "2GiB", "--data-memory", "1GiB"]
    try:
        with servers.Server([program, *limits], folder) as server, servers.Server([discarding], folder) as discard:
            measure_put(server, discard, body, options.rounds)
            measure_gaussian(server, options.rounds)
        durable = ["--data", "durable", "--state-dir", os.path.join(state, "state")]
        with servers.Server([program, *limits, *durable], folder) as server:
            measure_durable(server, state, body, options.rounds)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(state)


if __name__ == "__main__":
    main()
