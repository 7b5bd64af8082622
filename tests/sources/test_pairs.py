"""Pairs of texts: lines of two files, columns of tables, and dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from anew.codecs import make_codec
from anew.codecs.dataset import prepare
from anew.codecs.text.prompts import PromptCodec
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.dates import Dates
from anew.sources.pairs import Pairs
from anew.sources.source import Unreadable
from anew.sources.text_column import TextColumn
from anew.sources.texts import Texts


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(source: str | Path) -> list[tuple[Any, dict[str, Any]]]:
    return [(record.content, record.given) for record in open_source(source)]


# --- two files


@pytest.mark.parametrize("opened", ["train.src", "train.tgt"])
def test_source_and_target(opened: str, tmp_path: Path):
    write(tmp_path / "my 猫" / "train.src", "a b\nc\n")
    write(tmp_path / "my 猫" / "train.tgt", "b a\n猫")
    source = open_source(tmp_path / "my 猫" / opened)
    assert isinstance(source, Pairs)
    assert read(source.location) == [("b a", {"source": "a b"}), ("猫", {"source": "c"})]
    assert len(source) == 2
    assert "--given source" in source.describe()


def test_languages_are_learned_as_they_are_opened(tmp_path: Path):
    write(tmp_path / "x.en", "one\ntwo\n")
    write(tmp_path / "x.de", "eins\nzwei\n")
    assert read(tmp_path / "x.de") == [("eins", {"en": "one"}), ("zwei", {"en": "two"})]
    assert read(tmp_path / "x.en") == [("one", {"de": "eins"}), ("two", {"de": "zwei"})]


def test_languages_that_are_endings_of_code_too(tmp_path: Path):
    write(tmp_path / "x.en", "one\n")
    write(tmp_path / "x.pl", "jeden\n")
    assert read(tmp_path / "x.pl") == [("jeden", {"en": "one"})]
    for name in ("app.py", "app.js", "tool.py", "tool.md"):
        write(tmp_path / name, f"{name} = 1\n" * len(name))
    for name in ("app.py", "tool.py", "tool.md"):
        assert isinstance(open_source(tmp_path / name), Texts)
    write(tmp_path / "y.py", "y = 1\n")
    write(tmp_path / "y.db", b"\0\n\xff")
    assert isinstance(open_source(tmp_path / "y.py"), Texts)


def test_marks_and_line_ends(tmp_path: Path):
    write(tmp_path / "x.src", b"\xef\xbb\xbfone\r\ntwo \xe2\x80\xa8 lines\xff\r\n")
    write(tmp_path / "x.tgt", "eins\nzwei\x0c")
    assert read(tmp_path / "x.tgt") == [("eins", {"source": "one"}), ("zwei\x0c", {"source": "two \u2028 lines\ufffd"})]


def test_files_of_other_lengths(tmp_path: Path):
    write(tmp_path / "x.src", "one\ntwo\n")
    write(tmp_path / "x.tgt", "eins\n")
    with pytest.raises(AnewError, match=r"'x\.src' has 2 lines, 'x\.tgt' 1; expected as many"):
        open_source(tmp_path / "x.tgt")


@pytest.mark.parametrize("names", [["x.src"], ["x.en"], ["x.en", "x.de", "x.fr"], ["x.en", "y.de"]])
def test_files_that_are_no_pair(names: list[str], tmp_path: Path):
    for name in names:
        write(tmp_path / name, "one\n")
    assert not Pairs.accepts(str(tmp_path / names[0]))
    with pytest.raises(AnewError):
        open_source(tmp_path / names[0])


def test_empty_lines_are_left_out(tmp_path: Path):
    write(tmp_path / "x.src", "".join(f"number {i}\n" for i in range(40)))
    write(tmp_path / "x.tgt", "".join(f"Nummer {i}\n" if i != 7 else "\n" for i in range(40)))
    data = prepare(open_source(tmp_path / "x.tgt"), make_codec("text"), ("source",))
    assert isinstance(data.given_codec, PromptCodec)
    assert data.skipped == [("x.tgt, line 8", "is empty")]
    part = data.train
    assert part.given is not None
    said = data.given_codec.decode(data.given_codec.space.unpack(part.given))
    texts = data.codec.decode(data.space.unpack(part.x))
    assert all(row["source"].replace("number", "Nummer") == text for row, text in zip(said, texts, strict=True))


# --- a column of a table


def test_a_column_of_texts(tmp_path: Path):
    table = 'stars,review,zip,price\n5,"Good, very.\nYes!",01234,9.5\n1,,99,\n3,猫,7,2\n4\n'
    path = write(tmp_path / "my reviews.csv", table)
    source = open_source(f"{path}?text=review")
    assert isinstance(source, TextColumn)
    records = list(source)
    assert [record.content for record in records][:3:2] == ["Good, very.\nYes!", "猫"]
    assert records[0].given == {"stars": 5, "zip": "01234", "price": 9.5}
    assert records[2].given == {"stars": 3, "zip": 7, "price": 2}
    assert [type(records[i].content) for i in (1, 3)] == [Unreadable] * 2
    assert read(source.location)[2] == ("猫", records[2].given)
    assert (source.name, len(source) > 2) == ("my reviews", True)
    assert source.fingerprint() != open_source(f"{path}?text=zip").fingerprint()
    assert "'review' is the text" in source.describe()


def test_a_column_of_tabs_and_of_parquet(tmp_path: Path):
    path = write(tmp_path / "a.tsv", "text\tlabel\none\tx\n2\ty\n")
    assert read(f"{path}?text=text") == [("one", {"label": "x"}), ("2", {"label": "y"})]
    frame = pd.DataFrame(
        {"text": ["one", None, "猫"], "n": pd.array([1, 2, None], "Int64"), "x": [0.5, float("nan"), 2]}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    found = read(f"{tmp_path / 'a.parquet'}?text=text")
    assert found[0] == ("one", {"n": 1, "x": 0.5})
    assert found[2] == ("猫", {"x": 2})
    assert isinstance(found[1][0], Unreadable)


def test_what_is_no_column_of_texts(tmp_path: Path):
    path = write(tmp_path / "a.csv", "text,label\none,x\ntwo,y\n")
    with pytest.raises(AnewError, match=r"unknown column 'txt'; did you mean 'text'"):
        open_source(f"{path}?text=txt")
    with pytest.raises(AnewError, match="unknown column ''"):
        open_source(f"{path}?text=")
    for other in ("no.csv", "a.png"):
        with pytest.raises(AnewError, match="is no table that can be read"):
            open_source(f"{tmp_path / other}?text=text")
    write(tmp_path / "empty.csv", "")
    with pytest.raises(AnewError, match="is empty"):
        open_source(f"{tmp_path / 'empty.csv'}?text=text")


# --- built in


def test_dates():
    records = list(open_source("dates"))
    assert len(records) == len({record.content for record in records}) == Dates.count
    assert [(r.content, r.given) for r in records] == [(r.content, r.given) for r in open_source("dates")]
    found = {record.name: (record.content, record.given["french"]) for record in records}
    assert all(content.split()[-1] == name[:4] for name, (content, _) in found.items())
    march = next(record for record in records if record.name.endswith("-03-01"))
    assert march.content.startswith("1. März ")
    assert march.given["french"].startswith("1er mars ")
    forms = {record.given["english"].replace(record.name[:4], "y") for record in records if record.name[5:] == "05-22"}
    assert forms <= {"May 22, y", "22 May y", "the 22nd of May y"}
    assert len(forms) == 3
