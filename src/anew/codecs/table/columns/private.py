"""What a codec may see of a table in private training: columns made up from noisy counts of the real cells."""

from __future__ import annotations

import math
import secrets
from statistics import NormalDist

import numpy as np
import pandas as pd
from pandas.api import types

from anew.codecs.table.columns.cells import distinct, is_text

UNSEEN = 1e-8  # the probability that a value is shown which one row alone has
_WIDTHS = (16, 1)  # neighbourhoods: the finer ones come first
_DECIMALS = 7  # from which on numbers are taken to be of any precision
_DATE, _DAY, _DAYS = r"\d{4}-\d\d-\d\d", 86_400, 512  # seconds; days of the widest neighbourhood
_OFFSET, _DATES = 2000, 2**40  # so that all numbers of neighbourhoods are positive, and those of dates the highest


class NoisyCounts:
    """Histograms of a table, some of each of its columns.

    One row, added or removed, changes each of them by 1 in one place. So they are a Gaussian mechanism with the noise
    multiplier `noise`, but for the probability UNSEEN: what one row alone has stays below the threshold otherwise
    (Korolova et al. 2009; with this noise, Wilkins et al. 2024).
    """

    def __init__(self, histograms: int, noise: float):
        self.random = np.random.default_rng(secrets.randbits(128))
        self.deviation = noise * math.sqrt(histograms)
        self.threshold = 1 - self.deviation * NormalDist().inv_cdf(UNSEEN / histograms)

    def release(self, codes: np.ndarray) -> np.ndarray:
        """How often each of the codes 0, 1, ... occurs, float64; 0 for what remains unseen."""
        counts = np.bincount(codes).astype(np.float64)
        noisy = counts + self.random.normal(0, self.deviation, len(counts))
        return np.where((counts > 0) & (noisy > self.threshold), noisy, 0)


def private_columns(rows: pd.DataFrame, noise: float) -> dict[str, pd.Series]:
    """Columns in which cells are about as often as in `rows`, each by itself; `noise` is the noise multiplier of all.

    Cells that few rows share are left out. Of numbers and dates it is known then how many there are around them, and
    there all are as probable.
    """
    counts = NoisyCounts((1 + len(_WIDTHS)) * rows.shape[1], noise)
    return {str(name): _made_up(rows[name], counts) for name in rows}


def _made_up(column: pd.Series, counts: NoisyCounts) -> pd.Series:
    codes, cells = distinct(column)
    times = counts.release(codes).round().astype(np.int64)
    parts = [cells.take(np.repeat(np.arange(len(cells)), times)).astype(column.dtype)]
    for width in _WIDTHS:
        near = _neighbourhoods(cells, width)
        found, first, which = np.unique(near, return_index=True, return_inverse=True)
        around = np.where(found >= 0, counts.release(which[codes]), 0) - np.bincount(which, times)
        around = np.where(around > counts.threshold / 2, around, 0).round().astype(np.int64)
        times[first] += around  # the wider ones hold these, too
        parts.append(_draw(found.repeat(around), width, column, counts.random))
    made = pd.concat(parts, ignore_index=True)
    return made.take(counts.random.permutation(len(made))).reset_index(drop=True)


