"""Graphs written as walks: what is learned of them, and how they are gone on with."""

from __future__ import annotations

import networkx as nx
import numpy as np
import torch

from anew.codecs import make_codec
from anew.codecs.dataset import Split
from anew.drawing import draw
from anew.models.auto import choose_recipe
from anew.models.autoregressive_graphs import AutoregressiveGraphs
from anew.models.model import Turn
from anew.rng import Rng
from anew.spaces import Batch, Graph
from anew.training.trainer import Plan, Trainer
from toys import SPACES, tiny, toy


def test_a_graph_is_learned_along_another_trail_each_time():
    model, x = tiny("autoregressive", SPACES["graph"]), toy(SPACES["graph"], 40)[0]
    assert isinstance(model, AutoregressiveGraphs)
    one, other = (model._written(x, Rng.for_step(seed, batch=40))[0] for seed in range(2))
    assert not torch.equal(one, other)
    for row, other_row in zip(one.tolist(), other.tolist()):
        kinds = [np.sort(model.trails.read(codes).diagonal()) for codes in (row, other_row)]
        assert np.array_equal(*kinds)


def test_order_of_nodes_does_not_matter():
    """Over many trails, the loss of a graph is that of the same one with its nodes in another order."""
    model, x = tiny("autoregressive", SPACES["graph"], seed=1).eval(), toy(SPACES["graph"], 2)[0]
    places = torch.randperm(5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        losses = [
            model.loss(Batch(graphs.repeat(400, 1, 1)), Turn("fit", 1.0), Rng.for_step(0, batch=800))
            .view(400, 2)
            .mean(0)
            for graphs in (x, x[:, places][:, :, places])
        ]
    assert torch.allclose(*losses, rtol=0.02)


def trained(graphs: list[nx.Graph], steps: int, **changes: int) -> tuple[AutoregressiveGraphs, object]:
    codec = make_codec("graph")
    loaded = [codec.load(graph) for graph in graphs]
    codec.fit(iter(loaded))
    model = tiny("autoregressive", codec.space, None, width=32, batch=32, context=64, **changes)
    trainer = Trainer(model, Split(codec.space.pack(codec.encode(loaded)), None, codec.space), Plan(32 * steps))
    for _ in range(trainer.steps):
        trainer.advance()
    learned = trainer.ema.model.eval()
    assert isinstance(learned, AutoregressiveGraphs)
    return learned, codec


def test_rings_and_stars_of_many_nodes():
    graphs = [nx.cycle_graph(30), nx.star_graph(29)] * 40
    model, codec = trained(graphs, 250, layers=2)
    drawn = codec.decode(draw(model, 40, None, seed=0))  # type: ignore[attr-defined]
    degrees = [sorted(dict(graph.degree).values()) for graph in drawn]
    known = [sorted(dict(graph.degree).values()) for graph in graphs[:2]]
    assert sum(degree in known for degree in degrees) > 30
    assert all(degree in degrees for degree in known)


def test_a_path_is_gone_on_with():
    model, codec = trained([nx.path_graph(n) for n in range(6, 13)] * 10, 250)
    known = torch.zeros(20, *model.space.shape, dtype=torch.int64)
    known[:, :4, :4] = torch.from_numpy(nx.to_numpy_array(nx.path_graph(4), dtype=np.int64)) + torch.eye(4).long()
    mask = torch.zeros_like(known, dtype=torch.bool)
    mask[:, :4, :4] = True
    x = model.complete(known, mask, None, Rng.for_samples(0, range(20)))
    assert torch.equal(x[mask], known[mask])
    whole = codec.decode(x)  # type: ignore[attr-defined]
    assert all(len(graph) > 4 for graph in whole)
    assert np.mean([nx.is_connected(graph) for graph in whole]) > 0.7


def test_auto_takes_walks_for_large_graphs_and_kinds():
    assert choose_recipe(Graph(10), 5) == "graph-vae"
    assert (
        choose_recipe(Graph(11), 5)
        == choose_recipe(Graph(9, 2), 5)
        == choose_recipe(Graph(9, 1, 3), 5)
        == "autoregressive"
    )
