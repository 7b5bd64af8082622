"""Fréchet distance, precision and recall, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, gaussian, two_modes

from anew.evaluation.frechet import frechet
from anew.evaluation.precision_recall import precision_recall


def test_the_frechet_distance_of_gaussians_is_its_formula() -> None:
    """A shift by 1 and a scale of 2 in each of D dimensions: D (1 + (2 - 1)²)."""
    found = frechet(2 * gaussian(0, 20_000) + 1, gaussian(1, 20_000))
    assert found.value == pytest.approx(2 * D, rel=0.03)
    assert found.low < 2 * D < found.high


def test_rotations_between_covariances_count() -> None:
    """tr(A + B - 2 (AB)^½) for A = diag(4, 1) and B its rotation by 45 degrees, by hand: 10 - 2 sqrt(tr AB + 2 det)."""
    x = np.random.default_rng(0).normal(size=(50_000, 2)) * [2, 1]
    turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    y = np.random.default_rng(1).normal(size=(50_000, 2)) * [2, 1] @ turn.T
    assert frechet(x, y).value == pytest.approx(10 - 2 * np.sqrt(12.5 + 2 * 4), abs=0.05)


def test_precision_and_recall_see_the_half_that_is_there() -> None:
    both, one = two_modes(0, 400), gaussian(1, 400)
    found = precision_recall(one, both)
    assert found.precision.value > 0.8
    assert found.recall.value == pytest.approx(0.5, abs=0.05)
    swapped = precision_recall(both, one)
    assert (swapped.precision.value, swapped.recall.value) == (found.recall.value, found.precision.value)
