"""Graphs as matrices: wild ones, kinds, the order of nodes, pictures, and what is counted."""

from __future__ import annotations

import io
import json
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from anew.codecs import load_codec, make_codec, save_codec
from anew.codecs.codec import BadRecord
from anew.codecs.dataset import prepare
from anew.codecs.graph.codec import GraphCodec
from anew.codecs.graph.features import PARTS, WIDTH
from anew.codecs.graph.order import order
from anew.errors import AnewError
from anew.sources import open_source
from anew.spaces import Batch, Graph


def fitted(graphs: list[nx.Graph], **options: str) -> tuple[GraphCodec, list[nx.Graph]]:
    codec = make_codec("graph", options)
    assert isinstance(codec, GraphCodec)
    loaded = [codec.load(graph) for graph in graphs]
    codec.fit(iter(loaded))
    return codec, loaded


def shuffled(graph: nx.Graph, seed: int = 0) -> nx.Graph:
    """The same with its nodes in another order and of other names, and its edges turned round."""
    nodes = list(graph)
    np.random.default_rng(seed).shuffle(nodes)
    made = nx.Graph()
    made.add_nodes_from((f"n{node}", graph.nodes[node]) for node in nodes)
    made.add_edges_from((f"n{b}", f"n{a}", data) for a, b, data in graph.edges.data())
    return made


def coloured(graph: nx.Graph, seed: int = 0) -> nx.Graph:
    rng = np.random.default_rng(seed)
    nx.set_node_attributes(graph, {node: "ab"[rng.integers(2)] for node in graph}, "kind")
    nx.set_edge_attributes(graph, {edge: int(rng.integers(3)) for edge in graph.edges}, "type")
    return graph


# --- what comes


def test_graphs_that_are_begun_have_room_for_more():
    codec = make_codec("graph")
    codec.fit(codec.load(nx.path_graph(n)) for n in (3, 5))
    known = codec.holes([codec.load(nx.path_graph(3))])[0]
    assert (known[:3, :3] >= 0).all()
    assert (known[3:] == -1).all()
    assert (known[:, 3:] == -1).all()
    assert (codec.holes([codec.load(nx.path_graph(5))]) >= 0).all()
    with pytest.raises(AnewError, match="6 nodes; the run has learned graphs of up to 5"):
        codec.holes([codec.load(nx.path_graph(6))])


def test_wild_graphs():
    directed = nx.MultiDiGraph([(0, 1), (0, 1), (1, 0), (1, 1), (1, 2)])
    parts = nx.disjoint_union(nx.path_graph(3), nx.empty_graph(2))
    codec, loaded = fitted([directed, parts, nx.empty_graph(1)])
    assert codec.space == Graph(5, edges=2)
    assert sorted(loaded[0].edges) == [(0, 1), (1, 2)]
    told = codec.describe()
    for words in ("1 to 5 nodes", "0 to 2 edges", "1 directed ones", "1 loops dropped", "1 parallel edges dropped"):
        assert words in told
    assert "directed" not in fitted([nx.path_graph(2)])[0].describe().split("(--set")[0]
    x = codec.encode(loaded)
    assert codec.space.contains(x)
    assert [len(graph) for graph in codec.decode(x)] == [3, 5, 1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(nx.Graph(), "has no nodes"), (nx.empty_graph(513), "513 nodes; 512 are learned"), ("x", "expected a networkx")],
)
def test_what_is_not_learned(content: Any, reason: str):
    with pytest.raises(BadRecord, match=reason):
        make_codec("graph").load(content)


def test_larger_graphs_are_left_out_or_let_in():
    codec = make_codec("graph", {"nodes": "3"})
    codec.load(nx.path_graph(3))
    with pytest.raises(BadRecord, match=r"4 nodes; 3 are learned at most \(--set codec.nodes=N\)"):
        codec.load(nx.path_graph(4))
    assert len(make_codec("graph", {"nodes": "600"}).load(nx.path_graph(600))) == 600
    with pytest.raises(AnewError, match="out of range"):
        make_codec("graph", {"nodes": "5000"})


