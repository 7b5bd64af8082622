"""The temperature of a model: found on held-out examples, of which it is as sure as it should be of any."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from anew.nn.temperature import temperatures

FARTHEST = 0.5  # of a step, as a share of the inverse


def calibrate(model: nn.Module, loss: Callable[[], Tensor]) -> float:
    """One step of Newton's towards the temperature at which the loss, a scalar, is least; returns the loss after it.

    A negative log-likelihood is convex in the inverse of the temperature, and from one call to the next the least
    hardly moves. A model that has no temperature stays as it is.
    """
    for inverse in temperatures(model):
        slope, bend = _derivatives(loss, inverse)
        if bend > 0:
            inverse -= (slope / bend).clamp(-FARTHEST * inverse, FARTHEST * inverse)
    with torch.no_grad():
        return loss().item()


def _derivatives(loss: Callable[[], Tensor], inverse: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the second."""
    inverse.requires_grad_()
    try:
        slope = torch.autograd.grad(loss(), inverse, create_graph=True)[0]
        return slope.detach(), torch.autograd.grad(slope, inverse)[0]
    finally:
        inverse.requires_grad_(False)
