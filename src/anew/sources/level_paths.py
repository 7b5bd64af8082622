"""Ways through levels, in steps to one of the four neighbours of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

Cell = tuple[int, int]  # row, column


def steps(open_: np.ndarray, start: np.ndarray) -> np.ndarray:
    """int32 (n, H, W): how many steps each open cell is from the nearest start, -1 where there is no way.

    Both are bool (n, H, W). All levels at once: what is reached grows by one step at a time.
    """
    front = start & open_
    found = np.where(front, 0, -1).astype(np.int32)
    unseen = open_ & ~front
    for step in count(1):
        front = beside(front) & unseen
        if not front.any():
            return found
        found[front] = step
        unseen &= ~front
    raise AssertionError


def beside(cells: np.ndarray) -> np.ndarray:
    """bool (n, H, W): where at least one of the four neighbours is true."""
    found = np.zeros_like(cells)
    found[:, 1:] |= cells[:, :-1]
    found[:, :-1] |= cells[:, 1:]
    found[:, :, 1:] |= cells[:, :, :-1]
    found[:, :, :-1] |= cells[:, :, 1:]
    return found


def path(found: np.ndarray, goal: Cell) -> list[Cell]:
    """A shortest way from the start to the goal, both included, by the `steps` (H, W) of one level; empty if none."""
    if found[goal] < 0:
        return []
    way = [goal]
    while found[way[-1]] > 0:
        way.append(next(cell for cell in neighbours(way[-1], found.shape) if found[cell] == found[way[-1]] - 1))
    return way[::-1]


def neighbours(cell: Cell, shape: tuple[int, ...]) -> Iterator[Cell]:
    """Those of the four that are in the level."""
    row, column = cell
    for r, c in ((row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)):
        if 0 <= r < shape[0] and 0 <= c < shape[1]:
            yield r, c
