"""The order that a graph's nodes are written in: the same for graphs that are alike, and what is joined together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

_WORK = 100_000  # nodes that are looked at to see whether it matters which of those alike is told apart

Neighbours = list[list[tuple[int, int]]]  # of each node: (kind of the edge, the other node)


def order(kinds: Sequence[int], edges: np.ndarray) -> list[int]:
    """The nodes part by part, the largest first, each from a node of few edges on.

    The next is always the one with the most edges to those before it (maximum cardinality search, Tarjan and Yannakakis
    1984); of several, the one whose first neighbour came last. So what is dense is finished before the next begins. Of
    others that are left, the place in the whole graph decides, so that graphs that differ in the numbers of their nodes
    only get the same order, but for rare ones of great symmetry that are not alike within.
    """
    neighbours = [[(int(edges[i, j]), int(j)) for j in np.flatnonzero(edges[i])] for i in range(len(kinds))]
    ranks = _canonical(kinds, neighbours)
    parts, seen = [], [False] * len(ranks)
    for start in sorted(range(len(ranks)), key=ranks.__getitem__, reverse=True):
        if not seen[start]:
            parts.append(_search(start, neighbours, ranks, seen))
    return [node for part in sorted(parts, key=len, reverse=True) for node in part]


def _search(start: int, neighbours: Neighbours, ranks: list[int], seen: list[bool]) -> list[int]:
    """The part of the graph that `start` is in."""
    part: list[int] = []
    open_nodes = {start: (0, 0, 0)}  # what decides: edges to those before, when the first was made, the rank
    while open_nodes:
        node = min(open_nodes, key=open_nodes.__getitem__)
        del open_nodes[node]
        seen[node] = True
        part.append(node)
        for _, other in neighbours[node]:
            if not seen[other]:
                count, first, rank = open_nodes.get(other, (0, -len(part), ranks[other]))
                open_nodes[other] = (count - 1, first, rank)
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
