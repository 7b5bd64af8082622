"""How well a classifier tells Gaussians apart whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, N, gaussian

from anew.evaluation import told_apart as module
from anew.evaluation.told_apart import COLUMNS, told_apart


def test_one_distribution_cannot_be_told_apart() -> None:
    found = [
        told_apart({"a": gaussian(s), "b": gaussian(s)}, {"a": gaussian(9 + s), "b": gaussian(9 + s)}) for s in (0, 1)
    ]
    for apart in found:
        assert apart.distance.low == 0
        assert apart.distance.value < 0.1
        assert apart.auc.low <= 0.5 <= apart.auc.high


def test_distributions_far_apart_are_always_told_apart() -> None:
    apart = told_apart({"a": gaussian(0, shift=8)}, {"a": gaussian(1)})
    assert apart.distance.value > 0.95
    assert apart.auc.value > 0.99
    assert apart.distance.n == N


def test_the_distance_is_below_the_true_one_and_not_far() -> None:
    """Two unit Gaussians 1 apart in each of 6 dimensions; the truth by Monte Carlo from the densities."""
    x = np.random.default_rng(5).normal(size=200_000)
    log_odds = np.sqrt(D) * x + D / 2  # of the right one, along the line between the means
    truth = (1 - np.logaddexp(0, -log_odds).mean() / np.log(2)) ** 0.5
    found = told_apart({"a": gaussian(0, 1000, shift=1)}, {"a": gaussian(1, 1000)}).distance
    assert found.low < truth
    assert found.value > 0.9 * truth


def test_the_view_that_gives_samples_away_is_found() -> None:
    apart = told_apart({"same": gaussian(0), "off": gaussian(1, shift=4)}, {"same": gaussian(2), "off": gaussian(3)})
    assert apart.distance.value > 0.9
    assert {choice.split(",")[0] for choice in apart.chosen} == {"off"}


def test_boosted_trees_see_what_logistic_regression_cannot() -> None:
    apart = told_apart({"a": 3 * gaussian(0)}, {"a": gaussian(1)})
    assert apart.distance.value > 0.7
    assert {choice.split(", ")[1] for choice in apart.chosen} == {"boosted trees"}


def test_columns_are_seen_as_categories_with_what_is_missing() -> None:
    """Codes that are even in one set and odd in the other; of two columns nothing is known."""
    rng = np.random.default_rng(0)
    codes = [2.0 * rng.integers(0, 8, 400) + side for side in (0, 1)]
    gone = np.full((400, 2), np.nan)
    views = [{"a": gaussian(side, 400), COLUMNS: np.c_[code, gone]} for side, code in enumerate(codes)]
    apart = told_apart(*views, categories=np.array([True, False, True]))
    assert apart.auc.value > 0.95
    assert set(apart.chosen) == {"columns, boosted trees"}


def test_told_apart_repeats_by_its_seed() -> None:
    views = {"a": gaussian(0, 100, shift=0.5)}, {"a": gaussian(1, 120)}
    assert told_apart(*views, seed=3) == told_apart(*views, seed=3)
    assert told_apart(*views).distance.n == 100


def test_the_choice_is_of_both_sides_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHOOSING", 40)
    apart = told_apart({"a": gaussian(0), "b": gaussian(1, shift=4)}, {"a": gaussian(2), "b": gaussian(3)})
    assert apart.distance.value > 0.9
