#!/usr/bin/python3 -B
"""Checks who includes whom in C and C++ (the house in ARCHITECTURE.md) and prints what breaks the rules; exit 1 if
anything does.

  paths     An include of an own file names it from the root of the repository.
  rooms     Includes lead down the list of ROOMS only, by way of other headers too: then the way is printed.
  owners    A library's header is included by the rooms that hide it alone, mostly one (OWNERS).
  internal  A header whose opening comment begins "Internal to <folder>." is included from that folder and those below
            only. One that nobody else gets to see, not by way of other headers either, has to say so. Tests and
            benchmarks may look inside.
  circles   There are none: neither of files nor of modules. A module is what has one name in one folder (x.c, x.h, x.inc).

Usage: layers.py <source tree>
"""

import os
import re
import sys

from source_tree import code_of, line_of, own_files, read

# From the top down, by the longest path that fits: a room may include itself and what is named behind it. "direct" names
# single headers of another room, whatever these include.
ROOMS = {
    "server/main.c": {"below": ("server", "handlers", "server/http", "server/jobs", "server/data", "server/engine",
                                "server/tracing", "server/system", "codecs")},
    "handlers": {"below": ("server/http", "server/jobs", "server/data", "server/engine", "server/tracing", "server/system",
                           "codecs", "kernels")},
    "server": {"below": ("server/http", "server/jobs", "server/data", "server/engine", "server/tracing", "server/system",
                         "codecs")},
    "server/http": {"below": ("server/engine", "server/tracing", "server/system", "codecs")},
    "server/jobs": {"below": ("server/engine", "server/tracing", "server/system", "codecs")},
    "server/data": {"below": ("server/engine", "server/system", "codecs")},
    "server/engine": {"below": ("server/system", "codecs"), "direct": ("kernels/team.h",)},
    "server/tracing": {"below": ("server/system", "codecs")},
    "server/system": {"below": ("codecs",)},
    "codecs": {"below": ()},
    "kernels": {"below": ()},
}
OUTSIDE = ("tests", "bench")  # include what they like, and are included by none of the rooms

