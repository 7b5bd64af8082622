"""How far apart are graphs and real graphs in degrees, clustering, spectrum and orbits?

The maximum mean discrepancy of each (You et al. 2018, section 4.3), from the parts of the view "statistics" of graphs
(codecs/graph/features.py). The kernel is exp(-d / s), d being the earth mover's distance of two histograms, or the
absolute differences of the mean counts of orbits, and s the median of d between real graphs. Unlike the Gaussian of
such distances, it is positive definite (O'Bray et al. 2022). `distances` has the kernels of the literature's tables.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial.distance import cdist

from anew.codecs.graph.features import PARTS, STATISTICS, WIDTH
from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Value, normal

PERMUTATIONS = 200
# Deviations of the literature's Gaussian kernels (the code of You et al. 2018 and of Liao et al. 2019).
DEVIATIONS = {"degrees": 1.0, "clustering": 0.1, "orbits": 30.0, "spectrum": 1.0}


def distances(x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray], kernel: str = "tv") -> dict[str, float]:
    """{statistic: MMD²} of two sets of graphs as papers give it, of what `statistics` counts.

    The kernel is a Gaussian of the total variation, "tv", as of Liao et al. 2019 (GRAN) and most after them, or of the
    earth mover's distance, "emd", as of You et al. 2018 (GraphRNN), who take the Euclidean one of orbits and have no
    spectrum. The mean is over all pairs, those of a graph with itself included: above zero for equal distributions.
    """
    names = [name for name in DEVIATIONS if kernel == "tv" or name != "spectrum"]
    return {
        name: mmd(_prepared(x[name], name, kernel), _prepared(y[name], name, kernel), name, kernel) for name in names
    }


def _prepared(rows: np.ndarray, name: str, kernel: str) -> np.ndarray:
    """Rows whose distances are those of the kernel."""
    if kernel == "tv":
        return rows / 2
    if name == "orbits":
        return rows
    return rows.cumsum(1) / (rows.shape[1] if name == "clustering" else 1)  # degrees move by neighbours


def mmd(x: np.ndarray, y: np.ndarray, name: str, kernel: str) -> float:
    metric = "euclidean" if (name, kernel) == ("orbits", "emd") else "cityblock"

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-(cdist(a, b, metric) ** 2) / (2 * DEVIATIONS[name] ** 2)).mean())

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def _measure(x: Examples, real: Real) -> Values:
    if real.reference.views.get(STATISTICS, np.empty((0, 0))).shape[1] != WIDTH:
        return {}
    units = real.once(_units)
    return {name: _distance(_part(x, name), _part(real.reference, name), *units[name]) for name in PARTS}


def _part(x: Examples, name: str) -> np.ndarray:
    """Rows whose absolute differences are the distance: of histograms, the sums up to each bin."""
    rows = x.views[STATISTICS][:, PARTS[name]].astype(np.float64)
    return rows if name == "orbits" else rows.cumsum(1)


def _units(real: Real) -> dict[str, tuple[float, float]]:
    """{statistic: (scale of the kernel, deviation of the distance of two sets of real graphs)}; 1 where none vary."""
    found = {}
    for name in PARTS:
        a, b = (_part(one, name) for one in (real.unseen, real.reference))
        scale = float(np.median(cdist(a, b, "cityblock"))) or 1.0
        found[name] = (scale, _noise(np.concatenate([a, b]), len(a), scale, real.seed) or 1.0)
    return found


def _noise(pool: np.ndarray, n: int, scale: float, seed: int) -> float:
    """The standard deviation of the distance of n of the pool to the others, drawn at random again and again."""
    kernel, rng = np.exp(-cdist(pool, pool, "cityblock") / scale), np.random.default_rng(seed)
    np.fill_diagonal(kernel, 0)
    first = np.stack([rng.permutation(len(pool)) < n for _ in range(PERMUTATIONS)], 1).astype(np.float64)
    m, to_first, to_all = len(pool) - n, kernel @ first, kernel.sum(1, keepdims=True)
    within, across = (first * to_first).sum(0), ((1 - first) * to_first).sum(0)
    others = ((1 - first) * (to_all - to_first)).sum(0)
    return float((within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * across / (n * m)).std())


def _distance(x: np.ndarray, y: np.ndarray, scale: float, noise: float) -> Value:
    """Unbiased, in multiples of the noise, with the interval of its first-order projection (Gretton et al. 2012)."""

    def means(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
        kernel = np.exp(-cdist(a, a if b is None else b, "cityblock") / scale)
        return kernel.mean(1) if b is not None else (kernel.sum(1) - 1) / (len(a) - 1)

    within_x, within_y, x_to_y, y_to_x = means(x), means(y), means(x, y), means(y, x)
    value = within_x.mean() + within_y.mean() - 2 * x_to_y.mean()
    variance = 4 * ((within_x - x_to_y).var(ddof=1) / len(x) + (within_y - y_to_x).var(ddof=1) / len(y))
    return normal(value, float(np.sqrt(variance)), len(x)).over(noise)


_NOTE = (
    "Unbiased MMD² with the kernel exp(-d / s): d is {}, s its median between real graphs. The unit is its standard "
    "deviation between two sets of real graphs, by permutation; the number grows with n."
)
_MOVED = "the earth mover's distance of two graphs' histograms"

MEASURE = Measure(
    {
        "degrees": Text("Degrees", "Do nodes have as many neighbours?", "× noise", "low", _NOTE.format(_MOVED)),
        "clustering": Text(
            "Clustering", "Are neighbours of a node as often joined?", "× noise", "low", _NOTE.format(_MOVED)
        ),
        "spectrum": Text(
            "Spectrum",
            "Are graphs alike as a whole, by the eigenvalues of their Laplacians?",
            "× noise",
            "low",
            _NOTE.format(_MOVED),
        ),
        "orbits": Text(
            "Orbits",
            "Are patterns of up to four nodes as frequent?",
            "× noise",
            "low",
            _NOTE.format("the sum of differences of log counts a node, for each of 15 places in patterns"),
        ),
    },
    _measure,
)
