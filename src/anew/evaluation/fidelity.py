"""Are samples real (fidelity), and is all that is real among them (coverage)?

Clipped Density and Clipped Coverage (Salvy, Talbot & Thirion 2025): density and coverage (Naeem et al.
2020) with each contribution cut at 1, so that outliers cannot make up for what is missing, and calibrated
so that a value reads as the share of good samples. Both are in [0, 1]; 1 is best.

Written from the papers' definitions; the calibration of coverage is derived here, see `expected_coverage`.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import betabinom

from anew.evaluation.neighbours import blocks, radii, squared_distances
from anew.evaluation.value import Z95, Value, mean, normal


def clipped_density(samples: np.ndarray, reference: np.ndarray, k: int = 5) -> Value:
    """Fidelity: how densely real examples (m, d) lie around each sample (n, d), against real ones themselves.

    A ball around each real example reaches to its k-th neighbour, but no further than the median does. A
    sample scores the number of balls it is in, over k, at most 1; the mean is divided by that of the real
    examples.
    """
    squared = radii(reference, k)
    squared = np.minimum(squared, np.median(squared))
    drawn = mean(_crowding(samples, reference, squared, k))
    real = mean(_crowding(reference, reference, squared, k, itself=1))
    ratio = drawn.value / real.value
    sd = np.hypot(drawn.high - drawn.value, ratio * (real.high - real.value)) / (real.value * Z95)
    return normal(ratio, sd, len(samples)).clip(0, 1)


def clipped_coverage(samples: np.ndarray, reference: np.ndarray, k: int = 5) -> Value:
    """Coverage: how many of the n samples lie near each real example (m, d), where k are expected.

    A real example scores the number of samples within reach of its k-th neighbour, over k, at most 1. The
    mean is turned into the share of good samples that it is expected from. The variance is that over the
    real examples and, by the jackknife, that over the samples.
    """
    squared, n, m = radii(reference, k), len(samples), len(reference)
    scores, missed = [], np.zeros(n)  # missed: what the sum of the scores would lose without each sample
    for rows in blocks(m, n):
        near = squared_distances(reference[rows], samples) <= squared[rows, None]
        counts = near.sum(1)
        scores.append(np.minimum(counts / k, 1))
        missed += near[counts <= k].sum(0) / k
    raw = np.concatenate(scores)
    sd = np.sqrt(raw.var(ddof=1) / m + (missed / m).var() * n)
    expected, shares = expected_coverage(n, m, k), np.arange(n + 1) / n
    return normal(raw.mean(), sd, n).map(lambda v: float(np.interp(v, expected, shares)))


def expected_coverage(n: int, m: int, k: int) -> np.ndarray:
    """Mean score if 0, 1, ... n samples are drawn from the distribution of the m real examples: (n + 1,).

    The k-th neighbour's ball holds a share of the distribution that is Beta(k, m - k) whatever the
    distribution, so the number of good samples in it is beta-binomial, and what is missing to a full score
    is (k - j) / k with the probability that j < k are.
    """
    good = np.arange(n + 1)
    return 1 - sum((k - j) / k * betabinom.pmf(j, good, k, m - k) for j in range(k))


def _crowding(points: np.ndarray, centres: np.ndarray, squared: np.ndarray, k: int, itself: int = 0) -> np.ndarray:
    """The number of balls that each point (n, d) is in, over k, at most 1: (n,)."""
    counts = np.concatenate(
        [
            (squared_distances(points[rows], centres) <= squared).sum(1) - itself
            for rows in blocks(len(points), len(centres))
        ]
    )
    return np.minimum(counts / k, 1)
