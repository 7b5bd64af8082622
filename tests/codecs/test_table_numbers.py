"""The code of numbers: exact points, bins of about equal size, rounding and range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from anew.codecs.table.columns.quantiles import QuantileCode, Steps

rng = np.random.default_rng(0)
FLOATS = st.floats(-1e9, 1e9, allow_nan=False)


def fit(numbers: np.ndarray, rare: int = 0) -> tuple[Steps, QuantileCode]:
    steps = Steps.find(numbers)
    k, counts = np.unique(steps.index(numbers), return_counts=True)
    return steps, QuantileCode.fit(k, counts, steps.decimals is not None, rare)


@pytest.mark.parametrize(
    ("numbers", "steps"),
    [
        ([3, 5, 8], Steps(0, 3, 1)),
        ([0.25, 1.5], Steps(2, 25, 125)),
        ([9.99, 19.99, 49.99], Steps(2, 999, 1000)),
        ([1000, 3000, -2000], Steps(0, -2000, 1000)),
        ([7], Steps(0, 7, 1)),
        ([1 / 3, 2 / 3], Steps()),
        ([1e300, 1], Steps()),
    ],
)
def test_rounding_is_found_and_kept(numbers: list[float], steps: Steps):
    found = Steps.find(np.array(numbers, float))
    assert found == steps
    assert found.number(found.index(np.array(numbers, float))).tolist() == numbers


def test_single_floats_are_as_precise_as_they_are():
    assert Steps.find(np.array([0.1, 0.2], np.float32).astype(float), "float32") == Steps(1, 1, 1)
    assert Steps.find(rng.normal(size=9).astype(np.float32).astype(float), "float32") == Steps()


def test_few_values_have_a_code_each_in_ascending_order():
    _, code = fit(np.repeat([30, 10, 20], 9))
    assert (code.points, code.bins) == ((0, 1, 2), 0)


def test_frequent_values_have_codes_and_others_share_bins_evenly():
    steps, code = fit(np.concatenate([np.zeros(5000), rng.lognormal(3, 2, 5000).round(2)]))
    assert steps.number(np.array(code.points)).tolist()[0] == 0
    assert 90 <= code.bins <= 110
    x = code.encode(steps.index(rng.lognormal(3, 2, 50_000).round(2)))
    shares = np.bincount((x - len(code.points))[x >= len(code.points)].astype(int)) / len(x)
    assert np.sort(shares)[-90:].max() < 0.03
    inside = np.histogram(x[x >= len(code.points)] % 1, 5)[0] / (x >= len(code.points)).sum()
    assert inside == pytest.approx([0.2] * 5, abs=0.02)


def test_tails_have_finer_bins_where_there_are_rows_enough():
    few, many = fit(rng.normal(size=1000))[1], fit(rng.normal(size=20_000))[1]
    assert (few.bins, many.bins) == (100, 104)


def test_tiny_tables_have_few_bins():
    assert [fit(rng.normal(size=n))[1].bins for n in (20, 30, 50, 500)] == [2, 3, 5, 50]


def test_heaps_stay_heaps_and_their_neighbours_do_not_join_them():
    numbers = np.concatenate([rng.integers(0, 1000, 3000), np.full(3000, 40)]).astype(float)
    steps, code = fit(numbers)
    x = rng.uniform(len(code.points), code.size, 20_000)
    assert 40 not in steps.number(code.decode(x))
    assert steps.number(code.decode(np.arange(len(code.points)) + 0.0)).tolist() == sorted(
        steps.number(np.array(code.points))
    )


def test_uniform_positions_bring_the_distribution_back():
    numbers = np.concatenate([rng.normal(0, 1, 8000), rng.normal(9, 0.1, 2000)])
    steps, code = fit(numbers)
    edges = np.quantile(numbers, np.linspace(0, 1, 21))
    drawn = steps.number(code.decode(code.encode(numbers).astype(int) + rng.uniform(0, 0.999, len(numbers))))
    assert np.histogram(drawn, edges)[0] / len(drawn) == pytest.approx([0.05] * 20, abs=0.003)


def test_what_is_not_known_stays_so():
    _, code = fit(rng.normal(size=100))
    assert np.isnan(code.encode(np.array([np.nan]))).all()
    assert np.isnan(code.decode(np.array([np.nan]))).all()


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.integers(1, 300), elements=FLOATS))
@example(np.array([689849845.1230469, -210870081.0]))
def test_any_number_comes_back_within_its_bin_and_the_range(numbers: np.ndarray):
    steps, code = fit(numbers)
    x = code.encode(steps.index(numbers))
    assert (x >= 0).all()
    assert (x < code.size).all()
    decoded = steps.number(code.decode(x))
    last_digit = 1e-14 * np.abs(numbers).max()
    assert numbers.min() - last_digit <= decoded.min()
    assert decoded.max() <= numbers.max() + last_digit
    knots = np.diff(steps.number(np.array(code.knots))) if code.bins else np.zeros(1)
    assert np.abs(decoded - numbers).max() <= knots.max() * 1e-6 + 1e-9 * np.abs(numbers).max()


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=300), st.integers(0, 2))
def test_whole_numbers_and_decimals_come_back_as_they_were(whole: list[int], decimals: int):
    numbers = np.array(whole) / 10**decimals
    steps, code = fit(numbers)
    assert steps.number(code.decode(code.encode(steps.index(numbers)))).tolist() == numbers.tolist()
    drawn = steps.number(code.decode(rng.uniform(0, code.size, 200)))
    assert (np.round(drawn, decimals) == drawn).all()
    assert numbers.min() <= drawn.min()
    assert drawn.max() <= numbers.max()


@given(st.lists(st.integers(0, 50), min_size=50, max_size=300), st.integers(2, 25))
def test_rare_numbers_are_neither_points_nor_ends(whole: list[int], rare: int):
    numbers = np.sort(np.array(whole, float))
    steps, code = fit(numbers, rare)
    drawn = steps.number(code.decode(np.linspace(0, code.size - 0.01, 500)))
    assert numbers[rare - 1] <= drawn.min()
    assert drawn.max() <= numbers[-rare]
