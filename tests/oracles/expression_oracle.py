#!/usr/bin/python3 -B
"""Random expressions through NumPy, numexpr and SciPy: texts, shapes, types and values that are special among others.
Usage: expression_oracle.py <expression_driver>

Texts of operations that IEEE 754 rounds have the very bits of NumPy and numexpr (NaN is NaN); a function of such a text
is off by FUNCTION_ULPS at most; what neither takes is refused."""

import os
import random
import re
import subprocess
import sys
import warnings

os.environ["NPY_PROMOTION_STATE"] = "weak"  # what NumPy 2 does anyway, and 1.24 can

import numexpr
import numpy as np

from vector_math_oracle import SCIPYS, differing, reference

SEED, TEXTS, CORRUPT = 11, 500, 400

# Ours is off by 1, numexpr's and NumPy's functions by up to 4 in single precision.
FUNCTION_ULPS = 5

TYPES = ("float64", "float32", "int64", "bool")
OPERANDS = {"float64": ("x", "y"), "float32": ("f", "g"), "int64": ("i", "j"), "bool": ("b", "c")}
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e-310, 1e-40, 1e38, 1e308, 0.5, 2.0 ** 53 + 2)
# The shape, then what the operands' shapes may be.
SHAPES = (((), [()]), ((1,), [(1,), ()]), ((23,), [(23,), (1,), ()]), ((1500,), [(1500,), (1,)]),
          ((4, 6), [(4, 6), (6,), (4, 1), (1, 1), ()]), ((70, 40), [(70, 40), (40,), (70, 1)]),
          ((3, 4, 5), [(3, 4, 5), (4, 5), (3, 1, 5), (1, 4, 1)]), ((2, 3, 4, 5), [(2, 3, 4, 5), (2, 1, 4, 1), (5,)]),
          ((0,), [(0,), (1,)]), ((3, 0), [(3, 0), (3, 1)]))

# Of these each is where numexpr has it (2.8 of Debian 12 has fewer than 2.10 of Debian 13).
FUNCTIONS = ("sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh log log1p log10 log2 exp expm1 "
             "arctan2 hypot").split()
# What numexpr has beside these: of complex numbers and of texts, reductions, and its argument itself.
OTHERS = "complex conj imag real contains max min prod sum copy".split()
BINARY_FUNCTIONS = ("arctan2", "hypot")
NUMPYS = {name: getattr(np, name) for name in FUNCTIONS + ["sqrt", "floor", "ceil", "trunc", "rint", "sign",
                                                           "square", "copysign", "fmod", "isnan", "isfinite", "signbit"]}
NUMPYS["abs"], NUMPYS["ones_like"] = np.abs, np.ones_like

# NumPy's functions that aren't here: the refusal of each says what to write, of arguments a and b or x.
ADVISED = {"float64": "fmin fmax logical_and logical_or logical_xor logical_not true_divide divide add subtract multiply "
                      "negative sinc less less_equal greater greater_equal equal not_equal zeros_like".split(),
           "int64": "bitwise_and bitwise_or bitwise_xor invert logical_and logical_not fmin fmax less negative".split()}

# What all three refuse. E is an expression of float64.
REFUSED = ("E & E", "E | 1", "~(E)", "E << 2", "E >> i", "-b", "(b - c) + E", "unknown + E", "unknown(E)", "where(b, E)",
           "arctan2(E)", "E +", "(E", "E)", "E E", "E .", "", "x = E", "E and", "@ E", "E ! E", "$", "E \\ E", "1 ~ E", "0x",
           "1e", "E ** ** E")


def where(condition, a, b):
    """NumPy's, in which a number of the text takes the type of the other side, as it does since NumPy 2."""
    return np.where(condition, a, b if isinstance(b, np.ndarray | np.generic) else np.asarray(b, a.dtype))