def test_larger_than_any_in_training_is_cut():
    codec, _ = fitted([nx.path_graph(4)])
    (kept,) = codec.decode(codec.encode([codec.load(nx.star_graph(9))]))
    assert nx.is_isomorphic(kept, nx.star_graph(3))


# --- kinds


def kinds(graphs: list[nx.Graph], **options: str) -> tuple[Any, Any]:
    codec, _ = fitted(graphs, **options)
    return codec._nodes, codec._edges


def test_kinds_are_found():
    nodes, edges = kinds([coloured(nx.complete_graph(6), seed) for seed in range(4)])
    assert (nodes.name, set(nodes.values)) == ("kind", {"a", "b"})
    assert (edges.name, set(edges.values)) == ("type", {0, 1, 2})


def test_names_of_nodes_are_no_kinds():
    graphs = [nx.path_graph(5) for _ in range(4)]
    for graph in graphs:
        nx.set_node_attributes(graph, {node: f"person {node}" for node in graph}, "label")
    codec, loaded = fitted(graphs)
    assert codec._nodes.name is None
    assert codec.space.node_kinds == 1
    assert codec.decode(codec.encode(loaded))[0].nodes[0] == {}
    assert len({codec.digest(graph) for graph in loaded}) == 1


def test_what_is_asked_for_is_taken():
    graphs = [coloured(nx.complete_graph(5), seed) for seed in range(3)]
    for graph in graphs:
        nx.set_node_attributes(graph, {node: float(node % 2) for node in graph}, "colour")
    assert kinds(graphs, node_kind="colour")[0].values == (0, 1)
    assert kinds(graphs, node_kind="")[0].values == (None,)
    with pytest.raises(AnewError, match="nothing has the attribute 'weight'"):
        kinds(graphs, edge_kind="weight")


def test_too_many_kinds():
    graph = nx.path_graph(70)
    nx.set_node_attributes(graph, {node: node for node in graph}, "kind")
    with pytest.raises(AnewError, match="'kind' has 70 values; kinds are 64 at most"):
        kinds([graph], node_kind="kind")


def test_kinds_that_some_have_and_kinds_that_were_never_seen():
    graph = coloured(nx.complete_graph(6))
    del graph.nodes[3]["kind"]
    codec, _ = fitted([graph])
    assert None in codec._nodes.values
    (back,) = codec.decode(codec.encode([codec.load(graph)]))
    assert sorted(data.get("kind", "") for _, data in back.nodes.data()) == sorted(
        data.get("kind", "") for _, data in graph.nodes.data()
    )
    new = nx.path_graph(2)
    nx.set_node_attributes(new, "never seen", "kind")
    assert codec.encode([codec.load(new)])[0, 0, 0] == 1


def test_numpy_numbers_and_what_files_cannot_hold():
    graph = nx.complete_graph(4)
    nx.set_node_attributes(graph, {0: np.int64(1), 1: 1.0, 2: (1, 2), 3: float("nan")}, "kind")
    codec, loaded = fitted([graph], node_kind="kind")
    assert set(codec._nodes.values) == {1, "(1, 2)", "nan"}
    json.dumps(save_codec(codec), allow_nan=False)
    assert load_codec(save_codec(codec)).encode(loaded).equal(codec.encode(loaded))


# --- the order of nodes


@pytest.mark.parametrize(
    "graph",
    [
        nx.petersen_graph(), nx.complete_graph(9), nx.grid_2d_graph(4, 4), nx.star_graph(8), nx.empty_graph(5),
        nx.disjoint_union_all([nx.cycle_graph(3), nx.cycle_graph(3), nx.cycle_graph(6)]), nx.balanced_tree(2, 3),
        nx.random_regular_graph(3, 20, seed=0), nx.gnp_random_graph(30, 0.2, seed=0),
    ],
    ids=str,
)  # fmt: skip
def test_graphs_that_are_alike_become_the_same_matrix(graph: nx.Graph):
    for one in (graph, coloured(graph.copy())):
        codec, loaded = fitted([one, shuffled(one)])
        a, b = codec.encode(loaded)
        assert torch.equal(a, b)
        assert codec.digest(loaded[0]) == codec.digest(loaded[1])
        assert torch.equal(codec.encode(codec.decode(a[None]))[0], a)


