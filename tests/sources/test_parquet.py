"""Parquet of images as Hugging Face writes it, and of tables."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anew.errors import AnewError
from anew.sources import files, open_source, parquet_table

ROWS: dict[str, Any] = {
    "image": [
        {"bytes": b"one", "path": "1.png"},
        {"bytes": b"two", "path": None},
        {"bytes": None, "path": "3"},
    ],
    "label": [1, 0, -1],
    "score": [0.5, None, 1.5],
    "text": ["a", "b", "c"],
    "box": [[1, 2], [3], []],
}
FEATURES = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "box": [{}]}}}


def write(path: Path, rows: dict[str, Any] = ROWS, metadata: dict[str, Any] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(rows)
    if metadata:
        table = table.replace_schema_metadata({"huggingface": json.dumps(metadata)})
    pq.write_table(table, path)
    return path


def test_struct_with_class_names(tmp_path: Path):
    source = open_source(write(tmp_path / "a.parquet", metadata=FEATURES))
    records = list(source)
    assert len(source) == 3
    assert [r.content for r in records] == [b"one", b"two", b""]
    assert [r.name for r in records] == ["1.png", "a.parquet[1]", "3"]
    assert records[0].given == {"label": "dog", "score": 0.5, "text": "a"}
    assert [r.given["label"] for r in records] == ["dog", "cat", None]


def test_folder_of_binary_columns(tmp_path: Path):
    rows = {"picture": [b"one"], "label": pa.array(["x"]).dictionary_encode()}
    for number in range(3):
        write(tmp_path / f"data/train-{number}.parquet", rows)
    source = open_source(tmp_path)
    assert len(source) == len(list(source)) == 3
    assert {r.given["label"] for r in source} == {"x"}
    assert len({r.name for r in source}) == 3


@pytest.mark.parametrize("metadata", [{}, {"info": 3}, {"info": {"features": {"label": None}}}])
def test_odd_metadata(tmp_path: Path, metadata: dict[str, Any]):
    assert next(iter(open_source(write(tmp_path / "a.parquet", metadata=metadata)))).given["label"] == 1


def test_damaged(tmp_path: Path):
    path = write(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(AnewError, match="damaged"):
        open_source(path)
    path.write_bytes(b"")
    with pytest.raises(AnewError, match="damaged"):
        open_source(path)


def test_files_that_differ(tmp_path: Path):
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", {"image": [b"one"]})
    with pytest.raises(AnewError, match=r"'b.parquet' has no column"):
        list(open_source(tmp_path))


# --- tables


def read(path: Path) -> pd.DataFrame:
    return pd.concat([record.content for record in open_source(path)], ignore_index=True)


def test_table_is_typed(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "gaps": pd.array([1, None, 2**60], "Int64"),
            "half": [0.5, np.nan, 2.0],
            "good": pd.array([True, None, False], "boolean"),
            "text": ["猫", None, ""],
            "size": pd.Categorical(["s", None, "l"], ["s", "m", "l"], ordered=True),
            "time": pd.to_datetime(["2024-03-20 10:00:00", None, "1999-01-01 00:00:00"]),
            "zone": pd.to_datetime(["2024-03-20"] * 3).tz_localize("Asia/Tokyo"),
            "day": [datetime.date(2024, 3, 20), None, datetime.date(1, 1, 1)],
            "price": [Decimal("1.50"), None, Decimal("2.25")],
            "nothing": [None, None, None],
        }
    )
    frame.set_index("whole", drop=False).to_parquet(tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert (source.codec, source.name, len(source)) == ("table", "a", 3)
    found = read(tmp_path / "a.parquet")
    assert found["nothing"].isna().all()
    pd.testing.assert_frame_equal(found.drop(columns="nothing"), frame.drop(columns="nothing"))


def test_blocks_of_a_table_have_the_same_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parquet_table, "ROWS", 3)
    n = 20
    ids = pa.array([None if i == 17 else i for i in range(n)], pa.int64())
    kinds = pa.chunked_array([pa.array([f"{part}{i}" for i in range(10)]).dictionary_encode() for part in "ab"])
    pq.write_table(pa.table({"id": ids, "kind": kinds}), tmp_path / "a.parquet", row_group_size=7)
    records = list(open_source(tmp_path / "a.parquet"))
    assert sum(record.examples for record in records) == sum(len(record.content) for record in records) == n
    assert max(record.examples for record in records) <= 3
    assert len({str(record.content.dtypes.to_dict()) for record in records}) == 1
    assert records[0].content["id"].dtype == pd.Int64Dtype()
    assert pd.concat([record.content for record in records])["kind"].dtype == records[0].content["kind"].dtype
    assert files.ROWS == 50_000


def test_folder_of_tables(tmp_path: Path):
    write(tmp_path / "x" / "0.parquet", {"a": [1], "b": ["p"]})
    write(tmp_path / "x" / "1.parquet", {"b": ["q"], "a": [2]})
    found = read(tmp_path / "x")
    assert found.to_dict("list") == {"a": [1, 2], "b": ["p", "q"]}
    write(tmp_path / "x" / "2.parquet", {"a": [1]})
    with pytest.raises(AnewError, match=r"'2.parquet' has no column \['b'\], but '0.parquet' has"):
        read(tmp_path / "x")


def test_table_of_lists(tmp_path: Path):
    with pytest.raises(AnewError, match=r"'a.parquet' has columns that hold lists or structures \(box\)"):
        open_source(write(tmp_path / "a.parquet", {"a": [1], "box": [[1, 2]]}))


def test_table_with_two_columns_of_one_name(tmp_path: Path):
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(AnewError, match="2 columns of the name 'a'"):
        open_source(tmp_path / "a.parquet")


def test_table_that_is_cut_while_it_is_read(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"a": [1, 2]})
    source = open_source(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(AnewError, match="damaged"):
        list(source)
