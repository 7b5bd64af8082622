"""Graphs of given degrees, wired at random."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

ROUNDS = 10  # in which ends that found no partner try again


def wire(degrees: np.ndarray, groups: np.ndarray, links: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """bool (n, n): a simple graph of nearly these degrees (n,), the stubs of which are paired at random.

    A stub of group r wants one of group s with the probability `links[s, r]` (groups, groups). Loops and edges that are
    there already are undone and their stubs paired again, in the end with those of an edge that is given up for it;
    what finds no partner then is dropped. One group: the configuration model (Molloy and Reed 1995). Several: the
    degree-corrected block model (Karrer and Newman 2011).
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
    left = rng.permutation(np.repeat(np.arange(len(degrees)), degrees - graph.sum(1)))
    for a, b in zip(left[::2], left[1::2]):
        _swap(graph, a, b, groups, rng)
    return graph


def _join(graph: np.ndarray, pairs: Iterable[tuple[int, int]]) -> None:
    for a, b in pairs:
        if a != b:
            graph[a, b] = graph[b, a] = True


def _swap(graph: np.ndarray, a: int, b: int, groups: np.ndarray, rng: np.random.Generator) -> None:
    """Joins a and b to the ends c and d of an edge, instead of these: as many edges between groups as if a met b."""
    c, d = np.nonzero(graph)
    free = ~graph[a, c] & ~graph[b, d] & (c != a) & (d != b) & (c != b) & (d != a)
    found = np.flatnonzero(free & (groups[c] == groups[b]) & (groups[d] == groups[a]))
    if len(found):
        edge = rng.choice(found)
        graph[c[edge], d[edge]] = graph[d[edge], c[edge]] = False
        _join(graph, [(a, c[edge]), (b, d[edge])])
