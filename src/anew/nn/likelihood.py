"""Likelihood heads, one per space: from a network's outputs to log-probabilities and samples.

A head says how many outputs it needs; the ELBO, the autoregressive loss and imputation use the same ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError, unknown
from anew.rng import Rng
from anew.spaces import Fields, Grid, Space, Tokens


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

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        scale, half = self.log_scale.clamp(min=-7).exp(), 1 / (self.levels - 1)
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
    """One row: logits for each category, mean and log-scale of a normal for each number.

    What is not known (NaN) has no say. Numbers are densities, so `discrete` only without any.
    """

    def __init__(self, space: Fields):
        super().__init__()
        self.fields = space.fields
        self.widths = [field.values or 2 for field in space.fields]
        self.shape = (sum(self.widths),)
        self.discrete = all(field.values for field in space.fields)

    def log_prob(self, outputs: Tensor, x: Tensor) -> Tensor:
        known = ~x.isnan()
        parts = zip(outputs.split(self.widths, 1), x.nan_to_num().unbind(1), self.fields, strict=True)
        logs = [self._log(out, column, bool(field.values)) for out, column, field in parts]
        return (torch.stack(logs, 1) * known).sum(1)

    def mode(self, outputs: Tensor) -> Tensor:
        parts = zip(outputs.split(self.widths, 1), self.fields, strict=True)
        return torch.stack([out.argmax(1).float() if f.values else out[:, 0] for out, f in parts], 1)

    def sample(self, outputs: Tensor, rng: Rng) -> Tensor:
        parts = zip(outputs.split(self.widths, 1), self.fields, strict=True)
        columns = [
            gumbel_max(out, rng).float() if f.values else out[:, 0] + out[:, 1].exp() * rng.normal() for out, f in parts
        ]
        return torch.stack(columns, 1)

    @staticmethod
    def _log(out: Tensor, column: Tensor, category: bool) -> Tensor:
        if category:
            return -F.cross_entropy(out, column.long(), reduction="none")
        mean, log_scale = out[:, 0], out[:, 1].clamp(-7, 7)
        return -0.5 * ((column - mean) / log_scale.exp()).square() - log_scale - 0.5 * math.log(2 * math.pi)


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
