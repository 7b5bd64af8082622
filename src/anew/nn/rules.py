"""Which tokens may follow: so that all that is drawn can be decoded, or is what was asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Rules(ABC):
    """For n sequences that grow one code at a time. Code 0 ends a sequence."""

    @abstractmethod
    def allowed(self) -> Tensor:
        """bool (n, vocabulary + 1) on the CPU: at least one code is allowed in each."""

    @abstractmethod
    def tell(self, codes: Tensor) -> None:
        """The codes (n,) that were drawn, all of them allowed. Once 0 is drawn, nothing else is, and no rule asked."""

    @abstractmethod
    def pick(self, rows: Tensor) -> None:
        """Goes on with these of the sequences, int64 (any,) on the CPU; one may come several times."""


class Automaton(Rules):
    """Rules of a state only: `after` int64 (states, vocabulary + 1) is the next one, -1 where a code is not allowed."""

    def __init__(self, after: Tensor, n: int, start: int = 0):
        self.after, self.states = after, torch.full((n,), start)

    def allowed(self) -> Tensor:
        return self.after[self.states] >= 0

    def tell(self, codes: Tensor) -> None:
        after = self.after[self.states, codes]
        self.states = torch.where(codes == 0, self.states, after)

    def pick(self, rows: Tensor) -> None:
        self.states = self.states[rows]


class Both(Rules):
    """What two rules allow. Where that is nothing, the sequence ends."""

    def __init__(self, one: Rules, other: Rules):
        self.one, self.other = one, other

    def allowed(self) -> Tensor:
        allowed = self.one.allowed() & self.other.allowed()
        allowed[:, 0] |= ~allowed.any(1)
        return allowed

    def tell(self, codes: Tensor) -> None:
        self.one.tell(codes)
        self.other.tell(codes)

    def pick(self, rows: Tensor) -> None:
        self.one.pick(rows)
        self.other.pick(rows)
