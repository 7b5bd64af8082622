"""Diversity and missed modes, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, gaussian, two_modes

from anew.evaluation.diversity import diversity, vendi
from anew.evaluation.modes import cells, missed

MODES = 12 * np.eye(D)  # six centres far apart


def around(seed: int, n: int, shares: np.ndarray) -> np.ndarray:
    return gaussian(seed, n) + MODES[np.random.default_rng(seed).choice(D, n, p=shares / shares.sum())]


def test_the_vendi_score_counts_what_is_different() -> None:
    assert vendi(np.repeat(np.eye(4) * 100, 5, 0), 1.0) == pytest.approx(4)
    assert vendi(np.zeros((7, 3)), 1.0) == pytest.approx(1)
    assert vendi(np.eye(9) * 100, 1.0) == pytest.approx(9)


def test_diversity_is_what_of_it_is_left() -> None:
    real = gaussian(0, 1000)
    assert diversity(gaussian(1, 1000), real).value == pytest.approx(1, abs=0.05)
    assert diversity(np.repeat(gaussian(1, 1), 1000, 0), real).value < 0.05
    assert diversity(2 * gaussian(1, 1000), real).low > 1.1
    assert diversity(0.5 * gaussian(1, 1000), real).high < 0.8
    assert diversity(gaussian(1, 1000), np.random.default_rng(0).permutation(two_modes(0, 1000))).value < 0.8


@pytest.mark.parametrize("left_out", [0, 1, 3])
def test_the_modes_that_are_left_out_are_counted(left_out: int) -> None:
    whole, some = np.ones(D), np.arange(D) >= left_out
    within = cells(around(0, 3000, whole), 90)  # six cells, so one for each centre
    assert len(within.shares) == D
    found = missed(around(1, 600, some.astype(float)), within)
    assert found.value * D == pytest.approx(left_out)
    assert found.low <= found.value <= found.high


def test_a_mode_with_fewer_samples_is_not_missed_but_one_with_hardly_any_is() -> None:
    whole = np.ones(D)
    within = cells(around(0, 3000, whole), 90)
    assert missed(around(1, 600, np.array([0.7, 1, 1, 1, 1, 1])), within).value == 0
    assert missed(around(1, 600, np.array([0.1, 1, 1, 1, 1, 1])), within).value * D == pytest.approx(1)


def test_real_data_miss_nothing_over_many_draws() -> None:
    within = cells(gaussian(0, 3000), 1500)
    assert len(within.shares) == 100
    found = [missed(gaussian(s, 1500), within).value for s in range(1, 11)]
    assert np.mean(found) < 0.005
