"""Autoregressive models of sequences: a Transformer that says which code comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from anew.models.model import Completes, Config, Model, Scores, Turn
from anew.models.writing import Reader, Writes
from anew.nn.conditioning import embedding, nothing_known
from anew.nn.transformer import Cache, Transformer
from anew.rng import Rng
from anew.spaces import Batch, Space, Tokens

DROPOUT = ((20, 0.3), (10, 0.2), (3, 0.1))  # from how often a code is seen
DECAY = 0.1  # of weights, for codes that are seen so often


@dataclass(frozen=True)
class TokensConfig(Config):
    batch: int = 32
    lr: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.95)
    muon: float = 0.02
    decay: str = "linear"
    ema: float = 0.0
    width: int = 192
    layers: int = 4
    heads: int = 0  # 0 is one for every 64 numbers of the width
    context: int = 256  # codes that the next one depends on, at most
    dropout: float = 0.0
    word_dropout: float = 0.0  # share of the codes before the next that are not read while learning


class Told(NamedTuple):
    """What is given: a vector (B, width) for all places, or codes (B, T) before the sequence."""

    vector: Tensor | None
    codes: Tensor | None

    def after(self, codes: Tensor) -> Tensor:
        return codes if self.codes is None else torch.cat([self.codes, codes], 1)

    def pick(self, rows: Tensor) -> Told:
        return Told(*(None if each is None else each[rows] for each in self))


class AutoregressiveTokens(Model, Completes, Scores, Writes):
    """p(x) as the product of p(x_t | the codes before t). Code 0 ends a sequence, and all that follows it is 0.

    Of a sequence longer than `context`, a part is learned from at a time. To write or to score it, the context is
    filled, and then its older half forgotten, again and again (`windows`); so what is scored is what is written.
    """

    spaces = (Tokens,)
    likelihood = "exact"

    def __init__(self, space: Space, given: Space | None, config: TokensConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Tokens)
        prefix = given if isinstance(given, Tokens) else None
        told = config.width if given is not None and prefix is None else 0
        self.context = space.length if space.columns else min(config.context, space.length)
        self.embed = embedding(None if prefix else given, told)
        self.prefix = prefix.length if prefix else 0
        heads = config.heads or max(1, config.width // 64)
        self.network = Transformer(
            space.vocabulary, self.prefix + self.context, config.width, config.layers, heads, told, config.dropout,
            space.columns, more=prefix.vocabulary if prefix else 0,
        )  # fmt: skip
        self.length, self.explains = space.length, True

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        """Nats per code of a part of each example that is as long as the context; shorter ones count for less."""
        told = self.told(batch.given if self.prefix else self.some_given(batch, rng), batch.size)
        codes = self.begun(batch.x)
        starts = (rng.uniform(1) * (self._ends(codes) + self.context)).long() - self.context // 2
        starts = torch.minimum(starts, self._ends(codes) - self.context).clamp(min=0)
        part = codes.gather(1, starts + torch.arange(self.context + 1, device=codes.device))
        longest = int((part[:, :-1] > 0).sum(1).max())
        part, dropped = part[:, : longest + 1], None
        if self.config.word_dropout:
            dropped = rng.uniform(longest) < self.config.word_dropout
        return self.nats_of(part, told, dropped).sum(1) / self.context

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = torch.zeros(n, self.length, dtype=torch.int64, device=rng.device)
        return self.write(nothing, nothing > 0, given, rng)

    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """From left to right: what is filled in follows from what stands before it alone."""
        return self.write(known, mask, given, rng)

    def adapt(self, passes: float) -> dict[str, Any]:
        """The more often a code is seen, the more is left out at random, so that it is not learned by heart."""
        seen = passes * self.context / self.length
        share = next((share for limit, share in DROPOUT if seen > limit), 0.0)
        return {"dropout": share, "weight_decay": DECAY if share else 0.0}

    def reader(self, given: Tensor | None, n: int) -> Reader:
        return CachedReader(self, self.told(given, n))

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """-inf for what goes on after its end."""
        logs = -self.nats(x, given).sum(1)
        return logs.masked_fill(((x[:, :-1] == 0) & (x[:, 1:] > 0)).any(1), -torch.inf)

    def nats(self, x: Tensor, given: Tensor | None = None, first: int = 0) -> Tensor:
        """A window at a time."""
        codes, told = self.begun(x), self.told(given, len(x))
        parts = [
            self.nats_of(codes[:, start : end + 1], told)[:, self._scored_from(start) - start :]
            for start, end in windows(self.length, self.context)
        ]
        return torch.cat(parts, 1)[:, first:]

    def begun(self, x: Tensor) -> Tensor:
        """With the start before it, and an end after it, (B, length + 2)."""
        return F.pad(F.pad(x, (1, 0), value=self.network.start), (0, 1))

    def _ends(self, codes: Tensor) -> Tensor:
        """(B, 1): of the codes with a start and an end, how many stand before the last 0."""
        return (codes > 0).sum(1, keepdim=True).clamp(max=self.length)

    def told(self, given: Tensor | None, n: int) -> Told:
        """A text that is given stands before the sequence, with its last code next to it."""
        if not self.prefix:
            return Told(self.condition(self.embed, given, n), None)
        assert self.given is not None
        codes = nothing_known(self.given, n, self.network.embed.weight.device) if given is None else given
        places = torch.arange(self.prefix, device=codes.device) + (codes > 0).sum(1, keepdim=True)
        codes = codes.gather(1, places % self.prefix)
        return Told(None, torch.where(codes > 0, codes + self.network.start, 0))

    def nats_of(self, part: Tensor, told: Told, dropped: Tensor | None = None) -> Tensor:
        """(B, T) of the codes of `part` (B, 1 + T) from the second on; 0 after the end. Of those before, the ones that
        are `dropped` (B, T) are not read: 0 stands in their place, which is read nowhere else.
        """
        before, after = part[:, :-1], part[:, 1:]
        read = before if dropped is None else before.masked_fill(dropped & (before < self.network.start), 0)
        logits = self.network(told.after(read), told.vector)[:, self.prefix :]
        nats = F.cross_entropy(logits.flatten(0, 1), after.flatten(), reduction="none")
        return nats.view(after.shape) * (before > 0)

    def _scored_from(self, start: int) -> int:
        return start if start == 0 else start + self.context - self.context // 2


class CachedReader(Reader):
    """Keeps keys and values of the window that is being read."""

    def __init__(self, model: AutoregressiveTokens, told: Told):
        self.model, self.told, self.end = model, told, 0
        self.cache: Cache | None = None

    def __call__(self, x: Tensor, place: int) -> Tensor:
        model = self.model
        if self.cache is None or place == self.end:
            start, self.end = next(window for window in windows(model.length, model.context) if window[1] > place)
            codes = self.told.after(model.begun(x)[:, start : place + 1])
            logits, self.cache = model.network.begin(codes, self.told.vector)
            return logits
        return model.network.step(x[:, place - 1 : place], self.cache)

    def pick(self, rows: Tensor) -> None:
        self.told = self.told.pick(rows)
        if self.cache is not None:
            self.cache.pick(rows)


def windows(length: int, context: int) -> Iterator[tuple[int, int]]:
    """(start, end) of what is read at a time, so that each code is seen with at least half of the context before it.

    Of every window but the first, what lies in the first half was seen in the one before.
    """
    start = 0
    while True:
        end = min(length, start + context)
        yield start, end
        if end == length:
            return
        start += context // 2
