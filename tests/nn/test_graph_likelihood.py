"""The head of graphs against sums over everything that there is."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from anew.nn.graph_likelihood import Wired, matrix
from anew.rng import Rng
from anew.spaces import Graph

SPACE = Graph(3, node_kinds=2, edge_kinds=1)


def everything() -> Tensor:
    """All undirected graphs of the space, once."""
    ends = torch.triu_indices(3, 3, 1)
    kinds = torch.tensor(list(product(range(3), repeat=3)))
    edges = torch.tensor(list(product(range(2), repeat=3)))
    pairs = [(k, e) for k in range(len(kinds)) for e in range(len(edges))]
    k, e = torch.tensor(pairs).T
    return matrix(kinds[k], edges[e], ends).unique(dim=0)


def outputs(head: Wired, n: int) -> Tensor:
    return torch.randn(1, *head.shape, generator=torch.Generator().manual_seed(0)).expand(n, -1)


def test_probabilities_sum_to_one():
    head, x = Wired(SPACE), everything()
    assert SPACE.contains(x)
    assert len(x) == 1 + 3 * 2 + 3 * 4 * 2 + 8 * 8
    assert head.log_prob(outputs(head, len(x)), x).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_samples_are_as_likely_as_they_score():
    head, x = Wired(SPACE), everything()
    drawn = head.sample(outputs(head, 20_000), Rng.for_step(0, batch=20_000))
    shares = (drawn[:, None] == x).flatten(2).all(2).float().mean(0)
    assert shares.sum() == pytest.approx(1)
    assert torch.allclose(shares, head.log_prob(outputs(head, len(x)), x).exp(), atol=0.015)


def test_the_mode_of_sure_outputs_is_the_graph():
    head, x = Wired(SPACE), everything()
    i, j = head.ends
    nodes = 9.0 * torch.nn.functional.one_hot(x.diagonal(dim1=1, dim2=2), 3)
    edges = 9.0 * torch.nn.functional.one_hot(x[:, i, j], 2)
    assert torch.equal(head.mode(torch.cat([nodes.flatten(1), edges.flatten(1)], 1)), x)


def test_one_node_has_no_pairs():
    space = Graph(1, 3)
    head = Wired(space)
    assert head.shape == (4,)
    x = head.sample(torch.zeros(5, 4), Rng.for_samples(0, range(5)))
    assert space.contains(x)
    assert head.log_prob(torch.zeros(5, 4), x).exp().mean().item() == pytest.approx(0.25)
