"""Gaps in sequences that are filled code by code: what may stand in them, so that the whole can be decoded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from anew.nn.rules import Automaton, Rules


class Gaps(Rules):
    """Rules of sequences that are `known` int64 (n, length), but for gaps (-1), which hold as many codes at most.

    A gap ends early where a code of `ends`, bool (vocabulary + 1,), is drawn, or where none is allowed; nothing stands
    in the rest of it. `needs()` (n, vocabulary + 1) is how many codes have to follow each so that what it begins is
    whole: it becomes so within the gap.
    """

    def __init__(self, rules: Rules, known: Tensor, ends: Tensor, needs: Callable[[], Tensor]):
        self.rules, self.open, self.ends, self.needs = rules, known < 0, ends, needs
        self.left = _left(self.open)
        self.over, self.place = torch.zeros(len(known), dtype=torch.bool), 0

    def allowed(self) -> Tensor:
        allowed = self.rules.allowed() & (self.needs() < self.left[:, self.place, None])
        nothing = self.over | ~allowed.any(1)
        allowed[nothing] = False
        allowed[nothing, 0] = True
        return allowed

    def tell(self, codes: Tensor) -> None:
        self.over = self.open[:, self.place] & (self.over | self.ends[codes])
        self.rules.tell(codes.masked_fill(self.over, 0))
        self.place += 1

    def pick(self, rows: Tensor) -> None:
        self.rules.pick(rows)
        self.open, self.left, self.over = self.open[rows], self.left[rows], self.over[rows]

    def close(self, x: Tensor) -> Tensor:
        """Sequences (n, length) without the places of gaps where nothing stands: what follows moves up."""
        gone = self.open & ((x == 0) | self.ends[x])
        return x.masked_fill(gone, 0).gather(1, gone.long().argsort(dim=1, stable=True))


def gaps_of(rules: Automaton, known: Tensor) -> Gaps:
    """In which what may stand is what the automaton allows, and leaves it where sequences may end."""
    steps, ends = closing(rules.after), torch.arange(rules.after.shape[1]) == 0
    return Gaps(rules, known, ends, lambda: steps[rules.after[rules.states]])


def closing(after: Tensor) -> Tensor:
    """(states,): how many codes it takes from each state of an `Automaton` until a sequence may end."""
    never = len(after)
    steps = torch.where(after[:, 0] >= 0, 0, never)
    for _ in range(never):
        steps = torch.minimum(steps, 1 + steps[after].masked_fill(after < 0, never).amin(1))
    return steps


def _left(open_: Tensor) -> Tensor:
    """(n, length): how many open places there are from each place on, until the first that is not."""
    left = torch.zeros(open_.shape, dtype=torch.int64)
    for place in reversed(range(open_.shape[1])):
        following = left[:, place + 1] if place + 1 < open_.shape[1] else 0
        left[:, place] = (following + 1) * open_[:, place]
    return left
