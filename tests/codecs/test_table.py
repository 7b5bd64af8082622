"""Tables as Fields: blocks, splits of columns, what is asked for, pictures, and frames of every kind."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from anew.codecs import load_codec, make_codec, save_codec
from anew.codecs.codec import BadRecord
from anew.codecs.table.codec import TableCodec
from anew.codecs.table.features import NormalScores
from anew.codecs.table.rows import collect
from anew.errors import AnewError
from anew.spaces import Batch, Field

N = 300
rng = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "id": [str(i) for i in range(N)],
        "age": rng.integers(18, 60, N).astype(str),
        "work": rng.choice([" Private", " State", " ?"], N),
        "猫 名": rng.choice(["a", "b"], N),
        "score": rng.normal(size=N).round(3).astype(str),
        "born": pd.Series(pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 9999, N), "D")).dt.strftime(
            "%x"
        ),
        "version": "1",
        "income": rng.choice([">50K", "<=50K"], N),
    }
)


def fitted(frame: pd.DataFrame = PEOPLE, given: tuple[str, ...] = (), **options: str) -> TableCodec:
    codec = make_codec("table", options)
    assert isinstance(codec, TableCodec)
    codec.give(given)
    codec.fit([codec.load(frame)])
    return codec


def field(codec: TableCodec, name: str) -> Field:
    return next(field for field in codec.space.fields if field.name == name)


def of(codec: TableCodec, x: torch.Tensor, *names: str) -> torch.Tensor:
    """What of x (..., F) are fields with these names."""
    places = {field.name: place for place, field in enumerate(codec.space.fields)}
    return x[..., [places[name] for name in names]]


CODEC = fitted()
X = CODEC.encode(PEOPLE)
LEARNED = ["age", "work", "猫 名", "score", "born", "income"]


def test_rows_become_fields_and_come_back():
    assert {field.name for field in CODEC.space.fields} == set(LEARNED)
    assert field(CODEC, "work") == Field("work", 3)
    assert field(CODEC, "age") == Field("age", 42)
    assert field(CODEC, "score") == Field("score", 30, 30)
    assert CODEC.space.contains(X)
    samples = CODEC.decode(X)
    assert list(samples) == list(PEOPLE)
    assert (samples.dtypes == PEOPLE.dtypes).all()
    pd.testing.assert_frame_equal(samples.drop(columns="id"), PEOPLE.drop(columns="id"))
    assert samples["id"].tolist()[:2] == ["300", "301"]
    assert CODEC.decode(X[5:7], first=5)["id"].tolist() == samples["id"].tolist()[5:7]


def test_rows_come_as_frames_blocks_series_or_dictionaries():
    blocks = [PEOPLE.iloc[:100], PEOPLE.iloc[100:]]
    rows = [row for _, row in PEOPLE.iterrows()]
    for loaded in (blocks, rows, PEOPLE.to_dict("records")):
        assert torch.equal(CODEC.encode(loaded), X)
    assert CODEC.encode([]).shape == (0, 6)
    assert CODEC.encode([{"age": 30}]).isnan().sum() == 5


def test_a_block_is_counted_picked_and_hashed_row_by_row():
    rows = np.arange(N) % 3 == 0
    assert CODEC.count(PEOPLE) == N
    assert CODEC.pick(PEOPLE, rows).equals(PEOPLE[rows])
    digests = CODEC.digests(PEOPLE)
    assert len(set(digests)) == N
    assert CODEC.digests(PEOPLE.iloc[7:50]) == digests[7:50]
    assert {len(digest) for digest in digests} == {16}
    assert CODEC.digest(PEOPLE) != CODEC.digest(PEOPLE[rows])


def test_hashes_do_not_depend_on_what_else_is_in_the_block():
    whole = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", "c"], "d": pd.to_datetime(["2020-01-01"] * 3)})
    wide = whole.astype({"n": float, "s": "category", "d": "datetime64[ns]"})
    assert CODEC.digests(whole) == CODEC.digests(wide)
    assert CODEC.digests(whole.iloc[[1]]) == CODEC.digests(wide.iloc[1:2])
    large = pd.DataFrame({"n": [2**60, 2**60 + 1]})
    assert len(set(CODEC.digests(large))) == 2
    assert len(set(CODEC.digests(pd.DataFrame({"a": [[1], [2], [1]]})))) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "two columns named '1'"),
        (pd.DataFrame(index=range(3)), "no columns"),
        ([1, 2], "is a list"),
    ],
)
def test_what_is_no_block(content: Any, message: str):
    with pytest.raises(BadRecord, match=message):
        CODEC.load(content)


def test_what_is_given_is_left_out_of_x():
    codec = fitted(given=("income", "age"))
    assert codec.without == ("income", "age")
    assert {field.name for field in codec.space.fields} == {"work", "猫 名", "score", "born"}
    told = codec.told(PEOPLE, {"file": "x.csv"}, ("income", "age", "file"))
    assert told[0] == {"income": PEOPLE["income"][0], "age": int(PEOPLE["age"][0]), "file": "x.csv"}
    again = load_codec(json.loads(json.dumps(save_codec(codec), allow_nan=False)))
    assert isinstance(again, TableCodec)
    samples = again.decode(again.encode(PEOPLE))
    assert list(samples) == [name for name in PEOPLE if name not in ("income", "age")]
    whole = again.with_given(samples, told)
    pd.testing.assert_frame_equal(whole.drop(columns="id"), PEOPLE.drop(columns="id"))


def test_what_is_told_has_its_type_and_missing_cells_are_none():
    told = CODEC.told(PEOPLE[:50], {}, ("work", "score", "born"))
    assert {row["work"] for row in told} == {"Private", "State", None}
    assert {type(row["score"]) for row in told} == {float}
    assert told[0]["born"] == pd.Timestamp(PEOPLE["born"][0]).strftime("%Y-%m-%d")
    assert CODEC.told(PEOPLE[:2], {"label": 1}, ("label",)) == [{"label": 1}] * 2


@pytest.mark.parametrize("size", [1, 70, 333])
def test_a_long_table_is_measured_by_rows_from_all_of_it(size: int):
    blocks = (pd.DataFrame({"n": np.arange(start, min(start + size, 700))}) for start in range(0, 700, size))
    assert collect(blocks, 100)["n"].tolist() == list(range(0, 700, 8))


def test_columns_can_be_said_to_be_something_else():
    codec = fitted(**{"columns.id": "number", "columns.age": "category", "columns.猫 名": "drop"})
    kinds = {name: kind for name, kind, _ in codec.overview()}
    assert kinds | {"id": "whole number", "age": "category", "猫 名": "drop"} == kinds
    assert "猫 名" not in codec.decode(codec.encode(PEOPLE))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns.ag": "number"}, "unknown column 'ag'; did you mean 'age'"),
        ({"columns.age": "numbr"}, "unknown codec.columns.age 'numbr'; did you mean 'number'"),
        ({"columns": "number"}, "unknown setting 'codec.columns'; did you mean 'codec.columns.NAME'"),
        ({"rare.age": "3"}, "unknown setting 'codec.rare.age'"),
        ({"rare": "few"}, "codec.rare=few"),
    ],
)
def test_settings_that_do_not_fit(options: dict[str, str], message: str):
    with pytest.raises(AnewError, match=message):
        fitted(**options)


def test_names_of_columns_may_have_dots_and_spaces():
    options = make_codec("table", {"columns.a.b c=d.猫": "category", "rare": "20"}).options
    assert options.columns == {"a.b c=d.猫": "category"}
    assert options.rare == 20


def test_tables_with_nothing_to_learn():
    for frame in (PEOPLE[["id", "version"]], pd.DataFrame({"a": [None] * 9})):
        with pytest.raises(AnewError, match=r"no column to learn.*codec\.columns\.NAME=category"):
            fitted(frame)
    with pytest.raises(AnewError, match="unknown column 'incom'"):
        fitted(given=("incom",))


def test_what_was_decided_is_said():
    assert CODEC.describe() == (
        "8 columns (category: 3, identifier: 1, whole number: 1, decimal number: 1, datetime: 1, constant: 1; "
        "--set codec.columns.NAME=KIND overrides)"
    )
    overview = {name: (kind, what) for name, kind, what in CODEC.overview()}
    share = (PEOPLE["work"] == " ?").mean() * 100
    assert overview["work"] == ("category", f"2 categories, {share:.1f} % missing written as '?'")
    assert overview["age"] == ("whole number", "18 to 59, 42 values")
    assert overview["version"] == ("constant", "always '1'")
    assert overview["id"] == ("identifier", "new ones, such as 300")


def test_rows_that_are_asked_for():
    wanted = CODEC.partial({"work": "State", "age": "30", "猫 名": "b"})
    assert not of(CODEC, wanted, "work", "age", "猫 名").isnan().any()
    assert of(CODEC, wanted, "score", "born", "income").isnan().all()
    row = CODEC.decode(wanted[None]).iloc[0]
    assert (row["work"], row["age"], row["猫 名"]) == (" State", "30", "b")
    assert CODEC.decode(CODEC.partial({"work": ""})[None])["work"][0] == " ?"
    for wanted, message in (({"aeg": 3}, "did you mean 'age'"), ({"work": "Privat"}, "did you mean 'Private'")):
        with pytest.raises(AnewError, match=message):
            CODEC.partial(wanted)


def test_each_value_of_a_column():
    choices = CODEC.choices("income")
    assert sorted(CODEC.decode(choices)["income"]) == ["<=50K", ">50K"]
    assert choices.isnan().sum(1).tolist() == [5, 5]
    with pytest.raises(AnewError, match="'score' has no list of values"):
        CODEC.choices("score")


def test_missing_cells_are_found_and_filled_in():
    holes = PEOPLE[::-1].assign(work=[" ?", "", " State"] * (N // 3), extra=1).drop(columns="score")
    x = CODEC.encode(holes)
    assert of(CODEC, CODEC.missing(x), "work").sum() == CODEC.missing(x).sum() == N * 2 // 3
    x[CODEC.missing(x)] = 1
    x = torch.where(x.isnan(), X, x)
    filled = CODEC.fill(holes, x)
    assert list(filled) == [*PEOPLE, "extra"]
    assert filled["score"].tolist() == PEOPLE["score"].tolist()
    assert filled["age"].tolist() == holes["age"].tolist()
    assert (filled["work"] == " State").sum() >= N // 3
    assert set(filled["work"]) <= {" State", " Private"}


def test_both_fields_of_many_categories_are_missing_together():
    table = pd.DataFrame({"c": [f"c{i}" for i in range(700)] * 3 + [""] * 50, "n": ["1", "2"] * 1075})
    codec = fitted(table)
    assert of(codec, codec.missing(codec.encode(table))[-1], "c (group)", "c (member)", "n").tolist() == [1, 1, 0]


def test_cells_in_their_types_for_measuring():
    typed = CODEC.typed(PEOPLE)
    assert list(typed) == LEARNED
    assert typed["age"].tolist() == PEOPLE["age"].astype(float).tolist()
    assert typed["work"].isna().sum() == (PEOPLE["work"] == " ?").sum()
    assert typed["born"].dtype.kind == "M"
    assert list(CODEC.typed(PEOPLE, learned=False)) == list(PEOPLE)
    for name in ("age", "score", "born", "work"):
        assert CODEC.written(name, typed[name]).tolist() == PEOPLE[name].tolist()


def test_numbers_are_compared_by_rank_and_beyond_the_range_by_distance():
    scores = NormalScores(np.concatenate([np.arange(999.0), [1e9, np.nan]]))
    assert scores(np.array([499.5]))[0] == pytest.approx(0, abs=0.01)
    assert np.diff(scores(np.array([-1e9, -1.0, 0.0, 1.0, 998.0, 1e9, 1e10]))).min() > 0
    assert NormalScores(np.array([np.nan]))(np.array([0.0])).tolist() == [0.0]


def test_features_are_numbers_and_categories_side_by_side():
    codec = fitted()
    with pytest.raises(RuntimeError):
        codec.features(PEOPLE)
    codec.fit_features(Batch(X))
    view = codec.features(PEOPLE)["plain"]
    assert view.dtype == np.float32
    assert np.isfinite(view).all()
    assert view[:, 0].std() == pytest.approx(1, abs=0.05)
    one, other = PEOPLE.iloc[[0]], PEOPLE.iloc[[0]].assign(income=">50K")
    other = other if other["income"].iloc[0] != one["income"].iloc[0] else one.assign(income="<=50K")
    assert np.linalg.norm(codec.features(one)["plain"] - codec.features(other)["plain"]) == pytest.approx(1)
    assert np.isfinite(codec.features(PEOPLE.drop(columns=["age", "work"]))["plain"]).all()


def test_files_arrays_and_pictures():
    row = json.loads(CODEC.to_bytes(PEOPLE.iloc[0]))
    assert row == PEOPLE.iloc[0].to_dict()
    typed = pd.DataFrame(
        {"n": pd.array([1, None], "Int64"), "猫": ["a", None], "d": pd.to_datetime(["2020-01-01", None])}
    )
    assert json.loads(CODEC.to_bytes(typed.iloc[1])) == {"n": None, "猫": None, "d": None}
    array = CODEC.to_array(typed)
    assert array["猫"].tolist() == ["a", ""]
    assert array["n"].tolist()[0] == 1
    assert not array.dtype.hasobject
    wide = pd.DataFrame({f"column {i}": ["long text " * 99, "猫", None] for i in range(500)})
    for frame in (PEOPLE, PEOPLE[:0], typed, wide):
        picture = Image.open(io.BytesIO(CODEC.show(frame)))
        assert picture.format == "PNG"
        assert picture.width <= 2500


def test_nothing_else_is_needed_than_json():
    again = load_codec(json.loads(json.dumps(save_codec(CODEC), allow_nan=False)))
    assert isinstance(again, TableCodec)
    assert again.overview() == CODEC.overview()
    assert again.decode(X).equals(CODEC.decode(X))
    for damaged in ({"class": "Nonsense"}, {"class": "Category"}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            load_codec({**save_codec(CODEC), "columns": [damaged]})


CELLS = {
    "whole": st.integers(-(10**6), 10**6).map(str) | st.just("?"),
    "decimals": st.decimals(-1000, 1000, places=2).map(str) | st.just(""),
    "texts": st.text("ab猫 -?", max_size=3),
    "words": st.sampled_from(["yes", "no", "NA", "1,234", "2020-01-01", "x"]),
    "floats": st.floats(allow_nan=True, allow_infinity=True, width=32),
    "mixed": st.none() | st.integers() | st.text(max_size=3) | st.booleans() | st.floats(),
    "dates": st.datetimes().map(pd.Timestamp) | st.just(pd.NaT),
}


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 60))
def test_any_frame_is_read_coded_written_and_kept(data: st.DataObject, n: int):
    columns = {name: data.draw(st.lists(cell, min_size=n, max_size=n), name) for name, cell in CELLS.items()}
    frame = pd.DataFrame(columns).assign(always=["a", "b"] * (n // 2) + ["b"] * (n % 2))
    if n < 2:
        return
    codec = fitted(frame)
    x = codec.encode(frame)
    assert codec.space.contains(x)
    assert n >= 20 or not x.isnan().any()  # every training row is known, but for words among numbers
    samples = codec.decode(x)
    assert list(samples) == list(frame)
    again = load_codec(json.loads(json.dumps(save_codec(codec), allow_nan=False)))
    assert again.decode(x).equals(samples)
    back = codec.encode(samples)
    exact = [not field.intervals for field in codec.space.fields]
    assert torch.equal(back[:, exact].nan_to_num(-1), x[:, exact].nan_to_num(-1))
    random = codec.space.random(20, torch.Generator().manual_seed(0))
    assert codec.space.contains(codec.encode(codec.decode(random)))
    codec.fit_features(Batch(x))
    assert np.isfinite(codec.features(samples)["plain"]).all()
    assert codec.show(samples)
    assert len(codec.to_array(samples)) == n
    assert len(codec.digests(frame)) == n
