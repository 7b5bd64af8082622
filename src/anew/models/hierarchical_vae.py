"""A VAE of many layers of latents, from coarse to fine (Sonderby et al. 2016; Child 2021), made small."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from anew.errors import AnewError
from anew.models.model import Config, Model, Turn
from anew.models.vae import VAE
from anew.nn.conditioning import embedding
from anew.nn.conv import (
    ResidualBlock,
    conv,
    fold,
    folded,
    group_norm,
    halvings,
    level_widths,
    patch_side,
    residual_blocks,
    resize,
    unfold,
)
from anew.nn.likelihood import likelihood
from anew.rng import Rng
from anew.spaces import Batch, Grid, Space


@dataclass(frozen=True)
class HierarchicalVAEConfig(Config):
    batch: int = 64
    width: int = 32
    latent: int = 4  # channels of the map of latents at each size
    patch: int = 0  # side of the squares of pixels that are treated as one; 0 goes by the size of the picture
    likelihood: str = "auto"
    beta: float = 1.0  # weight of the KL term
    free_bits: float = 0.0  # nats of KL per latent that cost nothing (Kingma et al. 2016)
    kl_warmup: float = 0.1  # share of the budget over which the KL term grows to beta
    importance_samples: int = 16  # in the bound that `log_prob` reports
    temperature: float = 0.8  # of samples: what deviations of the priors are multiplied by


class HierarchicalVAE(VAE):
    """A map of latents at each size, from 1x1 up; p and q of each know all coarser ones (Child 2021, equations 2, 3).

    As the prior of each is learned, latents can say where strokes are, and samples are sharper than one vector's.
    Encoded, they are one vector, the coarsest first.
    """

    spaces = (Grid,)  # type: ignore[assignment]

    def __init__(self, space: Space, given: Space | None, config: HierarchicalVAEConfig):
        Model.__init__(self, space, given, config)  # not VAE's, which has one layer of latents
        assert isinstance(space, Grid)
        if len(space.size) != 2:
            raise AnewError("hierarchical-vae models grids of two dimensions so far; try model vae")
        told, patch = config.width if given is not None else 0, config.patch or patch_side(space.size)
        self.embed, self.head, self.patch = embedding(given, told), likelihood(space, config.likelihood), patch
        self.dials = {"free_bits": config.free_bits, "kl_from": 0.0}
        self.sizes = halvings(folded(space.size, patch), 1)
        widths, cells = level_widths(config.width, len(self.sizes)), space.channels * patch**2
        self.widest = widths[-1]
        self.stem, self.up = conv(cells, widths[0]), residual_blocks(widths, 1, told)
        pairs = zip([widths[-1], *widths[:0:-1]], widths[::-1], strict=True)
        self.down = nn.ModuleList(Level(before, width, config.latent, told) for before, width in pairs)
        self.out = nn.Sequential(group_norm(widths[0]), nn.SiLU(), conv(widths[0], cells))
        self.maps = [(config.latent, *size) for size in self.sizes[::-1]]
        self.latent_shape = (sum(map(math.prod, self.maps)),)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        told, kls = self._told(batch.size, self.some_given(batch, rng)), []

        def draw(p: Normal, q: Normal) -> Tensor:
            kls.append(q.kl(p).flatten(1))
            return q.at(rng.normal(*q.mean.shape[1:]))

        outputs = self._infer(self._features(batch.x, told), told, draw)
        reconstruction = -self.head.log_prob(outputs, batch.x)
        kl = torch.cat(kls, 1)
        self.note(reconstruction=reconstruction, kl=kl.sum(1))
        return reconstruction + self._kl_weight(turn.progress) * kl.clamp(min=self.dials["free_bits"]).sum(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        """The mode of p(x|z), of latents that are drawn closer to their means (Vahdat and Kautz 2020, section 4)."""
        cool = self.config.temperature
        return self.head.mode(self._generate(n, given, lambda p: p.at(cool * rng.normal(*p.mean.shape[1:]))))

    def encode(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The mean of each posterior, those of coarser latents taken for known."""
        told, means = self._told(len(x), given), []

        def mean(p: Normal, q: Normal) -> Tensor:
            means.append(q.mean)
            return q.mean

        self._infer(self._features(x, told), told, mean)
        return torch.cat([part.flatten(1) for part in means], 1)

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """The mode of p(x|z)."""
        parts = zip(z.split([math.prod(shape) for shape in self.maps], 1), self.maps, strict=True)
        known = iter([part.unflatten(1, shape) for part, shape in parts])
        return self.head.mode(self._generate(len(z), given, lambda p: next(known)))

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """The importance-weighted bound, as of a `VAE`."""
        told, logs = self._told(len(x), given), []
        features = self._features(x, told)
        for _ in range(self.config.importance_samples):
            ratios: list[Tensor] = []

            def draw(p: Normal, q: Normal, ratios: list[Tensor] = ratios) -> Tensor:
                z = q.at(rng.normal(*q.mean.shape[1:]))
                ratios.append((p.log_prob(z) - q.log_prob(z)).flatten(1).sum(1))
                return z

            logs.append(self.head.log_prob(self._infer(features, told, draw), x) + sum(ratios))
        return torch.stack(logs).logsumexp(0) - math.log(len(logs))

    def _told(self, n: int, given: Tensor | None) -> Tensor | None:
        return self.condition(self.embed, given, n)

    def _features(self, x: Tensor, told: Tensor | None) -> list[Tensor]:
        """Of x, at each size, the coarsest first."""
        h, found = self.stem(fold(x, self.patch)), []
        for block, size in zip(self.up, self.sizes, strict=True):
            h = block(resize(h, size), told)
            found.append(h)
        return found[::-1]

    def _infer(self, features: list[Tensor], told: Tensor | None, choose: Callable[[Normal, Normal], Tensor]) -> Tensor:
        """The outputs for latents that are chosen by p(z | coarser ones) and q(z | coarser ones, x)."""
        left = iter(features)

        def latents(level: Level, h: Tensor) -> Tensor:
            return choose(level.prior(h), level.posterior(h, next(left)))

        return self._descend(len(features[0]), told, latents)

    def _generate(self, n: int, given: Tensor | None, choose: Callable[[Normal], Tensor]) -> Tensor:
        """The outputs for latents that are chosen by p(z | coarser ones)."""
        return self._descend(n, self._told(n, given), lambda level, h: choose(level.prior(h)))

    def _descend(self, n: int, told: Tensor | None, choose: Callable[[Level, Tensor], Tensor]) -> Tensor:
        assert isinstance(self.space, Grid)
        h = self.stem.weight.new_zeros(n, self.widest, 1, 1)
        for level, size in zip(self.down, self.sizes[::-1], strict=True):
            assert isinstance(level, Level)
            h = level.narrow(resize(h, size))
            h = level(h, choose(level, h), told)
        return unfold(self.out(h), self.patch, self.space.size).float()


