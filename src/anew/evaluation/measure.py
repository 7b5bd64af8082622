"""The contract of a measure: what is said of its rows, and a function from arrays to their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from anew.evaluation.examples import Examples, Real
from anew.evaluation.value import Value


class Noted(NamedTuple):
    """A value, and what there is to say of it, such as which column is the worst."""

    value: Value | None
    note: str


Values = dict[str, Value | Noted | None]  # None: too few examples to say


class Text(NamedTuple):
    """What is said of a row on the page."""

    title: str
    question: str
    unit: str  # see `Row.unit`
    better: Literal["low", "high"]
    note: str
    alarm: str = ""  # verdict of a row that raises an alarm where the value is surely above its floor ...
    calm: str = ""  # ... and where it is not


class Measure(NamedTuple):
    """`measure` returns a value for each key of `texts`, or nothing where the rows make no sense (nothing given)."""

    texts: Mapping[str, Text]
    measure: Callable[[Examples, Real], Values]
    impostor: str = "independent"  # which of `Real.impostors` scores the ceiling
    floor: str = "unseen"  # which part of `Real` scores the floor
    groups: bool = False  # whether it is quick enough to be measured for each group
    tables: bool = False  # whether it is of tables only: of examples that have a `table`
