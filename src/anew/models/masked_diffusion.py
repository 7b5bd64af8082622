"""Masked diffusion over sequences (Sahoo et al. 2024, "MDLM"): codes come out of hiding in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from anew.models.model import Completes, Config, Model, Scores, Turn, check_length
from anew.models.writing import Fills, Reader
from anew.nn.conditioning import embedding
from anew.nn.likelihood import gumbel_max
from anew.nn.transformer import Transformer
from anew.rng import Rng
from anew.spaces import Batch, Space, Tokens

LONGEST = 2048  # codes: all places see all


@dataclass(frozen=True)
class MaskedDiffusionConfig(Config):
    batch: int = 32
    lr: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.95)
    muon: float = 0.02
    width: int = 192
    layers: int = 4
    heads: int = 0  # 0 is one for every 64 numbers of the width
    steps: int = 64  # in which samples come out of hiding
    dropout: float = 0.0
    importance_samples: int = 16  # numbers of hidden codes that `log_prob` looks at


class MaskedDiffusion(Model, Completes, Scores, Fills):
    """Learns what is hidden of a sequence from what is not, whichever that is: so it fills in gaps in any place.

    With the share of the hidden codes drawn evenly from 0 to 1, the loss is a bound of the likelihood (Sahoo et al.
    2024, equation 10; Uria et al. 2014, equation 8). Sequences are learned and drawn to their full length.
    """

    spaces = (Tokens,)
    likelihood = "bound"

    def __init__(self, space: Space, given: Space | None, config: MaskedDiffusionConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Tokens)
        check_length(space, LONGEST, "masked diffusion", 256)
        told, heads = config.width if given is not None else 0, config.heads or max(1, config.width // 64)
        self.embed = embedding(given, told)
        self.network = Transformer(
            space.vocabulary, space.length, config.width, config.layers, heads, told, config.dropout, space.columns,
            causal=False,
        )  # fmt: skip
        self.length, self.hidden, self.explains = space.length, self.network.start, True

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        """Nats per code."""
        told = self.condition(self.embed, self.some_given(batch, rng), batch.size)
        return -self._bound(batch.x, told, rng.uniform(1), rng) / self.length

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        """The mean over numbers of hidden codes that are spread evenly."""
        told, draws = self.condition(self.embed, given, len(x)), self.config.importance_samples
        offset = rng.uniform(1)
        logs = [self._bound(x, told, (offset + draw) / draws, rng) for draw in range(draws)]
        return torch.stack(logs).mean(0)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        nothing = torch.zeros(n, self.length, dtype=torch.int64, device=rng.device)
        return self.complete(nothing, nothing > 0, given, rng)

    def complete(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        told = self.condition(self.embed, given, len(known))
        turns = rng.uniform(self.length).masked_fill(mask, -1).argsort(1).argsort(1)  # when each code comes out
        x = torch.where(mask, known, self.hidden)
        first, steps = int(mask.sum(1).min()), min(self.config.steps, self.length)
        for end in torch.linspace(first, self.length, steps + 1)[1:].round().long().tolist():
            drawn = gumbel_max(self.network(x, told), rng)
            x = torch.where((x == self.hidden) & (turns < end), drawn, x)
        ended = (x == 0).cumsum(1) > 0
        return x.masked_fill(ended & ~mask, 0)

    def reader_to_draw(self, known: Tensor, mask: Tensor, given: Tensor | None, rng: Rng) -> Reader:
        return Beside(self, mask, self.condition(self.embed, given, len(known)))

    def _bound(self, x: Tensor, told: Tensor | None, share: Tensor, rng: Rng) -> Tensor:
        """(B,) in nats, with the `share` (B, 1) in [0, 1) of the codes hidden, one at least."""
        hidden = (share * self.length).long() + 1
        drawn = rng.uniform(self.length).argsort(1).argsort(1) < hidden
        logits = self.network(x.masked_fill(drawn, self.hidden), told)
        logs = -F.cross_entropy(logits.flatten(0, 1), x.flatten(), reduction="none").view(x.shape)
        return (logs * drawn).sum(1) * self.length / hidden[:, 0]


class Beside(Reader):
    """Sees what stands before and after each place; what is open from there on, where `mask` is false, is hidden."""

    every = False

    def __init__(self, model: MaskedDiffusion, mask: Tensor, told: Tensor | None):
        self.model, self.mask, self.told = model, mask, told

    def __call__(self, x: Tensor, place: int) -> Tensor:
        later = torch.arange(x.shape[1], device=x.device) >= place
        return self.model.network(x.masked_fill(later & ~self.mask, self.model.hidden), self.told)[:, place]

    def pick(self, rows: Tensor) -> None:
        self.mask, self.told = self.mask[rows], None if self.told is None else self.told[rows]


def masked_diffusion(space: Space, given: Space | None, size: int, **changes: Any) -> MaskedDiffusion:
    config = MaskedDiffusionConfig(width=64 * (size + 1), layers=2 + size)
    return MaskedDiffusion(space, given, config.change(changes))
