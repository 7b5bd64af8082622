"""Graphs as walks: what is written reads as the same graph, and rules let nothing else be written."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anew.nn.trails import Trails
from anew.spaces import Graph
from toys import drawn_by

SPACES = [Graph(7), Graph(7, 3), Graph(7, 1, 2), Graph(7, 3, 2), Graph(7, 1, 1, 30)]
LIMITED = [Graph(7, 3, 2, 0, (1, 3, 0), (1, 2)), Graph(7, 3, 1, 0, (1, 2, 0), (1,)), Graph(7, 1, 2, 0, (3,), (2, 1))]
every_space = pytest.mark.parametrize("space", SPACES, ids=str)


def some(space: Graph, seed: int, p: float = 0.4) -> np.ndarray:
    """(N, N), of 1 to N nodes, which need not be joined."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, space.nodes + 1))
    upper = np.triu(rng.integers(1, space.edge_kinds + 1, (n, n)) * (rng.random((n, n)) < p), 1)
    matrix = np.zeros(space.shape, np.int64)
    matrix[:n, :n] = upper + upper.T + np.diag(rng.integers(1, space.node_kinds + 1, n))
    return matrix


def graph(matrix: np.ndarray) -> nx.Graph:
    kinds = matrix.diagonal()
    made = nx.Graph()
    made.add_nodes_from((int(i), {"kind": kinds[i]}) for i in np.flatnonzero(kinds))
    made.add_edges_from((i, j, {"kind": matrix[i, j]}) for i, j in np.argwhere(np.triu(matrix, 1)).tolist())
    return made


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return nx.is_isomorphic(graph(a), graph(b), dict.__eq__, dict.__eq__)


def test_as_the_example_says():
    space = Graph(5)
    read = Trails(space).read([1, 2, 3, 1, 4, 6, 5, 2])
    assert sorted(graph(read).edges) == [(0, 1), (0, 2), (1, 2), (1, 4), (2, 3)]
    path = np.eye(3, dtype=int) + np.eye(3, k=1, dtype=int) + np.eye(3, k=-1, dtype=int)
    assert Trails(Graph(3)).write(path, np.random.default_rng(0)).codes in ([1, 2, 3], [1, 2, 4, 3, 1])


@every_space
@given(seed=st.integers(0, 2**31), p=st.floats(0, 1))
def test_what_is_written_reads_as_the_same_graph(space: Graph, seed: int, p: float):
    trails, matrix = Trails(space), some(space, seed, p)
    codes = trails.write(matrix, np.random.default_rng(seed)).codes
    nodes, edges = int((matrix.diagonal() > 0).sum()), int((np.triu(matrix, 1) > 0).sum())
    assert len(codes) <= trails.length(nodes, edges)
    assert min(codes) >= 1
    assert max(codes) <= trails.vocabulary
    read = trails.read(codes)
    assert space.contains(torch.from_numpy(read)[None])
    assert same(read, matrix)


def test_trails_are_random_and_every_node_may_come_first():
    trails, matrix = Trails(Graph(7, 7)), some(Graph(7), 3) * 0 + np.diag(range(1, 8))
    matrix[0, 1:] = matrix[1:, 0] = 1
    firsts = {trails.write(matrix, np.random.default_rng(seed)).codes[1] for seed in range(60)}
    assert len(firsts) == 7
    assert trails.write(matrix, np.random.default_rng(1)) == trails.write(matrix, np.random.default_rng(1))


@every_space
@given(codes=st.lists(st.integers(-1, 20), max_size=40))
def test_any_codes_read_as_a_graph(space: Graph, codes: list[int]):
    assert space.contains(torch.from_numpy(Trails(space).read(codes))[None])


@every_space
def test_rules_allow_what_is_written(space: Graph):
    check_allowed(Trails(space), [some(space, seed) for seed in range(50)])


def check_allowed(trails: Trails, graphs: list[np.ndarray]) -> None:
    written = [trails.write(graph, np.random.default_rng(seed)).codes for seed, graph in enumerate(graphs)]
    rules = trails.rules(len(written))
    for place in range(1 + max(map(len, written))):
        codes = torch.tensor([trail[place] if place < len(trail) else 0 for trail in written])
        allowed = rules.allowed()
        here = torch.tensor([place <= len(trail) for trail in written])
        assert allowed[torch.arange(len(codes)), codes][here].all(), place
        rules.tell(codes)


def drawn(trails: Trails, n: int) -> list[list[int]]:
    found = drawn_by(trails.rules(n), n, places=60)
    assert len(found) > 0.9 * n
    return found


@every_space
def test_what_rules_allow_reads_as_it_was_written(space: Graph):
    """Drawn at random: no code is left out when it is read, and each node and edge is said once."""
    trails = Trails(space)
    for codes in drawn(trails, 200):
        matrix = trails.read(codes)
        nodes, edges = int((matrix.diagonal() > 0).sum()), int((np.triu(matrix, 1) > 0).sum())
        told = 1 + bool(trails.edge_kinds)
        steps = sum(1 for a in _nodes(trails, codes)[1:] if not a)
        begins = codes.count(trails.begin)
        assert len(codes) == nodes * (1 + bool(trails.node_kinds)) + begins + (edges - steps) * told + steps * (
            told - 1
        )


@pytest.mark.parametrize("space", LIMITED, ids=str)
def test_a_node_is_joined_as_often_as_it_has_room(space: Graph):
    trails = Trails(space)
    graphs = [trails.read(codes) for codes in drawn(trails, 300)]
    left = [room_left(space, graph) for graph in graphs]
    assert min(found.min() for found in left) == 0
    assert any((found == 0).all() for found in left)  # it is used to its end
    check_allowed(trails, graphs)


def room_left(space: Graph, matrix: np.ndarray) -> np.ndarray:
    """Of each node that is there."""
    kinds = matrix.diagonal()
    taken = np.array([0, *space.takes])[matrix - np.diag(kinds)].sum(1)
    return (np.array([0, *space.room])[kinds] - taken)[kinds > 0]


def _nodes(trails: Trails, codes: list[int]) -> list[bool]:
    """For each node, whether the trail begins again with it."""
    found, count = [], 0
    for before, code in zip([0, *codes], codes):
        if count < code < trails.begin:
            found.append(before == trails.begin)
            count = code
    return found