class Text:
    """Random expressions that round as IEEE 754 says, in the language of NumPy or in what numexpr shares with it."""

    def __init__(self, seed, numexprs):
        self.random, self.numexprs = random.Random(seed), numexprs

    def of(self, kind, depth):
        return self.condition(depth) if kind == "bool" else self.number(kind, depth)

    def constant(self, kind):
        return self.random.choice({"float64": ("2", "0.5", "3.0", "1e-3"), "float32": ("2", "3"), "int64": ("1", "7")}[kind])

    def number(self, kind, depth):
        """Every part of it but a constant has operands: what is made of constants alone is typed by NumPy's versions
        in different ways."""
        if depth == 0:
            return self.random.choice(OPERANDS[kind])
        inner = lambda: self.number(kind, self.random.randrange(depth))
        choices = [lambda: f"({inner()} {self.random.choice('+-*')} {inner()})"] * 3 + [
            lambda: f"({inner()} {self.random.choice('+-*')} {self.constant(kind)})",
            lambda: f"({self.constant(kind)} {self.random.choice('+-*')} {inner()})",
            lambda: f"where({self.condition(self.random.randrange(depth))}, {inner()}, {self.constant(kind)})",
            lambda: f"where({self.condition(self.random.randrange(depth))}, {inner()}, {inner()})",
            lambda: f"(-{inner()})", lambda: f"abs({inner()})"]
        if kind == "int64":
            choices.append(lambda: f"({inner()} << {self.random.randrange(4)})")
            choices.append(lambda: f"({inner()} >> {self.random.randrange(4)})")
        else:
            choices.append(lambda: f"({inner()} / {self.random.choice((inner(), self.constant(kind)))})")
            choices.append(lambda: f"{self.random.choice(('sqrt', 'floor', 'ceil', 'ones_like'))}({inner()})")
            choices.append(lambda: f"fmod({inner()}, {inner()})")
        if kind == "float64":
            other = self.random.choice(("float32", "int64"))
            choices.append(lambda: f"(x {self.random.choice('+-*/')} {self.random.choice(OPERANDS[other])})")
        if not self.numexprs:
            choices += self.numpys(kind, inner)
        return self.random.choice(choices)()

    def numpys(self, kind, inner):
        if kind == "int64":
            return [lambda: f"({inner()} {self.random.choice('&|^')} {inner()})", lambda: f"(~{inner()})",
                    lambda: f"({inner()} {self.random.choice(('//', '%'))} {self.random.choice(('3', '(-2)'))})",
                    lambda: f"fmod({inner()}, {self.random.choice(('3', '(-2)'))})", lambda: f"ones_like({inner()})"]
        return [lambda: f"({inner()}) ** 2", lambda: f"copysign({inner()}, {inner()})",
                lambda: f"{self.random.choice(('trunc', 'rint', 'sign', 'square'))}({inner()})",
                lambda: f"({inner()} {self.random.choice(('//', '%'))} {inner()})"]

    def condition(self, depth):
        if depth == 0:
            return self.random.choice(OPERANDS["bool"])
        inner = lambda: self.condition(self.random.randrange(depth))
        kind = self.random.choice(TYPES[:3])
        number = lambda: self.number(kind, self.random.randrange(depth))
        choices = [lambda: f"({inner()} {self.random.choice('&|')} {inner()})", lambda: f"(~{inner()})"]
        choices += [lambda: f"({number()} {self.random.choice(('<', '<=', '>', '>=', '==', '!='))} {number()})"] * 2
        if not self.numexprs:
            choices.append(lambda: f"({inner()} ^ {inner()})")
            choices.append(lambda: f"{self.random.choice(('isnan', 'isfinite', 'signbit'))}({number()} * 1.0)")
        return self.random.choice(choices)()


