"""Shares of good samples and of covered data that are known."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, N, gaussian, two_modes

from anew.evaluation.fidelity import balls, clipped, expected_coverage
from anew.evaluation.neighbours import radii
from anew.evaluation.value import Value


def clipped_density(x: np.ndarray, y: np.ndarray) -> Value:
    return clipped(x, balls(y)).density


def clipped_coverage(x: np.ndarray, y: np.ndarray) -> Value:
    return clipped(x, balls(y)).coverage


def test_real_data_has_full_fidelity_and_coverage() -> None:
    x, y = gaussian(0, 1000), gaussian(1, 1000)
    assert clipped_density(x, y).value > 0.93
    assert clipped_coverage(x, y).value > 0.9
    assert clipped_density(x, y).high == clipped_coverage(x, y).high == 1


def test_samples_far_away_have_neither() -> None:
    far = gaussian(0, shift=20)
    assert clipped_density(far, gaussian(1)).value == 0
    assert clipped_coverage(far, gaussian(1)).value == 0


def test_half_of_the_modes_halve_coverage_and_leave_fidelity() -> None:
    real = two_modes(0)
    one_mode = gaussian(1)
    assert clipped_coverage(one_mode, real).value == pytest.approx(0.5, abs=0.06)
    assert clipped_density(one_mode, real).value > 0.9


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_both_read_as_the_share_of_good_samples(share: float) -> None:
    good = int(share * 1000)
    mixed = np.concatenate([gaussian(0, good), gaussian(1, 1000 - good, shift=20)])
    real = gaussian(2, 1000)
    assert clipped_density(mixed, real).value == pytest.approx(share, abs=0.06)
    assert clipped_coverage(mixed, real).value == pytest.approx(share, abs=0.06)


def test_noise_hits_fidelity() -> None:
    real, rng = gaussian(0), np.random.default_rng(1)
    fidelity = [clipped_density(gaussian(2) + s * rng.normal(size=(N, D)), real).value for s in (0, 1, 3)]
    assert fidelity[0] > 0.9
    assert fidelity[1] < 0.7 * fidelity[0]
    assert fidelity[2] < 0.1


def test_one_outlier_among_real_data_cannot_make_noise_look_real() -> None:
    real = gaussian(0)
    real[0] = 100
    assert clipped_density(gaussian(1, shift=50), real).value == 0


def test_copies_of_one_example_cover_nothing_else() -> None:
    assert clipped_coverage(np.repeat(gaussian(0, 1), N, 0), gaussian(1)).value < 0.05


def test_expected_coverage_matches_what_is_counted() -> None:
    n, m, k = 40, 50, 5
    rng = np.random.default_rng(0)
    raw = []
    for _ in range(300):
        real, samples = rng.normal(size=(m, 1)), rng.normal(size=(n, 1))
        near = (real - samples.T) ** 2 <= radii(real, k)[:, None]
        raw.append(np.minimum(near.sum(1) / k, 1).mean())
    expected = expected_coverage(n, m, k)
    assert expected[0] == pytest.approx(0)
    assert (np.diff(expected) > 0).all()
    assert expected[n] == pytest.approx(np.mean(raw), abs=0.02)


def test_data_that_repeats_itself_does_not_break_the_measures() -> None:
    repeated = np.repeat(gaussian(0, 10), 20, 0)
    assert clipped_density(repeated, repeated).value == 1
    assert clipped_coverage(repeated, repeated).value == 1
