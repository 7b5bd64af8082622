"""What private training lets a codec of tables see."""

from __future__ import annotations

import json
import math
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import anew
from anew.codecs.table import codec as table
from anew.codecs.table.codec import TableCodec, TableOptions
from anew.codecs.table.columns import private
from anew.codecs.table.columns.private import UNSEEN, NoisyCounts, private_columns
from anew.errors import AnewError
from anew.run import Run
from anew.training.private_account import spent

LITTLE = 1e-6  # noise


def made_up(cells: Any, noise: float = LITTLE) -> pd.Series:
    return private_columns(pd.DataFrame({"a": cells}), noise)["a"]


# --- noisy counts


def test_what_one_row_alone_has_is_hardly_ever_shown():
    counts = NoisyCounts(30, 5.0)
    assert counts.deviation == pytest.approx(5 * math.sqrt(30))
    assert 30 * norm.sf(counts.threshold, 1, counts.deviation) == pytest.approx(UNSEEN)


def test_counts_are_noisy():
    counts = NoisyCounts(1, 3.0)
    noise = counts.release(np.arange(1000).repeat(500)) - 500
    assert noise.std() == pytest.approx(3, rel=0.1)
    assert abs(noise.mean()) < 0.5
    assert (NoisyCounts(1, 3.0).release(np.arange(1000).repeat(500)) - 500 != noise).all()


def test_few_are_not_shown():
    assert (NoisyCounts(1, 3.0).release(np.arange(1000)) == 0).all()
    assert (NoisyCounts(1, 3.0).release(np.array([3] * 1000))[:3] == 0).all(), "what nobody has gets no noise"


def test_each_row_counts_once_in_each_histogram(monkeypatch: pytest.MonkeyPatch):
    seen, release = [], NoisyCounts.release
    monkeypatch.setattr(NoisyCounts, "release", lambda self, codes: seen.append(codes) or release(self, codes))
    made: list[int] = []
    monkeypatch.setattr(private, "NoisyCounts", lambda n, noise: made.append(n) or NoisyCounts(n, noise))
    private_columns(pd.DataFrame({"a": ["x", "1", None] * 20, "b": [1.5, 2.0, np.nan] * 20}), 1.0)
    assert made == [len(seen)], "the noise is for as many as there are"
    assert {len(codes) for codes in seen} == {60}


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**6), 10**6).map(float)
TEXTS = st.text(max_size=6) | st.dates().map(str) | st.integers().map(str) | st.floats().map(str) | st.none()


@pytest.mark.parametrize("width", private._WIDTHS)
@settings(deadline=None, max_examples=40)
@given(cells=st.lists(NUMBERS, min_size=2, max_size=6) | st.lists(TEXTS, min_size=2, max_size=6))
def test_what_is_around_a_cell_follows_from_the_cell_alone(cells: list[Any], width: int):
    column = pd.Series(cells, dtype=None if isinstance(cells[0], float) else object)
    whole = private._neighbourhoods(column, width)
    alone = [private._neighbourhoods(column.iloc[[i]], width)[0] for i in range(len(column))]
    assert whole.tolist() == alone


@given(numbers=st.lists(st.floats(1e-200, 1e200) | st.floats(-1e200, -1e-200), min_size=1))
def test_numbers_around_a_number_are_near(numbers: list[float]):
    there = np.array(numbers)
    near = private._sizes(there, np.full(len(there), private._DECIMALS), 16)
    drawn, _ = private._numbers(near, 16, np.random.default_rng(0).random(len(there)))
    assert (np.abs(drawn / there - 1) < 1 / 16 + 1e-9).all()


# --- columns


def test_cells_that_many_rows_share_stay():
    cells = [" A"] * 400 + ["?"] * 200 + [None] * 100 + ["7"] * 100 + ["rare"]
    counts = made_up(pd.Series(cells, dtype=object), noise=1.0).value_counts(dropna=False)
    assert set(counts.index.map(str)) in ({" A", "?", "None", "7"}, {" A", "?", "nan", "7"})
    assert counts[" A"] == pytest.approx(400, abs=15)


def test_cells_of_one_row_each_are_gone():
    assert not len(made_up([f"person {i}" for i in range(1000)], noise=1.0))


@pytest.mark.parametrize("dtype", ["str", "float64", "object"])
def test_numbers_are_about_where_they_were(dtype: str):
    """And as precise: prices in cents."""
    prices = np.random.default_rng(0).lognormal(3, 1, 5000).round(2)
    made = made_up(pd.Series([f"{price:.2f}" for price in prices] if dtype != "float64" else prices, dtype=dtype), 1.0)
    numbers = made.astype(float)
    assert str(made.dtype) == dtype
    assert (numbers.round(2) == numbers).all()
    assert len(numbers) == pytest.approx(5000, rel=0.05)
    assert numbers.quantile([0.1, 0.5, 0.9]).to_numpy() == pytest.approx(np.quantile(prices, [0.1, 0.5, 0.9]), rel=0.1)
    assert numbers.max() < 4 * np.quantile(prices, 0.999), "the few at the ends are gone"


def test_whole_numbers_of_either_sign():
    numbers = np.random.default_rng(0).normal(0, 1000, 5000).round().astype(int)
    made = made_up(numbers, 1.0)
    assert made.dtype == np.int64
    assert made.quantile([0.1, 0.9]).to_numpy() == pytest.approx(np.quantile(numbers, [0.1, 0.9]), rel=0.1)


