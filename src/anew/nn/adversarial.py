"""Networks for adversarial training on 2-D grids: DCGAN's and R3GAN's, each at any size and width."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from anew.nn.conditioning import embedding
from anew.nn.conv import conv, fold, folded, halvings, level_widths, patch_side, resize
from anew.nn.mlp import mlp
from anew.spaces import Grid, Space


class Generator(nn.Module):
    """Noise (B, latent), and what is given, to x: `body` maps (B, latent + width) to (B, *shape)."""

    def __init__(self, body: nn.Module, embed: nn.Module | None):
        super().__init__()
        self.body, self.embed = body, embed

    def forward(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        return self.body(z if told is None else torch.cat([z, told], 1)).float()


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
    layers = mlp([inputs, 2 * width, 4 * width, math.prod(space.shape)])
    return nn.Sequential(layers, nn.Tanh(), nn.Unflatten(1, space.shape))


def perceptron_discriminator(space: Grid, width: int) -> tuple[nn.Module, int]:
    layers = mlp([math.prod(space.shape), 4 * width, 2 * width], nn.SiLU)
    return nn.Sequential(nn.Flatten(), layers, nn.LeakyReLU(0.2)), 2 * width


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
    return _start_normal(nn.Sequential(*layers, nn.ReLU(), conv(widths[-1], space.channels), nn.Tanh()))


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
    return _start_normal(nn.Sequential(*layers, nn.Flatten())), now * math.prod(size)


class PlainBlock(nn.Module):
    """A residual block with no normalisation; the branch starts at nothing (Huang et al. 2024, section 3)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels, zero=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))


class LeakyClamp(nn.Module):
    """x within [-1, 1], a tenth of its slope beyond: flat where data are, and never without a gradient."""

    def forward(self, x: Tensor) -> Tensor:
        inside = x.clamp(-1, 1)
        return inside + 0.1 * (x - inside)


class Fold(nn.Module):
    """Squares of pixels to channels."""

    def __init__(self, patch: int):
        super().__init__()
        self.patch = patch

    def forward(self, x: Tensor) -> Tensor:
        return fold(x, self.patch)


def r3gan_generator(space: Grid, inputs: int, width: int) -> nn.Module:
    """Residual blocks between resizings, no normalisation (Huang et al. 2024), without grouped convolutions.

    Of large pictures only the last convolution works at full size. There is no tanh at the end: where data saturate
    it, it passes no gradient, and training collapses.
    """
    patch = patch_side(space.size)
    sizes = halvings(folded(space.size, patch))[::-1]
    widths = level_widths(width, len(sizes))[::-1]
    first = (widths[0], *sizes[0])
    layers: list[nn.Module] = [nn.Linear(inputs, math.prod(first)), nn.Unflatten(1, first)]
    for i, (wide, size) in enumerate(zip(widths, sizes, strict=True)):
        if i:
            # The convolution to fewer channels comes first: at the smaller size it costs a quarter.
            layers += [nn.Identity() if wide == widths[i - 1] else conv(widths[i - 1], wide, 1), Upscale(size)]
        layers.append(PlainBlock(wide))
    return nn.Sequential(
        *layers, nn.LeakyReLU(0.2), Upscale(space.size), conv(widths[-1], space.channels), LeakyClamp()
    )


def r3gan_discriminator(space: Grid, width: int) -> tuple[nn.Module, int]:
    patch = patch_side(space.size)
    sizes = halvings(folded(space.size, patch))
    widths = level_widths(width, len(sizes))
    layers: list[nn.Module] = [Fold(patch), conv(space.channels * patch**2, widths[0])]
    for i, (wide, size) in enumerate(zip(widths, sizes, strict=True)):
        if i:
            layers += [Upscale(size), nn.Identity() if wide == widths[i - 1] else conv(widths[i - 1], wide, 1)]
        layers.append(PlainBlock(wide))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Flatten()), widths[-1] * math.prod(sizes[-1])


def with_spectral_norm(network: nn.Module) -> nn.Module:
    """Every layer's largest singular value becomes 1 (Miyato et al. 2018)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)
    return network


def _start_normal(network: nn.Sequential) -> nn.Sequential:
    """N(0, 0.02), as the paper starts them."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.02)
    return network
