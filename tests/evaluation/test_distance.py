"""Kernel and transport distances between Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, gaussian

from anew.evaluation.distance import mmd, mmd_noise, sliced_wasserstein


def test_mmd_is_unbiased() -> None:
    values = np.array([mmd(gaussian(s), gaussian(1000 + s)).value for s in range(40)])
    assert abs(values.mean()) < 3 * values.std(ddof=1) / np.sqrt(len(values))
    assert (values < 0).any()


def test_mmd_noise_is_the_spread_of_mmd_between_equals() -> None:
    values = [mmd(gaussian(s), gaussian(1000 + s)).value for s in range(40)]
    assert mmd_noise(gaussian(0), gaussian(1)) == pytest.approx(np.std(values), rel=0.5)


def test_mmd_equals_its_definition() -> None:
    x, y = gaussian(0, 12), gaussian(1, 9, shift=1)
    k = lambda a, b: (a @ b / D + 1) ** 3  # noqa: E731
    within = [np.mean([k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]) for z in (x, y)]
    across = np.mean([k(a, b) for a in x for b in y])
    assert mmd(x, y).value == pytest.approx(sum(within) - 2 * across)


def test_sliced_wasserstein_of_a_shift_is_its_length_over_the_root_of_the_dimension() -> None:
    x = gaussian(0)
    found = sliced_wasserstein(x + 3, x, projections=2000)
    assert found.value == pytest.approx(3, rel=0.05)  # |shift| = 3 sqrt(D)
    assert sliced_wasserstein(x, x).value == 0