@given(st.integers(1, 9), st.integers(0, 2**31), st.floats(0, 1))
def test_any_small_graphs_that_are_alike(n: int, seed: int, p: float):
    graph = coloured(nx.gnp_random_graph(n, p, seed=seed), seed)
    codec, loaded = fitted([graph, shuffled(graph, seed)])
    assert codec.digest(loaded[0]) == codec.digest(loaded[1])


def test_graphs_that_refinement_alone_takes_for_the_same_have_other_digests():
    codec = make_codec("graph")
    pairs = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)), nx.cycle_graph(6)
    assert codec.digest(codec.load(pairs[0])) != codec.digest(codec.load(pairs[1]))
    assert len({codec.digest(codec.load(record.content)) for record in open_source("atlas")}) == 995


def ordered(graph: nx.Graph) -> list[int]:
    return order([1] * len(graph), nx.to_numpy_array(graph, nodelist=range(len(graph)), dtype=int))


def test_neighbours_are_near_each_other():
    assert ordered(nx.path_graph(9)) in (list(range(9)), list(range(8, -1, -1)))
    star = ordered(nx.star_graph([4, 0, 1, 2, 3]))
    assert star[1] == 4  # it begins with a node of few edges
    two = nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(6))
    two.add_edge(0, 7)
    where = [node < 5 for node in ordered(two)]
    assert where in ([True] * 5 + [False] * 6, [False] * 6 + [True] * 5), "one is finished before the other begins"


def test_the_largest_part_comes_first():
    graph = nx.disjoint_union(nx.complete_graph(3), nx.path_graph(5))
    codec, loaded = fitted([graph])
    x = codec.encode(loaded)[0]
    assert (x[:5, :5] - torch.eye(5, dtype=torch.int64)).sum() == 8


# --- what goes


def test_samples_as_files_and_back(tmp_path: Any):
    codec, loaded = fitted([coloured(nx.complete_graph(5), seed) for seed in range(4)])
    samples = codec.decode(codec.encode(loaded))
    for i, sample in enumerate(samples):
        (tmp_path / f"{i}.graphml").write_bytes(codec.to_bytes(sample))
    (tmp_path / "together.jsonl").write_bytes(codec.together(samples, [{"label": "猫"}, {}, {}, {}], ".jsonl"))
    records = list(open_source(tmp_path))
    assert len(records) == 8
    assert records[4].given == {"label": "猫"}
    for record, loaded_one in zip(records, loaded * 2):
        assert torch.equal(codec.encode([codec.load(record.content)]), codec.encode([loaded_one]))


def test_models_may_put_edges_anywhere():
    codec, _ = fitted([nx.complete_graph(4)])
    x = torch.tensor([[[1, 1, 1, 0], [0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1]], [[0] * 4] * 4])
    whole, empty = codec.decode(x)
    assert (len(whole), list(whole.edges), len(empty)) == (3, [(0, 1)], 0)
    assert codec.encode([whole, empty]).shape == (2, 4, 4)


def test_pictures_of_anything():
    codec, loaded = fitted([coloured(nx.gnp_random_graph(60, 0.1, seed=0))])
    empty = codec.decode(torch.zeros(1, 60, 60, dtype=torch.int64))
    others = [nx.empty_graph(1), nx.empty_graph(7), nx.path_graph(2), nx.disjoint_union(*[nx.cycle_graph(5)] * 2)]
    shown = Image.open(io.BytesIO(codec.show([*loaded, *empty, *others], columns=3)))
    assert shown.size[0] > shown.size[1]
    assert len(shown.getcolors(2**24)) > 20
    assert codec.show([*loaded, *others]) == codec.show([*loaded, *others])
    assert Image.open(io.BytesIO(codec.show([nx.path_graph(3)] * 500))).size[0] <= 2100


# --- what is counted


