"""The temperature of a model: found on held-out examples, of which it is as sure as it should be of any."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from anew.nn.temperature import temperatures

FARTHEST = 0.5  # of a step, as a share of the inverse


def calibrate(model: nn.Module, parts: Callable[[], Iterable[Tensor]]) -> float:
    """One step of Newton's towards the temperature at which the loss is least; returns the loss after it.

    `parts` are scalars, of which the loss is the sum: one at a time, as derivatives take memory. A negative
    log-likelihood is convex in the inverse of the temperature, and from one call to the next the least hardly moves.
    A model that has no temperature stays as it is.
    """
    for inverse in temperatures(model):
        slope, bend = _derivatives(parts, inverse)
        if bend > 0:
            inverse -= (slope / bend).clamp(-FARTHEST * inverse, FARTHEST * inverse)
    with torch.no_grad():
        return sum(part.item() for part in parts())


def _derivatives(parts: Callable[[], Iterable[Tensor]], inverse: Tensor) -> Tensor:
    """The first and the second, (2,)"""
    total = inverse.new_zeros(2)
    inverse.requires_grad_()
    try:
        for part in parts():
            slope = torch.autograd.grad(part, inverse, create_graph=True)[0]
            total += torch.stack([slope.detach(), torch.autograd.grad(slope, inverse)[0]])
    finally:
        inverse.requires_grad_(False)
    return total
