#!/usr/bin/env python3
"""How much of what can go wrong do the tests notice? Makes single-token changes at random in the code, one after the
other, each in a copy of the tree, builds it and runs tests of the dev preset until one fails: the unit tests whose
programs it has changed, then the HTTP tests.

    tests/mutate.py [--sample 45] [--seed 1] [folder or file ...]

Run by hand: a change takes a build, and those tests at most. Prints one line a change, then the survivors and the share that
was noticed. A test that hangs, or lasts three times as long as it should, has noticed. A survivor is a missing test, or
nothing that can show: one that compiles to the same code is told by itself; others go, with the reason, into
tests/mutate_equivalent.txt as the line that is printed with the survivor."""
import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
EQUIVALENT = ROOT / "tests/mutate_equivalent.txt"
FOLDERS = ["server", "handlers", "codecs"]
VECTOR_CODE = re.compile(r"avx|sse2|vbmi|neon|simd")  # whether these run depends on the machine
TEST_KINDS = ["unit", "http"]  # the quick ones first
BUILD_LIMIT_S = 600
LEAST_LIMIT_S = 60
UNBUILT = "didn't build"
KNOWN = "equivalent"  # known to be: not tried again

TOKEN = re.compile(r"""
    (?P<skip> /\*.*?\*/ | //[^\n]* | ^[ \t]*\#(?:\\\n|[^\n])* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+' | \s+ )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<number> \.?\d(?:[eEpP][+-]|[\w.'])* )
  | (?P<operator> <<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]= | [-+*/%&|^<>=!~?:;,.(){}\[\]] )
  | (?P<other> . )""", re.VERBOSE | re.DOTALL | re.MULTILINE)

SWAPS = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=",
         "!=": "==", "&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
         "|=": "&=", "++": "--"}
WORD_SWAPS = {"true": "false", "false": "true"}
UNTOUCHED = {"assert", "static_assert", "log_event", "__attribute__"}  # calls whose arguments say nothing


class Token:
    def __init__(self, match):
        self.kind, self.text, self.start = match.lastgroup, match.group(), match.start()
        around = match.string[self.start - 1:self.start] + match.string[match.end():match.end() + 1]
        self.spaced = len(around) == 2 and around.isspace()


class Change:
    def __init__(self, path, text, token, new, kind):
        self.path, self.start, self.old, self.new, self.kind = path, token.start, token.text, new, kind
        self.line = text.count("\n", 0, self.start) + 1
        begin = text.rfind("\n", 0, self.start) + 1
        end = text.find("\n", self.start)
        self.before = text[begin:end]
        self.after = self.before[:self.start - begin] + new + self.before[self.start - begin + len(self.old):]

    def apply(self, tree):
        file = tree / self.path
        text = file.read_text()
        file.write_text(text[:self.start] + self.new + text[self.start + len(self.old):])
        return text

    def key(self):
        return "\t".join([str(self.path), self.before.strip(), self.after.strip()])

    def place(self):
        return f"{self.path}:{self.line}: {self.old} -> {self.new or 'nothing'}"


def tokens_of(text):
    return [token for token in map(Token, TOKEN.finditer(text)) if token.kind != "skip"]


def members_by_name(paths):
    """For each member of a struct, the other members of the same type in that struct."""
    siblings = {}
    for path in paths:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL)
        for body in re.findall(r"\bstruct\s+\w*\s*\{([^{}]*)\}", text):
            types = {}
            for line in body.split(";"):
                declared = re.match(r"\s*((?:[A-Za-z_]\w*\s+)+)([A-Za-z_][\w\s,]*)$", line)
                if declared:
                    names = [name.strip() for name in declared.group(2).split(",")]
                    types.setdefault(" ".join(declared.group(1).split()), []).extend(names)
            for names in types.values():
                for name in names:
                    siblings.setdefault(name, set()).update(set(names) - {name})
    return siblings


def changes_of_token(previous, token, siblings, generator):
    """(replacement, kind) of each change that makes sense here. Binary operators are those with a space on either side:
    clang-format tells them so from pointers, signs and templates."""
    if token.kind == "operator":
        if token.text == "!":
            yield "", "negation"
        elif token.text in SWAPS and (token.spaced or token.text == "++"):
            yield SWAPS[token.text], "operator"
    elif token.kind == "number" and re.fullmatch(r"(\d+|0[xX][0-9a-fA-F]+)[uUlL]*", token.text):
        digits = token.text.rstrip("uUlL")
        value = int(digits, 0) if digits == "0" or not re.fullmatch(r"0\d+", digits) else int(digits, 8)
        changed = value + generator.choice([1, -1]) if value > 0 else 1
        yield f"{changed}{token.text[len(digits):]}", "constant"
    elif token.kind == "word" and token.text in WORD_SWAPS:
        yield WORD_SWAPS[token.text], "truth"
    elif token.kind == "word" and previous.text in (".", "->") and siblings.get(token.text):
        yield generator.choice(sorted(siblings[token.text])), "member"


