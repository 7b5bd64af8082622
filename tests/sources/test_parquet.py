"""Parquet as Hugging Face writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anew.errors import AnewError
from anew.sources import open_source

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


def test_no_image_column_names_those_there_are(tmp_path: Path):
    with pytest.raises(AnewError, match=r"label \(int64\), text \(string\)"):
        open_source(write(tmp_path / "a.parquet", {"label": [1], "text": ["a"]}))


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
