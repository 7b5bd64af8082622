"""A network that is told some fields of a row and says what it expects of the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.dropout import Dropout
from anew.spaces import Fields

MOST = 4096  # numbers at the input, of all fields together


class Rows(nn.Module):
    """What is known of rows (B, F), NaN elsewhere, to outputs for all `fields`, or some: (B, sum of their widths).

    Each value, and "not known", is a vector of `embedding` numbers; of a number, its bin is told. Then a residual
    perceptron, as wide as `told` (B, width), what is known beside the row.
    """

    def __init__(self, space: Fields, widths: Sequence[int], width: int, blocks: int, embedding: int, dropout: float):
        super().__init__()
        self.sizes, self.widths = [1 + field.values for field in space.fields], list(widths)
        self.ends = list(accumulate(widths))
        embedding = max(4, min(embedding, MOST // len(self.sizes)))
        self.values = nn.Embedding(sum(self.sizes), embedding)
        nn.init.normal_(self.values.weight, std=0.3)
        self.enter = nn.Linear(len(self.sizes) * embedding, width)
        self.blocks = nn.ModuleList(Block(width, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, sum(widths))

    def forward(self, x: Tensor, told: Tensor | None, fields: Sequence[int] | None = None) -> Tensor:
        starts = torch.tensor([0, *self.sizes[:-1]], device=x.device).cumsum(0)
        h = self.enter(self.values(codes(x) + starts).flatten(1))
        h = self.deep(h if told is None else h + told)
        if fields is None:
            return self.leave(h)
        rows = torch.cat([torch.arange(self.ends[i] - self.widths[i], self.ends[i]) for i in fields]).to(x.device)
        return F.linear(h, self.leave.weight[rows], self.leave.bias[rows])

    def deep(self, h: Tensor) -> Tensor:
        for block in self.blocks:
            h = h + block(h)
        return self.norm(h)


class Block(nn.Sequential):
    def __init__(self, width: int, dropout: float):
        layers = (nn.Linear(width, width), nn.GELU(), Dropout(dropout), nn.Linear(width, width))
        super().__init__(nn.LayerNorm(width), *layers)


class Walk:
    """Rows (n, F) that become known field by field. What one more field changes at the input is looked up and added,
    and rows of which the same is known so far share one pass of the network: `which` (n,) is theirs.
    """

    def __init__(self, network: Rows, x: Tensor, told: Tensor | None):
        self.network = network
        weights = network.enter.weight.split(network.values.embedding_dim, 1)  # (width, embedding) of each field
        rows = network.values.weight.split(network.sizes)
        tables = [row @ weight.T for row, weight in zip(rows, weights, strict=True)]  # (1 + values, width)
        self.tables = [table - table[0] for table in tables]  # what it changes that a value becomes known
        nothing = sum((table[:1] for table in tables), network.enter.bias)
        self.sum = nothing if told is None else nothing + told
        self.which = torch.arange(len(x), device=x.device) * (told is not None)
        for field, column in enumerate(x.unbind(1)):
            if not column.isnan().all():
                self.tell(field, column)

    def outputs(self, field: int) -> Tensor:
        """(kinds of rows, width of the field's head) in float32"""
        network = self.network
        rows = slice(network.ends[field] - network.widths[field], network.ends[field])
        low = torch.is_autocast_enabled(self.sum.device.type)
        h = self.sum.bfloat16() if low else self.sum
        return F.linear(network.deep(h), network.leave.weight[rows], network.leave.bias[rows]).float()

    def tell(self, field: int, values: Tensor) -> None:
        """What `field` is in each row, (n,); NaN where it was told before, or stays unknown."""
        table = self.tables[field]
        pairs, self.which = (self.which * len(table) + codes(values)).unique(return_inverse=True)
        self.sum = self.sum[pairs // len(table)] + table[pairs % len(table)]


def codes(x: Tensor) -> Tensor:
    """The row of a field's table that stands for each value: 0 for NaN, "not known"."""
    return torch.where(x.isnan(), 0, 1 + x.nan_to_num().long())
