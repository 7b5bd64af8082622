"""Levels as pictures: a colour for each tile, and the shortest way."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import PIL.Image

from anew.codecs.image.codec import ImageCodec
from anew.codecs.level.legend import Legend
from anew.sources.level_paths import path, steps
from anew.spaces import Grid

_TILE, _WAY = 8, (3, 5)  # pixels: the side of a tile, and where within it the way runs
_START, _GOAL, _STEP, _NOTHING = (40, 160, 70), (205, 45, 45), (150, 175, 225), (232, 232, 232)
_GOLDEN = 0.61803  # of the circle of hues, from one tile to the next: none comes twice
# Lightness and saturation: of the most frequent tile of a kind, and of the others in turns.
_SOLID = ((0.22, 0.25), (0.38, 0.4), (0.3, 0.6))
_WALKABLE = ((0.95, 0.5), (0.75, 0.7), (0.85, 0.7))
_OTHERS = ((0.93, 0.4), (0.35, 0.5), (0.62, 0.65), (0.48, 0.8))


def draw_levels(x: np.ndarray, tiles: Sequence[str], legend: Legend | None, columns: int | None = None) -> bytes:
    """A PNG of levels (n, H, W), codes of tiles from 1 and 0 for nothing, side by side."""
    colours = np.concatenate([[_NOTHING], _palette(tiles, legend)]).astype(np.uint8)
    pictures = colours[x].repeat(_TILE, 1).repeat(_TILE, 2)
    if legend is not None and legend.has_ends:
        cells = legend.cells(x, tiles)
        for picture, found, ends in zip(pictures, steps(cells.walkable, cells.start), cells.goal):
            _draw_way(picture, found, ends)
    canvas = ImageCodec()
    canvas.space = Grid(3, pictures.shape[1:3])
    return canvas.show([PIL.Image.fromarray(picture) for picture in pictures], columns)


def _palette(tiles: Sequence[str], legend: Legend | None) -> np.ndarray:
    """(tiles, 3) from 0 to 255: dark for what is solid, light for what is walkable; no two of one hue."""
    solid, walkable, start, goal = legend.masks(tiles) if legend else np.zeros((4, len(tiles)), bool)
    found = np.empty((len(tiles), 3))
    for mask, shades in ((solid, _SOLID), (walkable, _WALKABLE), (~solid & ~walkable, _OTHERS)):
        for number, place in enumerate(np.flatnonzero(mask).tolist()):
            shade = shades[0] if number == 0 else shades[1 + (number - 1) % (len(shades) - 1)]
            found[place] = colorsys.hls_to_rgb((0.6 + place * _GOLDEN) % 1, *shade)
    found *= 255
    found[start], found[goal] = _START, _GOAL
    return found


def _draw_way(picture: np.ndarray, found: np.ndarray, goal: np.ndarray) -> None:
    """The shortest one, if there is one, by the `steps` (H, W) from the start; into uint8 (H, W, 3)."""
    reached = [(row, column) for row, column in np.argwhere(goal & (found >= 0)).tolist()]
    if not reached:
        return
    way = path(found, min(reached, key=found.__getitem__))
    for one, other in pairwise(way):
        (top, left), (bottom, right) = min(one, other), max(one, other)
        rows = slice(top * _TILE + _WAY[0], bottom * _TILE + _WAY[1])
        picture[rows, left * _TILE + _WAY[0] : right * _TILE + _WAY[1]] = _STEP
