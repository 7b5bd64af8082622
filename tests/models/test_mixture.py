"""Mixtures against sums over everything that there is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from anew.errors import AnewError
from anew.models import build
from anew.models.mixture import Mixture
from anew.rng import Rng
from anew.spaces import Field, Fields, Grid
from toys import tiny

SPACE = Fields((Field("a", 3), Field("b", 2)))
GIVEN = Fields((Field("g", 2), Field("n")))
EVERYTHING = torch.cartesian_prod(torch.arange(3.0), torch.arange(2.0))
RNG = Rng.for_step(0, batch=1)  # log_prob draws nothing


def model(given: Fields | None = GIVEN, space: Fields = SPACE) -> Mixture:
    """Fresh tables differ from kind to kind."""
    with torch.no_grad():
        built = tiny("mixture", space, given, kinds=4)
    assert isinstance(built, Mixture)
    return built.requires_grad_(False)


def shares(x: Tensor) -> Tensor:
    """How often each row of EVERYTHING occurs."""
    return (x[:, None] == EVERYTHING).all(2).float().mean(0)


@pytest.mark.parametrize("told", [[0.0, 0.3], [1.0, -2.0], [torch.nan, 1.0], [torch.nan, torch.nan]])
def test_probabilities_given_something_sum_to_one(told: list[float]):
    logs = model().log_prob(EVERYTHING, torch.tensor([told]).expand(6, 2), RNG)
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_what_is_given_matters_and_nan_is_as_if_nothing_were():
    of = model()
    nothing = of.log_prob(EVERYTHING, None, RNG)
    assert torch.allclose(of.log_prob(EVERYTHING, torch.full((6, 2), torch.nan), RNG), nothing, atol=1e-6)
    assert not torch.allclose(of.log_prob(EVERYTHING, torch.zeros(6, 2), RNG), nothing, atol=1e-3)


@pytest.mark.parametrize("told", [[0.0, 0.3], [1.0, -2.0], [torch.nan, torch.nan]])
def test_samples_are_as_likely_as_they_score(told: list[float]):
    of = model()
    x = of.sample(20_000, torch.tensor([told]).expand(20_000, 2), Rng.for_step(0, batch=20_000))
    expected = of.log_prob(EVERYTHING, torch.tensor([told]).expand(6, 2), RNG).exp()
    assert torch.allclose(shares(x), expected, atol=0.015)


def test_completions_are_as_likely_as_they_score():
    of, known = model(None), torch.tensor([[torch.nan, 1.0]]).expand(20_000, 2)
    x = of.complete(known, torch.tensor([[False, True]]).expand(20_000, 2), None, Rng.for_step(0, batch=20_000))
    joint = of.log_prob(EVERYTHING, None, RNG).exp() * (EVERYTHING[:, 1] == 1)
    assert torch.allclose(shares(x), joint / joint.sum(), atol=0.015)


def test_within_bins_the_density_is_even():
    space = Fields((Field("b", 4, 3),))
    of = model(None, space)
    x = of.sample(5000, None, Rng.for_step(0, batch=5000))[:, 0]
    assert space.contains(x[:, None])
    within = x[x >= 1].frac()
    assert within.mean().item() == pytest.approx(0.5, abs=0.02)
    assert within.max() > 0.98
    logs = of.log_prob(torch.tensor([[2.0], [2.4], [2.9]]), None, RNG)
    assert torch.equal(logs, logs[:1].expand(3))


@pytest.mark.parametrize(
    ("space", "given", "changes", "message"),
    [
        (Fields((Field("w"),)), None, {}, "'w' is a standardised number"),
        (SPACE, Grid(1, (2, 2)), {}, "follow fields only, not Grid"),
        (SPACE, None, {"ema": 0.1}, "leave out --set ema"),
    ],
)
def test_what_cannot_be_counted(space: Fields, given: Grid | None, changes: dict[str, float], message: str):
    with pytest.raises(AnewError, match=message):
        build("mixture", space, given, 1, changes)


def test_sizes():
    assert build("mixture", SPACE, None, 2).config.kinds == 512
    assert build("independent", SPACE, None, 5).config.kinds == 1
