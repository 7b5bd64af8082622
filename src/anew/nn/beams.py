"""Beam search: of all beginnings of a sequence, the likeliest few are gone on with."""

from __future__ import annotations

import torch
from torch import Tensor

EVEN = 0.6  # how much the length is made up for: from 0, not at all, to 1, where nearly the mean per code counts


class Beams:
    """`width` beginnings of each of n sequences, in n * width rows; at first, all of a sequence are one.

    They are ranked by log p(y) / ((5 + |y|) / 6)^EVEN (Wu et al. 2016, equation 14), where |y| is how many codes were
    open to choice, the end among them. A sequence that ended keeps its place as long as it is among the likeliest.
    """

    def __init__(self, n: int, width: int, device: torch.device | str):
        self.n, self.width = n, width
        self.logs = torch.full((n, width), -torch.inf, device=device)
        self.logs[:, 0] = 0
        self.chosen = torch.zeros(n, width, device=device)  # |y|

    @property
    def ranks(self) -> Tensor:
        """(n, width), from the best to the worst; -inf for one that only fills its place."""
        return self.logs / _norm(self.chosen)

    def grow(self, logs: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Rows and codes (n * width,): which beginnings are gone on with, and with what.

        `logs` (n * width, codes) of the code that follows; `known` (n * width,) where it is certain, -1 elsewhere.
        """
        certain, codes = known >= 0, logs.shape[1]
        alone = torch.arange(codes, device=logs.device) == known[:, None]
        logs = torch.where(certain[:, None], torch.where(alone, 0.0, -torch.inf), logs) + self.logs.view(-1, 1)
        chosen = self.chosen.view(-1) + ~certain
        best = (logs / _norm(chosen)[:, None]).view(self.n, -1).topk(self.width, 1).indices
        self.logs = logs.view(self.n, -1).gather(1, best)
        best = torch.where(self.logs.isinf(), best[:, :1], best)
        rows = (best // codes + self.width * torch.arange(self.n, device=best.device)[:, None]).flatten()
        self.chosen = chosen[rows].view(self.n, self.width)
        return rows, best.flatten() % codes


class Ended:
    """The best sequences `x` (n, length) of those that ended, however many are better begun."""

    def __init__(self, x: Tensor):
        self.x, self.ranks = torch.zeros_like(x), torch.full((len(x),), -torch.inf, device=x.device)

    def keep(self, x: Tensor, ranks: Tensor, ended: Tensor) -> None:
        """Of beginnings (n * width, length), with ranks (n, width), those that `ended`, bool (n * width,)."""
        best, which = ranks.masked_fill(~ended.view(ranks.shape), -torch.inf).max(1)
        better = best > self.ranks
        self.ranks = torch.where(better, best, self.ranks)
        self.x[better] = x.unflatten(0, ranks.shape)[better, which[better]]


def _norm(chosen: Tensor) -> Tensor:
    return ((5 + chosen) / 6) ** EVEN
