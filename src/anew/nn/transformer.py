"""A Transformer over codes (Vaswani et al. 2017), in the shape that learns most in little time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.errors import AnewError
from anew.nn.dropout import Dropout
from anew.nn.matrix import hidden
from anew.nn.norm import RMSNorm, rms_norm
from anew.nn.temperature import Temperature

BUCKETS = 8192  # of pairs of codes
MATRIX = 512  # places, up to which attention is multiplied out on processors


class Cache:
    """Keys and values of the places so far, for all layers, so that a step looks at one place only."""

    def __init__(self, layers: int, shape: tuple[int, ...], told: Tensor):
        self.kept = told.new_empty(layers, 2, *shape)  # shape: (B, heads, length, width of a head)
        self.lasts = told.new_zeros(layers, 2, *told.shape)  # what each `Shift` was shown last
        self.told, self.used, self.last = told, 0, torch.empty(0)  # last: the latest codes (B, 1)

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keeps those of the latest places (B, heads, T, width of a head); returns all so far."""
        end = self.used + keys.shape[2]
        self.kept[layer, 0, :, :, self.used : end] = keys
        self.kept[layer, 1, :, :, self.used : end] = values
        return self.kept[layer, 0, :, :, :end], self.kept[layer, 1, :, :, :end]

    def swap(self, layer: int, which: int, h: Tensor) -> Tensor:
        """Keeps the last place of h (B, T, width); returns the one that was kept before, (B, 1, width)."""
        last, self.lasts[layer, which] = self.lasts[layer, which].clone(), h[:, -1:]
        return last

    def pick(self, rows: Tensor) -> None:
        """Goes on with these of the sequences (any,); one may come several times. Of as many, those move that must."""
        self.lasts = self.lasts[:, :, rows]
        if len(rows) != len(self.told):
            self.kept = self.kept[:, :, rows]
        else:
            moved = (rows != torch.arange(len(rows), device=rows.device)).nonzero()[:, 0]
            self.kept[:, :, moved, :, : self.used] = self.kept[:, :, rows[moved], :, : self.used]
        self.told, self.last = self.told[rows], self.last[rows]


class Shift(nn.Module):
    """Of each number, a learned share is that of the place before (Peng et al. 2023, section 3.1, "token shift")."""

    def __init__(self, width: int):
        super().__init__()
        self.share = nn.Parameter(torch.linspace(0, 0.25, width))

    def forward(self, h: Tensor, last: Tensor | None = None) -> Tensor:
        """(B, T, width); before the first place stands `last` (B, 1, width), or nothing."""
        before = F.pad(h[:, :-1], (0, 0, 1, 0)) if last is None else torch.cat([last.to(h.dtype), h[:, :-1]], 1)
        return torch.lerp(h, before, self.share.to(h.dtype))


