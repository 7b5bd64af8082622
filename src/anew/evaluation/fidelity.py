"""Are samples real (fidelity), and is all that is real among them (coverage)?

Clipped Density and Clipped Coverage (Salvy, Talbot & Thirion 2025): density and coverage (Naeem et al.
2020) with each contribution cut at 1, so that outliers cannot make up for what is missing, and calibrated
so that a value reads as the share of good samples. Both are in [0, 1]; 1 is best.

Written from the papers' definitions; the calibration of coverage is derived here, see `expected_coverage`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import betabinom

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.neighbours import blocks, radii, squared_distances
from anew.evaluation.value import Z95, Value, lowest, mean, normal

K = 5  # neighbours


class Balls(NamedTuple):
    """Around each real example (m, d), and how many of the others they hold."""

    centres: np.ndarray
    reach: np.ndarray  # (m,) squared distance to the k-th neighbour
    clipped: np.ndarray  # (m,) the same, but no further than the median
    crowding: Value  # mean over the real examples of the number of clipped balls each is in, over k, at most 1
    k: int


class Clipped(NamedTuple):
    density: Value
    coverage: Value


def balls(reference: np.ndarray, k: int = K) -> Balls:
    reach = radii(reference, k)
    clipped = np.minimum(reach, np.median(reach))
    inside = np.zeros(len(reference))
    for rows in blocks(len(reference), len(reference)):
        inside += (squared_distances(reference[rows], reference) <= clipped[rows, None]).sum(0)
    return Balls(reference, reach, clipped, mean(np.minimum((inside - 1) / k, 1)), k)  # without itself


def clipped(samples: np.ndarray, around: Balls) -> Clipped:
    """Both for samples (n, d).

    Density: a sample scores the number of clipped balls it is in, over k, at most 1; the mean is divided by that
    of the real examples.

    Coverage: a real example scores the number of samples within reach of its k-th neighbour, over k, at most 1. The
    mean is turned into the share of good samples that it is expected from. The variance is that over the real
    examples and, by the jackknife, that over the samples.
    """
    n, m, k = len(samples), len(around.centres), around.k
    inside, missed, scores = np.zeros(n), np.zeros(n), []  # missed: what the sum of the scores would lose without each
    for rows in blocks(m, n):
        squared = squared_distances(around.centres[rows], samples)
        inside += (squared <= around.clipped[rows, None]).sum(0)
        near = squared <= around.reach[rows, None]
        counts = near.sum(1)
        scores.append(np.minimum(counts / k, 1))
        missed += near[counts <= k].sum(0) / k
    return Clipped(_density(np.minimum(inside / k, 1), around), _coverage(np.concatenate(scores), missed, k))


def expected_coverage(n: int, m: int, k: int) -> np.ndarray:
    """Mean score if 0, 1, ... n samples are drawn from the distribution of the m real examples: (n + 1,).

    The k-th neighbour's ball holds a share of the distribution that is Beta(k, m - k) whatever the
    distribution, so the number of good samples in it is beta-binomial, and what is missing to a full score
    is (k - j) / k with the probability that j < k are.
    """
    good = np.arange(n + 1)
    return 1 - sum((k - j) / k * betabinom.pmf(j, good, k, m - k) for j in range(k))


def _density(crowding: np.ndarray, around: Balls) -> Value:
    drawn, real = mean(crowding), around.crowding
    ratio = drawn.value / real.value
    sd = np.hypot(drawn.high - drawn.value, ratio * (real.high - real.value)) / (real.value * Z95)
    return normal(ratio, sd, len(crowding)).clip(0, 1)


def _coverage(scores: np.ndarray, missed: np.ndarray, k: int) -> Value:
    n, m = len(missed), len(scores)
    sd = np.sqrt(scores.var(ddof=1) / m + (missed / m).var() * n)
    expected, shares = expected_coverage(n, m, k), np.arange(n + 1) / n
    return normal(scores.mean(), sd, n).map(lambda v: float(np.interp(v, expected, shares)))


def _balls(real: Real) -> dict[str, Balls]:
    return {view: balls(x) for view, x in real.reference.views.items()}


def _measure(x: Examples, real: Real) -> Values:
    found = [clipped(x.views[view], around) for view, around in real.once(_balls).items()]
    return {"fidelity": lowest(v.density for v in found), "coverage": lowest(v.coverage for v in found)}


MEASURE = Measure(
    {
        "fidelity": Text(
            "Fidelity",
            "How many of the samples look real?",
            "share",
            "high",
            "Clipped Density: lie samples where real data is dense? The worst view counts.",
        ),
        "coverage": Text(
            "Coverage",
            "How much of the real data do samples cover?",
            "share",
            "high",
            "Clipped Coverage: has each real example enough samples near it? The worst view counts.",
        ),
    },
    _measure,
    groups=True,
)
