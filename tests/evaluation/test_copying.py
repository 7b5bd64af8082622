"""Copies raise the alarm, honest samples do not."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, N, gaussian

from anew.evaluation import card
from anew.evaluation.copying import closest_pairs, copies
from anew.evaluation.examples import Examples, Real


def test_copies_raise_both_shares_and_honest_samples_neither() -> None:
    train, held_out = gaussian(0, 800), gaussian(1)
    copied, honest = copies(train[:N], held_out, train), copies(gaussian(2), held_out, train)
    assert copied.excess.value == 1
    assert copied.duplicates.value == pytest.approx(0.99, abs=0.005)
    assert honest.excess.low <= 0 <= honest.excess.high
    assert honest.duplicates.low <= 0 <= honest.duplicates.high


def test_the_excess_is_the_share_of_copies() -> None:
    train, held_out = gaussian(0, 800), gaussian(1)
    half = np.concatenate([train[: N // 2], gaussian(2, N // 2)])
    found = copies(half, held_out, train)
    assert found.excess.value == pytest.approx(0.5, abs=0.2)
    assert found.duplicates.value == pytest.approx(0.495, abs=0.02)


def test_blurred_samples_are_no_copies() -> None:
    found = copies(0.3 * gaussian(2), gaussian(1), gaussian(0, 800))
    assert found.excess.low <= 0 <= found.excess.high


def test_held_out_data_hardly_ever_raise_the_alarm() -> None:
    """The nominal rate is about 1 % a row: one alarm at most in 20 draws of two rows has a chance of 94 %."""
    alarms = 0
    for seed in range(20):
        real = Real(*(Examples({"view": gaussian(100 * seed + i, n)}) for i, n in enumerate((800, 300, 300, 300))))
        rows = card.measure(Examples({"view": gaussian(100 * seed + 9)}), real, ["copying"])
        alarms += sum(row.is_worse for row in rows)
    assert alarms <= 1


def test_the_closest_pairs_name_the_copies_first() -> None:
    train = gaussian(0, 400)
    samples = gaussian(2, 50)
    samples[7], samples[30] = train[123], train[45] + 1e-3
    pairs = closest_pairs(samples, gaussian(1), train, pairs=5)
    assert [(pair.sample, pair.train) for pair in pairs[:2]] == [(7, 123), (30, 45)]
    assert [pair.near for pair in pairs[:3]] == [True, True, False]
    assert pairs[0].distance == 0
    assert pairs[1].distance == pytest.approx(1e-3 * np.sqrt(D), rel=1e-3)
    assert len(pairs) == 5


def test_the_interval_of_the_excess_counts_each_real_example_once() -> None:
    """Four real examples have a sample each: 0 ± 1.96 sqrt(expected / (1 - expected) / 4), here with expected 1/2."""
    train, held_out = np.array([[0.0], [1.0]]), np.array([[10.0], [11.0]])
    found = copies(np.array([[0.1], [1.1], [10.1], [11.1]]), held_out, train).excess
    assert (found.value, found.high) == (0, pytest.approx(1.96 * 0.5, rel=1e-3))
    crowded = copies(np.array([[0.1], [0.1], [10.1], [10.1]]), held_out, train).excess
    assert crowded.high == 1  # 1.96 sqrt(1/2), cut
