"""The adversarial losses and penalties against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.models import build
from anew.models.gan import GAN
from anew.models.model import Turn
from anew.nn.adversarial_losses import LOSSES, squared_gradient
from anew.rng import Rng
from anew.spaces import Batch, Grid
from toys import SPACES, tiny, toy

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
        ({"augment": "colour"}, "did you mean 'color'"),
        ({"path_length": 1.0}, "has no styles"),
        ({"penalty_share": 1.5}, "a share from 0 to 1"),
    ],
)
def test_unknown_choices(changes: dict[str, object], message: str):
    with pytest.raises(AnewError, match=message):
        build("gan", SPACES["grey"], None, 1, changes)


def test_sounds_need_perceptrons():
    assert build("gan", Grid(1, (16,)), None, 1).config.network == "mlp"
    with pytest.raises(AnewError, match="--set network=mlp"):
        build("dcgan", Grid(1, (16,)), None, 1)
    with pytest.raises(AnewError, match="--set augment="):
        build("gan", Grid(1, (16,)), None, 1, {"augment": "translation"})


# --- penalties


def gan(recipe: str, **changes: object) -> GAN:
    model = tiny(recipe, SPACES["grey"], **changes)
    assert isinstance(model, GAN)
    return model


def test_penalties_fall_along_a_cosine():
    model = gan("r3gan", r1=2.0, r2=4.0, penalty_end=0.1)
    assert model._weights(0.0) == pytest.approx((2.0, 4.0, 0.0))
    assert model._weights(0.5) == pytest.approx((1.1, 2.2, 0.0))
    assert model._weights(1.0) == pytest.approx((0.2, 0.4, 0.0))


def test_the_dial_multiplies_penalties_and_is_one_where_there_are_none():
    for recipe, one, three in (("wgan-gp", (0, 0, 10), (0, 0, 30)), ("dcgan", (0, 0, 0), (2, 0, 0))):
        model = gan(recipe)
        assert model._weights(0.5) == one
        model.dials["penalty"] = 3.0
        assert model._weights(0.5) == three


def discriminator_loss(model: GAN, seed: int = 0, n: int = 64) -> torch.Tensor:
    examples = Batch(toy(SPACES["grey"], n)[0], None)
    return model.loss(examples, Turn("discriminator", 0.0), Rng.for_step(seed, batch=n)).detach()


@pytest.mark.parametrize("recipe", ["r3gan", "wgan-gp"])
def test_penalising_a_share_of_the_examples_is_right_on_average(recipe: str):
    full, some = (gan(recipe, penalty_share=share) for share in (1.0, 0.3))
    with torch.no_grad():  # so that the penalty is large
        for parameter in full.discriminator.parameters():
            parameter.mul_(2)
    some.load_state_dict(full.state_dict())
    means = [torch.stack([discriminator_loss(m, seed).mean() for seed in range(100)]) for m in (full, some)]
    assert means[1].mean().item() == pytest.approx(means[0].mean().item(), rel=0.05)
    assert means[1].std() > 2 * means[0].std()


def test_a_step_may_choose_no_example_to_penalise():
    model = gan("r3gan", penalty_share=0.01)
    assert discriminator_loss(model, n=2).isfinite().all()


# --- dials


def test_the_dial_makes_the_loss_relativistic():
    plain, turned = gan("dcgan"), gan("dcgan", loss="relativistic")
    assert not torch.allclose(discriminator_loss(plain), discriminator_loss(turned))
    plain.dials["relativistic"] = 1.0
    assert torch.equal(discriminator_loss(plain), discriminator_loss(turned))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_dial_is_the_share_that_is_augmented(share: float):
    model = gan("dcgan")
    model.dials["augmented"] = share
    x = torch.rand(500, 1, 8, 8) * 2 - 1
    seen = model._seen(x, Rng.for_step(0, batch=500))
    assert (seen != x).flatten(1).any(1).float().mean().item() == pytest.approx(share, abs=0.05)


def test_configured_augmentation_is_of_all():
    assert gan("dcgan", augment="cutout").dials["augmented"] == 1
    assert gan("dcgan").dials["augmented"] == 0


def test_sounds_are_not_augmented():
    model = tiny("gan", Grid(1, (16,)))
    model.dials["augmented"] = 1.0
    assert isinstance(model, GAN)
    x = torch.randn(3, 1, 16)
    assert model._seen(x, Rng.for_step(0, batch=3)) is x


def test_augmentation_follows_how_sure_the_discriminator_is():
    model = gan("stylegan2")
    assert model.dials["augmented"] == 0
    for _ in range(300):
        model.listen({"real_sign": 0.9})
    assert model.dials["augmented"] == pytest.approx(0.8)
    model.listen({"real_sign": 0.2})
    assert model.dials["augmented"] == pytest.approx(0.79)
    for _ in range(300):
        model.listen({"real_sign": 0.2})
    assert model.dials["augmented"] == 0


def test_others_do_not_listen():
    model = gan("dcgan")
    model.listen({"real_sign": 0.9})
    assert model.dials["augmented"] == 0


def test_how_sure_it_is_counts_from_the_middle_between_the_players():
    model = gan("gan")
    with torch.no_grad():
        model.discriminator.logit.bias.fill_(100)  # it calls all real, and tells none apart
    discriminator_loss(model)
    assert model.notes["real_sign"].item() < 0.9
    assert model.notes["real_logit"].item() > 90


# --- StyleGAN2's own


def test_path_lengths_are_drawn_to_their_mean():
    model = gan("stylegan2", path_length=2.0)
    turn, x = Turn("generator", 0.0), toy(SPACES["grey"])[0]
    for step in range(3):
        before = model.path.clone()
        loss = model.loss(Batch(x, None), turn, Rng.for_step(step, batch=64))
        loss.mean().backward()
        assert model.path > before
    assert all(p.grad is not None for p in model.generator.body.mapping.parameters())
