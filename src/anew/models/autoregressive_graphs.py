"""Autoregressive models of graphs: a Transformer that writes walks through them (after Chen et al. 2025, AutoGraph)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anew.models.autoregressive_tokens import AutoregressiveTokens, TokensConfig
from anew.models.model import Completes, Model, Turn
from anew.nn.trails import Trails
from anew.rng import Rng
from anew.spaces import Batch, Graph, Space, Tokens


class AutoregressiveGraphs(Model, Completes):
    """A graph is learned along another random trail each time it is seen. So the model knows no order of nodes, and
    has less to learn by heart; the loss is a bound: -log p of one of the trails through a graph.

    Nodes are in the order of the trail that is written.
    """

    spaces = (Graph,)

    def __init__(self, space: Space, given: Space | None, config: TokensConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Graph)
        self.trails = Trails(space)
        self.writer = AutoregressiveTokens(Tokens(self.trails.vocabulary, self.trails.longest), given, config)
        self.explains = True

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        """Nats per code of a trail; shorter ones count for less."""
        return self.writer.loss(Batch(self._written(batch.x, rng)[0], batch.given), turn, rng)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = torch.zeros(n, self.trails.longest, dtype=torch.int64, device=rng.device)
        return self._write(nothing, nothing > 0, given, rng)

    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """Goes on with what is known of graphs: new nodes take the places that are open, and are joined as the model
        likes. Between two nodes that are known, or ends of an edge that is, no further edges are expected.
        """
        known, mask = known * mask, mask | mask.mT
        known = torch.maximum(known, known.mT)
        told = mask.diagonal(dim1=1, dim2=2)
        unsure = ~told & (known > 0).any(2)  # nodes of a kind that is not known
        begun, nodes = self._written(known + torch.diag_embed(unsure.long()), rng)
        kept = begun > 0
        for row, codes, order, which in zip(kept, begun, nodes, unsure):
            kinds = self.trails.are_node_kinds(codes)
            row[kinds] = ~which[order[: int(kinds.sum())]]
        x = self._write(begun, kept, given, rng)
        x = torch.stack([_placed(*each) for each in zip(x, nodes, told | unsure)])
        return torch.where(mask, known, x.to(known.device))

    def _written(self, x: Tensor, rng: Rng) -> tuple[Tensor, list[list[int]]]:
        """Graphs (B, N, N) along random trails (B, longest), padded with 0, and the nodes in their order."""
        graphs, seeds = x.cpu().numpy(), rng.integers(2**62).tolist()
        trails = [self.trails.write(graph, np.random.default_rng(seed)) for graph, seed in zip(graphs, seeds)]
        codes = np.zeros((len(x), self.trails.longest), np.int64)
        for row, trail in zip(codes, trails):
            row[: len(trail.codes)] = trail.codes[: len(row)]
        return torch.from_numpy(codes).to(x.device), [trail.nodes for trail in trails]

    def _write(self, begun: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        codes = self.writer.write(begun, mask, given, rng, rules=self.trails.rules(len(begun)))
        graphs = [self.trails.read(row) for row in codes.tolist()]
        return torch.from_numpy(np.stack(graphs)).to(rng.device)


def _placed(x: Tensor, nodes: list[int], taken: Tensor) -> Tensor:
    """A graph (N, N) whose first nodes belong at `nodes`, and others where no place is `taken` (N,); the rest go."""
    places = torch.tensor(nodes + (~taken).nonzero()[:, 0].tolist(), dtype=torch.int64)
    placed = torch.zeros_like(x)
    placed[places[:, None], places] = x[: len(places), : len(places)]
    return placed
