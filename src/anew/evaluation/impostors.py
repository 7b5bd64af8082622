"""Impostors: samples that are bad in a known way, made of real data. The card is held against them."""

from __future__ import annotations

import torch
from torch import Tensor


def independent(
    x: Tensor, generator: torch.Generator | None = None, share: float = 1.0, owners: Tensor | None = None
) -> Tensor:
    """Each coordinate of x (B, ...), of any space, permuted across the batch: right alone, nothing right together.

    With a `share` below 1 only as many coordinates of each example, chosen at random, are another example's: noise.
    Coordinates of one owner (D,), such as the fields of one column, stay together.
    """
    flat = x.reshape(len(x), -1)
    shape = flat.shape if owners is None else (len(flat), int(owners.max()) + 1)

    def spread(drawn: Tensor) -> Tensor:
        return (drawn if owners is None else drawn[:, owners]).to(x.device)

    mixed = flat.gather(0, spread(torch.rand(shape, generator=generator).argsort(0)))
    if share < 1:
        mixed = torch.where(spread(torch.rand(shape, generator=generator) >= share), flat, mixed)
    return mixed.reshape(x.shape)
