"""Mixtures of independent fields, learned by counting: exact, and a matter of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.models.model import Completes, Config, Model, Scores, Turn, check_bins
from anew.nn.conditioning import nothing_known
from anew.nn.likelihood import FieldHead
from anew.nn.tables import Prior, table
from anew.rng import Rng
from anew.spaces import Batch, Field, Fields, Space

BINS = 16  # of a standardised number that is given; under a normal, each is as likely as the others


@dataclass(frozen=True)
class MixtureConfig(Config):
    batch: int = 1024
    passes: int = 100
    lr: float = 0.2  # how far a step moves the mean counts towards those of its batch
    clip: float = 0.0
    warmup: float = 0.0
    ema: float = 0.0
    kinds: int = 512  # of rows


class Mixture(Model, Completes, Scores):
    """p(x, given) = sum_k p(k) prod_i p(x_i | k): within a kind of rows, fields are independent of each other.

    Latent class analysis (Lazarsfeld and Henry 1968), learned by EM (training/em.py). Within the bins of numbers the
    density is even. What is not known (NaN) has no say, whether in training, given, or to be completed.
    """

    spaces = (Fields,)
    likelihood = "exact"
    block = 8192

    def __init__(self, space: Space, given: Space | None, config: MixtureConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Fields)
        _check(space, given, config)
        self.fields = [*space.fields, *(given.fields if isinstance(given, Fields) else ())]
        self.tables = nn.ModuleList(table(field.values or BINS, config.kinds) for field in self.fields)
        self.prior = Prior(config.kinds)
        self.heads = [FieldHead(field) for field in space.fields]

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        """-log p(x, given)"""
        return -self._logs(batch.x, batch.given).logsumexp(1)

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = torch.full_like(x, torch.nan)
        return self._logs(x, given).logsumexp(1) - self._logs(nothing, given).logsumexp(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = nothing_known(self.space, n, rng.device)
        return self.complete(nothing, torch.zeros_like(nothing, dtype=torch.bool), given, rng)

    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """A kind of rows that goes with what is known, by Bayes' rule; then the rest as it is in that kind."""
        u, logs = rng.uniform(1 + len(self.heads), 2), self._logs(torch.where(mask, known, torch.nan), given)
        kinds = FieldHead(Field("kind", self.config.kinds)).draw(logs, u[:, 0]).long()
        parts = zip(self.tables, self.heads, u[:, 1:].unbind(1))
        drawn = [head.draw(_outputs(layer, head), of_field, kinds) for layer, head, of_field in parts]
        return torch.where(mask, known, torch.stack(drawn, 1))

    def _logs(self, x: Tensor, given: Tensor | None) -> Tensor:
        """log p(k, what is known), (B, kinds)"""
        columns = x.unbind(1) if given is None else (*x.unbind(1), *given.unbind(1))
        logs = torch.zeros(len(x), self.config.kinds, device=x.device)
        for field, layer, column in zip(self.fields, self.tables, columns):
            known = ~column.isnan()
            if known.any():
                of_field = layer(_codes(field, column))
                logs = logs + (of_field if known.all() else of_field * known[:, None])
        return self.prior(logs)


def _outputs(layer: nn.Module, head: FieldHead) -> Tensor:
    """For the head of a field, (kinds, width): without a tilt within bins."""
    assert isinstance(layer, nn.Embedding)
    return F.pad(layer.weight.T, (0, head.width - head.values))


def _codes(field: Field, column: Tensor) -> Tensor:
    """int64 (B,), 0 for what is not known."""
    column = column.nan_to_num()
    if field.values:
        return column.long()
    return (BINS * torch.special.ndtr(column)).long().clamp(max=BINS - 1)


def _check(space: Fields, given: Space | None, config: MixtureConfig) -> None:
    """Raises AnewError for what cannot be counted."""
    check_bins(space, "mixtures need")
    if given is not None and not isinstance(given, Fields):
        raise AnewError(f"mixtures follow fields only, not {type(given).__name__} data")
    if config.ema:
        raise AnewError("the tables of a mixture are not averaged; leave out --set ema")


def mixture(space: Space, given: Space | None, size: int, **changes: Any) -> Mixture:
    """On tables."""
    return Mixture(space, given, MixtureConfig(kinds=128 * 2**size).change(changes))


def independent(space: Space, given: Space | None, size: int, **changes: Any) -> Mixture:
    """One kind of rows: each field as often as in the training data, whatever the others; what is given, too."""
    return Mixture(space, given, MixtureConfig(kinds=1, lr=0.0, passes=10).change(changes))
