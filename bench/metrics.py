#!/usr/bin/python3
"""What /metrics costs: counting a request, and answering a scrape while thousands of connections are open.

usage: metrics.py [--build FOLDER] [--connections N] [--rounds N]

  counting    bench/counting: the time that a loop takes for each request, alone and beside another loop
  a scrape    on a connection that stays open, beside N (4,090) idle ones: its own time, the server's CPU time, and the
              time of a small request that comes at the same moment on another connection, beside one that comes alone

Medians. FOLDER is where release was built (build/release)."""

import argparse
import json
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import servers

IDLE = b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n"
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n"


def connect(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1 << 18)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields[b"content-length"]) - len(rest)
    while left > 0:
        left -= len(connection.recv(1 << 18))


def ask(connection, request):
    """Seconds of one exchange."""
    start = time.perf_counter()
    connection.sendall(request)
    receive(connection)
    return time.perf_counter() - start


def ask_beside(connection, other):
    """Seconds of a small exchange that begins when a scrape has just been asked for."""
    other.sendall(SCRAPE)
    seconds = ask(connection, IDLE)
    receive(other)
    return seconds


def median_ms(rounds, measure):
    return statistics.median(measure() for _ in range(rounds)) * 1000


def measure_scrapes(server, connections, rounds):
    crowd = [connect(server) for _ in range(connections)]
    for connection in crowd:
        ask(connection, IDLE)
    with connect(server) as ours, connect(server) as other:
        median_ms(20, lambda: ask(ours, SCRAPE))
        before = server.cpu_seconds()
        scrape = median_ms(rounds, lambda: ask(ours, SCRAPE))
        cpu = (server.cpu_seconds() - before) / rounds * 1000
        small = median_ms(rounds, lambda: ask(ours, IDLE))
        beside = median_ms(rounds, lambda: ask_beside(ours, other))
    for connection in crowd:
        connection.close()
    print(f"a scrape with {connections + 2} connections: {scrape:.2f} ms, {cpu:.2f} ms of CPU (<= 1)")
    print(f"a small request beside a scrape: {beside:.3f} ms, alone {small:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--connections", default=4090, type=int)
    parser.add_argument("--rounds", default=500, type=int)
    options = parser.parse_args()
    program, counting = str(options.build / "forkjoin"), str(options.build / "bench" / "counting")
    servers.require(program, counting)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, options.connections + 100), most))
    counted = json.loads(subprocess.run([counting], stdout=subprocess.PIPE, check=True).stdout)
    print(f"counting a request: {counted['alone_ns']} ns, {counted['together_ns']} by each of {counted['threads']} "
          "threads (<= 50)")
    folder = tempfile.mkdtemp(prefix="forkjoin_bench_")
    try:
        with servers.Server([program, "--port", "0", "--jobs", "memory"], folder) as server:
            measure_scrapes(server, options.connections, options.rounds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
