"""The likelihood head of graphs: nodes first, then the edges between those that are there."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from anew.nn.likelihood import Likelihood, gumbel_max
from anew.rng import Rng
from anew.spaces import Graph


class Wired(Likelihood):
    """Independent kinds of nodes, 0 being none, and of edges between nodes that are there, in one triangle.

    Outputs are logits: (node_kinds + 1) for each node, then (edge_kinds + 1) for each pair i < j. Graphs are taken as
    undirected: their lower triangle has no say, and is that of the upper one in samples.
    """

    ends: Tensor  # of pairs of nodes (2, pairs)

    def __init__(self, space: Graph):
        super().__init__()
        self.nodes, self.kinds = space.nodes, (space.node_kinds + 1, space.edge_kinds + 1)
        self.pairs = space.nodes * (space.nodes - 1) // 2
        self.shape = (self.nodes * self.kinds[0] + self.pairs * self.kinds[1],)
        self.register_buffer("ends", torch.triu_indices(space.nodes, space.nodes, 1), persistent=False)

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        of_nodes, of_edges = self._logits(outputs)
        kinds, (i, j) = x.diagonal(dim1=1, dim2=2), self.ends
        nodes = -F.cross_entropy(of_nodes.mT, kinds, reduction="none").sum(1)
        edges = -F.cross_entropy(of_edges.mT, x[:, i, j], reduction="none")
        return nodes + (edges * ((kinds[:, i] > 0) & (kinds[:, j] > 0))).sum(1)

    def mode(self, outputs: Tensor) -> Tensor:
        of_nodes, of_edges = self._logits(outputs)
        return self._matrix(of_nodes.argmax(2), of_edges.argmax(2))

    def sample(self, outputs: Tensor, rng: Rng) -> Tensor:
        of_nodes, of_edges = self._logits(outputs)
        return self._matrix(gumbel_max(of_nodes, rng), gumbel_max(of_edges, rng))

    def _logits(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """(B, nodes, node_kinds + 1) and (B, pairs, edge_kinds + 1)"""
        of_nodes, of_edges = outputs.split([self.nodes * self.kinds[0], self.pairs * self.kinds[1]], 1)
        n = len(outputs)
        return of_nodes.view(n, self.nodes, self.kinds[0]), of_edges.view(n, self.pairs, self.kinds[1])

    def _matrix(self, kinds: Tensor, edges: Tensor) -> Tensor:
        """Of kinds of nodes (B, nodes) and of edges (B, pairs)."""
        return matrix(kinds, edges, self.ends)


def matrix(kinds: Tensor, edges: Tensor, ends: Tensor) -> Tensor:
    """(B, N, N) of kinds of nodes (B, N) and of edges (B, pairs) between `ends` (2, pairs), i < j, without those of
    absent nodes."""
    i, j = ends
    there = (kinds[:, i] > 0) & (kinds[:, j] > 0)
    upper = kinds.new_zeros(*kinds.shape, kinds.shape[1])
    upper[:, i, j] = edges * there
    return upper + upper.mT + torch.diag_embed(kinds)
