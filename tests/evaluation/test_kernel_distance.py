"""Kernel distances between Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, gaussian

from anew.evaluation import kernel_distance
from anew.evaluation.kernel_distance import mmd, mmd_noise


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


def test_the_noise_of_many_is_that_of_some_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mmd_noise(gaussian(0, 400), gaussian(1, 400))
    monkeypatch.setattr(kernel_distance, "PERMUTED", 200)
    assert mmd_noise(gaussian(0, 400), gaussian(1, 400)) == pytest.approx(whole, rel=0.3)


def test_mmd_of_a_shift_is_what_the_moments_say() -> None:
    """Two unit Gaussians in one dimension, k(x, y) = (xy + 1)^3: by its expansion in moments."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 1)) + 0.5, rng.normal(size=(4000, 1))
    moments = [0.5, 1.25, 0.5**3 + 3 * 0.5], [0.0, 1.0, 0.0]
    truth = sum(c * (a - b) ** 2 for c, a, b in zip((3, 3, 1), *moments))
    found = mmd(x, y)
    assert found.low <= truth <= found.high
