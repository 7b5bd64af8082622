"""Gaps in sequences, filled by a model that writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from anew.display import OnProgress
from anew.models.model import Model
from anew.models.writing import Writes
from anew.nn.decoding import PLAIN, Style
from anew.nn.gaps import Gaps
from anew.nn.rules import Rules
from anew.rng import Rng

TOGETHER = 64  # sequences


class Fills(ABC):
    """An ability: to fill in sequences code by code, seeing what stands before and after each gap."""

    @abstractmethod
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
        """See `Writes.write`."""


@torch.no_grad()
def fill_gaps(
    model: Model,
    known: Tensor,
    given: Tensor | None,
    seed: object,
    gaps: Callable[[Tensor], Gaps | None],
    on_progress: OnProgress | None = None,
) -> Tensor:
    """Sequences that are `known` (n, length) but for gaps (-1), whole, on the CPU; `gaps(known)` are the rules of some.

    Each depends on `seed`, its number, and its rows of `known` and `given` only: so those are filled in together whose
    gaps are at the same places.
    """
    assert isinstance(model, Writes | Fills)
    device, x, done = next(model.parameters()).device, known.clone(), 0
    places, groups = (known < 0).unique(dim=0, return_inverse=True)
    alike = [(groups == group).nonzero()[:, 0] for group in range(len(places))]
    for rows in (part for group in alike for part in group.split(TOGETHER)):
        some, rules = known[rows].to(device), gaps(known[rows])
        assert rules is not None
        told = None if given is None else given[rows].to(device)
        rng = Rng.for_samples(seed, rows.tolist(), device)
        x[rows] = rules.close(model.write(some.clamp(min=0), some >= 0, told, rng, rules=rules).cpu())
        done += len(rows)
        if on_progress:
            on_progress("filling in", done, len(x))
    return x