class Case:
    """A text with operands."""

    def __init__(self, text, values, shapes=SHAPES[2]):
        self.text = text
        self.shape, choices = shapes
        self.operands = {name: self.operand(kind, values, choices) for kind in TYPES for name in OPERANDS[kind]}

    @staticmethod
    def operand(kind, values, choices):
        shape = choices[values.integers(len(choices))]
        if kind == "bool":
            return values.integers(0, 2, size=shape).astype(bool)
        if kind == "int64":
            return np.asarray(values.integers(-9, 10, size=shape), dtype=np.int64)
        made = np.asarray(values.normal(size=shape) * 2)
        with np.errstate(all="ignore"):
            made = np.where(values.random(shape) < 0.2, values.choice(SPECIAL, size=shape), made).astype(kind)
        return np.asfortranarray(made) if made.ndim > 1 and values.random() < 0.3 else made

    def written(self):
        bulk = [f"{len(self.text.encode())} {len(self.operands)} {len(self.shape)} "
                f"{' '.join(map(str, self.shape))}".rstrip().encode(), b"\n", self.text.encode()]
        for name, array in self.operands.items():
            spread = np.broadcast_to(array, self.shape)
            strides = [stride // array.itemsize for stride in spread.strides]
            data = array.tobytes("A")
            bulk.append(" ".join(map(str, (name, array.dtype.name, len(data), *strides))).encode() + b"\n" + data)
        return b"".join(bulk)

    def by_numpy(self):
        with np.errstate(all="ignore"):
            return np.asarray(eval(self.text, {}, {**NUMPYS, "where": where, **self.operands}))

    def by_numexpr(self):
        with np.errstate(all="ignore"):
            return numexpr.evaluate(self.text, self.operands, {}, optimization="none", truediv=True)


def answers(driver, cases):
    """Of each case: the array, or why there is none."""
    output = subprocess.run([driver], input=b"".join(case.written() for case in cases), stdout=subprocess.PIPE,
                            check=True).stdout
    at, found = 0, []
    for case in cases:
        end = output.index(b"\n", at)
        word, _, rest = output[at:end].decode().partition(" ")
        at = end + 1
        if word != "done":
            found.append(f"{word} {rest}")
            continue
        count = int(np.prod(case.shape))
        array = np.frombuffer(output, dtype=rest, count=count, offset=at)
        at += array.nbytes
        found.append(array.reshape(case.shape))
    return found


def same(got, want, ulps):
    """Elements that are the same within so many units in the last place."""
    if got.dtype.kind != "f":
        return got == want
    with np.errstate(all="ignore"):
        equal = (got == want) & (np.signbit(got) == np.signbit(want)) | np.isnan(got) & np.isnan(want)
        smallest = np.finfo(got.dtype).smallest_subnormal
        return equal | (ulps > 0) & (np.abs(got - want) <= ulps * np.maximum(np.spacing(np.abs(want)), smallest))


class Oracle:
    def __init__(self, driver):
        self.driver, self.failures, self.compared = driver, [], {}
        self.values = np.random.default_rng(SEED)

    def cases(self, texts):
        return [Case(text, self.values, SHAPES[index % len(SHAPES)]) for index, text in enumerate(texts)]

    def compare(self, case, got, want, whose, ulps):
        if isinstance(got, str):
            self.failures.append(f"{case.text}: {got}, {whose} has a value")
        elif got.dtype != want.dtype:
            self.failures.append(f"{case.text}: {got.dtype}, {whose} {want.dtype}")
        else:
            self.compared[whose] = self.compared.get(whose, 0) + 1
            good = same(got, np.broadcast_to(want, got.shape), ulps)
            if not np.all(good):
                place = tuple(np.argwhere(~good)[0])
                self.failures.append(f"{case.text} at {place}: {got[place]!r}, {whose} "
                                     f"{np.broadcast_to(want, got.shape)[place]!r}")

    def numpys(self):
        """Texts of NumPy's language, and functions of them."""
        kinds = [TYPES[index % len(TYPES)] for index in range(TEXTS)]
        exact = [Text(seed, False).of(kind, 4) for seed, kind in enumerate(kinds)]
        chosen = random.Random(SEED)
        outer = []
        for seed in range(TEXTS // 2):
            write, kind, name = Text(-seed, False), TYPES[seed % 2], chosen.choice(FUNCTIONS)
            arguments = [write.of(kind, 2) for _ in range(1 + (name in BINARY_FUNCTIONS))]
            outer.append(f"{name}({', '.join(f'({argument}) * {OPERANDS[kind][0]}' for argument in arguments)})")
        for texts, ulps in ((exact, 0), (outer, FUNCTION_ULPS)):
            cases = self.cases(texts)
            for case, got in zip(cases, answers(self.driver, cases)):
                self.compare(case, got, case.by_numpy(), "NumPy", ulps)

    def numexprs(self):
        """Texts that numexpr takes too, and its functions of them. Its promotion isn't NumPy's for all types."""
        names = [name for name in FUNCTIONS if name in numexpr.expressions.functions]
        chosen = random.Random(SEED)
        texts = [Text(seed, True).of(TYPES[seed % len(TYPES)], 4) for seed in range(TEXTS)]
        inexact = []
        for seed in range(TEXTS // 2):
            write, kind, name = Text(-seed, True), TYPES[seed % 2], chosen.choice(names)
            arguments = [write.of(kind, 2) for _ in range(1 + (name in BINARY_FUNCTIONS))]
            inexact.append(f"{name}({', '.join(arguments)})")
        for group, ulps in ((texts, 0), (inexact, FUNCTION_ULPS)):
            cases = self.cases(group)
            for case, got in zip(cases, answers(self.driver, cases)):
                try:
                    want = case.by_numexpr()
                except (NotImplementedError, TypeError):
                    continue  # types that it has no operation for: of an int64, abs is a float64 there
                if isinstance(got, str) or got.dtype == want.dtype:
                    self.compare(case, got, want, "numexpr", ulps)

    def all_of_numexprs(self):
        """Each function of real numbers that this version of numexpr has, at its own number of arguments."""
        def answered(call):
            return not isinstance(answers(self.driver, [Case(call, self.values)])[0], str)

        calls = ("{}(x)", "{}(x, y)", "{}(b, x, y)")
        missing = [name for name in set(numexpr.expressions.functions) - set(OTHERS)
                   if not any(answered(call.format(name)) for call in calls)]
        self.failures += [f"numexpr has {name}" for name in missing]

    def advice(self):
        for kind, name in ((kind, name) for kind, names in ADVISED.items() for name in names):
            a, b = OPERANDS[kind]
            [refused] = answers(self.driver, [Case(f"{name}({a})", self.values)])
            advised = re.search(r": write (.*?)(?:; |, of bool |$)", refused)
            if not advised:
                self.failures.append(f"{name}: {refused} says nothing to write")
                continue
            text = re.sub(r"\b[abx]\b", lambda one: {"b": b}.get(one[0], a), advised[1])
            case = Case(text, self.values, SHAPES[3])
            [got] = answers(self.driver, [case])
            with np.errstate(all="ignore"):
                function = getattr(np, name)
                want = function(*[case.operands[operand] for operand in (a, b)][:getattr(function, "nin", 1)])
            if name in ("fmin", "fmax") and not isinstance(got, str):  # of zeros of both signs NumPy takes either
                got, want = got + 0, want + 0
            self.compare(case, got, want, "NumPy", FUNCTION_ULPS if name == "sinc" else 0)

    def scipys(self):
        for kind in ("float64", "float32"):
            for index, name in enumerate([*SCIPYS, "cbrt"]):
                texts = [f"{name}({Text(seed, False).number(kind, 3)} * {OPERANDS[kind][0]})" for seed in range(20)]
                cases = self.cases(texts)
                arguments = [Case(text.removeprefix(name), self.values) for text in texts]
                for case, argument in zip(cases, arguments):
                    argument.shape, argument.operands = case.shape, case.operands
                given = answers(self.driver, arguments)
                for case, of, got in zip(cases, given, answers(self.driver, cases)):
                    with np.errstate(all="ignore"):
                        want = np.asarray(reference(name)(of))
                        wrong = differing(name, got, want, [of])
                    self.compared["SciPy"] = self.compared.get("SciPy", 0) + 1
                    if got.dtype != want.dtype or np.any(wrong):
                        self.failures.append(f"{case.text}: {got[wrong][:3]!r}, SciPy {want[wrong][:3]!r}")

    def refusals(self):
        """What NumPy and numexpr refuse for its meaning, and texts with a character too many or too few that Python
        can't read."""
        cases = [Case(pattern.replace("E", Text(len(pattern), True).number("float64", 2)), self.values)
                 for pattern in REFUSED]
        for case in cases:
            for whose, compute in (("NumPy", case.by_numpy), ("numexpr", case.by_numexpr)):
                try:
                    compute()
                    self.failures.append(f"{case.text}: {whose} doesn't refuse it")
                except Exception:  # each of them raises what it pleases
                    pass
        source = random.Random(SEED)
        for seed in range(CORRUPT):
            text = Text(seed, False).of(TYPES[seed % len(TYPES)], 3)
            place = source.randrange(len(text))
            text = text[:place] + source.choice(("", "", *"()+*<&~,.x1 eé")) + text[place + source.randrange(2):]
            try:
                compile(text, "", "eval")
            except SyntaxError:
                cases.append(Case(text, self.values))
        for case, got in zip(cases, answers(self.driver, cases)):
            self.compared["refused"] = self.compared.get("refused", 0) + 1
            if not isinstance(got, str) or not got.startswith("refused"):
                self.failures.append(f"{case.text} isn't refused: {got!r}")


def main():
    warnings.simplefilter("ignore")
    numexpr.set_num_threads(1)
    oracle = Oracle(sys.argv[1])
    oracle.numpys()
    oracle.numexprs()
    oracle.all_of_numexprs()
    oracle.advice()
    oracle.scipys()
    oracle.refusals()
    least = {"NumPy": TEXTS, "numexpr": TEXTS, "SciPy": 200, "refused": CORRUPT // 4}
    for whose, count in least.items():
        if oracle.compared.get(whose, 0) < count:
            oracle.failures.append(f"only {oracle.compared.get(whose, 0)} texts are compared: {whose}")
    print("\n".join(oracle.failures) or f"as the others': {oracle.compared}")
    return 1 if oracle.failures else 0


if __name__ == "__main__":
    sys.exit(main())
