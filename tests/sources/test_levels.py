"""Levels as people have them: which files count, what is a level and what is a text, and the built-in mazes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew.errors import AnewError
from anew.sources import level_paths, open_source
from anew.sources.levels import Levels, split_levels
from anew.sources.mazes import Mazes
from anew.sources.source import Unreadable

LEVEL = "#######\n#S...G#\n#.##..#\n#######"
MAP = {"layers": [{"type": "tilelayer", "data": [1, 2]}], "width": 2, "height": 1, "tilewidth": 8}


def write(path: Path, content: str | bytes = LEVEL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> list[Any]:
    """The levels, or why they cannot be read."""
    contents = [record.content for record in open_source(path)]
    return [content.reason if isinstance(content, Unreadable) else content.level for content in contents]


def test_a_folder_with_labels(tmp_path: Path):
    write(tmp_path / "洞 穴" / "第一 关.txt")
    write(tmp_path / "maze" / "deep" / "b.TXT")
    write(tmp_path / "root.lvl")
    write(tmp_path / ".hidden.txt")
    source = open_source(tmp_path)
    records = list(source)
    assert isinstance(source, Levels)
    assert [record.name for record in records] == ["maze/deep/b.TXT", "root.lvl", "洞 穴/第一 关.txt"]
    assert [record.given for record in records] == [{"label": "maze"}, {}, {"label": "洞 穴"}]
    assert read(tmp_path) == [LEVEL] * 3
    assert len(source) == 3
    before = source.fingerprint()
    write(tmp_path / "legend.json", "{}")
    assert open_source(tmp_path).fingerprint() != before


def test_many_levels_in_one_file(tmp_path: Path):
    text = f"; 0\r\n{LEVEL}\r\n\r\n\n; 1\n{LEVEL}\nTitle: A way out\nAuthor: Someone\n\n###\n# #\n"
    path = write(tmp_path / "many.sok", text)
    source = open_source(path)
    assert read(path) == [LEVEL, LEVEL, "###\n# #"]
    assert [record.name for record in source][-1] == "many.sok: level 3"
    assert len(source) == 3


def test_what_lies_between_levels():
    assert split_levels(";tile\n;;#\n") == [";;#"]
    assert split_levels("   \n###") == ["   \n###"], "a row of spaces is a row"
    assert split_levels("\n\n; 1\n\n") == []


@pytest.mark.parametrize(
    ("text", "is_level"),
    [
        (LEVEL, True),
        (LEVEL.replace("\n", "\r\n") + "\r\n\r\n; 2\r\n" + LEVEL, True),
        ("------\n---E--\n--XXX-\nXXXXXX", True),  # of the Video Game Level Corpus
        ("⬛⬛⬛⬛\n⬛⬜⬜⬛\n⬛⬛⬛⬛", True),
        ("墙墙墙墙\n墙..墙\n墙墙墙墙", True),
        ("The cat sat on\nthe mat, and it\nwas very happy", False),
        ("It was the best of times,\nit was the worst of times", False),
        ("ACGTACGTAC\nTTGACCATGA\nGGGTACCATG", False),  # DNA
        ("1 0 1 0\n0 1 0 1\n1 1 0 0", False),  # a matrix
        ("12.5\n13.1\n99.0", False),
        ("a,b,c\n1,2,3\n4,5,6", False),
        ("2024-01-01 10:00:00 GET /a\n2024-01-01 10:00:01 GET /b\n2024-01-01 10:00:02 PUT /c", False),
        ("春眠不觉晓\n处处闻啼鸟\n夜来风雨声", False),
        ("- milk\n- eggs\n- bread and butter\n- a cake", False),
        ("def f(x):\n    return x\n\nprint(f(1))", False),
        ("###", False),
        ("", False),
        ("\n\n\n", False),
    ],
)
def test_a_text_is_no_level(text: str, is_level: bool, tmp_path: Path):
    assert Levels.accepts(str(write(tmp_path / "a.txt", text))) is is_level
    assert Levels.accepts(str(tmp_path)) is is_level


@pytest.mark.parametrize("content", [b"\xff\xfe\xfa", b"\0" * 99, bytes(range(256)) * 9])
def test_binary_files_are_no_levels(content: bytes, tmp_path: Path):
    assert not Levels.accepts(str(write(tmp_path / "a.txt", content)))


@pytest.mark.parametrize("name", ["level.txt", "map.json"])
def test_links_to_nowhere_are_no_levels(name: str, tmp_path: Path):
    (tmp_path / name).symlink_to(tmp_path / "gone")
    assert not Levels.accepts(str(tmp_path))


def test_a_legend_makes_levels_of_what_could_be_something_else(tmp_path: Path):
    write(tmp_path / "a.txt", "abc")
    write(tmp_path / "b.csv", "1,2\n3,4")
    write(tmp_path / "tiles.png", b"\x89PNG")
    assert not Levels.accepts(str(tmp_path))
    write(tmp_path / "legend.json", '\ufeff{"solid": "a"}')
    source = open_source(tmp_path)
    assert isinstance(source, Levels)
    assert [record.content.legend for record in source] == [{"solid": "a"}] * 2
    assert isinstance(open_source(tmp_path / "b.csv"), Levels)
    assert read(tmp_path / "b.csv") == ["1,2\n3,4"]


@pytest.mark.parametrize("legend", ["", "[]", "{", b"\xff\xfe\xff"])
def test_a_damaged_legend(legend: str | bytes, tmp_path: Path):
    write(tmp_path / "a.txt")
    write(tmp_path / "legend.json", legend)
    with pytest.raises(AnewError, match=r"legend\.json.*no JSON"):
        open_source(tmp_path)


def test_maps_of_tiled(tmp_path: Path):
    write(tmp_path / "a.json", json.dumps(MAP))
    write(tmp_path / "b.tmj", "{")
    write(tmp_path / "tiles.png", b"\x89PNG")
    assert isinstance(open_source(tmp_path), Levels)
    assert isinstance(open_source(tmp_path / "a.json"), Levels)
    assert read(tmp_path) == [json.dumps(MAP).encode(), b"{"]


def test_other_json_is_no_map(tmp_path: Path):
    path = write(tmp_path / "model.json", '{"config": {"layers": []}}')
    assert not Levels.accepts(str(path))
    assert not Levels.accepts(str(tmp_path))


def test_pictures_with_notes_beside_them_are_pictures(tmp_path: Path):
    write(tmp_path / "a.png", b"\x89PNG")
    write(tmp_path / "a.txt")
    assert not Levels.accepts(str(tmp_path))


def test_files_that_hold_no_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "a.lvl", "")
    write(tmp_path / "b.lvl", b"\xff\xff")
    write(tmp_path / "c.lvl", LEVEL)
    write(tmp_path / "d.lvl", LEVEL * 3)
    monkeypatch.setattr("anew.sources.levels._LARGEST", 50)
    assert read(tmp_path) == ["is empty", "is not text in UTF-8", LEVEL, "is no file of 64 MB at most"]


def test_a_folder_without_levels(tmp_path: Path):
    write(tmp_path / "legend.json", "{}")
    with pytest.raises(AnewError, match="holds no levels"):
        open_source(tmp_path)


def test_mazes_are_what_their_labels_say():
    source = open_source("mazes")
    assert isinstance(source, Mazes)
    records = list(source)
    assert len(records) == len(source) == 3000
    assert len({record.content.level for record in records}) > 2990
    for record in records[::30]:
        rows = np.array([list(line) for line in record.content.level.split("\n")])
        assert "x".join(map(str, rows.shape)) == record.given["size"]
        assert [(rows == tile).sum() for tile in "SG"] == [1, 1]
        assert set(rows[[0, -1]].flat) | set(rows[:, [0, -1]].flat) == {"#"}
        found = level_paths.steps((rows != "#")[None], (rows == "S")[None])[0]
        length = found[rows == "G"].item()
        assert record.given["solvable"] is (length > 0)
        assert record.given["difficulty"] == (length if length > 0 else None)
    shares = np.mean([record.given["solvable"] for record in records])
    assert 0.7 < shares < 0.8
    assert {record.given["kind"] for record in records} == {"cave", "rooms", "maze"}


def test_mazes_never_change():
    """If they are meant to, so must the fingerprint."""
    levels = [record.content.level for record in open_source("mazes")]
    assert hashlib.sha256("\n\n".join(levels).encode()).hexdigest().startswith("065f34c127eff99b")
    assert open_source("mazes").fingerprint() == "mazes-1-3000"


def test_ways():
    open_ = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]], bool)
    start = np.zeros_like(open_)
    start[0, 0] = True
    found = level_paths.steps(np.stack([open_, ~open_]), np.stack([start, start]))
    assert found[0].tolist() == [[0, 1, -1], [-1, 2, -1], [-1, -1, -1]]
    assert (found[1] == -1).all(), "a wall is no start"
    assert level_paths.path(found[0], (1, 1)) == [(0, 0), (0, 1), (1, 1)]
    assert level_paths.path(found[0], (2, 0)) == []
