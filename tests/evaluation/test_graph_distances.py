"""Distances of sets of graphs: the literature's, the card's, and which graphs are the same."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from anew.codecs import make_codec
from anew.codecs.graph.features import PARTS
from anew.codecs.graph.statistics import statistics
from anew.evaluation import card
from anew.evaluation.examples import Examples, Real
from anew.evaluation.graph_classes import classes, new, unique, valid_unique_new
from anew.evaluation.graph_distances import DEVIATIONS, distances
from anew.spaces import Batch


def graphs(n: int, p: float, seed: int) -> list[nx.Graph]:
    return [nx.gnp_random_graph(12, p, seed=1000 * seed + i) for i in range(n)]


def counted(some: list[nx.Graph]) -> dict[str, np.ndarray]:
    return statistics(nx.to_numpy_array(graph) > 0 for graph in some)


def pair_by_pair(x: np.ndarray, y: np.ndarray, distance: Callable[..., float], deviation: float) -> float:
    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.exp(-(distance(p, q) ** 2) / (2 * deviation**2)) for p in a for q in b]))

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def test_the_literature_s_distances_pair_by_pair():
    x, y = counted(graphs(6, 0.3, 0)), counted(graphs(5, 0.4, 1))
    variation = distances(x, y)
    for name, deviation in DEVIATIONS.items():
        expected = pair_by_pair(x[name], y[name], lambda p, q: np.abs(p - q).sum() / 2, deviation)
        assert variation[name] == pytest.approx(expected)
    moved = distances(x, y, "emd")
    assert list(moved) == ["degrees", "clustering", "orbits"]
    for name, scale in (("degrees", 1), ("clustering", 100)):
        places = np.arange(x[name].shape[1]) / scale
        expected = pair_by_pair(
            x[name], y[name], lambda p, q, places=places: wasserstein_distance(places, places, p, q), DEVIATIONS[name]
        )
        assert moved[name] == pytest.approx(expected)
    euclidean = pair_by_pair(x["orbits"], y["orbits"], lambda p, q: np.linalg.norm(p - q), 30)
    assert moved["orbits"] == pytest.approx(euclidean)
    assert max(distances(x, x).values()) == pytest.approx(0)


def test_other_graphs_are_further_away_in_all_that_is_counted():
    real, alike, other = counted(graphs(60, 0.3, 0)), counted(graphs(60, 0.3, 1)), counted(graphs(60, 0.5, 2))
    near, far = distances(real, alike), distances(real, other)
    assert near.keys() == DEVIATIONS.keys()
    assert all(far[name] > near[name] for name in near)
    assert all(far[name] > 50 * near[name] for name in ("degrees", "orbits"))


def test_rows_of_the_card():
    """Graphs of the same degrees, rewired, differ in what is left of them."""
    real = [nx.connected_watts_strogatz_graph(20, 4, 0.1, seed=seed) for seed in range(240)]
    codec = make_codec("graph")
    loaded = [codec.load(graph) for graph in real]
    codec.fit(iter(loaded))
    codec.fit_features(Batch(codec.encode(loaded[:120])))
    views = [Examples(codec.features(some)) for some in (loaded[:120], loaded[120:180], loaded[180:])]
    wired = [nx.double_edge_swap(nx.Graph(g), 60, 2000, seed=i) for i, g in enumerate(real[:60])]
    impostor = Examples(codec.features([codec.load(graph) for graph in graphs(60, 0.2, 3)]))
    truth = Real(*views, impostor)
    again = Examples(codec.features(loaded[:60]))
    rewired = Examples(codec.features([codec.load(graph) for graph in wired]))
    same = {row.key: row for row in card.measure(again, truth, ["graph_distances"])}
    other = {row.key: row for row in card.measure(rewired, truth, ["graph_distances"])}
    assert list(same) == list(PARTS)
    assert not any(row.is_worse for row in same.values())
    assert not other["degrees"].is_worse
    assert all(other[name].is_worse for name in ("clustering", "spectrum", "orbits"))


def test_without_graphs_there_are_no_rows():
    some = Examples({"statistics": np.random.default_rng(0).normal(size=(60, 5))})
    assert card.measure(some, Real(some, some, some, some), ["graph_distances"]) == []


def coloured(graph: nx.Graph, kinds: str) -> nx.Graph:
    made = graph.copy()
    nx.set_node_attributes(made, dict(zip(made, kinds)), "kind")
    return made


def test_classes():
    path, star = nx.path_graph(4), nx.star_graph(3)
    turned = nx.relabel_nodes(path, {0: "x", 3: 0})
    regular = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))  # of one hash
    some = [path, star, turned, *regular, coloured(path, "abba"), coloured(path, "abab"), coloured(turned, "abba")]
    assert classes(some)[[0, 1, 2, 3, 4]].tolist() == [0, 1, 0, 3, 4]
    assert len({*classes(some)[[0, 5, 6]].tolist()}) == 3
    assert unique(some[:3]) == pytest.approx(2 / 3)
    assert new([path, star], [turned]).tolist() == [False, True]
    assert valid_unique_new([path, star, star, regular[1]], [turned], nx.is_connected) == 0.25
