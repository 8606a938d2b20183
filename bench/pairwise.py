#!/usr/bin/python3
"""Kernels of pairs and nearest neighbours over HTTP beside scikit-learn and SciPy in the caller's own process.

  laplacian, matern32, polynomial   of 4,000 points with themselves, in 3 and in 64 dimensions
  nearest neighbours                the 10 nearest of 20,000 points to each of 20,000 others, in 16 dimensions

usage: pairwise.py [--build FOLDER] [--rounds N] [--threads N]

The points are named data; the answer is .npy, read whole by the client. Ours and the peers take turns, medians are
compared. What is judged is the service's `compute`, as the peers carry their 128 MB nowhere; what the client waits is
printed beside it. scikit-learn is asked with as many jobs as well, and the fastest counts. To be run by Debian's Python, which has Debian's scikit-learn: /usr/bin/python3."""

import argparse
import http.client
import io
import pathlib
import re
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import numpy as np
import servers
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Matern
from sklearn.metrics.pairwise import laplacian_kernel, pairwise_kernels, polynomial_kernel
from sklearn.neighbors import NearestNeighbors

POINTS, NEIGHBOURED, NEAREST = 4000, 20000, 10
MATRIX_TARGET, NEIGHBOURS_TARGET = 0.3, 0.5
NPY = "application/x-npy"


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


class Service:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.compute_ms = 0

    def ask(self, method, path, body=None, **fields):
        self.connection.request(method, path, body, fields)
        response = self.connection.getresponse()
        content = response.read()
        if response.status not in (200, 201):
            raise servers.BenchError(f"{path}: {response.status} {content[:300]!r}")
        found = re.search(r"compute;dur=([0-9.]+)", response.headers.get("Server-Timing", ""))
        self.compute_ms = float(found.group(1)) if found else 0
        return content

    def keep(self, name, points):
        self.ask("PUT", f"/v1/data/{name}", npy(points), **{"Content-Type": NPY})

    def pairs(self, query):
        return np.load(io.BytesIO(self.ask("POST", f"/v1/pairwise?{query}", Accept=NPY)))


def matern32(points):
    scaled = np.sqrt(3) * cdist(points, points)
    return (1 + scaled) * np.exp(-scaled)


def rows_of(service, threads):
    """(name, target, ours, peers by name) of each row; what is called returns its result."""
    generator = np.random.default_rng(1)
    for dimensions in (3, 64):
        points = generator.standard_normal((POINTS, dimensions))
        name = f"x{dimensions}"
        service.keep(name, points)
        peers = {
            "laplacian": {"laplacian_kernel": lambda points=points: laplacian_kernel(points),
                          "pairwise_kernels": lambda points=points: pairwise_kernels(points, metric="laplacian",
                                                                                     n_jobs=threads)},
            "matern32": {"Matern": lambda points=points: Matern(nu=1.5)(points),
                         "cdist and NumPy": lambda points=points: matern32(points)},
            "polynomial": {"polynomial_kernel": lambda points=points: polynomial_kernel(points),
                           "pairwise_kernels": lambda points=points: pairwise_kernels(points, metric="polynomial",
                                                                                      n_jobs=threads)},
        }
        for kernel, by_name in peers.items():
            query = f"x=data:{name}&kernel={kernel}&threads={threads}"
            yield (f"{kernel}, d = {dimensions}", MATRIX_TARGET, lambda query=query: service.pairs(query), by_name)
    points, others = generator.standard_normal((2, NEIGHBOURED, 16))
    service.keep("near", points)
    service.keep("far", others)
    query = f"x=data:near&y=data:far&expr=d&reduce=topk&k={NEAREST}&threads={threads}"
    brute = {f"NearestNeighbors, n_jobs {jobs}":
             lambda jobs=jobs: NearestNeighbors(n_neighbors=NEAREST, algorithm="brute", n_jobs=jobs).fit(
                 others).kneighbors(points)[0] for jobs in (1, threads)}
    yield f"{NEAREST} nearest neighbours, d = 16", NEIGHBOURS_TARGET, lambda: service.pairs(query), brute


def measure(service, row, rounds):
    what, target, ours, peers = row
    wanted = next(iter(peers.values()))()
    found = ours()
    if found.shape == wanted.shape and not np.allclose(found, wanted, rtol=1e-6, atol=1e-9):
        raise servers.BenchError(f"{what}: not what the peer finds")
    times = {name: [] for name in ("ours", "compute", *peers)}
    for _ in range(rounds):
        for name, call in (("ours", ours), *peers.items()):
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1000)
        times["compute"].append(service.compute_ms)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    peer = min(peers, key=medians.get)
    share = medians["compute"] / medians[peer]
    print(f"{what}: compute {medians['compute']:.0f} ms ({medians['ours']:.0f} over HTTP), {peer} {medians[peer]:.0f}: "
          f"{share:.2f}, target {target}: {'yes' if share <= target else 'NO'}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    program = args.build / "forkjoin"
    servers.require(program)
    with tempfile.TemporaryDirectory() as folder, \
            servers.Server([str(program), "--port", "0", "--jobs", "memory"], folder) as server:
        service = Service(server.port)
        for row in rows_of(service, args.threads):
            measure(service, row, args.rounds)


if __name__ == "__main__":
    sys.exit(main())
