"""The players of a GAN for tables, and rows that gradients can pass through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from anew.nn.dropout import Dropout
from anew.spaces import Field


class Widening(nn.Module):
    """A layer whose input goes on beside what it makes of it: (B, inputs) -> (B, inputs + width)."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.layers(x), x], 1)


def row_generator(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Xu et al. 2019, section 4.4."""
    last = nn.Linear(inputs + 2 * width, outputs)
    return nn.Sequential(Widening(inputs, width), Widening(inputs + width, width), last)


def row_critic(inputs: int, width: int, dropout: float) -> nn.Sequential:
    """Xu et al. 2019, section 4.4."""
    layers: list[nn.Module] = []
    for before in (inputs, width):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2), Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(width, 1), nn.Flatten(0))


def pack(rows: Tensor, size: int) -> Tensor:
    """(B, D) -> (packs, size * D): the last one is filled up from the front (Lin et al. 2018, "PacGAN")."""
    packs = -(-len(rows) // size)
    return rows[torch.arange(packs * size, device=rows.device) % len(rows)].view(packs, -1)


def soft_rows(fields: Sequence[Field], outputs: Tensor, u: Tensor, temperature: float) -> Tensor:
    """Outputs, and uniform numbers, (B, vector_size) each, to nearly one-hot `vectors` (Jang et al. 2017, equation 2).

    The place within an interval counts as far as an interval is chosen.
    """
    parts = []
    for field, logits, place in _choices(fields, outputs, u):
        hot = (logits / temperature).softmax(1)
        parts += [hot, place * hot[:, field.values - field.intervals :].sum(1, keepdim=True)]
    return torch.cat(parts, 1)


def hard_rows(fields: Sequence[Field], outputs: Tensor, u: Tensor) -> Tensor:
    """The same choices as values of the fields, (B, F)."""
    columns = []
    for field, logits, place in _choices(fields, outputs, u):
        codes = logits.argmax(1).float()
        if field.intervals:
            codes += (codes >= field.values - field.intervals) * ((place[:, 0] + 1) / 2).clamp(0, 0.999)
        columns.append(codes)
    return torch.stack(columns, 1)


def log_softmax_of(fields: Sequence[Field], some: Sequence[int], outputs: Tensor) -> Tensor:
    """The log-probabilities of the codes of `some` of the fields, side by side."""
    parts = outputs.split(_sizes(fields), 1)
    return torch.cat([parts[i][:, : fields[i].values].log_softmax(1) for i in some], 1)


def _choices(fields: Sequence[Field], outputs: Tensor, u: Tensor) -> Iterator[tuple[Field, Tensor, Tensor]]:
    """Of each field: logits with noise, of which the highest is a draw (Gumbel 1954), and the place within an interval,
    -1 to 1; (B, 0) where there are none."""
    sizes = _sizes(fields)
    noise = -torch.log(-torch.log(u.clamp(1e-10, 1 - 1e-7)))
    for field, out, own in zip(fields, outputs.split(sizes, 1), noise.split(sizes, 1), strict=True):
        yield field, (out + own)[:, : field.values], out[:, field.values :].tanh()


def _sizes(fields: Sequence[Field]) -> list[int]:
    return [field.values + (field.intervals > 0) for field in fields]
