"""The average of the weights that samples are drawn from."""

from __future__ import annotations

import copy

import torch

from anew.models.model import Model


class EMA:
    """A power-function average (Karras et al. 2024, "EDM2", section 3.1): long early steps are soon forgotten.

    `width` is the standard deviation of the average's profile as a share of training so far, 0 to 0.28;
    0 keeps the latest weights.
    """

    def __init__(self, model: Model, width: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.power = exponent(width) if width else None
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        self._numbers = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After step number `step`, counted from 1."""
        keep = (1 - 1 / step) ** (self.power + 1) if self.power is not None else 0.0
        averages, latest = zip(*self._numbers, strict=True)
        torch._foreach_lerp_(averages, latest, 1 - keep)
        for average, now in self._counts:
            average.copy_(now)


def exponent(width: float) -> float:
    """The power gamma whose profile has the relative standard deviation `width` (EDM2, equation 123 inverted).

    width = sqrt((gamma + 1) / ((gamma + 2)^2 (gamma + 3))) falls in gamma, so bisection finds it.
    """
    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        wide = ((middle + 1) / ((middle + 2) ** 2 * (middle + 3))) ** 0.5
        low, high = (middle, high) if wide > width else (low, middle)
    return low


def _tensors(model: Model) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]
