"""Random graphs of the textbooks, learned by counting: what everything else must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anew.errors import AnewError
from anew.models.model import Config, Model, Scores, Turn
from anew.nn.graph_likelihood import matrix
from anew.nn.graph_wiring import wire
from anew.nn.tables import table
from anew.rng import Rng
from anew.spaces import Batch, Graph, Space


@dataclass(frozen=True)
class CountedConfig(Config):
    batch: int = 1024
    passes: int = 3
    lr: float = 0.0  # tables are of the mean counts of all batches
    clip: float = 0.0
    warmup: float = 0.0
    ema: float = 0.0


@dataclass(frozen=True)
class BlockConfig(CountedConfig):
    groups: int = 2  # of nodes: 1, 2, 4 or 8


class CountedGraphs(Model):
    """Graphs with as many nodes as those of the training set, the first ones, of kinds as common as there.

    What is given has no say. A table's columns are log-probabilities, learned by training/em.py: the loss is -log p of
    what is counted.
    """

    spaces = (Graph,)
    block = 64
    ends: Tensor  # of pairs of nodes (2, pairs)

    def __init__(self, space: Space, given: Space | None, config: CountedConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Graph)
        if config.ema:
            raise AnewError("tables that are counted are not averaged; leave out --set ema")
        self.most: int = space.nodes
        self.sizes = table(space.nodes + 1, 1)
        self.register_buffer("ends", torch.triu_indices(space.nodes, space.nodes, 1), persistent=False)

    def _present(self, n: int, rng: Rng) -> Tensor:
        """bool (n, nodes)"""
        sizes = draw_codes(self.sizes.weight.T, rng.uniform(1))
        return torch.arange(self.most, device=rng.device) < sizes


class ErdosRenyi(CountedGraphs, Scores):
    """G(n, p): each pair of nodes is joined alike, and of a kind alike, as often as in graphs of n nodes (Gilbert 1959;
    Erdős and Rényi 1959).
    """

    likelihood = "exact"

    def __init__(self, space: Space, given: Space | None, config: CountedConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Graph)
        self.kinds = table(space.node_kinds, 1)
        self.edges = table(space.edge_kinds + 1, space.nodes + 1)  # by the number of nodes

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        return -self._log_prob(batch.x)

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        there = x.diagonal(dim1=1, dim2=2) > 0
        first = (there[:, :-1] | ~there[:, 1:]).all(1)  # absent nodes come last
        return self._log_prob(x).masked_fill(~first, -torch.inf)

    def _log_prob(self, x: Tensor) -> Tensor:
        kinds, (i, j) = x.diagonal(dim1=1, dim2=2), self.ends
        there, size = kinds > 0, (kinds > 0).sum(1)
        of_edges = counts(x[:, i, j], self.edges.num_embeddings, there[:, i] & there[:, j])
        of_nodes = counts(kinds - 1, self.kinds.num_embeddings, there)
        return (
            self.sizes(size)[:, 0] + of_nodes @ self.kinds.weight[:, 0] + (of_edges * self.edges.weight.T[size]).sum(1)
        )

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        there = self._present(n, rng)
        kinds = (1 + draw_codes(self.kinds.weight.T, rng.uniform(self.most))) * there
        edges = draw_codes(self.edges.weight.T[there.sum(1)], rng.uniform(self.ends.shape[1]))
        return matrix(kinds, edges, self.ends)


class BlockModel(CountedGraphs):
    """Each node has a group, a degree that goes with it and with n, and neighbours in groups that go with its own.

    Groups of a graph are told by the signs of the leading eigenvectors of its modularity matrix (Newman 2006, equation
    16), each of which halves them; degrees and links are then counted (Karrer and Newman 2011), and wired (`wire`). The
    loss is -log p of what is counted, not of the graph.
    """

    config: BlockConfig

    def __init__(self, space: Space, given: Space | None, config: BlockConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Graph)
        self.groups = config.groups
        if self.groups not in (1, 2, 4, 8):
            raise AnewError(f"setting 'groups' cannot be {self.groups}; expected 1, 2, 4 or 8")
        self.group = table(self.groups, 1)
        self.kinds = table(space.node_kinds, self.groups)
        self.degrees = table(space.nodes, self.groups * (space.nodes + 1))
        self.links = table(self.groups, self.groups)
        self.edges = table(space.edge_kinds, 1)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        kinds, (i, j) = batch.x.diagonal(dim1=1, dim2=2), self.ends
        there, a = kinds > 0, ((batch.x - torch.diag_embed(kinds)) > 0).float()
        groups, degrees, size = find_groups(a, self.groups), a.sum(2).long(), there.sum(1, keepdim=True)
        hot = torch.nn.functional.one_hot(groups, self.groups).float()
        logs = self.group(groups)[..., 0] + at(self.kinds, (kinds - 1).clamp(min=0), groups)
        logs = logs + at(self.degrees, degrees, self._column(groups, size))
        links = (hot.mT @ a @ hot).mT * self.links.weight  # to, from
        of_edges = counts(batch.x[:, i, j] - 1, self.edges.num_embeddings, a[:, i, j] > 0)
        logs = self.sizes(size[:, 0])[:, 0] + (logs * there).sum(1) + links.sum((1, 2))
        return -logs - of_edges @ self.edges.weight[:, 0]

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        there = self._present(n, rng)
        groups = draw_codes(self.group.weight.T, rng.uniform(self.most))
        kinds = (1 + draw_codes(self.kinds.weight.T[groups], rng.uniform(self.most, 1))[..., 0]) * there
        of_node = self.degrees.weight.T[self._column(groups, there.sum(1, keepdim=True))]
        degrees = draw_codes(of_node, rng.uniform(self.most, 1))[..., 0] * there
        links, seeds = self.links.weight.exp().double().cpu().numpy(), rng.integers(2**62).tolist()
        rows = zip(degrees.cpu().numpy(), groups.cpu().numpy(), seeds)
        wired = np.stack([wire(d, g, links, np.random.default_rng(seed)) for d, g, seed in rows])
        edges = 1 + draw_codes(self.edges.weight.T, rng.uniform(self.ends.shape[1]))
        i, j = self.ends
        return matrix(kinds, edges * torch.from_numpy(wired).to(rng.device)[:, i, j], self.ends)

    def _column(self, groups: Tensor, size: Tensor) -> Tensor:
        """Of the table of degrees."""
        return groups * (self.most + 1) + size


def find_groups(a: Tensor, groups: int) -> Tensor:
    """int64 (B, N) below `groups`, of adjacencies (B, N, N); of the two halves, 0 has more ends of edges."""
    found, k = torch.zeros(a.shape[:2], dtype=torch.int64, device=a.device), a.sum(2)
    if groups == 1:
        return found
    modularity = a - k[:, :, None] * k[:, None] / k.sum(1).clamp(min=1)[:, None, None]
    vectors = torch.linalg.eigh(modularity.float()).eigenvectors
    for bit in range(min(groups.bit_length() - 1, a.shape[1])):
        above = vectors[:, :, -1 - bit] > 0
        fewer = (k * above).sum(1, keepdim=True) > k.sum(1, keepdim=True) / 2
        found += (above ^ fewer).long() << bit
    return found


def at(layer: torch.nn.Embedding, codes: Tensor, columns: Tensor) -> Tensor:
    """The log-probability of each code in its column of the table, of any one shape."""
    return layer.weight[codes, columns]


def counts(codes: Tensor, values: int, wanted: Tensor) -> Tensor:
    """(B, values): how often each code comes among those that are wanted, of (B, K)."""
    found = torch.zeros(len(codes), values, device=codes.device)
    return found.scatter_add(1, codes.clamp(min=0), wanted.float())


def draw_codes(logs: Tensor, u: Tensor) -> Tensor:
    """The codes at the quantiles u (..., K) of log-probabilities (..., values), or of the same (1, values) for all."""
    steps = logs.exp().cumsum(-1).expand(*u.shape[:-1], -1).contiguous()
    return torch.searchsorted(steps, u * steps[..., -1:], right=True).clamp(max=logs.shape[-1] - 1)


def erdos_renyi(space: Space, given: Space | None, size: int, **changes: Any) -> ErdosRenyi:
    return ErdosRenyi(space, given, CountedConfig().change(changes))


def configuration_model(space: Space, given: Space | None, size: int, **changes: Any) -> BlockModel:
    """Degrees as in the training graphs, and random beyond."""
    return BlockModel(space, given, BlockConfig(groups=1).change(changes))


def block_model(space: Space, given: Space | None, size: int, **changes: Any) -> BlockModel:
    """Two groups of nodes, or four from size 3 on."""
    return BlockModel(space, given, BlockConfig(groups=2 if size < 3 else 4).change(changes))
