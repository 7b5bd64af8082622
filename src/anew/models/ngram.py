"""N-grams: what came after the same few codes before. The baseline of sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.models.model import Completes, Config, Model, Scores, Turn
from anew.models.writing import Reader, Rereader, Writes
from anew.nn.tables import Prior, table
from anew.rng import Rng
from anew.spaces import Batch, Space, Tokens

MOST = 2**23  # numbers in a table


@dataclass(frozen=True)
class NGramConfig(Config):
    batch: int = 64
    passes: int = 3
    lr: float = 0.0  # the mean of all counts
    clip: float = 0.0
    warmup: float = 0.0
    ema: float = 0.0
    order: int = 4  # codes that are looked at together
    buckets: int = 2**14  # that those before the last are hashed into


class NGram(Model, Completes, Scores, Writes):
    """p(code | those before it) = sum_k w_k p_k(code | the last k), k from 0 to order - 1 (Jelinek and Mercer 1980).

    Tables and weights are learned by EM (training/em.py). What is given is not looked at.
    """

    spaces = (Tokens,)
    likelihood = "exact"

    def __init__(self, space: Space, given: Space | None, config: NGramConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Tokens)
        if config.ema:
            raise AnewError("the tables of n-grams are not averaged; leave out --set ema")
        self.codes, self.explains = space.vocabulary + 1, True
        buckets = max(1, min(config.buckets, MOST // self.codes))
        sizes = [min(buckets, (self.codes + 1) ** length) for length in range(config.order)]
        self.tables = nn.ModuleList(table(self.codes, size) for size in sizes)
        self.prior = Prior(config.order)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        return -self._logs(batch.x)

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        return self._logs(x).masked_fill(((x[:, :-1] == 0) & (x[:, 1:] > 0)).any(1), -torch.inf)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = torch.zeros(n, *self.space.shape, dtype=torch.int64, device=rng.device)
        return self.write(nothing, nothing > 0, given, rng)

    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """From left to right: what is filled in follows from what stands before it alone."""
        return self.write(known, mask, given, rng)

    def reader(self, given: Tensor | None, n: int) -> Reader:
        def read(x: Tensor, place: int) -> Tensor:
            found = [weight[:, rows[:, place]] for weight, rows in self._contexts(x[:, : place + 1])]
            return self.prior(torch.stack(found, 2).flatten(0, 1)).logsumexp(1).view(self.codes, -1).T

        return Rereader(read)

    def _logs(self, x: Tensor) -> Tensor:
        """(B,), the end included and what follows it not."""
        ended = F.pad(x, (1, 0), value=1)[:, :-1] == 0
        found = torch.stack([weight[x, rows] for weight, rows in self._contexts(x)], 2)
        logs = self.prior(found.flatten(0, 1)).logsumexp(1).view(x.shape)
        return (logs * ~ended).sum(1)

    def _contexts(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Each table, and in which of its columns the codes before each place are, (B, T)."""
        rows, before = torch.zeros_like(x), x
        found: list[tuple[Tensor, Tensor]] = []
        for layer in self.tables:
            weight = layer.get_parameter("weight")
            found.append((weight, rows % weight.shape[1]))
            before = F.pad(before, (1, 0), value=self.codes)[:, :-1]  # with the start before the first
            rows = (rows * 1_000_003 + before * 40_503 + 1) % 2_147_483_647
        return found


def ngram(space: Space, given: Space | None, size: int, **changes: Any) -> NGram:
    return NGram(space, given, NGramConfig(order=3 + size).change(changes))
