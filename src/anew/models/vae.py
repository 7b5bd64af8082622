"""Variational autoencoders (Kingma and Welling 2013; Rezende et al. 2014), with a vector or a map of latents."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.models.model import Config, Encodes, Model, Scores, Turn
from anew.nn.conditioning import embedding, vector_size, vectors
from anew.nn.conv import Decoder, Encoder, folded, patch_side
from anew.nn.likelihood import likelihood
from anew.nn.mlp import mlp
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space, Tokens
from anew.spaces import Fields as FieldsSpace


@dataclass(frozen=True)
class VAEConfig(Config):
    latent: int = 16  # numbers of the vector, or channels of the map
    map: int = 0  # of latents, at 1/map of the picture's sides (4: 128x128 -> 32x32); 0 is a vector
    width: int = 32
    blocks: int = 1  # residual blocks at each size, or hidden layers of a perceptron
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
        self.latent_shape, self.generates = (config.latent,), not config.map
        if isinstance(space, FieldsSpace):
            self.block = 8192
        # kl_from: the progress at which the warm-up of the KL term begins; a later one begins it again
        self.dials = {"free_bits": config.free_bits, "kl_from": 0.0}
        if _is_convolutional(space, config):
            assert isinstance(space, Grid)
            shape, patch = (space.channels, space.size), config.patch or patch_side(space.size, config.map)
            rest = (told, patch, config.map, config.blocks)
            self.encoder: nn.Module = Encoder(*shape, config.width, 2 * config.latent, *rest)
            self.decoder: nn.Module = Decoder(config.latent, *shape, config.width, *rest)
            if config.map:
                self.latent_shape = (config.latent, *folded(space.size, config.map))
        else:
            inputs, hidden = vector_size(space), [16 * config.width] * config.blocks
            self.encoder = Perceptron([inputs + told, *hidden, 2 * config.latent], (2 * config.latent,), space)
            self.decoder = Perceptron([config.latent + told, *hidden, math.prod(self.head.shape)], self.head.shape)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given = self.some_given(batch, rng)
        mean, log_var = self._posterior(batch.x, given)
        z = mean + (log_var / 2).exp() * rng.normal(*self.latent_shape)
        reconstruction = -self._log_likelihood(z, batch.x, given)
        kl = kl_to_standard_normal(mean, log_var).flatten(1)
        self.note(reconstruction=reconstruction, kl=kl.sum(1))
        return reconstruction + self._kl_weight(turn.progress) * kl.clamp(min=self.dials["free_bits"]).sum(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        """Of rows, p(x|z) is drawn from, as all that varies in them counts; of the rest, its mode is shown."""
        z = rng.normal(*self.latent_shape)
        if isinstance(self.space, FieldsSpace):
            return self.head.sample(self._outputs(z, given), rng)
        return self.decode(z, given)

    def encode(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The posterior mean."""
        return self._posterior(x, given)[0]

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """The mode of p(x|z)."""
        return self.head.mode(self._outputs(z, given))

    def examine(self, train: Batch, held_out: Batch, rng: Rng) -> dict[str, float]:
        return {"active_units": active_units(self.encode(train.x, train.given))}

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """The importance-weighted bound, log 1/K sum_k p(x, z_k) / q(z_k | x) (Burda et al. 2016, eq. 8)."""
        mean, log_var = self._posterior(x, given)
        logs = []
        for _ in range(self.config.importance_samples):
            noise = rng.normal(*self.latent_shape)
            z = mean + (log_var / 2).exp() * noise
            log_ratio = 0.5 * (noise.square() + log_var - z.square()).flatten(1).sum(1)  # log p(z) - log q(z|x)
            logs.append(self._log_likelihood(z, x, given) + log_ratio)
        return torch.stack(logs).logsumexp(0) - math.log(len(logs))

    def _kl_weight(self, progress: float) -> float:
        if not self.config.kl_warmup:
            return self.config.beta
        share = (progress - self.dials["kl_from"]) / self.config.kl_warmup
        return self.config.beta * min(1.0, max(0.0, share))

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


def active_units(mean: Tensor) -> int:
    """How many latents say something: the variance over x of the posterior `mean` (B, *latent_shape) is above 0.01.

    Burda et al. 2016, section 5.2.
    """
    return int((mean.flatten(1).var(0) > 0.01).sum())


def _is_convolutional(space: Space, config: VAEConfig) -> bool:
    if config.network not in ("auto", "conv", "mlp"):
        raise unknown("network", config.network, ("auto", "conv", "mlp"))
    flat = not isinstance(space, Grid) or len(space.size) != 2
    if config.map and (flat or config.network == "mlp"):
        kind = type(space).__name__ if flat else "the network 'mlp'"
        raise AnewError(f"a map of latents needs pictures and convolutions, not {kind}; try model vae with map=0")
    return config.network == "conv" or (config.network == "auto" and not flat)


def vae(space: Space, given: Space | None, size: int, **changes: Any) -> VAE:
    """Convolutional on pictures, a perceptron elsewhere.

    On larger pictures beta grows with the pixels. They are far from independent, as the likelihood takes them to be:
    at beta = 1 the latents would say so much about each that points between them decode to strokes, not to digits.
    """
    config = VAEConfig(width=8 * 2**size, latent=8 * 2 ** min(size, 4), beta=_readable(space))
    return VAE(space, given, config.change(changes))


def beta_vae(space: Space, given: Space | None, size: int, **changes: Any) -> VAE:
    """Higgins et al. 2017: few latents and a high price for each push what varies apart into separate ones."""
    config = VAEConfig(width=8 * 2**size, latent=4 + 2 * size, beta=4 * _readable(space))
    return VAE(space, given, config.change(changes))


def autoencoder(space: Space, given: Space | None, size: int, **changes: Any) -> VAE:
    """Rombach et al. 2022, section 3.1, without a discriminator: others learn in its latents, which keep almost all.

    A learned scale of the likelihood weighs reconstruction against a KL term that only keeps the latents in bounds.
    """
    config = VAEConfig(batch=32, width=16 * 2**size, latent=4, map=4, blocks=2, beta=0.1)
    return VAE(space, given, config.change(changes))


def tvae(space: Space, given: Space | None, size: int, **changes: Any) -> VAE:
    """Xu et al. 2019, section 4.5: two hidden layers, and rows that are drawn from p(x|z).

    Numbers are in bins rather than modes of a mixture of normals; a quarter of its latents, a quarter of its batches,
    twice its rate and half the price of the KL term tell more of a table within a minute.
    """
    if not isinstance(space, FieldsSpace):
        raise AnewError(f"tvae models Fields data, not {type(space).__name__}; try model vae")
    width, latent = 4 * 2**size, 8 * 2**size
    config = VAEConfig(width=width, blocks=2, latent=latent, beta=0.5, lr=2e-3, weight_decay=1e-5)
    return VAE(space, given, config.change(changes))


def _readable(space: Space) -> float:
    """The beta at which samples of pictures of this size can be read; see `vae`."""
    return max(1.0, math.prod(space.size) / 160) if isinstance(space, Grid) else 1.0
