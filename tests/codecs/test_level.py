"""Levels as codes: sizes, windows, tiles that were not learned, and whatever people call a level."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from anew.codecs import make_codec
from anew.codecs.codec import BadRecord
from anew.codecs.dataset import prepare
from anew.codecs.level.codec import LevelCodec
from anew.codecs.level.text import UNKNOWN, read_level
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.levels import LevelFile
from anew.spaces import Batch, Tokens

SMALL, LARGE = "###\n#S#\n#G#", "#####\n#S.G#\n#####\n#...#"


def fitted(levels: list[Any], **options: str) -> LevelCodec:
    codec = make_codec("level", options)
    assert isinstance(codec, LevelCodec)
    codec.fit(iter([codec.load(level) for level in levels]))
    return codec


# --- reading


@pytest.mark.parametrize(
    ("content", "level"),
    [
        ("#.#\n#.#\n", "#.#\n#.#"),
        (b"\xef\xbb\xbf#.#\r\n#.#\r\n\r\n", "#.#\n#.#"),
        ("#.#\r#.#".encode("utf-16"), "#.#\n#.#"),
        ("####\n#\n##", "####\n#   \n##  "),  # ragged: editors take spaces off the ends of lines
        ("##S.G##", "##S.G##"),  # one row
        ("#\nS\nG", "#\nS\nG"),  # one column
        ("#", "#"),
        ("  \n ", "  \n  "),
        ("⬛️⬜️\n🧱⬛", "⬛⬜\n🧱⬛"),  # with and without what says how they are drawn
        ("墙路\n路墙", "墙路\n路墙"),
        ("1,2\n3,40\n", "1,2\n3,40"),
        ("1, 2,\n 3,40,", "1,2\n3,40"),
        (LevelFile("a#\n#a"), "a#\n#a"),
    ],
)
def test_what_people_call_a_level(content: Any, level: str):
    assert read_level(content) == level


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xff\xff", "is not text"),
        (bytes(range(256)), "is not text"),
        (b"#\0#", "holds the character 0x00"),
        ("#\t#", "holds tabs"),
        ("Once upon a time there\nwas a little castle", "is prose"),
        ("1,2\n3", "line 2 is not 2 whole numbers"),
        ("1,2\n3,x", "line 2 is not 2 whole numbers"),
        (Path("/no/such/level.txt"), "cannot be read"),
        (None, "is a NoneType"),
    ],
)
def test_what_is_no_level(content: Any, reason: str):
    with pytest.raises(BadRecord, match=reason):
        read_level(content)


def test_a_huge_level_is_refused_in_words():
    with pytest.raises(BadRecord, match=r"25,000,000 tiles; 4,000,000 at most"):
        read_level("\n".join(["." * 5000] * 5000))


@given(st.binary(max_size=32))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_rectangle_or_a_bad_record(content: bytes):
    try:
        level = read_level(content)
    except BadRecord:
        return
    codec = make_codec("level")
    codec.fit(iter([level]))
    assert codec.decode(codec.encode([level])) == [level]


# --- sizes and windows


def test_levels_of_one_size():
    codec = fitted([SMALL, SMALL.replace("S", ".")])
    assert codec.space == Tokens(5, 9, 3)
    assert codec.tiles == ("#", "G", ".", "S", UNKNOWN)
    assert codec.encode([SMALL]).tolist() == [[1, 1, 1, 1, 4, 1, 1, 2, 1]]
    assert "4 kinds of tiles in 3x3 (levels are 3x3)" in codec.describe()


def test_levels_of_several_sizes_are_filled_up():
    codec = fitted([SMALL, LARGE])
    assert codec.space == Tokens(6, 20, 5)
    x = codec.encode([SMALL, LARGE])
    assert x[0].view(4, 5).tolist()[0] == [1, 1, 1, 6, 6]
    assert x[0].view(4, 5).tolist()[3] == [0] * 5
    assert codec.decode(x) == [SMALL, LARGE]
    assert codec.to_array([SMALL]).shape == (1, 4, 5)


def test_large_levels_are_cut_into_windows_of_one_split():
    long = "\n".join("".join("#."[(row * column) % 7 > 3] for column in range(80)) for row in range(14))
    codec = fitted([long])
    assert codec.space == Tokens(3, 14 * 32, 32)
    assert codec.count(long) == len(codec.encode([long])) == len(codec.digests(long)) == 4
    assert len(set(codec.digests(long))) == 1
    parts = codec.decode(codec.encode([long]))
    starts = (0, 16, 32, 48)
    assert parts == ["\n".join(line[start : start + 32] for line in long.split("\n")) for start in starts]
    assert codec.told(long, {"label": "a"}, ["label"]) == [{"label": "a"}] * 4
    assert "windows" in codec.describe()
    assert "solvable" not in fitted([long.replace(".", "S", 1).replace(".", "G", 1)]).traits(parts)


def test_windows_of_a_level_stay_together_with_their_label(tmp_path: Path):
    g = torch.Generator().manual_seed(0)
    for number in range(12):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        cells = torch.rand(4, 40, generator=g) < 0.5
        tile = chr(0x4E00 + number)  # each level has one of its own
        (folder / f"{number}.lvl").write_text("\n".join("".join("#" if c else tile for c in row) for row in cells))
    data = prepare(open_source(tmp_path), make_codec("level", {"size": "16"}), ["label"])
    splits = [split.batch(torch.arange(len(split))) for split in (data.train, data.validation, data.test)]
    assert [batch.size for batch in splits] == [40, 4, 4], "of ten, one and one level, four windows each"
    assert data.space.shape == (4 * 16,)
    for batch in splits:
        assert batch.given is not None
        assert all(len(set(labels.tolist())) == 1 for labels in batch.given[:, 0].split(4))


def test_a_size_that_is_asked_for():
    codec = fitted([LARGE], size="3,4")
    assert codec.space == Tokens(5, 12, 4)
    assert codec.count(LARGE) == 4
    assert codec.decode(codec.encode([LARGE]))[-1] == "S.G#\n####\n...#"
    for size in ("1", "2,3,4", "0,5", "999"):
        with pytest.raises(AnewError, match=rf"codec.size={size} is not possible"):
            make_codec("level", {"size": size})


def test_what_was_not_learned():
    codec = fitted([SMALL, LARGE])
    strange = SMALL.replace("S", "★")
    assert codec.space.contains(codec.encode([strange]))
    assert codec.decode(codec.encode([strange])) == [SMALL.replace("S", UNKNOWN)]
    larger = "\n".join(["." * 9] * 9)
    assert codec.decode(codec.encode([larger])) == ["\n".join(["." * 5] * 4)], "cropped"
    alike = fitted([SMALL])
    assert alike.space.contains(alike.encode(["#"]))


def test_whatever_the_codes_are_a_rectangle_comes_out():
    for codec in (fitted([SMALL, LARGE]), fitted([SMALL])):
        g = torch.Generator().manual_seed(0)
        x = torch.randint(0, codec.space.vocabulary + 1, (200, codec.space.length), generator=g)
        levels = codec.decode(x)
        assert codec.decode(codec.encode(levels)) == levels
        assert all(len(set(map(len, level.split("\n")))) == 1 for level in levels)


@pytest.mark.parametrize("levels", [[SMALL, LARGE], [SMALL]])
def test_every_draw_by_the_rules_is_a_level_as_it_is(levels: list[str]):
    codec, n, g = fitted(levels), 300, torch.Generator().manual_seed(0)
    rules, x, going = codec.rules(n), torch.zeros(n, codec.space.length, dtype=torch.int64), torch.ones(n).bool()
    for place in range(codec.space.length):
        allowed = rules.allowed()
        assert allowed.any(1).all()
        x[:, place] = torch.multinomial(allowed.float(), 1, generator=g)[:, 0] * going
        rules.tell(x[:, place])
        going &= x[:, place] > 0
    drawn = codec.decode(x)
    assert torch.equal(codec.encode(drawn), x)
    assert not any(UNKNOWN in level for level in drawn)
    sizes = {(level.count("\n") + 1, level.find("\n")) for level in drawn}
    assert sizes == {(3, 3)} if levels == [SMALL] else len(sizes) > 10


def test_too_many_tiles_and_none():
    numbers = ",".join(map(str, range(2001)))
    with pytest.raises(AnewError, match=r"found 2,001 kinds of tiles; 2,000 at most"):
        fitted([numbers])
    with pytest.raises(AnewError, match="no levels"):
        fitted([])
    with pytest.raises(AnewError, match="some levels are characters, others numbers"):
        fitted([SMALL, "1,2"])


# --- to files and pictures, and from them


def test_files_are_what_was_read(tmp_path: Path):
    assert fitted([SMALL]).to_bytes(SMALL) == (SMALL + "\n").encode()
    assert fitted([SMALL]).extension == ".txt"
    numbers = fitted(["1,2\n3,4"])
    assert numbers.extension == ".csv"
    assert numbers.to_bytes("1,2\n3,4") == b"1,2\n3,4\n"


def test_an_array_of_a_picture_shows_starts_goals_and_the_way():
    codec = fitted([LARGE])
    picture = np.asarray(Image.open(io.BytesIO(codec.show([LARGE, LARGE], 1))))
    assert picture.ndim == 3
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert {(40, 160, 70), (205, 45, 45), (150, 175, 225)} <= colours


def test_many_kinds_of_tiles_have_colours_and_views():
    codec = fitted([",".join(map(str, range(start, start + 12))) for start in range(0, 60, 3)])
    levels = codec.decode(torch.arange(1, 49).view(4, 12))
    assert codec.show(levels).startswith(b"\x89PNG")
    codec.fit_features(Batch(torch.arange(1, 49).view(4, 12)), learn=False)
    assert {name: len(view) for name, view in codec.features(levels).items()} == {
        "pixels": 4,
        "random": 4,
        "patterns": 4,
    }


def test_views_see_what_lies_above_what():
    """Columns against columns in another order: rows have the same neighbours, read as texts they are alike."""
    rows = torch.randint(1, 3, (400, 6, 6), generator=torch.Generator().manual_seed(0)).sort(1).values
    mixed = rows[:, [0, 3, 1, 4, 2, 5]]
    codec = fitted(["\n".join(["#.####"] + ["######"] * 5)])
    codec.fit_features(Batch(rows[:200].flatten(1)), learn=False)
    one, other, odd = (codec.features(codec.decode(x.flatten(1))) for x in (rows[:200], rows[200:], mixed[200:]))

    def gap(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
        return float(np.linalg.norm(a["patterns"].mean(0) - b["patterns"].mean(0)))

    assert gap(one, odd) > 5 * gap(one, other)


def test_unknown_tiles_are_holes(tmp_path: Path):
    levels = ["####\n#SG#\n####", "####\n#.S#\n#G##", "####\n#GS#\n####"]
    codec = LevelCodec()
    codec.fit([codec.load(level) for level in levels])
    known = codec.holes(["####\n#?G#\n#?##"])
    whole = codec.encode(["####\n#SG#\n#S##"])
    assert (known == -1).sum() == 2
    assert torch.equal(torch.where(known == -1, whole, known), whole)
