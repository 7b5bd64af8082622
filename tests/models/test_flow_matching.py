"""The solvers and guidance of flow matching, and what `auto` chooses."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.models import build, recipes
from anew.models.auto import SIZES, choose_recipe, choose_size, read_size
from anew.models.flow_matching import SOLVERS
from anew.rng import Rng
from anew.spaces import Grid, Tokens
from toys import LABEL, SPACES, tiny, trainer


def error(solver: str, steps: int) -> float:
    """Of solving dx/dt = x + t from x(0) = 1 to 1; the answer is 2e - 2."""
    x = torch.ones(1)
    for i in range(steps):
        x = SOLVERS[solver](lambda x, t: x + t, x, i / steps, (i + 1) / steps)
    return abs(x.item() - (2 * math.e - 2))


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_order_of_the_solver(solver: str, order: int):
    assert math.log2(error(solver, 16) / error(solver, 32)) == pytest.approx(order, abs=0.15)


def test_guidance_moves_samples_and_1_is_none():
    session = trainer(tiny("flow_matching", SPACES["grey"], LABEL), 30)
    for _ in range(30):
        session.advance()
    given, drawn = torch.zeros(4, 1), {}
    for weight in (1.0, 1.0 + 1e-6, 4.0):
        guided = tiny("flow_matching", SPACES["grey"], LABEL, guidance=weight).eval()
        guided.load_state_dict(session.model.state_dict())
        with torch.no_grad():
            drawn[weight] = guided.sample(4, given, Rng.for_samples(0, range(4)))
    assert torch.allclose(drawn[1.0], drawn[1.0 + 1e-6], atol=1e-4)
    assert not torch.allclose(drawn[1.0], drawn[4.0], atol=1e-3)


def test_unknown_solver():
    with pytest.raises(AnewError, match="did you mean 'euler'"):
        tiny("flow_matching", SPACES["grey"], solver="eule")


def test_two_dimensions():
    with pytest.raises(AnewError, match="two dimensions"):
        build("flow_matching", Grid(1, (16,)), None, 1)


@pytest.mark.parametrize("space", [Grid(1, (8, 8)), Grid(3, (200, 100)), Grid(1, (64,)), Tokens(3, 4)], ids=str)
def test_auto_chooses_what_can_be_built(space: Grid | Tokens):
    recipe = choose_recipe(space)
    assert recipe in recipes()
    assert build(recipe, space, None, 1).space == space


def test_sizes():
    chosen = [choose_size(minutes) for minutes in (0.1, 1, 5, 60, 1e6)]
    assert chosen == sorted(chosen)
    assert set(chosen) <= set(SIZES)
    assert [read_size(str(size)) for size in SIZES] == list(SIZES)
    for text in ("0", "7", "", "large", "1.5"):
        with pytest.raises(AnewError, match="expected auto, or 1"):
            read_size(text)


@pytest.mark.parametrize("recipe", recipes())
def test_larger_is_larger(recipe: str):
    counts = [sum(p.numel() for p in build(recipe, SPACES["grey"], None, size).parameters()) for size in (1, 2, 3)]
    assert counts[0] < counts[1] < counts[2]
