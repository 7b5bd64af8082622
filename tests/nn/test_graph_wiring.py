"""Random wiring keeps degrees, and joins groups as it is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.nn.graph_wiring import wire

ALIKE = np.ones((1, 1))


def wired(degrees: list[int], seed: int = 0) -> np.ndarray:
    return wire(np.array(degrees, int), np.zeros(len(degrees), int), ALIKE, np.random.default_rng(seed))


@given(st.lists(st.integers(0, 8), max_size=12), st.integers(0, 1000))
def test_graphs_are_simple_and_no_degree_is_exceeded(degrees: list[int], seed: int):
    graph = wired(degrees, seed)
    assert not graph.diagonal().any()
    assert np.array_equal(graph, graph.T)
    assert (graph.sum(1) <= degrees).all()


def test_degrees_are_kept():
    degrees = [3] * 40
    assert wired(degrees).sum(1).tolist() == degrees
    assert wired([4, 1, 1, 1, 1]).sum(1).tolist() == [4, 1, 1, 1, 1]
    graphs = np.array([wired(degrees, seed) for seed in range(300)])
    assert graphs.mean(0)[~np.eye(40, dtype=bool)].std() < 0.03, "every pair is as likely"


def test_the_seed_repeats_it():
    assert np.array_equal(wired([2] * 9, 1), wired([2] * 9, 1))
    assert not np.array_equal(wired([2] * 9, 1), wired([2] * 9, 2))


@pytest.mark.parametrize("stay", [0.0, 0.9, 1.0])
def test_groups_are_joined_as_they_are_told(stay: float):
    groups = np.arange(60) % 2
    links = np.array([[stay, 1 - stay], [1 - stay, stay]])
    graph = wire(np.full(60, 6), groups, links, np.random.default_rng(0))
    within = graph[groups[:, None] == groups].sum() / graph.sum()
    assert within == pytest.approx(stay, abs=0.06)
    assert graph.sum(1).mean() > 5.5
