"""How many different samples are among the samples, next to as many real ones?

The Vendi score (Friedman and Dieng 2023, equation 1), the effective number of different examples: the exponential of
the entropy of the eigenvalues of a kernel matrix. It grows with n, so it is taken of blocks of samples, each beside a
block of as many real examples; the ratio is near 1 if samples vary as much as real data.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.neighbours import squared_distances
from anew.evaluation.value import Value, lowest, over_blocks

BLOCK, BLOCKS = 200, (4, 20)  # examples; how many blocks at least and at most
SCALE = 0.5  # of the kernel, in median distances of real data


def vendi(x: np.ndarray, scale: float) -> float:
    """1 to n, of (n, d), with the kernel exp(-|a - b|² / (2 scale²))."""
    kernel = np.exp(-squared_distances(x, x) / (2 * scale**2))
    shares = np.linalg.eigvalsh(kernel / len(x)).clip(1e-12)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def diversity(samples: np.ndarray, reference: np.ndarray) -> Value:
    """Vendi score of samples over that of real data, the geometric mean over blocks of both (n, d), in random order."""
    n = min(len(samples), len(reference))
    count = min(max(BLOCKS[0], n // BLOCK), BLOCKS[1])
    some = reference[: BLOCK * BLOCKS[0]]
    scale = SCALE * float(np.median(squared_distances(some, some))) ** 0.5 or 1.0
    pairs = zip(*(np.array_split(x[:n], count) for x in (samples, reference)))
    ratios = [np.log(vendi(x[:BLOCK], scale) / vendi(y[:BLOCK], scale)) for x, y in pairs]
    return over_blocks(np.array(ratios), n).map(lambda v: float(np.exp(v)))


def _measure(x: Examples, real: Real) -> Values:
    reference = real.reference.views
    return {"diversity": lowest(diversity(view, reference[name]) for name, view in x.views.items())}


MEASURE = Measure(
    {
        "diversity": Text(
            "Diversity",
            "How many different samples are there, next to as many real ones?",
            "share",
            "high",
            "Ratio of Vendi scores; above 100 %, samples vary more than real data, as noise does. "
            "The worst view counts. Here the ceiling is a single training example, repeated.",
        )
    },
    _measure,
    impostor="one",
    groups=True,
)