class Normal(NamedTuple):
    """Independent normal distributions."""

    mean: Tensor
    log_var: Tensor

    @classmethod
    def of(cls, outputs: Tensor) -> Normal:
        """(B, 2 C, H, W) -> of (B, C, H, W)"""
        mean, log_var = outputs.float().chunk(2, 1)
        return cls(mean, log_var.clamp(-10, 4))

    def at(self, noise: Tensor) -> Tensor:
        return self.mean + (self.log_var / 2).exp() * noise

    def log_prob(self, z: Tensor) -> Tensor:
        """Per dimension, but for a constant."""
        return -0.5 * (self.log_var + (z - self.mean).square() / self.log_var.exp())

    def kl(self, other: Normal) -> Tensor:
        """KL(self || other) per dimension, in nats."""
        ratio = self.log_var - other.log_var
        return 0.5 * (ratio.exp() + (self.mean - other.mean).square() / other.log_var.exp() - 1 - ratio)


class Level(nn.Module):
    """The latents of one size: their prior and posterior, and how they join what is known of the picture."""

    def __init__(self, before: int, width: int, latent: int, told: int):
        super().__init__()
        self.narrow: nn.Module = conv(before, width, 1) if before != width else nn.Identity()
        self.to_prior = nn.Sequential(group_norm(width), nn.SiLU(), *_outputs(width, latent))
        self.merge = conv(2 * width, width, 1)
        self.to_posterior = nn.Sequential(group_norm(width), nn.SiLU(), *_outputs(width, latent))
        self.join, self.block = conv(latent, width, 1), ResidualBlock(width, width, told)

    def prior(self, h: Tensor) -> Normal:
        return Normal.of(self.to_prior(h))

    def posterior(self, h: Tensor, features: Tensor) -> Normal:
        return Normal.of(self.to_posterior(self.merge(torch.cat([h, features], 1))))

    def forward(self, h: Tensor, z: Tensor, told: Tensor | None) -> Tensor:
        return self.block(h + self.join(z), told)


def _outputs(width: int, latent: int) -> tuple[nn.Module, ...]:
    """Mean and log-variance; all latents start as standard normal."""
    return conv(width, width), nn.SiLU(), conv(width, 2 * latent, zero=True)


def hierarchical_vae(space: Space, given: Space | None, size: int, **changes: Any) -> HierarchicalVAE:
    """Its width grows with the size."""
    return HierarchicalVAE(space, given, HierarchicalVAEConfig(width=8 * 2**size).change(changes))
