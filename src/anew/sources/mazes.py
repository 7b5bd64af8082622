"""The built-in `mazes`: caves, rooms and mazes with a start and a goal, for trying things out in minutes.

They are made when they are asked for, and are always the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Any, ClassVar

import numpy as np

from anew.sources.level_paths import Cell, neighbours, path, steps
from anew.sources.levels import LevelFile
from anew.sources.source import Record, Source

LEGEND = {"solid": "#", "walkable": ".SG", "start": "S", "goal": "G"}
_COUNT, _SIDES, _SOLVABLE = 3_000, (11, 13, 15, 17), 0.75
_NOISE, _TURNS, _LEAST = 0.45, 2, 0.3  # of caves: walls to begin with, turns of smoothing, and what must be open
_ROOMS, _ROOM = (6, 9), (2, 4)  # how many, and their sides


class Mazes(Source):
    """Labelled with `kind`, `size`, whether they are `solvable`, and `difficulty`: the steps of a shortest way."""

    codec: ClassVar[str] = "level"
    reads: ClassVar[str] = "levels: 3,000 caves, rooms and mazes of 11x11 to 17x17 tiles; kind, size, difficulty"
    builtin: ClassVar[str] = "mazes"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "mazes") -> None:
        self.name = self.location = location

    def __iter__(self) -> Iterator[Record]:
        for index, (level, given) in enumerate(_levels()):
            yield Record(LevelFile(level, LEGEND), dict(given), f"mazes[{index}]")

    def __len__(self) -> int:
        return _COUNT

    def fingerprint(self) -> str:
        return f"mazes-1-{_COUNT}"


@cache
def _levels() -> list[tuple[str, dict[str, Any]]]:
    """Levels with what is known of them."""
    draws = [Random(f"mazes {index}") for index in range(_COUNT)]
    makers = [rng.choice((_cave, _rooms, _maze)) for rng in draws]
    sides = [rng.choice(_SIDES) for rng in draws]
    open_ = np.zeros((_COUNT, max(_SIDES), max(_SIDES)), bool)
    for cells, rng, make, side in zip(open_, draws, makers, sides):
        cells[:side, :side] = make(rng, side)
    start, goals = _places(open_, draws)
    _shut([i for i, rng in enumerate(draws) if rng.random() >= _SOLVABLE], open_, start, goals, draws)
    lengths = [int(found[goal]) for found, goal in zip(steps(open_, start), goals)]
    tiles = np.where(start, "S", np.where(open_, ".", "#"))
    levels = []
    for level, goal, make, side, length in zip(tiles, goals, makers, sides, lengths):
        level[goal] = "G"
        given = {"kind": make.__name__.strip("_"), "size": f"{side}x{side}", "solvable": length > 0}
        text = "\n".join("".join(row) for row in level[:side, :side])
        levels.append((text, given | {"difficulty": float(length) if length > 0 else None}))
    return levels


def _places(open_: np.ndarray, draws: Sequence[Random]) -> tuple[np.ndarray, list[Cell]]:
    """A start in each level, bool (n, H, W), and a goal in the farther half of what is reached from it."""
    start = np.zeros_like(open_)
    for mask, cells, rng in zip(start, open_, draws):
        mask[_one(cells, rng)] = True
    found = steps(open_, start)
    far = found > found.max((1, 2), keepdims=True) // 2
    return start, [_one(cells, rng) for cells, rng in zip(far, draws)]


def _shut(
    chosen: list[int], open_: np.ndarray, start: np.ndarray, goals: Sequence[Cell], draws: Sequence[Random]
) -> None:
    """Walls where the shortest ways of the chosen levels are narrow, until none is left."""
    while chosen:
        found = dict(zip(chosen, steps(open_[chosen], start[chosen])))
        chosen = [i for i in chosen if found[i][goals[i]] > 0]
        for i in chosen:
            way = path(found[i], goals[i])[1:-1]
            room = [sum(open_[i][cell] for cell in neighbours(place, open_[i].shape)) for place in way]
            narrow = [place for place, n in zip(way, room) if n == min(room)]
            open_[i][draws[i].choice(narrow)] = False


def _cave(rng: Random, side: int) -> np.ndarray:
    """Noise that is smoothed by what surrounds each cell (Johnson, Yannakakis and Togelius 2010), its largest part."""
    from scipy import ndimage

    square = np.ones((3, 3), int)
    while True:
        walls = np.array([rng.random() < _NOISE for _ in range(side**2)]).reshape(side, side)
        for _ in range(_TURNS):
            _frame(walls)
            walls = ndimage.convolve(walls.astype(int), square, mode="constant", cval=1) >= 5
        _frame(walls)
        parts, _ = ndimage.label(~walls)
        largest = parts == np.bincount(parts[parts > 0], minlength=1).argmax()
        if largest.mean() > _LEAST and parts.any():
            return largest


def _rooms(rng: Random, side: int) -> np.ndarray:
    """Rooms, each joined to the next by a corridor with one corner."""
    open_ = np.zeros((side, side), bool)
    centres: list[Cell] = []
    for _ in range(rng.randint(*_ROOMS)):
        height, width = rng.randint(*_ROOM), rng.randint(*_ROOM)
        top, left = rng.randint(1, side - 1 - height), rng.randint(1, side - 1 - width)
        open_[top : top + height, left : left + width] = True
        centres.append((top + height // 2, left + width // 2))
    for (a, b), (c, d) in zip(centres, centres[1:]):
        corner = rng.choice(((a, d), (c, b)))
        for row, column in ((a, b), (c, d)):
            rows, columns = sorted((row, corner[0])), sorted((column, corner[1]))
            open_[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
    return open_


def _maze(rng: Random, side: int) -> np.ndarray:
    """A perfect maze, by going on at random from where one is, and back where there is no way on."""
    open_ = np.zeros((side, side), bool)
    way = [(1, 1)]
    open_[1, 1] = True
    while way:
        row, column = way[-1]
        ways = [(row + r, column + c) for r, c in ((-2, 0), (2, 0), (0, -2), (0, 2))]
        unseen = [(r, c) for r, c in ways if 0 < r < side and 0 < c < side and not open_[r, c]]
        if not unseen:
            way.pop()
            continue
        r, c = rng.choice(unseen)
        open_[(row + r) // 2, (column + c) // 2] = open_[r, c] = True
        way.append((r, c))
    return open_


def _frame(walls: np.ndarray) -> None:
    walls[[0, -1]] = walls[:, [0, -1]] = True


def _one(cells: np.ndarray, rng: Random) -> Cell:
    """One of those that are true."""
    row, column = divmod(rng.choice(np.flatnonzero(cells).tolist()), cells.shape[1])
    return row, column
