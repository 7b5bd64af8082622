"""What a model says of real examples: how likely they are, and what it loses on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from anew.evaluation.row import POOR, Row
from anew.evaluation.value import mean
from anew.models.model import Model, Scores, Turn
from anew.rng import Rng
from anew.spaces import Batch, Fields, Space

TOGETHER, DRAWS = 64, 4  # examples at a time; draws of a loss
TITLE, QUESTION = "Likelihood", "How many bits does an unseen example take, per {}?"

Amounts = Callable[[Tensor], tuple[str, np.ndarray] | None]


def likelihood(model: Model, test: Batch, train: Batch, amounts: Amounts = lambda x: None) -> list[Row]:
    """A row of bits per value, beside those of independent values; none for a model that cannot say.

    `amounts` of examples (n, ...) are what the bits are divided by in place of the number of values, and its name.
    """
    if not isinstance(model, Scores):
        return []
    unit, shares = _shares(test.x, amounts)
    value = mean(bits_per_dimension(model, test) * shares)
    trained = mean(bits_per_dimension(model, train) * _shares(train.x, amounts)[1])
    alone = mean(independent_bits(model.space, train.x, test.x) * shares) if _is_coded(model.space) else None
    tag = "Exact" if model.likelihood == "exact" else "An upper bound"
    note = f"{tag}; {trained.value:.2f} on training data. There is no floor; the ceiling takes each value on its own."
    row = Row("likelihood", TITLE, QUESTION.format(unit), "bits", value, None, alone, "low", "", note)
    worse = alone is not None and value.low > alone.high
    return [replace(row, verdict=POOR if worse else tag.lower())]


def _shares(x: Tensor, amounts: Amounts) -> tuple[str, np.ndarray]:
    """The unit, and what bits per dimension are multiplied by so that their mean is bits per unit."""
    found = amounts(x)
    if found is None:
        return "value", np.ones(len(x))
    return found[0], np.full(len(x), math.prod(x.shape[1:]) / max(1e-9, found[1].mean()))


def bits_per_dimension(model: Model, batch: Batch) -> np.ndarray:
    """(n,)"""
    assert isinstance(model, Scores)
    parts = []
    for part, rng in _parts(model, batch):
        with torch.no_grad():
            parts.append(model.log_prob(part.x, part.given, rng).double().cpu())
    return -torch.cat(parts).numpy() / math.log(2) / math.prod(batch.x.shape[1:])


def independent_bits(space: Space, train: Tensor, test: Tensor) -> np.ndarray:
    """(n,): bits per dimension of coded test examples if each value is drawn as often as in training, plus one.

    Within a bin of numbers each place is as likely, which takes no bits: the density that models are scored by is
    relative to the bins as well. What is not known takes none either.
    """
    codes, others = (space.pack(x).flatten(1).nan_to_num(0).long() for x in (train, test))
    counts = _kinds(space, codes, others).double()
    counts.scatter_add_(1, codes.T, torch.ones(codes.T.shape, dtype=torch.float64))
    bits = -(counts / counts.sum(1, keepdim=True)).log2().gather(1, others.T)
    return bits.masked_fill(test.flatten(1).T.isnan(), 0).mean(0).numpy()


def _kinds(space: Space, codes: Tensor, others: Tensor) -> Tensor:
    """bool (D, kinds): the codes that each value can have."""
    if isinstance(space, Fields):
        values = torch.tensor([field.values for field in space.fields])
        return torch.arange(int(values.max())) < values[:, None]
    return torch.ones(codes.shape[1], int(max(codes.max(), others.max())) + 1, dtype=torch.bool)


def _is_coded(space: Space) -> bool:
    """Not numbers that are standardised."""
    return not isinstance(space, Fields) or all(field.values for field in space.fields)


def losses(model: Model, batch: Batch) -> np.ndarray:
    """(n,): the loss of each example in the first turn, the mean over a few draws that depend on its row only."""
    parts = []
    for part, rng in _parts(model, batch):
        drawn = [model.loss(part, Turn(model.turns[0], 1.0), rng).detach() for _ in range(DRAWS)]
        parts.append(torch.stack(drawn).double().mean(0).cpu())
    return torch.cat(parts).numpy()


def _parts(model: Model, batch: Batch) -> list[tuple[Batch, Rng]]:
    device = next(model.parameters()).device
    found = []
    for start in range(0, batch.size, TOGETHER):
        rows = range(start, min(start + TOGETHER, batch.size))
        given = None if batch.given is None else batch.given[rows.start : rows.stop]
        part = Batch(batch.x[rows.start : rows.stop], given).to(device)
        found.append((part, Rng.for_samples(0, rows, device)))
    return found
