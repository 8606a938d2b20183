"""The peers: what each is made of, how it is started, and what is missing where it can't be.

bench/peers has their sources. The services speak forkjoin's JSON; PyO3's word count runs inside a Python process of its
own. Everything is told to use THREADS threads.
"""

import json
import os
import subprocess
import tomllib
from contextlib import ExitStack

from servers import BenchError, Server

THREADS = 2
SEARCH_SECONDS = 60
PYTHON = "/usr/bin/python3"  # Debian's: another one in PATH may lack Debian's packages
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")
RUST_CRATES = ("hyper", "tokio", "serde", "serde_json", "rayon", "rayon-core", "pyo3")
PACKAGES = {
    "Rust": ("rustc", "cargo"),
    "plain C": ("libmicrohttpd-dev", "libjansson-dev", "gcc", "libgomp1"),
    "FastAPI": ("python3", "python3-fastapi", "python3-pydantic", "python3-uvicorn", "python3-uvloop",
                "python3-httptools", "python3-numpy"),
    "rayon": ("rustc", "python3"),
}
CONFIGURATIONS = {
    "Rust": f"release, lto, one codegen unit; tokio with {THREADS} workers, rayon with {THREADS}; bodies up to 64 KiB "
            "on the event loop",
    "plain C": "as forkjoin is compiled; MHD_USE_AUTO with its own thread; libgomp's defaults",
    "FastAPI": "uvicorn, one process, no access log; pydantic models, functions on its thread pool",
    "rayon": f"release, lto, one codegen unit; RAYON_NUM_THREADS={THREADS}, called from one Python thread",
}


class Contestants:
    """Use it in a with statement. servers: those that run, by name; missing: the others' reasons, by name."""

    def __init__(self, bench):
        self.bench = bench
        self.built = bench.program("bench/peers")
        self.stack = None
        self.servers, self.missing = {}, {}

    def __enter__(self):
        commands = {"Rust": [os.path.join(self.built, "rust-service"), str(THREADS)],
                    "plain C": [self.bench.program("bench/plain-c")],
                    "FastAPI": [PYTHON, os.path.join(SOURCES, "fastapi_service.py")]}
        with ExitStack() as started:
            for name, command in commands.items():
                try:
                    self.servers[name] = started.enter_context(self.server(command))
                except (BenchError, OSError) as failure:
                    self.missing[name] = last_line(failure)
            self.stack = started.pop_all()
        if not os.path.exists(os.path.join(self.built, "word_count.so")):
            self.missing["rayon"] = "word_count.so isn't built"
        return self

    def server(self, command):
        if not os.path.exists(command[0]):
            raise BenchError(f"{os.path.basename(command[0])} isn't built")
        return Server(command, self.bench.folder)

    def __exit__(self, *exception):
        self.stack.__exit__(*exception)

    def search(self, function, text_file, word, seconds):
        """time_search.py's report on one of the extension's functions."""
        command = [PYTHON, os.path.join(SOURCES, "time_search.py"), self.built, function, text_file, word, str(seconds)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=SEARCH_SECONDS, check=False,
                                    env={**os.environ, "RAYON_NUM_THREADS": str(THREADS)})
        except subprocess.TimeoutExpired:
            raise BenchError(f"{function} didn't end within {SEARCH_SECONDS} s") from None
        if result.returncode != 0:
            raise BenchError(f"{function}: {last_line(result.stderr)}")
        return json.loads(result.stdout)


def last_line(text):
    return (str(text).strip().splitlines() or ["(no reason given)"])[-1]


def described(build):
    """What the peers are made of, for the result: the versions of Debian's packages and of the crates."""
    return {name: {"how": CONFIGURATIONS[name], "packages": package_versions(packages),
                   **({"crates": crate_versions(build)} if "rustc" in packages else {})}
            for name, packages in PACKAGES.items()}


def package_versions(packages):
    """None for those that aren't installed."""
    result = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages], capture_output=True,
                            text=True, check=False)
    installed = dict(line.split() for line in result.stdout.splitlines() if " " in line.strip())
    return {package: installed.get(package) for package in packages}


def crate_versions(build):
    """From the Cargo.lock that the build wrote; empty if there was none."""
    try:
        with open(os.path.join(build, "bench/peers/rust/Cargo.lock"), "rb") as lock:
            crates = tomllib.load(lock)["package"]
    except OSError:
        return {}
    return {crate["name"]: crate["version"] for crate in crates if crate["name"] in RUST_CRATES}
