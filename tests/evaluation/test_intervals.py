"""The 95 % intervals of the measures hold what they estimate, and are no wider than they need to be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from gaussians import N, gaussian

from anew.evaluation import roc
from anew.evaluation.copying import copies
from anew.evaluation.diversity import diversity
from anew.evaluation.fidelity import balls, clipped
from anew.evaluation.frechet import frechet
from anew.evaluation.kernel_distance import mmd
from anew.evaluation.transport_distance import sliced_wasserstein
from anew.evaluation.value import Value, mean, share


def shifted(measure: Callable[..., Value]) -> Callable[[int], Value]:
    return lambda s: measure(gaussian(s, shift=0.4), gaussian(1000 + s))


def half_bad(which: int) -> Callable[[int], Value]:
    return lambda s: clipped(np.concatenate([gaussian(s, N // 2), gaussian(s, N // 2, 20)]), balls(gaussian(1000 + s)))[
        which
    ]


def scores(s: int) -> tuple[np.ndarray, np.ndarray]:
    """Of two groups, one of them 1 higher: the true AUC is Phi(1 / sqrt 2)."""
    return gaussian(100 + s, shift=1)[:, 0], gaussian(1000 + s)[:, 0]


def honest(which: int) -> Callable[[int], Value]:
    return lambda s: copies(gaussian(s), gaussian(1000 + s), gaussian(2000 + s, 600))[which]


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda s: mean(gaussian(s)[:, 0]), 0.0),
        (lambda s: mmd(gaussian(s), gaussian(1000 + s)), 0.0),
        (shifted(mmd), None),
        (shifted(sliced_wasserstein), None),
        (half_bad(0), 0.5),
        (half_bad(1), 0.5),
        (honest(0), 0.0),
        (honest(1), 0.0),
        (lambda s: roc.auc(*scores(s)), 0.7602),
        (lambda s: roc.hits(*scores(s), 0.05), 0.2595),
        (lambda s: diversity(gaussian(s, 1000), gaussian(1000 + s, 1000)), 1.0),
        (lambda s: share(int((gaussian(s)[:, 0] > 1.5).sum()), N), 0.0668),
        (shifted(frechet), None),
    ],
    ids=[
        *("mean", "mmd-equal", "mmd", "wasserstein", "density", "coverage", "excess", "duplicates"),
        *("auc", "hits", "diversity", "share", "frechet"),
    ],
)
def test_intervals_hold_the_truth(draw: Callable[[int], Value], truth: float | None) -> None:
    """36 of 40 or more, where 38 are expected at 95 %; without a known truth, the mean over the draws."""
    values = [draw(seed) for seed in range(40)]
    centre = np.mean([value.value for value in values]) if truth is None else truth
    assert sum(value.low <= centre <= value.high for value in values) >= 36
    spread = np.std([value.value for value in values])
    assert np.mean([value.high - value.low for value in values]) < 4 * 3.92 * spread  # nor are they empty words