OWNERS = {"microhttpd.h": "server/http", "jansson.h": "codecs", "hwloc.h": "server/system", "sqlite3.h": "server/jobs",
          "curl/curl.h": ("server/jobs", "server/tracing"), "nettle/sha2.h": "server/system", "nettle/hmac.h": "server/system",
          "sleef.h": "kernels/expression/math"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
OPENING = re.compile(r"\s*(?:#pragma once\s*)?(?:/\*|//)\s*Internal to ([\w/]+)\.(?=\W|$)")


def room_of(path):
    """The room a file is in; None for what is in none, such as tests."""
    fitting = [room for room in ROOMS if path == room or path.startswith(room + "/")]
    return max(fitting, key=len, default=None)


def is_outside(path):
    return path.split("/")[0] in OUTSIDE


def is_within(path, folder):
    return path.startswith(folder + "/")


def module_of(path):
    return os.path.splitext(path)[0]


class Tree:
    """The files of a source tree with what each includes."""

    def __init__(self, root):
        self.files = own_files(root)
        self.own = {}  # file -> own files it includes
        self.lines = {}  # (file, included file) -> line of the include
        self.opening = {}  # file -> folder it calls itself internal to
        self.offences = []
        for path in self.files:
            text = read(root, path)
            self._find_includes(path, text)
            mark = OPENING.match(text)
            if mark:
                self.opening[path] = mark.group(1).rstrip("/")

    def report(self, path, line, what):
        self.offences.append(f"{path}:{line}: {what}")

    def _find_includes(self, path, text):
        self.own[path] = []
        code = code_of(text)  # an #include in a comment is none; the name, blanked as a string, is read from the text
        for match in INCLUDE.finditer(text):
            if code[match.start() : match.start(1 if match.group(1) else 2) - 1].strip() == "":
                continue
            line = line_of(text, match.start())
            name = match.group(1) or match.group(2)
            owners = OWNERS.get(name, ())
            owners = (owners,) if isinstance(owners, str) else owners
            if owners and not is_outside(path) and not any(is_within(path, owner) for owner in owners):
                named = " and ".join(owner + "/" for owner in owners)
                self.report(path, line, f"only {named} {'include' if len(owners) > 1 else 'includes'} {name}")
            if match.group(1):
                if name in self.files:
                    self.own[path].append(name)
                    self.lines.setdefault((path, name), line)
                else:
                    self.report(path, line, f'"{name}" is no path from the root of the repository')


def may_include(path, other):
    """Whether a file may include another one itself."""
    room, target = room_of(path), room_of(other)
    if room is None:
        return is_outside(path) or target is None and not is_outside(other)
    return target == room or target in ROOMS[room]["below"] or other in ROOMS[room].get("direct", ())


def may_reach(path, other):
    """Whether a file may include another one by way of others: what it may include may have done so."""
    room = room_of(path)
    if room is None or may_include(path, other):
        return True
    reached, rooms = set(), [room]
    while rooms:
        one = rooms.pop()
        if one not in reached:
            reached.add(one)
            rooms += ROOMS[one]["below"]
            rooms += [room_of(header) for header in ROOMS[one].get("direct", ())]
    return room_of(other) in reached


def check_rooms(tree):
    at_fault = {}  # way of two files that breaks the rule -> room -> shortest way that breaks that room's rule because of it
    for path in tree.files:
        ways = {path: [path]}
        queue = [path]
        for one in queue:  # grows as it is walked: the shortest way to a file is found first
            for other in tree.own[one]:
                if other in ways:
                    continue
                ways[other] = ways[one] + [other]
                if may_include(path, other) if one == path else may_reach(path, other):
                    queue.append(other)
                else:
                    others = at_fault.setdefault((one, other), {})
                    if len(ways[other]) < len(others.get(room_of(path), ways[other] + [path])):
                        others[room_of(path)] = ways[other]
    for (path, other), found in sorted(at_fault.items()):
        for way in sorted(found.values(), key=len):
            tree.report(path, tree.lines[path, other], "leads up: " + " -> ".join(way))


def check_internal(tree):
    includers = {path: [one for one in tree.files if path in tree.own[one]] for path in tree.files}
    seen_by = closure(includers)
    for header in tree.files:
        if room_of(header) is None or not header.endswith((".h", ".inc")):
            continue
        own_folder = os.path.dirname(header)
        folder = tree.opening.get(header)
        if folder and not is_within(header, folder):
            tree.report(header, 1, f"is not in {folder}, which it calls itself internal to")
        elif folder:
            for path in includers[header]:
                if not is_within(path, folder) and not is_outside(path):
                    tree.report(path, tree.lines[path, header], f"{header} is internal to {folder}")
        elif all(is_within(path, own_folder) or is_outside(path) for path in seen_by[header]):
            tree.report(header, 1, f'nobody else sees it: begin its comment with "Internal to {own_folder}."')


def closure(edges):
    """All that each node leads to, by one step or more. edges: node -> nodes."""
    reached = {}
    for node in edges:
        seen, stack = set(), list(edges[node])
        while stack:
            one = stack.pop()
            if one not in seen:
                seen.add(one)
                stack += edges[one]
        reached[node] = seen
    return reached


def circles(edges):
    """The groups of nodes that lead to one another, each as (its nodes, a circle through the first of them as short as
    can be)."""
    reached = closure(edges)
    done = set()
    for node in sorted(edges):
        if node in reached[node] and node not in done:
            group = sorted(other for other in reached[node] if node in reached[other])
            done.update(group)
            yield group, shortest_way_back(edges, node)


def shortest_way_back(edges, node):
    ways = [[node]]
    seen = set()
    for way in ways:  # grows as it is walked
        for other in edges[way[-1]]:
            if other == node:
                return way + [node]
            if other not in seen:
                seen.add(other)
                ways.append(way + [other])
    raise AssertionError(f"{node} is in no circle")


def check_circles(tree):
    modules = {module_of(path): [] for path in tree.files}
    for path in tree.files:
        modules[module_of(path)] += [module_of(other) for other in tree.own[path] if module_of(other) != module_of(path)]
    for kind, edges in (("files", tree.own), ("modules", modules)):
        for group, circle in circles(edges):
            others = [node for node in group if node not in circle]
            also = f" (and in circles with these: {', '.join(others)})" if others else ""
            tree.offences.append(f"circle of {kind}: " + " -> ".join(circle) + also)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: layers.py <source tree>")
    tree = Tree(sys.argv[1])
    for check in (check_rooms, check_internal, check_circles):
        check(tree)
    print("\n".join(tree.offences), end="\n" if tree.offences else "")
    return 1 if tree.offences else 0


if __name__ == "__main__":
    sys.exit(main())
