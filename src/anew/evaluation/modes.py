"""Which parts of the data do samples leave out?

The training split is divided into cells by k-means (as Richardson and Weiss 2018 do, who count cells that differ). A
cell is missed if samples surely have less than half of its share: the binomial test of their count in it, given the
count of samples and real examples, with at most 5 % false discoveries (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import binom, false_discovery_control
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Value, highest, share

CELL, CELLS = 15, (2, 100)  # examples expected in a cell; how many cells at least and at most
FITTED, DISCOVERIES, HALF = 5_000, 0.05, 0.5


def cells(train: np.ndarray, n: int, seed: int = 0) -> KMeans:
    """Fitted on (m, d), as many as leave n examples enough in each."""
    count = min(max(CELLS[0], n // CELL), CELLS[1], len(train))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different examples than cells
        return KMeans(count, n_init=1, random_state=seed).fit(train[:FITTED].astype(np.float64))


def missed(samples: np.ndarray, reference: np.ndarray, within: KMeans) -> Value:
    """The share of the cells that samples (n, d) miss, which real examples (m, d) do not."""
    count = within.n_clusters
    made, real = (np.bincount(within.predict(x.astype(np.float64)), minlength=count) for x in (samples, reference))
    at_half = HALF * len(samples) / (HALF * len(samples) + len(reference))  # of all in a cell that has half its share
    p = binom.cdf(made, made + real, at_half)
    return share(int((false_discovery_control(p) <= DISCOVERIES).sum()), count)


def _cells(real: Real) -> dict[str, KMeans]:
    return {view: cells(x, real.n, real.seed) for view, x in real.train.views.items()}


def _measure(x: Examples, real: Real) -> Values:
    found = (missed(x.views[view], real.reference.views[view], within) for view, within in real.once(_cells).items())
    return {"missed": highest(found)}


MEASURE = Measure(
    {
        "missed": Text(
            "Modes missed",
            "How many parts of the data have hardly any samples?",
            "share",
            "low",
            "Of cells of the training data (k-means; n is their number), those with surely less than half of their "
            "share of samples. The worst view counts. Here the ceiling is a single training example, repeated.",
        )
    },
    _measure,
    impostor="one",
)
