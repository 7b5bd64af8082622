"""Improved precision and recall (Kynkäänniemi et al. 2019, equations 1 and 2): for the eyes of other tools.

The share of samples within reach of a real example's k-th neighbour, and the other way round. A single outlier's wide
reach makes both too kind, which is why the card has fidelity and coverage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.neighbours import blocks, radii, squared_distances
from anew.evaluation.value import Value, lowest, share

K = 3  # neighbours


class PrecisionRecall(NamedTuple):
    precision: Value
    recall: Value


def precision_recall(samples: np.ndarray, reference: np.ndarray, reach: np.ndarray | None = None) -> PrecisionRecall:
    """Of (n, d) and (m, d); `reach` are the radii (m,) of the reference, if they are known."""
    reach, own = radii(reference, K) if reach is None else reach, radii(samples, K)
    precise, recalled = np.zeros(len(samples), bool), np.zeros(len(reference), bool)
    for rows in blocks(len(samples), len(reference)):
        squared = squared_distances(samples[rows], reference)
        precise[rows] = (squared <= reach).any(1)
        recalled |= (squared <= own[rows, None]).any(0)
    return PrecisionRecall(share(int(precise.sum()), len(samples)), share(int(recalled.sum()), len(reference)))


def _reach(real: Real) -> dict[str, np.ndarray]:
    return {view: radii(x, K) for view, x in real.reference.views.items()}


def _measure(x: Examples, real: Real) -> Values:
    reach, reference = real.once(_reach), real.reference.views
    found = [precision_recall(view, reference[name], reach[name]) for name, view in x.views.items()]
    return {
        "legacy/precision": lowest(value.precision for value in found),
        "legacy/recall": lowest(value.recall for value in found),
    }


MEASURE = Measure(
    {
        "legacy/precision": Text(
            "Precision", "How many samples lie within reach of real data?", "share", "high", "The worst view counts."
        ),
        "legacy/recall": Text(
            "Recall", "How much real data lies within reach of samples?", "share", "high", "The worst view counts."
        ),
    },
    _measure,
)
