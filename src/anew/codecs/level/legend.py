"""The legend of levels: which tiles are walls, which can be walked on, and where a way starts and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from anew.codecs.level.tiled import TURNED
from anew.errors import AnewError, unknown

KEYS = ("solid", "walkable", "start", "goal")
_TAGS = {"passable": "walkable"}  # of the Video Game Level Corpus (Summerville et al. 2016), that are called otherwise


class Masks(NamedTuple):
    """Of tiles, or of the cells of levels: what is what, bool each. Starts and goals are walkable."""

    solid: np.ndarray
    walkable: np.ndarray
    start: np.ndarray
    goal: np.ndarray


@dataclass(frozen=True)
class Legend:
    """Names of tiles. What is not said to be solid is walkable, if nothing is, and the other way round.

    A tile of several layers is what one of its layers is, a turned one what it is upright.
    """

    solid: tuple[str, ...] = ()
    walkable: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    goal: tuple[str, ...] = ()
    origin: str = ""

    def __str__(self) -> str:
        named = {key: names for key in KEYS if (names := getattr(self, key))}
        between = "" if all(len(name) == 1 for names in named.values() for name in names) else ","
        return f"legend {self.origin}: " + ", ".join(f"{key} '{between.join(named[key])}'" for key in named)

    def cells(self, x: np.ndarray, tiles: Sequence[str]) -> Masks:
        """Like x, which is codes of tiles from 1, and 0 for nothing."""
        return Masks(*(np.concatenate([[False], mask])[x] for mask in self.masks(tiles)))

    def masks(self, tiles: Sequence[str]) -> Masks:
        """(tiles,)"""
        solid, walkable, start, goal = (np.array([_is_one(tile, getattr(self, key)) for tile in tiles]) for key in KEYS)
        if not self.solid:
            solid = ~walkable & ~start & ~goal
        walkable = (walkable if self.walkable else ~solid) | start | goal
        return Masks(solid & ~walkable, walkable, start, goal)

    @property
    def has_ends(self) -> bool:
        """Whether it says where ways start and end."""
        return bool(self.start and self.goal)


def find_legend(
    options: Mapping[str, str], beside: Mapping[str, Any] | None, tiles: Sequence[str], numbers: bool
) -> Legend | None:
    """What the options say, and beyond them what lies beside the levels; else a guess, where it is obvious, or None.

    Raises AnewError for a legend that cannot be understood.
    """
    told = _read(beside or {}, numbers) | {key: _names(text, numbers) for key, text in options.items()}
    if not told:
        return _guess(set(tiles))
    if "solid" not in told and "walkable" not in told:
        raise AnewError("the legend does not say what is solid or walkable; add one of them, such as codec.solid=#")
    return Legend(**told, origin="as asked for" if options else "beside the levels")


def _guess(tiles: set[str]) -> Legend | None:
    floor = tuple(tile for tile in (".", " ") if tile in tiles)
    if not floor or not tiles >= {"#", "S", "G"}:
        return None
    return Legend(("#",), (*floor, "S", "G"), ("S",), ("G",), "guessed")


def _read(legend: Mapping[str, Any], numbers: bool) -> dict[str, tuple[str, ...]]:
    """Names of tiles by key; or a list of such words for each tile, as in the Video Game Level Corpus."""
    if strangers := sorted(legend.keys() - {*KEYS, "tiles"}):
        raise unknown("key of legend.json", strangers[0], (*KEYS, "tiles"))
    found = {key: _names(names, numbers) for key, names in legend.items() if key != "tiles"}
    if not isinstance(tagged := legend.get("tiles", {}), Mapping):
        raise AnewError('"tiles" of legend.json is no object; expected such as {"tiles": {"#": ["solid"]}}')
    for tile, tags in tagged.items():
        for key in {_TAGS.get(str(tag), str(tag)) for tag in tags if isinstance(tags, list)} & set(KEYS):
            found[key] = (*found.get(key, ()), tile)
    return found


def _names(names: Any, numbers: bool) -> tuple[str, ...]:
    """'.SG' or, of maps of Tiled, '1,5' or 5; or a list of tiles."""
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip()) if numbers else tuple(names)
    if isinstance(names, int):
        return (str(names),)
    if isinstance(names, list) and all(isinstance(name, str | int) for name in names):
        return tuple(map(str, names))
    raise AnewError(f'{names!r} in legend.json is no list of tiles; expected such as ".SG" or [1, 5]')


def _is_one(tile: str, names: Sequence[str]) -> bool:
    return tile in names or any(_upright(part) in names for part in tile.split("/"))


def _upright(tile: str) -> str:
    return str(int(tile) & ~TURNED) if tile.isascii() and tile.isdecimal() else tile
