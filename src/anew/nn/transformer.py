"""A decoder-only Transformer over codes, in the shape of LLaMA (Vaswani et al. 2017; Touvron et al. 2023)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.nn.likelihood import gumbel_max
from anew.rng import Rng


class Cache:
    """Keys and values of the positions so far, for all layers, so that a step looks at one position only."""

    def __init__(self, layers: int, shape: tuple[int, ...], told: Tensor):
        self.kept = told.new_empty(layers, 2, *shape)  # shape: (B, heads, length, width of a head)
        self.told, self.used = told, 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keeps those of the latest positions (B, heads, T, width of a head); returns all so far."""
        end = self.used + keys.shape[2]
        self.kept[layer, 0, :, :, self.used : end] = keys
        self.kept[layer, 1, :, :, self.used : end] = values
        return self.kept[layer, 0, :, :, :end], self.kept[layer, 1, :, :, :end]


class Block(nn.Module):
    """Causal self-attention with rotary positions (Su et al. 2021), then SwiGLU (Shazeer 2020), after RMS norms."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0):
        super().__init__()
        self.heads, hidden = heads, 8 * -(-width // 3)
        self.norm1, self.qkv, self.out = nn.RMSNorm(width), _linear(width, 3 * width), _linear(width, width)
        self.norm2, self.gate, self.down = nn.RMSNorm(width), _linear(width, 2 * hidden), _linear(hidden, width)
        self.dropout = nn.Dropout(dropout)
        for last in (self.out, self.down):  # of a residual branch
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, turns: Tensor, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """(B, T, width); `turns` (2, T, half the width of a head) are those of the T positions."""
        qkv = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        (q, k), v = rotate(qkv[:2], turns), qkv[2]
        if cache is not None:
            k, v = cache.extend(layer, k, v)
        attended = attend(q, k, v)
        x = x + self.dropout(self.out(attended.transpose(1, 2).flatten(2)))
        gate, value = self.gate(self.norm2(x)).chunk(2, 2)
        return x + self.dropout(self.down(F.silu(gate) * value))


class Transformer(nn.Module):
    """p(token | tokens before it, condition). Tokens are codes 0..vocabulary, as in `Tokens`.

    Every position is told the condition (B, condition). The first one is no token but the start.
    """

    turns: Tensor

    def __init__(
        self, vocabulary: int, length: int, width: int, layers: int, heads: int,
        condition: int = 0, dropout: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        if width % (2 * heads):
            raise AnewError(
                f"a Transformer of width {width} cannot have {heads} heads; expected a multiple of {2 * heads}"
            )
        self.length, self.shape = length, (heads, length, width // heads)
        self.start = nn.Parameter(torch.randn(width))
        self.condition = nn.Linear(condition, width) if condition else None
        self.embed = nn.Embedding(vocabulary + 1, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm, self.head = nn.RMSNorm(width), nn.Linear(width, vocabulary + 1)
        self.register_buffer("turns", rotations(length, width // heads), persistent=False)

    def forward(self, tokens: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, length) -> logits (B, length, vocabulary + 1), each of one token given those before it."""
        told = self._told(len(tokens), condition)
        before = torch.cat([self.start.expand(len(tokens), 1, -1), self.embed(tokens[:, :-1])], 1)
        return self._logits(before + told)

    def begin(self, n: int, condition: Tensor | None = None) -> tuple[Tensor, Cache]:
        """Logits of the first token (n, vocabulary + 1), and what `step` goes on with."""
        cache = Cache(len(self.blocks), (n, *self.shape), self._told(n, condition))
        return self._logits(self.start + cache.told, cache)[:, -1], cache

    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        """The latest tokens (B,) -> logits of the next (B, vocabulary + 1)."""
        return self._logits(self.embed(tokens[:, None]) + cache.told, cache)[:, -1]

    def sample(self, n: int, condition: Tensor | None, rng: Rng, temperature: float = 1.0) -> Tensor:
        """(n, length). A temperature below 1 prefers what is likely; at 0 nothing else is drawn."""
        logits, cache = self.begin(n, condition)
        drawn: list[Tensor] = []
        while True:
            drawn.append(gumbel_max(logits / max(temperature, 1e-6), rng))
            if len(drawn) == self.length:
                return torch.stack(drawn, 1)
            logits = self.step(drawn[-1], cache)

    def _told(self, n: int, condition: Tensor | None) -> Tensor:
        """(n, 1, width), to be added to every position."""
        if self.condition is None or condition is None:
            return self.start.new_zeros(n, 1, len(self.start))
        return self.condition(condition)[:, None]

    def _logits(self, h: Tensor, cache: Cache | None = None) -> Tensor:
        first = cache.used if cache else 0
        turns = self.turns[:, first : first + h.shape[1]]
        for layer, block in enumerate(self.blocks):
            h = block(h, turns, cache, layer)
        if cache:
            cache.used += h.shape[1]
        return self.head(self.norm(h)).float()


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention (B, heads, T, width of a head); a single query sees all keys."""
    if q.device.type == "cpu":  # whose kernel takes seven times as long for gradients in bf16
        q, k, v = q.float(), k.float(), v.float()
    with torch.autocast(q.device.type, enabled=False):
        return F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1)


def rotations(length: int, width: int) -> Tensor:
    """Cosines and sines (2, length, width / 2) of the angles by which each position turns (Su et al. 2021, eq. 15)."""
    rates = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turns pairs of numbers of x (..., T, width) by the angles of their position (Su et al. 2021, eq. 34)."""
    cos, sin = turns.to(x.dtype)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)
