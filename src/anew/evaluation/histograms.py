"""Distances of histograms, and of those of rows drawn again, for their intervals (Efron 1979, the bootstrap)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from anew.evaluation.value import Value, normal

DRAWS = 100


def distances(x: np.ndarray, y: np.ndarray, kinds: int, ordered: bool = False) -> np.ndarray:
    """Of samples and real rows by their codes (n,) and (m,) below `kinds`: (1 + DRAWS,), as they are, and of samples
    drawn again.

    The total variation or, of codes that are `ordered`, the distance of Kolmogorov and Smirnov; both are in [0, 1]. The
    draws of equally many samples are always the same, so that means over several columns can be taken.
    """
    gaps = _shares(x, kinds, _weights(len(x))) - _shares(y, kinds, np.ones((1, len(y))))
    return np.abs(gaps.cumsum(1)).max(1) if ordered else np.abs(gaps).sum(1) / 2


def averaged(found: np.ndarray, n: int) -> Value:
    """The mean of several distances (k, 1 + DRAWS) of n samples.

    The interval surrounds the expected value at this n beside the same real rows, which is above zero even if both are
    of one distribution.
    """
    value, *again = found.mean(0)
    return normal(value, float(np.std(again, ddof=1)), n).clip(0, 1)


def ranks(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Numbers as ordered codes, what is missing (NaN) as the first of them, and how many there are."""
    numbers = np.concatenate([x, y])
    values, codes = np.unique(np.where(np.isnan(numbers), -np.inf, numbers), return_inverse=True)
    return codes[: len(x)], codes[len(x) :], len(values)


@lru_cache(maxsize=2)
def _weights(n: int) -> np.ndarray:
    """(1 + DRAWS, n): how often each row is drawn."""
    return np.concatenate([np.ones((1, n)), np.random.default_rng(0).poisson(1, (DRAWS, n))])


def _shares(codes: np.ndarray, kinds: int, weights: np.ndarray) -> np.ndarray:
    """(draws, kinds)"""
    places = np.arange(len(weights))[:, None] * kinds + codes
    counts = np.bincount(places.ravel(), weights.ravel(), len(weights) * kinds).reshape(-1, kinds)
    return counts / counts.sum(1, keepdims=True).clip(1)
