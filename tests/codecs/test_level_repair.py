"""Repaired levels have one start, one goal and a way, and as few other tiles as possible."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.codecs import make_codec
from anew.codecs.level.codec import LevelCodec
from anew.codecs.level.legend import Legend
from anew.codecs.level.repair import repair
from anew.errors import AnewError

LEGEND = Legend(("#",), (".", "S", "G"), ("S",), ("G",))
TILES = ("#", ".", "S", "G")
CODEC = make_codec("level")
assert isinstance(CODEC, LevelCodec)
CODEC.fit(iter([CODEC.load("\n".join(["#.SG"] + ["####"] * 5)), CODEC.load("S.\nG.")]))

levels = st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda size: st.lists(st.text("##..SG", min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
)


@pytest.mark.parametrize(
    ("level", "mended"),
    [
        ("S.G", "S.G"),
        ("S#G", "S.G"),
        ("S.S.G", "..S.G"),
        ("S#", "SG"),
        ("SS", "SG"),
        ("#", "#"),
        ("S", "S"),
    ],
)
def test_what_is_mended(level: str, mended: str):
    assert repair(level, LEGEND, TILES) == mended


@pytest.mark.parametrize(
    ("level", "changed"),
    [
        ("S##/#.#/##G", 2),
        ("S#.G/##../G...", 2),  # the wall between, and the other goal
        ("..#/###/G..", 1),  # a start where one can walk to
        ("###/###/###", 2),
        ("...", 2),
    ],
)
def test_as_few_tiles_as_possible(level: str, changed: int):
    mended = repair(level.replace("/", "\n"), LEGEND, TILES).replace("\n", "/")
    assert sum(a != b for a, b in zip(level, mended)) == changed


@given(levels)
@settings(max_examples=150, deadline=None)
def test_any_level_can_be_solved_after_repair(rows: list[str]):
    level = "\n".join(rows)
    if len(level) < 2:
        return
    mended = repair(level, LEGEND, TILES)
    assert len(mended) == len(level)
    assert (mended.count("S"), mended.count("G")) == (1, 1)
    assert CODEC.traits([mended])["solvable"].all()
    assert repair(mended, LEGEND, TILES) == mended
    if (level.count("S"), level.count("G")) == (1, 1) and CODEC.traits([level])["solvable"].all():
        assert mended == level


def test_what_cannot_be_walked_on_and_is_no_wall():
    legend = Legend(("#",), (".",), ("S",), ("G",))
    assert repair("S~G", legend, ("~", ".", "#", "S", "G")) == "S.G"


def test_numbers_stay_numbers():
    legend = Legend(("1",), (), ("8",), ("9",))
    assert repair("8,1,9", legend, ("1", "2", "8", "9")) == "8,2,9"


def test_tiles_that_were_never_seen_are_those_of_the_legend():
    assert repair("..#", LEGEND, ("#", ".")) in ("SG#", "GS#")


def test_the_codec_says_what_it_did():
    mended, said = CODEC.mend(["#.S#\nG###", "SG"])
    assert said == "repaired 1 of 2 levels, by 1.0 tiles on average"
    assert mended[1] == "SG"
    assert CODEC.mend(["SG"])[1] == "repaired 0 of 1 levels"


def test_what_cannot_be_repaired():
    silent = make_codec("level")
    assert isinstance(silent, LevelCodec)
    silent.fit(iter([silent.load("ab\nba")]))
    with pytest.raises(AnewError, match="where they start and end"):
        silent.mend(["ab"])
    cut = make_codec("level", {"size": "2"})
    assert isinstance(cut, LevelCodec)
    cut.fit(iter([cut.load("S.#G")]))
    with pytest.raises(AnewError, match="windows on larger levels"):
        cut.mend(["S."])
