"""The card as a whole: what it says of real data, far samples, copies, missing modes and too few examples."""

from __future__ import annotations

import numpy as np
import pytest
from gaussians import D, gaussian, two_modes

from anew.errors import AnewError
from anew.evaluation import MEASURES, load
from anew.evaluation.card import measure
from anew.evaluation.copying import ALARM
from anew.evaluation.examples import Examples, Real
from anew.evaluation.row import INCONCLUSIVE, Row
from anew.evaluation.verdict import trust, verdict

FACTORS = np.random.default_rng(1).normal(size=(2, D))
NEAR = ("copying", "duplicates")
ALARMS = (*NEAR, "membership", "recognised")
Cards = dict[str, list[Row]]


def correlated(seed: int, n: int = 200) -> np.ndarray:
    """Close to a plane: nothing like independent marginals of the same coordinates."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ FACTORS + 0.1 * rng.normal(size=(n, D))


def shuffled(x: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permuted(x, axis=0)


def seen(x: np.ndarray) -> Examples:
    return Examples({"view": x})


TRAIN, HELD_OUT, REFERENCE = correlated(0, 600), correlated(1), correlated(2)
SETS = {"train": TRAIN, "held_out": HELD_OUT, "reference": REFERENCE, "independent": shuffled(TRAIN)}


def real(limit: int = 2000, seed: int = 0, **changes: np.ndarray) -> Real:
    return Real(**{name: seen(x) for name, x in (SETS | changes).items()}, limit=limit, seed=seed)


REAL = real()
KEYS = tuple(row.key for row in measure(seen(HELD_OUT), REAL))


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
    return {name: measure(seen(x), REAL) for name, x in samples.items()}


def row(rows: list[Row], key: str) -> Row:
    return next(row for row in rows if row.key == key)


def number(rows: list[Row], key: str) -> float:
    value = row(rows, key).value
    assert value is not None
    return value.value


def test_every_card_has_the_same_rows(cards: Cards) -> None:
    assert {tuple(row.key for row in rows) for name, rows in cards.items() if name != "few"} == {KEYS}
    assert set(KEYS) == {key for name in MEASURES for key in load(name).texts if not load(name).tables} - {
        "traits",
        *load("graph_distances").texts,
        "obeys",
        "useful",
        "exact",
        "spans",
        "self_bleu",
    }


def test_real_data_reaches_the_floor(cards: Cards) -> None:
    for key in set(KEYS) - set(ALARMS):
        assert row(cards["real"], key).verdict == "as good as real data", key
    assert not [found.key for found in cards["real"] if found.is_worse]
    assert verdict(cards["real"]).startswith("Samples cannot be told apart from real ones (0.")


def test_samples_far_away_fail_everything_but_copy_nothing(cards: Cards) -> None:
    for key in set(KEYS) - {*ALARMS, "diversity", "missed"}:
        assert row(cards["far"], key).verdict == "no better than the baseline"
    assert number(cards["far"], "told_apart") > 0.95
    assert number(cards["far"], "fidelity") == number(cards["far"], "coverage") == 0
    assert number(cards["far"], "missed") > 0.5
    assert row(cards["far"], "duplicates").verdict == "no sign of copying"
    assert "is being copied (" not in verdict(cards["far"])


def test_noise_hits_fidelity(cards: Cards) -> None:
    assert number(cards["noisy"], "fidelity") < 0.5 * number(cards["real"], "fidelity")


def test_copies_raise_the_alarms_though_they_look_real(cards: Cards) -> None:
    for key in ALARMS:
        assert row(cards["copies"], key).is_worse
    assert {row(cards["copies"], key).verdict for key in NEAR} == {ALARM}
    assert number(cards["copies"], "fidelity") > 0.9
    found = verdict(cards["copies"])
    assert "training data is being copied (excess copies: 100 %, near duplicates: 99 %)" in found
    assert "an attacker can tell training data from unseen data (AUC" in found


def test_half_of_the_modes_halve_coverage() -> None:
    train = two_modes(0, 600)
    sets = {"held_out": two_modes(1, 200), "reference": two_modes(2, 200), "independent": shuffled(train)[:200]}
    rows = measure(seen(gaussian(3, 200)), real(train=train, **sets))
    assert number(rows, "coverage") == pytest.approx(0.5, abs=0.08)
    assert number(rows, "missed") == pytest.approx(0.5, abs=0.15)
    assert number(rows, "fidelity") > 0.85


def test_each_row_is_measured_alike_for_floor_and_ceiling(cards: Cards) -> None:
    for found in cards["real"]:
        value, floor, ceiling = (getattr(found, role) for role in ("value", "floor", "ceiling"))
        assert value.n == floor.n == ceiling.n
        assert (floor.value < ceiling.value) == (found.better == "low")


def test_the_worst_view_counts() -> None:
    both = {name: Examples({"good": x, "bad": x}) for name, x in SETS.items()}
    rows = measure(Examples({"good": correlated(3), "bad": correlated(3) + 20}), Real(**both, limit=40))
    assert number(rows, "fidelity") == number(rows, "coverage") == 0
    assert number(rows, "sliced_wasserstein") > 10


def test_the_scale_of_a_view_does_not_matter() -> None:
    cards = []
    for scale in (1, 1000):
        truth = real(limit=120, **{name: x * scale + 5 for name, x in SETS.items()})
        cards.append(measure(seen(correlated(3) * scale + 5), truth))
    for key in KEYS:
        assert number(cards[0], key) == pytest.approx(number(cards[1], key), rel=1e-4, abs=1e-4), key


def test_the_seed_repeats_the_card_and_the_limit_cuts_it() -> None:
    samples = seen(correlated(3))
    rows = measure(samples, real(limit=40, seed=4))
    assert rows == measure(samples, real(limit=40, seed=4))
    assert rows != measure(samples, real(limit=40, seed=5))
    assert {found.value.n for found in rows if found.value} == {40}
    assert all("Only 40 examples a side" in found.note for found in rows)


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
    sets = {"held_out": gaussian(1, 120), "reference": gaussian(2, 120), "independent": shuffled(train)[:120]}
    truth = real(train=train, **sets)
    rows = measure(seen(gaussian(3, 120)), truth)
    assert row(rows, "told_apart").verdict == INCONCLUSIVE
    assert "whether samples can be told apart from real ones" in verdict(rows)
    assert row(rows, "told_apart").title in trust(rows, {}, truth)["inconclusive"]


def test_trust_says_what_the_card_rests_on(cards: Cards) -> None:
    assert trust(cards["real"], {"train": 600, "test": 200}, REAL) == {
        "examples": {"train": 600, "test": 200},
        "compared": 200,
        "views": ["view"],
        "seed": 0,
        "inconclusive": [found.title for found in cards["real"] if found.verdict == INCONCLUSIVE],
    }


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("role", [*SETS, "generated"])
def test_features_that_are_not_finite_are_an_error(bad: float, role: str) -> None:
    sets = {name: x.copy() for name, x in (SETS | {"generated": correlated(3)}).items()}
    sets[role][3, 1] = bad
    generated = sets.pop("generated")
    with pytest.raises(AnewError, match=r"'view' of \w+ holds values that are not finite"):
        measure(seen(generated), real(**sets))


def test_views_that_do_not_match_are_an_error() -> None:
    with pytest.raises(AnewError, match="the views of generated"):
        measure(Examples({"other": correlated(3)}), REAL)
    with pytest.raises(AnewError, match="the views of train"):
        Real(Examples({}), seen(HELD_OUT), seen(REFERENCE), seen(TRAIN))


def test_the_table_of_measures_loads_and_names_a_near_miss() -> None:
    assert all(load(name).texts for name in MEASURES)
    with pytest.raises(AnewError, match="did you mean 'copying'"):
        load("copyin")
