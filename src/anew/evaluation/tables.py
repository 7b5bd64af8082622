"""What the page shows of a table: rows beside real ones, a histogram of each column, and the closest pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from anew.evaluation.columns import Column, columns
from anew.evaluation.examples import Examples, Real, some
from anew.evaluation.marginals import column_distances

ROWS, COLUMNS, LETTERS = 20, 30, 40  # of the tables, and of a cell, at most
HISTOGRAMS, BINS, BARS = 40, 30, 12  # columns, bins of numbers, categories
WIDTH, HEIGHT = 300, 100  # of a histogram of numbers
EDGE = 0.005  # share of the numbers at either end that are put into the outermost bins


class Bar(NamedTuple):
    """A category: its shares of real rows and of samples, as widths in per cent of the widest."""

    label: str
    real: float
    generated: float


class Histogram(NamedTuple):
    """One column, with `bars` of categories, or the paths (SVG, WIDTH x HEIGHT) of numbers between `low` and `high`."""

    name: str
    distance: str
    missing: str  # "2 % missing, 3 % in real data"; empty if nothing is
    bars: Sequence[Bar] = ()
    real: str = ""
    generated: str = ""
    low: str = ""
    high: str = ""


class Cell(NamedTuple):
    text: str
    differs: bool = False  # from the row that it is shown beside


@dataclass(frozen=True)
class Sheet:
    """Of tables with the columns `names`; `more` columns are not shown."""

    names: Sequence[str]
    more: int
    generated: Sequence[Sequence[Cell]]
    real: Sequence[Sequence[Cell]]
    histograms: Sequence[Histogram] = ()
    pairs: Sequence[tuple[Sequence[Cell], Sequence[Cell]]] = ()  # a sample, and the training row nearest to it


def distances(generated: Examples, real: Real) -> dict[str, float]:
    """How far each column of the samples that are measured is from real data, the furthest first; none of no table."""
    of = real.once(columns)
    if not of:
        return {}
    measured = some(generated, real.n, np.random.default_rng(real.seed))
    found = column_distances(measured, real)[:, 0]
    return {of[i].name: float(found[i]) for i in (-found).argsort(kind="stable")}


def sheet(generated: Examples, real: Real, pairs: Sequence[Mapping[str, Any]]) -> Sheet | None:
    """None for what is no table."""
    samples, truth, train = generated.table, real.reference.table, real.train.table
    if samples is None or truth is None or train is None:
        return None
    shown = list(samples.columns[:COLUMNS])
    couples = [(samples[shown].iloc[pair["sample"]], train[shown].iloc[pair["train"]]) for pair in pairs]
    of = {column.name: column for column in real.once(columns)}
    furthest = list(distances(generated, real).items())[:HISTOGRAMS]
    return Sheet(
        names=[_text(name) for name in shown],
        more=samples.shape[1] - len(shown),
        generated=_rows(samples[shown]),
        real=_rows(truth[shown]),
        histograms=[_histogram(of[name], distance, generated, real) for name, distance in furthest],
        pairs=[(_beside(one, other), _beside(other, one)) for one, other in couples],
    )


def _rows(table: pd.DataFrame) -> list[list[Cell]]:
    return [[Cell(_text(value)) for value in row] for row in table.head(ROWS).itertuples(index=False, name=None)]


def _beside(row: pd.Series, other: pd.Series) -> list[Cell]:
    return [Cell(_text(one), not _same(one, two)) for one, two in zip(row, other)]


def _same(one: Any, two: Any) -> bool:
    return (pd.isna(one) and pd.isna(two)) or one == two


def _text(value: Any) -> str:
    """Short, as people read it; a dash for what is missing."""
    if pd.isna(value):
        return "–"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value).removesuffix(" 00:00:00")
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def _histogram(column: Column, distance: float, x: Examples, real: Real) -> Histogram:
    sides = (real.reference, x)
    gone = [float(column.of(side).isna().mean()) for side in sides]
    missing = f"{gone[1]:.1%} missing, {gone[0]:.1%} in real data".replace("%", " %") if any(gone) else ""
    about = (_text(column.name), f"{100 * distance:.1f} %", missing)
    if not column.is_number:
        return Histogram(*about, bars=_bars(column, sides))
    numbers = [found[np.isfinite(found)] for found in (column.numbers(side) for side in sides)]
    ends = _ends(np.concatenate(numbers))
    heights = [_shares(found, ends) for found in numbers]
    tallest = max(float(np.max(heights)), 1e-9)
    real_path, path = (_path(height / tallest) for height in heights)
    is_date = column.of(real.train).dtype.kind == "M"
    low, high = (str(pd.Timestamp(end, unit="s").date()) if is_date else f"{end:.6g}" for end in ends)
    return Histogram(*about, real=real_path, generated=path, low=low, high=high)


def _bars(column: Column, sides: Iterable[Examples]) -> list[Bar]:
    """Of the most frequent categories, and of all others together."""
    assert column.values is not None
    kinds = column.count(BARS)
    shares = np.stack([np.bincount(column.classes(x, BARS), minlength=kinds)[1:] / len(x) for x in sides], 1)
    widths = 100 * shares / max(shares.max(), 1e-9)
    labels = [*map(_text, column.values[:BARS]), "others"]
    return [Bar(label, *pair) for label, pair in zip(labels, widths.round(1).tolist()) if any(pair)]


def _ends(numbers: np.ndarray) -> np.ndarray:
    """(2,)"""
    return np.quantile(numbers, (EDGE, 1 - EDGE), method="inverted_cdf") if len(numbers) else np.zeros(2)


def _shares(numbers: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(BINS,)"""
    counts, _ = np.histogram(numbers.clip(*ends), BINS, (ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1))
    return counts / max(len(numbers), 1)


def _path(heights: np.ndarray) -> str:
    """Steps of an SVG path from the lower left to the lower right; heights (BINS,) up to 1."""
    step = WIDTH / len(heights)
    tops = (f"V{HEIGHT * (1 - height):.1f}H{step * (i + 1):.1f}" for i, height in enumerate(heights))
    return f"M0,{HEIGHT}{''.join(tops)}V{HEIGHT}"
