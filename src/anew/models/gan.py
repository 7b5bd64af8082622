"""Generative adversarial networks: one family, two turns, with the loss, penalty and network as choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.models.model import Config, Model, Turn
from anew.nn import adversarial, dense, residual, style
from anew.nn.adversarial_losses import LOSSES, Pair, relativistic, squared_gradient
from anew.nn.augment import augment
from anew.nn.augment import check as check_augmentations
from anew.nn.conditioning import embedding
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space


@dataclass(frozen=True)
class GANConfig(Config):
    batch: int = 64
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.99)
    clip: float = 0.0
    decay: str = "linear"
    given_dropout: float = 0.0
    network: str = "dcgan"  # mlp, dcgan, densenet, sngan, r3gan or stylegan2
    latent: int = 64
    width: int = 32
    loss: str = "non-saturating"
    r1: float = 0.0  # weight of the squared gradient at real examples (Mescheder et al. 2018)
    r2: float = 0.0  # and at generated ones
    penalty_end: float = 1.0  # what of r1 and r2 is left at the end; they fall along a cosine
    penalty_share: float = 1.0  # of the examples, whose gradient is penalised; the weight makes up for it
    gradient_penalty: float = 0.0  # weight of (|gradient| - 1)^2 between the two (Gulrajani et al. 2017)
    path_length: float = 0.0  # weight of (|gradient of the picture by the style| - its mean)^2, for stylegan2
    spectral_norm: bool = False
    critic_steps: int = 1  # turns of the discriminator for each of the generator
    augment: str = ""  # what the discriminator sees is changed by: translation,cutout,color
    adaptive: bool = False  # augments as many as keep the discriminator from learning examples by heart


class Network(NamedTuple):
    """How the two players are built, given the space, the inputs of the generator, and the width.

    Discriminators come with the number of their features; those with batch norm can do without.
    """

    generator: Callable[[Grid, int, int], nn.Module]
    discriminator: Callable[[Grid, int, bool], tuple[nn.Module, int]]


NETWORKS: dict[str, Network] = {
    "mlp": Network(adversarial.perceptron_generator, adversarial.perceptron_discriminator),
    "dcgan": Network(adversarial.dcgan_generator, adversarial.dcgan_discriminator),
    "densenet": Network(dense.dense_generator, adversarial.dcgan_discriminator),
    "sngan": Network(residual.sngan_generator, residual.sngan_discriminator),
    "r3gan": Network(residual.r3gan_generator, residual.r3gan_discriminator),
    "stylegan2": Network(style.StyleGenerator, style.style_discriminator),
}

COUPLINGS = {nn.BatchNorm2d: "batch norm", style.BatchDeviation: "minibatch standard deviation"}

EIGHT = 8  # few sizes of batches: convolutions prepare themselves for each that is new, which takes long
# Adaptive augmentation: its target, its step at a record, and its limit. Some logits have no zero, so signs are of
# pairs of a real and a generated one; 0.77 is then what 0.6 is for logits around zero.
AUGMENTED, STEP, MOST = 0.77, 0.01, 0.8
TOLD_APART = 0.75  # share of pairs of a real and a generated example, below which nothing is overfitted


class GAN(Model):
    """A generator learns to make what a discriminator cannot tell from real examples.

    dials: `augmented`, the share of the examples that the discriminator sees augmented; `penalty`, which multiplies the
    weights of all penalties, and is one of R1 where there are none; `relativistic`, 1 for the relativistic loss;
    `discriminator_rate`, which multiplies its learning rate.
    """

    spaces = (Grid,)

    def __init__(self, space: Space, given: Space | None, config: GANConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Grid)
        _check(space, config)
        self.turns = ("discriminator",) * config.critic_steps + ("generator",)
        self.blind = () if given is not None or config.loss == "relativistic" else ("generator",)
        self.dials = {
            "augmented": float(bool(config.augment) and not config.adaptive),
            "penalty": 1.0,
            "relativistic": float(config.loss == "relativistic"),
            "discriminator_rate": 1.0,
        }
        told = max(4, config.latent // 8) if given is not None else 0  # more of it, and the noise is ignored
        network, penalised = NETWORKS[config.network], config.r1 or config.r2 or config.gradient_penalty
        generator = network.generator(space, config.latent + told, config.width)
        normed = not (penalised or config.spectral_norm or config.loss == "wasserstein")
        critic, features = network.discriminator(space, config.width, normed)
        self.generator = adversarial.Generator(generator, embedding(given, told))
        self.discriminator = adversarial.Discriminator(critic, features, given)
        if config.spectral_norm:
            adversarial.with_spectral_norm(self.discriminator)
        if config.path_length:
            self.path: Tensor
            self.register_buffer("path", torch.zeros(()))  # the mean length
        kinds = {type(layer) for layer in self.modules()}
        self.couples = " and ".join(reason for kind, reason in COUPLINGS.items() if kind in kinds)

    def player(self, turn: str) -> nn.Module:
        return self.generator if turn == "generator" else self.discriminator

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        if turn.name == "generator":
            return self._generator_loss(batch, rng)
        return self._discriminator_loss(batch, turn.progress, rng)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self._generate(n, given, rng).clamp(-1, 1)

    def listen(self, values: dict[str, float]) -> None:
        """Adaptive augmentation (Karras et al. 2020, "ADA", section 3.1): more while the discriminator is sure."""
        if self.config.adaptive and "real_sign" in values:
            step = STEP if values["real_sign"] > AUGMENTED else -STEP
            self.dials["augmented"] = min(max(self.dials["augmented"] + step, 0.0), MOST)

    def examine(self, train: Batch, held_out: Batch, rng: Rng) -> dict[str, float]:
        """How far held-out examples are judged on the way from training to generated ones (Karras et al. 2020, "ADA",
        equation 1; 0 where those two are not told apart), and how many pairs of them are judged rightly; all as
        augmented as in training."""
        made = self._judge(self._generate(held_out.size, held_out.given, rng), held_out.given, rng)
        known, unseen = (self._judge(batch.x, batch.given, rng) for batch in (train, held_out))
        told_apart = (known[:, None] > made).float().mean() > TOLD_APART
        overfit = (known.mean() - unseen.mean()) / (known.mean() - made.mean()) if told_apart else known.new_zeros(())
        return {"overfit": overfit.item(), "accuracy": (unseen[:, None] > made).float().mean().item()}

    def _generator_loss(self, batch: Batch, rng: Rng) -> Tensor:
        fake = self._judge(self._generate(batch.size, batch.given, rng), batch.given, rng)
        real = self._judge(batch.x, batch.given, rng) if self._pairs is relativistic else fake
        value = self._pairs(real, fake)[1]
        if self.config.path_length:
            value = value + self.config.path_length * self._path_penalty(batch, rng)
        return value

    def _discriminator_loss(self, batch: Batch, progress: float, rng: Rng) -> Tensor:
        with torch.no_grad():
            fake = self._generate(batch.size, batch.given, rng)
        real_logits, fake_logits = (self._judge(x, batch.given, rng) for x in (batch.x, fake))
        self.note(real_logit=real_logits, fake_logit=fake_logits, real_sign=(real_logits - fake_logits).sign())
        value = self._pairs(real_logits, fake_logits)[0]
        r1, r2, between = self._weights(progress)
        for weight, x in ((r1, batch.x), (r2, fake)):
            if weight:
                chosen, slope = self._slope(x, batch.given, rng)
                value = value + weight / 2 * chosen * slope
        if between:  # Gulrajani et al. 2017, equation 3
            share = rng.uniform(*[1] * (fake.dim() - 1))
            chosen, slope = self._slope(share * batch.x + (1 - share) * fake, batch.given, rng)
            value = value + between * chosen * ((slope + 1e-12).sqrt() - 1).square()
        return value

    @property
    def _pairs(self) -> Callable[[Tensor, Tensor], Pair]:
        return relativistic if self.dials["relativistic"] else LOSSES[self.config.loss]

    def _weights(self, progress: float) -> tuple[float, float, float]:
        """Of R1, R2 and the gradient penalty, now."""
        c, dial = self.config, self.dials["penalty"]
        if not (c.r1 or c.r2 or c.gradient_penalty):
            return max(0.0, dial - 1), 0.0, 0.0
        fade = c.penalty_end + (1 - c.penalty_end) * (1 + math.cos(math.pi * progress)) / 2
        return dial * fade * c.r1, dial * fade * c.r2, dial * c.gradient_penalty

    def _generate(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        told = self.condition(self.generator.embed, given, n)
        return self.generator(rng.normal(self.config.latent), told, rng)

    def _judge(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        return self._logits(self._seen(x, rng), given)

    def _seen(self, x: Tensor, rng: Rng) -> Tensor:
        """As augmentation leaves it."""
        share = self.dials["augmented"]
        return augment(self.config.augment or _gentle(self.space), x, rng, share) if share else x

    def _logits(self, x: Tensor, given: Tensor | None) -> Tensor:
        return self.discriminator(x, self.condition(self.discriminator.embed, given, len(x)))

    def _slope(self, x: Tensor, given: Tensor | None, rng: Rng) -> Pair:
        """Weights (B,) of mean 1, most of them 0 where few are to be penalised, and |d logit / d x|^2 there (B,)."""
        share = self.config.penalty_share
        chosen = rng.uniform() < share
        if not (count := int(chosen.sum())):
            return chosen.float(), chosen.float()
        rows = chosen.float().argsort(descending=True)[: -(-count // EIGHT) * EIGHT]
        x = x.detach().requires_grad_()
        logits = self._logits(self._seen(x, rng)[rows], None if given is None else given[rows])
        return chosen / share, squared_gradient(logits, x)

    def _path_penalty(self, batch: Batch, rng: Rng) -> Tensor:
        """Karras et al. 2020, "StyleGAN2", equation 4."""
        z, told = rng.normal(self.config.latent), self.condition(self.generator.embed, batch.given, batch.size)
        body = self.generator.body
        assert isinstance(body, style.StyleGenerator)
        lengths = style.path_lengths(body, z if told is None else torch.cat([z, told], 1), rng)
        self.path.lerp_(lengths.detach().mean(), 0.01)
        return (lengths - self.path.clone()).square()


def _check(space: Grid, config: GANConfig) -> None:
    """Raises AnewError for choices that don't exist, or don't go with the space or with each other."""
    for kind, name, table in (("network", config.network, NETWORKS), ("loss", config.loss, LOSSES)):
        if name not in table:
            raise unknown(kind, name, table)
    check_augmentations(config.augment)
    if len(space.size) != 2:
        if config.network != "mlp":
            raise AnewError(f"the network '{config.network}' needs grids of two dimensions; try --set network=mlp")
        if config.augment or config.adaptive:
            raise AnewError("augmentation needs grids of two dimensions; try --set augment= --set adaptive=false")
    if config.path_length and config.network != "stylegan2":
        raise AnewError(f"the network '{config.network}' has no styles; try --set path_length=0")


def _gentle(space: Space) -> str:
    """What is changed where nothing is configured."""
    assert isinstance(space, Grid)
    if len(space.size) != 2:
        return ""
    return "translation,cutout,color" if space.channels == 3 else "translation,cutout"


def _recipe(space: Space, given: Space | None, size: int, changes: dict[str, Any], **own: Any) -> GAN:
    return GAN(space, given, GANConfig(width=8 * 2**size).change(own | changes))


def gan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Two perceptrons (Goodfellow et al. 2014)."""
    return _recipe(space, given, size, changes, network="mlp")