def test_dates_are_about_where_they_were():
    days = [date(2020, 1, 1) + timedelta(int(i)) for i in np.random.default_rng(0).integers(0, 1000, 5000)]
    texts, stamps = made_up([str(day) for day in days], 1.0), made_up(pd.to_datetime(days), 1.0)
    assert texts.str.fullmatch(r"20\d\d-\d\d-\d\d").all()
    for made in (pd.to_datetime(texts), stamps):
        assert abs(made.quantile(0.5).date() - date(2021, 5, 15)) < timedelta(40)
        assert (made.dt.normalize() == made).all(), "whole days"


def test_the_other_kinds_of_columns():
    rows = pd.DataFrame({
        "truth": [True, False] * 300, "kind": pd.Categorical(["x"] * 599 + ["y"]), "nothing": [None] * 600,
        "nullable": pd.array([1, None] * 300, "Int64"), "zone": pd.date_range("2020", periods=600, tz="UTC"),
        "list": [[1, 2]] * 600,
    })  # fmt: skip
    made = private_columns(rows, 0.1)
    assert {name: str(column.dtype) for name, column in made.items()} == rows.dtypes.map(str).to_dict()
    assert set(made["truth"]) == {True, False}
    assert set(made["kind"]) == {"x"}
    assert not len(made["zone"])


def test_the_codec_sees_nothing_else(monkeypatch: pytest.MonkeyPatch):
    shown = {"a": pd.Series(["x", "y"] * 50), "b": pd.Series([1.5, 2.5, 7.0, 8.0] * 25)}
    monkeypatch.setattr(table, "private_columns", lambda rows, noise: shown)
    states = []
    for words, numbers in ((["x", "y"], [1.5, 2.5]), (["other", "words"], [-1e9, 3.14159])):
        codec = TableCodec(TableOptions(noise=1.0))
        codec.fit([pd.DataFrame({"a": words * 100, "b": numbers * 100})])
        states.append(codec.to_json())
    assert states[0] == states[1]


# --- runs


def train(folder: Path, **changes: Any) -> Run:
    """On 2,000 rows, of which one has a word and a number of its own."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame({
        "kind": random.choice(["a", "b", "c"], 2000), "size": random.normal(50, 10, 2000).round(1),
        "name": [f"n{i}" for i in range(2000)],
    })  # fmt: skip
    rows.loc[1000] = ["secret-illness", 987654.3, "n1000"]
    rows.to_csv(folder / "rows.csv", index=False)
    settings = {"batch": 100, "width": 8} | changes.pop("settings", {})
    arguments = {"model": "autoregressive", "size": 1, "examples": 500, "private": 30.0, "out": folder / "run"}
    return anew.train(folder / "rows.csv", **{**arguments, **changes}, settings=settings, show=False)  # type: ignore[arg-type]


def test_what_the_codec_learns_is_in_the_account(tmp_path: Path):
    run = train(tmp_path)
    told = run.info["privacy"]
    releases = [(told["codec_noise_multiplier"], 1.0, 1), (told["noise_multiplier"], told["sampling_rate"], 5)]
    assert told["codec_noise_multiplier"] == 0.5
    assert spent(releases, told["delta"] - UNSEEN) == told["epsilon"] <= 30
    assert not any("private.codec" in line for line in told["not_covered"])
    codec = (tmp_path / "run/codec/x.json").read_text()
    assert "secret" not in codec
    assert not [n for n in _numbers(json.loads(codec)) if abs(n) > 1000 and "98765" in str(n)]
    assert set(run.sample(50).items["kind"]) <= {"a", "b", "c"}


def _numbers(state: Any) -> list[float]:
    if isinstance(state, dict | list):
        return [n for part in (state.values() if isinstance(state, dict) else state) for n in _numbers(part)]
    return [state] if isinstance(state, int | float) else []


def test_public_codecs_learn_all_there_is(tmp_path: Path):
    run = train(tmp_path, settings={"private.codec": "public"})
    assert run.info["privacy"]["codec_noise_multiplier"] == 0
    assert any("private.codec=public" in line for line in run.info["privacy"]["not_covered"])
    assert "secret" in (tmp_path / "run/codec/x.json").read_text()


def test_a_run_keeps_its_codec_when_the_cache_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = train(tmp_path)
    usual = run.open_data()
    monkeypatch.setitem(os.environ, "ANEW_CACHE", str(tmp_path / "other"))
    again = Run.load(run.path).open_data()
    assert again.space == usual.space
    torch.testing.assert_close(again.train.x, usual.train.x, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"given": "kind"}, "what is given would be in the run as it is.*or leave out --given"),
        ({"settings": {"private.delta": 1e-9}}, "private.delta cannot be 1e-09; the codec of tables takes 1e-08"),
        ({"settings": {"codec.noise": 0}}, "what the codec learned of the data"),
    ],
)
def test_what_would_not_be_private_is_refused(changes: dict[str, Any], message: str, tmp_path: Path):
    with pytest.raises(AnewError, match=message):
        train(tmp_path, **changes)
    assert not (tmp_path / "run/run.json").exists()


def test_rows_are_learned_in_few_steps_of_a_high_rate(tmp_path: Path):
    """As measured: docs/privacy.md. What is asked for comes first."""
    run = train(tmp_path, size="auto", settings={"passes": 1})
    assert run.info["model"]["size"] == 1
    assert run.info["model"]["configuration"]["lr"] == 5e-3
    assert run.info["model"]["configuration"]["passes"] == 1
    assert run.info["privacy"]["repeats"] == 2
    plain = train(tmp_path, private=None, examples=100, out=tmp_path / "plain")
    assert plain.info["model"]["configuration"]["lr"] == 3e-3
