"""A densely connected generator for adversarial training on 2-D grids (Huang et al. 2017), at any size and width."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anew.nn.adversarial import Body, Upscale
from anew.nn.conv import conv
from anew.nn.residual import levels, picture, seed_layers
from anew.spaces import Grid

LAYERS = 3  # of a block


class DenseBlock(nn.Module):
    """Every layer sees all before it and adds `growth` channels (section 3, equation 2)."""

    def __init__(self, inputs: int, growth: int):
        super().__init__()
        self.layers = nn.ModuleList(_composite(inputs + i * growth, growth, 3) for i in range(LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


def _composite(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """Norm, activation, convolution: the paper's order."""
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.LeakyReLU(0.2), conv(inputs, outputs, kernel))


def dense_generator(space: Grid, inputs: int, width: int) -> nn.Module:
    """A block at every size; between them a 1x1 convolution and nearest neighbour, the paper's transition reversed."""
    _, sizes, widths = levels(space, width)
    growth = max(1, width // 2)
    layers, now = seed_layers(inputs, widths[-1], sizes[-1]), widths[-1]
    for wide, size in zip(widths[::-1], sizes[::-1], strict=True):
        if size != sizes[-1]:
            layers += [_composite(now, wide, 1), Upscale(size)]
        layers.append(DenseBlock(wide, growth))
        now = wide + LAYERS * growth
    return Body(*layers, nn.BatchNorm2d(now), nn.ReLU(), *picture(now, space, nn.Tanh()))
