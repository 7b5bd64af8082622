"""k, l and t of tables whose values are known, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest
from people import people, real, seen

from anew.errors import AnewError
from anew.evaluation.anonymity import anonymity, beside_real, check_columns, lines
from anew.evaluation.examples import Examples, Real

# Li et al. 2007, tables 3 and 5: incomes and diseases of groups of three.
LI = pd.DataFrame(
    {
        "zip": ["476**"] * 3 + ["4790*"] * 3 + ["476xx"] * 3,
        "salary": [3, 4, 5, 6, 11, 8, 7, 9, 10],
        "disease": [
            "ulcer",
            "gastritis",
            "cancer",
            "gastritis",
            "flu",
            "bronchitis",
            "bronchitis",
            "pneumonia",
            "cancer",
        ],
    }
)


def test_numbers_are_apart_by_their_ranks() -> None:
    """Li et al., section 4.2: 0.375 for the salaries 3, 4 and 5; 0.167 for 6, 8 and 11."""
    assert anonymity(LI, ["zip"], "salary").closeness == pytest.approx(0.375)
    moved = LI.assign(zip=["a" if salary in (6, 8, 11) else "b" for salary in LI["salary"]])
    other = anonymity(moved[moved["zip"] == "a"], ["zip"], "salary")
    assert other.closeness == 0
    assert anonymity(moved, ["zip"], "salary").closeness == pytest.approx(0.167, abs=1e-3)


def test_categories_are_apart_by_their_shares() -> None:
    found = anonymity(pd.DataFrame({"age": [1, 1, 2, 2], "sick": ["yes", "yes", "yes", "no"]}), ["age"], "sick")
    assert (found.k, found.groups, found.diversity, found.closeness) == (2, 2, 1, pytest.approx(0.25))


def test_k_is_the_smallest_group_and_small_ones_are_counted_by_their_rows() -> None:
    table = pd.DataFrame({"age": [30] * 6 + [40] * 3 + [None], "sex": ["f"] * 10})
    found = anonymity(table, ["age", "sex"])
    assert (found.rows, found.groups, found.k, found.small) == (10, 3, 1, pytest.approx(0.4))
    assert found.diversity is None
    assert found.closeness is None
    assert anonymity(table, ["sex"]).k == 10


def test_as_many_generated_rows_as_real_ones_are_looked_at() -> None:
    found = beside_real(seen(people(9, 300)), real(), ["kind", "member"], "town")
    assert found["quasi"] == ["kind", "member"]
    assert found["real"]["rows"] == found["generated"]["rows"] == 300
    shown = {title: (one, other) for title, one, other in lines(found)}
    assert shown["Rows"] == ("300", "300")
    assert any("town" in title for title in shown)
    assert len(lines(beside_real(seen(people(9)), real(), ["kind"], None))) == 4
    assert beside_real(seen(people(9)), real(), [], None) == {}


@pytest.mark.parametrize(
    ("quasi", "sensitive", "message"),
    [
        (["ages"], None, "unknown column 'ages'; did you mean 'age'?"),
        (["age"], "pays", "unknown column 'pays'; did you mean 'pay'?"),
        ([], "pay", "--sensitive pay needs --quasi"),
        (["pay", "age"], "pay", "'pay' cannot be both"),
    ],
)
def test_columns_that_make_no_sense_are_an_error(quasi: list[str], sensitive: str | None, message: str) -> None:
    with pytest.raises(AnewError, match=message):
        check_columns(real(), quasi, sensitive)


def test_what_is_no_table_has_no_columns() -> None:
    side = Examples({"view": people(0)[["age"]].to_numpy()})
    check_columns(Real(side, side, side, side), [], None)
    with pytest.raises(AnewError, match="'age' is no column: these data are no table"):
        check_columns(Real(side, side, side, side), ["age"], None)
