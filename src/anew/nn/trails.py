"""Graphs as walks through them, written as codes, and back (after Chen et al. 2025, AutoGraph).

A trail visits every node once, from neighbour to neighbour, and says at each which of those before it are joined to it:

    1 2 3 1 4 / 5 2      1-2-3-4 and 2-5 are steps, 3-1 an edge that is told; / begins elsewhere, so 4-5 is none

Nodes are numbered as they are visited, so a number that was not there is a new node, and one that was there a
neighbour: neighbours in falling order, without the node before, to which a step is an edge. Where there are several
kinds, a node is followed by its kind, and a step or a neighbour by that of its edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from anew.nn.rules import Rules
from anew.spaces import Graph

BOUNDLESS = 2**31  # room without a limit


class Trail(NamedTuple):
    """Its codes, and the nodes in its order."""

    codes: list[int]
    nodes: list[int]


class Trails:
    """The codes of a space: 1 to N nodes, N + 1 a new beginning, then kinds of nodes, then kinds of edges."""

    def __init__(self, space: Graph):
        self.space, self.begin = space, space.nodes + 1
        self.node_kinds = space.node_kinds if space.node_kinds > 1 else 0  # that are written
        self.edge_kinds = space.edge_kinds if space.edge_kinds > 1 else 0
        self.vocabulary = self.begin + self.node_kinds + self.edge_kinds

    @property
    def longest(self) -> int:
        nodes = self.space.nodes
        return self.length(nodes, self.space.edges or nodes * (nodes - 1) // 2)

    def length(self, nodes: int, edges: int) -> int:
        """The most codes that a graph of so many nodes and edges takes."""
        return nodes * (1 + bool(self.node_kinds)) + (nodes - 1) + edges * (1 + bool(self.edge_kinds))

    def write(self, matrix: np.ndarray, rng: np.random.Generator) -> Trail:
        """A random trail through a graph (n, n), kinds on the diagonal, absent nodes having none."""
        codes: list[int] = []
        number: dict[int, int] = {}  # of the nodes so far
        neighbours = _neighbours(matrix)
        for node, before in _walk(neighbours, rng):
            if number and before is None:
                codes.append(self.begin)
            codes += [len(number) + 1, *self._node_kind(matrix[node, node])]
            if before is not None:
                codes += self._edge_kind(matrix[node, before])
            joined = (other for other in neighbours[node] if other in number and other != before)
            for other in sorted(joined, key=number.__getitem__, reverse=True):
                codes += [number[other], *self._edge_kind(matrix[node, other])]
            number[node] = len(number) + 1
        return Trail(codes, list(number))

    def read(self, codes: Iterable[int]) -> np.ndarray:
        """int64 (N, N): the graph of a trail, nodes in its order; what makes no sense is left out."""
        matrix = np.zeros((self.space.nodes,) * 2, np.int64)
        count, stepped, latest = 0, False, (-1, -1)  # nodes; whether the next is a step from the last; the latest edge
        for code in codes:
            if code == self.begin:
                stepped = False
            elif 1 <= code < self.begin and code > count < self.space.nodes:
                matrix[count, count] = 1
                latest = (count, count - 1) if stepped else (-1, -1)
                count, stepped = count + 1, True
                _join(matrix, latest, 1)
            elif 1 <= code < count:
                latest = (count - 1, code - 1)
                _join(matrix, latest, 1)
            elif 0 < code - self.begin <= self.node_kinds and count:
                matrix[count - 1, count - 1] = code - self.begin
            elif 0 < code - self.begin - self.node_kinds <= self.edge_kinds:
                _join(matrix, latest, code - self.begin - self.node_kinds)
        return matrix

    def rules(self, n: int) -> TrailRules:
        return TrailRules(self, n)

    def are_node_kinds(self, codes: Tensor) -> Tensor:
        """bool, of codes of any shape."""
        return (codes > self.begin) & (codes <= self.begin + self.node_kinds)

    def _node_kind(self, kind: int) -> list[int]:
        return [self.begin + int(kind)] if self.node_kinds else []

    def _edge_kind(self, kind: int) -> list[int]:
        return [self.begin + self.node_kinds + int(kind)] if self.edge_kinds else []


def _neighbours(matrix: np.ndarray) -> dict[int, list[int]]:
    """Of each node that is there, its neighbours that are."""
    there = matrix.diagonal() > 0
    joined = (matrix > 0) & there & ~np.eye(len(matrix), dtype=bool)
    return {node: np.flatnonzero(joined[node]).tolist() for node in np.flatnonzero(there).tolist()}


def _walk(neighbours: dict[int, list[int]], rng: np.random.Generator) -> Iterator[tuple[int, int | None]]:
    """Each node with the one before it; None where the walk begins, or begins again beside the latest that is open."""
    left = dict.fromkeys(neighbours)
    path: list[int] = []
    last, around = None, list(left)
    while left:
        while path and not (around := [other for other in neighbours[path[-1]] if other in left]):
            path.pop()
        among = around if path else list(left)
        node = among[int(rng.random() * len(among))]
        yield node, last if path and path[-1] == last else None
        del left[node]
        path.append(node)
        last = node


def _join(matrix: np.ndarray, edge: tuple[int, int], kind: int) -> None:
    if min(edge) >= 0:
        matrix[edge], matrix[edge[::-1]] = kind, kind


NODE, NODE_KIND, EDGE_KIND, ANY = range(4)  # what is to be said next


class TrailRules(Rules):
    """So that every trail reads as it was written, has one node at least, and joins to a node what it has room for."""

    def __init__(self, trails: Trails, n: int):
        self.trails, self.room, self.state = trails, Room(trails.space, n), torch.full((n,), NODE)
        self.count = torch.zeros(n, dtype=torch.int64)  # of nodes
        self.below = torch.zeros(n, dtype=torch.int64)  # neighbours that may still be told have lower numbers
        self.other = torch.zeros(n, dtype=torch.int64)  # the node that the latest edge leads to
        self.steps = torch.zeros(n, dtype=torch.bool)  # whether a node that comes next is a step from the last
        self.stepped = torch.zeros(n, dtype=torch.bool)  # whether the last was one itself

    def allowed(self) -> Tensor:
        trails, codes, count = self.trails, torch.arange(self.trails.vocabulary + 1), self.count[:, None]
        joinable = self.room.open(self.count)[:, None]  # whether the last node is
        new = (codes == count + 1) & (codes < trails.begin) & (joinable | ~self.steps[:, None])
        begin = (codes == trails.begin) & (count < trails.space.nodes)
        neighbour = (codes > 0) & (codes < self.below[:, None]) & joinable & self.room.open_codes(len(codes))
        kind = codes - trails.begin
        node_kind = (kind > 0) & (kind <= trails.node_kinds) & self.room.suits(kind, joined=self.stepped)
        kind = kind - trails.node_kinds
        edge_kind = (kind > 0) & self.room.fits(kind, self.count, self.other)
        said = torch.stack(torch.broadcast_tensors(new, node_kind, edge_kind, new | begin | neighbour | (codes == 0)))
        return said[self.state, torch.arange(len(count))]

    def tell(self, codes: Tensor) -> None:
        trails, begins = self.trails, codes == self.trails.begin
        new, kind_said = (codes == self.count + 1) & ~begins, self.state == NODE_KIND
        neighbour = (codes > 0) & (codes < trails.begin) & ~new
        self.count = self.count + new
        self.stepped = torch.where(new, self.steps, self.stepped)
        self.steps = (self.steps | new) & ~begins
        self.below = torch.where(new, self.count - self.stepped.long(), torch.where(neighbour, codes, self.below))
        self.other = torch.where(new, self.count - 1, torch.where(neighbour, codes, self.other))
        node_done = kind_said if trails.node_kinds else new
        joins = neighbour | (node_done & self.stepped)
        self._keep_room(codes - trails.begin, node_done, joins)
        self.state = torch.where(joins & bool(trails.edge_kinds), EDGE_KIND, ANY)
        self.state = torch.where(new & bool(trails.node_kinds), NODE_KIND, self.state)
        self.state = torch.where(begins, NODE, self.state)

    def pick(self, rows: Tensor) -> None:
        self.state, self.count, self.below = self.state[rows], self.count[rows], self.below[rows]
        self.other, self.steps, self.stepped = self.other[rows], self.steps[rows], self.stepped[rows]
        self.room.left = self.room.left[rows]

    def _keep_room(self, kinds: Tensor, node_done: Tensor, joins: Tensor) -> None:
        """What was said may be a kind (n,) of a node, or, beyond these, of an edge."""
        of_edge = self.state == EDGE_KIND if self.trails.edge_kinds else joins
        self.room.make(self.count, kinds, node_done)
        for node in (self.count, self.other):
            self.room.take(node, kinds - self.trails.node_kinds, of_edge)


class Room:
    """How much may still be joined to the nodes of n graphs. Nodes and kinds are numbered from 1."""

    def __init__(self, space: Graph, n: int):
        self.kinds = torch.tensor(space.room or (BOUNDLESS,) * space.node_kinds)
        self.takes = torch.tensor(space.takes or (1,) * space.edge_kinds)
        self.least = self.takes.min()
        self.left = torch.zeros(n, space.nodes, dtype=torch.int64)

    def make(self, nodes: Tensor, kinds: Tensor, where: Tensor) -> None:
        """A node (n,) of a kind (n,) is new, where it is."""
        rows = where.nonzero()[:, 0]
        self.left[rows, nodes[rows] - 1] = _of_kind(self.kinds, kinds[rows])

    def take(self, nodes: Tensor, kinds: Tensor, where: Tensor) -> None:
        """An edge of a kind (n,) is joined to a node (n,), where one is."""
        rows = where.nonzero()[:, 0]
        self.left[rows, nodes[rows] - 1] -= _of_kind(self.takes, kinds[rows])

    def open(self, nodes: Tensor) -> Tensor:
        """bool (n,): whether any edge fits to a node (n,)."""
        return self._left(nodes) >= self.least

    def open_codes(self, width: int) -> Tensor:
        """bool (n, width): the same of all nodes, in the columns of their numbers."""
        return F.pad(self.left >= self.least, (1, width - 1 - self.left.shape[1]))

    def suits(self, kinds: Tensor, joined: Tensor) -> Tensor:
        """bool (n, kinds): whether a node of a kind may come where it is `joined` (n,) to another."""
        return (_of_kind(self.kinds, kinds) >= self.least) | ~joined[:, None]

    def fits(self, kinds: Tensor, one: Tensor, other: Tensor) -> Tensor:
        """bool (n, kinds): whether an edge of a kind has room at both of two nodes (n,)."""
        return _of_kind(self.takes, kinds) <= torch.minimum(self._left(one), self._left(other))[:, None]

    def _left(self, nodes: Tensor) -> Tensor:
        return self.left.gather(1, (nodes - 1).clamp(min=0)[:, None])[:, 0]


def _of_kind(values: Tensor, kinds: Tensor) -> Tensor:
    """Where there is one kind only, it is not said."""
    return values[(kinds - 1).clamp(0, len(values) - 1)]
