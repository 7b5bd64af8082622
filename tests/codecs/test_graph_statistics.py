"""Counts in graphs against counting one by one."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from anew.codecs.graph.statistics import BINS, clustering, orbits, spectrum, statistics, triangles

GRAPHS = [nx.gnp_random_graph(n, p, seed=n) for n, p in [(1, 0.5), (4, 1.0), (8, 0.3), (9, 0.6), (10, 0.9), (7, 0.0)]]
# (nodes, degrees within) of the connected graphs of up to 4 nodes -> {degree: orbit}
PLACES = {
    (1, 1): {1: 0},
    (1, 1, 2): {1: 1, 2: 2},
    (2, 2, 2): {2: 3},
    (1, 1, 2, 2): {1: 4, 2: 5},
    (1, 1, 1, 3): {1: 6, 3: 7},
    (2, 2, 2, 2): {2: 8},
    (1, 2, 2, 3): {1: 9, 2: 10, 3: 11},
    (2, 2, 3, 3): {2: 12, 3: 13},
    (3, 3, 3, 3): {3: 14},
}


def counted(graph: nx.Graph) -> np.ndarray:
    """(n, 15), of all sets of 2 to 4 nodes."""
    found = np.zeros((len(graph), 15))
    for size in (2, 3, 4):
        for nodes in combinations(graph, size):
            part = graph.subgraph(nodes)
            if nx.is_connected(part):
                places = PLACES[tuple(sorted(degree for _, degree in part.degree))]
                for node, degree in part.degree:
                    found[node, places[degree]] += 1
    return found


def matrix(graph: nx.Graph) -> np.ndarray:
    return nx.to_numpy_array(graph)


@pytest.mark.parametrize("graph", GRAPHS, ids=str)
def test_orbits(graph: nx.Graph):
    assert np.array_equal(orbits(matrix(graph)), counted(graph))


@pytest.mark.parametrize("graph", GRAPHS, ids=str)
def test_as_networkx_counts(graph: nx.Graph):
    a = matrix(graph)
    assert clustering(a) == pytest.approx(list(nx.clustering(graph).values()))
    assert triangles(a).tolist() == list(nx.triangles(graph).values())
    assert spectrum(a) == pytest.approx(np.sort(nx.normalized_laplacian_spectrum(graph)), abs=1e-8)


def test_histograms_are_of_shares():
    found = statistics([matrix(graph).astype(bool) for graph in GRAPHS])
    assert {name: rows.shape for name, rows in found.items()} == {name: (len(GRAPHS), n) for name, n in BINS.items()}
    for name in ("degrees", "clustering", "spectrum"):
        assert found[name].sum(1) == pytest.approx(1)
    assert found["degrees"][1, 3] == 1
    assert found["clustering"][1, -1] == 1


def test_many_neighbours_and_none():
    found = statistics([matrix(nx.star_graph(99)), np.zeros((0, 0)), np.zeros((3, 3))])
    assert found["degrees"][0, 63] == 0.01
    assert not any(rows[1].any() for rows in found.values())
    assert found["degrees"][2, 0] == found["spectrum"][2, 0] == 1
