"""Is each column of a table distributed as in real data?

The distance of its two distributions: total variation for categories, of which missing is one, and that of Kolmogorov
and Smirnov for numbers and dates, with missing as the lowest. The mean over the columns is one minus the "shape" score
of other tools, but for their handling of what is missing.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.columns import Column, columns
from anew.evaluation.examples import Examples, Real
from anew.evaluation.histograms import averaged, distances, ranks
from anew.evaluation.measure import Measure, Noted, Text, Values

NAMED = 3  # of the worst columns


def column_distances(x: Examples, real: Real) -> np.ndarray:
    """(columns, 1 + DRAWS) of the samples to the reference: see `histograms.distances`."""
    return np.stack([_distances(column, x, real.reference) for column in real.once(columns)])


def _distances(column: Column, x: Examples, y: Examples) -> np.ndarray:
    if column.is_number:
        return distances(*ranks(column.numbers(x), column.numbers(y)), ordered=True)
    return distances(column.classes(x), column.classes(y), column.count())


def _measure(x: Examples, real: Real) -> Values:
    of = real.once(columns)
    if not of:
        return {}
    found = column_distances(x, real)
    worst = found[:, 0].argsort()[::-1][:NAMED]
    listed = ", ".join(f"{of[i].name} {100 * found[i, 0]:.1f} %" for i in worst)
    return {"marginals": Noted(averaged(found, len(x)), f"Furthest: {listed}.")}


MEASURE = Measure(
    {
        "marginals": Text(
            "Columns",
            "How far is each column, on its own, from real data?",
            "share",
            "low",
            "0 %: not at all; 100 %: no value in common. The mean over columns of the total variation (categories) or "
            "of the distance of Kolmogorov and Smirnov (numbers, dates). Here the ceiling is one row, repeated.",
        )
    },
    _measure,
    impostor="one",
    groups=True,
    tables=True,
)
