#!/usr/bin/python3
"""Tells the stories of the programs that forkjoin grew from, measured on this machine: a table and pictures for each,
and the rows with targets. Ends in any case; exit status 1 if something couldn't be measured (what misses its target is
a result, not a failure). docs/performance.md has the last record.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

from contestants import package_versions
from rows import Bench
from run import Bystanders, machine, table, version
from servers import BenchError, require
from story import KernelFigures, Story, Texts
from story_numbers import GaussianStory, MatrixStory
from story_plots import draw
from story_targets import TargetStory
from story_tasks import RangeStory, TaskStory
from story_words import TextStory, WordStory

NAMES = ("words", "gaussian", "ranges", "tasks", "texts", "matrix", "targets")
MARKS = "<!-- measured: cmake --build --preset release --target stories-record -->\n", "<!-- end of measured -->\n"
PACKAGES = ("python3", "python3-numpy", "python3-sklearn", "libopenblas0-pthread", "cython3", "gcc", "rustc",
            "python3-ipyparallel", "bible-kjv-text", "coreutils", "ripgrep", "gnuplot-nox")


class Telling:
    """Tells the stories in order; a story that fails costs itself alone."""

    def __init__(self, bench, only):
        self.only = only
        texts = Texts(bench)
        kernels = KernelFigures(bench, texts)
        gaussian, text_story, matrix = GaussianStory(bench, kernels), TextStory(bench, kernels, texts), \
            MatrixStory(bench, kernels)
        self.targets = TargetStory(bench, kernels, text_story, matrix)
        self.tellers = [("words", WordStory(bench, kernels).tell), ("gaussian", gaussian.tell),
                        ("gaussian", gaussian.schedules), ("ranges", RangeStory(bench).tell),
                        ("tasks", TaskStory(bench).tell), ("texts", text_story.tell), ("matrix", matrix.tell),
                        ("targets", self.targets.tell)]
        self.stories, self.data, self.rows = [], {}, []

    def wanted(self, name):
        """The targets need what some of the stories measure."""
        return not self.only or name in self.only or (name in ("texts", "matrix") and "targets" in self.only)

    def tell(self):
        for name, teller in self.tellers:
            if not self.wanted(name):
                continue
            try:
                story, data = teller()
                self.data.update(data)
            except (BenchError, OSError, KeyError, ValueError, subprocess.SubprocessError) as failure:
                story = Story(name, f"{name}: not told", "", ("what", "why"))
                story.lacks(name, f"{type(failure).__name__}: {failure}")
            self.stories.append(story)
        if self.wanted("targets"):
            self.rows = self.targets.rows()

    def failures(self):
        return [why for story in self.stories for why in story.missing] + \
            [f"{entry['what']}: {entry['measured']}" for entry in self.rows if "failed" in entry]


def summary(result):
    machine_ = result["machine"]
    return (f"{result['date'][:10]}, {result['version']}{' (--quick: a rough idea only)' if result['quick'] else ''}: "
            f"{machine_['cores']} cores of {machine_['model']}, {machine_['system']}, {result['seconds']:.0f} s. "
            f"Everything else on the machine used {result['bystander_cores']:.2f} cores meanwhile"
            f"{', far too much for the figures to mean anything' if result['bystander_cores'] > 0.5 else ''}.")


def page(result, stories, pictures):
    parts = [summary(result), "### Targets", table(result["rows"]).rstrip("\n")] if result["rows"] else \
        [summary(result)]
    return "\n\n".join([*parts, *(story.markdown(pictures).rstrip("\n") for story in stories)]) + "\n"


def record(path, text):
    """Replaces what stands between the two marks of the file."""
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise SystemExit(f"{path} lacks the line {MARKS[0]!r} or {MARKS[1]!r}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--build", default=os.path.join(root, "build", "release"), help="the build's folder")
    parser.add_argument("--record", metavar="FILE", help="replace the tables in this file, between its marks; pictures "
                        "and their data go to the folder plots beside it (else to BUILD/plots)")
    parser.add_argument("--quick", action="store_true", help="shorter runs: a rough idea only")
    parser.add_argument("--only", action="append", choices=NAMES, help="tell this story only; may be repeated")
    arguments = parser.parse_args()
    if arguments.record and arguments.only:
        parser.error("a record is of all stories")
    return arguments


def measure(arguments):
    begun, bystanders = time.monotonic(), Bystanders()
    result = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
              "version": version(os.path.join(arguments.build, "forkjoin")), "quick": arguments.quick,
              "packages": package_versions(PACKAGES)}
    print(f"{result['version']} on {result['machine']['cores']} cores, {result['machine']['model']}")
    with tempfile.TemporaryDirectory(prefix="forkjoin-stories-") as folder:
        telling = Telling(Bench(arguments.build, folder, arguments.quick), arguments.only)
        telling.tell()
    result.update(rows=telling.rows, stories=[vars(story) for story in telling.stories],
                  seconds=round(time.monotonic() - begun, 1), bystander_cores=round(bystanders.cores(), 2))
    return result, telling


def main():
    arguments = read_arguments()
    require(*(os.path.join(arguments.build, name) for name in ("forkjoin", "bench/fj-load")))
    result, telling = measure(arguments)
    folder = os.path.join(os.path.dirname(os.path.abspath(arguments.record)) if arguments.record else arguments.build,
                          "plots")
    failures = telling.failures() + draw(folder, telling.data, result["machine"]["cores"])
    with open(os.path.join(folder, "stories.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1, ensure_ascii=False)
        file.write("\n")
    text = page(result, telling.stories, "plots")
    print(f"\n{text}")
    print(f"{sum(entry['reached'] is False for entry in result['rows'])} targets missed, {len(failures)} figures not "
          f"measured. Pictures: {folder}")
    for why in failures:
        print(f"not measured: {why}", file=sys.stderr)
    if arguments.record:
        record(arguments.record, text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
