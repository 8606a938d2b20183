"""A strict reader of Prometheus' text format (0.0.4) and of OpenMetrics (1.0.0), for tests.

What it doesn't know is an error: a family that isn't announced, a sample in the wrong family, a series that comes twice,
labels that aren't escaped, a histogram whose buckets don't grow or don't end with its count.
"""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\[\\n\"])*)\Z")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*?)\}})? ([0-9]+(?:\.[0-9]+)?)(?: # (.*))?\Z")
EXEMPLAR = re.compile(r"\{(.*)\} ([0-9]+\.[0-9]+) ([0-9]+\.[0-9]+)\Z")
BOUND = re.compile(r"(?:[0-9]+\.[0-9]+|\+Inf)\Z")
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
EXEMPLAR_CHARACTERS = 128


class Wrong(Exception):
    """The text isn't what its format says."""


def read_labels(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or match.group(1) in labels:
            raise Wrong(f"labels: {text!r}")
        labels[match.group(1)] = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], match.group(2))
        at = match.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise Wrong(f"labels: {text!r}")
            at += 1
    return labels


class Family:
    def __init__(self, name, help_text):
        self.name = name  # as samples have it
        self.help = help_text
        self.type = None
        self.samples = {}  # (suffix, sorted labels): value
        self.exemplars = {}  # sorted labels: (labels, value, time)


class Exposition:
    """families: {name: Family}. value("forkjoin_jobs", status="running") is a number; 0 for what isn't there."""

    def __init__(self, text, is_open=False):
        self.is_open = is_open
        self.families = {}
        self.current = None
        if not text.endswith("\n"):
            raise Wrong("the last line doesn't end")
        lines = text.split("\n")[:-1]
        if is_open:
            if lines.pop() != "# EOF":
                raise Wrong("the end isn't # EOF")
        for line in lines:
            self._take(line)
        for family in self.families.values():
            if family.type is None:
                raise Wrong(f"{family.name} has no type")
            if family.type == "histogram":
                check_histogram(family)

    def _take(self, line):
        if line.startswith("# HELP "):
            match = HELP.match(line)
            if not match or match.group(1) in self.families:
                raise Wrong(line)
            self.current = self.families[match.group(1)] = Family(*match.groups())
        elif line.startswith("# TYPE "):
            self._take_type(line)
        else:
            self._take_sample(line)

    def _take_type(self, line):
        match = TYPE.match(line)
        family = self.current
        if not match or not family or family.name != match.group(1) or family.type or family.samples:
            raise Wrong(line)
        family.type = match.group(2)
        is_counter = family.type == "counter"
        if self.is_open and is_counter:
            del self.families[family.name]
            family.name += "_total"
            self.families[family.name] = family
        if is_counter != family.name.endswith("_total"):
            raise Wrong(f"{line}: counters and they alone end in _total")

    def _take_sample(self, line):
        match = SAMPLE.match(line)
        family = self.current
        if not match or not family or not family.type:
            raise Wrong(line)
        name, label_text, value, exemplar = match.groups()
        suffix = name.removeprefix(family.name)
        labels = read_labels(label_text) if label_text is not None else {}
        key = (suffix, tuple(sorted(labels.items())))
        if not name.startswith(family.name) or suffix not in SUFFIXES[family.type] or key in family.samples:
            raise Wrong(line)
        if (suffix == "_bucket") != ("le" in labels) or ("le" in labels and not BOUND.match(labels["le"])):
            raise Wrong(f"{line}: le")
        family.samples[key] = float(value)
        if exemplar is not None:
            self._take_exemplar(family, suffix, labels, key[1], exemplar)

    def _take_exemplar(self, family, suffix, labels, key, text):
        match = EXEMPLAR.match(text)
        if not self.is_open or suffix != "_bucket" or not match:
            raise Wrong(f"exemplar: {text}")
        own = read_labels(match.group(1))
        value = float(match.group(2))
        if sum(len(part) for pair in own.items() for part in pair) > EXEMPLAR_CHARACTERS:
            raise Wrong(f"exemplar is too long: {text}")
        if value > float(labels["le"]):
            raise Wrong(f"exemplar isn't in its bucket: {text} {labels}")
        family.exemplars[key] = (own, value, float(match.group(3)))

    def value(self, name, suffix="", **labels):
        return self.families[name].samples.get((suffix, tuple(sorted(labels.items()))), 0)

    def sum(self, name, suffix="", **labels):
        """Of all series that have these labels."""
        wanted = set(labels.items())
        return sum(value for (own, key), value in self.families[name].samples.items()
                   if own == suffix and wanted <= set(key))


def check_histogram(family):
    buckets = {}
    for (suffix, key), value in family.samples.items():
        if suffix == "_bucket":
            bound = dict(key)["le"]
            series = tuple(pair for pair in key if pair[0] != "le")
            buckets.setdefault(series, []).append((math.inf if bound == "+Inf" else float(bound), value))
    for series, found in buckets.items():
        bounds, counts = zip(*found)
        if list(bounds) != sorted(set(bounds)) or list(counts) != sorted(counts) or bounds[-1] != math.inf:
            raise Wrong(f"{family.name} {series}: {found}")
        if family.samples.get(("_count", series)) != counts[-1] or ("_sum", series) not in family.samples:
            raise Wrong(f"{family.name} {series}: count and sum")
    others = {key for suffix, key in family.samples if suffix != "_bucket"}
    if others != set(buckets):
        raise Wrong(f"{family.name}: series without buckets")