def changes_of_file(path, siblings, generator):
    text = (ROOT / path).read_text()
    tokens = tokens_of(text)
    closing = 0  # depth of the parentheses of a call that isn't touched
    depth = 0
    for index in range(1, len(tokens)):
        previous, token = tokens[index - 1], tokens[index]
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "(" and previous.text in UNTOUCHED and not closing:
            closing = depth
        closing = closing if depth >= closing else 0
        if closing:
            continue
        for new, kind in changes_of_token(previous, token, siblings, generator):
            yield Change(path, text, token, new, kind)
        if token.text == "offsetof" and index + 5 < len(tokens):
            member = tokens[index + 5] if tokens[index + 2].text == "struct" else tokens[index + 4]
            for new in sorted(siblings.get(member.text, ()))[:1]:
                yield Change(path, text, member, new, "offset")


def choose(arguments):
    generator = random.Random(arguments.seed)
    sources = [path for name in FOLDERS + ["kernels"] for path in (ROOT / name).rglob("*.[ch]")]
    siblings = members_by_name(sorted(sources))
    files = []
    for name in arguments.where:
        place = (ROOT / name) if not os.path.isabs(name) else pathlib.Path(name)
        found = [place] if place.is_file() else [file for ending in ("c", "cc", "h", "inc") for file in
                                                 place.rglob(f"*.{ending}")]
        files += [file.relative_to(ROOT) for file in found if not VECTOR_CODE.search(file.name)]
    changes = [change for file in sorted(set(files)) for change in changes_of_file(file, siblings, generator)]
    return changes, generator.sample(changes, min(arguments.sample, len(changes)))


# --- build and test ----------------------------------------------------------------------------------------------

