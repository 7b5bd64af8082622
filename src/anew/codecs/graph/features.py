"""Views of graphs in which Euclidean distance means something, and what people count in them. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components, shortest_path
from torch import Tensor, nn

from anew.codecs.graph.statistics import BINS, clustering, statistics, triangles
from anew.codecs.view import View
from anew.nn.gnn import GIN, Dense
from anew.nn.mlp import mlp
from anew.spaces import Graph

_CHUNK = 64  # graphs that go through a network at a time
_NETWORKS, _WIDTH, _DEPTH = 3, 32, 3  # random ones

# Where in the view "statistics" each of the histograms is, in coarser bins, and then two columns of the size: nodes,
# and edges for each. Measures read them there.
STATISTICS = "statistics"
_COLUMNS = {"degrees": 32, "clustering": 20, "spectrum": 40, "orbits": BINS["orbits"]}
_ENDS = np.cumsum([0, *_COLUMNS.values()]).tolist()
PARTS = {name: slice(start, end) for name, start, end in zip(_COLUMNS, _ENDS, _ENDS[1:])}
WIDTH = _ENDS[-1] + 2


class GraphFeatures:
    """Two views:

    "statistics"  histograms of degrees, clustering and spectrum, mean orbits, how many nodes and edges a node; each is
                  divided by how much it varies over the training examples
    "random"      PCA of what untrained graph isomorphism networks see (Thompson et al. 2022), standardised
    """

    def fit(self, matrices: Sequence[np.ndarray], space: Graph) -> None:
        """Matrices (n, n) of kinds, as `Graph` has them, without absent nodes."""
        self.space = space
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._networks = [_RandomNetwork(space) for _ in range(_NETWORKS)]
        parts = _counted(matrices)
        self._scales = [float(np.sqrt(part.var(0).sum())) or 1.0 for part in parts]
        self._view = View(self._seen(matrices))

    def transform(self, matrices: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """{view: float32 (graphs, d)}"""
        parts = [part / scale for part, scale in zip(_counted(matrices), self._scales)]
        return {STATISTICS: np.concatenate(parts, 1).astype(np.float32), "random": self._view(self._seen(matrices))}

    @torch.no_grad()
    def _seen(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Those of similar size together, as each is filled up to the largest of its chunk."""
        order = np.argsort([len(matrix) for matrix in matrices], kind="stable")
        rows = np.zeros((len(matrices), _NETWORKS * _RandomNetwork.outputs), np.float32)
        for start in range(0, len(order), _CHUNK):
            some = order[start : start + _CHUNK]
            x = _filled([matrices[i] for i in some])
            rows[some] = torch.cat([network(x) for network in self._networks], 1).numpy()
        return rows


class _RandomNetwork(nn.Module):
    """Kinds are told by random vectors, of nodes, and random weights, of edges; sums over the nodes come out, as
    logarithms, and their means.
    """

    outputs = 2 * _WIDTH * _DEPTH

    def __init__(self, space: Graph) -> None:
        super().__init__()
        self.nodes = nn.Embedding(1 + space.node_kinds, _WIDTH, padding_idx=0)
        weights = torch.linspace(0.5, 1.5, space.edge_kinds) if space.edge_kinds > 1 else torch.ones(1)
        self.edges = nn.Embedding.from_pretrained(torch.cat([torch.zeros(1), weights])[:, None])
        self.layers = nn.ModuleList(GIN(mlp([_WIDTH, _WIDTH, _WIDTH])) for _ in range(_DEPTH))
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight, gain=2**0.5)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        kinds = x.diagonal(dim1=1, dim2=2)
        h, real = self.nodes(kinds), (kinds > 0)[..., None]
        adjacency = self.edges(x - torch.diag_embed(kinds))[..., 0]
        heard = Dense(adjacency / (1 + adjacency.sum(2, keepdim=True)))
        sums = []
        for layer in self.layers:
            h = layer(h, heard) * real
            sums.append(h.sum(1))
        all_sums, n = torch.cat(sums, 1), real.sum(1).clamp(min=1)
        return torch.cat([all_sums.sign() * all_sums.abs().log1p(), all_sums / n], 1)


def traits(matrices: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """{what people count in a graph: (graphs,)}; NaN where it makes no sense, as the diameter of a graph in parts."""
    rows = [_traits(matrix) for matrix in matrices]
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def _traits(matrix: np.ndarray) -> dict[str, float | bool]:
    a = _edges(matrix).astype(np.float64)
    n, edges = len(a), a.sum() / 2
    joined = n > 0 and connected_components(a, directed=False)[0] == 1
    return {
        "nodes": n,
        "edges": edges,
        "density": edges / (n * (n - 1) / 2) if n > 1 else np.nan,
        "mean clustering": clustering(a).mean() if n else np.nan,
        "triangles": triangles(a).sum() / 3,
        "connected": bool(joined),
        "diameter": shortest_path(a, directed=False, unweighted=True).max() if joined else np.nan,
    }


def _counted(matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The parts of the view "statistics", unscaled; of orbits, which grow with the fourth power, the logarithms."""
    found = statistics(_edges(matrix) for matrix in matrices)
    degrees, orbits = found["degrees"], np.log1p(found["orbits"])
    most = _COLUMNS["degrees"] - 1
    n = np.array([len(matrix) for matrix in matrices], np.float64)
    edges = np.array([_edges(matrix).sum() / 2 for matrix in matrices])
    sizes = np.log(np.stack([1 + n, 1 + edges / n.clip(min=1)], 1))
    few = np.concatenate([degrees[:, :most], degrees[:, most:].sum(1, keepdims=True)], 1)
    return [few, *(_coarser(found[name], _COLUMNS[name]) for name in ("clustering", "spectrum")), orbits, sizes]


def _coarser(histograms: np.ndarray, bins: int) -> np.ndarray:
    return histograms.reshape(len(histograms), bins, -1).sum(2)


def _edges(matrix: np.ndarray) -> np.ndarray:
    """bool (n, n)"""
    return (matrix > 0) & ~np.eye(len(matrix), dtype=bool)


def _filled(matrices: Sequence[np.ndarray]) -> Tensor:
    """int64 (graphs, N, N), N being the most nodes."""
    largest = max(1, *(len(matrix) for matrix in matrices))
    x = np.zeros((len(matrices), largest, largest), np.int64)
    for row, matrix in zip(x, matrices):
        row[: len(matrix), : len(matrix)] = matrix
    return torch.from_numpy(x)
