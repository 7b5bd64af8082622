"""Weights between hidden layers, which Muon may learn; those at the input and the output are not of them."""

from __future__ import annotations

from torch import nn


class Matrix(nn.Parameter):
    """(outputs, inputs)"""


def hidden(inputs: int, outputs: int, zero: bool = False) -> nn.Linear:
    """A linear layer without bias; of the end of a residual branch, `zero` at first."""
    layer = nn.Linear(inputs, outputs, bias=False)
    weight = layer.weight.detach()
    layer.weight = Matrix(weight.zero_() if zero else weight.normal_(std=inputs**-0.5))
    return layer
