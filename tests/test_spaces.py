"""The four spaces: what is in them, and how samples are stored."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anew.spaces import Batch, Field, Fields, Graph, Grid, Space, Tokens, space_from_json, space_to_json

SPACES: list[Space] = [
    Grid(3, (5, 7)),
    Grid(1, (9,), levels=65536),
    Grid(1, (2, 2), levels=2),
    Tokens(4, 6),
    Fields((Field("kind", 3), Field("weight"))),
    Graph(4, node_kinds=2, edge_kinds=3),
]
every_space = pytest.mark.parametrize("space", SPACES, ids=str)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every_space
def test_random_samples_are_in_the_space(space: Space):
    x = space.random(20, generator())
    assert x.shape == (20, *space.shape)
    assert space.contains(x)
    assert torch.equal(x, space.random(20, generator()))
    assert not torch.equal(x, space.random(20, generator(1)))


@every_space
def test_storing_is_exact_the_second_time(space: Space):
    x = space.random(20, generator())
    stored = space.pack(x)
    assert space.contains(space.unpack(stored))
    assert torch.equal(space.pack(space.unpack(stored)), stored)


@every_space
def test_other_shapes_and_types_are_not_in_the_space(space: Space):
    x = space.random(3, generator())
    assert not space.contains(x.double())
    assert not space.contains(x.flatten(0, 1))
    assert not space.contains(torch.cat([x, x], 1))


@every_space
def test_json(space: Space):
    assert space_from_json(json.loads(json.dumps(space_to_json(space)))) == space


@pytest.mark.parametrize("data", [{}, {"space": "Cube"}, {"space": "Grid"}, {"space": "Tokens", "size": 3}])
def test_json_that_is_no_space(data: dict[str, object]):
    with pytest.raises((KeyError, TypeError)):
        space_from_json(data)


@given(st.integers(2, 70000))
def test_levels_are_kept(levels: int):
    space = Grid(1, (1,), levels)
    codes = torch.tensor([0, 1, levels // 2, levels - 2, levels - 1]).view(-1, 1, 1)
    assert torch.equal(space.pack(space.unpack(codes)).long(), codes)


def test_grid_storage_is_small():
    assert Grid(1, (2, 2)).pack(torch.zeros(1, 1, 2, 2)).dtype == torch.uint8
    assert Grid(1, (2, 2)).pack(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]


@pytest.mark.parametrize("value", [1.01, -1.01, float("nan"), float("inf")])
def test_grid_bounds(value: float):
    assert not Grid(1, (1,)).contains(torch.full((1, 1, 1), value))


@pytest.mark.parametrize(("code", "inside"), [(0, True), (4, True), (5, False), (-1, False)])
def test_token_bounds(code: int, inside: bool):
    assert Tokens(4, 2).contains(torch.tensor([[1, code]])) == inside


@pytest.mark.parametrize(
    ("row", "inside"),
    [
        ([0, 5.5], True), ([2, -9], True), ([float("nan")] * 2, True), ([3, 0], False), ([-1, 0], False),
        ([0.5, 0], False), ([0, float("inf")], False),
    ],
)  # fmt: skip
def test_field_bounds(row: list[float], inside: bool):
    assert Fields((Field("kind", 3), Field("weight"))).contains(torch.tensor([row], dtype=torch.float32)) == inside


def test_edges_need_their_nodes():
    graph = Graph(3, node_kinds=2, edge_kinds=1)
    x = torch.zeros(1, 3, 3, dtype=torch.int64)
    assert graph.contains(x)
    x[0, 0, 0] = 2
    x[0, 0, 1] = x[0, 1, 0] = 1
    assert not graph.contains(x)
    x[0, 1, 1] = 1
    assert graph.contains(x)
    x[0, 0, 1] = 2
    assert not graph.contains(x)


def test_batch():
    assert Batch(torch.zeros(3, 2)).size == 3
    moved = Batch(torch.zeros(3), torch.ones(3)).to("cpu")
    assert moved.given is not None
    assert Batch(torch.zeros(3)).to("cpu").given is None
