"""Expectation maximisation as an optimiser: `loss.backward()` is its first half, a step its second."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from anew.nn.tables import LogProbabilities

UNSEEN = 1e-4  # share of a table that is kept for values which never occurred


class EM(torch.optim.Optimizer):
    """Stepwise EM (Cappé and Moulines 2009; Liang and Klein 2009) for losses that are the mean of -log p(x).

    Their gradient is minus the expected counts of the batch. A step moves the mean counts a share `lr` of the way to
    those; in step t at least 1/t of it, so that at a rate of 0 they are the mean of all batches. The tables are then
    the most likely ones, with `prior` counts for each column that are spread as the counts of all columns are.
    """

    def __init__(self, tables: Iterable[LogProbabilities], lr: float, prior: float):
        super().__init__(tables, {"lr": lr, "prior": prior})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._step(table, group)

    def _step(self, table: Tensor, group: dict[str, float]) -> None:
        state = self.state[table] = self.state[table] or self.fresh(table)
        state["step"] += 1
        assert table.grad is not None
        state["counts"].lerp_(-table.grad, max(group["lr"], 1 / state["step"].item()))
        table.copy_(most_likely(state["counts"], group["prior"]))

    @staticmethod
    def fresh(table: Tensor) -> dict[str, Tensor]:
        """What is kept from step to step, before the first."""
        return {"step": torch.zeros((), device=table.device), "counts": torch.zeros_like(table)}


def most_likely(counts: Tensor, prior: float) -> Tensor:
    """Log-probabilities over the first dimension of (values, ...), as of `EM`."""
    counts = counts.clamp(min=0)  # noise, where training is private
    everywhere = counts.reshape(len(counts), -1).sum(1) + UNSEEN / len(counts)
    spread = (everywhere / everywhere.sum()).view(-1, *[1] * (counts.dim() - 1))
    return (counts + prior * spread).log() - (counts.sum(0) + prior).log()
