"""How a row is judged, and how its numbers read."""

from __future__ import annotations

from typing import Any

import pytest

from anew.evaluation.cost import FACTS, cost
from anew.evaluation.row import INCONCLUSIVE, Row, judge
from anew.evaluation.value import Value


def value(middle: float, half: float = 0.01) -> Value:
    return Value(middle, middle - half, middle + half, 100)


def row(middle: Value | None, floor: Value | None, ceiling: Value | None, **more: Any) -> Row:
    return Row("key", "Title", "Question?", more.pop("unit", ""), middle, floor, ceiling, more.pop("better", "low"))


LOW, HIGH = value(0.1), value(0.9)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (row(value(0.1), LOW, HIGH), "as good as real data"),
        (row(value(0.0), LOW, HIGH), "as good as real data"),
        (row(value(0.9), LOW, HIGH), "no better than the baseline"),
        (row(value(2.0), LOW, HIGH), "no better than the baseline"),
        (row(value(0.3), LOW, HIGH), "75 % of the way to real data"),
        (row(value(0.3), HIGH, LOW, better="high"), "25 % of the way to real data"),
        (row(value(1.0), HIGH, LOW, better="high"), "as good as real data"),
        (row(value(0.0), HIGH, LOW, better="high"), "no better than the baseline"),
        (row(None, LOW, HIGH), INCONCLUSIVE),
        (row(value(0.5, 0.6), LOW, HIGH), INCONCLUSIVE),  # overlaps both ends
        (row(value(0.5), value(0.4, 0.2), value(0.6, 0.2)), INCONCLUSIVE),  # the ends overlap
        (row(value(0.1), value(0.4, 0.2), value(0.6, 0.2)), INCONCLUSIVE),  # ... and better than both is no news
        (row(value(5.0), value(0.4, 0.2), value(0.6, 0.2)), "no better than the baseline"),  # ... but worse is
        (row(value(0.5), HIGH, LOW), INCONCLUSIVE),  # the baseline beats real data
        (row(value(0.5), None, None), ""),
    ],
)
def test_a_row_is_judged_by_where_its_value_stands(found: Row, verdict: str) -> None:
    assert judge(found) == found.judged().verdict == verdict


@pytest.mark.parametrize(
    ("unit", "number", "text"),
    [
        ("share", 0.823, "82 %"),
        ("share", 0.0123, "1.2 %"),
        ("share", -0.02, "−2.0 %"),
        ("share", -0.0001, "0.0 %"),
        ("× noise", 3.14159, "3.14 × noise"),
        ("× noise", 31.4159, "31.4 × noise"),
        ("", 2_140_345.0, "2,140,345"),
        ("", 0.3149, "0.31"),
        ("", -0.001, "0.00"),
        ("s", 12.0, "12.0 s"),
    ],
)
def test_numbers_read_well(unit: str, number: float, text: str) -> None:
    assert row(None, None, None, unit=unit).text(number) == text


def test_a_row_survives_json() -> None:
    for found in (row(value(0.3), LOW, HIGH, unit="share", better="high").judged(), row(None, None, None)):
        assert Row.from_json(found.to_json()) == found


def test_cost_has_a_row_for_each_known_fact() -> None:
    rows = cost({"parameters": 2_140_345, "training_seconds": 60.3, "memory_megabytes": None, "unheard_of": 1})
    assert [row.key for row in rows] == ["cost/parameters", "cost/training_seconds"]
    assert [row.text(row.value.value) for row in rows if row.value] == ["2,140,345", "60.3 s"]
    assert all(row.floor is None and row.ceiling is None and row.value and row.value.n == 1 for row in rows)
    assert cost({}) == []
    assert len(cost(dict.fromkeys(FACTS, 1.0))) == len(FACTS)


def test_values_scale_clip_and_overlap() -> None:
    assert value(2, 1).over(2) == Value(1, 0.5, 1.5, 100)
    assert value(1, 0.5).clip(0, 1) == Value(1, 0.5, 1, 100)
    assert value(1, 0.5).overlaps(value(2, 0.5))
    assert not value(1, 0.4).overlaps(value(2, 0.5))
