"""Random graphs of textbooks: what was counted comes out again."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

from anew.codecs import make_codec
from anew.codecs.dataset import Split
from anew.drawing import draw
from anew.errors import AnewError
from anew.models import build
from anew.models.graph_baselines import draw_codes, find_groups
from anew.models.model import Model
from anew.rng import Rng
from anew.spaces import Graph
from anew.training.trainer import Plan, Trainer

RECIPES = ("erdos-renyi", "configuration-model", "block-model")


def encoded(graphs: list[nx.Graph]) -> tuple[Graph, Tensor]:
    codec = make_codec("graph")
    loaded = [codec.load(graph) for graph in graphs]
    codec.fit(iter(loaded))
    assert isinstance(codec.space, Graph)
    return codec.space, codec.encode(loaded)


def learned(recipe: str, space: Graph, x: Tensor, **changes: object) -> Model:
    trainer = Trainer(build(recipe, space, None, 1, changes), Split(space.pack(x), None, space), Plan(3 * len(x)))
    for _ in range(trainer.steps):
        trainer.advance()
    return trainer.model.eval().requires_grad_(False)


def two_communities(seed: int) -> nx.Graph:
    return nx.planted_partition_graph(2, 12, 0.6, 0.03, seed=seed)


def edges(x: Tensor) -> Tensor:
    return (x - torch.diag_embed(x.diagonal(dim1=1, dim2=2))) > 0


def degrees(x: Tensor) -> Tensor:
    """Of the nodes that are there."""
    return edges(x).sum(2)[x.diagonal(dim1=1, dim2=2) > 0]


@pytest.mark.parametrize("recipe", RECIPES)
def test_sizes_kinds_and_edges_are_as_common_as_in_the_data(recipe: str):
    graphs = [nx.gnp_random_graph(5 + 5 * (seed % 2), 0.5, seed=seed) for seed in range(80)]
    for seed, graph in enumerate(graphs):
        rng = np.random.default_rng(seed)
        nx.set_node_attributes(graph, {node: "aab"[rng.integers(3)] for node in graph}, "kind")
        nx.set_edge_attributes(graph, {edge: "xyyy"[rng.integers(4)] for edge in graph.edges}, "kind")
    space, x = encoded(graphs)
    drawn = draw(learned(recipe, space, x, batch=20), 500, None, seed=0)
    assert space.contains(drawn)
    for part in (lambda x: x.diagonal(dim1=1, dim2=2), lambda x: x.triu(1)):
        for code in (1, 2):
            theirs, ours = ((part(one) == code).sum().item() / len(one) for one in (x, drawn))
            assert ours == pytest.approx(theirs, rel=0.1)
    sizes = (drawn.diagonal(dim1=1, dim2=2) > 0).sum(1)
    assert set(sizes.tolist()) == {5, 10}


def test_density_goes_with_the_number_of_nodes():
    space, x = encoded([nx.complete_graph(3), nx.path_graph(6)] * 20)
    model = learned("erdos-renyi", space, x, batch=40)
    drawn = draw(model, 300, None, seed=0)
    sizes = (drawn.diagonal(dim1=1, dim2=2) > 0).sum(1)
    assert edges(drawn[sizes == 3]).float().sum((1, 2)).mean().item() == pytest.approx(6, abs=0.1)
    assert edges(drawn[sizes == 6]).float().sum((1, 2)).mean().item() == pytest.approx(10, rel=0.1)


def test_likelihood_of_random_graphs_is_the_binomial_one():
    space, x = encoded([nx.gnp_random_graph(6, 0.4, seed=seed) for seed in range(200)])
    model = learned("erdos-renyi", space, x, batch=200)
    share = edges(x).float().mean().item() * 6 / 5
    m = edges(x).sum((1, 2)) / 2
    expected = m * np.log(share) + (15 - m) * np.log(1 - share)
    assert torch.allclose(model.log_prob(x, None, Rng.for_step(0, batch=200)), expected, atol=0.02)


def test_absent_nodes_come_last():
    space, x = encoded([nx.path_graph(3), nx.path_graph(2)] * 5)
    model = learned("erdos-renyi", space, x, batch=10)
    hole = torch.tensor([[[1, 0, 1], [0, 0, 0], [1, 0, 1]]])
    assert model.log_prob(hole, None, Rng.for_step(0, batch=1)).item() == -torch.inf


@pytest.mark.parametrize("recipe", RECIPES[1:])
def test_degrees_are_as_in_the_data(recipe: str):
    space, x = encoded([nx.barabasi_albert_graph(30, 2, seed=seed) for seed in range(40)])
    drawn = draw(learned(recipe, space, x, batch=40), 100, None, seed=0)
    theirs, ours = (torch.bincount(degrees(one), minlength=30).float() for one in (x, drawn))
    assert (theirs / theirs.sum() - ours / ours.sum()).abs().sum() < 0.15


def test_blocks_find_communities_where_degrees_alone_do_not():
    space, x = encoded([two_communities(seed) for seed in range(40)])

    def modularity(recipe: str) -> float:
        a = edges(draw(learned(recipe, space, x, batch=40), 60, None, seed=0)).float()
        halves = find_groups(a, 2)
        return ((halves[:, :, None] == halves[:, None]) * a).sum().item() / a.sum().item()

    assert modularity("block-model") > 0.85 > modularity("configuration-model")


def test_groups_are_those_that_are_there():
    graph = nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(4))
    graph.add_edge(0, 6)
    a = torch.zeros(2, 10, 10)
    a[0, :9, :9] = torch.from_numpy(nx.to_numpy_array(graph)).float()
    found = find_groups(a, 2)[0, :9].tolist()
    assert found == [0] * 5 + [1] * 4
    assert find_groups(a, 4).max() <= 3
    assert not find_groups(a, 1).any()


def test_codes_are_drawn_as_likely_as_they_are():
    logs = torch.tensor([[0.2, 0.0, 0.8]]).log()
    codes = draw_codes(logs, torch.rand(1, 10_000, generator=torch.Generator().manual_seed(0)))
    assert (torch.bincount(codes[0]) / 10_000).tolist() == pytest.approx([0.2, 0, 0.8], abs=0.02)


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        ("block-model", {"groups": 3}, "expected 1, 2, 4 or 8"),
        ("erdos-renyi", {"ema": 0.1}, "leave out --set ema"),
    ],
)
def test_what_cannot_be(recipe: str, changes: dict[str, object], message: str):
    with pytest.raises(AnewError, match=message):
        build(recipe, Graph(4), None, 1, changes)
