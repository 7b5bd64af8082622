"""Folders and files of text and code, as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.codecs import make_codec
from anew.codecs.dataset import prepare
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.texts import Texts


def write(path: Path, text: str | bytes = "some words\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_subfolders_are_labels(tmp_path: Path):
    write(tmp_path / "news" / "b 猫.txt")
    write(tmp_path / "news" / "2024" / "a.MD")
    write(tmp_path / "诗" / "c.rst")
    write(tmp_path / "top.txt")
    source = open_source(tmp_path)
    assert isinstance(source, Texts)
    found = [(record.name, record.given) for record in source]
    news = {"label": "news"}
    assert found == [("news/2024/a.MD", news), ("news/b 猫.txt", news), ("top.txt", {}), ("诗/c.rst", {"label": "诗"})]
    assert len(source) == 4
    assert "4 files of text" in source.describe()
    assert "2 .txt" in source.describe()


def test_what_is_hidden_or_no_text_is_left_out(tmp_path: Path):
    for name in (".hidden.txt", ".git/a.txt", "__MACOSX/a.txt", "a.bin", "b.exe", "noending"):
        write(tmp_path / name)
    with pytest.raises(AnewError, match="nothing that anew reads"):
        open_source(tmp_path)
    write(tmp_path / "a.txt")
    assert [record.name for record in open_source(tmp_path)] == ["a.txt"]


def test_one_file(tmp_path: Path):
    source = open_source(write(tmp_path / "my book.txt"))
    assert (source.name, len(source), source.describe()) == ("my book", 1, "")
    assert [record.given for record in source] == [{}]


@pytest.mark.parametrize(
    ("names", "codec"),
    [(["a.py"], "code"), (["a.txt"], "text"), (["a.py", "b.RS", "c.md"], "code"), (["a.py", "b.md", "c.txt"], "text")],
)
def test_most_files_decide_whether_it_is_code(names: list[str], codec: str, tmp_path: Path):
    for name in names:
        write(tmp_path / name)
    source = open_source(tmp_path)
    assert source.codec == codec
    assert open_source(source.location).codec == codec


def test_the_fingerprint_changes_with_the_files(tmp_path: Path):
    write(tmp_path / "a.txt")
    before = open_source(tmp_path).fingerprint()
    assert open_source(tmp_path).fingerprint() == before
    write(tmp_path / "a.txt", "more words than before\n")
    assert open_source(tmp_path).fingerprint() != before


def test_bad_files_are_named_and_left_out(tmp_path: Path):
    for i in range(5):
        write(tmp_path / f"good {i}.txt", f"words {i}")
    write(tmp_path / "empty.txt", b"")
    write(tmp_path / "noise.txt", b"\x81\x00\xff\x90" * 200)
    write(tmp_path / "utf16.txt", "words in another encoding".encode("utf-16"))
    write(tmp_path / "latin.txt", "café, naïve".encode("cp1252"))
    (tmp_path / "broken.md").symlink_to(tmp_path / "gone.md")
    data = prepare(open_source(tmp_path), make_codec("text"))
    assert sum(map(len, (data.train, data.validation, data.test))) == 7
    assert dict(data.skipped).keys() == {"broken.md", "empty.txt", "noise.txt"}


def test_one_long_file_has_three_splits(tmp_path: Path):
    text = "".join(f"Line {i} of one long text.\n" for i in range(10_000))
    data = prepare(open_source(write(tmp_path / "book.txt", text)), make_codec("text"))
    splits = [set(data.codec.decode(data.space.unpack(part.x))) for part in (data.train, data.validation, data.test)]
    assert all(splits)
    assert sum(map(len, splits)) == len(set.union(*splits))