def _neighbourhoods(cells: pd.Series, width: int) -> np.ndarray:
    """int64 (n,): a number for what is around each cell, by that cell alone; -1 for nothing.

    Of numbers, a 1/`width` of those from 2^e to 2^(e + 1), with so many decimals; of dates, 512/`width` days.
    """
    if types.is_datetime64_dtype(cells.dtype):
        return np.where(cells.isna(), -1, _days(cells.to_numpy("datetime64[s]"), width))
    if types.is_numeric_dtype(cells.dtype) and not types.is_bool_dtype(cells.dtype):
        numbers = cells.to_numpy(np.float64, na_value=np.nan)
        return _sizes(numbers, _decimals(numbers), width)
    if not is_text(cells):
        return np.full(len(cells), -1)
    texts = cells.astype("str").str.strip()
    plain = texts.where(texts.str.fullmatch(r"[+-]?\d+(\.\d*)?").fillna(False))
    decimals = plain.str.extract(r"\.(\d*)")[0].str.len().fillna(0).clip(upper=_DECIMALS).to_numpy(np.int64)
    dates = pd.to_datetime(texts.where(texts.str.fullmatch(_DATE).fillna(False)), format="%Y-%m-%d", errors="coerce")
    near = _sizes(pd.to_numeric(plain).to_numpy(np.float64, na_value=np.nan), decimals, width)
    return np.where(dates.isna(), near, _days(dates.to_numpy("datetime64[s]"), width))


def _decimals(numbers: np.ndarray) -> np.ndarray:
    """How many each has, at most _DECIMALS."""
    with np.errstate(over="ignore"):
        whole = [np.round(numbers, decimals) == numbers for decimals in range(_DECIMALS)]
    return np.where(np.any(whole, axis=0), np.argmax(whole, axis=0), _DECIMALS)


def _sizes(numbers: np.ndarray, decimals: np.ndarray, width: int) -> np.ndarray:
    there = np.isfinite(numbers) & (numbers != 0)
    mantissa, exponent = np.frexp(np.where(there, np.abs(numbers), 1))
    part = np.floor((2 * mantissa - 1) * width).astype(np.int64)
    order = (exponent.astype(np.int64) + _OFFSET) * width + part
    return np.where(there, (order * 2 + (numbers < 0)) * (_DECIMALS + 1) + decimals, -1)


def _numbers(near: np.ndarray, width: int, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of `_sizes`, at the share `u` of the way outwards; with their decimals."""
    rest, decimals = np.divmod(near, _DECIMALS + 1)
    order, negative = np.divmod(rest, 2)
    exponent, part = np.divmod(order, width)
    numbers = np.ldexp(1 + (part + u) / width, exponent - _OFFSET - 1)
    scale = 10.0**decimals
    rounded = np.where(decimals < _DECIMALS, np.floor(numbers * scale) / scale, numbers)
    return np.where(negative == 1, -rounded, rounded), decimals


def _days(stamps: np.ndarray, width: int) -> np.ndarray:
    """Of dates, datetime64[s] (n,); those of whole days and others apart."""
    days, rest = np.divmod(np.where(np.isnat(stamps), 0, stamps.astype(np.int64)), _DAY)
    return _DATES + (days // (_DAYS // width) + _OFFSET * _DAYS) * 2 + (rest > 0)


def _stamps(near: np.ndarray, width: int, u: np.ndarray) -> pd.Series:
    """Inverse of `_days`."""
    span, clock = np.divmod(near - _DATES, 2)
    seconds = (span - _OFFSET * _DAYS + u) * (_DAYS // width) * _DAY
    return pd.Series(np.where(clock, seconds, seconds // _DAY * _DAY).astype(np.int64).view("datetime64[s]"))


def _draw(near: np.ndarray, width: int, column: pd.Series, random: np.random.Generator) -> pd.Series:
    """A cell around each, as `column` has them."""
    u, dates = random.random(len(near)), near >= _DATES
    stamps = _stamps(np.where(dates, near, _DATES), width, u)
    if types.is_datetime64_dtype(column.dtype):
        return stamps.astype(column.dtype)
    numbers, decimals = _numbers(np.where(dates, 0, near), width, u)
    if not is_text(column):
        return pd.Series(numbers).astype(column.dtype)
    written = [repr(n) if d == _DECIMALS else f"{n:.{d}f}" for n, d in zip(numbers.tolist(), decimals.tolist())]
    texts = np.where(dates, stamps.dt.strftime("%Y-%m-%d"), np.array(written, object))
    return pd.Series(texts, dtype=column.dtype)
