"""From logits to the code that is drawn: how likely, how varied, and which are allowed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from anew.errors import AnewError
from anew.nn.likelihood import gumbel_max
from anew.rng import Rng

RECENT = 64  # codes that count as repeated


@dataclass(frozen=True)
class Style:
    """How to draw codes. As it is, from the model's distribution.

    `temperature` below 1 prefers what is likely; at 0 nothing else is drawn. `top_p` keeps the likeliest codes that
    have this share of the probability together (Holtzman et al. 2020); `min_p` those with at least this share of the
    likeliest one's (Nguyen et al. 2024); `top_k` so many. `repetition` above 1 makes the latest codes less likely
    (Keskar et al. 2019).
    """

    temperature: float = 1.0
    top_p: float = 1.0
    min_p: float = 0.0
    top_k: int = 0
    repetition: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "temperature": (0, 100),
            "top_p": (0.001, 1),
            "min_p": (0, 1),
            "top_k": (0, 2**31),
            "repetition": (1, 10),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise AnewError(f"{name} cannot be {getattr(self, name)}; expected {low} to {high}")

    def draw(self, logits: Tensor, rng: Rng, recent: Tensor, allowed: Tensor | None = None) -> Tensor:
        """(n,) codes, of logits (n, codes); `recent` (n, any) are those before, `allowed` bool (n, codes)."""
        if self.repetition != 1 and recent.shape[1]:
            logits = self._less_of(logits, recent[:, -RECENT:])
        if allowed is not None:
            logits = logits.masked_fill(~allowed.to(logits.device), -torch.inf)
        return gumbel_max(self._likely(logits / max(self.temperature, 1e-6)), rng)

    def _less_of(self, logits: Tensor, codes: Tensor) -> Tensor:
        found = logits.gather(1, codes)
        return logits.scatter(1, codes, torch.where(found > 0, found / self.repetition, found * self.repetition))

    def _likely(self, logits: Tensor) -> Tensor:
        if self.top_k:
            least = logits.topk(min(self.top_k, logits.shape[1]), 1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        if self.min_p:
            shares = logits.softmax(1)
            logits = logits.masked_fill(shares < self.min_p * shares.amax(1, keepdim=True), -torch.inf)
        if self.top_p < 1:
            shares, order = logits.softmax(1).sort(1, descending=True)
            beyond = shares.cumsum(1) - shares >= self.top_p
            logits = logits.masked_fill(beyond.scatter(1, order, beyond), -torch.inf)
        return logits


PLAIN = Style()
