"""Bits per dimension: of independent values exactly, of models that can say, and losses that tell members."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from anew.evaluation.likelihood import bits_per_dimension, independent_bits, likelihood, losses
from anew.spaces import Batch, Field, Fields, Grid, Tokens
from toys import tiny, toy


def test_independent_bits_are_the_entropy_of_what_was_seen() -> None:
    """Codes 0 and 1, three to one over 1,000,000 examples."""
    space = Grid(1, (1, 2), levels=2)
    train = space.unpack((torch.arange(100_000) % 4 == 0).byte()[:, None, None, None].expand(-1, 1, 1, 2))
    found = independent_bits(space, train, train)
    assert found.mean() == pytest.approx(-(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75)), abs=1e-3)


def test_a_code_that_training_never_had_is_finite() -> None:
    space = Tokens(5, 3)
    bits = independent_bits(space, torch.ones(10, 3, dtype=torch.int64), torch.full((2, 3), 5))
    assert np.isfinite(bits).all()
    assert (bits > independent_bits(space, *[torch.ones(10, 3, dtype=torch.int64)] * 2)[0]).all()


@pytest.mark.parametrize(("recipe", "tag"), [("vae", "an upper bound"), ("realnvp", "exact"), ("gan", "")])
def test_models_that_can_say_have_a_row(recipe: str, tag: str) -> None:
    space = Grid(1, (8, 8))
    batch = Batch(space.unpack(space.pack(toy(space)[0])))
    rows = likelihood(tiny(recipe, space).eval(), batch, batch)
    if not tag:
        assert rows == []
        return
    (row,) = rows
    assert row.value is not None
    assert row.ceiling is not None
    assert row.value.n == 64
    assert row.verdict in (tag, "no better than the baseline")  # it was never trained


def test_numbers_have_no_independent_bits() -> None:
    space = Fields((Field("kind", 3), Field("weight")))
    batch = Batch(toy(space)[0])
    (row,) = likelihood(tiny("vae", space).eval(), batch, batch)
    assert row.ceiling is None


def test_bits_of_a_table_are_those_of_its_codes() -> None:
    """Places within bins take none, what is not known takes none, and each field has codes of its own."""
    space = Fields((Field("kind", 2), Field("pay", 50, 48)))
    half = torch.arange(100_000) % 2
    train = torch.stack([half, 10 + 0.25 * half], 1).float()
    test = torch.tensor([[0.0, 10.9], [1.0, 10.0], [torch.nan, 10.5]])
    assert independent_bits(space, train, test) == pytest.approx([0.5, 0.5, 0.0], abs=2e-3)


def test_models_of_coded_fields_stand_beside_independent_values() -> None:
    space = Fields((Field("kind", 3), Field("pay", 5, 4)))
    batch = Batch(space.random(64, torch.Generator().manual_seed(0)))
    (row,) = likelihood(tiny("vae", space).eval(), batch, batch)
    assert row.ceiling is not None
    assert row.ceiling.value == pytest.approx((math.log2(3) + math.log2(5)) / 2, abs=0.2)


def test_bits_are_nats_over_the_values() -> None:
    space = Grid(1, (8, 8))
    model, x = tiny("realnvp", space).eval(), space.unpack(space.pack(toy(space)[0]))
    found = bits_per_dimension(model, Batch(x))
    assert found.shape == (64,)
    assert found.mean() > 0


@pytest.mark.parametrize("recipe", ["vae", "gan", "r3gan", "flow_matching"])
def test_losses_are_per_example_and_do_not_depend_on_the_others(recipe: str) -> None:
    space = Grid(1, (8, 8))
    model = tiny(recipe, space).eval().requires_grad_(False)
    x = toy(space)[0]
    whole = losses(model, Batch(x))
    assert whole.shape == (64,)
    assert np.isfinite(whole).all()
    assert losses(model, Batch(x[:5])) == pytest.approx(whole[:5], rel=1e-3, abs=1e-4)
