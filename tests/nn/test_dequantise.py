"""Codes as reals: what is there and back, and the log-weights against probabilities that are known."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.nn.dequantise import reals
from anew.spaces import Field, Fields, Grid, Space, Tokens

MIXED = Fields((Field("kind", 3), Field("weight"), Field("flag", 2)))
SPACES = [Grid(3, (4, 5)), Grid(1, (6,), levels=2), Grid(1, (2, 2, 2), levels=1024), MIXED]


@pytest.mark.parametrize("space", SPACES)
def test_there_and_back(space: Space):
    generator = torch.Generator().manual_seed(0)
    x = space.unpack(space.pack(space.random(20, generator)))
    middle, _ = reals(space).spread(x, torch.full_like(x, 0.5))
    assert torch.allclose(reals(space).gather(middle), x, atol=1e-4)
    anywhere, _ = reals(space).spread(x, torch.rand(x.shape, generator=generator) * 0.98 + 0.01)
    back = reals(space).gather(anywhere)
    assert space.contains(back)
    assert torch.allclose(space.unpack(space.pack(back)), x, atol=1e-4)


@pytest.mark.parametrize(("values", "x"), [(2, 1.0), (5, 0.0), (300, 299.0)])
def test_a_logistic_density_is_a_uniform_distribution_of_codes(values: int, x: float):
    """The logit of a uniform number is a logistic one."""
    u = (torch.arange(10_000) + 0.5) / 10_000
    v, log_weight = reals(Fields((Field("code", values),))).spread(torch.full((10_000, 1), x), u[:, None])
    log_logistic = (torch.nn.functional.logsigmoid(v) + torch.nn.functional.logsigmoid(-v)).squeeze(1)
    probability = (log_logistic + log_weight).exp().mean().item()
    edge = 0.1 / values
    assert probability == pytest.approx((1 - 2 * edge) / values, rel=1e-3)


def test_a_number_that_is_not_known_has_no_say():
    u = torch.rand(100, 1, generator=torch.Generator().manual_seed(0))
    v, log_weight = reals(Fields((Field("weight"),))).spread(torch.full((100, 1), torch.nan), u)
    log_normal = -0.5 * (v.square().squeeze(1) + math.log(2 * math.pi))
    assert torch.allclose(log_normal + log_weight, torch.zeros(100), atol=1e-5)
    assert v.std().item() == pytest.approx(1, abs=0.2)


def test_known_numbers_stay_as_they_are():
    x = torch.tensor([[0.0, -7.5, 1.0]])
    v, _ = reals(MIXED).spread(x, torch.rand(1, 3))
    assert v[0, 1] == -7.5


def test_a_space_of_sequences_is_refused():
    with pytest.raises(AnewError, match="Tokens"):
        reals(Tokens(3, 4))
