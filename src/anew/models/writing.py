"""The ability to write sequences, code by code from left to right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from anew.nn.decoding import PLAIN, Style
from anew.nn.rules import Rules
from anew.rng import Rng

Reader = Callable[[Tensor, int], Tensor]


class Writes(ABC):
    """Code 0 ends a sequence, and all that follows it is 0."""

    @abstractmethod
    def reader(self, given: Tensor | None, n: int) -> Reader:
        """`read(x, place)` returns the logits (n, vocabulary + 1) of the code at `place`, of sequences x (n, length).

        It is asked of one place after the other, the first one being any, and looks at no later ones.
        """

    @torch.no_grad()
    def write(
        self,
        known: Tensor,
        mask: Tensor,
        given: Tensor | None,
        rng: Rng,
        style: Style = PLAIN,
        rules: Rules | None = None,
        show: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        """(n, length): where `mask` is true, `known`; the rest is drawn from what stands before it, in a `style` and by
        `rules`; `show` is told each column (n,)."""
        x, kept = known * mask, mask & (known > 0)
        nothing_kept, nothing_open = _later(kept) == 0, _later(~mask) == 0
        done = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        begun, read = int(mask.all(0).cumprod(0).sum()), self.reader(given, len(x))
        for place in range(x.shape[1]):
            if place >= begun:
                allowed = None if rules is None else rules.allowed()
                drawn = style.draw(read(x, place), rng, x[:, :place], allowed).masked_fill(done, 0)
                x[:, place] = torch.where(mask[:, place], known[:, place], drawn)
                done |= (x[:, place] == 0) & nothing_kept[:, place]
            if rules is not None:
                rules.tell(x[:, place].cpu())
            if show is not None:
                show(x[:, place])
            if bool((done | nothing_open[:, place]).all()):
                break
        return x


def _later(marks: Tensor) -> Tensor:
    """How many there are after each place, (n, length)."""
    return marks.flip(1).cumsum(1).flip(1) - marks.long()
