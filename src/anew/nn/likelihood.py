"""Likelihood heads, one per space: from a network's outputs to log-probabilities and samples.

A head says how many outputs it needs; the ELBO, the autoregressive loss and imputation use the same ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.rng import Rng
from anew.spaces import Field, Fields, Grid, Space, Tokens


class Likelihood(nn.Module, ABC):
    """p(x | outputs). `shape` is that of the outputs for one sample."""

    shape: tuple[int, ...]
    discrete: bool = True  # log_prob is of codes, not a density

    @abstractmethod
    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        """(B, *shape), (B, *space.shape) -> (B,) in nats"""

    @abstractmethod
    def mode(self, outputs: Tensor) -> Tensor:
        """The most likely x, or its mean where that is the custom (pictures)."""

    @abstractmethod
    def sample(self, outputs: Tensor, rng: Rng) -> Tensor: ...


class Logistic(Likelihood):
    """Discretised logistic around each output, one learned scale per channel (Kingma et al. 2016, eq. 12)."""

    def __init__(self, space: Grid):
        super().__init__()
        self.shape, self.levels = space.shape, space.levels
        self.log_scale = nn.Parameter(torch.full((space.channels, *[1] * len(space.size)), math.log(0.1)))

    def forward(self, outputs: Tensor) -> Tensor:
        """(B, C, 1, ...): the log-scale, for each example."""
        return self.log_scale.expand(len(outputs), *self.log_scale.shape)

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        scale, half = self(outputs).clamp(min=-7).exp(), 1 / (self.levels - 1)
        above, below = (x - outputs + half) / scale, (x - outputs - half) / scale
        # log(sigmoid(a) - sigmoid(b)) = a's log-sigmoid + b's log-survival + log(1 - exp(b - a))
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log1p(-torch.exp(below - above))
        logs = torch.where(x <= -1 + half, F.logsigmoid(above), inside)
        return torch.where(x >= 1 - half, F.logsigmoid(-below), logs).flatten(1).sum(1)

    def mode(self, outputs: Tensor) -> Tensor:
        return outputs.clamp(-1, 1)

    def sample(self, outputs: Tensor, rng: Rng) -> Tensor:
        u = rng.uniform(*self.shape).clamp(1e-5, 1 - 1e-5)
        return (outputs + self.log_scale.exp() * u.logit()).clamp(-1, 1)


class Gaussian(Likelihood):
    """N(outputs, 1): the squared error that many autoencoders are trained with. A density, so no bits."""

    discrete = False

    def __init__(self, space: Grid):
        super().__init__()
        self.shape = space.shape

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        errors = (x - outputs).square().flatten(1)
        return -0.5 * (errors.sum(1) + errors.shape[1] * math.log(2 * math.pi))

    def mode(self, outputs: Tensor) -> Tensor:
        return outputs.clamp(-1, 1)

    def sample(self, outputs: Tensor, rng: Rng) -> Tensor:
        return (outputs + rng.normal(*self.shape)).clamp(-1, 1)


class Categorical(Likelihood):
    """Independent codes: (B, length, vocabulary + 1) logits."""

    def __init__(self, space: Tokens):
        super().__init__()
        self.shape = (space.length, space.vocabulary + 1)

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        return -F.cross_entropy(outputs.flatten(0, 1), x.flatten(), reduction="none").view_as(x).sum(1)

    def mode(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(-1)

    def sample(self, outputs: Tensor, rng: Rng) -> Tensor:
        return gumbel_max(outputs, rng)


class Mixed(Likelihood):
    """One row of independent fields: see `FieldHead`. What is not known (NaN) has no say.

    `discrete` unless a number is standardised: within an interval, a density is relative to that of spreading evenly.
    """

    def __init__(self, space: Fields):
        super().__init__()
        self.heads = [FieldHead(field) for field in space.fields]
        self.widths = [head.width for head in self.heads]
        self.shape = (sum(self.widths),)
        self.discrete = all(field.values for field in space.fields)

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        return self.log_probs(outputs, x).sum(1)

    def log_probs(self, outputs: Tensor, x: Tensor, fields: Sequence[int] | None = None) -> Tensor:
        """Of each field, or of some, of which the outputs are: (B, F) in nats, 0 for what is not known."""
        heads = self.heads if fields is None else [self.heads[i] for i in fields]
        x = x if fields is None else x[:, fields]
        parts = zip(heads, outputs.split([head.width for head in heads], 1), x.nan_to_num().unbind(1), strict=True)
        return torch.stack([head.log_prob(out, column) for head, out, column in parts], 1) * ~x.isnan()

    def mode(self, outputs: Tensor) -> Tensor:
        parts = zip(self.heads, outputs.split(self.widths, 1), strict=True)
        return torch.stack([head.mode(out) for head, out in parts], 1)

    def sample(self, outputs: Tensor, rng: Rng) -> Tensor:
        parts = zip(self.heads, outputs.split(self.widths, 1), rng.uniform(len(self.heads), 2).unbind(1), strict=True)
        return torch.stack([head.draw(out, u) for head, out, u in parts], 1)


class FieldHead:
    """p(value of one field | outputs (B, width)).

    A category, or the bin of a number: a logit for each code. Within an interval the density is linear, 1 + a (2u - 1)
    at the share u of the way through, with one tilt a in (-1, 1) for each: together, piecewise linear. A standardised
    number: mean and log-scale of a normal.
    """

    STEEPEST = 0.98

    def __init__(self, field: Field):
        self.values, self.first = field.values, field.values - field.intervals
        self.width = field.values + field.intervals or 2

    def log_prob(self, outputs: Tensor, column: Tensor) -> Tensor:
        """(B,) in nats, of known values (B,)"""
        if not self.values:
            mean, log_scale = outputs[:, 0], outputs[:, 1].clamp(-7, 7)
            return -0.5 * ((column - mean) / log_scale.exp()).square() - log_scale - 0.5 * math.log(2 * math.pi)
        codes = column.long()
        logs = -F.cross_entropy(outputs[:, : self.values], codes, reduction="none")
        if self.first == self.values:
            return logs
        within = torch.log1p(self._tilt(outputs, codes) * (2 * column.frac() - 1))
        return logs + torch.where(codes >= self.first, within, 0)

    def mode(self, outputs: Tensor) -> Tensor:
        """The most likely code (the middle of an interval), or the mean, (B,)"""
        if not self.values:
            return outputs[:, 0]
        codes = outputs[:, : self.values].argmax(1)
        return codes + 0.5 * (codes >= self.first)

    def draw(self, outputs: Tensor, u: Tensor, rows: Tensor | None = None) -> Tensor:
        """The values (n,) at the quantiles `u` (n, 2), in [0, 1): of the code, and within its interval.

        `rows` (n,) says which of the outputs each is drawn from, where several are drawn from the same.
        """
        rows = torch.arange(len(u), device=u.device) if rows is None else rows
        if not self.values:
            mean, deviation = outputs[rows, 0], outputs[rows, 1].clamp(-7, 7).exp()
            return mean + deviation * torch.special.ndtri(u[:, 0].clamp(1e-6, 1 - 1e-6))
        steps = outputs[:, : self.values].softmax(1).cumsum(1)[rows]
        codes = torch.searchsorted(steps, u[:, :1] * steps[:, -1:], right=True)[:, 0].clamp(max=self.values - 1)
        if self.first == self.values:
            return codes.float()
        a = self._tilt(outputs[rows], codes)
        within = 2 * u[:, 1] / (1 - a + ((1 - a).square() + 4 * a * u[:, 1]).sqrt())  # solves (1 - a) w + a w^2 = u
        return torch.where(codes >= self.first, codes + within.clamp(max=0.999), codes)

    def _tilt(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """(B,); that of the first interval for codes that hold one value."""
        which = (codes - self.first).clamp(min=0)[:, None]
        return self.STEEPEST * outputs[:, self.values :].gather(1, which)[:, 0].tanh()


def gumbel_max(logits: Tensor, rng: Rng) -> Tensor:
    """A categorical draw over the last dimension (Gumbel 1954; Maddison et al. 2014)."""
    u = rng.uniform(*logits.shape[1:]).clamp(1e-10, 1 - 1e-7)
    return (logits - torch.log(-torch.log(u))).argmax(-1)


def likelihood(space: Space, kind: str = "auto") -> Likelihood:
    """The head of a space; grids have a choice of `logistic` (auto) and `gaussian`."""
    match space:
        case Grid():
            heads: dict[str, type[Likelihood]] = {
                "auto": Logistic,
                "logistic": Logistic,
                "gaussian": Gaussian,
            }
            if kind not in heads:
                raise unknown("likelihood", kind, heads)
            return heads[kind](space)
        case Tokens():
            return Categorical(space)
        case Fields():
            return Mixed(space)
    raise AnewError(f"there is no likelihood for {type(space).__name__} data yet")
