"""The card as a whole: what it says of real data, far samples, copies, missing modes and too few examples."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, gaussian, two_modes

from anew.errors import AnewError
from anew.evaluation import MEASURES, load
from anew.evaluation.card import ALARM, COPYING, TEXTS, measure, trust, verdict
from anew.evaluation.row import INCONCLUSIVE, Row

FACTORS = np.random.default_rng(1).normal(size=(2, D))
Cards = dict[str, list[Row]]


def correlated(seed: int, n: int = 200) -> np.ndarray:
    """Close to a plane: nothing like independent marginals of the same coordinates."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ FACTORS + 0.1 * rng.normal(size=(n, D))


def shuffled(x: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permuted(x, axis=0)


TRAIN, HELD_OUT, REFERENCE = correlated(0, 600), correlated(1), correlated(2)


def card(generated: np.ndarray) -> list[Row]:
    return measure(*({"view": x} for x in (generated, REFERENCE, HELD_OUT, TRAIN, shuffled(TRAIN))))


@pytest.fixture(scope="module")
def cards() -> Cards:
    noise = np.random.default_rng(9).normal(size=(200, D))
    samples = {
        "real": correlated(3),
        "far": correlated(3) + 20,
        "noisy": correlated(3) + 0.5 * noise,
        "copies": TRAIN[:200] + 0.001 * noise,
        "few": correlated(3, 12),
    }
    return {name: card(x) for name, x in samples.items()}


def row(rows: list[Row], key: str) -> Row:
    return next(row for row in rows if row.key == key)


def number(rows: list[Row], key: str) -> float:
    value = row(rows, key).value
    assert value is not None
    return value.value


def test_every_card_has_the_same_rows(cards: Cards) -> None:
    assert {tuple(row.key for row in rows) for rows in cards.values()} == {tuple(TEXTS)}


def test_real_data_reaches_the_floor(cards: Cards) -> None:
    for key in set(TEXTS) - set(COPYING):
        assert row(cards["real"], key).verdict == "as good as real data"
    for key in COPYING:
        assert row(cards["real"], key).verdict == "no sign of copying"
    assert verdict(cards["real"]).startswith("Samples cannot be told apart from real ones (0.")


def test_samples_far_away_fail_everything_but_copy_nothing(cards: Cards) -> None:
    for key in set(TEXTS) - set(COPYING):
        assert row(cards["far"], key).verdict == "no better than the baseline"
    assert number(cards["far"], "told_apart") > 0.95
    assert number(cards["far"], "fidelity") == number(cards["far"], "coverage") == 0
    assert row(cards["far"], "duplicates").verdict == "no sign of copying"
    assert "is being copied (" not in verdict(cards["far"])


def test_noise_hits_fidelity(cards: Cards) -> None:
    assert number(cards["noisy"], "fidelity") < 0.5 * number(cards["real"], "fidelity")


def test_copies_raise_the_alarm_though_they_look_real(cards: Cards) -> None:
    for key in COPYING:
        assert row(cards["copies"], key).verdict == ALARM
    assert number(cards["copies"], "fidelity") > 0.9
    assert "training data is being copied (excess copies: 100 %, near duplicates: 99 %)" in verdict(cards["copies"])


def test_half_of_the_modes_halve_coverage() -> None:
    train = two_modes(0, 600)
    sets = gaussian(3, 200), two_modes(1, 200), two_modes(2, 200), train, shuffled(train)[:200]
    rows = measure(*({"view": x} for x in sets))
    assert number(rows, "coverage") == pytest.approx(0.5, abs=0.08)
    assert number(rows, "fidelity") > 0.85


def test_each_row_is_measured_alike_for_floor_and_ceiling(cards: Cards) -> None:
    for found in cards["real"]:
        value, floor, ceiling = (getattr(found, role) for role in ("value", "floor", "ceiling"))
        assert value.n == floor.n == ceiling.n == 200
        assert (floor.value < ceiling.value) == (found.better == "low")


def test_the_worst_view_counts() -> None:
    off = correlated(3) + 20
    sets = (correlated(3), off), (REFERENCE,) * 2, (HELD_OUT,) * 2, (TRAIN,) * 2, (shuffled(TRAIN),) * 2
    rows = measure(*({"good": good, "bad": bad} for good, bad in sets), limit=40)
    assert number(rows, "fidelity") == number(rows, "coverage") == 0
    assert number(rows, "sliced_wasserstein") > 10


def test_the_scale_of_a_view_does_not_matter() -> None:
    sets = correlated(3), REFERENCE, HELD_OUT, TRAIN, shuffled(TRAIN)
    plain, scaled = (measure(*({"view": x * scale + 5} for x in sets), limit=40) for scale in (1, 1000))
    for key in TEXTS:
        assert number(plain, key) == pytest.approx(number(scaled, key), rel=1e-6, abs=1e-6)


def test_the_seed_repeats_the_card_and_the_limit_cuts_it() -> None:
    sets = [{"view": x} for x in (correlated(3), REFERENCE, HELD_OUT, TRAIN, shuffled(TRAIN))]
    rows = measure(*sets, seed=4, limit=40)
    assert rows == measure(*sets, seed=4, limit=40)
    assert rows != measure(*sets, seed=5, limit=40)
    assert {row.value.n for row in rows if row.value} == {40}
    assert all("Only 40 examples a side" in row.note for row in rows)


def test_too_few_examples_are_inconclusive(cards: Cards) -> None:
    for found in cards["few"]:
        assert found.value is None
        assert found.verdict == INCONCLUSIVE
        assert "there are 12" in found.note
    assert verdict(cards["few"]) == (
        "Whether samples can be told apart from real ones, how many look real, how much of the data is covered "
        "and whether training data is being copied could not be concluded."
    )


def test_a_baseline_as_good_as_real_data_makes_the_row_inconclusive() -> None:
    """Independent marginals of independent coordinates are real data."""
    train = gaussian(0, 400)
    sets = gaussian(3, 120), gaussian(1, 120), gaussian(2, 120), train, shuffled(train)[:120]
    rows = measure(*({"view": x} for x in sets))
    assert row(rows, "told_apart").verdict == INCONCLUSIVE
    assert "whether samples can be told apart from real ones" in verdict(rows)
    assert row(rows, "told_apart").title in trust(rows, {}, ["view"])["inconclusive"]


def test_trust_says_what_the_card_rests_on(cards: Cards) -> None:
    found = trust(cards["real"], {"train": 600, "test": 200}, ["view"], seed=7)
    assert found == {
        "examples": {"train": 600, "test": 200},
        "compared": 200,
        "views": ["view"],
        "seed": 7,
        "inconclusive": [],
    }
    assert trust(cards["few"], {}, [])["inconclusive"] == [text.title for text in TEXTS.values()]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("role", range(5))
def test_features_that_are_not_finite_are_an_error(bad: float, role: int) -> None:
    sets = [x.copy() for x in (correlated(3), REFERENCE, HELD_OUT, TRAIN, shuffled(TRAIN))]
    sets[role][3, 1] = bad
    with pytest.raises(AnewError, match=r"'view' of \w+ holds values that are not finite"):
        measure(*({"view": x} for x in sets))


def test_views_that_do_not_match_are_an_error() -> None:
    sets = [{"view": x} for x in (correlated(3), REFERENCE, HELD_OUT, TRAIN, shuffled(TRAIN))]
    with pytest.raises(AnewError, match="the views of generated"):
        measure({"other": correlated(3)}, *sets[1:])
    with pytest.raises(AnewError, match="the views of generated"):
        measure(*({} for _ in sets))


def test_the_table_of_measures_loads_and_names_a_near_miss() -> None:
    assert all(callable(load(name)) for name in MEASURES)
    with pytest.raises(AnewError, match="did you mean 'coverage'"):
        load("coverag")
