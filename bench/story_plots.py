"""The stories' pictures: data as tables of text, drawn by gnuplot as SVG. bench/plots has a script for each."""

import os

from servers import BenchError
from story import run

DRAW_SECONDS = 30
SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plots")
COLUMNS = {
    "words": ("what", "ms for one pass"),
    "speedup": None,  # its first line names them
    "schedules": ("schedule", "chunk", "Cython ms", "forkjoin ms"),
    "ranges": ("what", "Python's speed-up", "forkjoin's speed-up", "ideal"),
    "tasks": ("what", "ipyparallel ms", "forkjoin ms", "loopback ms"),
    "texts": ("what", "forkjoin GB/s", "the other's GB/s", "the other"),
    "matrix": ("what", "forkjoin ms", "scikit-learn ms", "limit ms"),
    "limits": ("what", "share of the limit", "target"),
}


def cell(value):
    return f'"{value}"' if isinstance(value, str) and value != "NaN" else f"{value:.6g}" if value != "NaN" else value


def draw(folder, data, cores):
    """Writes NAME.dat and NAME.svg for each; returns why some couldn't be drawn. data: rows by picture's name; cores:
    of the machine they were measured on."""
    os.makedirs(folder, exist_ok=True)
    failures = []
    for name, rows in data.items():
        columns = COLUMNS[name]
        lines = ["\t".join(f'"{column}"' for column in columns)] if columns else []
        lines += ["\t".join(map(cell, line)) for line in rows]
        path = os.path.join(folder, name)
        with open(f"{path}.dat", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        try:
            if not rows:
                raise BenchError("there is no data")
            setting = f"data = '{path}.dat'; svg = '{path}.svg'; folder = '{SCRIPTS}'; cores = {cores}"
            run(["gnuplot", "-e", setting, os.path.join(SCRIPTS, f"{name}.gp")], "gnuplot", seconds=DRAW_SECONDS)
        except BenchError as failure:
            failures.append(f"{name}.svg: {failure}")
    return failures
