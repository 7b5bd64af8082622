"""The order that a graph's nodes are written in: the same for graphs that are alike, and neighbours near each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

_WORK = 100_000  # nodes that are looked at to see whether it matters which of those alike is told apart

Neighbours = list[list[tuple[int, int]]]  # of each node: (kind of the edge, the other node)


def order(kinds: Sequence[int], edges: np.ndarray) -> list[int]:
    """The nodes by breadth, from the one of most edges on, part by part, the largest first.

    Which of several comes first is told by their places in the whole graph, so that graphs that differ in the numbers
    of their nodes only get the same order, but for rare ones of great symmetry that are not alike within.
    """
    neighbours = [[(int(edges[i, j]), int(j)) for j in np.flatnonzero(edges[i])] for i in range(len(kinds))]
    ranks = _canonical(kinds, neighbours)
    parts, seen = [], [False] * len(ranks)
    for start in np.argsort(ranks).tolist():
        if not seen[start]:
            parts.append(_by_breadth(start, neighbours, ranks, seen))
    return [node for part in sorted(parts, key=len, reverse=True) for node in part]


def _by_breadth(start: int, neighbours: Neighbours, ranks: list[int], seen: list[bool]) -> list[int]:
    part, seen[start] = [start], True
    for node in part:
        for other in sorted((other for _, other in neighbours[node]), key=ranks.__getitem__):
            if not seen[other]:
                seen[other] = True
                part.append(other)
    return part


def _canonical(kinds: Sequence[int], neighbours: Neighbours) -> list[int]:
    """Each node's rank. Nodes that look the same are told apart one by one (McKay 1981), and not every way is tried:
    the one that makes the rest look least, and the first of several such, which are nearly always the same.
    """
    ranks = _refine(_ranked([(-len(own), kind) for own, kind in zip(neighbours, kinds)]), neighbours)
    trials = _WORK // max(1, len(ranks))
    while (sizes := Counter(ranks)) and len(sizes) < len(ranks):
        cell = min((size, rank) for rank, size in sizes.items() if size > 1)[1]
        alike = [node for node, rank in enumerate(ranks) if rank == cell]
        tried = alike if trials >= len(alike) else alike[:1]
        trials -= len(tried)
        found = [_refine([2 * rank - (i == node) for i, rank in enumerate(ranks)], neighbours) for node in tried]
        ranks = min(found, key=lambda each: sorted(_signatures(each, neighbours))) if len(found) > 1 else found[0]
    return ranks


def _refine(ranks: list[int], neighbours: Neighbours) -> list[int]:
    """Colour refinement (Weisfeiler and Leman 1968): ranks by those of the neighbours, until nothing changes."""
    ranks = _ranked(ranks)
    while len(set(ranks)) < len(ranks):
        finer = _ranked(_signatures(ranks, neighbours))
        if len(set(finer)) == len(set(ranks)):
            break
        ranks = finer
    return ranks


def _signatures(ranks: list[int], neighbours: Neighbours) -> list[Any]:
    return [(rank, sorted([(kind, ranks[j]) for kind, j in own])) for rank, own in zip(ranks, neighbours)]


def _ranked(values: Sequence[Any]) -> list[int]:
    """Each value's place among the different ones."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, rank = [0] * len(values), 0
    for before, node in zip([*order[:1], *order], order):
        rank += values[before] != values[node]
        ranks[node] = rank
    return ranks
