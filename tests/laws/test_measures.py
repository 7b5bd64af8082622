"""What must be true of every measure: real data reach its floor, its impostor does not, and a seed repeats it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from anew.codecs.graph.features import STATISTICS, WIDTH
from anew.evaluation import MEASURES, card, load
from anew.evaluation.examples import Examples, Real
from anew.evaluation.row import INCONCLUSIVE, Row
from anew.spaces import Field

FIELDS = (Field("label", 3), Field("weight"))
MIXING = np.random.default_rng(7).normal(size=(4, 10))


def drawn(seed: int, n: int) -> Examples:
    """Three clusters near a hyperplane, with the cluster and a coordinate as what is given; and the same as a table."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    hidden = rng.normal(size=(n, 4)) + 4 * np.eye(3, 4)[label]
    x = hidden @ MIXING + 0.1 * rng.normal(size=(n, 10))
    told = {"label": label.astype(float), "weight": hidden[:, 3]}
    table = pd.DataFrame(
        {"kind": np.array(["a", "b", None])[label], "first": x[:, 0].round(2), "second": x[:, 1], **told}
    )
    digests, words = (x[:, 0] * 1e9).astype(np.int64), written(label, rng)
    return Examples({"one": x, "two": x[:, :5]}, told, digests, counted(x), table, words, words)


def written(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sequences of 10 to 20 codes, of which each cluster has its own, padded with 0."""
    codes = 1 + rng.integers(0, 6, (len(label), 20)) + 3 * label[:, None]
    return np.where(np.arange(20) < rng.integers(10, 21, (len(label), 1)), codes, 0)


def counted(x: np.ndarray) -> dict[str, np.ndarray]:
    """Of coordinates together: one by one, they are alike in the impostor."""
    plane = x - x @ np.linalg.pinv(MIXING) @ MIXING
    return {"size": np.abs(x).sum(1), "it holds": np.abs(plane).sum(1) < 1}


def seen(name: str, examples: Examples) -> Examples:
    """With the view that a measure of graphs looks at, and no other: bumps at a place that all coordinates tell."""
    if name != "graph_distances" or STATISTICS in examples.views:
        return examples
    x = examples.views["one"] / np.abs(examples.views["one"]).max() * 16
    place = np.abs(x - x @ np.linalg.pinv(MIXING) @ MIXING).sum(1)
    bumps = np.exp(-((np.arange(WIDTH) % 10 - 3 * place[:, None]) ** 2))
    return replace(examples, views={STATISTICS: bumps})


def shuffled(examples: Examples) -> Examples:
    rng = np.random.default_rng(0)
    views = {name: rng.permuted(x, axis=0) for name, x in examples.views.items()}
    given = {name: rng.permutation(v) for name, v in examples.given.items()}
    assert examples.table is not None
    table = examples.table.apply(lambda column: rng.permutation(column.to_numpy(object))).convert_dtypes()
    return replace(examples, views=views, given=given, table=table, traits=counted(views["one"]))


def real(name: str, seed: int = 0, unit: float = 1.0) -> Real:
    sets = [seen(name, one) for one in (drawn(0, 900), drawn(1, 300), drawn(2, 300), shuffled(drawn(3, 300)))]
    parts = [replace(one, views={view: x * unit for view, x in one.views.items()}) for one in sets]
    return Real(parts[0], parts[1], parts[2], parts[3], FIELDS, sets[0].digests, seed=seed)


REAL, GRAPHS = real(""), real("graph_distances")
every_measure = pytest.mark.parametrize("name", MEASURES)


def of(name: str) -> Real:
    return GRAPHS if name == "graph_distances" else REAL


def rows(name: str, generated: Examples, truth: Real | None = None) -> list[Row]:
    found = card.measure(seen(name, generated), truth or of(name), [name])
    assert [row.key for row in found] == list(load(name).texts)
    return found


@every_measure
def test_other_real_data_are_as_good_as_real_data(name: str) -> None:
    for row in rows(name, drawn(4, 300)):
        assert not row.is_worse, row
        assert row.verdict != INCONCLUSIVE, row


@every_measure
def test_its_impostor_is_found_out(name: str) -> None:
    truth = of(name)
    for row in card._rows(load(name), truth.impostors[load(name).impostor], truth):
        assert row.is_worse, row


@every_measure
def test_values_lie_in_their_intervals_which_lie_in_their_range(name: str) -> None:
    for row in rows(name, drawn(4, 300)):
        for value in (row.value, row.floor, row.ceiling):
            assert value is not None
            assert value.low <= value.value <= value.high, row
            assert value.n > 0
            if row.unit == "share" and row.key != "diversity":
                assert -1 <= value.low <= value.high <= 1, row


@every_measure
def test_the_seed_repeats_it(name: str) -> None:
    assert rows(name, drawn(4, 300), real(name, seed=3)) == rows(name, drawn(4, 300), real(name, seed=3))


@every_measure
def test_the_unit_of_the_features_does_not_matter(name: str) -> None:
    far = seen(name, drawn(4, 300))
    scaled = replace(far, views={view: 1000 * x for view, x in far.views.items()})
    for one, other in zip(rows(name, far), rows(name, scaled, real(name, unit=1000.0)), strict=True):
        assert one.value is not None
        assert other.value is not None
        assert one.value.value == pytest.approx(other.value.value, rel=1e-3, abs=1e-3)


@every_measure
def test_data_that_do_not_vary_are_no_error(name: str) -> None:
    same = Examples({"one": np.ones((200, 3))}, {"label": np.zeros(200), "weight": np.full(200, np.nan)}, np.zeros(200))
    truth = Real(same, same, same, same, FIELDS, same.digests)
    with np.errstate(invalid="ignore", divide="ignore"):
        for row in card.measure(same, truth, [name]):
            assert row.value is None or np.isfinite(row.value.value)


def test_rows_that_need_what_is_not_there_are_left_out() -> None:
    """What is given, or a table."""
    bare = [replace(drawn(seed, 300), given={}, table=None) for seed in range(5)]
    truth = Real(bare[0], bare[1], bare[2], bare[3])
    of_tables = {key for name in MEASURES if load(name).tables for key in load(name).texts}
    assert of_tables == {"marginals", "pairs", "rare"}
    assert not {row.key for row in card.measure(bare[4], truth)} & (of_tables | {"obeys", "useful", "exact"})


def test_a_table_has_columns_to_predict_where_nothing_is_given() -> None:
    found = card.measure(replace(drawn(4, 300), given={}), REAL, ["obeys", "useful"])
    assert [row.key for row in found] == ["useful"]
