"""What a person would count in a sample: how are they distributed beside those of real data?

Notes a bar, words a sentence, whether it parses, whether a level can be solved: a codec counts them (`Codec.traits`).
Of each, the distance of the two distributions: the share by which they differ for what holds or not, that of
Kolmogorov and Smirnov for numbers, with "makes no sense" as the lowest.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.histograms import averaged, distances, ranks
from anew.evaluation.measure import Measure, Noted, Text, Values

NAMED = 4  # of the worst


def _measure(x: Examples, real: Real) -> Values:
    if not real.reference.traits:
        return {}
    found = {name: _distances(x.traits[name], values) for name, values in real.reference.traits.items()}
    order = sorted(found, key=lambda name: -found[name][0])
    said = "; ".join(_said(name, x.traits[name], real.reference.traits[name]) for name in order[:NAMED])
    return {"traits": Noted(averaged(np.stack(list(found.values())), len(x)), f"Here and in real data: {said}.")}


def _distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(1 + DRAWS,): see `histograms.distances`."""
    return distances(*ranks(x.astype(np.float64), y.astype(np.float64)), ordered=True)


def _said(name: str, x: np.ndarray, y: np.ndarray) -> str:
    """ "it parses 93 % and 98 %" or "notes a bar 12.1 and 13.0"."""
    if y.dtype == bool:
        return f"{name} {x.mean():.0%} and {y.mean():.0%}".replace("%", " %")
    a, b = (np.nanmean(values) if np.isfinite(values).any() else np.nan for values in (x, y))
    return f"{name} {a:.3g} and {b:.3g}"


MEASURE = Measure(
    {
        "traits": Text(
            "Structure",
            "Are the things that people count in such data as often there as in real data?",
            "share",
            "low",
            "0 %: just as often; 100 %: no value in common. The mean over what is counted of the distance of "
            "Kolmogorov and Smirnov. The ceiling draws each value on its own.",
        )
    },
    _measure,
    groups=True,
)
