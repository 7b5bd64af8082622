"""Samples of a model, drawn in parts that memory holds; and rows, drawn again until they are what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anew.constraints import Constraints
from anew.display import OnProgress
from anew.errors import AnewError
from anew.models.model import Completes, Model
from anew.models.writing import Fills, Writes
from anew.nn.decoding import PLAIN, Style
from anew.nn.gaps import Gaps
from anew.nn.rules import Rules
from anew.rng import Rng

TOGETHER = 64  # samples that are made at a time, at least
ROUNDS = 50  # of filling in again
MOST = 1_000  # rows that are drawn for each that is wanted


class Writing(NamedTuple):
    """How sequences are drawn: `rules(n)` are those of n of them; `show` is told each column of codes (n,); `most`
    are drawn. With a `beam`, they are not drawn but searched for."""

    style: Style = PLAIN
    rules: Callable[[int], Rules | None] = lambda n: None
    show: Callable[[Tensor], None] | None = None
    most: int | None = None
    beam: int | None = None

    def write(self, model: Writes, n: int, begun: Tensor | None, given: Tensor | None, rng: Rng) -> Tensor:
        known = torch.zeros(n, *model.space.shape, dtype=torch.int64, device=rng.device)  # type: ignore[attr-defined]
        mask = known > 0
        if begun is not None:
            known[:, : begun.shape[1]], mask[:, : begun.shape[1]] = begun.clamp(min=0), begun >= 0
        if self.most is not None:
            mask[:, self.most :] = True
        if self.beam is not None:
            return self._search(model, known, mask, given, self.beam)
        return model.write(known, mask, given, rng, self.style, self.rules(n), self.show)

    def _search(self, model: Writes, known: Tensor, mask: Tensor, given: Tensor | None, beam: int) -> Tensor:
        """As many at a time as are drawn at a time, all beams counted."""
        parts = []
        for rows in torch.arange(len(known), device=known.device).split(max(1, TOGETHER // beam)):
            told = None if given is None else given[rows]
            parts.append(model.search(known[rows], mask[rows], told, beam, self.rules(len(rows) * beam)))
        return torch.cat(parts)


@torch.no_grad()
def draw(
    model: Model,
    n: int,
    given: Tensor | None,
    seed: object,
    on_progress: OnProgress | None = None,
    known: Tensor | None = None,
    first: int = 0,
    writing: Writing | None = None,
) -> Tensor:
    """Samples number `first` to `first` + n - 1, (n, *space.shape) on the CPU.

    Each depends on `seed`, its number, and its row of `given` and `known` (n, F) only; where a row is `known`, and not
    NaN, it is kept. Sequences are drawn as `writing` says; of them, beginnings or all is `known` (n, T), -1 where not.
    """
    device = next(model.parameters()).device
    parts, together = [], max(TOGETHER, model.block)
    start = first
    while start < first + n:
        rows = range(start, min((start // together + 1) * together, first + n))
        here, start = slice(start - first, rows.stop - first), rows.stop
        told, kept = (None if each is None else each[here].to(device) for each in (given, known))
        rng = Rng.for_samples(seed, rows, device, model.block)
        if writing is not None and isinstance(model, Writes):
            parts.append(writing.write(model, len(rows), kept, told, rng).cpu())
        elif kept is None:
            parts.append(model.sample(len(rows), told, rng).cpu())
        else:
            assert isinstance(model, Completes)
            mask = ~kept.isnan() if kept.is_floating_point() else kept >= 0
            parts.append(model.complete(kept, mask, told, rng).cpu())
        if on_progress:
            on_progress("sampling", start - first, n)
    return torch.cat(parts)


class Drawn(NamedTuple):
    """Samples with their numbers (n,), of as many as were `tried`."""

    x: Tensor
    numbers: Tensor
    tried: int


def draw_until(
    n: int, make: Callable[[int, int], Tensor], see: Callable[[Tensor, Tensor], Any], constraints: Constraints
) -> Drawn:
    """The first `n` rows that meet the constraints.

    `make(first, count)` draws rows (count, F), each of them once and in order; `see(x, numbers)` is a frame of what
    they hold. Raises AnewError if hardly any do.
    """
    if not constraints:
        return Drawn(make(0, n), torch.arange(n), n)
    x, numbers, tried, more = make(0, n), torch.arange(n), n, n
    while True:
        good = torch.from_numpy(constraints.good(see(x, numbers)))
        x, numbers = x[good], numbers[good]
        if len(x) >= n:
            return Drawn(x[:n], numbers[:n], tried)
        more = min(max(more, int((n - len(x)) * tried / max(1, len(x)))), MOST * n - tried)
        if more <= 0:
            break
        x, numbers = torch.cat([x, make(tried, more)]), torch.cat([numbers, torch.arange(tried, tried + more)])
        tried += more
    met = f"only {len(x):,} of {tried:,} rows that were drawn meet the constraints"
    raise AnewError(f"{met}; loosen them, or ask for fewer rows")


def fill(
    model: Model,
    known: Tensor,
    given: Tensor | None,
    seed: int,
    missing: Callable[[Tensor], Tensor],
    on_progress: OnProgress | None = None,
) -> Tensor:
    """Rows (n, F) with what is not `known` (NaN) filled in; drawn again where it came out as `missing`, bool (n, F)."""
    x = draw(model, len(known), given, seed, on_progress, known)
    for again in range(ROUNDS):
        rows = (missing(x) & known.isnan()).any(1).nonzero()[:, 0]
        if not len(rows):
            break
        told = None if given is None else given[rows]
        x[rows] = draw(model, len(rows), told, (seed, again), known=known[rows])
    return x


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
    assert isinstance(model, Fills)
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
