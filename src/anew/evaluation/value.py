"""A measurement is a value with a 95 % interval and the number of examples behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

Z95 = 1.959964  # half the width of a 95 % interval, in standard deviations


@dataclass(frozen=True)
class Value:
    """`value` with its 95 % interval [`low`, `high`], measured on `n` samples."""

    value: float
    low: float
    high: float
    n: int

    def map(self, function: Callable[[float], float]) -> Value:
        """The same measurement on another scale; `function` must not decrease."""
        return Value(function(self.value), function(self.low), function(self.high), self.n)

    def over(self, unit: float) -> Value:
        """In multiples of `unit` > 0."""
        return self.map(lambda v: v / unit)

    def clip(self, low: float, high: float) -> Value:
        return self.map(lambda v: min(max(v, low), high))

    def overlaps(self, other: Value) -> bool:
        """Whether the two intervals have a point in common: no difference can be claimed."""
        return self.low <= other.high and other.low <= self.high


def normal(value: float, sd: float, n: int) -> Value:
    """The normal interval of an estimate whose standard error is `sd`."""
    return Value(float(value), float(value - Z95 * sd), float(value + Z95 * sd), n)


def mean(scores: np.ndarray) -> Value:
    """The mean of per-example scores (n,), n >= 2, with its normal interval."""
    n = len(scores)
    return normal(scores.mean(), scores.std(ddof=1) / np.sqrt(n), n)


def share(hits: float, n: int) -> Value:
    """A share of n with the interval of Agresti and Coull (1998), which no share of 0 or 1 can fool."""
    centre = (hits + Z95**2 / 2) / (n + Z95**2)
    half = Z95 * np.sqrt(centre * (1 - centre) / (n + Z95**2))
    return Value(hits / n, float(max(0.0, centre - half)), float(min(1.0, centre + half)), n)


def over_blocks(values: np.ndarray, n: int) -> Value:
    """The mean of a few independent measurements (B,), B >= 2, with Student's interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Value(float(values.mean()), float(values.mean() - half), float(values.mean() + half), n)


def highest(values: Iterable[Value]) -> Value:
    return max(values, key=lambda value: value.value)


def lowest(values: Iterable[Value]) -> Value:
    return min(values, key=lambda value: value.value)