def run(command, limit_s, cwd, environment):
    """Exit status and output; None when it ran out of time. The command has a process group of its own to end."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what it left behind, too
            except ProcessLookupError:
                pass
            process.wait()
        output.seek(0)
        return status, output.read()


class Bench:
    def __init__(self, tree, jobs):
        self.tree, self.jobs = tree, str(jobs)
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        if shutil.which("ccache"):
            self.environment |= {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
                                 "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1"}
        self.limit_s = {kind: 3600 for kind in TEST_KINDS}
        self.units, self.known, self.original = {}, {}, {}

    def copy(self):
        """The files git knows, as they are in the working tree, of bench the programs alone that a test starts."""
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).is_file() and (not name.startswith("bench/") or name.endswith(".py")):
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name)

    def build(self):
        status, output = run(["cmake", "--build", "--preset", "dev", "-j", self.jobs], BUILD_LIMIT_S, self.tree,
                             self.environment)
        return status == 0, output

    def code(self, program):
        """What it is without what only debuggers read."""
        stripped = self.tree / "build/stripped"
        subprocess.run(["strip", "-g", "-R", ".note.gnu.build-id", "-o", stripped, program], check=True)
        return hashlib.sha256(stripped.read_bytes()).hexdigest()

    def unit_tests(self):
        """The program of each that has one of its own."""
        listed = subprocess.run(["ctest", "--preset", "dev", "-L", "unit", "--show-only=json-v1"], cwd=self.tree,
                                check=True, stdout=subprocess.PIPE)
        return {test["name"]: pathlib.Path(test["command"][0]) for test in json.loads(listed.stdout)["tests"]
                if pathlib.Path(test["command"][0]).is_relative_to(self.tree)}

    def codes(self):
        """Of the service and of all unit tests. What isn't built new since the last time is as it was."""
        for name, program in {"forkjoin": self.tree / "build/dev/forkjoin", **self.units}.items():
            built = program.stat().st_mtime_ns
            if self.known.get(name, (0, ""))[0] != built:
                self.known[name] = built, self.code(program)
        return {name: code for name, (_, code) in self.known.items()}

    def failing_test(self, changed):
        """The first test that fails or hangs, of those unit tests whose program is another one and of all HTTP tests
        if the service is; None if all pass."""
        for kind in TEST_KINDS:
            names = [name for name in changed if (name == "forkjoin") == (kind == "http")]
            if not names:
                continue
            chosen = [] if kind == "http" else ["-R", "^(" + "|".join(map(re.escape, names)) + ")$"]
            status, output = run(["ctest", "--preset", "dev", "-L", kind, *chosen, "-j", self.jobs,
                                  "--stop-on-failure"], self.limit_s[kind], self.tree, self.environment)
            if status is None:
                return f"{kind} tests: out of time"
            if status != 0:
                failed = re.search(r"Test +#\d+: (\S+) .*(?:\*\*\*|Failed|Timeout)", output)
                return failed.group(1) if failed else f"{kind} tests"
        return None

    def prepare(self):
        """Builds and tests the tree as it is, and learns how long that takes."""
        self.copy()
        # Without warnings: they would notice in place of the tests.
        status, output = run(["cmake", "--preset", "dev", "-DCMAKE_C_FLAGS=-w", "-DCMAKE_CXX_FLAGS=-w"],
                             BUILD_LIMIT_S, self.tree, self.environment)
        built, build_output = self.build() if status == 0 else (False, output)
        if not built:
            sys.exit(f"the tree doesn't build as it is:\n{build_output}")
        limits = {}
        for kind in TEST_KINDS:
            started = time.monotonic()
            status, output = run(["ctest", "--preset", "dev", "-L", kind, "-j", self.jobs], self.limit_s[kind],
                                 self.tree, self.environment)
            if status != 0:
                sys.exit(f"the {kind} tests fail as they are:\n{output}")
            limits[kind] = max(LEAST_LIMIT_S, 3 * (time.monotonic() - started))
        self.limit_s = limits
        self.units = self.unit_tests()
        self.original = self.codes()

    def judge(self, change):
        text = change.apply(self.tree)
        try:
            built, _ = self.build()
            if not built:
                return UNBUILT, ""
            changed = [name for name, code in self.codes().items() if code != self.original[name]]
            if not changed:
                return "same code", ""
            failing = self.failing_test(changed)
            return ("noticed", failing) if failing else ("SURVIVED", "")
        finally:
            (self.tree / change.path).write_text(text)


def equivalent():
    """The keys of the changes that nothing can show of."""
    if not EQUIVALENT.exists():
        return set()
    return {line for line in EQUIVALENT.read_text().splitlines() if line and not line.startswith("#")}


def report(results):
    missed = [change for change, verdict in results if verdict == "SURVIVED"]
    for change in missed:
        print(f"\n{change.place()}\n  -{change.before}\n  +{change.after}\n  for {EQUIVALENT.relative_to(ROOT)}, if "
              f"nothing of it can show:\n{change.key()}")
    count = {verdict: sum(found == verdict for _, found in results)
             for verdict in ("noticed", KNOWN, "same code", UNBUILT)}
    shown = count["noticed"] + len(missed)
    print(f"\n{len(results)} changes: {count['noticed']} noticed, {len(missed)} survived, "
          f"{count[KNOWN]} known to be equivalent, {count['same code']} compiled to the same code, "
          f"{count[UNBUILT]} didn't build")
    if shown:
        print(f"noticed of what can show: {100 * count['noticed'] / shown:.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=45, help="changes to make (45)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice: the same one makes the same changes (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers and tests at once")
    parser.add_argument("--list", action="store_true", help="only say which changes would be made")
    parser.add_argument("where", nargs="*", default=FOLDERS, help=f"folders or files ({' '.join(FOLDERS)})")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is ended, too
    possible, chosen = choose(arguments)
    print(f"{len(chosen)} of {len(possible)} possible changes, seed {arguments.seed}", flush=True)
    if arguments.list:
        for change in chosen:
            print(f"{change.place()}\n  -{change.before}\n  +{change.after}")
        return
    known, results = equivalent(), []
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        bench = Bench(pathlib.Path(folder), arguments.jobs)
        print("building and testing the tree as it is", flush=True)
        bench.prepare()
        for change in chosen:
            started = time.monotonic()
            verdict, by = (KNOWN, "") if change.key() in known else bench.judge(change)
            results.append((change, verdict))
            print(f"{verdict:12} {change.place()}{'  by ' + by if by else ''} ({time.monotonic() - started:.0f} s)",
                  flush=True)
    report(results)


if __name__ == "__main__":
    main()
