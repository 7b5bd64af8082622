"""How rows of a table are compared: numbers by their rank, categories by being the same or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from anew.codecs.table.columns.category import Category
from anew.codecs.table.columns.cells import distinct, read_cells
from anew.codecs.table.columns.column import Column
from anew.codecs.table.columns.quantity import Quantity

_CATEGORIES, _ALL_CATEGORIES = 50, 2000  # the most that are told apart, of a column and of all
_KNOTS = 1000  # of the map to ranks
_BEYOND = 10.0  # deviations outside the range, at most
_APART = 2**-0.5  # so that two categories are at distance 1


class TableFeatures:
    """float32 (n, d) of rows, comparable by Euclidean distance.

    Numbers become normal scores of their rank in the training rows, so that heavy tails do not decide; beyond the
    range of these, they go on in standard deviations. Missing cells are a category of their own.
    """

    def __init__(self, columns: Sequence[Column], train: pd.DataFrame):
        self._columns = [column for column in columns if column.fields]
        self._most = max(2, min(_CATEGORIES, _ALL_CATEGORIES // max(len(self._columns), 1)))
        numbers = {column.name: column.numbers(train[column.name]) for column in self._columns_of_numbers}
        self._scores = {name: NormalScores(values) for name, values in numbers.items()}

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        rows = rows.reindex(columns=[column.name for column in self._columns])
        parts = [self._part(column, rows[column.name]) for column in self._columns]
        return np.concatenate(parts, 1, dtype=np.float32)

    @property
    def _columns_of_numbers(self) -> list[Quantity]:
        return [column for column in self._columns if isinstance(column, Quantity)]

    def _part(self, column: Column, cells: pd.Series) -> np.ndarray:
        if isinstance(column, Quantity):
            numbers = column.numbers(cells)
            scores = np.nan_to_num(self._scores[column.name](numbers))
            return np.stack([scores, np.isnan(numbers) * _APART], 1)
        codes, found = distinct(cells)
        values = read_cells(found)
        places = column.places(values) if isinstance(column, Category) else values.notna().to_numpy(int) - 1
        most = min(self._most, len(column.values) if isinstance(column, Category) else 1)
        return np.eye(most + 2)[np.minimum(places, most) + 1][codes] * _APART


class NormalScores:
    """The map from numbers to the normal quantiles of their ranks in training rows."""

    def __init__(self, train: np.ndarray):
        known = train[~np.isnan(train)]
        found, counts = np.unique(known if len(known) else np.zeros(1), return_counts=True)
        levels = (np.cumsum(counts) - counts / 2) / counts.sum()
        chosen = np.unique(np.linspace(0, len(found) - 1, _KNOTS).round().astype(int))
        self.knots, self.deviation = found[chosen], float(known.std()) if len(found) > 1 else 1.0
        self.scores = torch.special.ndtri(torch.from_numpy(levels[chosen])).numpy()

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        inside = np.clip(numbers, self.knots[0], self.knots[-1])
        beyond = np.clip((numbers - inside) / self.deviation, -_BEYOND, _BEYOND)
        return np.interp(inside, self.knots, self.scores) + beyond