def dcgan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Radford et al. 2015."""
    return _recipe(space, given, size, changes)


def wgan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Arjovsky et al. 2017, with spectral norm in place of clipped weights."""
    return _recipe(space, given, size, changes, loss="wasserstein", spectral_norm=True, critic_steps=2)


def wgan_gp(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Gulrajani et al. 2017; two turns of the critic rather than five, which a small budget can't afford.

    With the paper's rate of 1e-4, or twice that, the critic stays behind in a minute, and the generator collapses.
    """
    own = {"loss": "wasserstein", "gradient_penalty": 10.0, "critic_steps": 2, "betas": (0.0, 0.9), "lr": 1e-3}
    return _recipe(space, given, size, changes, **own)


def lsgan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Mao et al. 2017."""
    return _recipe(space, given, size, changes, loss="least-squares")


def densenet_gan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Dense blocks (Huang et al. 2017) in the generator of a DCGAN; a dense critic makes it collapse (docs/log.md)."""
    return _recipe(space, given, size, changes, network="densenet", width=4 * 2**size, lr=4e-4)


def sngan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Miyato et al. 2018; one turn of the critic rather than five, at a higher rate: budgets are small here."""
    own = {"network": "sngan", "loss": "hinge", "spectral_norm": True, "betas": (0.0, 0.9), "lr": 1e-3}
    return _recipe(space, given, size, changes, **own, width=4 * 2**size)


def stylegan2(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Karras et al. 2020, with adaptive augmentation, and R1 of few examples rather than in few steps."""
    own = {"network": "stylegan2", "r1": 1.0, "penalty_share": 0.25, "adaptive": True, "betas": (0.0, 0.99)}
    return _recipe(space, given, size, changes, **own, width=4 * 2**size, lr=1e-3)


def r3gan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Huang et al. 2024, made small; penalties of few examples fall to a tenth, as the paper's do."""
    own = {"network": "r3gan", "loss": "relativistic", "r1": 1.0, "r2": 1.0, "penalty_end": 0.1, "penalty_share": 0.25}
    return _recipe(space, given, size, changes, **own, width=4 * 2**size, betas=(0.0, 0.99), lr=2e-3)
