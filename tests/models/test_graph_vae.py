"""The VAE of graphs: its encoder, and what it learns that baselines cannot."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from anew.codecs import make_codec
from anew.codecs.dataset import Split
from anew.drawing import draw
from anew.errors import AnewError
from anew.models import build
from anew.models.graph_vae import GraphEncoder, GraphVAEConfig
from anew.spaces import Graph
from anew.training.trainer import Plan, Trainer
from toys import tiny

SPACE = Graph(5, 2, 3)


@pytest.mark.parametrize("network", ["gcn", "gat", "gin"])
def test_kinds_of_edges_and_places_are_seen_and_absent_nodes_are_not(network: str):
    torch.manual_seed(0)
    encoder = GraphEncoder(SPACE, GraphVAEConfig(width=4, network=network), 0, 6).eval()
    x = torch.zeros(1, 5, 5, dtype=torch.int64)
    x[0, :3, :3] = torch.tensor([[1, 1, 0], [1, 2, 3], [0, 3, 1]])
    other = x.clone()
    other[0, 1, 2] = other[0, 2, 1] = 1
    turned = x[:, [1, 0, 2, 3, 4]][:, :, [1, 0, 2, 3, 4]]
    seen = encoder(x, None)
    assert seen.shape == (1, 6)
    assert torch.allclose(seen, encoder(other, None), atol=1e-5) == (network == "gat")  # it is told who is joined only
    assert not torch.allclose(seen, encoder(turned, None), atol=1e-4)
    encoder.nodes.weight.data[0] += 9
    assert torch.allclose(encoder(x, None), seen), "absent nodes say nothing"


def test_it_learns_what_an_edge_says_of_another():
    """Either all of a ring or all of a star: pairs alone are joined about as often."""
    codec = make_codec("graph")
    loaded = [codec.load(graph) for graph in [nx.cycle_graph(6), nx.star_graph(5)] * 40]
    codec.fit(iter(loaded))
    x = codec.encode(loaded)
    model = tiny("graph-vae", codec.space, None, width=16, batch=32)
    trainer = Trainer(model, Split(codec.space.pack(x), None, codec.space), Plan(32 * 500))
    for _ in range(trainer.steps):
        trainer.advance()
    known = {codec.digest(graph) for graph in loaded}
    drawn = [codec.digest(graph) for graph in codec.decode(draw(trainer.ema.model.eval(), 100, None, seed=0))]
    assert known <= set(drawn)
    assert sum(digest in known for digest in drawn) > 75


def test_an_unknown_network():
    with pytest.raises(AnewError, match="unknown kind of layers 'gcm'; did you mean 'gcn'"):
        build("graph-vae", SPACE, None, 1, {"network": "gcm"})
