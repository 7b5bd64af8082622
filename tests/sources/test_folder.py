"""Folders and zips of images: which files count, in which order, and which labels they get."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from anew.errors import AnewError
from anew.sources import open_source


def png(colour: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 4), colour).save(file, "PNG")
    return file.getvalue()


def fill(root: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))


def zipped(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(number))
    return path


NAMES = ["小 猫/一只 猫.png", "小 猫/deep/b.PNG", "dog/a.jpg", "root.bmp"]
JUNK = [
    ".DS_Store",
    "Thumbs.db",
    "__MACOSX/dog/._a.jpg",
    "dog/.hidden.png",
    "notes.txt",
    "labels.csv",
    "a.mpg",
]
GIVEN = [{"label": "dog"}, {}, {"label": "小 猫"}, {"label": "小 猫"}]


def test_labels_are_the_first_folders(tmp_path: Path):
    fill(tmp_path, NAMES + JUNK)
    source = open_source(tmp_path)
    records = list(source)
    assert [r.name for r in records] == ["dog/a.jpg", "root.bmp", "小 猫/deep/b.PNG", "小 猫/一只 猫.png"]
    assert [r.given for r in records] == GIVEN
    assert len(source) == 4
    assert source.location == str(tmp_path)
    assert records[0].content == png(2)


def test_zip_reads_as_its_folder(tmp_path: Path):
    fill(tmp_path / "photos", NAMES + JUNK)
    folder = list(open_source(tmp_path / "photos"))
    source = open_source(zipped(tmp_path / "my photos.zip", NAMES + JUNK))
    assert list(source) == folder
    assert (source.name, len(source)) == ("my photos", 4)


def test_flat_folder_has_no_labels(tmp_path: Path):
    fill(tmp_path, ["b.png", "a.png"])
    assert [(r.name, r.given) for r in open_source(tmp_path)] == [("a.png", {}), ("b.png", {})]


def test_wrapping_folder_of_a_zip_is_no_label(tmp_path: Path):
    records = list(open_source(zipped(tmp_path / "a.zip", ["all/cat/1.png", "all/dog/2.png", "all/3.png"])))
    assert [r.given for r in records] == [{}, {"label": "cat"}, {"label": "dog"}]


def test_only_folder_of_a_zip_is_a_label(tmp_path: Path):
    records = list(open_source(zipped(tmp_path / "a.zip", ["cat/1.png", "cat/2.png"])))
    assert [r.given for r in records] == [{"label": "cat"}] * 2


def test_utf8_names_of_zips_that_do_not_say_so(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", ["猫/1.png", "狗/2.png"])
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            data[start + offset + 1] &= ~0x08  # the flag "names are UTF-8"
            start = data.find(signature, start + 4)
    path.write_bytes(bytes(data))
    assert {r.given["label"] for r in open_source(path)} == {"猫", "狗"}


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_links(tmp_path: Path):
    fill(tmp_path / "data", ["a.png"])
    fill(tmp_path / "elsewhere", ["b.png"])
    (tmp_path / "data/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/linked/loop").symlink_to(tmp_path / "data")
    (tmp_path / "data/broken.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "data/pipe.png")
    source = open_source(tmp_path / "data")
    assert {r.name: r.content for r in source} == {
        "a.png": png(0),
        "broken.png": b"",
        "linked/b.png": png(0),
        "pipe.png": b"",
    }
    assert source.fingerprint() == open_source(tmp_path / "data").fingerprint()


def test_fingerprint_changes_with_the_files(tmp_path: Path):
    fill(tmp_path, ["a.png", "b.png"])
    seen = {open_source(tmp_path).fingerprint()}
    os.utime(tmp_path / "a.png", ns=(1, 1))
    seen.add(open_source(tmp_path).fingerprint())
    (tmp_path / "b.png").rename(tmp_path / "c.png")
    seen.add(open_source(tmp_path).fingerprint())
    assert len(seen) == 3


def test_corrupt_zip(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", ["a.png"])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(AnewError, match="damaged zip"):
        open_source(path)


def test_zip_with_a_damaged_member(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", ["a.png", "b.png"])
    data = bytearray(path.read_bytes())
    data[45:60] = bytes(15)
    path.write_bytes(bytes(data))
    assert [r.content for r in open_source(path)] == [b"", png(1)]


def test_encrypted_zip(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", ["a.png"])
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(AnewError, match="encrypted"):
        open_source(path)


def test_zip_without_images_or_with_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(AnewError, match="no images"):
        open_source(zipped(tmp_path / "a.zip", ["a.txt"]))
    monkeypatch.setattr("anew.sources.archive._LARGEST", 10)
    with pytest.raises(AnewError, match="1 GB at most"):
        open_source(zipped(tmp_path / "b.zip", ["a.png"]))
