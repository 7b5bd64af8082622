"""Do the columns of a table hang together as in real data?

The mean over pairs of columns of the total variation of their two-way tables, with numbers cut at the deciles of the
training data and all but the most frequent categories as one. What is missing is a class of its own. Few rows in many
cells leave a distance between two sets of real data as well: the floor.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.columns import Column, columns, pairs
from anew.evaluation.examples import Examples, Real
from anew.evaluation.histograms import averaged, distances
from anew.evaluation.measure import Measure, Noted, Text, Values

FREQUENT = 10  # categories of a column
NAMED = 3  # of the worst pairs


def _measure(x: Examples, real: Real) -> Values:
    of = real.once(columns)
    if len(of) < 2:
        return {}
    some, others = ([column.classes(side, FREQUENT) for column in of] for side in (x, real.reference))
    places = pairs(of, real.seed)
    found = np.stack([_distances(of[i], of[j], (some[i], some[j]), (others[i], others[j])) for i, j in places])
    worst = found[:, 0].argsort()[::-1][:NAMED]
    named = [(of[i].name, of[j].name) for i, j in (places[k] for k in worst)]
    listed = ", ".join(f"{one} with {other} {100 * found[k, 0]:.0f} %" for k, (one, other) in zip(worst, named))
    return {"pairs": Noted(averaged(found, len(x)), f"Furthest: {listed}.")}


Codes = tuple[np.ndarray, np.ndarray]


def _distances(first: Column, second: Column, x: Codes, y: Codes) -> np.ndarray:
    width = second.count(FREQUENT)
    cells = [one * width + two for one, two in (x, y)]
    return distances(cells[0], cells[1], first.count(FREQUENT) * width)


MEASURE = Measure(
    {
        "pairs": Text(
            "Pairs of columns",
            "How far are two columns at a time from real data?",
            "share",
            "low",
            "0 %: not at all; 100 %: nothing in common. The mean over pairs of the total variation of their two-way "
            "tables, numbers cut into ten. Few rows in many cells leave a distance between two sets of real data, too.",
        )
    },
    _measure,
    groups=True,
    tables=True,
)
