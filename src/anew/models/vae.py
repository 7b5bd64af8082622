"""Variational autoencoders (Kingma and Welling 2013; Rezende et al. 2014)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from anew.errors import unknown
from anew.models.model import Config, Encodes, Model, Scores, Turn
from anew.nn.conditioning import embedding, forget, vector_size, vectors
from anew.nn.conv import Decoder, Encoder, patch_side
from anew.nn.likelihood import likelihood
from anew.nn.mlp import mlp
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space, Tokens
from anew.spaces import Fields as FieldsSpace


@dataclass(frozen=True)
class VAEConfig(Config):
    latent: int = 16
    width: int = 32
    network: str = "auto"  # conv for pictures, mlp for everything else
    patch: int = 0  # side of the squares of pixels that are treated as one; 0 goes by the size of the picture
    likelihood: str = "auto"
    beta: float = 1.0  # weight of the KL term; below 1 is sharper, above 1 more disentangled
    free_bits: float = 0.0  # nats of KL per latent that cost nothing (Kingma et al. 2016)
    kl_warmup: float = 0.1  # share of the budget over which the KL term grows to beta
    importance_samples: int = 16  # in the bound that `log_prob` reports


class VAE(Model, Encodes, Scores):
    """Maximises E_q(z|x)[log p(x|z)] - beta * KL(q(z|x) || N(0, 1)).

    q is a diagonal Gaussian; p(x|z) is the likelihood head of the space.
    """

    spaces = (Grid, Tokens, FieldsSpace)
    likelihood = "bound"

    def __init__(self, space: Space, given: Space | None, config: VAEConfig):
        super().__init__(space, given, config)
        told = config.width if given is not None else 0
        self.embed = embedding(given, told)
        self.head = likelihood(space, config.likelihood)
        if _is_convolutional(space, config.network):
            assert isinstance(space, Grid)
            shape, patch = (space.channels, space.size), config.patch or patch_side(space.size)
            self.encoder: nn.Module = Encoder(*shape, config.width, 2 * config.latent, told, patch)
            self.decoder: nn.Module = Decoder(config.latent, *shape, config.width, told, patch)
        else:
            inputs, hidden = vector_size(space), 16 * config.width
            self.encoder = Perceptron([inputs + told, hidden, 2 * config.latent], (2 * config.latent,), space)
            self.decoder = Perceptron([config.latent + told, hidden, math.prod(self.head.shape)], self.head.shape)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given = batch.given
        if given is not None and self.config.given_dropout:
            given = forget(given, rng.uniform() < self.config.given_dropout)
        mean, log_var = self._posterior(batch.x, given)
        z = mean + (log_var / 2).exp() * rng.normal(self.config.latent)
        reconstruction = -self._log_likelihood(z, batch.x, given)
        kl = kl_to_standard_normal(mean, log_var)
        self.note(reconstruction=reconstruction, kl=kl.sum(1))
        return reconstruction + self._kl_weight(turn.progress) * kl.clamp(min=self.config.free_bits).sum(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self.decode(rng.normal(self.config.latent), given)

    def encode(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The posterior mean."""
        return self._posterior(x, given)[0]

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """The mode of p(x|z)."""
        return self.head.mode(self._outputs(z, given))

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """The importance-weighted bound, log 1/K sum_k p(x, z_k) / q(z_k | x) (Burda et al. 2016, eq. 8)."""
        mean, log_var = self._posterior(x, given)
        logs = []
        for _ in range(self.config.importance_samples):
            noise = rng.normal(self.config.latent)
            z = mean + (log_var / 2).exp() * noise
            log_ratio = 0.5 * (noise.square() + log_var - z.square()).sum(1)  # log p(z) - log q(z|x)
            logs.append(self._log_likelihood(z, x, given) + log_ratio)
        return torch.stack(logs).logsumexp(0) - math.log(len(logs))

    def _kl_weight(self, progress: float) -> float:
        warmup = self.config.kl_warmup
        return self.config.beta * (min(1.0, progress / warmup) if warmup else 1.0)

    def _posterior(self, x: Tensor, given: Tensor | None) -> tuple[Tensor, Tensor]:
        told = self.condition(self.embed, given, len(x))
        mean, log_var = self.encoder(x, told).float().chunk(2, 1)
        return mean, log_var.clamp(-12, 6)

    def _outputs(self, z: Tensor, given: Tensor | None) -> Tensor:
        return self.decoder(z, self.condition(self.embed, given, len(z))).float()

    def _log_likelihood(self, z: Tensor, x: Tensor, given: Tensor | None) -> Tensor:
        return self.head.log_prob(self._outputs(z, given), x)


class Perceptron(nn.Module):
    """An MLP that is told what is given by concatenation, from a space (or vectors) to a shape."""

    def __init__(self, widths: list[int], shape: tuple[int, ...], space: Space | None = None):
        super().__init__()
        self.space, self.shape, self.layers = space, shape, mlp(widths)

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        h = x if self.space is None else vectors(self.space, x)
        return self.layers(h if told is None else torch.cat([h, told], 1)).unflatten(1, self.shape)


def kl_to_standard_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, var) || N(0, 1)) per dimension, in nats (Kingma and Welling 2013, appendix B)."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var)


def _is_convolutional(space: Space, network: str) -> bool:
    if network not in ("auto", "conv", "mlp"):
        raise unknown("network", network, ("auto", "conv", "mlp"))
    flat = not isinstance(space, Grid) or len(space.size) != 2
    return network == "conv" or (network == "auto" and not flat)


def vae(space: Space, given: Space | None, size: int, **changes: Any) -> VAE:
    """Convolutional on pictures, a perceptron elsewhere.

    On larger pictures beta grows with the pixels. They are far from independent, as the likelihood takes them to be:
    at beta = 1 the latents would say so much about each that points between them decode to strokes, not to digits.
    """
    beta = max(1.0, math.prod(space.size) / 160) if isinstance(space, Grid) else 1.0
    config = VAEConfig(width=8 * 2**size, latent=8 * 2 ** min(size, 4), beta=beta)
    return VAE(space, given, config.change(changes))
