"""Residual networks for adversarial training on 2-D grids: R3GAN's and SNGAN's, each at any size and width.

Large pictures are folded, so that no convolution works at full size.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.adversarial import Body, Upscale
from anew.nn.conv import Size, conv, fold, folded, halvings, level_widths, patch_side, resize, unfold
from anew.spaces import Grid


class Fold(nn.Module):
    """Squares of pixels to channels."""

    def __init__(self, patch: int):
        super().__init__()
        self.patch = patch

    def forward(self, x: Tensor) -> Tensor:
        return fold(x, self.patch)


class Unfold(nn.Module):
    """Channels to squares of pixels, up to `size`."""

    def __init__(self, patch: int, size: Size):
        super().__init__()
        self.patch, self.size = patch, size

    def forward(self, x: Tensor) -> Tensor:
        return unfold(x, self.patch, self.size)


class LeakyClamp(nn.Module):
    """x within [-1, 1], a tenth of its slope beyond: flat where data are, and never without a gradient."""

    def forward(self, x: Tensor) -> Tensor:
        inside = x.clamp(-1, 1)
        return inside + 0.1 * (x - inside)


def picture(channels: int, space: Grid, end: nn.Module) -> list[nn.Module]:
    """(B, channels, *folded size) -> (B, *space.shape), where a generator's convolutions end."""
    patch = patch_side(space.size)
    last = conv(channels, space.channels * patch**2)
    start_alike(last, patch)
    return [last, Unfold(patch, space.size), end]


def levels(space: Grid, width: int) -> tuple[int, list[Size], list[int]]:
    """The side of a patch; the sizes from the largest down; and the channels at each."""
    patch = patch_side(space.size)
    sizes = halvings(folded(space.size, patch))
    return patch, sizes, level_widths(width, len(sizes))


def seed_layers(inputs: int, channels: int, size: Size) -> list[nn.Module]:
    """(B, inputs) -> (B, channels, *size), where a generator's convolutions begin."""
    first = (channels, *size)
    return [nn.Linear(inputs, math.prod(first)), nn.Unflatten(1, first)]


class PlainBlock(nn.Module):
    """A residual block with no normalisation; the branch starts at nothing (Huang et al. 2024, section 3)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels, zero=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))


def r3gan_generator(space: Grid, inputs: int, width: int) -> nn.Module:
    """Residual blocks between resizings, no normalisation (Huang et al. 2024), without grouped convolutions.

    There is no tanh at the end: where data saturate it, it passes no gradient, and training collapses.
    """
    _, sizes, widths = levels(space, width)
    layers = seed_layers(inputs, widths[-1], sizes[-1])
    now = widths[-1]
    for wide, size in zip(widths[::-1], sizes[::-1], strict=True):
        # The convolution to fewer channels comes first: at the smaller size it costs a quarter.
        layers += [nn.Identity() if wide == now else conv(now, wide, 1), Upscale(size), PlainBlock(wide)]
        now = wide
    return Body(*start_even(nn.Sequential(*layers)), nn.LeakyReLU(0.2), *picture(now, space, LeakyClamp()))


def r3gan_discriminator(space: Grid, width: int, norm: bool = False) -> tuple[nn.Module, int]:
    patch, sizes, widths = levels(space, width)
    layers: list[nn.Module] = [Fold(patch), conv(space.channels * patch**2, width)]
    now = width
    for wide, size in zip(widths, sizes, strict=True):
        layers += [Upscale(size), nn.Identity() if wide == now else conv(now, wide, 1), PlainBlock(wide)]
        now = wide
    return start_even(nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Flatten())), now * math.prod(sizes[-1])


class ResizingBlock(nn.Module):
    """A residual block that ends at `size`, convolving at the larger one (Miyato et al. 2018, figure 8)."""

    def __init__(self, inputs: int, outputs: int, size: Size, norm: bool):
        super().__init__()
        self.size = size
        self.norm1 = nn.BatchNorm2d(inputs) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.conv1, self.conv2 = conv(inputs, outputs), conv(outputs, outputs)
        self.skip = nn.Identity() if inputs == outputs else conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        larger = max(tuple(x.shape[2:]), self.size)
        h = self.conv1(resize(F.relu(self.norm1(x)), larger))
        h = self.conv2(F.relu(self.norm2(h)))
        return resize(h, self.size) + resize(self.skip(x), self.size)


def sngan_generator(space: Grid, inputs: int, width: int) -> nn.Module:
    """Miyato et al. 2018, table 4, with plain batch norm."""
    _, sizes, widths = levels(space, width)
    layers = seed_layers(inputs, widths[-1], sizes[-1])
    now = widths[-1]
    for wide, size in zip(widths[-2::-1], sizes[-2::-1], strict=True):
        layers.append(ResizingBlock(now, wide, size, norm=True))
        now = wide
    return Body(*layers, nn.BatchNorm2d(now), nn.ReLU(), *picture(now, space, nn.Tanh()))


def sngan_discriminator(space: Grid, width: int, norm: bool = False) -> tuple[nn.Module, int]:
    """Miyato et al. 2018, table 4; what is left of the places is flattened, not summed."""
    patch, sizes, widths = levels(space, width)
    layers: list[nn.Module] = [Fold(patch), conv(space.channels * patch**2, width)]
    now = width
    for wide, size in zip([*widths[1:], widths[-1]], [*sizes[1:], sizes[-1]], strict=True):
        layers.append(ResizingBlock(now, wide, size, norm=False))
        now = wide
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten()), now * math.prod(sizes[-1])


def start_even(network: nn.Sequential) -> nn.Sequential:
    """Weights that keep the variance (He et al. 2015), but for those that start at nothing."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.any():
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


@torch.no_grad()
def start_alike(layer: nn.Conv2d, patch: int) -> None:
    """The pixels of a patch, so that no pattern has to be unlearned (Aitken et al. 2017)."""
    layer.weight.copy_(layer.weight[:: patch**2].repeat_interleave(patch**2, 0))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
