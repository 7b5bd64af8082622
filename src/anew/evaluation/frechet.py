"""The Fréchet distance of Gaussians fitted to features (Heusel et al. 2017, "FID"): for the eyes of other tools.

|m_x - m_y|² + tr(C_x + C_y - 2 (C_x C_y)^½). It looks at two moments only and falls as n grows.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Z95, Value, highest

GROUPS = 20  # of the jackknife


def frechet(samples: np.ndarray, reference: np.ndarray) -> Value:
    """Of (n, d) and (m, d), with the interval of the jackknife over groups of each."""
    x, y = samples.astype(np.float64), reference.astype(np.float64)
    value = _distance(*_moments(x), *_moments(y))
    variance = _jackknife(x, y) + _jackknife(y, x)
    half = Z95 * np.sqrt(variance)
    return Value(value, max(0.0, value - half), value + half, len(x))


def _jackknife(x: np.ndarray, y: np.ndarray) -> float:
    """The variance of the distance that x (n, d) is to blame for."""
    parts = np.array_split(np.random.default_rng(0).permutation(len(x)), min(GROUPS, len(x) // 2))
    moments = _moments(y)
    without = np.array([_distance(*_moments(np.delete(x, rows, 0)), *moments) for rows in parts])
    return float((len(parts) - 1) * without.var())


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(0), np.atleast_2d(np.cov(x, rowvar=False))


def _distance(mean: np.ndarray, covariance: np.ndarray, other: np.ndarray, others: np.ndarray) -> float:
    """The trace of the root is the sum of the roots of the eigenvalues, which are real and not negative."""
    roots = np.sqrt(np.linalg.eigvals(covariance @ others).real.clip(0)).sum()
    return float(((mean - other) ** 2).sum() + np.trace(covariance) + np.trace(others) - 2 * roots)


def _measure(x: Examples, real: Real) -> Values:
    return {"legacy/frechet": highest(frechet(view, real.reference.views[name]) for name, view in x.views.items())}


MEASURE = Measure(
    {
        "legacy/frechet": Text(
            "Fréchet distance",
            "How far apart are the means and covariances?",
            "",
            "low",
            "In these views, not in Inception's, so no number of a paper compares with it. The worst view counts.",
        )
    },
    _measure,
)
