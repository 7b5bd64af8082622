"""The two players of adversarial training, and their simplest networks: perceptrons and DCGAN's, at any size and width.

A generator's body maps (B, inputs) to (B, *shape); a discriminator's maps those to features (B, d).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from anew.nn.conditioning import embedding
from anew.nn.conv import conv, halvings, level_widths, resize
from anew.nn.mlp import mlp
from anew.rng import Rng
from anew.spaces import Grid, Space


class Body(nn.Sequential):
    """Of a generator without randomness of its own."""

    def forward(self, x: Tensor, rng: Rng) -> Tensor:  # type: ignore[override]
        return super().forward(x)


class Generator(nn.Module):
    """Noise (B, latent), and what is given, to x: `body` maps (B, latent + width) to (B, *shape)."""

    def __init__(self, body: nn.Module, embed: nn.Module | None):
        super().__init__()
        self.body, self.embed = body, embed

    def forward(self, z: Tensor, told: Tensor | None, rng: Rng) -> Tensor:
        return self.body(z if told is None else torch.cat([z, told], 1), rng).float()


class Discriminator(nn.Module):
    """x to one logit (B,): `body` gives features (B, d). Given is told by projection (Miyato and Koyama 2018)."""

    def __init__(self, body: nn.Module, features: int, given: Space | None):
        super().__init__()
        self.body, self.logit = body, nn.Linear(features, 1)
        self.embed = embedding(given, features)
        self.scale = features**-0.5

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        h = self.body(x)
        logit = self.logit(h).squeeze(1)
        return (logit if told is None else logit + (h * told).sum(1) * self.scale).float()


def perceptron_generator(space: Grid, inputs: int, width: int) -> nn.Module:
    layers = mlp([inputs, 8 * width, 16 * width, math.prod(space.shape)])
    return Body(layers, nn.Tanh(), nn.Unflatten(1, space.shape))


def perceptron_discriminator(space: Grid, width: int, norm: bool = False) -> tuple[nn.Module, int]:
    layers = mlp([math.prod(space.shape), 16 * width, 8 * width], nn.SiLU)
    return nn.Sequential(nn.Flatten(), layers, nn.LeakyReLU(0.2)), 8 * width


class Upscale(nn.Module):
    """Nearest neighbour to exactly `size`."""

    def __init__(self, size: tuple[int, ...]):
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return resize(x, self.size)


def dcgan_generator(space: Grid, inputs: int, width: int) -> nn.Module:
    """Radford et al. 2015, with upsampling and convolution for the transposed convolution."""
    sizes = halvings(space.size)[::-1]
    steps = len(sizes) - 1
    widths = [*level_widths(width, max(2, steps))[::-1][:steps], width]
    first = (widths[0], *sizes[0])
    layers: list[nn.Module] = [nn.Linear(inputs, math.prod(first)), nn.Unflatten(1, first), nn.BatchNorm2d(widths[0])]
    for before, after, size in zip(widths, widths[1:], sizes[1:], strict=False):
        layers += [nn.ReLU(), Upscale(size), conv(before, after), nn.BatchNorm2d(after)]
    return start_normal(Body(*layers, nn.ReLU(), conv(widths[-1], space.channels), nn.Tanh()))


def dcgan_discriminator(space: Grid, width: int, norm: bool = True) -> tuple[nn.Module, int]:
    """Radford et al. 2015; without `norm` for critics whose gradient at one example is penalised."""
    widths = level_widths(width, max(2, len(halvings(space.size)) - 1))  # one alone learns nothing of 8x8 pictures
    layers: list[nn.Module] = []
    now, size = space.channels, space.size
    for i, wide in enumerate(widths):
        layers.append(nn.Conv2d(now, wide, 4, 2, 1))
        if norm and i:
            layers.append(nn.BatchNorm2d(wide))
        layers.append(nn.LeakyReLU(0.2))
        now, size = wide, tuple(max(1, side // 2) for side in size)
    return start_normal(nn.Sequential(*layers, nn.Flatten())), now * math.prod(size)


def with_spectral_norm(network: Discriminator) -> Discriminator:
    """Every layer's largest singular value becomes 1 (Miyato et al. 2018); so what is given needs no scale."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)
    network.scale = 1.0
    return network


def start_normal(network: nn.Sequential) -> nn.Sequential:
    """N(0, 0.02), as the paper starts them."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.02)
    return network
