"""Graphs of given degrees, wired at random."""

from __future__ import annotations

import numpy as np

ROUNDS = 30  # in which ends that found no partner try again


def wire(degrees: np.ndarray, groups: np.ndarray, links: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """bool (n, n): a simple graph of nearly these degrees (n,), the stubs of which are paired at random.

    A stub of group r wants one of group s with the probability `links[s, r]` (groups, groups). Loops and edges that are
    there already are undone and their stubs paired again; what finds no partner in the end is dropped. One group: the
    configuration model (Molloy and Reed 1995). Several: the degree-corrected block model (Karrer and Newman 2011).
    """
    graph = np.zeros((len(degrees), len(degrees)), bool)
    for _ in range(ROUNDS):
        stubs = rng.permutation(np.repeat(np.arange(len(degrees)), degrees - graph.sum(1)))
        if len(stubs) < 2:
            break
        own = groups[stubs]
        wanted = (rng.random(len(stubs)) > links.cumsum(0)[:-1, own]).sum(0)
        for r in range(len(links)):
            for s in range(r + 1):
                ends = stubs[(own == r) & (wanted == s)]
                others = stubs[(own == s) & (wanted == r)] if s < r else ends[1::2]
                _join(graph, zip(ends if s < r else ends[::2], others))
    return graph


def _join(graph: np.ndarray, pairs: zip[tuple[int, int]]) -> None:
    for a, b in pairs:
        if a != b:
            graph[a, b] = graph[b, a] = True
