"""Layers that pass messages between the nodes of graphs, as matrices or as lists of edges.

    layer = GCN(16, 32)
    layer(h, Dense(adjacency))      h (B, N, 16), adjacency (B, N, N): small graphs, many at a time
    layer(h, Sparse(edges))         h (V, 16), edges (2, E): one large network, or many side by side

An adjacency's row i, and the edges (j, i), hold what node i hears of its neighbours j. Its numbers are weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError


class Neighbours(ABC):
    """Who hears whom. N stands for the dimensions of nodes: (B, N) or (V,)."""

    @abstractmethod
    def looped(self) -> Neighbours:
        """With each node as its own neighbour, of weight 1."""

    @abstractmethod
    def sum(self, h: Tensor) -> Tensor:
        """(N, F) -> (N, F): of each node's neighbours, weighted."""

    @abstractmethod
    def attend(self, to: Tensor, of: Tensor, h: Tensor) -> Tensor:
        """Means of the neighbours' h (N, heads, F), by the softmax over them of LeakyReLU(to_i + of_j), (N, heads).

        Weights only say who is a neighbour.
        """

    def degrees(self, h: Tensor) -> Tensor:
        """(N, 1): the sum of each node's weights."""
        return self.sum(torch.ones_like(h[..., :1]))


class Dense(Neighbours):
    """`adjacency` (B, N, N)"""

    def __init__(self, adjacency: Tensor):
        self.adjacency = adjacency

    def looped(self) -> Dense:
        alone = torch.eye(self.adjacency.shape[-1], dtype=self.adjacency.dtype, device=self.adjacency.device)
        return Dense(self.adjacency * (1 - alone) + alone)

    def sum(self, h: Tensor) -> Tensor:
        return self.adjacency @ h

    def attend(self, to: Tensor, of: Tensor, h: Tensor) -> Tensor:
        scores = F.leaky_relu(to[:, :, None] + of[:, None], 0.2)  # (B, N, N, heads)
        shares = scores.masked_fill(self.adjacency[..., None] == 0, -torch.inf).softmax(2).nan_to_num()
        return torch.einsum("bijh,bjhf->bihf", shares, h)


class Sparse(Neighbours):
    """`edges` int64 (2, E): from, to; an undirected one is there twice. `weights` (E,), all 1 if nothing is said."""

    def __init__(self, edges: Tensor, weights: Tensor | None = None):
        self.edges, self.weights = edges, weights

    def looped(self) -> Sparse:
        """Which edges are loops already is seen; how many nodes there are is told by `sum` and `attend`."""
        kept = self.edges[0] != self.edges[1]
        return _Looped(self.edges[:, kept], None if self.weights is None else self.weights[kept])

    def sum(self, h: Tensor) -> Tensor:
        heard = h[self.edges[0]] if self.weights is None else h[self.edges[0]] * self.weights[:, None]
        return torch.zeros_like(h).index_add(0, self.edges[1], heard)

    def attend(self, to: Tensor, of: Tensor, h: Tensor) -> Tensor:
        source, target = self.edges
        scores = F.leaky_relu(to[target] + of[source], 0.2)  # (E, heads)
        where = target[:, None].expand_as(scores)
        highest = torch.full_like(to, -torch.inf).scatter_reduce(0, where, scores.detach(), "amax")
        parts = (scores - highest[target]).exp()
        total = torch.zeros_like(to).index_add(0, target, parts)
        return torch.zeros_like(h).index_add(0, target, (parts / total[target])[..., None] * h[source])


class _Looped(Sparse):
    """Adds the loops once the number of nodes is known."""

    def sum(self, h: Tensor) -> Tensor:
        return super().sum(h) + h

    def attend(self, to: Tensor, of: Tensor, h: Tensor) -> Tensor:
        alone = torch.arange(len(h), device=h.device).expand(2, -1)
        return Sparse(torch.cat([self.edges, alone], 1)).attend(to, of, h)


class GCN(nn.Module):
    """D^-1/2 (A + I) D^-1/2 H W + b, D being the degrees of A + I (Kipf and Welling 2017, equation 2)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.linear.weight)

    def forward(self, h: Tensor, neighbours: Neighbours) -> Tensor:
        looped = neighbours.looped()
        scale = looped.degrees(h).rsqrt()
        return scale * looped.sum(scale * self.linear(h)) + self.bias


class GAT(nn.Module):
    """h_i' = sum_j a_ij W h_j, a_ij = softmax_j LeakyReLU(l · W h_i + r · W h_j), j being i and its neighbours.

    Each of the heads has its own; they are put side by side, or, with `mean`, averaged (Veličković et al. 2018,
    equations 3, 5 and 6).
    """

    def __init__(self, inputs: int, outputs: int, heads: int = 4, mean: bool = False):
        super().__init__()
        if outputs % heads and not mean:
            raise AnewError(f"{outputs} outputs cannot be shared by {heads} heads; expected a multiple")
        self.heads, self.mean = heads, mean
        each = outputs if mean else outputs // heads
        self.linear = nn.Linear(inputs, heads * each, bias=False)
        self.left, self.right = (nn.Parameter(torch.empty(heads, each)) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(outputs))
        for weight in (self.linear.weight, self.left, self.right):
            nn.init.xavier_uniform_(weight)

    def forward(self, h: Tensor, neighbours: Neighbours) -> Tensor:
        h = self.linear(h).unflatten(-1, (self.heads, -1))
        heard = neighbours.looped().attend((h * self.left).sum(-1), (h * self.right).sum(-1), h)
        return (heard.mean(-2) if self.mean else heard.flatten(-2)) + self.bias


class GIN(nn.Module):
    """MLP((1 + e) h_i + sum_j h_j), e being learned (Xu et al. 2019, equation 4.1)."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network, self.epsilon = network, nn.Parameter(torch.zeros(()))

    def forward(self, h: Tensor, neighbours: Neighbours) -> Tensor:
        return self.network((1 + self.epsilon) * h + neighbours.sum(h))
