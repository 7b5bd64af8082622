"""Multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def mlp(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers between consecutive widths, with an activation after all but the last."""
    layers: list[nn.Module] = []
    for wide, narrow in zip(widths[:-2], widths[1:-1], strict=True):
        layers += [nn.Linear(wide, narrow), activation()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))
