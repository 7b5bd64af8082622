"""How far samples have to be moved to become real data: the sliced Wasserstein distance.

Raw, it says little, so the card shows it in multiples of what real data scores against other real data.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Value, highest, normal


def sliced_wasserstein(samples: np.ndarray, reference: np.ndarray, projections: int = 256, seed: int = 0) -> Value:
    """Sliced Wasserstein-2 distance (Bonneel et al. 2015) of two (n, d), over seeded directions.

    Cut to equally many rows, the distance along a direction is that of the sorted values. The interval is
    the central limit theorem's (del Barrio & Loubes 2019): the variance of the Kantorovich potentials. It
    surrounds the expected value at this n, which is above zero even for two sets from one distribution.
    """
    n = min(len(samples), len(reference))
    directions = np.random.default_rng(seed).normal(size=(samples.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    x, y = (a[:n].astype(np.float64) @ directions for a in (samples, reference))
    ranks_x, ranks_y = x.argsort(0), y.argsort(0)
    x, y = np.take_along_axis(x, ranks_x, 0), np.take_along_axis(y, ranks_y, 0)
    squared = ((x - y) ** 2).mean()
    sides = (_potentials(x, y, ranks_x), _potentials(y, x, ranks_y))
    sd = np.sqrt(sum(side.var(ddof=1) for side in sides) / n)
    return normal(squared, sd, n).map(lambda v: max(v, 0.0) ** 0.5)


def _potentials(x: np.ndarray, y: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Kantorovich potential of each example up to a constant, the mean over directions: (n,).

    Along a direction it is the integral of 2 (x - T(x)), where T takes the i-th smallest x to the i-th
    smallest y; x and y (n, directions) are sorted, `ranks` says which example is where.
    """
    gap = x - y
    rises = np.diff(x, axis=0) * (gap[1:] + gap[:-1])
    potential = np.concatenate([np.zeros((1, x.shape[1])), rises.cumsum(0)])
    per_example = np.empty_like(potential)
    np.put_along_axis(per_example, ranks, potential, 0)
    return per_example.mean(1)


def _units(real: Real) -> dict[str, float]:
    """By view; 1 where real data does not vary."""
    views, others = real.unseen.views, real.reference.views
    return {view: sliced_wasserstein(x, others[view]).value or 1.0 for view, x in views.items()}


def _measure(x: Examples, real: Real) -> Values:
    units, reference = real.once(_units), real.reference.views
    found = (sliced_wasserstein(x.views[view], reference[view]).over(unit) for view, unit in units.items())
    return {"sliced_wasserstein": highest(found)}


MEASURE = Measure(
    {
        "sliced_wasserstein": Text(
            "Transport distance",
            "How far must samples move to become real data?",
            "× floor",
            "low",
            "Sliced Wasserstein-2; 1 is the distance between two sets of real data. The worst view counts.",
        )
    },
    _measure,
    groups=True,
)
