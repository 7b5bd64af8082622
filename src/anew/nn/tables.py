"""Tables of log-probabilities that are learned by counting: see training/em.py."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LogProbabilities(nn.Parameter):
    """(values, ...): they sum to one over the first dimension. Their gradient is taken as if they were free, so that
    of -log p(x) is minus how often each is expected to be used."""


def table(values: int, columns: int) -> nn.Embedding:
    """Codes (B,) to the log-probabilities that each of `columns` distributions gives them, (B, columns)."""
    layer = nn.Embedding(values, columns)
    layer.weight = LogProbabilities(layer.weight.detach().log_softmax(0))
    return layer


class Prior(nn.Module):
    """Adds how likely each of `kinds` is beforehand: (B, kinds) -> (B, kinds)."""

    def __init__(self, kinds: int):
        super().__init__()
        self.logs = LogProbabilities(torch.zeros(kinds).log_softmax(0))

    def forward(self, logs: Tensor) -> Tensor:
        return logs + self.logs
