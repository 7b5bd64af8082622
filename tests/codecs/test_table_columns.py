"""Which kind a column is, from the messy texts and types that people have."""

from __future__ import annotations

import uuid
from datetime import date, time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anew.codecs.table.columns import Column, column_from_json, column_to_json, fit_column
from anew.errors import AnewError

N = 400
rng = np.random.default_rng(0)
DAYS = pd.Series(pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 900, N), unit="D"))
MINUTES = pd.Series(pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 20_000, N), unit="min"))


def some(*values: Any) -> list[Any]:
    return [values[i] for i in rng.integers(0, len(values), N)]


def fit(values: Any, asked: Any = None, rare: int = 0, name: str = "x") -> Column:
    return fit_column(name, values if isinstance(values, pd.Series) else pd.Series(values), asked, rare)


def back(column: Column, values: Any) -> list[Any]:
    """Encoded, decoded, and through JSON."""
    again = column_from_json(column_to_json(column))
    assert again == column
    return again.decode(again.encode(pd.Series(values))).tolist()


NUMBERS = rng.integers(0, 500_000, N)
TEXTS = {
    "whole": ([str(v) for v in NUMBERS], "whole number"),
    "spaces before": ([f" {v}" for v in NUMBERS], "whole number"),
    "thousands": ([f"{v:,}" for v in NUMBERS], "whole number"),
    "Swiss": ([f"{v:,}".replace(",", "'") for v in NUMBERS], "whole number"),
    "German": ([f"{v:,}".replace(",", ".") + ",50" for v in NUMBERS], "decimal number"),
    "decimal comma": ([f"{v % 100},{v % 10}" for v in NUMBERS], "decimal number"),
    "dollars": ([f"${v / 100:,.2f}" for v in NUMBERS], "decimal number"),
    "percent": ([f"{v % 100} %" for v in NUMBERS], "whole number"),
    "always two decimals": ([f"{v % 977 / 20:.2f}" for v in NUMBERS], "decimal number"),
    "no needless decimals": ([f"{v % 977 / 20:g}" for v in NUMBERS], "decimal number"),
    "exponents": ([f"{v % 300:.1e}" for v in NUMBERS], "whole number"),
    "floats of whole numbers": ([f"{v % 300}.0" for v in NUMBERS], "whole number"),
    "ISO": (DAYS.dt.strftime("%Y-%m-%d"), "datetime"),
    "digits": (DAYS.dt.strftime("%Y%m%d"), "datetime"),
    "US": (DAYS.dt.strftime("%m/%d/%Y"), "datetime"),
    "UK": (DAYS.dt.strftime("%d/%m/%Y"), "datetime"),
    "German dates": (DAYS.dt.strftime("%d.%m.%Y"), "datetime"),
    "without zeros": ([f"{d.month}/{d.day}/{d.year} {d.hour}:{d.minute:02d}" for d in MINUTES], "datetime"),
    "ISO with zone": (MINUTES.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"), "datetime"),
    "milliseconds": (MINUTES.dt.strftime("%Y-%m-%d %H:%M:%S.125"), "datetime"),
    "AM and PM": (MINUTES.dt.strftime("%m/%d/%Y %I:%M %p"), "datetime"),
    "names of months": (DAYS.dt.strftime("%d %b %Y"), "datetime"),
    "clock": (MINUTES.dt.strftime("%H:%M"), "datetime"),
    "far future": (some("9999-12-31", "2020-01-01", "2020-05-01"), "datetime"),
    "boolean": (some("True", "False"), "boolean"),
    "yes and no": (some(" yes", " no"), "boolean"),
    "category": (some("a", "b c", "猫"), "category"),
    "post codes": ([f"{v % 90:05d}" for v in NUMBERS], "category"),
    "versions": (some("1.2.3", "1.10.2"), "category"),
    "large numbers": ([str(2**60 + v % 9) for v in NUMBERS], "category"),
    "constant": ([" x"] * N, "constant"),
    "one number": (["7"] * N, "constant"),
    "all missing": (["-"] * N, "all missing"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts_are_read_and_written_as_the_source_does(what: str):
    texts, kind = TEXTS[what]
    column = fit(texts)
    assert column.kind == kind
    assert back(column, texts) == list(texts)
    assert column.describe()


TYPED = {
    "int8": (pd.Series(rng.integers(0, 9, N), dtype="int8"), "whole number"),
    "Int64": (pd.Series(some(1, 2, None), dtype="Int64"), "whole number"),
    "whole with NaN": (pd.Series(some(1.0, 2.0, np.nan)), "whole number"),
    "cents as float32": (pd.Series(rng.integers(0, 99, N) / 100, dtype="float32"), "decimal number"),
    "bool": (pd.Series(some(True, False)), "boolean"),
    "bool with None": (pd.Series(some(True, False, None), dtype=object), "boolean"),
    "dates": (DAYS, "datetime"),
    "dates of nanoseconds": (DAYS.astype("datetime64[ns]"), "datetime"),
    "dates of a zone": (DAYS.dt.tz_localize("Europe/Berlin"), "datetime"),
    "objects of dates": (pd.Series(some(date(2020, 1, 1), date(2020, 1, 7), None), dtype=object), "datetime"),
    "dates as whole numbers": (DAYS.dt.strftime("%Y%m%d").astype(int), "datetime"),
    "durations": (pd.Series(pd.to_timedelta(rng.integers(0, 9, N), unit="h")), "whole number"),
    "decimals": (pd.Series(some(Decimal("1.50"), Decimal("2.25"), None), dtype=object), "decimal number"),
    "categories": (pd.Series(some("a", "b", None), dtype="category"), "category"),
    "categories of numbers": (pd.Series(some(1, 2), dtype="category"), "whole number"),
    "None among texts": (pd.Series(some("a", "b", None)), "category"),
    "times": (pd.Series(some(time(8, 30), time(9, 15)), dtype=object), "datetime"),
    "nothing": (pd.Series([np.nan] * N), "all missing"),
    "None": (pd.Series([None] * N, dtype=object), "all missing"),
}


@pytest.mark.parametrize("what", TYPED)
def test_typed_columns_keep_values_and_type(what: str):
    values, kind = TYPED[what]
    column = fit(values)
    assert column.kind == kind
    written = column.decode(column.encode(values))
    assert written.dtype == values.dtype
    pairs = zip(written.map(str, na_action="ignore"), values.map(str, na_action="ignore"))
    assert all(
        pd.isna(a) and pd.isna(b) if pd.isna(b) else float(a) == float(b) if what == "decimals" else a == b
        for a, b in pairs
    )
    assert column_from_json(column_to_json(column)) == column


@pytest.mark.parametrize("token", ["", "?", "NA", "N/A", "null", "-", " ?", "NaN"])
@pytest.mark.parametrize("values", [["1", "2", "3"], ["a", "b"], ["yes", "no"], ["2020-01-01", "2020-02-01"]])
def test_missing_cells_are_a_code_of_their_own_and_written_as_they_were(token: str, values: list[str]):
    texts = [*some(*values), token, token]
    column = fit(texts)
    x = column.encode(pd.Series(texts))
    assert x[-1, 0] == 0
    assert x[:-2].min() >= 1
    assert back(column, texts) == texts
    assert f"'{token.strip()}'" in column.describe()


def test_the_most_frequent_word_for_missing_is_written():
    column = fit(["a", "b", "NA", "NA", "?"] * 9)
    assert back(column, ["NA", "?"]) == ["NA", "NA"]
    assert "60.0 % missing" in column.describe()


def test_where_nothing_was_missing_a_missing_cell_is_not_known():
    for texts in (["1", "2"] * 9, ["a", "b"] * 9):
        assert np.isnan(fit(texts).encode(pd.Series([""]))).all()


def test_unseen_categories_are_not_known_and_unseen_numbers_are_the_nearest():
    assert np.isnan(fit(["a", "b"] * 9).encode(pd.Series(["c"]))).all()
    assert back(fit(["1", "5", "9"] * 9), ["6", "100", "-4"]) == ["5", "9", "1"]


def test_numbers_with_a_few_words_among_them():
    texts = [*(str(v) for v in NUMBERS), *["unknown"] * 9, "typo"]
    column = fit(texts)
    assert column.kind == "whole number"
    assert "'unknown'" in column.describe()
    assert back(column, ["unknown"]) == ["unknown"]
    assert np.isnan(column.encode(pd.Series(["typo"]))).all()
    assert fit([*map(str, range(50)), *["unknown"] * 9]).kind == "category"


def test_spaces_that_not_all_cells_have_are_dropped():
    column = fit(["a", " a", "b "] * 9)
    assert back(column, [" a", "b "]) == ["a", "b"]
    assert column.fields[0].values == 2


def test_dates_that_could_be_either_have_the_month_first():
    assert "%m/%d/%Y" in fit(["03/04/2024", "05/06/2024"] * 9).describe()
    assert "%d/%m/%Y" in fit(["03/04/2024", "25/06/2024"] * 9).describe()


def test_digits_that_are_no_dates_are_numbers():
    assert fit(["20240320", "20241320", "20240101"] * 9).kind == "whole number"


@pytest.mark.parametrize(
    ("names", "form"),
    [
        ([str(i) for i in range(N)], r"\d+"),
        ([f"AB-{i:04d}" for i in rng.permutation(9999)[:N]], r"AB-\d{4}"),
        ([f"INV/{i:06d}" for i in range(N)], r"INV/\d{6}"),
        ([str(uuid.UUID(int=int.from_bytes(rng.bytes(16), "big"), version=4)) for _ in range(N)], r"[0-9a-f-]{36}"),
        ([f"{a}{i:03d}" for i, a in enumerate(some(*"ABCDEFGH"))], r"[A-H]\d{3}"),
        ([uuid.UUID(int=i) for i in range(N)], r"[0-9a-f-]{36}"),
    ],
)
def test_names_of_rows_are_made_anew(names: list[Any], form: str):
    column = fit(pd.Series(names))
    assert column.kind == "identifier"
    assert column.fields == ()
    made = column.decode(np.empty((300, 0), np.float32))
    assert made.is_unique
    assert made.str.fullmatch(form).all()
    assert not set(made) & {str(name) for name in names}
    later = column.decode(np.empty((100, 0), np.float32), first=200)
    assert later.tolist() == made[200:].tolist()


def test_numbers_of_rows_go_on_and_keep_their_type():
    column = fit(pd.Series(range(5, 5 + N), dtype="int32"))
    made = column.decode(np.empty((3, 0), np.float32))
    assert (made.tolist(), made.dtype) == ([N + 5, N + 6, N + 7], "int32")
    large = fit(pd.Series(rng.integers(0, 2**63, N).astype("uint64") * 2, name="id"), name="id")
    made = large.decode(np.empty((3, 0), np.float32))
    assert (large.kind, made.dtype, made.is_unique) == ("identifier", "uint64", True)


def test_more_names_than_a_form_has_are_still_unique():
    column = fit([f"A{i}" for i in range(10)], "id")
    assert column.decode(np.empty((50, 0), np.float32)).is_unique


def test_names_that_may_be_missing_have_a_field_for_that():
    names = [f"AB-{i:04d}" if i % 3 else "" for i in range(N)]
    column = fit(names)
    assert column.fields[0].values == 2
    assert [name == "" for name in back(column, names)] == [name == "" for name in names]


def test_numbers_are_no_names_only_because_they_differ():
    assert fit(rng.permutation(10**6)[:N]).kind == "whole number"
    assert fit(rng.permutation(10**6)[:N], name="customer_id").kind == "identifier"
    assert fit(range(1870, 2020)).kind == "whole number"


def test_free_texts_are_left_empty_and_said_so():
    texts = [f"{i} " + "long text " * 1000 for i in range(N)]
    column = fit(texts)
    assert (column.kind, column.fields) == ("free text", ())
    assert column.decode(np.empty((2, 0), np.float32)).isna().all()
    assert "codec.columns.x=category" in column.describe()
    assert fit([f"Ada {i} Smith" for i in range(N)]).kind == "free text"
    assert fit(["".join(rng.choice([*"aeioubdg"], 9)) for _ in range(N)]).kind == "free text"


def test_long_cells_that_repeat_are_categories():
    texts = some("a" * 10_000, "b" * 10_000)
    assert back(fit(texts), texts) == texts


def test_100_000_categories_are_two_fields():
    names = pd.Series([f"c{i}" for i in range(100_000)] * 2)
    column = fit(names)
    assert [field.values for field in column.fields] == [316, 317]
    assert back(column, names[::7]) == names[::7].tolist()
    assert np.isnan(column.encode(pd.Series(["new"]))).all()
    assert column.decode(np.array([[315, 316]], np.float32))[0] in set(names)


def test_many_categories_with_missing_cells():
    names = pd.Series([f"c{i % 999}" if i % 5 else "NA" for i in range(6000)])
    column = fit(names)
    assert column.kind == "many categories"
    x = column.encode(names)
    assert (x[::5] == 0).all()
    assert (x[1::5, 0] >= 1).all()
    assert back(column, names) == names.tolist()
    assert np.isnan(column.encode(pd.Series(["new"]))).all()


def test_rare_categories_are_never_written():
    texts = ["a"] * 50 + ["b"] * 30 + [f"secret {i}" for i in range(10)] * 2
    column = fit(texts, rare=20)
    assert set(back(column, texts)) == {"a", "b", "other"}
    assert "secret" not in str(column_to_json(column))
    typed = fit(pd.Series([1] * 50 + [2] * 30 + [3, 4]), "category", rare=20)
    written = typed.decode(typed.encode(pd.Series([1, 2, 3])))
    assert written.tolist()[:2] == [1, 2]
    assert pd.isna(written[2])


def test_rare_numbers_get_no_code_and_do_not_bound_the_range():
    values = pd.Series([*rng.integers(0, 50, 2000), 123_456, -99])
    column = fit(values, rare=20)
    assert {"123456", "-99"}.isdisjoint(map(str, back(column, values)))
    assert "123456" not in str(column_to_json(column))
    many = pd.Series([*rng.integers(0, 50_000, 3000), 123_456_789])
    assert max(back(fit(many, rare=20), many)) <= sorted(many)[-20]


@pytest.mark.parametrize(
    ("values", "asked", "kind"),
    [
        (["01234", "1"] * 9, "number", "whole number"),
        (["1", "2"] * 9, "category", "category"),
        ([1.5, 2.5] * 9, "category", "category"),
        ([0, 1] * 9, "boolean", "boolean"),
        (["2020-01-01", "x", "y"] * 9, "datetime", "datetime"),
        ([20200101, 20200102] * 9, "datetime", "datetime"),
        (["a", "b"] * 9, "id", "identifier"),
        ([f"{i} free words here" for i in range(50)], "category", "category"),
        ([date(2020, 1, 1), date(2020, 1, 2)] * 9, "category", "category"),
    ],
)
def test_a_user_can_say_what_a_column_is(values: list[Any], asked: str, kind: str):
    column = fit(values, asked)
    assert column.kind == kind
    if kind == "category":
        assert back(column, values) == values


@pytest.mark.parametrize(
    ("asked", "message"), [("number", "no numbers"), ("datetime", "no dates"), ("boolean", "3 distinct values")]
)
def test_what_a_column_cannot_be(asked: str, message: str):
    with pytest.raises(AnewError, match=message):
        fit(["a", "b", "c"] * 9, asked)


def test_values_that_a_person_types():
    sex, age = fit([" Female", " Male"] * 99), fit([f"{v}" for v in rng.integers(20, 60, N)])
    assert sex.decode(np.array([sex.ask("Female"), sex.ask("male")])).tolist() == [" Female", " Male"]
    assert age.decode(age.ask("30")[None])[0] == age.decode(age.ask(30)[None])[0] == "30"
    good = fit(pd.Series([True, False] * 9))
    assert good.decode(np.array([good.ask("yes"), good.ask("false")])).tolist() == [True, False]
    assert fit(["1", ""] * 9).ask("").tolist() == [0]


@pytest.mark.parametrize(
    ("values", "asked", "message"),
    [
        (["Female", "Male"] * 9, "Femal", "did you mean 'Female'"),
        (["1", "2", "3"] * 9, "many", "'many' is not a whole number.* 1 to 3"),
        (["1", "2", "3"] * 9, "200", "out of range.* 1 to 3"),
        (["2020-01-01", "2020-01-05"] * 9, "2030-01-01", "out of range"),
        (["a", "b"] * 9, "", "no missing cells"),
        (["a"] * 9, "a", "not learned"),
    ],
)
def test_values_that_cannot_be_asked_for(values: list[str], asked: str, message: str):
    with pytest.raises(AnewError, match=message):
        fit(values).ask(asked)
