"""Autoregressive models of rows: one field after the other, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from anew.models.model import Completes, Config, Model, Scores, Turn, check_bins
from anew.nn.conditioning import embedding, nothing_known
from anew.nn.likelihood import Mixed
from anew.nn.rows import Rows, Walk
from anew.rng import Rng, generator
from anew.spaces import Batch, Fields, Space

SCORED = 64  # fields that are scored in one step, at most: with a thousand columns, others wait for their turn


@dataclass(frozen=True)
class RowsConfig(Config):
    batch: int = 512
    lr: float = 3e-3
    width: int = 256
    blocks: int = 2
    embedding: int = 48  # numbers that stand for a value at the input
    dropout: float = 0.15
    passes: int = 150  # more are learned by heart
    ordered: float = 0.5  # share of examples of which the first fields in the order of sampling are known, not any
    focused: bool = True  # whether those tell the next field alone, not all that are hidden


class AutoregressiveRows(Model, Completes, Scores):
    """p(x) as the product of p(x_i | the fields before i), for every order of the fields (Uria et al. 2014).

    One network learns with any of the fields known, so it fills in whatever is missing (`complete`). Rows are drawn
    and scored in the order that the fields have; where those that vary least come first, rows stay alike for long,
    and rows that are alike share a pass. What is not known in training (NaN) has no say.
    """

    spaces = (Fields,)
    likelihood = "exact"
    block = 16_384
    private: ClassVar[dict[str, Any]] = {"lr": 5e-3, "passes": 50, "dropout": 0.0, "focused": False}  # docs/privacy.md

    def __init__(self, space: Space, given: Space | None, config: RowsConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Fields)
        check_bins(space, "autoregressive models need")
        self.embed = embedding(given, config.width)
        self.head = Mixed(space)
        self.network = Rows(space, self.head.widths, config.width, config.blocks, config.embedding, config.dropout)
        self.fields = len(space.fields)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        """Of the fields that are hidden, as if it were of all (Uria et al. 2014, equation 8).

        Where the first ones are known, of the next one alone: rows are drawn by nothing else. (What one field says
        is too faint beside the noise of private training.)
        """
        fields = self._some_fields(turn)
        known, hidden = self._some_known(fields, rng)
        told = self.condition(self.embed, self.some_given(batch, rng), batch.size)
        outputs = self.network(torch.where(known, batch.x, torch.nan), told, fields).float()
        logs = self.head.log_probs(outputs, batch.x, fields) * hidden
        return -logs.sum(1) * self.fields / hidden.sum(1).clamp(min=1)

    def _some_fields(self, turn: Turn) -> list[int] | None:
        """Those that are scored in this turn, where there are many; None is all."""
        if self.fields <= SCORED:
            return None
        return torch.randperm(self.fields, generator=generator("scored", turn.progress))[:SCORED].tolist()

    def _some_known(self, fields: list[int] | None, rng: Rng) -> tuple[Tensor, Tensor]:
        """bool (B, F): any number of fields but all of them, the first ones or any; and which of `fields` (or all) are
        to be told from them, (B, so many): of the first ones, the next, if `focused`.
        """
        every = torch.arange(self.fields, device=rng.device)
        some = every if fields is None else torch.tensor(fields, device=rng.device)
        turns = rng.uniform(self.fields).argsort(1)  # (B, F): when each field's turn is
        in_order = rng.uniform(1) < self.config.ordered
        turns = torch.where(in_order, every, turns)
        count = torch.where(in_order, some[rng.integers(len(some), 1)], rng.integers(self.fields, 1))
        told = turns[:, some]
        return turns < count, (told >= count) & ((told == count) | ~in_order | (not self.config.focused))

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = nothing_known(self.space, n, rng.device)
        return self.complete(nothing, torch.zeros_like(nothing, dtype=torch.bool), given, rng)

    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        u, x = rng.uniform(self.fields, 2), torch.where(mask, known, torch.nan)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            walk = Walk(self.network, x, self.condition(self.embed, given, len(x)))
            open_fields = [i for i in range(self.fields) if not bool(mask[:, i].all())]
            for i in open_fields:
                drawn = self.head.heads[i].draw(walk.outputs(i), u[:, i], walk.which)
                x[:, i] = torch.where(mask[:, i], x[:, i], drawn)
                if i != open_fields[-1]:
                    walk.tell(i, torch.where(mask[:, i], torch.nan, drawn))
        return x

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        walk = Walk(self.network, torch.full_like(x, torch.nan), self.condition(self.embed, given, len(x)))
        total = torch.zeros(len(x), device=x.device)
        for i in range(self.fields):
            log = self.head.heads[i].log_prob(walk.outputs(i)[walk.which], x[:, i].nan_to_num())
            total += torch.where(x[:, i].isnan(), 0, log)
            walk.tell(i, x[:, i])
        return total
