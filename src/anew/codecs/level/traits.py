"""What a person would count in levels: can they be solved, how long is the way, how are they built?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anew.codecs.level.legend import Legend, Masks
from anew.sources.level_paths import steps

_COUNTED = 4  # tiles whose share is told where there is no legend
_TOGETHER = np.array([[[0] * 3] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0] * 3] * 3])  # neighbours within a level

Traits = dict[str, np.ndarray]


def count_traits(x: np.ndarray, tiles: Sequence[str], legend: Legend | None, ways: bool = True) -> Traits:
    """Of levels (n, H, W), codes of tiles from 1 and 0 for nothing: {name: (n,)}, see `Codec.traits`.

    "solvable", whether there is a way from the start to a goal; "steps", those of the shortest (NaN if there is none);
    "solid" and "walkable", shares of the cells; "regions" that are connected; "dead ends", walkable cells with one
    walkable neighbour; "symmetry", the share of cells that equal those on the other side, left and right or up and
    down. Without a legend, the shares of the most frequent tiles stand in for the first six.
    """
    count = np.maximum((x > 0).sum((1, 2)), 1)
    traits: Traits = {"symmetry": symmetry(x)}
    if legend is None:
        named = enumerate(tiles[:_COUNTED], 1)
        return traits | {f"share of '{tile}'": (x == code).sum((1, 2)) / count for code, tile in named}
    cells = legend.cells(x, tiles)
    if ways and legend.has_ends:
        shortest = ways_through(cells)
        traits |= {"solvable": ~np.isnan(shortest), "steps": shortest}
    return traits | {
        "solid": cells.solid.sum((1, 2)) / count,
        "walkable": cells.walkable.sum((1, 2)) / count,
        "regions": regions(cells.walkable),
        "dead ends": dead_ends(cells.walkable),
    }


def ways_through(cells: Masks) -> np.ndarray:
    """float64 (n,): steps of the shortest way from a start to a goal, NaN where there is none."""
    reached = steps(cells.walkable, cells.start).astype(np.float64)
    shortest = np.where(cells.goal & (reached >= 0), reached, np.inf).min((1, 2))
    return np.where(np.isfinite(shortest), shortest, np.nan)


def regions(walkable: np.ndarray) -> np.ndarray:
    """float64 (n,): into how many parts the walkable cells (n, H, W) fall."""
    from scipy import ndimage

    labels, _ = ndimage.label(walkable, structure=_TOGETHER)
    levels = np.broadcast_to(np.arange(len(labels))[:, None, None], labels.shape)
    distinct = np.unique(np.stack([levels[walkable], labels[walkable]], 1), axis=0)
    return np.bincount(distinct[:, 0], minlength=len(labels)).astype(np.float64)


def dead_ends(walkable: np.ndarray) -> np.ndarray:
    """float64 (n,)"""
    around = np.pad(walkable.astype(np.int8), ((0, 0), (1, 1), (1, 1)))
    ways = around[:, :-2, 1:-1] + around[:, 2:, 1:-1] + around[:, 1:-1, :-2] + around[:, 1:-1, 2:]
    return (walkable & (ways == 1)).sum((1, 2)).astype(np.float64)


def symmetry(x: np.ndarray) -> np.ndarray:
    """float64 (n,): 1 for levels that are their own mirror image. They fill the upper left of x (n, H, W)."""
    found = np.full(len(x), np.nan)
    heights, widths = (x[:, :, 0] > 0).sum(1), (x[:, 0] > 0).sum(1)
    for height, width in set(zip(heights.tolist(), widths.tolist())):
        alike = (heights == height) & (widths == width)
        level = x[alike, :height, :width]
        sideways, upside_down = (level == level[:, :, ::-1]), (level == level[:, ::-1])
        found[alike] = np.maximum(sideways.mean((1, 2)), upside_down.mean((1, 2)))
    return found
