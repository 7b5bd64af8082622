"""Folders and files of music, and chorales."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from anew.codecs import make_codec
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.chorales import Chorales, ChoraleSteps
from anew.sources.folder import Folder
from anew.sources.scores import Scores

# One quarter of middle C.
MIDI = bytes.fromhex("4d546864000000060001000101e0" + "4d54726b0000000d" + "00903c408360803c4001ff2f00")
ABC = "%abc-2.1\nX:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n\nX: 2\nM:4/4\nL:1/4\nK:G\nGABc|\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("巴赫/赋格 1.mid", "巴赫/deep/2.MIDI", "jazz/a.mid", ".hidden.mid", "__MACOSX/._a.mid", "notes.txt"):
        path = tmp_path / "tunes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(MIDI)
    return tmp_path / "tunes"


def test_subfolders_are_labels(folder: Path):
    source = open_source(folder)
    assert isinstance(source, Scores)
    records = list(source)
    assert [record.name for record in records] == ["jazz/a.mid", "巴赫/deep/2.MIDI", "巴赫/赋格 1.mid"]
    assert [record.given for record in records] == [{"label": "jazz"}, {"label": "巴赫"}, {"label": "巴赫"}]
    assert len(source) == 3
    assert (source.name, source.codec) == ("tunes", "music")
    codec = make_codec("music")
    assert all(codec.load(record.content)[0].note_num() == 1 for record in records)


def test_the_fingerprint_changes_with_a_file(folder: Path):
    before = open_source(folder).fingerprint()
    assert open_source(folder).fingerprint() == before
    (folder / "jazz" / "b.mid").write_bytes(MIDI)
    assert open_source(folder).fingerprint() != before


def test_pictures_of_covers_change_nothing_but_music_beside_pictures_is_none(folder: Path):
    Image.new("L", (8, 8)).save(folder / "cover.png")
    assert isinstance(open_source(folder), Scores)
    for number in range(5):
        Image.new("L", (8, 8), number).save(folder / f"{number}.png")
    assert isinstance(open_source(folder), Folder)


def test_one_file_has_no_label(folder: Path):
    source = open_source(folder / "巴赫" / "赋格 1.mid")
    assert [(record.name, record.given) for record in source] == [("赋格 1.mid", {})]
    assert (source.name, len(source)) == ("赋格 1", 1)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_each_tune_of_a_file_of_abc_is_a_record(tmp_path: Path, newline: str):
    path = tmp_path / "tunes.abc"
    path.write_bytes(ABC.replace("\n", newline).encode())
    source = open_source(path)
    records = list(source)
    assert [record.name for record in records] == ["tunes.abc, tune 1", "tunes.abc, tune 2"]
    assert len(source) == 2
    codec = make_codec("music")
    pitches = [[note.pitch for note in codec.load(record.content)[0].tracks[0].notes] for record in records]
    assert pitches == [[60, 62, 64, 65], [67, 69, 71, 72]]


def test_what_cannot_be_read_is_a_bad_record_and_no_error(folder: Path):
    (folder / "gone.mid").symlink_to(folder / "nowhere.mid")
    (folder / "empty.mid").write_bytes(b"")
    contents = {record.name: record.content for record in open_source(folder)}
    assert contents["gone.mid"] == contents["empty.mid"] == b""


def test_a_folder_without_music_says_so(tmp_path: Path):
    with pytest.raises(AnewError, match=r"holds no music; expected files such as \.mid"):
        Scores(str(tmp_path))


def test_chorales_as_time_steps(tmp_path: Path):
    path = tmp_path / "chorales.json"
    path.write_text(json.dumps({"train": [[[60, 48]] * 4, [[62]]], "test": [[[64.0, -1]]]}), encoding="utf-8-sig")
    source = open_source(path)
    assert isinstance(source, ChoraleSteps)
    assert [(record.name, record.content) for record in source] == [
        ("train 1", [[60, 48]] * 4),
        ("train 2", [[62]]),
        ("test 1", [[64.0, -1]]),
    ]
    assert len(source) == 3


@pytest.mark.parametrize("text", ["{}", "[]", '{"train": {}}', '{"nodes": []}', '{"train": [[1, 2]]}', ""])
def test_other_json_is_not_taken_for_chorales(tmp_path: Path, text: str):
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert not ChoraleSteps.accepts(str(path))


@pytest.mark.parametrize("text", ['{"train": [[[60,', '{"train": [[[60]]], "valid": 3}'])
def test_damaged_chorales_are_said_to_be(tmp_path: Path, text: str):
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnewError, match=r"damaged JSON|is none of chorales"):
        list(open_source(path))


def test_the_chorales_are_those_for_four_voices():
    source = open_source("chorales")
    assert isinstance(source, Chorales)
    assert len(source) > 350
    first = next(iter(source))
    assert [len(track.notes) > 20 for track in make_codec("music").load(first.content)[0].tracks] == [True] * 4


def test_without_music21_there_are_no_chorales(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("anew.sources.chorales.find_spec", lambda name: None)
    with pytest.raises(AnewError, match=r"pip install 'anew\[music\]'"):
        open_source("chorales")
