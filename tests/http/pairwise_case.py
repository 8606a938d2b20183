"""What the tests of /v1/pairwise have in common: the measures and kernels in NumPy, without any trick."""

import urllib.parse

import numpy as np

import server
from arrays import NPY, listed, loaded, saved

PATH = "/v1/pairwise"


def measures(x, y):
    """Name: n x m, in double precision."""
    x, y = x.astype(float), y.astype(float)
    difference = np.abs(x[:, None, :] - y[None, :, :])
    with np.errstate(all="ignore"):
        d2 = (difference * difference).sum(axis=2)
        norms = np.sqrt((x * x).sum(axis=1))[:, None] * np.sqrt((y * y).sum(axis=1))[None, :]
        dot = x @ y.T
        return {"d2": d2, "d": np.sqrt(d2), "dot": dot, "l1": difference.sum(axis=2),
                "linf": difference.max(axis=2), "cos": np.where(norms == 0, 0, dot / norms)}


def by_numpy(text, x, y, **operands):
    """The expression of each pair; `^`, `~` and functions are NumPy's."""
    names = {name: getattr(np, name) for name in ("exp", "sqrt", "tanh", "minimum", "maximum", "where", "log", "sin")}
    if "xs" in operands:
        operands["xs"] = operands["xs"].astype(float)[:, None]
    if "ys" in operands:
        operands["ys"] = operands["ys"].astype(float)[None, :]
    return eval(text, {}, {**names, **measures(x, y), **operands}) + np.zeros((len(x), len(y)))


def kernel(name, x, y, **parameters):
    """scikit-learn's formulas and defaults; Cauchy's is that of a rational quadratic with alpha 1."""
    m = measures(x, y)
    gamma, coef0 = parameters.get("gamma", 1 / x.shape[1]), parameters.get("coef0", 1)
    scale, alpha = parameters.get("length_scale", 1), parameters.get("alpha", 1)
    three, five = np.sqrt(3) * m["d"] / scale, np.sqrt(5) * m["d"] / scale
    return {
        "gaussian": lambda: np.exp(-gamma * m["d2"]),
        "rbf": lambda: np.exp(-gamma * m["d2"]),
        "laplacian": lambda: np.exp(-gamma * m["l1"]),
        "matern12": lambda: np.exp(-m["d"] / scale),
        "matern32": lambda: (1 + three) * np.exp(-three),
        "matern52": lambda: (1 + five + five**2 / 3) * np.exp(-five),
        "rational_quadratic": lambda: (1 + m["d2"] / (2 * alpha * scale**2)) ** -alpha,
        "cauchy": lambda: 1 / (1 + m["d2"] / scale**2),
        "polynomial": lambda: (gamma * m["dot"] + coef0) ** parameters.get("degree", 3),
        "sigmoid": lambda: np.tanh(gamma * m["dot"] + coef0),
        "linear": lambda: m["dot"],
        "cosine": lambda: m["cos"],
    }[name]()


class PairwiseTest(server.ServerTest):
    options = {"max_body": "64MiB", "cores": 4}

    def post(self, *arrays, accept=NPY, **query):
        headers = {"Content-Type": NPY, "Accept": accept}
        return self.server.post(f"{PATH}?{urllib.parse.urlencode(query)}", saved(*arrays), headers=headers)

    def ask(self, *arrays, **query):
        response = self.post(*arrays, **query)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), (query, response))
        return loaded(response.body)

    def ask_json(self, **fields):
        response = self.server.post(PATH, listed(**fields))
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"), response)
        return response.json()

    def assert_near(self, found, expected, tolerance):
        """Off by no more than the tolerance times the greatest value."""
        self.assertEqual(found.shape, expected.shape)
        scale = max(1e-300, np.abs(expected).max(initial=0))
        self.assertLessEqual(np.abs(found.astype(float) - expected).max(initial=0) / scale, tolerance)
