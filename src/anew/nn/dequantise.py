"""Samples of a space as real numbers that have a density, and back.

Codes are spread over their bins (uniform dequantisation, Theis et al. 2016, section 3.1) and the unit interval over the
line by a logit (Dinh et al. 2017, section 4.1). The log-density of the reals, plus the log-weight that comes with them,
is in the mean over noise a bound of the log-probability of the codes; its log-mean-exp over many draws reaches it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from anew.errors import AnewError
from anew.spaces import Field, Fields, Grid, Space

EDGE = 0.1  # of a bin: what the logit leaves free at both ends of the unit interval


class Reals(ABC):
    """Between (B, *space.shape) and reals of the same shape."""

    @abstractmethod
    def spread(self, x: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Reals, and the log-weights (B,) to add to their log-density. `u`, of the shape of x, is uniform in [0, 1)."""

    @abstractmethod
    def gather(self, reals: Tensor) -> Tensor:
        """x: the inverse of `spread`, which u = 0.5 meets in the middle of a bin."""


class GridReals(Reals):
    def __init__(self, space: Grid):
        self.levels = space.levels

    def spread(self, x: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        codes = ((x.clamp(-1, 1) + 1) * ((self.levels - 1) / 2)).round()
        reals, log_slopes = _logit((codes + u) / self.levels, self.levels)
        return reals, (log_slopes - math.log(self.levels)).flatten(1).sum(1)

    def gather(self, reals: Tensor) -> Tensor:
        """The middle of a bin comes back as its value, and the rest of it as what is stored as that value."""
        return ((_unit(reals, self.levels) * self.levels - 0.5) * (2 / (self.levels - 1)) - 1).clamp(-1, 1)


class FieldsReals(Reals):
    """Categories are codes; numbers stay as they are, also those within a bin. What is not known (NaN) is drawn: a
    standardised number from N(0, 1), all else from all codes, which is a bound of the log-probability of what is known.
    """

    def __init__(self, space: Fields):
        self.fields = space.fields

    def spread(self, x: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        columns = zip(self.fields, x.unbind(1), u.unbind(1), strict=True)
        pairs = [_coded(c, noise, field) if field.values else _number(c, noise) for field, c, noise in columns]
        reals, log_weights = zip(*pairs, strict=True)
        return torch.stack(reals, 1), torch.stack(log_weights, 1).sum(1)

    def gather(self, reals: Tensor) -> Tensor:
        columns = zip(self.fields, reals.unbind(1), strict=True)
        return torch.stack([_codes(c, field) if field.values else c for field, c in columns], 1)


def _coded(column: Tensor, u: Tensor, field: Field) -> tuple[Tensor, Tensor]:
    known, codes = ~column.isnan(), column.nan_to_num()
    codes = torch.where(codes < field.values - field.intervals, codes + u, codes)
    reals, log_slopes = _logit(torch.where(known, codes / field.values, u), field.values)
    return reals, log_slopes - known * math.log(field.values)


def _codes(reals: Tensor, field: Field) -> Tensor:
    """The inverse: whole where a code holds one value."""
    codes = (_unit(reals, field.values) * field.values).clamp(max=field.values - 0.001)
    return torch.where(codes < field.values - field.intervals, codes.floor(), codes)


def _number(column: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    drawn = torch.special.ndtri(u.clamp(1e-6, 1 - 1e-6))
    minus_log_q = 0.5 * (drawn.square() + math.log(2 * math.pi))
    known = ~column.isnan()
    return torch.where(known, column, drawn), torch.where(known, 0.0, minus_log_q)


def _logit(y: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """The logit of y in [0, 1] and the log of its slope."""
    edge = _edge(levels)
    inner = edge + (1 - 2 * edge) * y
    up, down = inner.log(), (-inner).log1p()
    return up - down, math.log(1 - 2 * edge) - up - down


def _unit(reals: Tensor, levels: int) -> Tensor:
    """The inverse of `_logit`; what lies beyond the unit interval, at its ends."""
    edge = _edge(levels)
    return ((reals.sigmoid() - edge) / (1 - 2 * edge)).clamp(0, 1)


def _edge(levels: int) -> float:
    """What the logit leaves free at both ends of the unit interval: the EDGE-th part of a bin, on either side."""
    return EDGE / levels


def reals(space: Space) -> Reals:
    match space:
        case Grid():
            return GridReals(space)
        case Fields():
            return FieldsReals(space)
    raise AnewError(f"{type(space).__name__} data have no form as real numbers")
