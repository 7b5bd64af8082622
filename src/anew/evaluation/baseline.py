"""The trivial impostor that any model must beat: each coordinate right, nothing together."""

from __future__ import annotations

import torch
from torch import Tensor


def independent(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Independent marginals: each coordinate of x (B, ...), of any space, permuted across the batch."""
    flat = x.reshape(len(x), -1)
    order = torch.rand(flat.shape, generator=generator).argsort(0)
    return flat.gather(0, order.to(x.device)).reshape(x.shape)
