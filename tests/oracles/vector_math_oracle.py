#!/usr/bin/python3 -B
"""The vector functions and the reductions against NumPy and SciPy: special values, and close values elsewhere.
Usage: vector_math_oracle.py <vector_math_driver>"""

import itertools
import math
import subprocess
import sys

import numpy as np
import scipy.special as special

# Units in the last place that both may be off, NumPy by up to 4 in single precision.
ULPS = 6

NUMPYS = {"abs": np.abs, "tgamma": None, "lgamma": None, "erf": None, "erfc": None, "sigmoid": None, "fma": None,
          "round": np.rint}
SCIPYS = {"tgamma": "gamma", "lgamma": "gammaln", "erf": "erf", "erfc": "erfc", "sigmoid": "expit"}

# Where NumPy computes as we do, step by step.
EXACT = {"abs", "negative", "sqrt", "square", "reciprocal", "floor", "ceil", "trunc", "round", "sign", "degrees", "radians",
         "copysign", "nextafter", "minimum", "maximum", "floor_divide", "remainder", "fmod", "clip", "isnan", "isfinite", "isinf",
         "signbit"}

KINDS = ["sum", "mean", "prod", "min", "max", "any", "all", "count", "argmin", "argmax", "var", "std"]
TYPES = [np.bool_, np.int64, np.float32, np.float64]

failures = []


def specials(dtype):
    info = np.finfo(dtype)
    values = [0.0, 1.0, 0.5, 2.0, 3.0, 1.5, 2.5, 7.0, 0.1, 1e-3, 10.0, 25.0, 100.0, 1e15, 1e16, 1e30, math.inf, math.nan,
              float(info.max), float(info.tiny), float(info.smallest_subnormal), 1 + float(info.eps),
              1 - float(info.epsneg), 709.5, 745.0, 88.0, 103.0]
    both = np.array(values + [-value for value in values])
    with np.errstate(all="ignore"):
        return both.astype(dtype)


def driven(driver, arguments, data):
    return subprocess.run([driver, *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def reference(name):
    if name in SCIPYS:
        return getattr(special, SCIPYS[name])
    return NUMPYS[name] if name in NUMPYS else getattr(np, name)


def differing(name, got, want, arguments):
    """Which results differ by more than they may."""
    if got.dtype == np.uint8:
        return got != want
    same = (got == want) & (np.signbit(got) == np.signbit(want)) | np.isnan(got) & np.isnan(want)
    if name in ("minimum", "maximum", "clip"):  # of zeros of both signs NumPy takes either
        same |= (got == 0) & (want == 0)
    if name in ("tgamma", "lgamma"):  # SciPy's poles are infinite or NaN, from version to version
        same |= (arguments[0] <= 0) & ((arguments[0] == np.floor(arguments[0])) | np.isinf(arguments[0]))
    if name == "lgamma":  # SciPy takes subnormal numbers for 0
        same |= np.abs(arguments[0]) < np.finfo(got.dtype).tiny
    if name in ("sigmoid", "tgamma", "erfc", "lgamma"):  # SciPy drops what is nearly 0, and overflows early
        same |= np.abs(got - want) < 1e3 * np.finfo(got.dtype).tiny
        same |= np.abs(got - want) < 1e-13 if got.dtype == np.float64 else np.abs(got - want) < 1e-5
        same |= np.abs(got - want) < 1e-10 * np.abs(want)
    if name not in EXACT:
        same |= np.abs(got - want) <= ULPS * np.maximum(np.spacing(np.abs(want)), np.finfo(got.dtype).smallest_subnormal)
        if name == "logaddexp":
            same |= np.abs(got - want) <= ULPS * np.spacing(np.maximum(np.abs(arguments[0]), np.abs(arguments[1])))
    return ~same


def check_functions(driver):
    listed = driven(driver, ["list"], b"").decode().split("\n")
    for line in filter(None, listed):
        name, count = line.split()
        function = reference(name)
        for dtype, word in ((np.float64, "f64"), (np.float32, "f32")):
            if function is None:
                continue
            rows = list(itertools.product(specials(dtype), repeat=int(count)))
            arguments = [np.array(column, dtype=dtype) for column in zip(*rows)]
            raw = driven(driver, [word, name, str(len(rows))], b"".join(column.tobytes() for column in arguments))
            with np.errstate(all="ignore"):
                want = function(*arguments)
                got = np.frombuffer(raw, dtype=np.uint8 if want.dtype == np.bool_ else dtype)
                wrong = np.flatnonzero(differing(name, got, want, arguments))
            for i in wrong[:3]:
                failures.append(f"{name} {word} of {[column[i] for column in arguments]}: {got[i]!r}, NumPy {want[i]!r}")


def numpy_reduction(kind, values):
    if kind == "count":
        return np.count_nonzero(values)
    return getattr(np, kind)(values)


def check_reductions(driver):
    random = np.random.default_rng(12)
    for kind, dtype in itertools.product(KINDS, TYPES):
        spoilers = (None, math.nan, math.inf, -math.inf, 0.0) if dtype in (np.float32, np.float64) else (None,)
        for count, spoiled in [(0, None), *itertools.product((1, 2, 5, 1000, 40000), spoilers)]:
            values = (random.integers(0, 3, count) if dtype in (np.bool_, np.int64)
                      else random.uniform(0.99, 1.01, count)).astype(dtype)
            if kind == "prod" and dtype == np.int64:
                values = np.where(values == 0, -1, 1)
            if spoiled is not None:
                values[random.integers(0, count)] = spoiled
            raw = driven(driver, ["reduce", str(KINDS.index(kind)), str(TYPES.index(dtype)), str(count)], values.tobytes())
            try:
                with np.errstate(all="ignore"):
                    want = np.asarray(numpy_reduction(kind, values))
            except ValueError:
                if raw[0] != 1:
                    failures.append(f"{kind} of nothing ({dtype.__name__}) isn't refused")
                continue
            want = want.astype(np.int64) if want.dtype == np.uint64 else want
            got = np.frombuffer(raw[1:], dtype=want.dtype)[0]
            loose = 1e-4 if dtype == np.float32 else 1e-10
            if raw[0] != 0 or not np.isclose(got, want, rtol=loose, atol=loose / 1e3, equal_nan=True):
                failures.append(f"{kind} of {count} {dtype.__name__}, {spoiled} among them: {got!r}, NumPy {want!r}")


def main():
    import warnings

    warnings.simplefilter("ignore")
    check_functions(sys.argv[1])
    check_reductions(sys.argv[1])
    print("\n".join(failures) or "as NumPy's")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
