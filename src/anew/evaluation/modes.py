"""Which parts of the data do samples leave out?

The training split is divided into cells by k-means (as Richardson and Weiss 2018 do, who count cells that differ). A
cell is missed if samples surely have less than half of its share: the binomial test of their count in it, with at most
5 % false discoveries (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, false_discovery_control
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Value, highest

CELL, CELLS = 15, (2, 100)  # examples expected in a cell; how many cells at least and at most
FITTED, DRAWS = 5_000, 200  # examples, and draws of the bootstrap
HALF, DISCOVERIES = 0.5, 0.05


class Cells(NamedTuple):
    means: KMeans
    shares: np.ndarray  # of the training examples, (k,)


def cells(train: np.ndarray, n: int, seed: int = 0) -> Cells:
    """Fitted on (m, d), as many as leave n examples enough in each."""
    count = min(max(CELLS[0], n // CELL), CELLS[1], len(train))
    x = train.astype(np.float64)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different examples than cells
        means = KMeans(count, n_init=1, random_state=seed).fit(x[:FITTED])
    return Cells(means, np.bincount(means.predict(x), minlength=count) / len(x))


def missed(samples: np.ndarray, of: Cells, seed: int = 0) -> Value:
    """The share of the cells that samples (n, d) miss; the interval is of the bootstrap over samples."""
    n, count = len(samples), len(of.shares)
    counts = np.bincount(of.means.predict(samples.astype(np.float64)), minlength=count)
    again = np.random.default_rng(seed).multinomial(n, counts / n, DRAWS)
    value, drawn = _found(counts, n, of), [_found(row, n, of) for row in again]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Value(value, float(min(low, value)), float(max(high, value)), n)


def _found(counts: np.ndarray, n: int, of: Cells) -> float:
    p = binom.cdf(counts, n, HALF * of.shares)
    return float((false_discovery_control(p) <= DISCOVERIES).mean())


def _cells(real: Real) -> dict[str, Cells]:
    return {view: cells(x, real.n, real.seed) for view, x in real.train.views.items()}


def _measure(x: Examples, real: Real) -> Values:
    return {"missed": highest(missed(x.views[view], of, real.seed) for view, of in real.once(_cells).items())}


MEASURE = Measure(
    {
        "missed": Text(
            "Modes missed",
            "How many parts of the data have hardly any samples?",
            "share",
            "low",
            "Of cells of the training data (by k-means, some fifteen examples in each), those with surely "
            "less than half of their share of samples. The worst view counts. Here the ceiling is a single training "
            "example, repeated.",
        )
    },
    _measure,
    impostor="one",
)
