"""The cells of a column: what they hold, whatever type a source has them in, and how they are written back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

# What stands for a missing cell in a text, in any case and with any spaces around it.
MISSING = ("", "?", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "-", "--")
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
_DATES = ("date", "datetime", "datetime64")


def distinct(cells: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """int64 (n,), which of the distinct cells each is; and these. Lists and the like are told apart by their text."""
    try:
        codes, found = pd.factorize(cells, use_na_sentinel=False)
    except TypeError:  # what cannot be hashed
        codes, found = pd.factorize(cells.map(str, na_action="ignore"), use_na_sentinel=False)
    return codes, pd.Series(found)


def read_cells(cells: pd.Series) -> pd.Series:
    """What they hold: numbers, truth values, dates without time zone, or texts without the spaces around them.

    NaN, NaT or None where a cell is missing. Durations are numbers of seconds; all other objects are texts.
    """
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype) or (types.is_object_dtype(dtype) and not _is_text(cells)):
        return _read_objects(cells.astype(object))
    if types.is_bool_dtype(dtype):
        return cells
    if types.is_numeric_dtype(dtype):
        return cells.where(np.isfinite(cells.to_numpy(np.float64, na_value=np.nan)))
    if types.is_datetime64_any_dtype(dtype):
        return cells.dt.tz_localize(None) if getattr(dtype, "tz", None) else cells
    if types.is_timedelta64_dtype(dtype):
        return cells.dt.total_seconds()
    return _read_texts(cells)


def is_text(values: pd.Series) -> bool:
    """Whether what `read_cells` returned are texts."""
    return types.is_object_dtype(values.dtype) or types.is_string_dtype(values.dtype)


def as_text(value: Any) -> str:
    """How a person would type it: 7 for 7.0"""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def as_texts(values: pd.Series) -> pd.Series:
    """What `read_cells` returned as texts; what is missing stays so."""
    return values if is_text(values) else values.astype(object).map(as_text, na_action="ignore")


def typical(texts: Sequence[str] | pd.Series) -> str:
    """The first that has a digit, or the first."""
    return next((text for text in texts if any(map(str.isdigit, text))), texts[0])


@dataclass(frozen=True)
class Cells:
    """How the source writes the cells of one column.

    `dtype` is that of pandas, and `objects` the kind of objects, such as "decimal", where that is "object". Texts may
    all have the same spaces `before` and `after` them. `missing` is what most missing cells are: a text, or None.
    """

    dtype: str
    objects: str = ""
    text: bool = True
    missing: str | None = None
    share: float = 0.0  # of cells that are missing
    before: str = ""
    after: str = ""

    def write(self, values: Iterable[Any]) -> pd.Series:
        """Values as `read_cells` has them, texts for a text; None or NaN for a missing cell."""
        if not self.text:
            return _typed(pd.Series(values), self.dtype, self.objects)
        there = pd.notna(values := pd.Series(values, dtype=object))
        cells = [f"{self.before}{value}{self.after}" if known else self.missing for value, known in zip(values, there)]
        return pd.Series(cells, dtype=self.dtype)

    def describe(self) -> str:
        """What a person should know of missing cells; empty if there are none."""
        if not self.share:
            return ""
        written = "" if self.missing is None else f" written as '{self.missing.strip()}'"
        return f"{max(self.share * 100, 0.1):.1f} % missing{written}"


class Seen(NamedTuple):
    """What the training rows have in one column: the distinct values, none of them missing, and how often each."""

    name: str
    cells: Cells
    values: pd.Series
    counts: np.ndarray

    @classmethod
    def of(cls, name: str, column: pd.Series) -> Seen:
        codes, raw = distinct(column)
        times = np.bincount(codes, minlength=len(raw))
        values = read_cells(raw)
        there = values.notna().to_numpy()
        same, found = distinct(values[there])
        counts = np.bincount(same, times[there], minlength=len(found)).astype(np.int64)
        return cls(name, _cells(column, raw, values, times), found, counts)

    @property
    def rows(self) -> int:
        """How many are not missing."""
        return int(self.counts.sum())

    @property
    def text(self) -> bool:
        return self.cells.text


def _cells(column: pd.Series, raw: pd.Series, values: pd.Series, times: np.ndarray) -> Cells:
    there, dtype, text = values.notna().to_numpy(), str(column.dtype), is_text(values)
    share = float(times[~there].sum() / max(times.sum(), 1))
    if not text:
        objects = types.infer_dtype(raw.astype(object)) if dtype in ("object", "category") else ""
        return Cells(dtype, objects, text, None, share)
    gaps = raw[~there]
    common = gaps.iloc[times[~there].argmax()] if len(gaps) else None
    missing = common if isinstance(common, str) else None
    dtype = dtype if dtype in ("str", "string", "category") else "object"
    return Cells(dtype, "", text, missing, share, *_spaces(raw[there]))


def _spaces(texts: pd.Series) -> tuple[str, str]:
    """Before and after all of the texts; empty if they differ."""
    first = texts.iloc[0] if len(texts) and isinstance(texts.iloc[0], str) else ""
    before, after = first[: len(first) - len(first.lstrip())], first[len(first.rstrip()) :]
    if before or after:
        cells = [text for text in texts.tolist() if isinstance(text, str)]
        before = before if {text[: len(text) - len(text.lstrip())] for text in cells} == {before} else ""
        after = after if {text[len(text.rstrip()) :] for text in cells} == {after} else ""
    return before, after


def _is_text(cells: pd.Series) -> bool:
    return types.infer_dtype(cells, skipna=True) in ("string", "empty")


def _read_objects(cells: pd.Series) -> pd.Series:
    kind = types.infer_dtype(cells, skipna=True)
    if kind == "boolean":
        return cells.astype("boolean")
    if kind in _NUMBERS:
        return read_cells(cells.astype(np.float64))
    if kind in _DATES:
        return read_cells(pd.to_datetime(cells))
    return _read_texts(cells.map(as_text, na_action="ignore"))


def _read_texts(cells: pd.Series) -> pd.Series:
    texts = cells.astype("str").str.strip()
    return texts.mask(texts.str.lower().isin(MISSING))


def _typed(values: pd.Series, dtype: str, objects: str) -> pd.Series:
    if dtype.startswith("datetime64") or objects in _DATES:
        values = pd.to_datetime(values)
    if objects:
        return _as_objects(values, objects).astype(dtype)  # type: ignore[call-overload]
    if dtype.startswith("timedelta64"):
        return pd.to_timedelta(values, unit="s").astype(dtype)  # type: ignore[call-overload]
    wanted = types.pandas_dtype(dtype)
    if isinstance(wanted, pd.DatetimeTZDtype):
        winter = np.zeros(len(values), bool)
        values = values.dt.tz_localize(wanted.tz, ambiguous=winter, nonexistent="shift_forward")
    if isinstance(wanted, np.dtype) and wanted.kind in "iub" and values.isna().any():
        dtype = "boolean" if wanted.kind == "b" else "Int64"  # those of NumPy know no missing cells
    return values.astype(dtype)  # type: ignore[call-overload]


def _as_objects(values: pd.Series, objects: str) -> pd.Series:
    if objects == "date":
        values = values.dt.date
    elif objects == "decimal":
        values = values.map(lambda value: Decimal(str(value)), na_action="ignore")
    elif objects == "integer":
        values = values.map(int, na_action="ignore")
    values = values.astype(object)
    return values.where(values.notna(), None)
