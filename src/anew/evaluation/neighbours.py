"""Euclidean neighbours by brute force, in blocks of rows so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

BLOCK_ENTRIES = 2**20  # of one block of distances: 8 MiB in float64, which caches hold
BLOCK_ROWS = 64  # at least, whatever the width: thinner blocks waste time
ROUNDING = 1e-12  # squared distances below this share of a squared norm are rounding


class Neighbours(NamedTuple):
    distances: np.ndarray  # (n,)
    indices: np.ndarray  # (n,)


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices of `rows` such that a block of slice x `width` stays near BLOCK_ENTRIES."""
    step = max(BLOCK_ROWS, BLOCK_ENTRIES // max(width, 1))
    return (slice(start, start + step) for start in range(0, rows, step))


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|^2 as (n, m) in float64, exactly 0 where two rows are equal up to rounding."""
    a, b = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
    norms = (a * a).sum(1)[:, None]
    squared: np.ndarray = (-2 * a) @ b.T
    squared += norms
    squared += (b * b).sum(1)
    squared[squared < ROUNDING * norms] = 0
    return squared


def nearest(queries: np.ndarray, points: np.ndarray) -> Neighbours:
    """For each query (n, d) the distance to, and the index of, its nearest point (m, d)."""
    points = points.astype(np.float64, copy=False)  # once, not for every block
    distance, index = np.empty(len(queries)), np.empty(len(queries), dtype=np.int64)
    for rows in blocks(len(queries), len(points)):
        squared = squared_distances(queries[rows], points)
        index[rows] = squared.argmin(1)
        distance[rows] = np.sqrt(squared.min(1))
    return Neighbours(distance, index)


def radii_to(queries: np.ndarray, points: np.ndarray, ks: tuple[int, ...]) -> np.ndarray:
    """Distance of each query (n, d) to its k-th nearest point (m, d), for each of `ks` (from 1): (n, len(ks))."""
    points, found = points.astype(np.float64, copy=False), np.empty((len(queries), len(ks)))
    places = [k - 1 for k in ks]
    for rows in blocks(len(queries), len(points)):
        found[rows] = np.partition(squared_distances(queries[rows], points), places, axis=1)[:, places]
    return np.sqrt(found)


def radii(points: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each point (n, d) to its k-th nearest other point, n > k: (n,).

    Rounded up, so that the k-th neighbour is in reach whichever of the two distances is computed.
    """
    points = points.astype(np.float64, copy=False)
    squared = np.empty(len(points))
    for rows in blocks(len(points), len(points)):
        # the point itself is at distance zero, so the k-th other is at position k
        squared[rows] = np.partition(squared_distances(points[rows], points), k, axis=1)[:, k]
    return squared * (1 + 1e-9)