def test_traits():
    codec, _ = fitted([nx.complete_graph(5)])
    samples = [nx.cycle_graph(5), nx.complete_graph(4), nx.empty_graph(2), nx.Graph(), nx.empty_graph(1)]
    found = codec.traits(samples)
    assert found["nodes"].tolist() == [5, 4, 2, 0, 1]
    assert found["edges"].tolist() == [5, 6, 0, 0, 0]
    assert found["triangles"].tolist() == [0, 4, 0, 0, 0]
    assert found["connected"].tolist() == [True, True, False, False, True]
    assert found["connected"].dtype == bool
    assert np.array_equal(found["diameter"], [2, 1, np.nan, np.nan, 0], equal_nan=True)
    assert np.array_equal(found["density"], [0.5, 1, 0, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(found["mean clustering"], [0, 1, 0, np.nan, 0], equal_nan=True)


def test_views_are_the_same_for_graphs_that_are_alike_and_tell_others_apart():
    graphs = [coloured(nx.gnp_random_graph(12, p / 10, seed=p), p) for p in range(2, 9)]
    codec, loaded = fitted(graphs)
    codec.fit_features(Batch(codec.encode(loaded)))
    found, again = codec.features(loaded), codec.features([codec.load(shuffled(graph)) for graph in graphs])
    assert list(found) == ["statistics", "random"]
    assert found["statistics"].shape[1] == WIDTH
    assert list(PARTS) == ["degrees", "clustering", "spectrum", "orbits"]
    for name, view in found.items():
        assert view.dtype == np.float32
        assert again[name] == pytest.approx(view, abs=1e-3)
        apart = np.linalg.norm(view[:, None] - view, axis=2) + np.eye(len(view)) * 9
        assert apart.min() > 0.01
    other = codec.features([nx.Graph(), nx.empty_graph(12)])
    assert all(np.isfinite(view).all() for view in other.values())


def test_kinds_count_in_the_random_view():
    graphs = [coloured(nx.cycle_graph(8), seed) for seed in range(6)]
    codec, loaded = fitted(graphs)
    codec.fit_features(Batch(codec.encode(loaded)))
    view = codec.features(loaded)["random"]
    assert np.linalg.norm(view[0] - view[1]) > 0.1


def test_seen_from_source_to_tensors(tmp_path: Any):
    """Copies with other numbers of the nodes stay in one split, and labels are given."""
    graphs = [nx.gnp_random_graph(8, 0.4, seed=seed) for seed in range(60)]
    graphs += [shuffled(graph, 1) for graph in graphs]
    for i, graph in enumerate(graphs):
        graph.graph["label"] = "ab"[i % 2]
    data = prepare(open_source(graphs), make_codec("graph"), ("label",))
    splits = (data.train, data.validation, data.test)
    distinct = [{row.numpy().tobytes() for row in split.x} for split in splits]
    assert sum(map(len, distinct)) == len(set.union(*distinct))
    assert sum(map(len, splits)) == 120
    assert data.given_space is not None


def test_what_is_counted_can_be_given():
    """Rings and stars: nodes and edges are counted, what the graph itself says comes first, and no NaN."""
    graphs = [nx.cycle_graph(n) for n in range(3, 30)] + [nx.star_graph(n) for n in range(3, 30)] + [nx.empty_graph(4)]
    graphs[0].graph["edges"] = "many"
    codec, loaded = fitted(graphs)
    assert codec.told(loaded[1], {}, ("nodes", "edges", "else")) == [{"nodes": 4, "edges": 4.0, "else": None}]
    assert codec.told(loaded[0], {"edges": "many"}, ("edges",)) == [{"edges": "many"}]
    assert codec.told(loaded[-1], {}, ("diameter", "connected")) == [{"diameter": None, "connected": False}]
    data = prepare(open_source([nx.relabel_nodes(graph, str) for graph in graphs[1:]]), codec, given=("nodes",))
    assert data.given_codec is not None
    first = data.train.batch(torch.arange(1))
    assert first.given is not None
    assert data.given_codec.decode(first.given)[0]["nodes"] == len(codec.decode(first.x)[0])
    with pytest.raises(AnewError, match="what is known beside the data: nodes, edges"):
        prepare(open_source(graphs[1:]), make_codec("graph"), given=("size",))
