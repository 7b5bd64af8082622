"""Rows of a table in the types that others want them in: one frame, hashes, JSON, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from anew.codecs.table.columns import Column
from anew.codecs.table.columns.cells import distinct

_MOST_ROWS = 1_000_000  # that are measured; of more, every second one, fourth, ...
_KEY = "anew.codecs.rows"  # 16 letters, of the hash of texts
_EXACT = 2**53  # up to which float64 holds whole numbers


def as_frame(loaded: pd.DataFrame | Sequence[Any]) -> pd.DataFrame:
    """Frames one below the other, or rows (mappings or Series) as a frame."""
    if isinstance(loaded, pd.DataFrame):
        return loaded
    parts = list(loaded)
    if parts and all(isinstance(part, pd.DataFrame) for part in parts):
        return pd.concat(parts, ignore_index=True)
    return pd.DataFrame([dict(row) for row in parts])


def collect(blocks: Iterable[pd.DataFrame], most: float = _MOST_ROWS) -> pd.DataFrame:
    """At most so many rows, evenly from all."""
    kept: list[pd.DataFrame] = []
    seen, every = 0, 1
    for block in blocks:
        kept.append(block.iloc[-seen % every :: every])
        seen += len(block)
        if sum(map(len, kept)) > most:
            kept, every = [pd.concat(kept, ignore_index=True).iloc[::2]], every * 2
    return pd.concat(kept or [pd.DataFrame()], ignore_index=True)


def hashes(cells: pd.Series) -> np.ndarray:
    """uint64 (n,): the same for the same cell, whatever else is in the block."""
    codes, found = distinct(cells)
    if isinstance(found.dtype, np.dtype) and found.dtype.kind in "iufb":
        numbers = found.to_numpy(np.float64)
        large = np.abs(numbers) >= _EXACT
        found_hashes = np.where(large, pd.util.hash_array(found.to_numpy()), pd.util.hash_array(numbers + 0.0))
    else:
        texts = found.astype(object).map(str, na_action="ignore").fillna("")
        found_hashes = pd.util.hash_array(texts.to_numpy(object), hash_key=_KEY, categorize=False)
    return found_hashes[codes]


def as_told(column: Column, cells: pd.Series) -> list[Any]:
    """Numbers of columns of numbers, else texts; None where a cell is missing."""
    values = column.typed(cells)
    if types.is_datetime64_any_dtype(values.dtype):
        values = values.astype("str")
    whole = column.kind == "whole number"
    return [None if pd.isna(value) else int(value) if whole else value for value in values.tolist()]


def as_json(value: Any) -> Any:
    """As JSON has it."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, np.floating):
        return float(str(value))  # 0.1 also of float32
    return value.item() if isinstance(value, np.generic) else value


def as_array(cells: pd.Series) -> np.ndarray:
    """Without objects: NaN and NaT where a cell is missing, an empty text among texts."""
    if cells.dtype.kind in "iufbmM" and isinstance(cells.dtype, np.dtype):
        return cells.to_numpy()
    if types.is_datetime64_any_dtype(cells.dtype):
        return cells.dt.tz_localize(None).to_numpy()
    if types.is_numeric_dtype(cells.dtype) and not types.is_bool_dtype(cells.dtype):
        return cells.to_numpy(np.float64, na_value=np.nan)
    return cells.astype(object).map(str, na_action="ignore").fillna("").to_numpy(np.str_)


def entropy(x: np.ndarray) -> float:
    """In nats, of the codes of one column (n, fields)."""
    if not x.size:
        return 0.0
    shares = np.unique(np.floor(x), axis=0, return_counts=True)[1] / len(x)
    return float(-(shares * np.log(shares)).sum())
