"""Columns that are not learned: what is always the same, and texts that are too free to be learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Cells, Seen
from anew.codecs.table.columns.column import Column
from anew.spaces import Field

CONSTANT, ALL_MISSING, FREE_TEXT = "constant", "all missing", "free text"


@dataclass(frozen=True)
class Unlearned(Column):
    """Every cell is `value`, or missing if that is None."""

    why: str
    value: Any = None

    @classmethod
    def constant(cls, seen: Seen) -> Unlearned:
        value = seen.values.iloc[0]
        value = value.item() if isinstance(value, np.generic) else value
        return cls(seen.name, seen.cells, CONSTANT, value if isinstance(value, str | int | float) else str(value))

    @classmethod
    def all_missing(cls, seen: Seen) -> Unlearned:
        return cls(seen.name, seen.cells, ALL_MISSING)

    @classmethod
    def free_text(cls, seen: Seen) -> Unlearned:
        """Whole cells would be copies of what somebody wrote, so they are left empty."""
        return cls(seen.name, seen.cells, FREE_TEXT)

    @property
    def kind(self) -> str:
        return self.why

    @property
    def fields(self) -> tuple[Field, ...]:
        return ()

    def encode_values(self, values: pd.Series) -> np.ndarray:
        return np.empty((len(values), 0), np.float32)

    def decode(self, x: np.ndarray, first: int = 0) -> pd.Series:
        return self.cells.write([self.value]).take(np.zeros(len(x), int)).reset_index(drop=True)

    def decided(self) -> str:
        if self.why == FREE_TEXT:
            return f"left empty, as cells would be copies; --set codec.columns.{self.name}=category to copy them"
        return "" if self.value is None else f"always '{str(self.value)[:40]}'"

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Unlearned:
        return cls(state["name"], Cells(**state["cells"]), state["why"], state["value"])
