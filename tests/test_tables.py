"""Frames as files and tables of databases."""

from __future__ import annotations

import datetime
import gzip
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anew import tables
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.database import find_place
from anew.tables import save_csv, save_in_database, save_lines, save_parquet


def everything() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": pd.array([1, None, 2**60], "Int64"),
            "half": [0.1, np.nan, 1e-7],
            "good": [True, False, True],
            "text, and more": ['a "b"', None, "x\ny"],
            "kind": pd.Categorical(["猫", None, ""]),
            "day": pd.to_datetime(["2024-03-20", None, "1999-01-01"]),
            "time": pd.to_datetime(["2024-03-20 10:00:00.5", None, "1999-01-01 00:00:00.0"]),
            "date": [datetime.date(2024, 3, 20), None, datetime.date(1, 1, 1)],
            "price": [Decimal("1.50"), None, Decimal("2.25")],
            "lasted": pd.to_timedelta([90, None, 0.5], "s"),
            "mixed": [1, "a", None],
        }
    )


def read(location: Any) -> pd.DataFrame:
    return pd.concat([record.content for record in open_source(location)], ignore_index=True)


def test_csv(tmp_path: Path):
    save_csv(everything(), tmp_path / "a.csv")
    assert read(tmp_path / "a.csv").to_dict("list") == {
        "whole": ["1", "", str(2**60)],
        "half": ["0.1", "", "1e-7"],
        "good": ["true", "false", "true"],
        "text, and more": ['a "b"', "", "x\ny"],
        "kind": ["猫", "", ""],
        "day": ["2024-03-20", "", "1999-01-01"],
        "time": ["2024-03-20 10:00:00.500", "", "1999-01-01 00:00:00.000"],
        "date": ["2024-03-20", "", "0001-01-01"],
        "price": ["1.50", "", "2.25"],
        "lasted": ["90", "", "0.5"],
        "mixed": ["1", "a", ""],
    }


def test_cells_are_quoted_only_where_they_have_to_be(tmp_path: Path):
    save_csv(pd.DataFrame({"a b": ["x y", " p", ""], "c;d": [1.5, 2, 3]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "a b,c;d\nx y,1.5\n p,2\n,3\n"
    save_csv(pd.DataFrame({"a": ["x", "p"], "b": ["1,2", "3"]}), tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text() == "a\tb\nx\t1,2\np\t3\n"


def test_packed_csv(tmp_path: Path):
    save_csv(pd.DataFrame({"a": [1], "b": [2]}), tmp_path / "a.CSV.gz")
    assert gzip.decompress((tmp_path / "a.CSV.gz").read_bytes()) == b"a,b\n1,2\n"


def test_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "ROWS", 3)
    frame = pd.DataFrame({"a": [f"{i}," * (i == 5) for i in range(10)], "b": [str(i) for i in range(10)]})
    save_csv(frame, tmp_path / "a.csv")
    assert read(tmp_path / "a.csv").to_dict("list") == frame.to_dict("list")


def test_missing_cells_of_a_single_column_are_rows(tmp_path: Path):
    for values in ([1.5, None, 2.0], ["a", "", None], pd.to_datetime(["2024-03-20", None])):
        save_csv(pd.DataFrame({"a": values}), tmp_path / "a.csv")
        assert len(read(tmp_path / "a.csv")) == len(values)


def test_parquet(tmp_path: Path):
    frame = everything().drop(columns="mixed")
    save_parquet(everything(), tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet").drop(columns="mixed"), frame)


def test_lines(tmp_path: Path):
    save_lines(everything().drop(columns="date"), tmp_path / "a.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[0]["kind"] == "猫"
    assert rows[0]["day"].startswith("2024-03-20")
    assert rows[2]["half"] == 1e-7
    assert rows[1] == dict.fromkeys(rows[0], None) | {"good": False, "mixed": "a"}


@pytest.mark.parametrize("save", [save_csv, save_parquet, save_lines])
def test_what_fails_leaves_what_was_there(save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(UnicodeEncodeError):
        save(pd.DataFrame({"a": ["\ud800"], "b": [1]}, dtype="object"), path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.csv", "mine")]


# --- databases


def names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


def test_database(tmp_path: Path):
    place = find_place(f"sqlite:///{tmp_path}/new/a.db?table=made up")
    save_in_database(everything(), place)
    found = read(str(place)).set_index("good").sort_index()
    assert found["price"].tolist()[1:] == [1.5, 2.25]
    assert found["whole"].tolist()[1:] == [1, 2**60]
    assert found["kind"].fillna("-").tolist() == ["-", "猫", ""]
    assert found["lasted"].tolist()[1:] == [90, 0.5]


def test_a_table_is_not_written_over(tmp_path: Path):
    place = find_place(f"sqlite:///{tmp_path}/a.db?table=t")
    save_in_database(pd.DataFrame({"a": [1]}), place)
    with pytest.raises(AnewError, match=r"a.db\?table=t' is there already; choose another name"):
        save_in_database(pd.DataFrame({"a": [2]}), place)
    assert read(str(place))["a"].tolist() == [1]
    save_in_database(pd.DataFrame({"a": [2]}), place._replace(text="u"))
    assert names(tmp_path / "a.db") == ["t", "u"]


@pytest.mark.parametrize(
    "frame", [pd.DataFrame({"a": np.array([2**64 - 1], np.uint64)}), pd.DataFrame({"a": ["x", "\ud800"]}, dtype=object)]
)
def test_what_a_database_cannot_hold_leaves_no_table(frame: pd.DataFrame, tmp_path: Path):
    place = find_place(f"sqlite:///{tmp_path}/a.db?table=t")
    with pytest.raises(AnewError, match="choose a file"):
        save_in_database(frame, place)
    assert names(tmp_path / "a.db") == []


def test_no_place_for_a_table(tmp_path: Path):
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(AnewError, match="is a query; name the new table"):
        save_in_database(frame, find_place(f"sqlite:///{tmp_path}/a.db?query=SELECT 1"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AnewError, match="cannot be written"):
        save_in_database(frame, find_place(f"sqlite:///{tmp_path}/file/a.db?table=t"))
    (tmp_path / "file").write_text("mine" * 999)
    with pytest.raises(AnewError, match="file is not a database"):
        save_in_database(frame, find_place(f"sqlite:///{tmp_path}/file?table=t"))
