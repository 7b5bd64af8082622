"""Generative adversarial networks: one family, two turns, with the loss, penalty and network as choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.models.model import Config, Model, Turn
from anew.nn import adversarial as nets
from anew.nn.augment import augment
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
    network: str = "dcgan"  # mlp, dcgan or r3gan
    latent: int = 64
    width: int = 32
    loss: str = "non-saturating"
    r1: float = 0.0  # weight of the squared gradient at real examples (Mescheder et al. 2018)
    r2: float = 0.0  # and at generated ones
    gradient_penalty: float = 0.0  # weight of (|gradient| - 1)^2 between the two (Gulrajani et al. 2017)
    spectral_norm: bool = False
    critic_steps: int = 1  # turns of the discriminator for each of the generator
    augment: str = ""  # what the discriminator sees is changed by: translation,cutout,color


# Each loss maps logits of real and generated examples (B,) to what the discriminator and the generator minimise.
Pair = tuple[Tensor, Tensor]


def minimax(real: Tensor, fake: Tensor) -> Pair:
    """Goodfellow et al. 2014, equation 1."""
    return F.softplus(-real) + F.softplus(fake), -F.softplus(fake)


def non_saturating(real: Tensor, fake: Tensor) -> Pair:
    """Goodfellow et al. 2014, section 3: the generator maximises log D instead."""
    return F.softplus(-real) + F.softplus(fake), F.softplus(-fake)


def least_squares(real: Tensor, fake: Tensor) -> Pair:
    """Mao et al. 2017, equation 9."""
    return ((real - 1).square() + fake.square()) / 2, (fake - 1).square() / 2


def wasserstein(real: Tensor, fake: Tensor) -> Pair:
    """Arjovsky et al. 2017, equation 2."""
    return fake - real, -fake


def hinge(real: Tensor, fake: Tensor) -> Pair:
    """Lim and Ye 2017; Miyato et al. 2018, equation 16."""
    return F.relu(1 - real) + F.relu(1 + fake), -fake


def relativistic(real: Tensor, fake: Tensor) -> Pair:
    """Pairs of a real and a generated example (Jolicoeur-Martineau 2018; Huang et al. 2024, equation 2)."""
    return F.softplus(fake - real), F.softplus(real - fake)


LOSSES: dict[str, Callable[[Tensor, Tensor], Pair]] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "least-squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
}


class GAN(Model):
    """A generator learns to make what a discriminator cannot tell from real examples."""

    spaces = (Grid,)

    def __init__(self, space: Space, given: Space | None, config: GANConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Grid)
        if config.network != "mlp" and len(space.size) != 2:
            raise AnewError(f"the network '{config.network}' needs grids of two dimensions; try --set network=mlp")
        if config.loss not in LOSSES:
            raise unknown("loss", config.loss, LOSSES)
        self.turns = ("discriminator",) * config.critic_steps + ("generator",)
        told = max(4, config.latent // 8) if given is not None else 0  # more of it, and the noise is ignored
        generator, critic, features = _networks(space, config, config.latent + told)
        self.generator = nets.Generator(generator, embedding(given, told))
        self.discriminator = nets.Discriminator(critic, features, given)
        if config.spectral_norm:
            nets.with_spectral_norm(self.discriminator)
        if any(isinstance(layer, nn.BatchNorm2d) for layer in self.modules()):
            self.couples = "batch norm"

    def player(self, turn: str) -> nn.Module:
        return self.generator if turn == "generator" else self.discriminator

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        if turn.name == "generator":
            fake = self._generate(batch.size, batch.given, rng)
            real_logits = self._judge(batch.x, batch.given, rng) if self.config.loss == "relativistic" else None
            fake_logits = self._judge(fake, batch.given, rng)
            return LOSSES[self.config.loss](fake_logits if real_logits is None else real_logits, fake_logits)[1]
        with torch.no_grad():
            fake = self._generate(batch.size, batch.given, rng)
        real = batch.x.detach().requires_grad_(self.config.r1 > 0)
        fake = fake.requires_grad_(self.config.r2 > 0)
        real_logits, fake_logits = (self._judge(x, batch.given, rng) for x in (real, fake))
        self.note(real_logit=real_logits, fake_logit=fake_logits)
        value = LOSSES[self.config.loss](real_logits, fake_logits)[0]
        for weight, x, logits in ((self.config.r1, real, real_logits), (self.config.r2, fake, fake_logits)):
            if weight:
                value = value + weight / 2 * squared_gradient(logits, x)
        if self.config.gradient_penalty:
            value = value + self.config.gradient_penalty * self._gradient_penalty(batch, fake, rng)
        return value

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self._generate(n, given, rng).clamp(-1, 1)

    def _generate(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        told = self.condition(self.generator.embed, given, n)
        return self.generator(rng.normal(self.config.latent), told)

    def _judge(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        seen = augment(self.config.augment, x, rng)
        return self.discriminator(seen, self.condition(self.discriminator.embed, given, len(x)))

    def _gradient_penalty(self, batch: Batch, fake: Tensor, rng: Rng) -> Tensor:
        """(|gradient| - 1)^2 at random points between real and generated (Gulrajani et al. 2017, equation 3)."""
        share = rng.uniform(*[1] * (batch.x.dim() - 1))
        between = (share * batch.x.detach() + (1 - share) * fake.detach()).requires_grad_()
        slope = squared_gradient(self._judge(between, batch.given, rng), between)
        return ((slope + 1e-12).sqrt() - 1).square()


def squared_gradient(logits: Tensor, x: Tensor) -> Tensor:
    """|d logit / d x|^2 for each example (B,), itself differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.float().flatten(1).square().sum(1)


def _networks(space: Grid, config: GANConfig, inputs: int) -> tuple[nn.Module, nn.Module, int]:
    penalised = config.r1 or config.r2 or config.gradient_penalty or config.loss == "wasserstein"
    match config.network:
        case "mlp":
            generator = nets.perceptron_generator(space, inputs, 4 * config.width)
            critic, features = nets.perceptron_discriminator(space, 4 * config.width)
        case "dcgan":
            generator = nets.dcgan_generator(space, inputs, config.width)
            critic, features = nets.dcgan_discriminator(space, config.width, norm=not penalised)
        case "r3gan":
            generator = nets.r3gan_generator(space, inputs, config.width)
            critic, features = nets.r3gan_discriminator(space, config.width)
        case name:
            raise unknown("network", name, ("mlp", "dcgan", "r3gan"))
    return generator, critic, features


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
    """Gulrajani et al. 2017; two turns of the critic rather than five, which a small budget can't afford."""
    own = {"loss": "wasserstein", "gradient_penalty": 10.0, "critic_steps": 2, "betas": (0.0, 0.9)}
    return _recipe(space, given, size, changes, **own)


def lsgan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Mao et al. 2017."""
    return _recipe(space, given, size, changes, loss="least-squares")


def r3gan(space: Space, given: Space | None, size: int, **changes: Any) -> GAN:
    """Huang et al. 2024, made small."""
    own = {"network": "r3gan", "loss": "relativistic", "r1": 1.0, "r2": 1.0, "betas": (0.0, 0.99), "lr": 4e-4}
    own["width"] = 4 * 2**size
    return _recipe(space, given, size, changes, **own)
