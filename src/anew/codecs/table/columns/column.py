"""The contract of a column: how one column of a table becomes fields of a model, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Cells, as_texts, distinct, read_cells
from anew.errors import AnewError
from anew.spaces import Field


@dataclass(frozen=True)
class Column(ABC):
    """What the training rows decided for the column `name`. `fit` of each kind makes one of what was seen.

    Where the training rows have missing cells, code 0 of the first field is "missing". NaN is "not known": what
    the training rows never had.
    """

    name: str
    cells: Cells

    @property
    @abstractmethod
    def kind(self) -> str:
        """A word for people: "datetime"."""

    @property
    @abstractmethod
    def fields(self) -> tuple[Field, ...]:
        """None of what is not learned."""

    @abstractmethod
    def encode_values(self, values: pd.Series) -> np.ndarray:
        """float32 (n, fields) of what `read_cells` returns."""

    @abstractmethod
    def decode(self, x: np.ndarray, first: int = 0) -> pd.Series:
        """Cells as the source writes them, of float32 (n, fields); `first` is the number of the first row."""

    @abstractmethod
    def decided(self) -> str:
        """What a user may want to correct: "17 to 90, 73 values"."""

    @classmethod
    @abstractmethod
    def from_json(cls, state: Mapping[str, Any]) -> Column:
        """Inverse of `to_json`; raises KeyError, TypeError or ValueError for what is none."""

    @property
    def missing(self) -> bool:
        """Whether code 0 of the first field is a missing cell."""
        return self.cells.share > 0

    def encode(self, cells: pd.Series) -> np.ndarray:
        """float32 (n, fields)"""
        codes, found = distinct(cells)
        return self.encode_values(read_cells(found))[codes]

    def typed(self, cells: pd.Series) -> pd.Series:
        """What they hold, for measuring: float64, datetime64, or texts; NaN or NaT where it is missing."""
        codes, found = distinct(cells)
        return as_texts(read_cells(found)).take(codes).reset_index(drop=True)

    def ask(self, value: Any) -> np.ndarray:
        """float32 (fields,) of a value as one types it, an empty text for a missing cell; raises AnewError."""
        if not self.fields:
            how = f"--set codec.columns.{self.name}=category would learn it"
            raise AnewError(f"'{self.name}' cannot be asked for: it was not learned ({self.kind}); {how}")
        values = read_cells(pd.Series([value]))
        if values.isna()[0] and not self.missing:
            raise AnewError(f"'{self.name}' has no missing cells in the training data; give a value")
        return self.encode_values(values if values.isna()[0] else self.find(value, values))[0]

    def find(self, value: Any, values: pd.Series) -> pd.Series:
        """`values` (1,), if they can be asked for; raises AnewError."""
        return values

    def written(self, values: pd.Series) -> pd.Series:
        """Values as `typed` has them as the source writes them."""
        return self.cells.write(read_cells(values))

    def choices(self) -> np.ndarray:
        """float32 (k, fields): the codes of each value, if they have a list; raises AnewError."""
        raise AnewError(f"'{self.name}' has no list of values ({self.kind}: {self.decided()}); choose a category")

    def describe(self) -> str:
        return ", ".join(filter(None, (self.decided(), self.cells.describe())))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
