"""Tables of any length, for measuring time and memory: seeded, of mixed kinds, written block by block.

A few factors that no column shows lie behind all columns, so that they depend on each other. Columns take turns in
their kind; every third one has missing cells, more of them where the first factor is high.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import csv

from anew.writing import replacing

CELLS = 2_000_000  # in a block
FACTORS = 4
NOISE = 0.5
MISSING = 0.08  # share of the cells where the first factor is 0


def write(path: Path, rows: int, columns: int, categories: int = 0, seed: int = 0) -> None:
    """A CSV file; with `categories`, the first column is a category with so many values, few of them common."""
    length = max(1_000, CELLS // columns)
    options = csv.WriteOptions(quoting_style="none")
    with replacing(path) as beside:
        writer = None
        for start in range(0, rows, length):
            made = pyarrow.Table.from_pandas(
                block(min(length, rows - start), columns, categories, seed, start), preserve_index=False
            )
            writer = writer or csv.CSVWriter(beside, made.schema, write_options=options)
            writer.write_table(made)
        if writer:
            writer.close()


def block(rows: int, columns: int, categories: int, seed: int, start: int) -> pd.DataFrame:
    """The rows from `start` on. What a column is like depends on the seed and its number only."""
    rng = np.random.default_rng([seed, 1, start])
    factors = rng.standard_normal((rows, FACTORS), np.float32)
    kinds = list(KINDS.items())
    out = {}
    for number in range(columns):
        own = np.random.default_rng([seed, 0, number])
        weights = own.standard_normal(FACTORS).astype(np.float32)
        signal = factors @ (weights / np.linalg.norm(weights)) + NOISE * rng.standard_normal(rows, np.float32)
        name, kind = kinds[number % len(kinds)]
        if categories and number == 0:
            cells = pd.Series(np.char.add("c", (categories * _share(signal) ** 3).astype(int).astype(str)))
            name = "many"
        else:
            cells = pd.Series(kind(signal, own))
        if number % 3 == 2:
            cells = cells.mask(rng.random(rows) < MISSING * np.exp(0.5 * factors[:, 0]))
        out[f"{name}{number}"] = cells
    return pd.DataFrame(out)


# Kinds of columns: from a signal (rows,) with mean 0 and variance 1.25, and the column's own numbers.


def _amount(signal: np.ndarray, own: np.random.Generator) -> np.ndarray:
    return np.exp(signal.astype(np.float64) + own.uniform(1, 6)).round(2)


def _count(signal: np.ndarray, own: np.random.Generator) -> pd.array:
    return pd.array(np.exp(0.7 * signal + own.uniform(1, 4)).astype(int), dtype="Int64")


def _category(signal: np.ndarray, own: np.random.Generator) -> np.ndarray:
    count = own.integers(3, 30)
    names = np.array([f"value-{i}" for i in own.permutation(count)], object)
    return names[np.searchsorted(np.sort(own.normal(0, 1.1, count - 1)), signal)]


def _flag(signal: np.ndarray, own: np.random.Generator) -> np.ndarray:
    return np.where(signal > own.normal(), "yes", "no").astype(object)


def _measure(signal: np.ndarray, own: np.random.Generator) -> np.ndarray:
    return (signal.astype(np.float64) * own.uniform(1, 100)).round(3)


def _date(signal: np.ndarray, own: np.random.Generator) -> np.ndarray:
    days = (own.integers(300, 3000) * _share(signal)).astype("timedelta64[D]")
    return np.datetime_as_string(np.datetime64("2015-01-01") + days).astype(object)


def _gain(signal: np.ndarray, own: np.random.Generator) -> pd.array:
    """Mostly 0, else heavy-tailed."""
    gain = np.exp(2 * signal + 4).astype(int)
    return pd.array(np.where(signal < own.uniform(0, 1.5), 0, gain), dtype="Int64")


KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], object]] = {
    "amount": _amount,
    "count": _count,
    "category": _category,
    "flag": _flag,
    "measure": _measure,
    "date": _date,
    "gain": _gain,
}


def _share(signal: np.ndarray) -> np.ndarray:
    """Above 0 and below 1, about evenly."""
    return 1 / (1 + np.exp(-1.5 * signal.astype(np.float64)))
