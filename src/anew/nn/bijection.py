"""Invertible maps with tractable Jacobians, to be composed: the layers of normalizing flows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.conv import fold, unfold

GAIN = 20.0  # what parameters that stand alone are multiplied with: they may learn faster than a network's weights
LEAST = 1e-2  # the smallest slope of a map that bends: its inverse has to be found among floats


class Bijection(nn.Module, ABC):
    """An invertible map of (B, *shape) onto itself, which may depend on a condition `told` (B, width)."""

    @abstractmethod
    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """z, and log |det dz/dx| (B,) in nats."""

    @abstractmethod
    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        """x"""


class Chain(Bijection):
    """One after the other."""

    def __init__(self, parts: Iterable[Bijection]):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_det = x.new_zeros(len(x))
        for part in self.parts:
            x, change = part(x, told)
            log_det = log_det + change
        return x, log_det

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        for part in reversed(self.parts):
            z = part.inverse(z, told)  # type: ignore[operator]
        return z


class Folded(Bijection):
    """`inside`, with squares of pixels as channels: the squeeze of Dinh et al. 2017, section 3.6."""

    def __init__(self, inside: Bijection, patch: int):
        super().__init__()
        self.inside, self.patch = inside, patch

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        z, log_det = self.inside(fold(x, self.patch), told)
        return unfold(z, self.patch, x.shape[2:]), log_det

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        return unfold(self.inside.inverse(fold(z, self.patch), told), self.patch, z.shape[2:])


class OnHalf(Bijection):
    """`inside` on the first half of the channels; the others are done (Dinh et al. 2017, section 3.6)."""

    def __init__(self, inside: Bijection):
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        half = x.shape[1] // 2
        z, log_det = self.inside(x[:, :half], told)
        return torch.cat([z, x[:, half:]], 1), log_det

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        half = z.shape[1] // 2
        return torch.cat([self.inside.inverse(z[:, :half], told), z[:, half:]], 1)


class Scale(Bijection):
    """(x + shift) exp(log_scale), by what is told: (C, *size) of them, or (C, 1, ...) that all cells share.

    The actnorm of Kingma and Dhariwal 2018, section 3.1. It starts as the identity, not at the statistics of the first
    batch, which would couple the batch and would be another in each process.
    """

    def __init__(self, shape: tuple[int, ...], told: int = 0):
        super().__init__()
        self.shape, count = (2, *shape), 2 * math.prod(shape)
        self.values = nn.Parameter(torch.zeros(count))
        self.told = nn.Linear(told, count, bias=False) if told else None
        if self.told is not None:
            nn.init.zeros_(self.told.weight)

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        shift, log_scale = self._shift_and_log_scale(told)
        log_det = log_scale.expand_as(x).flatten(1).sum(1)
        return (x + shift) * log_scale.exp(), log_det

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        shift, log_scale = self._shift_and_log_scale(told)
        return z * (-log_scale).exp() - shift

    def _shift_and_log_scale(self, told: Tensor | None) -> tuple[Tensor, ...]:
        values = GAIN * self.values[None]
        if self.told is not None:
            values = values + self.told(told).float()
        return values.unflatten(1, self.shape).unbind(1)


class Mix(Bijection):
    """Channels times an invertible matrix P L U, in every cell alike (Kingma and Dhariwal 2018, section 3.2).

    It starts as a random rotation. P and the signs of U's diagonal stay as they are.
    """

    sign: Tensor
    permutation: Tensor

    def __init__(self, channels: int):
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels))[0])
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(upper.diagonal().abs().log())
        self.register_buffer("sign", upper.diagonal().sign())
        self.register_buffer("permutation", permutation)

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        cells = math.prod(x.shape[2:])
        return _product(self._matrix(), x), (self.log_diagonal.sum() * cells).expand(len(x))

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        return _product(torch.linalg.inv(self._matrix()), z)

    def _matrix(self) -> Tensor:
        with torch.autocast(self.lower.device.type, enabled=False):
            lower = self.lower.tril(-1) + torch.eye(len(self.lower), device=self.lower.device)
            upper = self.upper.triu(1) + torch.diag(self.sign * self.log_diagonal.exp())
            return self.permutation @ lower @ upper


def _product(matrix: Tensor, x: Tensor) -> Tensor:
    """In float32 whatever the precision of the networks is: the log-determinant is of this very matrix."""
    with torch.autocast(x.device.type, enabled=False):
        return (matrix @ x.flatten(2)).view(x.shape) if x.dim() > 2 else x @ matrix.T


class Planar(Bijection):
    """x + u tanh(w.x + b), with x as one vector and b told what is given (Rezende and Mohamed 2015, equation 10)."""

    def __init__(self, shape: tuple[int, ...], told: int = 0):
        super().__init__()
        width = math.prod(shape)
        self.w, self.u = nn.Parameter(torch.randn(width) / width**0.5), nn.Parameter(torch.zeros(width))
        self.b = nn.Parameter(torch.zeros(1))
        self.told = nn.Linear(told, 1, bias=False) if told else None

    def forward(self, x: Tensor, told: Tensor | None = None) -> tuple[Tensor, Tensor]:
        u, slope = self._direction()
        bend = torch.tanh((x.flatten(1) * self.w).sum(1) + self._offset(told))
        z = x + (bend[:, None] * u).view_as(x)
        return z, torch.log1p(slope * (1 - bend.square()))

    def inverse(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        """w.x is the root of a + (w.u) tanh(a + b) = w.z, which rises with a; given it, x is z minus the step."""
        u, slope = self._direction()
        offset = self._offset(told).expand(len(z))
        target = (z.flatten(1) * self.w).sum(1)
        root = bisect(lambda a: a + slope * torch.tanh(a + offset) - target, target - slope.abs(), target + slope.abs())
        return z - (torch.tanh(root + offset)[:, None] * u).view_as(z)

    def _direction(self) -> tuple[Tensor, Tensor]:
        """u, changed along w so that w.u is above -1 + LEAST (appendix A.1), and w.u; u = 0 stays as it is."""
        u = GAIN * self.u
        before = (self.w * u).sum()
        slope = LEAST + F.softplus(before + math.log(math.expm1(1 - LEAST))) - 1
        return u + (slope - before) * self.w / self.w.square().sum(), slope

    def _offset(self, told: Tensor | None) -> Tensor:
        return self.b if self.told is None else self.b + self.told(told).float().squeeze(1)


def bisect(rising, low: Tensor, high: Tensor, halvings: int = 60) -> Tensor:  # type: ignore[no-untyped-def]
    """The root of a function that rises, elementwise, between `low` and `high`: to the last bit of a float."""
    for _ in range(halvings):
        middle = (low + high) / 2
        above = rising(middle) > 0
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return (low + high) / 2
