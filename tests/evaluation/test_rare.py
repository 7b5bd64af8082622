"""A planted leak of rare values is found, and no other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from people import people, real, seen, shuffled

from anew.evaluation import card
from anew.evaluation.rare import ALARM, CALM, Codes, repeats
from anew.evaluation.row import Row

TRAIN = people(0, 4_000)


def leaking(table: pd.DataFrame, column: str, train: pd.DataFrame, share: float) -> pd.DataFrame:
    """A share of the cells are those of training rows."""
    rng = np.random.default_rng(0)
    rows, taken = rng.random(len(table)) < share, rng.integers(0, len(train), len(table))
    return table.assign(**{column: table[column].mask(rows, train[column].iloc[taken].set_axis(table.index))})


def found(samples: pd.DataFrame, train: pd.DataFrame = TRAIN) -> Row:
    (row,) = card.measure(seen(samples), real(train), ["rare"])
    return row


def test_unseen_rows_leak_nothing() -> None:
    for seed in range(20, 30):
        assert found(people(seed)).verdict == CALM, seed


def test_columns_on_their_own_leak_nothing_though_they_are_in_pairs_that_are_rare() -> None:
    """They are drawn from other rows than those of training."""
    assert found(shuffled(people(9))).verdict == CALM


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_exact_numbers_that_leak_are_found_and_named(share: float) -> None:
    row = found(leaking(people(9), "pay", TRAIN, share))
    assert row.verdict == ALARM
    assert "Greatest in: pay." in row.note
    assert row.value is not None
    assert row.value.value == pytest.approx(0.6 * share, rel=0.4)  # the others are missing, or not rare


def test_pairs_that_leak_are_found() -> None:
    rng = np.random.default_rng(5)
    codes = {name: [f"{name}{i}" for i in rng.integers(0, 60, 6_000)] for name in ("left", "right")}
    table = people(0, 6_000).assign(**codes)
    train, rest = table[:4_000].reset_index(drop=True), table[4_000:].reset_index(drop=True)
    others = [seen(part.reset_index(drop=True)) for part in (rest[:1_000], rest[1_000:], rest[:1_000])]
    truth = type(real())(seen(train), *others)
    copied = people(9).assign(left=train["left"][:1_000], right=train["right"][:1_000])
    fresh = people(9).assign(left=train["left"][:1_000], right=rest["right"][:1_000])
    rows = [card.measure(seen(samples), truth, ["rare"])[0] for samples in (copied, fresh)]
    assert [row.verdict for row in rows] == [ALARM, CALM]
    assert "left with right" in rows[0].note


def test_a_rare_value_counts_by_who_has_it() -> None:
    """Two training rows for an unseen one. Code 0 is a training row's, 1 an unseen one's, 2 common, 3 of both kinds."""
    train, unseen = np.array([0, 2, 2, 2, 3, 3, 4, 4]), np.array([1, 2, 3, 5])
    for sample, expected in ((0, 1.0), (1, -2.0), (2, 0.0), (3, 0.0), (4, 1.0)):
        found = repeats(Codes(train, unseen, np.array([sample])), np.ones(6, bool))
        assert found.value.sum() == pytest.approx(expected)
    assert repeats(Codes(train, unseen, np.array([0])), np.zeros(6, bool)).value.sum() == 0
