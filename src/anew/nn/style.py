"""StyleGAN2's networks on 2-D grids of any size (Karras et al. 2020, "Analyzing and improving the image quality")."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.conv import Size, conv, resize, unfold
from anew.nn.mlp import mlp
from anew.nn.residual import Fold, LeakyClamp, levels, start_alike, start_even
from anew.rng import Rng
from anew.spaces import Grid

SLOPE, GAIN = 0.2, math.sqrt(2)  # of the activation, which keeps the variance


class ModulatedConv(nn.Module):
    """A convolution whose input channels each sample scales; its outputs have variance 1 (equations 1 and 3).

    Scaling what goes in and comes out is scaling the weights, and every sample shares one convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, style: int, demodulate: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.style, self.demodulate = nn.Linear(style, inputs), demodulate
        nn.init.normal_(self.conv.weight, std=(inputs * kernel**2) ** -0.5)
        nn.init.ones_(self.style.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        scale = self.style(w)
        h = self.conv(x * scale[:, :, None, None])
        if not self.demodulate:
            return h
        power = scale.square() @ self.conv.weight.square().sum((2, 3)).T
        return h * (power.float() + 1e-8).rsqrt()[:, :, None, None]


class StyledLayer(nn.Module):
    """Modulated convolution, noise of a learned strength, bias and activation (figure 2c)."""

    def __init__(self, inputs: int, outputs: int, style: int):
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, style)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor, w: Tensor, rng: Rng) -> Tensor:
        noise = rng.normal(1, *x.shape[2:])
        return F.leaky_relu(self.conv(x, w) + self.strength * noise + self.bias, SLOPE) * GAIN


class StyleLevel(nn.Module):
    """What happens at one size: layers, and their share of the picture."""

    def __init__(self, widths: list[int], channels: int, size: Size, style: int):
        super().__init__()
        self.size = size
        self.layers = nn.ModuleList(StyledLayer(a, b, style) for a, b in zip(widths, widths[1:], strict=False))
        self.to_grid = ModulatedConv(widths[-1], channels, 1, style, demodulate=False)

    def forward(self, x: Tensor, w: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
        x = resize(x, self.size)
        for layer in self.layers:
            x = layer(x, w, rng)
        return x, self.to_grid(x, w)


class StyleGenerator(nn.Module):
    """Numbers (B, inputs), normalised, through a mapping network to a style (B, style), and from there to a picture.

    The skip generator: pictures of all sizes add up (figure 7b). The largest is folded where that saves time.
    """

    def __init__(self, space: Grid, inputs: int, width: int):
        super().__init__()
        self.shape, style = space.size, 4 * width
        self.patch, sizes, widths = levels(space, width)
        self.mapping = start_even(nn.Sequential(mlp([inputs, style, style, style], nn.SiLU), nn.LeakyReLU(SLOPE)))
        self.start = nn.Parameter(torch.randn(widths[-1], *sizes[-1]))
        self.levels = nn.ModuleList()
        now = widths[-1]
        for wide, size in zip(widths[::-1], sizes[::-1], strict=True):
            inside = [now, wide] if size == sizes[-1] else [now, wide, wide]
            patch = self.patch if size == sizes[0] else 1
            level = StyleLevel(inside, space.channels * patch**2, size, style)
            start_alike(level.to_grid.conv, patch)
            self.levels.append(level)
            now = wide
        self.clamp = LeakyClamp()

    def forward(self, x: Tensor, rng: Rng) -> Tensor:
        return self.draw(self.style(x), rng)

    def style(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, style)"""
        return self.mapping(x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt())

    def draw(self, w: Tensor, rng: Rng) -> Tensor:
        """(B, style) -> (B, *space.shape)"""
        x, picture = self.start.expand(len(w), -1, -1, -1), w.new_zeros(())
        for level in list(self.levels)[:-1]:
            x, part = level(x, w, rng)
            picture = part + (resize(picture, part.shape[2:]) if picture.dim() else picture)
        _, part = self.levels[-1](x, w, rng)
        part = unfold(part, self.patch, self.shape)
        return self.clamp(part + (resize(picture, self.shape) if picture.dim() else picture))


def path_lengths(generator: StyleGenerator, x: Tensor, rng: Rng) -> Tensor:
    """(B,): how far a random direction of the picture moves with the style (equation 4)."""
    w = generator.style(x)
    picture = generator.draw(w, rng)
    direction = rng.normal(*picture.shape[1:]) / math.sqrt(math.prod(generator.shape))
    (slope,) = torch.autograd.grad((picture * direction).sum(), w, create_graph=True)
    return (slope.float().square().sum(1) + 1e-12).sqrt()


class HalvingBlock(nn.Module):
    """The residual discriminator's (figure 7c)."""

    def __init__(self, inputs: int, outputs: int, size: Size):
        super().__init__()
        self.size = size
        self.conv1, self.conv2, self.skip = conv(inputs, inputs), conv(inputs, outputs), conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = resize(F.leaky_relu(self.conv1(x), SLOPE), self.size)
        return (F.leaky_relu(self.conv2(h), SLOPE) + self.skip(resize(x, self.size))) / GAIN


class BatchDeviation(nn.Module):
    """One more channel: the mean deviation of its features over the batch (Karras et al. 2018, section 3)."""

    def forward(self, x: Tensor) -> Tensor:
        deviation = (x.float().var(0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([x, deviation.to(x.dtype).expand(len(x), 1, *x.shape[2:])], 1)


def style_discriminator(space: Grid, width: int, norm: bool = False) -> tuple[nn.Module, int]:
    patch, sizes, widths = levels(space, width)
    layers: list[nn.Module] = [Fold(patch), conv(space.channels * patch**2, width), nn.LeakyReLU(SLOPE)]
    layers += [HalvingBlock(*pair) for pair in zip(widths, widths[1:], sizes[1:], strict=False)]
    layers += [BatchDeviation(), conv(widths[-1] + 1, widths[-1]), nn.LeakyReLU(SLOPE), nn.Flatten()]
    features = 4 * width
    head = [nn.Linear(widths[-1] * math.prod(sizes[-1]), features), nn.LeakyReLU(SLOPE)]
    return start_even(nn.Sequential(*layers, *head)), features
