"""The ability to draw sequences, code by code from left to right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from anew.nn.beams import Beams, Ended
from anew.nn.decoding import PLAIN, Style
from anew.nn.rules import Rules
from anew.rng import Rng


class Reader(ABC):
    """Reads n sequences while they grow: one place after the other, the first one being any; or, where not `every` one
    needs to be read, those alone that are open in some."""

    every: bool = True

    @abstractmethod
    def __call__(self, x: Tensor, place: int) -> Tensor:
        """The logits (n, vocabulary + 1) of the code at `place`, of sequences x (n, length)."""

    @abstractmethod
    def pick(self, rows: Tensor) -> None:
        """Goes on with these of the sequences, int64 (any,); one may come several times."""


class Rereader(Reader):
    """One that keeps nothing of what it read: `read(x, place)` is all there is."""

    def __init__(self, read: Callable[[Tensor, int], Tensor]):
        self.read = read

    def __call__(self, x: Tensor, place: int) -> Tensor:
        return self.read(x, place)

    def pick(self, rows: Tensor) -> None:
        """Nothing is kept."""


class Fills(ABC):
    """An ability: to draw what is open of sequences. Code 0 ends one, and all that follows it is 0."""

    @abstractmethod
    def reader_to_draw(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Reader:
        """Of sequences that are `known` (n, length) where `mask` is true, with what is given with each."""

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
        begun, read = _begun(mask), self.reader_to_draw(known, mask, given, rng)
        for place in range(x.shape[1]):
            if place >= begun and (read.every or not bool(mask[:, place].all())):
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


class Writes(Fills):
    """An ability: to say what comes next, from what stands before it alone. So sequences can be searched for, too."""

    @abstractmethod
    def reader(self, given: Tensor | None, n: int) -> Reader:
        """Of n sequences, with what is given with each; it looks at no later places."""

    def reader_to_draw(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Reader:
        return self.reader(given, len(known))

    @torch.no_grad()
    def search(
        self, known: Tensor, mask: Tensor, given: Tensor | None, beam: int, rules: Rules | None = None
    ) -> Tensor:
        """(n, length): where `mask` is true, `known`; the rest is the likeliest that a beam search (nn/beams.py) finds.

        What is known is how a sequence begins, or 0 where it is cut. The best of those is taken that ended, or might
        where there is no more room; if there are none, of all. `rules` are those of n * beam sequences.
        """
        beams, ended = Beams(len(known), beam, known.device), Ended(known)
        known, mask = known.repeat_interleave(beam, 0), mask.repeat_interleave(beam, 0)
        read = self.reader(None if given is None else given.repeat_interleave(beam, 0), len(known))
        x, begun, nothing_open = known * mask, _begun(mask), _later(~mask) == 0
        done = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        for place in range(x.shape[1]):
            if place >= begun:
                logs = read(x, place).log_softmax(1)
                if rules is not None:
                    logs = logs.masked_fill(~rules.allowed().to(logs.device), -torch.inf)
                certain = known[:, place].masked_fill(~mask[:, place], -1).masked_fill(done, 0)
                rows, codes = beams.grow(logs, certain)
                x, done = x[rows], done[rows]
                x[:, place] = codes
                done |= (codes == 0) & ~mask[:, place]
                read.pick(rows)
                if rules is not None:
                    rules.pick(rows.cpu())
                ended.keep(x, beams.ranks, done)
            if rules is not None:
                rules.tell(x[:, place].cpu())
            if bool((done | nothing_open[:, place]).all()):
                break
        ended.keep(x, beams.ranks, done | (rules is None or rules.allowed()[:, 0].to(x.device)))
        return torch.where(ended.ranks.isinf()[:, None], x[::beam], ended.x)

    def nats(self, x: Tensor, given: Tensor | None = None, first: int = 0) -> Tensor:
        """(n, length - first): -log p of each code from place `first` on, the end's too; 0 after it."""
        read, over = self.reader(given, len(x)), F.pad(x, (1, 0), value=1)[:, first:-1] == 0
        logs = [F.cross_entropy(read(x, at), x[:, at], reduction="none") for at in range(first, x.shape[1])]
        return torch.stack(logs, 1).masked_fill(over, 0)


def _begun(mask: Tensor) -> int:
    """How many places at the beginning are known of all."""
    return int(mask.all(0).cumprod(0).sum())


def _later(marks: Tensor) -> Tensor:
    """How many there are after each place, (n, length)."""
    return marks.flip(1).cumsum(1).flip(1) - marks.long()
