"""Layers of message passing against plain sums over neighbours, as matrices and as lists of edges."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from anew.errors import AnewError
from anew.nn.gnn import GAT, GCN, GIN, Dense, Sparse
from anew.nn.mlp import mlp

# Two graphs: a triangle with a tail, and an edge beside two nodes alone.
EDGES = [[(0, 1), (1, 2), (2, 0), (2, 3)], [(0, 1)]]
NODES = 4


def adjacency() -> Tensor:
    a = torch.zeros(2, NODES, NODES)
    for graph, edges in enumerate(EDGES):
        for i, j in edges:
            a[graph, i, j] = a[graph, j, i] = 1
    return a


def edge_list() -> Tensor:
    """Of both graphs side by side."""
    pairs = [(graph * NODES + i, graph * NODES + j) for graph, edges in enumerate(EDGES) for i, j in edges]
    return torch.tensor(pairs + [(j, i) for i, j in pairs]).T


def features(width: int = 3) -> Tensor:
    return torch.randn(2, NODES, width, generator=torch.Generator().manual_seed(0))


def layers() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    made = {"GCN": GCN(3, 8), "GAT": GAT(3, 8, 2), "mean": GAT(3, 8, 2, mean=True), "GIN": GIN(mlp([3, 8, 8]))}
    for layer in made.values():
        for parameter in layer.parameters():
            nn.init.normal_(parameter)
    return made


def plain(name: str, layer: nn.Module, h: Tensor, a: Tensor) -> list[Tensor]:
    """Node by node, of one graph: h (N, F), a (N, N)."""
    out = []
    for i in range(NODES):
        others = a[i].nonzero()[:, 0].tolist()
        around = [i, *others]
        if name == "GIN":
            out.append(layer.network((1 + layer.epsilon) * h[i] + sum(h[j] for j in others)))
        elif name == "GCN":
            size = {j: 1 + a[j].sum() for j in around}
            out.append(sum(layer.linear(h[j]) / (size[i] * size[j]).sqrt() for j in around) + layer.bias)
        else:
            v = layer.linear(h).unflatten(1, (2, -1))
            heads = []
            for k in range(2):
                e = torch.stack([(layer.left[k] * v[i, k]).sum() + (layer.right[k] * v[j, k]).sum() for j in around])
                shares = torch.where(e > 0, e, 0.2 * e).exp()
                heads.append(sum(s * v[j, k] for s, j in zip(shares / shares.sum(), around)))
            out.append((sum(heads) / 2 if name == "mean" else torch.cat(heads)) + layer.bias)
    return out


@pytest.mark.parametrize("name", layers())
@torch.no_grad()
def test_as_the_equation_says(name: str):
    layer, h, a = layers()[name], features(), adjacency()
    expected = torch.stack([torch.stack(plain(name, layer, h[g], a[g])) for g in range(2)])
    assert torch.allclose(layer(h, Dense(a)), expected, atol=1e-5)
    assert torch.allclose(layer(h.flatten(0, 1), Sparse(edge_list())), expected.flatten(0, 1), atol=1e-5)


@pytest.mark.parametrize("name", layers())
def test_gradients_are_the_same_in_both_forms(name: str):
    layer, h = layers()[name], features()
    found = []
    for output in (layer(h, Dense(adjacency())), layer(h.flatten(0, 1), Sparse(edge_list()))):
        weight = next(p for key, p in layer.named_parameters() if "weight" in key)
        found.append(torch.autograd.grad(output.square().sum(), weight)[0])
    assert torch.allclose(*found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", layers())
@torch.no_grad()
def test_the_order_of_nodes_does_not_matter(name: str):
    layer, h, a = layers()[name], features(), adjacency()
    turned = torch.tensor([2, 0, 3, 1])
    other = layer(h[:, turned], Dense(a[:, turned][:, :, turned]))
    assert torch.allclose(other, layer(h, Dense(a))[:, turned], atol=1e-5)


@pytest.mark.parametrize("name", layers())
@torch.no_grad()
def test_loops_that_are_there_already_count_once(name: str):
    if name == "GIN":
        pytest.skip("it adds none")
    layer, h = layers()[name], features()
    loops = torch.arange(2 * NODES).expand(2, -1)
    assert torch.allclose(layer(h, Dense(adjacency() + torch.eye(NODES))), layer(h, Dense(adjacency())), atol=1e-5)
    twice = Sparse(torch.cat([edge_list(), loops], 1))
    assert torch.allclose(layer(h.flatten(0, 1), twice), layer(h.flatten(0, 1), Sparse(edge_list())), atol=1e-5)


@torch.no_grad()
def test_weights_of_edges():
    h, edges = features(), edge_list()
    weights = 1 + torch.arange(edges.shape[1]) % 3 / 2
    weighted = torch.zeros(2 * NODES, 2 * NODES).index_put((edges[1], edges[0]), weights)
    parts = torch.stack([weighted[:NODES, :NODES], weighted[NODES:, NODES:]])
    assert (parts > 0).equal(adjacency() > 0)
    for name in ("GCN", "GIN"):
        layer = layers()[name]
        found = layer(h, Dense(parts)).flatten(0, 1)
        assert torch.allclose(found, layer(h.flatten(0, 1), Sparse(edges, weights)), atol=1e-5)


@torch.no_grad()
def test_a_node_that_hears_nobody_hears_itself():
    h = features()
    for name in ("GAT", "GCN"):
        layer = layers()[name]
        alone = layer.linear(h[1, 3])
        if name == "GCN":
            assert torch.allclose(layer(h, Dense(adjacency()))[1, 3], alone + layer.bias, atol=1e-5)
        assert layer(h, Dense(torch.zeros(2, NODES, NODES))).isfinite().all()


def test_attention_is_steady_for_large_scores():
    layer, h = layers()["GAT"], 1e4 * features()
    assert layer(h, Dense(adjacency())).isfinite().all()
    assert layer(h.flatten(0, 1), Sparse(edge_list())).isfinite().all()


def test_heads_share_the_outputs():
    with pytest.raises(AnewError, match="7 outputs cannot be shared by 2 heads"):
        GAT(3, 7, 2)
    assert math.prod(GAT(3, 7, 2, mean=True).linear.weight.shape) == 3 * 14