class Block(nn.Module):
    """Self-attention with rotary positions (Su et al. 2021) and normalised queries and keys (Henry et al. 2020) of a
    sharpness that each head learns, then SwiGLU (Shazeer 2020). Where places see only those before them, both are
    shown some of the one before: see `Shift`.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, causal: bool = True):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)
        self.shifts = nn.ModuleList(Shift(width) for _ in range(2 * causal))
        self.query, self.key, self.value = (hidden(width, width) for _ in range(3))
        self.out = hidden(width, width, zero=True)
        inner = 16 * -(-8 * width // 48)
        self.sharpness = nn.Parameter(torch.ones(heads, 1, 1))
        self.up, self.down = hidden(width, 2 * inner), hidden(inner, width, zero=True)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, turns: Tensor, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """(B, T, width); `turns` (2, T, width of a head) are those of the T places."""
        h = self._shifted(self.norm1(x), 0, cache, layer)
        q, k, v = (
            part(h).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        q, k = (rotate(rms_norm(part), turns) for part in (q, k))
        q = q * self.sharpness.to(q.dtype)
        if cache is not None:
            k, v = cache.extend(layer, k, v)
        x = x + self.dropout(self.out(attend(q, k, v, self.causal).transpose(1, 2).flatten(2)))
        gate, value = self.up(self._shifted(self.norm2(x), 1, cache, layer)).chunk(2, 2)
        return x + self.dropout(self.down(F.silu(gate) * value))

    def _shifted(self, h: Tensor, which: int, cache: Cache | None, layer: int) -> Tensor:
        if not self.causal:
            return h
        return self.shifts[which](h, None if cache is None else cache.swap(layer, which, h))


class Transformer(nn.Module):
    """p(next code | codes before it, what is told). Codes are 0..vocabulary, and `start` before the first.

    Every place is told (B, condition). Besides its own vector, a place has that of the pair of its code and the one
    before, in hashed buckets (Huang et al. 2025 call them over-encoded). Codes of a map lie in rows of `columns`: each
    place also has a vector for its row and one for its column. Without `causal`, places see those after them, too.
    There are `more` codes, from start + 1 on, that may be read and never follow.
    """

    turns: Tensor

    def __init__(
        self, vocabulary: int, length: int, width: int, layers: int, heads: int,
        condition: int = 0, dropout: float = 0.0, columns: int = 0, causal: bool = True,
        more: int = 0,
    ):  # fmt: skip
        super().__init__()
        if width % (2 * heads):
            raise AnewError(
                f"a Transformer of width {width} cannot have {heads} heads; expected a multiple of {2 * heads}"
            )
        self.start, self.length, self.columns, self.shape = (
            vocabulary + 1,
            length,
            columns,
            (heads, length, width // heads),
        )
        self.condition = nn.Linear(condition, width) if condition else None
        self.embed = nn.Embedding(vocabulary + 2 + more, width)
        self.pairs = nn.Embedding(BUCKETS, width) if causal else None
        if self.pairs is not None:
            nn.init.zeros_(self.pairs.weight)
        self.places = nn.Parameter(torch.zeros(columns + -(-length // columns), width)) if columns else None
        self.blocks = nn.ModuleList(Block(width, heads, dropout, causal) for _ in range(layers))
        self.enter, self.norm, self.dropout = nn.RMSNorm(width), RMSNorm(width), Dropout(dropout)
        self.head = nn.Linear(width, vocabulary + 1, bias=False)
        nn.init.normal_(self.head.weight, std=width**-0.5)
        self.temperature = Temperature()
        self.register_buffer("turns", rotations(length, width // heads), persistent=False)

    def forward(self, codes: Tensor, told: Tensor | None = None) -> Tensor:
        """(B, T) of `start` or codes, T up to `length` -> logits (B, T, vocabulary + 1) of the codes that follow."""
        return self._logits(codes, F.pad(codes[:, :-1], (1, 0), value=self.start), self._told(len(codes), told))

    def begin(self, codes: Tensor, told: Tensor | None = None) -> tuple[Tensor, Cache]:
        """Logits of what follows the codes (B, T), (B, vocabulary + 1), and what `step` goes on with."""
        cache = Cache(len(self.blocks), (len(codes), *self.shape), self._told(len(codes), told))
        cache.last = torch.full_like(codes[:, :1], self.start)
        return self.step(codes, cache), cache

    def step(self, codes: Tensor, cache: Cache) -> Tensor:
        """The latest codes (B, T) -> logits of what follows (B, vocabulary + 1); T is 1 unless they are the first."""
        before = torch.cat([cache.last, codes[:, :-1]], 1)
        logits = self._logits(codes, before, cache.told, cache)[:, -1]
        cache.last, cache.used = codes[:, -1:], cache.used + codes.shape[1]
        return logits

    def _told(self, n: int, told: Tensor | None) -> Tensor:
        """(n, 1, width), to be added to every place."""
        if self.condition is None or told is None:
            return self.embed.weight.new_zeros(n, 1, self.embed.embedding_dim)
        return self.condition(told)[:, None]

    def _logits(self, codes: Tensor, before: Tensor, told: Tensor, cache: Cache | None = None) -> Tensor:
        h, first = self.embed(codes) + told, cache.used if cache else 0
        if self.pairs is not None:
            h = h + self.pairs((before * 1_000_003 + codes * 40_503) % BUCKETS)
        if self.places is not None:
            at = torch.arange(first, first + codes.shape[1], device=codes.device)
            h = h + self.places[at % self.columns] + self.places[self.columns + at // self.columns]
        h, turns = self.dropout(self.enter(h)), self.turns[:, first : first + codes.shape[1]]
        for layer, block in enumerate(self.blocks):
            h = block(h, turns, cache, layer)
        return self.temperature(self.head(self.norm(h)).float())


def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool = True) -> Tensor:
    """Attention (B, heads, T, width of a head); a single query sees all keys."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal and q.shape[2] > 1)
    with torch.autocast("cpu", enabled=False):
        if q.dtype == torch.bfloat16 and 1 < q.shape[2] <= MATRIX:
            return _attend_as_matrices(q, k, v.to(q.dtype), causal)
        q, k, v = q.float(), k.float(), v.float()  # in bf16, torch's kernel takes seven times as long for gradients
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal and q.shape[2] > 1)


def _attend_as_matrices(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """Twice as fast as torch's kernel on processors with bf16, where what all places see of all fits into memory."""
    mask = torch.zeros(q.shape[2], k.shape[2], dtype=q.dtype)
    if causal:
        mask = mask.fill_(-torch.inf).triu(1)
    scores = torch.baddbmm(mask, q.flatten(0, 1), k.flatten(0, 1).mT, alpha=q.shape[3] ** -0.5)
    return (scores.softmax(-1) @ v.flatten(0, 1)).unflatten(0, q.shape[:2])


def rotations(length: int, width: int) -> Tensor:
    """Cosines and sines (2, length, width) of the angles by which each position turns (Su et al. 2021, equation 15)."""
    rates = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * rates
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([torch.cat([cos, cos], 1), torch.cat([-sin, sin], 1)])


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turns pairs of numbers of x (..., T, width) by the angles of their position (Su et al. 2021, eq. 34)."""
    cos, sin = turns.to(x.dtype)
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)
