"""Frames given in Python, and the tables that are built in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anew.errors import AnewError
from anew.sources import open_source


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_CACHE", str(tmp_path / "cache"))


def rows(data: Any) -> pd.DataFrame:
    return pd.concat([record.content for record in open_source(data)], ignore_index=True)


def test_a_frame_is_found_again():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "猫"]}, index=[7, 7, 9])
    source = open_source(frame)
    assert (source.codec, source.name[:6], len(source)) == ("table", "frame-", 3)
    again = open_source(source.location)
    assert again.fingerprint() == source.fingerprint() == open_source(frame.copy()).fingerprint()
    pd.testing.assert_frame_equal(next(iter(again)).content, frame.reset_index(drop=True))
    assert open_source(frame.assign(a=[1, 2, 4])).fingerprint() != source.fingerprint()


def test_the_same_frame_is_the_same_data_after_the_cache_was_emptied(tmp_path: Path):
    frame = pd.DataFrame({"a": [1, 2, 3]})
    before = open_source(frame)
    Path(before.location).unlink()
    assert open_source(frame).fingerprint() == before.fingerprint()


def test_columns_that_no_file_can_hold():
    frame = pd.DataFrame(
        {
            "mixed": [1, "a", None],
            "large": [2**70, 1, 2],
            "month": pd.period_range("2024-01", periods=3, freq="M"),
            3: [1.0, 2.0, np.nan],
            ("a", 1): [True, False, True],
        }
    )
    found = rows(frame)
    assert found.columns.tolist() == ["mixed", "large", "month", "3", "('a', 1)"]
    assert found["mixed"].tolist()[:2] == ["1", "a"]
    assert found["mixed"].isna().tolist() == [False, False, True]
    assert found["large"].tolist() == [str(2**70), "1", "2"]
    assert found["month"].tolist() == ["2024-01", "2024-02", "2024-03"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "the frame' has 2 columns of the name 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "2 columns of the name '1'"),
        (pd.DataFrame(), "the frame is empty"),
        (pd.DataFrame({"a": []}), "the frame is empty"),
        (pd.DataFrame({"a": [[1], [2]]}), r"lists or structures \(a\)"),
        ([1, 2, 3], "no data in a list; give a path"),
        (None, "no data in a NoneType"),
    ],
)
def test_what_is_no_table(frame: Any, words: str):
    with pytest.raises(AnewError, match=words):
        open_source(frame)


@pytest.mark.parametrize(("name", "classes"), [("wine", 3), ("breast-cancer", 2), ("diabetes", 0)])
def test_built_in_tables(name: str, classes: int):
    source = open_source(name)
    frame = rows(name)
    assert source.codec == "table"
    assert len(frame) == len(source)
    assert not frame.isna().any().any()
    if classes:
        assert frame["target"].nunique() == classes
        assert all(isinstance(value, str) for value in frame["target"])
