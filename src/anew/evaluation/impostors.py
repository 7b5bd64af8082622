"""Impostors: samples that are bad in a known way, made of real data. The card is held against them."""

from __future__ import annotations

import torch
from torch import Tensor


def independent(x: Tensor, generator: torch.Generator | None = None, share: float = 1.0) -> Tensor:
    """Each coordinate of x (B, ...), of any space, permuted across the batch: right alone, nothing right together.

    With a `share` below 1 only as many coordinates of each example, chosen at random, are another example's: noise.
    """
    flat = x.reshape(len(x), -1)
    order = torch.rand(flat.shape, generator=generator).argsort(0)
    mixed = flat.gather(0, order.to(x.device))
    if share < 1:
        kept = torch.rand(flat.shape, generator=generator) >= share
        mixed = torch.where(kept.to(x.device), flat, mixed)
    return mixed.reshape(x.shape)
