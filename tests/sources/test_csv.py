"""Tables as text, as people have them."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anew.errors import AnewError
from anew.sources import csv_files, open_source
from anew.sources.source import Unreadable
from anew.tables import save_csv

PEOPLE = {"name": ["Ada", "Zoë", "猫"], "age": ["36", "", "7"]}


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path: Path) -> dict[str, Any]:
    """The cells, without the rows that cannot be read."""
    records = open_source(path)
    blocks = [record.content for record in records if not isinstance(record.content, Unreadable)]
    return pd.concat(blocks).to_dict("list")


def bad(path: Path) -> list[tuple[str, str]]:
    records = open_source(path)
    return [(record.name, record.content.reason) for record in records if isinstance(record.content, Unreadable)]


def text(rows: dict[str, list[str]], delimiter: str = ",", end: str = "\n") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
    writer.writerow(rows)
    writer.writerows(zip(*rows.values()))
    return file.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", list(",;|\t"))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_any_delimiter_encoding_and_line_end(encoding: str, delimiter: str, end: str, tmp_path: Path):
    people = PEOPLE if encoding != "gb18030" else {"姓名": ["张三", "李四", "王五"], "城市": ["北京", "上海", "广州"]}
    path = write(tmp_path / "a.csv", text(people, delimiter, end), encoding)
    assert read(path) == people


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252"])
def test_western_encodings(encoding: str, tmp_path: Path):
    rows = {"prénom": ["René", "Müller", "Zoë"], "Größe": ["groß", "é,à", "ÄÖÜ"]}
    path = write(tmp_path / "a.csv", text(rows), encoding)
    assert read(path) == rows
    assert open_source(path).describe() == "read as windows-1252, ',' between cells, the first row is names"


def test_an_encoding_is_found_where_only_the_end_of_the_file_tells(tmp_path: Path):
    rows = {"a": ["x" * 1000] * 2000 + ["é"], "b": ["1"] * 2001}
    assert read(write(tmp_path / "a.csv", text(rows), "latin-1")) == rows


def test_bytes_that_no_western_encoding_has(tmp_path: Path):
    assert read(write(tmp_path / "a.csv", b"a,b\nx\x81y,1\nz,2\n")) == {"a": ["x\x81y", "z"], "b": ["1", "2"]}


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ", "packed.csv", "a.tsv.gz"])
def test_packed(name: str, tmp_path: Path):
    content = text(PEOPLE, "\t" if "tsv" in name else ",").encode()
    assert read(write(tmp_path / name, gzip.compress(content))) == PEOPLE
    with pytest.raises(AnewError, match="damaged, cut short"):
        read(write(tmp_path / name, gzip.compress(content * 999)[:-20]))


def test_not_packed_though_it_is_named_so(tmp_path: Path):
    assert read(write(tmp_path / "a.csv.gz", text(PEOPLE))) == PEOPLE


def test_tabs_are_told_by_the_name(tmp_path: Path):
    assert read(write(tmp_path / "a.tsv", "a,b\tc\n1,2\t3\n")) == {"a,b": ["1,2"], "c": ["3"]}


def test_nothing_is_interpreted(tmp_path: Path):
    cells = ["NA", "?", " 007", "1,000", "2024-03-20", "null", "True", "1e5", "=1+1", '"', "a\nb", ""]
    rows = {"a": cells, "b": cells[::-1]}
    assert read(write(tmp_path / "a.csv", text(rows))) == rows


def test_long_cells_and_zero_bytes(tmp_path: Path):
    rows = {"a": ["x" * 10_000, "y" * 200_000, "p\0q"], "b": ["1", "2", "3"]}
    assert read(write(tmp_path / "a.csv", text(rows))) == rows


def test_a_row_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csv_files, "_BLOCK", 1000)
    with pytest.raises(AnewError, match="damaged, cut short, or changed"):
        read(write(tmp_path / "a.csv", text({"a": ["x" * 5000], "b": ["1"]})))


def test_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = {"a": [f"{i}\n" for i in range(1000)], "b": ["x"] * 1000}
    source = open_source(write(tmp_path / "a.csv", text(rows)))
    assert len(source) == 2001  # lines
    monkeypatch.setattr(csv_files, "_BLOCK", 2000)
    monkeypatch.setattr(csv_files, "ROWS", 150)
    records = list(source)
    assert len(records) > 5
    assert max(record.examples for record in records) <= 150
    assert sum(record.examples for record in records) == len(source) == 1000
    assert pd.concat([record.content for record in records]).to_dict("list") == rows
    assert len({record.name for record in records}) == len(records)


def test_rows_of_another_length_are_named(tmp_path: Path):
    path = write(tmp_path / "a.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n\n9,10\n")
    assert read(path) == {"a": ["1", "7", "9"], "b": ["2", "8", "10"]}
    assert bad(path) == [
        ("a.csv: row 3", "has 1 cells, the first row has 2"),
        ("a.csv: row 4", "has 3 cells, the first row has 2"),
    ]
    assert len(list(open_source(path))) == 3


# --- the header


@pytest.mark.parametrize(
    "content",
    [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n6.0,2.2,virginica\n",
        "39, State-gov, 77516, 0\n50, Self-emp, 83311, 1\n38, State-gov, 215646, 0\n",
        "5,0,0,0\n3,0,0,1\n",
    ],
)
def test_no_header(content: str, tmp_path: Path):
    source = open_source(write(tmp_path / "a.csv", content))
    frame = next(iter(source)).content
    assert frame.columns.tolist() == [f"column_{i}" for i in range(1, frame.shape[1] + 1)]
    assert len(frame) == content.count("\n")
    assert "the first row is data" in source.describe()


@pytest.mark.parametrize(
    "content",
    [
        "country,2019,2020\nDE,5,6\nFR,7,8\n",
        "1,2,3\n4,5,6\n",
        "red,big\nblue,small\nred,big\n",
        "age,5\nx,3\n",
        "猫,b c\n1,2\n",
    ],
)
def test_a_header_where_there_may_be_one(content: str, tmp_path: Path):
    names = content.split("\n")[0].split(",")
    assert list(read(write(tmp_path / "a.csv", content))) == names


def test_names_without_the_spaces_around_them_and_places_for_those_that_are_missing(tmp_path: Path):
    assert list(read(write(tmp_path / "a.csv", ', age ,"b\nc",,\n1,2,3,4,5\n'))) == [
        "column_1", "age", "b\nc", "column_4", "column_5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "'a.csv' is empty"),
        ("\n\n\r\n", "'a.csv' is empty"),
        ("\ufeff", "'a.csv' is empty"),
        ("a,b", "has one row only"),
        ("a,b\n", "has one row only"),
        ("a,b, a\n1,2,3\n", "'a.csv' has 2 columns of the name 'a'; give each its own name"),
        ("a,column_1,\n,,\n", ""),
        (",column_1\n1,2\n", "2 columns of the name 'column_1'"),
        (bytes(range(256)) * 9, "is not text"),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0" * 9 + bytes(range(256)) * 9, "is not text"),
    ],
)
def test_what_is_no_table(content: str | bytes, words: str, tmp_path: Path):
    path = write(tmp_path / "a.csv", content)
    if words:
        with pytest.raises(AnewError, match=words) as error:
            open_source(path)
        assert "\n" not in str(error.value)
    else:
        assert len(list(open_source(path))) == 1


def test_one_row_and_one_column(tmp_path: Path):
    assert read(write(tmp_path / "a.csv", "a,b\n1,2")) == {"a": ["1"], "b": ["2"]}
    assert read(write(tmp_path / "a.csv", 'a\n1\n""\n3\n')) == {"a": ["1", "", "3"]}


# --- which files


def test_texts_are_tables_if_they_look_like_it(tmp_path: Path):
    assert read(write(tmp_path / "a.txt", text(PEOPLE, "|"))) == PEOPLE
    for prose in ("Hello, world.\nThis is it.\n", "One line, two parts.", "a\nb\n", ""):
        assert open_source(write(tmp_path / "prose.txt", prose)).codec == "text"


def test_names_of_files(tmp_path: Path):
    path = write(tmp_path / "Meine Kunden 猫.2024.csv", text(PEOPLE))
    source = open_source(path)
    assert read(path) == PEOPLE
    assert (source.name, source.codec, source.location) == ("Meine Kunden 猫", "table", str(path))


def test_folder(tmp_path: Path):
    write(tmp_path / "b.csv", text(PEOPLE, ";"), "utf-16")
    write(tmp_path / "a.csv", text(PEOPLE))
    write(tmp_path / ".hidden.csv", "x")
    write(tmp_path / "read me.md", "x")
    assert read(tmp_path) == {name: cells * 2 for name, cells in PEOPLE.items()}
    write(tmp_path / "c.csv", "name\nx\n")
    with pytest.raises(AnewError, match=r"'a.csv' and 'c.csv' have other columns: 'age' is in one of them only"):
        open_source(tmp_path)
    write(tmp_path / "c.csv", "age,name\n1,x\n")
    with pytest.raises(AnewError, match="they are in another order"):
        open_source(tmp_path)


# --- changes


def test_the_fingerprint_follows_the_file(tmp_path: Path):
    path = write(tmp_path / "a.csv", text(PEOPLE))
    before = open_source(path).fingerprint()
    assert open_source(path).fingerprint() == before
    write(path, text(PEOPLE) + "Bob,5\n")
    assert open_source(path).fingerprint() != before


def test_a_file_that_is_gone(tmp_path: Path):
    source = open_source(write(tmp_path / "a.csv", text(PEOPLE)))
    (tmp_path / "a.csv").unlink()
    with pytest.raises(AnewError, match=r"a.csv' is damaged, cut short, or changed while it was read"):
        list(source)


# --- from frames and back

cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@given(st.dictionaries(names, st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_saved_is_read(tmp_path: Path, rows: dict[str, list[str]]):
    header = {f"name {name}": cells for name, cells in rows.items()}  # a row of numbers is none
    frame = pd.DataFrame(header, dtype="str")
    for name in ("a.csv", "a.tsv", "a.csv.gz"):
        save_csv(frame, tmp_path / name)
        assert read(tmp_path / name) == header
