"""What is counted in graphs: degrees, clustering, the spectrum, and orbits of graphlets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# Bins of the histograms: degrees from 0 to 63 and more; clustering in 100ths (You et al. 2018); eigenvalues of the
# normalised Laplacian, 0 to 2, in 200 (Liao et al. 2019). Of the 15 orbits, the mean over the nodes.
BINS = {"degrees": 64, "clustering": 100, "spectrum": 200, "orbits": 15}


def statistics(adjacencies: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """{name of BINS: float64 (graphs, bins)}, of symmetric bool matrices (n, n) without loops.

    Histograms are of shares of the nodes, so they sum to one; those of a graph without nodes are zero.
    """
    rows = [_statistics(adjacency.astype(np.float64)) for adjacency in adjacencies]
    return {name: np.array([row[name] for row in rows]).reshape(len(rows), bins) for name, bins in BINS.items()}


def _statistics(a: np.ndarray) -> dict[str, np.ndarray]:
    if not len(a):
        return {name: np.zeros(bins) for name, bins in BINS.items()}
    degrees = a.sum(1).astype(np.int64).clip(max=BINS["degrees"] - 1)
    return {
        "degrees": np.bincount(degrees, minlength=BINS["degrees"]) / len(a),
        "clustering": _shares(clustering(a), BINS["clustering"], (0, 1)),
        "spectrum": _shares(spectrum(a), BINS["spectrum"], (-1e-5, 2)),
        "orbits": orbits(a).mean(0),
    }


def clustering(a: np.ndarray) -> np.ndarray:
    """(n,): of each node's pairs of neighbours, how many are joined (Watts and Strogatz 1998); 0 without a pair."""
    degrees = a.sum(1)
    return triangles(a) / (degrees * (degrees - 1) / 2).clip(min=1)


def triangles(a: np.ndarray) -> np.ndarray:
    """(n,): those that each node is a corner of."""
    return ((a @ a) * a).sum(1) / 2


def spectrum(a: np.ndarray) -> np.ndarray:
    """(n,): the eigenvalues of I - D^-1/2 A D^-1/2, rows of nodes without an edge being zero (Chung 1997)."""
    degrees = a.sum(1)
    scale = np.where(degrees > 0, degrees.clip(min=1) ** -0.5, 0)
    return np.linalg.eigvalsh(np.diag(degrees > 0) - scale[:, None] * a * scale).clip(0, 2)


def orbits(a: np.ndarray) -> np.ndarray:
    """(n, 15): how often each node takes each place in induced subgraphs of 2 to 4 nodes (Pržulj 2007, figure 1).

    Counted by their equations, as Hočevar and Demšar 2014 do: subgraphs that need not be induced, those of more edges
    first, less those that are part of the ones with more edges.
    """
    d, common = a.sum(1), a @ a
    t = common * a  # triangles at each edge
    t_i, pairs = t.sum(1) / 2, d * (d - 1) / 2
    paths = a @ (d - 1)  # of two edges that begin at a node, and triangles twice
    o14 = _four_cliques(a)
    o13 = (t * (t - 1)).sum(1) / 2 - 3 * o14
    o12 = (a * (a @ (t - a))).sum(1) / 2 - 3 * o14
    o11 = t_i * (d - 2) - 2 * o13 - 3 * o14
    o10 = t @ (d - 2) - 2 * o13 - 2 * o12 - 6 * o14
    o9 = a @ t_i - t.sum(1) - 2 * o12 - 3 * o14
    o8 = (common * (common - 1)).sum(1) / 2 - _own(common) - o12 - o13 - 3 * o14
    o7 = d * (d - 1) * (d - 2) / 6 - o11 - o13 - o14
    o6 = a @ ((d - 1) * (d - 2) / 2) - o9 - o10 - o13 - 2 * o12 - 3 * o14
    o5 = (d - 1) * paths - 2 * t_i - 2 * o8 - o10 - 2 * o11 - 2 * o12 - 4 * o13 - 6 * o14
    o4 = a @ paths - d * (d - 1) - 2 * t_i - 2 * o8 - 2 * o9 - o10 - 4 * o12 - 2 * o13 - 6 * o14
    o3, o2, o1 = t_i, pairs - t_i, paths - 2 * t_i
    return np.stack([d, o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, o11, o12, o13, o14], 1)


def _own(common: np.ndarray) -> np.ndarray:
    """Pairs of a node's neighbours, which are no two ways to another node."""
    own = np.diagonal(common)
    return own * (own - 1) / 2


def _four_cliques(a: np.ndarray) -> np.ndarray:
    """(n,): edges within the common neighbours of each edge's ends, by the node."""
    ends = np.argwhere(np.triu(a))
    both = a[ends[:, 0]] * a[ends[:, 1]]
    inside = ((both @ a) * both).sum(1) / 2
    return np.bincount(ends.ravel(), inside.repeat(2), len(a)) / 3


def _shares(values: np.ndarray, bins: int, limits: tuple[float, float]) -> np.ndarray:
    return np.histogram(values, bins, limits)[0] / len(values)
