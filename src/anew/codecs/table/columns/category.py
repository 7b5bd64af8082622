"""Columns of categories: one code each, or, where there are many, a group and which of the group it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from anew.codecs.table.columns.cells import Cells, Seen, as_text, as_texts, is_text
from anew.codecs.table.columns.column import Column
from anew.errors import unknown
from anew.spaces import Field

MANY = 500  # categories that one field has at most
OTHER = "other"  # what rare categories are written as
_PAIRS = [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"), ("0", "1")]
_NAMED = 10  # categories that a message names

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Category(Column):
    """Codes: missing, then `values`, the most frequent first. `rest` is the place of what stands for rare ones."""

    values: tuple[Value, ...]
    rest: int | None = None
    boolean: bool = False

    @classmethod
    def fit(cls, seen: Seen, rare: int = 0) -> Category:
        """In one field, or in two if there are more than 500 that at least `rare` rows have."""
        order = np.argsort(-seen.counts, kind="stable")
        kept = [_plain(value) for value in seen.values.iloc[order[seen.counts[order] >= rare]]]
        rest = None
        if len(kept) < len(seen.values):
            other = OTHER if is_text(seen.values) else None
            kept = kept if other in kept else [*kept, other]
            rest = kept.index(other)
        kind = ManyCategories if len(kept) > MANY else Category
        return kind(seen.name, seen.cells, tuple(kept), rest)

    @classmethod
    def fit_boolean(cls, seen: Seen) -> Category:
        """Of two values: what means false comes first."""
        values = sorted((_plain(value) for value in seen.values), key=lambda value: _truth(value) is True)
        return cls(seen.name, seen.cells, tuple(values), None, True)

    @property
    def kind(self) -> str:
        return "boolean" if self.boolean else "category"

    @property
    def fields(self) -> tuple[Field, ...]:
        return (Field(self.name, self.missing + len(self.values)),)

    def encode_values(self, values: pd.Series) -> np.ndarray:
        return self._join(self.places(values), values.isna().to_numpy())

    def places(self, values: pd.Series) -> np.ndarray:
        """int64 (n,): which of `self.values` each is; -1 for what is missing, or was never seen."""
        places = self._texts.get_indexer(pd.Index(as_texts(values).astype("str")))
        if self.rest is not None:
            places = np.where((places < 0) & values.notna(), self.rest, places)
        return np.where(values.isna(), -1, places)

    def decode(self, x: np.ndarray, first: int = 0) -> pd.Series:
        """Also of codes that no category has: as the last. What is not known is missing."""
        places = self._split(x)
        cells = self.cells.write([*self.values, None] if (places < 0).any() else self.values)
        return cells.take(places % len(cells)).reset_index(drop=True)

    def find(self, value: Any, values: pd.Series) -> pd.Series:
        """Also in another case, or, of truth values, by another word for the same."""
        text = as_text(values[0])
        exact = [known for known in self.values if known is not None and as_text(known) == text]
        alike = exact or [known for known in self.values if known is not None and self._is_alike(known, text)]
        if len(alike) == 1:
            return pd.Series([alike[0]])
        names = [as_text(known) for known in self.values if known is not None]
        raise unknown(f"value of '{self.name}'", text, get_close_matches(text, names, 1, 0.5) or names[:_NAMED])

    def choices(self) -> np.ndarray:
        return self._join(np.arange(len(self.values)), np.zeros(len(self.values), bool))

    def decided(self) -> str:
        if self.boolean:
            return " or ".join(f"'{as_text(value)}'" for value in self.values)
        rest = "" if self.rest is None else f", rare ones as {'missing' if self.cells.text is False else repr(OTHER)}"
        return f"{len(self.values)} {'category' if len(self.values) == 1 else 'categories'}{rest}"

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Category:
        cells = Cells(**state["cells"])
        return cls(state["name"], cells, tuple(state["values"]), state["rest"], state["boolean"])

    @cached_property
    def _texts(self) -> pd.Index:
        return pd.Index(["" if value is None else as_text(value) for value in self.values], dtype="str")

    def _join(self, places: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """x (n, fields) of places, -1 for what is missing or not known."""
        x = np.where(places < 0, np.nan, self.missing + places)
        return (np.where(missing, 0, x) if self.missing else x)[:, None].astype(np.float32)

    def _split(self, x: np.ndarray) -> np.ndarray:
        """Inverse of `_join`, within the places there are."""
        known = ~np.isnan(x[:, 0])
        places = np.where(known, x[:, 0], -1).astype(np.int64) - (self.missing & known)
        return np.minimum(places, len(self.values) - 1)

    def _is_alike(self, known: Value, text: str) -> bool:
        same_truth = self.boolean and _truth(known) is not None and _truth(known) == _truth(text)
        return same_truth or as_text(known).casefold() == text.casefold()


@dataclass(frozen=True)
class ManyCategories(Category):
    """A place is group * base + member: 100,000 categories are two fields of about 320 codes."""

    @property
    def kind(self) -> str:
        return "many categories"

    @property
    def fields(self) -> tuple[Field, ...]:
        groups = self.missing + math.ceil(len(self.values) / self._base)
        return (Field(f"{self.name} (group)", groups), Field(f"{self.name} (member)", self._base))

    @property
    def _base(self) -> int:
        return math.isqrt(len(self.values) - 1) + 1

    def _join(self, places: np.ndarray, missing: np.ndarray) -> np.ndarray:
        group = super()._join(places // self._base, missing)[:, 0]
        member = np.where(places < 0, np.where(np.isnan(group), np.nan, 0), places % self._base)
        return np.stack([group, member], 1).astype(np.float32)

    def _split(self, x: np.ndarray) -> np.ndarray:
        known = ~np.isnan(x).any(1) & (x[:, 0] >= self.missing)
        group, member = np.where(known[:, None], x, 0).astype(np.int64).T
        return np.where(known, np.minimum((group - self.missing) * self._base + member, len(self.values) - 1), -1)


def is_boolean(seen: Seen) -> bool:
    """Whether the column has truth values, or a pair of words such as yes and no."""
    if not is_text(seen.values):
        return seen.values.dtype.kind == "b"
    found = {text.casefold() for text in seen.values} if len(seen.values) == 2 else set()
    return any(found == set(pair) for pair in _PAIRS[:-1])


def _truth(value: Any) -> bool | None:
    text = as_text(value).casefold()
    return next((text == true for false, true in _PAIRS if text in (false, true)), None)


def _plain(value: Any) -> Value:
    """As JSON has it."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | int | float | bool) else str(value)
