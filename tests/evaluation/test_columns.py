"""Columns of tables on their own and in pairs: known distances, who is furthest, what is missing, and many of them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from people import people, real, seen, shuffled

from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.columns import MOST, coded, columns, pairs
from anew.evaluation.examples import Examples, Real
from anew.evaluation.gather import NARROW, WIDE, narrow
from anew.evaluation.histograms import DRAWS, averaged, distances, ranks
from anew.evaluation.row import GOOD, Row
from anew.evaluation.skills import targets
from anew.evaluation.tables import distances as by_column
from anew.spaces import Field

REAL = real()


def row(table: pd.DataFrame, key: str) -> Row:
    (found,) = card.measure(seen(table), REAL, [key])
    return found


def value(table: pd.DataFrame, key: str) -> float:
    found = row(table, key).value
    assert found is not None
    return found.value


# --- distances


def test_the_total_variation_is_half_of_the_differences() -> None:
    x, y = np.repeat([0, 1, 2], [500, 300, 200]), np.repeat([0, 1, 3], [300, 300, 400])
    found = distances(x, y, 4)
    assert found.shape == (1 + DRAWS,)
    assert found[0] == pytest.approx(0.4)


def test_the_distance_of_numbers_is_the_widest_gap_of_their_distributions() -> None:
    x = np.linspace(0, 1, 1_000)
    assert distances(*ranks(x, x + 0.3), ordered=True)[0] == pytest.approx(0.3, abs=0.002)
    half = np.where(np.arange(1_000) % 2, x, np.nan)
    assert distances(*ranks(half, x), ordered=True)[0] == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_the_interval_holds_what_other_samples_are_expected_to_score(shift: float) -> None:
    real_rows = np.random.default_rng(0).random(400)
    found = [
        averaged(distances(*ranks(np.random.default_rng(seed).random(400) + shift, real_rows), ordered=True)[None], 400)
        for seed in range(1, 101)
    ]
    expected = np.mean([one.value for one in found])
    assert sum(one.low <= expected <= one.high for one in found) >= 90


# --- rows of the card


def test_other_real_rows_are_as_good_as_real_ones() -> None:
    for key in ("marginals", "pairs"):
        assert row(people(9), key).verdict == GOOD


def test_columns_on_their_own_are_real_but_their_pairs_are_not() -> None:
    table = shuffled(people(9))
    assert row(table, "marginals").verdict == GOOD
    assert row(table, "pairs").verdict == "no better than the baseline"
    assert value(table, "pairs") > 3 * value(people(9), "pairs")


@pytest.mark.parametrize(
    ("name", "spoiled"),
    [
        ("age", lambda table: table.assign(age=table["age"] + 6)),
        ("born", lambda table: table.assign(born=table["born"] + pd.Timedelta(days=3_000))),
        ("town", lambda table: table.assign(town=table["town"].where(table["town"] != "Ulm", "Bonn"))),
        ("pay", lambda table: table.assign(pay=table["pay"].fillna(0.0))),
        ("member", lambda table: table.assign(member=~table["member"])),
    ],
)
def test_the_column_that_is_spoiled_is_found_and_named(name: str, spoiled) -> None:  # type: ignore[no-untyped-def]
    found = row(spoiled(people(9)), "marginals")
    assert found.is_worse
    assert f"Furthest: {name} " in found.note
    assert next(iter(by_column(seen(spoiled(people(9))), REAL))) == name


def test_the_pair_that_is_spoiled_is_named() -> None:
    table = people(9)
    table["kind"] = np.random.default_rng(0).permutation(table["kind"])
    table["town"] = np.random.default_rng(0).permutation(table["town"])  # as real with kind, and with nothing else
    assert "kind with age" in row(table, "pairs").note


# --- columns


def test_numbers_dates_and_categories_are_coded() -> None:
    of = columns(REAL)
    table = people(9, 50)
    codes = coded(seen(table), of)
    assert [column.name for column in of if not column.is_number] == ["kind", "town", "member"]
    assert (np.isnan(codes) == table.isna().to_numpy()).all()
    assert (codes[:, 1] == table["age"]).all()
    seconds = (table["born"] - pd.Timestamp(0)).dt.total_seconds()
    assert (codes[:, 3] == seconds).all()
    assert (codes[:, 0] == table["kind"].map({"a": 0, "b": 1, "c": 2})).all()  # by frequency


def test_a_category_that_training_never_had_is_one_of_the_others() -> None:
    of = {column.name: column for column in columns(REAL)}
    table = people(9, 3).assign(town=["nowhere", None, "Ulm"])
    assert of["town"].classes(seen(table)).tolist() == [4, 0, 1]
    assert of["town"].classes(seen(table), most=1).tolist() == [2, 0, 1]


def test_many_columns_are_drawn_by_the_seed() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 1_000)), columns=[f"c{i}" for i in range(1_000)])
    sides = [Examples({"view": wide.to_numpy()[:, :1]}, table=wide) for _ in range(4)]
    one, other = (Real(*sides, seed=seed) for seed in (0, 1))
    assert len(columns(one)) == MOST
    assert columns(one)[:5] != columns(other)[:5]
    assert [column.name for column in columns(one)] == [column.name for column in columns(Real(*sides, seed=0))]
    found = pairs(columns(one), 0)
    assert len(found) == len(set(found)) == MOST
    keys = [row.key for row in card.measure(sides[0], one, ["marginals", "pairs", "rare"])]
    assert keys == ["marginals", "pairs", "rare"]


def test_views_that_are_too_wide_keep_their_distances() -> None:
    x = np.random.default_rng(0).normal(size=(50, WIDE + 1)).astype(np.float32)
    found = narrow(x)
    assert found.shape == (50, NARROW)
    assert narrow(x[:3]) == pytest.approx(found[:3], rel=1e-3, abs=1e-4)
    ratios = np.linalg.norm(found[1:] - found[:-1], axis=1) / np.linalg.norm(x[1:] - x[:-1], axis=1)
    assert ratios == pytest.approx(1, abs=0.2)
    assert narrow(x[:, 1:]).shape == (50, WIDE)


def test_what_is_given_is_among_them() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 1_000)), columns=[f"c{i}" for i in range(1_000)])
    side = Examples({"view": wide.to_numpy()[:, :1]}, table=wide)
    for name in ("c7", "c500", "c999"):
        truth = Real(side, side, side, side, (Field(name),))
        assert len(columns(truth)) == MOST
        assert [target.name for target in targets(truth)] == [name]


def test_one_column_alone_is_measured() -> None:
    sides = [seen(people(seed)[["age"]]) for seed in range(4)]
    truth = Real(*sides)
    rows = {
        row.key: row for row in card.measure(seen(people(9)[["age"]]), truth, ["marginals", "pairs", "useful", "rare"])
    }
    assert list(rows) == ["marginals", "useful", "rare"]
    assert rows["useful"].value is None


def test_rows_of_a_table_are_taken_with_the_others() -> None:
    table = people(0, 10)
    part = seen(table).take(np.array([7, 2]))
    assert part.table is not None
    assert part.table.to_dict("records") == table.iloc[[7, 2]].to_dict("records")
    halves = seen(table).take(slice(5))
    assert halves.table is not None
    assert len(halves.table) == len(halves) == 5


def test_samples_without_a_table_are_an_error() -> None:
    with pytest.raises(AnewError, match="generated have no table, the reference has"):
        card.measure(replace(seen(people(9)), table=None), REAL, ["marginals"])


# --- predicting columns


def test_what_is_useful_names_its_columns_and_falls_with_what_hangs_together() -> None:
    (good,), (bad,) = (card.measure(seen(table), REAL, ["useful"]) for table in (people(9), shuffled(people(9))))
    assert good.verdict == GOOD
    assert bad.is_worse
    named = re.findall(r"(\w+) [01]\.\d{3} \([01]\.\d{3}\)", good.note)
    assert named == ["member", "town", "kind", "pay", "born"]  # few categories, the last first; then numbers


def test_samples_of_one_category_teach_nothing() -> None:
    (found,) = card.measure(seen(people(9).assign(kind="a")), REAL, ["useful"])
    assert "kind 0.500" in found.note
    assert found.is_worse


def test_the_boosted_trees_see_the_columns_as_they_are() -> None:
    """The only view is of ages, which are right."""
    (apart, auc) = card.measure(seen(shuffled(people(9))), REAL, ["told_apart"])
    assert apart.is_worse
    assert auc.value is not None
    assert auc.value.value > 0.8
