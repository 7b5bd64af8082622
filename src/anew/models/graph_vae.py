"""Variational autoencoders of graphs (Simonovsky and Komodakis 2018), in the order that their codec gives nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import unknown
from anew.models.model import Model
from anew.models.vae import VAE, Perceptron, VAEConfig
from anew.nn.conditioning import embedding
from anew.nn.gnn import GAT, GCN, GIN, Dense
from anew.nn.graph_likelihood import Wired
from anew.nn.mlp import mlp
from anew.rng import Rng
from anew.spaces import Graph, Space

LAYERS = ("gcn", "gat", "gin")


@dataclass(frozen=True)
class GraphVAEConfig(VAEConfig):
    passes: int = 300  # more are learned by heart
    lr: float = 3e-3
    latent: int = 32
    network: str = "gcn"  # layers of the encoder: gcn, gat or gin
    blocks: int = 2  # layers of the encoder, and hidden layers of the decoder
    kl_warmup: float = 0.5  # or else the decoder learns to do without latents before they say anything


class GraphVAE(VAE):
    """A VAE with an encoder that passes messages, and a perceptron that says how likely each node and each edge is.

    Its reconstruction is of the matrix in the codec's order, in place of the paper's approximate matching: so the bound
    is one, of that matrix. Samples are drawn from p(x|z), edge by edge: its mode has too few edges.
    """

    spaces = (Graph,)  # type: ignore[assignment]

    def __init__(self, space: Space, given: Space | None, config: GraphVAEConfig):
        Model.__init__(self, space, given, config)  # not VAE's, whose networks know no graphs
        assert isinstance(space, Graph)
        told = config.width if given is not None else 0
        self.embed = embedding(given, told)
        self.head, self.latent_shape = Wired(space), (config.latent,)
        self.dials = {"free_bits": config.free_bits, "kl_from": 0.0}
        hidden = [8 * config.width] * config.blocks
        self.encoder: nn.Module = GraphEncoder(space, config, told, 2 * config.latent)
        self.decoder: nn.Module = Perceptron([config.latent + told, *hidden, *self.head.shape], self.head.shape)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self.head.sample(self._outputs(rng.normal(*self.latent_shape), given), rng)


class GraphEncoder(nn.Module):
    """(B, N, N) -> (B, outputs): messages along edges, gated sum over nodes (Li et al. 2016, equation 7)."""

    def __init__(self, space: Graph, config: GraphVAEConfig, told: int, outputs: int):
        super().__init__()
        width = 4 * config.width
        self.nodes = nn.Embedding(1 + space.node_kinds, width)
        self.places = nn.Parameter(0.3 * torch.randn(space.nodes, width))
        self.weights = nn.Embedding(1 + space.edge_kinds, config.blocks)
        nn.init.uniform_(self.weights.weight, 0.5, 1.5)
        self.layers = nn.ModuleList(_layer(config.network, width) for _ in range(config.blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.blocks))
        self.gate, self.value = nn.Linear(width, width), nn.Linear(width, width)
        self.leave = mlp([width + told, width, outputs])

    def forward(self, x: Tensor, told: Tensor | None) -> Tensor:
        kinds = x.diagonal(dim1=1, dim2=2)
        edges = x - torch.diag_embed(kinds)
        real = (kinds > 0)[..., None]
        h = (self.nodes(kinds) + self.places) * real
        weights = self.weights(edges) * (edges > 0)[..., None]
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms)):
            h = h + F.relu(layer(norm(h), Dense(weights[..., number].abs()))) * real
        seen = (self.gate(h).sigmoid() * self.value(h) * real).sum(1)
        return self.leave(seen if told is None else torch.cat([seen, told], 1))


def _layer(kind: str, width: int) -> nn.Module:
    match kind:
        case "gcn":
            return GCN(width, width)
        case "gat":
            return GAT(width, width)
        case "gin":
            return GIN(mlp([width, width, width]))
    raise unknown("kind of layers", kind, LAYERS)


def graph_vae(space: Space, given: Space | None, size: int, **changes: Any) -> GraphVAE:
    """On graphs of up to some dozen nodes."""
    config = GraphVAEConfig(width=8 * 2**size)
    return GraphVAE(space, given, config.change(changes))
