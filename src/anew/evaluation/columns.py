"""The columns of a table as measures compare them: numbers, or a few classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from anew.evaluation.examples import Examples, Real

MOST = 200  # columns that are looked at, and pairs of them; where there are more, the seed chooses
CATEGORIES = 254  # of a column that are told apart, the most frequent; boosted trees take 255 codes
PARTS = 10  # that numbers are cut into where they are compared as classes


@dataclass(frozen=True)
class Column:
    """Categories, by their frequency in the training data, or numbers (also dates, in seconds) with their deciles."""

    name: str
    values: pd.Index | None  # None: numbers
    cuts: np.ndarray

    @property
    def is_number(self) -> bool:
        return self.values is None

    def of(self, examples: Examples) -> pd.Series:
        assert examples.table is not None
        return examples.table[self.name]

    def numbers(self, examples: Examples) -> np.ndarray:
        """float64 (n,), NaN where it is missing."""
        return numbers(self.of(examples))

    def classes(self, examples: Examples, most: int = CATEGORIES) -> np.ndarray:
        """int64 (n,): 0 where it is missing, then the `most` frequent categories and one for all others; or the part
        of the numbers between two deciles."""
        column = self.of(examples)
        if self.values is None:
            return np.where(column.isna(), 0, 1 + np.searchsorted(self.cuts, numbers(column)))
        code = pd.Index(self.values[:most]).get_indexer(pd.Index(column))
        return np.where(column.isna(), 0, np.where(code < 0, self.count(most) - 1, code + 1))

    def count(self, most: int = CATEGORIES) -> int:
        """How many classes there are."""
        return len(self.cuts) + 2 if self.values is None else min(most, len(self.values)) + 2


def columns(real: Real) -> tuple[Column, ...]:
    """Of a table, as its training rows have them; empty for what is no table."""
    table = real.train.table
    if table is None:
        return ()
    names, given = list(table.columns), {field.name for field in real.fields}
    drawn = np.random.default_rng(real.seed).permutation(len(names))
    chosen = sorted(drawn, key=lambda i: names[i] not in given)[:MOST]  # those that are given first
    return tuple(_column(table[names[i]]) for i in sorted(chosen))


def pairs(of: Sequence[Column], seed: int) -> list[tuple[int, int]]:
    """Places of two columns each."""
    found = list(combinations(range(len(of)), 2))
    chosen = np.random.default_rng(seed).permutation(len(found))[:MOST]
    return [found[i] for i in sorted(chosen)]


def coded(x: Examples, of: Sequence[Column]) -> np.ndarray:
    """float64 (n, columns), as boosted trees take it: numbers, and categories as codes from 0; NaN where missing."""
    return np.stack([column.numbers(x) if column.is_number else _codes(column, x) for column in of], 1)


def learnable(x: np.ndarray) -> np.ndarray:
    """With zeros in columns of which nothing is known, which boosted trees of scikit-learn cannot be fitted to."""
    return np.where(np.isnan(x).all(0), 0, x)


def categories(of: Sequence[Column]) -> np.ndarray:
    """bool (columns,): which of them are codes of categories."""
    return np.array([not column.is_number for column in of], bool)


def numbers(column: pd.Series) -> np.ndarray:
    """float64 (n,), dates in seconds; NaN where it is missing."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(None)
    if column.dtype.kind == "M":
        seconds = column.to_numpy("datetime64[us]").astype(np.int64) / 1e6
        return np.where(column.isna(), np.nan, seconds)
    return column.to_numpy(np.float64, na_value=np.nan)


def _codes(column: Column, x: Examples) -> np.ndarray:
    classes = column.classes(x)
    return np.where(classes == 0, np.nan, classes - 1.0)


def _column(column: pd.Series) -> Column:
    known = column.dropna()
    if column.dtype.kind not in "iufM":
        counts = known.value_counts()
        return Column(str(column.name), pd.Index(sorted(counts.index, key=lambda v: (-counts[v], str(v)))), np.empty(0))
    shares = np.arange(1, PARTS) / PARTS
    cuts = np.unique(np.quantile(numbers(known), shares, method="inverted_cdf")) if len(known) else np.empty(0)
    return Column(str(column.name), None, cuts)
