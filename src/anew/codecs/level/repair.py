"""Mends levels that cannot be solved, by as few tiles as possible."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np

from anew.codecs.level.legend import Legend, Masks
from anew.codecs.level.text import are_numbers, rows_of, text_of
from anew.sources.level_paths import Cell, neighbours

Costs = dict[Cell, tuple[int, int]]  # tiles that have to be changed on the way to a cell, and its steps


def repair(level: str, legend: Legend, tiles: Sequence[str]) -> str:
    """The level with one start, one goal, and a way from one to the other. `tiles` are known, frequent ones first.

    Of several starts and goals, those stay between which the fewest tiles have to be changed, and then the fewest steps
    made. What is missing is put as far from the other as one can walk. Then the tiles in the way, which are as few as
    possible (Dijkstra 1959), become floor. What is in order comes back as it was, and so does what has no room for
    both. The legend has to say where ways start and end.
    """
    rows = [list(row) for row in rows_of(level)]
    cells = _cells(rows, legend)
    floor, start, goal = _named(tiles, legend)
    starts, goals = (_places(mask) for mask in (cells.start, cells.goal))
    sources = starts if starts and goals else [*starts, *goals, _seed(cells.walkable)][:1]
    costs, before = _ways(cells.walkable, sources)
    way = _back(before, min((starts and goals) or [_farthest(costs, cells.walkable)], key=costs.__getitem__))
    if len(way) < 2:
        return level
    way = way if starts or not goals else way[::-1]
    for cell in {*starts, *goals, *way[1:-1]}:
        row, column = cell
        if cell not in (way[0], way[-1]) and (cell in starts or cell in goals or not cells.walkable[cell]):
            rows[row][column] = floor
    for cell, present, tile in ((way[0], starts, start), (way[-1], goals, goal)):
        if cell not in present:
            rows[cell[0]][cell[1]] = tile
    return text_of(rows, are_numbers(level))


def _cells(rows: Sequence[Sequence[str]], legend: Legend) -> Masks:
    """bool (H, W) each"""
    tiles = sorted({tile for row in rows for tile in row})
    codes = {tile: code for code, tile in enumerate(tiles, 1)}
    return legend.cells(np.array([[codes[tile] for tile in row] for row in rows]), tiles)


def _named(tiles: Sequence[str], legend: Legend) -> tuple[str, str, str]:
    """The tiles that floors, starts and goals are made of."""
    masks = legend.masks(tiles)
    floors = [tile for tile, is_floor in zip(tiles, masks.walkable & ~masks.start & ~masks.goal) if is_floor]
    starts, goals = ([tile for tile, is_one in zip(tiles, mask) if is_one] for mask in (masks.start, masks.goal))
    return (floors or starts or list(legend.start))[0], (starts or legend.start)[0], (goals or legend.goal)[0]


def _places(mask: np.ndarray) -> list[Cell]:
    return [(row, column) for row, column in np.argwhere(mask).tolist()]


def _seed(walkable: np.ndarray) -> Cell:
    """A cell at one end of the largest region; the middle, if nowhere can be walked."""
    from scipy import ndimage

    regions, count = ndimage.label(walkable)
    if not count:
        return walkable.shape[0] // 2, walkable.shape[1] // 2
    largest = regions == np.bincount(regions[walkable]).argmax()
    first = _places(largest)[0]
    return _farthest(_ways(walkable, [first])[0], largest)


def _farthest(costs: Costs, walkable: np.ndarray) -> Cell:
    """The walkable cell with the most steps, of those for which the fewest tiles have to be changed; any, if none is.

    A source itself only where there is no other cell.
    """
    others = {cell: cost for cell, cost in costs.items() if cost[1] > 0} or costs
    able = {cell: cost for cell, cost in others.items() if walkable[cell]} or others
    return min(able, key=lambda cell: (able[cell][0], -able[cell][1]))


def _ways(walkable: np.ndarray, sources: Sequence[Cell]) -> tuple[Costs, dict[Cell, Cell]]:
    """What the best way to each cell costs, and the cell before it there."""
    costs: Costs = dict.fromkeys(sources, (0, 0))
    before: dict[Cell, Cell] = {}
    waiting = [(0, 0, cell) for cell in sources]
    while waiting:
        changed, steps, cell = heappop(waiting)
        if (changed, steps) > costs[cell]:
            continue
        for beside in neighbours(cell, walkable.shape):
            cost = (changed + (not walkable[beside]), steps + 1)
            if beside not in costs or cost < costs[beside]:
                costs[beside], before[beside] = cost, cell
                heappush(waiting, (*cost, beside))
    return costs, before


def _back(before: dict[Cell, Cell], cell: Cell) -> list[Cell]:
    """From a source to the cell."""
    way = [cell]
    while way[-1] in before:
        way.append(before[way[-1]])
    return way[::-1]
