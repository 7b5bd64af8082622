"""What rows are asked to fulfil, and what is not an expression over columns."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from anew.constraints import Constraints
from anew.drawing import draw_until
from anew.errors import AnewError

ROWS = pd.DataFrame({"start": [1, 5, 3, 1], "end": [2, 4, None, 2], "unit price": [2, 2, 3, 2], "total": [0, 0, 0, 0]})


def test_only_rows_where_all_is_true_meet_it_and_missing_cells_do_not():
    assert Constraints(where=["start < end"]).met(ROWS).tolist() == [True, False, False, True]
    assert Constraints(where=["start < end", "start == 1"]).met(ROWS).tolist() == [True, False, False, True]
    assert not Constraints(where=["end > 100"]).met(ROWS).any()


def test_a_column_is_computed_of_others():
    both = Constraints(derive=["total = start * `unit price`", "`unit price` = total / 2"]).derived(ROWS)
    assert {name: values.tolist() for name, values in both.items()} == {
        "total": [2, 10, 9, 2],
        "unit price": [1, 5, 4.5, 1],
    }
    assert ROWS["total"].tolist() == [0, 0, 0, 0]
    assert Constraints(where=["total > 5"], derive=["total = start * 2"]).good(ROWS).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_later_rows_with_the_same_values_are_repeated():
    assert Constraints(unique=["start"]).repeated(ROWS).tolist() == [False, False, False, True]
    assert not Constraints(unique=["start", "end", "total"]).repeated(ROWS)[:3].any()
    assert not Constraints().repeated(ROWS).any()


def test_only_real_combinations_are_kept():
    real = ROWS.iloc[:2]
    assert Constraints(together=["start", "end"], real=real).good(ROWS).tolist() == [True, True, False, True]
    assert Constraints(together=["total"], real=real).known(ROWS).all()


@pytest.mark.parametrize(
    ("constraints", "says"),
    [
        (Constraints(where=["start <"]), "cannot be computed"),
        (Constraints(where=["unit price < 2"]), "start, end, .*`unit price`"),
        (Constraints(where=["strat < end"]), "strat"),
        (Constraints(where=["start + end"]), "not true or false"),
        (Constraints(where=["@pd.io"]), "not an expression"),
        (Constraints(where=["start.__class__"]), "not an expression"),
        (Constraints(derive=["sum = start"]), "with a column of start"),
        (Constraints(derive=["total"]), "expected COLUMN = EXPRESSION"),
        (Constraints(unique=["ent"]), "no such column"),
        (Constraints(together=["strat"], real=ROWS), "no such column"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_words(constraints: Constraints, says: str):
    with pytest.raises(AnewError, match=says):
        constraints.good(ROWS)


def numbers(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count)[:, None].float()


def frame(x: torch.Tensor, _: torch.Tensor) -> pd.DataFrame:
    return pd.DataFrame({"n": x[:, 0].numpy().astype(int), "left": x[:, 0].numpy().astype(int) % 10})


def test_the_first_rows_that_meet_the_constraints_are_drawn():
    x, found, tried = draw_until(20, numbers, frame, Constraints(where=["left == 3"]))
    assert x[:, 0].tolist() == found.tolist() == [3 + 10 * i for i in range(20)]
    assert 194 <= tried < 1_000
    fewer = draw_until(5, numbers, frame, Constraints(where=["left == 3"]))
    assert torch.equal(fewer.x, x[:5])


def test_constraints_that_nothing_meets_end_with_a_message():
    with pytest.raises(AnewError, match=r"only 0 of 4,000 rows that were drawn meet the constraints"):
        draw_until(4, numbers, frame, Constraints(where=["n < 0"]))
    with pytest.raises(AnewError, match="only 10 of"):
        draw_until(11, numbers, frame, Constraints(unique=["left"]))
