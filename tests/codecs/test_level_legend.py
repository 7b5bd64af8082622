"""What tiles mean: said by a file, by options, or guessed; and what is counted by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anew.codecs import make_codec
from anew.codecs.level.codec import LevelCodec
from anew.codecs.level.legend import Legend, find_legend
from anew.codecs.level.traits import count_traits, dead_ends, regions, symmetry
from anew.errors import AnewError
from anew.sources.levels import LevelFile

TILES = ("#", ".", "S", "G", "~")


def named(mask: np.ndarray) -> str:
    return "".join(tile for tile, is_one in zip(TILES, mask) if is_one)


@pytest.mark.parametrize(
    ("beside", "options", "solid", "walkable"),
    [
        ({"solid": "#~", "start": "S", "goal": "G"}, {}, "#~", ".SG"),
        ({"walkable": ".", "start": "S", "goal": "G"}, {}, "#~", ".SG"),
        ({"solid": ["#"], "walkable": [".", "S", "G"], "start": "S", "goal": "G"}, {}, "#", ".SG"),
        ({"solid": "#"}, {"solid": "~"}, "~", "#.SG"),
        ({}, {"solid": "#"}, "#", ".SG~"),
        ({"tiles": {"#": ["solid", "ground"], ".": ["passable"], "S": ["start"], "G": ["goal"]}}, {}, "#", ".SG"),
    ],
)
def test_what_is_said(beside: dict[str, Any], options: dict[str, str], solid: str, walkable: str):
    legend = find_legend(options, beside, TILES, numbers=False)
    assert legend is not None
    masks = legend.masks(TILES)
    assert named(masks.solid) == solid
    assert named(masks.walkable) == walkable
    assert legend.has_ends == ("start" in str(beside))


def test_a_guess_is_made_where_it_is_obvious_and_said():
    legend = find_legend({}, None, TILES, numbers=False)
    assert str(legend) == "legend guessed: solid '#', walkable '.SG', start 'S', goal 'G'"
    assert find_legend({}, None, ("#", ".", "@", "$"), numbers=False) is None
    assert find_legend({}, {}, ("1", "2"), numbers=True) is None


def test_tiles_of_several_layers_and_turned_ones():
    legend = find_legend({"solid": "1, 7", "start": "12", "goal": "13"}, None, (), numbers=True)
    assert legend is not None
    tiles = ("1", "2", "2/7", str(0x40000001), "12/0", "13", "/")
    assert legend.masks(tiles).solid.tolist() == [True, False, True, True, False, False, False]
    assert legend.masks(tiles).start.tolist() == [False] * 4 + [True, False, False]


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"sold": "#"}, "did you mean 'solid'"),
        ({"start": "S", "goal": "G"}, "does not say what is solid or walkable"),
        ({"solid": {"#": 1}}, "is no list of tiles"),
        ({"solid": None}, "is no list of tiles"),
        ({"tiles": "#"}, '"tiles" of legend.json'),
    ],
)
def test_a_legend_that_cannot_be_understood(beside: dict[str, Any], message: str):
    with pytest.raises(AnewError, match=message):
        find_legend({}, beside, TILES, numbers=False)


def test_the_codec_takes_the_legend_beside_the_levels_and_changes():
    level = LevelFile("W+W\nA.B", {"solid": "W", "start": "A", "goal": "B"})
    codec = make_codec("level")
    assert isinstance(codec, LevelCodec)
    codec.fit(iter([codec.load(level)]))
    assert "legend beside the levels: solid 'W', start 'A', goal 'B'" in codec.describe()
    assert codec.traits(["W+W\nA.B", "W+W\nAWB"])["solvable"].tolist() == [True, False]
    other = make_codec("level", {"solid": "+."})
    other.fit(iter([other.load(level)]))
    assert other.traits(["W+W\nA.B", "W+W\nAWB"])["solvable"].tolist() == [False, True]


def codes(*levels: str) -> np.ndarray:
    """(n, H, W), 0 where a level has ended."""
    rows = [level.split("/") for level in levels]
    x = np.zeros((len(levels), max(map(len, rows)), max(len(row[0]) for row in rows)), np.int64)
    for grid, lines in zip(x, rows):
        for place, line in enumerate(lines):
            grid[place, : len(line)] = [TILES.index(tile) + 1 for tile in line]
    return x


def test_traits():
    legend = Legend(("#",), (".", "S", "G"), ("S",), ("G",))
    traits = count_traits(codes("S.#/#.G", "S#G", "###/#.#/###", "SGG"), TILES, legend)
    assert traits["solvable"].tolist() == [True, False, False, True]
    assert traits["steps"].tolist() == pytest.approx([3, np.nan, np.nan, 1], nan_ok=True)
    assert traits["solid"].tolist() == pytest.approx([2 / 6, 1 / 3, 8 / 9, 0])
    assert traits["walkable"].tolist() == pytest.approx([4 / 6, 2 / 3, 1 / 9, 1])
    assert traits["regions"].tolist() == [1, 2, 1, 1]
    assert traits["dead ends"].tolist() == [2, 0, 0, 2]
    assert traits["symmetry"].tolist() == pytest.approx([1 / 3, 1, 1, 1])


def test_traits_without_a_legend():
    traits = count_traits(codes("#.~/#~~", "S"), TILES, None)
    assert list(traits) == ["symmetry", "share of '#'", "share of '.'", "share of 'S'", "share of 'G'"]
    assert traits["share of '#'"].tolist() == pytest.approx([2 / 6, 0])


def test_levels_do_not_touch_one_another():
    walkable = np.ones((3, 2, 2), bool)
    assert regions(walkable).tolist() == [1, 1, 1]
    assert dead_ends(walkable).tolist() == [0, 0, 0]
    assert regions(~walkable).tolist() == [0, 0, 0]
    assert symmetry(codes("##/##", "S")).tolist() == [1, 1]
