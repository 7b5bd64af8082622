"""Samples of any space, and time, as vectors that a network can be told."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.spaces import Field, Fields, Graph, Grid, Space, Tokens


def vector_size(space: Space | None) -> int:
    """D of `vectors`; 0 for no space."""
    match space:
        case None:
            return 0
        case Grid():
            return math.prod(space.shape)
        case Tokens():
            return space.length * (space.vocabulary + 1)
        case Fields():
            return sum((field.values or 1) + (not field.values or field.intervals > 0) for field in space.fields)
        case Graph():
            return space.nodes**2 * (1 + max(space.node_kinds, space.edge_kinds))


def vectors(space: Space, x: Tensor) -> Tensor:
    """(B, *space.shape) -> (B, D): numbers as they are, codes one-hot, what is not known as zeros."""
    match space:
        case Grid():
            return x.flatten(1)
        case Tokens():
            return F.one_hot(x, space.vocabulary + 1).flatten(1).float()
        case Fields():
            return torch.cat([_column(f, c) for f, c in zip(space.fields, x.unbind(1), strict=True)], 1)
        case Graph():
            return F.one_hot(x, 1 + max(space.node_kinds, space.edge_kinds)).flatten(1).float()


def _column(field: Field, column: Tensor) -> Tensor:
    """(B,) -> one-hot (B, values) of a category, and how far within the bin from -1 to 1; (value, is known) of a number
    that is standardised."""
    known = ~column.isnan()
    column = column.nan_to_num()
    if not field.values:
        return torch.stack([column, known.float()], 1)
    codes = column.long()
    hot = F.one_hot(codes, field.values).float() * known[:, None]
    if not field.intervals:
        return hot
    within = (codes >= field.values - field.intervals) & known
    return torch.cat([hot, (within * (2 * column.frac() - 1))[:, None]], 1)


class Embed(nn.Module):
    """What is given, as one vector (B, width); absent rows (NaN) give the learned "nothing known" vector."""

    def __init__(self, space: Space, width: int):
        super().__init__()
        self.space = space
        self.linear = nn.Linear(vector_size(space), width)
        # A one-hot input meets one row of weights, so the rows need unit scale to stand beside other inputs.
        nn.init.normal_(self.linear.weight, std=1.0)

    def forward(self, given: Tensor) -> Tensor:
        return self.linear(vectors(self.space, given))


def nothing_known(space: Space, n: int, device: torch.device | str) -> Tensor:
    """(n, *space.shape) of NaN, or of no codes"""
    if isinstance(space, Tokens):
        return torch.zeros(n, *space.shape, dtype=torch.int64, device=device)
    return torch.full((n, *space.shape), torch.nan, device=device)


def embedding(space: Space | None, width: int) -> Embed | None:
    return None if space is None else Embed(space, width)


def forget(given: Tensor, which: Tensor) -> Tensor:
    """Rows of `which` (B,) become "not known", so that one network also learns the unconditional."""
    if not given.is_floating_point():
        raise AnewError("only what is given as fields can be left out; train with given_dropout=0")
    return torch.where(which.view(-1, *[1] * (given.dim() - 1)), torch.nan, given)


def fourier(t: Tensor, width: int, highest: float = 1000.0) -> Tensor:
    """Sinusoids of a time in [0, 1]: (B,) -> (B, width). Vaswani et al. 2017, section 3.5."""
    rates = torch.exp(torch.linspace(0, math.log(highest), width // 2, device=t.device))
    angles = t.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], 1)
