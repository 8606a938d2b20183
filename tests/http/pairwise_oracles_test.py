"""POST /v1/pairwise against scikit-learn and SciPy: their formulas in NumPy (pairwise_case.py), and themselves."""

import io
import unittest

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import kernels
from sklearn.metrics import pairwise_distances_argmin
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.neighbors import KernelDensity, NearestNeighbors

from pairwise_case import PairwiseTest, kernel, measures

SHAPES = [(1, 1, 1), (30, 50, 2), (65, 129, 7), (20, 15, 100), (7, 300, 3)]
# name: what scikit-learn's pairwise_kernels calls it, parameters that are tried
KERNELS = {
    "gaussian": ("rbf", [{}, {"gamma": 0.3}, {"gamma": 0}]),
    "rbf": ("rbf", [{}, {"gamma": 0.02}]),
    "laplacian": ("laplacian", [{}, {"gamma": 0.3}]),
    "polynomial": ("polynomial", [{}, {"degree": 2}, {"degree": 5, "gamma": 0.1, "coef0": -0.5}, {"coef0": 0}]),
    "sigmoid": ("sigmoid", [{}, {"gamma": 0.01, "coef0": -1}]),
    "linear": ("linear", [{}]),
    "cosine": ("cosine", [{}]),
    "matern12": (None, [{}, {"length_scale": 0.3}]),
    "matern32": (None, [{}, {"length_scale": 2.5}]),
    "matern52": (None, [{}, {"length_scale": 7}]),
    "rational_quadratic": (None, [{}, {"alpha": 0.2}, {"alpha": 3, "length_scale": 0.5}]),
    "cauchy": (None, [{}, {"length_scale": 3}]),
}
# As here, in SciPy's cdist.
DISTANCES = {"d": "euclidean", "d2": "sqeuclidean", "l1": "cityblock", "linf": "chebyshev", "1 - cos": "cosine"}


def points(n, m, d):
    chance = np.random.default_rng(n + m + d)
    return chance.normal(size=(n, d)), chance.normal(size=(m, d))


def process_kernel(name, **parameters):
    """Of sklearn.gaussian_process."""
    if name.startswith("matern"):
        return kernels.Matern(nu={"matern12": 0.5, "matern32": 1.5, "matern52": 2.5}[name], **parameters)
    if name == "cauchy":  # a rational quadratic with alpha 1 and 2 length_scale^2 for it
        return kernels.RationalQuadratic(alpha=1, length_scale=parameters.get("length_scale", 1) / np.sqrt(2))
    return kernels.RationalQuadratic(**parameters)


class Oracles(PairwiseTest):
    def test_kernels_are_scikit_learns_formulas(self):
        for n, m, d in SHAPES:
            x, y = points(n, m, d)
            for name, (_, tried) in KERNELS.items():
                for parameters in tried:
                    with self.subTest(name, n=n, m=m, d=d, **parameters):
                        self.assert_near(self.ask(x, y, kernel=name, **parameters), kernel(name, x, y, **parameters), 1e-13)
                        narrow = self.ask(x.astype("f4"), y.astype("f4"), kernel=name, **parameters)
                        self.assertEqual(narrow.dtype, np.float32)
                        self.assert_near(narrow, kernel(name, x.astype("f4"), y.astype("f4"), **parameters), 3e-5)

    def test_kernels_are_scikit_learns(self):
        for n, m, d in SHAPES:
            x, y = points(n, m, d)
            for name, (theirs, tried) in KERNELS.items():
                for parameters in tried:
                    with self.subTest(name, n=n, m=m, d=d, **parameters):
                        expected = (pairwise_kernels(x, y, metric=theirs, **parameters) if theirs
                                    else process_kernel(name, **parameters)(x, y))
                        self.assert_near(self.ask(x, y, kernel=name, **parameters), expected, 1e-12)

    def test_nearest_neighbours_density_and_centres_are_numpys(self):
        for n, m, d in SHAPES:
            x, y = points(n, m, d)
            z = measures(x, y)
            with self.subTest(n=n, m=m, d=d):
                k = min(5, m)
                order = np.argsort(z["d2"], axis=1, kind="stable")[:, :k]
                distances, indices = self.nearest(x, y, k)
                self.assertEqual(indices.tolist(), order.tolist())
                self.assert_near(distances, np.take_along_axis(z["d"], order, axis=1), 1e-13)
                density = self.ask(x, y, expr="-d2/(2*h*h)", h=0.7, reduce="logsumexp")
                terms = -z["d2"] / (2 * 0.7**2)
                greatest = terms.max(axis=1)
                expected = greatest + np.log(np.exp(terms - greatest[:, None]).sum(axis=1))
                self.assert_near(density, expected, 1e-13)
                powers = {"exp(-d2/(2*h*h))": terms, "exp(-h*d2)": -0.7 * z["d2"], "exp(-d/h)": -z["d"] / 0.7}
                for text, exponents in powers.items():
                    sums = self.ask(x, y, expr=text, h=0.7, reduce="sum")
                    self.assert_near(sums, np.exp(exponents).sum(axis=1), 1e-13)
                self.assertEqual(self.ask(x, y, expr="d2", reduce="argmin").tolist(), z["d2"].argmin(axis=1).tolist())

    def nearest(self, x, y, k):
        response = self.post(x, y, expr="d", reduce="topk", k=k)
        self.assertEqual(response.status, 200, response)
        body = io.BytesIO(response.body)
        return np.load(body), np.load(body)

    def test_nearest_neighbours_density_and_centres_are_scikit_learns(self):
        for n, m, d in SHAPES:
            x, y = points(n, m, d)
            k = min(10, m)
            with self.subTest(n=n, m=m, d=d):
                distances, indices = self.nearest(x, y, k)
                theirs = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(y).kneighbors(x)
                self.assertEqual(indices.tolist(), theirs[1].tolist())
                self.assert_near(distances, theirs[0], 1e-7)  # theirs cancel
                density = self.ask(x, y, expr="-d2/(2*h*h)", h=0.7, reduce="logsumexp")
                expected = KernelDensity(bandwidth=0.7, rtol=0).fit(y).score_samples(x)
                self.assert_near(density - np.log(m) - d * np.log(0.7 * np.sqrt(2 * np.pi)), expected, 1e-9)
                self.assertEqual(self.ask(x, y, expr="d2", reduce="argmin").tolist(),
                                 pairwise_distances_argmin(x, y).tolist())

    def test_distances_are_scipys(self):
        for n, m, d in SHAPES:
            x, y = points(n, m, d)
            for text, theirs in DISTANCES.items():
                with self.subTest(text, n=n, m=m, d=d):
                    self.assert_near(self.ask(x, y, expr=text), cdist(x, y, theirs), 1e-13)


if __name__ == "__main__":
    unittest.main()
