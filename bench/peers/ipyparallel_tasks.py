#!/usr/bin/python3
"""Times ipyparallel with ENGINES engines on this machine: one call, a map of ITEMS items, and scatter + Gaussian +
gather of doubles; prints one JSON object of times in milliseconds (one call: median of 100; the map and the arrays:
best of ROUNDS; the map that is balanced, one message an item: once).

Controller and engines are processes of this one, listen on the loopback only, keep their files in FOLDER, and are
ended by their process ids, also when something fails.

usage: ipyparallel_tasks.py FOLDER ENGINES ITEMS ELEMENTS ROUNDS
To be run by Debian's Python: /usr/bin/python3.
"""

import json
import os
import signal
import subprocess
import sys
import time
from statistics import median

START_SECONDS = 40
CALL_SECONDS = 30
CALLS = 100


def start(processes, folder, module, *options):
    command = [sys.executable, "-m", f"ipyparallel.{module}", f"--ipython-dir={folder}", *options]
    with open(os.path.join(folder, f"{module}-{len(processes)}.log"), "wb") as log:
        processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                                          start_new_session=True))


def end(processes):
    """The controller has processes of its own; they are all in its group, which nobody else is in."""
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all of them have ended


def wait_for(condition, what):
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} wasn't ready after {START_SECONDS} s")
        time.sleep(0.1)


def times_ms(rounds, function):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        function()
        times.append((time.perf_counter() - begun) * 1000)
    return times


def complete(file):
    try:
        with open(file, encoding="utf-8") as content:
            return bool(json.load(content))
    except (OSError, ValueError):
        return False


def connect(folder, processes, engines):
    import ipyparallel

    security = os.path.join(folder, "profile_default", "security")
    start(processes, folder, "controller", "--ip=127.0.0.1")
    files = [os.path.join(security, f"ipcontroller-{side}.json") for side in ("engine", "client")]
    wait_for(lambda: all(map(complete, files)), "the controller")
    for _ in range(engines):
        start(processes, folder, "engine", f"--file={files[0]}", "--IPEngine.enable_nanny=False")
    client = ipyparallel.Client(files[1], timeout=CALL_SECONDS)
    wait_for(lambda: len(client.ids) >= engines, "the engines")
    return client


def measure(client, items, elements, rounds):
    import numpy

    every, balanced = client[:], client.load_balanced_view()
    every.block = balanced.block = True
    every.execute("import numpy")
    x = numpy.random.default_rng(1).random(elements) * 2

    def gaussian():
        every.scatter("x", x)
        every.execute("z = numpy.exp(-x ** 2)")
        return every.gather("z")

    if list(every.map(abs, range(-items, 0))) != list(range(items, 0, -1)) or not numpy.allclose(gaussian(),
                                                                                              numpy.exp(-x ** 2)):
        raise SystemExit("ipyparallel's results are wrong")
    return {"call_ms": median(times_ms(CALLS, lambda: balanced.apply(abs, -1))),
            "map_ms": min(times_ms(rounds, lambda: every.map(abs, range(items)))),
            "balanced_map_ms": times_ms(1, lambda: list(balanced.map(abs, range(items))))[0],
            "gaussian_ms": min(times_ms(rounds, gaussian))}


def main():
    folder = os.path.abspath(sys.argv[1])
    os.environ["IPYTHONDIR"] = folder  # the client makes one as well, or uses the user's
    engines, items, elements, rounds = map(int, sys.argv[2:])
    processes = []
    try:
        client = connect(folder, processes, engines)
        print(json.dumps({"engines": engines, **measure(client, items, elements, rounds)}))
        client.close()
    finally:
        end(processes)


if __name__ == "__main__":
    main()
