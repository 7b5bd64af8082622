"""Normalizing flows: densities that integrate to one, bounds, scales and settings."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from anew.drawing import draw
from anew.errors import AnewError
from anew.models import build
from anew.models.flow import Flow
from anew.models.model import Turn
from anew.nn.bijection import Folded, OnHalf
from anew.nn.coupling import Convolutional
from anew.rng import Rng
from anew.spaces import Batch, Field, Fields, Grid, Space
from toys import LABEL, SPACES, tiny, toy

RECIPES = ("planar", "realnvp", "spline-flow")
PAIR = Fields((Field("a"), Field("b")))


def flow(recipe: str, space: Space = PAIR, given: Space | None = None, **changes: object) -> Flow:
    """With random weights, so that it bends."""
    built = tiny(recipe, space, given, **changes)
    assert isinstance(built, Flow)
    generator = torch.Generator().manual_seed(0)
    for parameter in built.requires_grad_(False).parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter += (0.05 if parameter.dim() > 1 else 0.01) * noise  # what stands alone learns faster
    return built.eval()


def log_prob(model: Flow, x: Tensor, given: Tensor | None = None, seed: int = 0) -> Tensor:
    return model.log_prob(x, given, Rng.for_step(seed, batch=len(x)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_density_integrates_to_one(recipe: str):
    side = torch.linspace(-12, 12, 481)
    logs = log_prob(flow(recipe, importance_samples=1), torch.cartesian_prod(side, side))
    assert logs.exp().sum().item() * (24 / 480) ** 2 == pytest.approx(1, abs=0.01)
    assert logs.std() > 1


@pytest.mark.parametrize("recipe", RECIPES)
def test_density_is_that_of_the_samples(recipe: str):
    """Shares of samples on either side of a line, and the density's integral there."""
    model = flow(recipe, importance_samples=1)
    x = draw(model, 4000, None, seed=0)
    side = torch.linspace(-12, 12, 481)
    cells = torch.cartesian_prod(side, side)
    density = log_prob(model, cells).exp() * (24 / 480) ** 2
    for column in (0, 1):
        line = x[:, column].median()
        assert density[cells[:, column] < line].sum().item() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_not_known_is_integrated_over(recipe: str):
    model, a = flow(recipe, importance_samples=4000), torch.tensor([-0.5, 0.3])
    side = torch.linspace(-12, 12, 2401)
    pairs = torch.cartesian_prod(a, side)
    exact = (
        log_prob(flow(recipe, importance_samples=1), pairs).view(2, -1).logsumexp(1) + math.log(24 / 2400)
    ).tolist()
    estimate = log_prob(model, torch.stack([a, torch.full((2,), torch.nan)], 1)).tolist()
    assert estimate == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_loss_is_the_bound_of_one_draw(recipe: str):
    model, (x, _) = flow(recipe, SPACES["grey"], importance_samples=1), toy(SPACES["grey"])
    loss = model.loss(Batch(x), Turn("fit", 1.0), Rng.for_step(0, batch=64))
    assert torch.equal(loss, -log_prob(model, x))
    assert model.notes["bits_per_value"].item() == pytest.approx(loss.mean().item() / 64 / math.log(2), rel=1e-4)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("space", [Grid(1, (12,)), Grid(2, (3, 4, 2), levels=8), Grid(1, (12, 6)), Grid(1, (1, 1))])
def test_grids_of_any_shape(recipe: str, space: Grid):
    model, x = flow(recipe, space, LABEL), space.unpack(space.pack(space.random(4, torch.Generator().manual_seed(0))))
    label = torch.tensor([[0.0], [1.0], [0.0], [torch.nan]])
    z = model.encode(x, label)
    assert z.shape == (4, math.prod(space.shape))
    assert torch.allclose(model.decode(z, label), x, atol=1e-3)  # an eighth of a code


def test_pictures_are_folded_and_halved():
    model = build("realnvp", Grid(1, (28, 28)), None, 1, {"patch": 2})
    assert isinstance(model.bijection, Folded)
    halves = [part for part in model.modules() if isinstance(part, OnHalf)]
    assert len(halves) == 1
    assert isinstance(halves[0].inside, Folded)
    assert any(isinstance(part, Convolutional) for part in halves[0].modules())


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_low_temperature_stays_closer_to_the_mode(recipe: str):
    spreads = [draw(flow(recipe, temperature=t), 200, None, seed=0).std(0).mean().item() for t in (0.0, 0.5, 1.0)]
    assert spreads[0] == pytest.approx(0, abs=1e-4)
    assert spreads[0] < 0.7 * spreads[1] < 0.7 * spreads[2]


@pytest.mark.parametrize("recipe", RECIPES)
def test_given_is_left_out_at_times(recipe: str):
    (x, label), turn = toy(SPACES["fields"]), Turn("fit", 1.0)
    for share in (1.0, 0.0):
        model = flow(recipe, SPACES["fields"], LABEL, given_dropout=share)
        losses = [model.loss(Batch(x, told), turn, Rng.for_step(0, batch=64)) for told in (label, 1 - label)]
        assert torch.equal(*losses) == (share == 1.0)


@pytest.mark.parametrize("recipe", RECIPES)
def test_low_precision_is_of_the_networks_alone(recipe: str):
    """The determinant is of the map that was applied, so the loss moves as little as the networks' outputs do."""
    model, (x, _) = flow(recipe, SPACES["colour"]), toy(SPACES["colour"])
    with torch.autocast("cpu", torch.bfloat16):
        low = model.encode(x)
        back = model.decode(low)
    assert low.dtype == torch.float32
    assert torch.allclose(back, SPACES["colour"].unpack(SPACES["colour"].pack(x)), atol=1e-2)


def test_what_is_not_possible_is_refused():
    with pytest.raises(AnewError, match="unknown bijection 'afine'; did you mean 'affine'"):
        build("realnvp", PAIR, None, 1, {"bijection": "afine"})
    with pytest.raises(AnewError, match="unknown network 'cnn'"):
        build("realnvp", PAIR, None, 1, {"network": "cnn"})
    with pytest.raises(AnewError, match="needs grids of two dimensions"):
        build("realnvp", Grid(1, (16,)), None, 1, {"network": "conv"})
