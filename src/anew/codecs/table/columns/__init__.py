"""The kinds of columns that a table can have, and which of them a column is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from anew.codecs.table.columns.category import Category, ManyCategories, is_boolean
from anew.codecs.table.columns.cells import Seen
from anew.codecs.table.columns.column import Column
from anew.codecs.table.columns.dates import DateStyle, are_dates_of_digits
from anew.codecs.table.columns.identifier import Identifier, is_code, is_running_number
from anew.codecs.table.columns.numbers import NumberStyle, has_leading_zeros
from anew.codecs.table.columns.quantity import Quantity
from anew.codecs.table.columns.unlearned import Unlearned
from anew.errors import AnewError

__all__ = ["Column", "Kind", "column_from_json", "column_to_json", "fit_column"]

# What a user can ask for; "drop" leaves the column out of everything.
Kind = Literal["boolean", "category", "datetime", "drop", "id", "number"]

_CLASSES = {kind.__name__: kind for kind in (Quantity, Category, ManyCategories, Identifier, Unlearned)}

_MOSTLY = 0.95  # share of cells that are numbers, or dates, in a column of them
_ALMOST_ALL, _FEW = 0.9, 20  # distinct texts among the rows, of which there are several: too free to be learned
_EXACT = 2.0**53  # up to which float64 holds whole numbers


def fit_column(name: str, column: pd.Series, asked: Kind | None = None, rare: int = 0) -> Column:
    """A column as its training rows suggest, or as it was asked for; raises AnewError if that cannot be."""
    seen = Seen.of(name, column)
    if not len(seen.values):
        return Unlearned.all_missing(seen)
    if asked:
        return _ASKED[asked](seen, rare)
    if len(seen.values) == 1 and not seen.cells.share:
        return Unlearned.constant(seen)
    if is_boolean(seen):
        return Category.fit_boolean(seen)
    return _date(seen, rare) or _number(seen, rare) or _text(seen, rare)


def column_to_json(column: Column) -> dict[str, Any]:
    return {"class": type(column).__name__, **column.to_json()}


def column_from_json(state: Mapping[str, Any]) -> Column:
    """Inverse of `column_to_json`; raises KeyError, TypeError or ValueError for what is none."""
    return _CLASSES[state["class"]].from_json(state)


def _date(seen: Seen, rare: int) -> Column | None:
    found = DateStyle.find(seen) if seen.text or seen.values.dtype.kind == "M" or are_dates_of_digits(seen) else None
    if found is None or found[1] < _MOSTLY or (found[0].is_of_digits and not are_dates_of_digits(seen)):
        return None
    return Quantity.fit(seen, found[0], rare)


def _number(seen: Seen, rare: int) -> Column | None:
    found = NumberStyle.find(seen)
    if found is None or found[1] < _MOSTLY or (seen.text and has_leading_zeros(seen.values)):
        return None
    numbers = found[0].read(seen.values)
    if np.nanmax(np.abs(numbers)) >= _EXACT and (numbers == np.rint(numbers)).all():
        return None  # names, rather than numbers to reckon with
    if found[1] == 1 and (numbers == np.rint(numbers)).all() and is_running_number(seen, numbers):
        return Identifier.fit(seen)
    return Quantity.fit(seen, found[0], rare)


def _text(seen: Seen, rare: int) -> Column:
    if is_code(seen):
        return Identifier.fit(seen)
    if seen.rows >= _FEW and len(seen.values) > _ALMOST_ALL * seen.rows:
        return Unlearned.free_text(seen)
    return Category.fit(seen, rare)


def _as_date(seen: Seen, rare: int) -> Column:
    if found := DateStyle.find(seen):
        return Quantity.fit(seen, found[0], rare)
    example = "expected one such as 2024-03-20, 20240320, 03/20/2024 or 20.03.2024 14:05"
    raise AnewError(f"'{seen.name}' has no dates that can be read ('{seen.values.iloc[0]!s:.40}'); {example}")


def _as_number(seen: Seen, rare: int) -> Column:
    if found := NumberStyle.find(seen):
        return Quantity.fit(seen, found[0], rare)
    raise AnewError(f"'{seen.name}' has no numbers ('{seen.values.iloc[0]!s:.40}'); choose category instead")


def _as_boolean(seen: Seen, rare: int) -> Column:
    if len(seen.values) <= 2:
        return Category.fit_boolean(seen)
    raise AnewError(f"'{seen.name}' has {len(seen.values)} distinct values, a boolean has 2; choose category instead")


_ASKED: dict[str, Callable[[Seen, int], Column]] = {
    "boolean": _as_boolean,
    "category": Category.fit,
    "datetime": _as_date,
    "id": lambda seen, rare: Identifier.fit(seen),
    "number": _as_number,
}
