"""Root mean square norms (Zhang and Sennrich 2019, equation 4), in few passes over memory."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.RMSNorm):
    """As torch's; but on processors, under autocast, in the precision of those who read it."""

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight)


def rms_norm(x: Tensor, weight: Tensor | None = None) -> Tensor:
    """x (..., width) / sqrt(mean of x² over the width) * weight (width,)"""
    if x.device.type != "cpu":
        return F.rms_norm(x, x.shape[-1:], weight)
    low = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    return _Normed.apply(x, weight, low)


class _Normed(torch.autograd.Function):
    """Torch composes it of a dozen passes on processors, which was a quarter of a Transformer's step."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, dtype: torch.dtype) -> Tensor:
        squares = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square_()
        scale = (squares / x.shape[-1] + torch.finfo(torch.float32).eps).rsqrt_()
        ctx.save_for_backward(x, scale, weight)
        y = x * scale.to(x.dtype)
        return (y if weight is None else y.mul_(weight)).to(dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """With s the scale and n the width: g w s - x s³ (sum of g w x) / n, and for w the sum of g x s."""
        x, scale, weight = ctx.saved_tensors
        g = gradients[0].to(x.dtype)
        products, s, for_weight = (g * x).flatten(0, -2), scale.flatten(), None
        if weight is None:
            sums = products.sum(1, dtype=torch.float32)
        else:
            for_weight, sums = torch.mv(products.T, s), torch.mv(products, weight)
            g = g * weight
        pull = (sums * s**3 / x.shape[-1]).view_as(scale)
        return torch.addcmul(g * scale.to(g.dtype), x, pull.to(x.dtype), value=-1), for_weight, None
