"""The code of numbers: values that are frequent have a code each, all others a bin and how far they are within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_FEW, _EACH = 200, 5  # distinct values that all have a code, if so many rows have each, on average
_FREQUENT = 0.005  # share of the rows, and at least 5, from which on a value has a code of its own
_BINS, _ROWS = 100, 10  # the most bins, and the fewest rows of one
_TAILS = (0.001, 0.005)  # shares of the rows, at either end, that have bins of their own
_PIECES = 7  # of the piecewise linear map within a bin
_INSIDE = 0.999  # the highest position within a bin
_EXACT = {"float32": 2.0**24, "float64": 2.0**53}  # up to which they hold whole numbers
_MOST_DECIMALS = 15


@dataclass(frozen=True)
class Steps:
    """The rounding of numbers: each is (origin + step * k) / 10 ** decimals for a whole k.

    So prices that end in .99, and dates, which are whole days, stay so. Without `decimals`, numbers are as precise as
    floats are, and k is the number itself.
    """

    decimals: int | None = None
    origin: int = 0
    step: int = 1

    @classmethod
    def find(cls, numbers: np.ndarray, dtype: str = "float64") -> Steps:
        """Of float64 (n,), n > 0, that were given as `dtype`."""
        largest = float(np.abs(numbers).max())
        for decimals in range(_MOST_DECIMALS + 1):
            if largest * 10**decimals >= _EXACT[dtype]:
                break
            if (np.round(numbers, decimals).astype(dtype) == numbers.astype(dtype)).all():
                whole = np.rint(numbers * 10.0**decimals).astype(np.int64)
                return cls(decimals, int(whole.min()), int(np.gcd.reduce(whole - whole.min())) or 1)
        return cls()

    def index(self, numbers: np.ndarray) -> np.ndarray:
        """k of each, the nearest."""
        if self.decimals is None:
            return numbers
        return np.rint((numbers * 10.0**self.decimals - self.origin) / self.step)

    def number(self, index: np.ndarray) -> np.ndarray:
        return index if self.decimals is None else (self.origin + self.step * index) / 10.0**self.decimals


@dataclass(frozen=True)
class QuantileCode:
    """Codes of numbers k: the `points` come first, one value each, then bins.

    The bins share the other numbers about evenly. Within one, the position is linear between `knots`, of which there
    are 7 a bin and one more, so that it is about uniform: x is the quantile function, read backwards.
    """

    points: tuple[float, ...]
    knots: tuple[float, ...]
    low: float  # the range of what has no point
    high: float
    whole: bool  # whether k are whole

    @classmethod
    def fit(cls, k: np.ndarray, counts: np.ndarray, whole: bool, rare: int = 0) -> QuantileCode:
        """Of distinct numbers in ascending order, float64 (n,), and how often each occurs.

        A value that fewer than `rare` rows have gets no code, nor does it bound the range.
        """
        k, counts = _clip(k, counts, rare)
        rows = counts.sum()
        few = len(k) <= max(2, min(_FEW, rows // _EACH))
        own = counts >= (rare if few else max(_FREQUENT * rows, _EACH, rare))
        if counts[~own].sum() < max(2 * _ROWS, rare):  # too few for bins: a code each, or the nearest one
            own = own | (counts >= rare) if own.any() or not rare else counts == counts.max()
            return cls(tuple(k[own].tolist()), (), 0.0, 0.0, whole)
        others = k[~own]
        knots = _knots(others, counts[~own], 0.5 if whole else 0.0)
        return cls(tuple(k[own].tolist()), knots, float(others[0]), float(others[-1]), whole)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> QuantileCode:
        return cls(tuple(state["points"]), tuple(state["knots"]), state["low"], state["high"], state["whole"])

    @property
    def bins(self) -> int:
        return len(self.knots) // _PIECES

    @property
    def size(self) -> int:
        return len(self.points) + self.bins

    def encode(self, k: np.ndarray) -> np.ndarray:
        """float64 (n,); numbers outside the range as the nearest within it. NaN stays."""
        points = np.array(self.points)
        nearest = np.searchsorted((points[1:] + points[:-1]) / 2, k)
        if not self.bins:
            return np.where(np.isnan(k), np.nan, nearest)
        x = np.interp(k, self.knots, self._places)
        bins = np.clip(np.floor(x), 0, self.bins - 1)
        x = len(points) + bins + (x - bins) * _INSIDE
        return np.where(np.isin(k, points), nearest, x)

    def decode(self, x: np.ndarray) -> np.ndarray:
        """float64 (n,) of x within the codes. NaN stays."""
        points = np.array(self.points)
        inside = self._inside(x - len(points)) if self.bins else x
        if not len(points):
            return inside
        code = np.clip(np.nan_to_num(x), 0, len(points) - 1).astype(np.int64)
        return np.where(x < len(points), points[code], inside)

    @property
    def _places(self) -> np.ndarray:
        """x of the knots, from 0."""
        return np.arange(len(self.knots)) / _PIECES

    def _inside(self, x: np.ndarray) -> np.ndarray:
        """Numbers of bins and positions. Of whole ones that have a point of their own, the one beside it."""
        bins = np.floor(x)
        k = np.interp(bins + np.minimum((x - bins) / _INSIDE, 1), self._places, self.knots)
        if self.whole:
            nearest = np.rint(k)
            k = np.where(np.isin(nearest, self.points), nearest + np.where(k < nearest, -1, 1), nearest)
        return np.clip(k, self.low, self.high)


def _clip(k: np.ndarray, counts: np.ndarray, rare: int) -> tuple[np.ndarray, np.ndarray]:
    """With the lowest and the highest rows moved to values that at least `rare` rows reach."""
    rows = int(counts.sum())
    rare = min(rare, (rows + 1) // 2)
    if rare < 2:
        return k, counts
    below = np.cumsum(counts)
    low, high = np.searchsorted(below, [rare, rows - rare + 1])
    kept = counts[low : high + 1].copy()
    kept[0] += counts[:low].sum()
    kept[-1] += counts[high + 1 :].sum()
    return k[low : high + 1], kept


def _knots(k: np.ndarray, counts: np.ndarray, half: float) -> tuple[float, ...]:
    """Quantiles of distinct numbers, each of which fills the room half-way to its neighbours, and `half` outwards."""
    borders = np.concatenate([[k[0] - half], (k[1:] + k[:-1]) / 2, [k[-1] + half]])
    rows = np.concatenate([[0], np.cumsum(counts)])  # below each border
    nearest = np.searchsorted((rows[1:] + rows[:-1]) / 2, _levels(rows[-1]) * rows[-1])
    edges = np.unique(nearest)  # a bin begins and ends at borders, so that no value is in two
    places = np.arange((len(edges) - 1) * _PIECES + 1) / _PIECES
    levels = np.interp(places, np.arange(len(edges)), rows[edges])
    return tuple(float(f"{knot:.12g}") for knot in np.interp(levels, rows, borders))


def _levels(rows: int) -> np.ndarray:
    tails = [share for share in _TAILS if share * rows >= _ROWS]
    even = np.linspace(0, 1, max(2, min(_BINS, rows // _ROWS)) + 1)
    return np.unique(np.concatenate([even, tails, [1 - share for share in tails]]))
