"""The adversarial losses and penalties against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.models import build
from anew.models.gan import LOSSES, squared_gradient
from anew.spaces import Grid
from toys import SPACES, tiny

REAL, FAKE = 2.0, -0.5


def soft(x: float) -> float:
    return math.log1p(math.exp(x))


# name -> (discriminator's, generator's)
EXPECTED = {
    "minimax": (soft(-REAL) + soft(FAKE), -soft(FAKE)),
    "non-saturating": (soft(-REAL) + soft(FAKE), soft(-FAKE)),
    "least-squares": (((REAL - 1) ** 2 + FAKE**2) / 2, (FAKE - 1) ** 2 / 2),
    "wasserstein": (FAKE - REAL, -FAKE),
    "hinge": (max(0, 1 - REAL) + max(0, 1 + FAKE), -FAKE),
    "relativistic": (soft(FAKE - REAL), soft(REAL - FAKE)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_values(name: str):
    discriminator, generator = LOSSES[name](torch.tensor([REAL]), torch.tensor([FAKE]))
    assert discriminator.item() == pytest.approx(EXPECTED[name][0], abs=1e-5)
    assert generator.item() == pytest.approx(EXPECTED[name][1], abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_players_pull_in_opposite_directions(name: str):
    real, fake = torch.tensor([REAL]), torch.tensor([0.5], requires_grad=True)
    slopes = [torch.autograd.grad(loss.sum(), fake, retain_graph=True)[0] for loss in LOSSES[name](real, fake)]
    assert slopes[0] > 0 > slopes[1]


def test_squared_gradient_is_of_each_example():
    x = torch.randn(4, 1, 2, 2, requires_grad=True)
    weight = torch.randn(4, requires_grad=True)
    slopes = squared_gradient(x.flatten(1) @ weight + x.flatten(1).square().sum(1), x)
    expected = (weight + 2 * x.flatten(1)).square().sum(1)
    assert torch.allclose(slopes, expected, atol=1e-4)
    slopes.sum().backward()  # a penalty has to have a gradient of its own
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_spectral_norm_bounds_every_layer():
    critic = tiny("wgan", SPACES["grey"]).discriminator
    for _ in range(50):  # each forward pass in training improves the estimate
        critic.train()(torch.randn(4, 1, 8, 8))
    critic.eval()
    for layer in critic.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_turns():
    assert tiny("gan", SPACES["grey"]).turns == ("discriminator", "generator")
    assert tiny("gan", SPACES["grey"], critic_steps=3).turns == ("discriminator",) * 3 + ("generator",)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_can_be_chosen(name: str):
    assert tiny("r3gan", SPACES["grey"], loss=name).config.loss == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "hing"}, "did you mean 'hinge'"),
        ({"network": "dcgna"}, "did you mean 'dcgan'"),
        ({"critic_steps": 0}, "1 or more"),
    ],
)
def test_unknown_choices(changes: dict[str, object], message: str):
    with pytest.raises(AnewError, match=message):
        build("gan", SPACES["grey"], None, 1, changes)


def test_sounds_need_perceptrons():
    assert build("gan", Grid(1, (16,)), None, 1).config.network == "mlp"
    with pytest.raises(AnewError, match="--set network=mlp"):
        build("dcgan", Grid(1, (16,)), None, 1)
