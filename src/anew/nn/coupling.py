"""Couplings: one part of x moves the other, by an elementwise map that a network chooses (Dinh et al. 2014, 2017)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.bijection import LEAST, Bijection
from anew.nn.conv import conv
from anew.nn.mlp import mlp

GAIN = 3.0  # what the networks' outputs are multiplied with, since they start at nothing
REACH = 3.0  # the largest log-scale of one affine map


class Elementwise(ABC):
    """A rising map of each number by `parameters` of its own; where these are 0, it is the identity."""

    parameters: int

    @abstractmethod
    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, n) and parameters (B, P, n) -> z and log dz/dx, both (B, n)"""

    @abstractmethod
    def inverse(self, z: Tensor, parameters: Tensor) -> Tensor: ...


class Affine(Elementwise):
    """x exp(s) + t (Dinh et al. 2017, equation 5), with s within +-REACH."""

    parameters = 2

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        log_scale = self._log_scale(parameters)
        return x * log_scale.exp() + parameters[:, 1], log_scale

    def inverse(self, z: Tensor, parameters: Tensor) -> Tensor:
        return (z - parameters[:, 1]) * (-self._log_scale(parameters)).exp()

    @staticmethod
    def _log_scale(parameters: Tensor) -> Tensor:
        return REACH * torch.tanh(parameters[:, 0] / REACH)


class Spline(Elementwise):
    """A monotonic rational-quadratic spline on [-bound, bound], linear beyond (Durkan et al. 2019, section 3.1).

    LEAST is also about the smallest share of a bin in the width and in the height.
    """

    def __init__(self, bins: int, bound: float):
        self.bins, self.bound, self.parameters = bins, bound, 3 * bins - 1

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        xs, ys, slopes = self._knots(parameters)
        inside = x.clamp(-self.bound, self.bound)
        x0, width, y0, height, d0, d1 = self._bin(xs, inside, xs, ys, slopes)
        s, t = height / width, (inside - x0) / width
        below = s + (d0 + d1 - 2 * s) * t * (1 - t)
        z = y0 + height * (s * t.square() + d0 * t * (1 - t)) / below  # equation 4
        slope = s.square() * (d1 * t.square() + 2 * s * t * (1 - t) + d0 * (1 - t).square())  # equation 5
        bent = x == inside
        return torch.where(bent, z, x), torch.where(bent, slope.log() - 2 * below.log(), 0.0)

    def inverse(self, z: Tensor, parameters: Tensor) -> Tensor:
        """The root of a quadratic, in the form that loses no digits (equations 6 to 8 and 29)."""
        xs, ys, slopes = self._knots(parameters)
        inside = z.clamp(-self.bound, self.bound)
        x0, width, y0, height, d0, d1 = self._bin(ys, inside, xs, ys, slopes)
        s, up = height / width, inside - y0
        bend = up * (d0 + d1 - 2 * s)
        a, b, c = height * (s - d0) + bend, height * d0 - bend, -s * up
        t = 2 * c / (-b - (b.square() - 4 * a * c).clamp(min=0).sqrt())
        return torch.where(z == inside, x0 + t * width, z)

    def _knots(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Places x and y of the knots, and the slopes there: (B, bins + 1, n) each."""
        widths, heights, slopes = parameters.split([self.bins, self.bins, self.bins - 1], 1)
        slopes = LEAST + F.softplus(slopes + math.log(math.expm1(1 - LEAST)))
        return self._places(widths), self._places(heights), F.pad(slopes, (0, 0, 1, 1), value=1.0)

    def _places(self, logits: Tensor) -> Tensor:
        shares = (logits.softmax(1) + LEAST) / (1 + LEAST * self.bins)
        return F.pad(2 * self.bound * shares.cumsum(1), (0, 0, 1, 0)) - self.bound

    def _bin(self, knots: Tensor, at: Tensor, xs: Tensor, ys: Tensor, slopes: Tensor) -> tuple[Tensor, ...]:
        """x0, width, y0, height and both slopes of the bin of `knots` that `at` lies in: (B, n) each."""
        index = (at[:, None] >= knots[:, 1:-1]).sum(1, keepdim=True)
        (x0, x1), (y0, y1), (d0, d1) = (
            (v.gather(1, index)[:, 0], v.gather(1, index + 1)[:, 0]) for v in (xs, ys, slopes)
        )
        return x0, x1 - x0, y0, y1 - y0, d0, d1


class Coupling(Bijection):
    """The elements of x that are not in `kept`, a mask of its shape, move as a network says that sees those in it.

    The network maps (B, C, *size) and the condition to (B, C * parameters, *size).
    """

    kept: Tensor
    moved: Tensor

    def __init__(self, kept: Tensor, net: nn.Module, map: Elementwise):
        super().__init__()
        self.net, self.map = net, map
        self.register_buffer("kept", kept.float(), persistent=False)
        self.register_buffer("moved", (~kept).flatten().nonzero().squeeze(1), persistent=False)

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        flat = x.flatten(1)
        moved, log_slopes = self.map.forward(flat[:, self.moved], self._settings(x, told))
        return flat.index_copy(1, self.moved, moved).view(x.shape), log_slopes.sum(1)

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        flat = z.flatten(1)
        moved = self.map.inverse(flat[:, self.moved], self._settings(z, told))
        return flat.index_copy(1, self.moved, moved).view(z.shape)

    def _settings(self, x: Tensor, told: Tensor | None) -> Tensor:
        outputs = GAIN * self.net(x * self.kept, told).float()
        return outputs.flatten(1).unflatten(1, (self.map.parameters, -1))[:, :, self.moved]


class Convolutional(nn.Module):
    """3x3, 1x1 as often as `blocks` says, 3x3 (Kingma and Dhariwal 2018, section B), which starts at nothing.

    (B, C, H, W) -> (B, outputs, H, W). No norms: they would take longer than the convolutions.
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, told: int):
        super().__init__()
        self.stem = conv(inputs, width)
        self.told = nn.Linear(told, width) if told else None
        hidden = (layer for _ in range(blocks) for layer in (conv(width, width, 1), nn.ReLU()))
        self.layers = nn.Sequential(nn.ReLU(), *hidden, conv(width, outputs, zero=True))

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        h = self.stem(x)
        return self.layers(h if self.told is None else h + self.told(told)[:, :, None, None])


class Perceptron(nn.Module):
    """An MLP that starts at nothing, told by concatenation: (B, *shape) -> (B, outputs)."""

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, told: int):
        super().__init__()
        self.layers = mlp([inputs + told, *[width] * (1 + blocks), outputs], nn.SiLU)
        for parameter in self.layers[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        h = x.flatten(1)
        return self.layers(h if told is None else torch.cat([h, told], 1))


def masks(shape: tuple[int, ...]) -> list[Tensor]:
    """What couplings keep, in turn: a checkerboard and its opposite, half of the channels and the others."""
    places = torch.meshgrid(*(torch.arange(side) for side in shape[1:] or shape), indexing="ij")
    board = (sum(places) % 2 == 0).expand(shape)  # type: ignore[union-attr]
    if len(shape) == 1 or shape[0] == 1:
        return [board, ~board]
    half = (torch.arange(shape[0]) < shape[0] // 2).view(-1, *[1] * len(shape[1:])).expand(shape)
    return [board, ~board, half, ~half]
