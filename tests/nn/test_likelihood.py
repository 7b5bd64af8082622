"""Likelihood heads: probabilities are probabilities, and draws follow them."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.nn.likelihood import Categorical, Gaussian, Likelihood, Logistic, Mixed, likelihood
from anew.rng import Rng
from anew.spaces import Field, Fields, Graph, Grid, Tokens


def logits(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def levels(count: int) -> torch.Tensor:
    """(count, 1, 1, 1): every value that one pixel can have."""
    return torch.linspace(-1, 1, count).view(-1, 1, 1, 1)


@pytest.mark.parametrize("count", [2, 3, 16, 256])
@pytest.mark.parametrize("centre", [-3.0, -1.0, 0.1, 0.99, 5.0])
@pytest.mark.parametrize("log_scale", [-6.0, -2.0, 1.0])
def test_levels_of_a_pixel_sum_to_one(count: int, centre: float, log_scale: float):
    head = Logistic(Grid(1, (1, 1), count))
    torch.nn.init.constant_(head.log_scale, log_scale)
    with torch.no_grad():
        logs = head.log_prob(torch.full((count, 1, 1, 1), centre), levels(count))
    assert logs.isfinite().all()
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert (logs <= 1e-6).all()


def test_pixels_are_independent():
    head, x = Logistic(Grid(2, (3, 1))), torch.rand(4, 2, 3, 1) * 2 - 1
    outputs = logits(4, 2, 3, 1)
    one = Logistic(Grid(1, (1, 1)))
    alone = sum(
        one.log_prob(outputs[:, c : c + 1, r : r + 1], x[:, c : c + 1, r : r + 1]) for c in range(2) for r in range(3)
    )
    assert torch.allclose(head.log_prob(outputs, x), alone, atol=1e-4)


def test_gaussian_is_the_density():
    x, outputs = torch.rand(4, 1, 2, 2), logits(4, 1, 2, 2)
    expected = torch.distributions.Normal(outputs, 1.0).log_prob(x).sum((1, 2, 3))
    assert torch.allclose(Gaussian(Grid(1, (2, 2))).log_prob(outputs, x), expected, atol=1e-5)


def test_codes_sum_to_one():
    head = Categorical(Tokens(2, 2))
    codes = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    logs = head.log_prob(logits(1, 2, 3).expand(9, 2, 3), codes)
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_row_integrates_to_one():
    head = Mixed(Fields((Field("kind", 3), Field("weight"))))
    outputs, step = logits(1, 5), 0.01
    weights = torch.arange(-50, 50, step)
    total = 0.0
    for kind in range(3):
        rows = torch.stack([torch.full_like(weights, kind), weights], 1)
        total += head.log_prob(outputs.expand(len(weights), 5), rows).exp().sum().item() * step
    assert total == pytest.approx(1, abs=1e-3)


def test_what_is_not_known_has_no_say():
    head = Mixed(Fields((Field("kind", 3), Field("weight"))))
    outputs = logits(1, 5).requires_grad_()
    known = head.log_prob(outputs, torch.tensor([[1.0, math.nan]]))
    assert torch.allclose(known, outputs[:, :3].log_softmax(1)[:, 1])
    known.sum().backward()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    assert head.log_prob(outputs, torch.full((1, 2), math.nan)).item() == 0


def test_discrete_or_not():
    assert not Mixed(Fields((Field("kind", 3), Field("weight")))).discrete
    assert Mixed(Fields((Field("kind", 3),))).discrete
    assert Logistic(Grid(1, (1,))).discrete
    assert not Gaussian(Grid(1, (1,))).discrete


HEADS: list[tuple[Likelihood, torch.Tensor]] = [
    (Categorical(Tokens(2, 1)), logits(1, 1, 3)),
    (Mixed(Fields((Field("kind", 3),))), logits(1, 3)),
]


@pytest.mark.parametrize(("head", "outputs"), HEADS)
def test_draws_follow_the_probabilities(head: Likelihood, outputs: torch.Tensor):
    n = 4000
    drawn = head.sample(outputs.expand(n, *outputs.shape[1:]), Rng.for_step(0, batch=n)).flatten().long()
    shares = torch.bincount(drawn, minlength=3) / n
    assert torch.allclose(shares, outputs.flatten().softmax(0), atol=0.03)
    assert head.mode(outputs).item() == outputs.flatten().argmax()


def test_draws_of_a_pixel_follow_the_probabilities():
    space = Grid(1, (1, 1), levels=4)
    head, n = Logistic(space), 4000
    torch.nn.init.constant_(head.log_scale, -1.0)
    centre = torch.full((1, 1, 1, 1), 0.2)
    with torch.no_grad():
        drawn = head.sample(centre.expand(n, 1, 1, 1), Rng.for_step(0, batch=n))
        expected = head.log_prob(centre.expand(4, 1, 1, 1), levels(4)).exp()
    shares = torch.bincount(space.pack(drawn).flatten().long(), minlength=4) / n
    assert torch.allclose(shares, expected, atol=0.03)
    assert space.contains(drawn)


def test_draws_of_a_number_follow_the_density():
    head, n = Mixed(Fields((Field("weight"),))), 4000
    drawn = head.sample(torch.tensor([[3.0, math.log(0.5)]]).expand(n, 2), Rng.for_step(0, batch=n))
    assert drawn.mean().item() == pytest.approx(3, abs=0.05)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.05)


def test_choice_of_head():
    assert isinstance(likelihood(Grid(1, (2,))), Logistic)
    assert isinstance(likelihood(Grid(1, (2,)), "gaussian"), Gaussian)
    with pytest.raises(AnewError, match="unknown likelihood 'logistik'; did you mean 'logistic'"):
        likelihood(Grid(1, (2,)), "logistik")
    with pytest.raises(AnewError, match="no likelihood for Graph"):
        likelihood(Graph(3))
