"""Which examples come when: a pure function of the position, so that a resumed run sees what it would have."""

from __future__ import annotations

import torch
from torch import Tensor

from anew.rng import generator


class Order:
    """An endless row of epochs, each a permutation of 0..n-1 that depends on the seed and its number only."""

    def __init__(self, n: int, seed: int):
        self.n, self.seed = n, seed
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.int64)

    def at(self, start: int, count: int) -> Tensor:
        """The indices at the positions start..start+count-1, int64 (count,)."""
        parts = []
        while count > 0:
            epoch, offset = divmod(start, self.n)
            part = self._of(epoch)[offset : offset + count]
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return torch.cat(parts)

    def _of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            self._permutation = torch.randperm(self.n, generator=generator(self.seed, "order", epoch))
            self._epoch = epoch
        return self._permutation
