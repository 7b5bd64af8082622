"""Columns of numbers and dates: bins that keep point masses, heavy tails, rounding and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Cells, Seen, distinct, is_text, read_cells
from anew.codecs.table.columns.column import Column
from anew.codecs.table.columns.dates import DateStyle
from anew.codecs.table.columns.numbers import NumberStyle
from anew.codecs.table.columns.quantiles import QuantileCode, Steps
from anew.errors import AnewError
from anew.spaces import Field

_FREQUENT = 0.005  # share of the cells from which on a text among numbers is a value of its own


@dataclass(frozen=True)
class Quantity(Column):
    """Codes: missing, `others` (texts among the numbers), points (one number each), bins."""

    style: NumberStyle | DateStyle
    steps: Steps
    code: QuantileCode
    others: tuple[str, ...] = ()

    @classmethod
    def fit(cls, seen: Seen, style: NumberStyle | DateStyle, rare: int) -> Quantity:
        numbers = style.read(seen.values)
        known = ~np.isnan(numbers)
        different, same = np.unique(numbers[known], return_inverse=True)
        counts = np.bincount(same, seen.counts[known]).astype(np.int64)
        steps = Steps.find(different, seen.cells.dtype if seen.cells.dtype == "float32" else "float64")
        code = QuantileCode.fit(steps.index(different), counts, steps.decimals is not None, rare)
        enough = max(_FREQUENT * seen.rows, rare, 2)
        others = seen.values[~known & (seen.counts >= enough)] if is_text(seen.values) else ()
        return cls(seen.name, seen.cells, style, steps, code, tuple(others))

    @property
    def kind(self) -> str:
        if isinstance(self.style, DateStyle):
            return "datetime"
        return "decimal number" if self.steps.decimals != 0 else "whole number"

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field(self.name, self._first + self.code.size, self.code.bins),)

    def encode_values(self, values: pd.Series) -> np.ndarray:
        x = self._first + self.code.encode(self.steps.index(self.style.read(values)))
        if self.others:
            place = pd.Index(self.others).get_indexer(pd.Index(values))
            x = np.where(place >= 0, self.missing + place, x)
        if self.missing:
            x = np.where(values.isna(), 0, x)
        return x[:, None].astype(np.float32)

    def decode(self, x: np.ndarray, first: int = 0) -> pd.Series:
        which, codes = pd.factorize(x[:, 0], use_na_sentinel=False)
        codes = np.asarray(codes, np.float64)
        numbers = self._numbers(codes)
        if not self.cells.text:
            return self.cells.write(self.style.plain(numbers)).take(which).reset_index(drop=True)
        texts = self.style.write(numbers, self.steps.decimals)
        for place, other in enumerate(self.others, int(self.missing)):
            texts[codes == place] = other
        return self.cells.write(texts).take(which).reset_index(drop=True)

    def numbers(self, cells: pd.Series) -> np.ndarray:
        """float64 (n,), of dates in seconds; NaN for what is none."""
        codes, found = distinct(cells)
        return self.style.read(read_cells(found))[codes]

    def typed(self, cells: pd.Series) -> pd.Series:
        return self.style.typed(self.numbers(cells))

    def written(self, values: pd.Series) -> pd.Series:
        numbers = self.style.read(values)
        plain = self.style.write(numbers, self.steps.decimals) if self.cells.text else self.style.plain(numbers)
        return self.cells.write(plain)

    def choices(self) -> np.ndarray:
        if self.code.bins:
            return super().choices()
        return np.arange(self.missing, self.fields[0].values, dtype=np.float32)[:, None]

    def find(self, value: Any, values: pd.Series) -> pd.Series:
        number = self.style.read(values)[0]
        if str(values[0]) in self.others or self.low <= number <= self.high:
            return values
        found = "is out of range" if number == number else f"is not a {self.kind}"
        raise AnewError(f"'{value}' {found}; '{self.name}' has {self._show(self.low)} to {self._show(self.high)}")

    def decided(self) -> str:
        style = self.style.describe(self.steps.decimals, self.steps.step)
        points, bins = len(self.code.points), self.code.bins
        own = f"{points} {'' if not bins else 'frequent '}value{'s' * (points != 1)}" if points else ""
        coded = ", ".join(filter(None, (f"{bins} bins" if bins else "", own)))
        also = "also " + ", ".join(repr(other) for other in self.others) if self.others else ""
        return ", ".join(filter(None, (style, f"{self._show(self.low)} to {self._show(self.high)}", coded, also)))

    @cached_property
    def low(self) -> float:
        return min(self._ends)

    @cached_property
    def high(self) -> float:
        return max(self._ends)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Quantity:
        style = (DateStyle if "format" in state["style"] else NumberStyle).from_json(state["style"])
        parts = (style, Steps(**state["steps"]), QuantileCode.from_json(state["code"]), tuple(state["others"]))
        return cls(state["name"], Cells(**state["cells"]), *parts)

    @property
    def _first(self) -> int:
        """The code of the first number."""
        return self.missing + len(self.others)

    @property
    def _ends(self) -> np.ndarray:
        code = self.code
        ends = [*code.points, *((code.low, code.high) if code.bins else ())]
        return self.steps.number(np.array([min(ends), max(ends)]))

    def _numbers(self, x: np.ndarray) -> np.ndarray:
        """float64 (n,), NaN for what is none."""
        place = np.where(x < self._first, np.nan, np.minimum(x - self._first, self.code.size - 1e-3))
        return self.steps.number(self.code.decode(place))

    def _show(self, number: float) -> str:
        return self.style.show(number, self.steps.decimals)
