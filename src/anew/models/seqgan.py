"""SeqGAN (Yu et al. 2017): a writer that is rewarded for what a reader takes to be real. A lesson, see the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.models.autoregressive_tokens import AutoregressiveTokens, TokensConfig
from anew.models.model import Config, Model, Scores, Turn, check_labels, check_length
from anew.models.writing import Reader, Writes
from anew.nn.conditioning import embedding
from anew.nn.transformer import Transformer
from anew.rng import Rng
from anew.spaces import Batch, Space, Tokens

LONGEST = 512  # codes: each step of training writes a batch


@dataclass(frozen=True)
class SeqGANConfig(Config):
    batch: int = 32
    decay: str = "linear"
    width: int = 128
    layers: int = 2  # of the generator, and of the discriminator
    pretrain: float = 0.5  # share of the budget in which the generator learns by likelihood, before it is rewarded


class SeqGAN(Model, Scores, Writes):
    """Codes can't be passed gradients through, so the generator learns by trial and error (REINFORCE, Williams 1992).

    The reward of a code is what the discriminator says of the whole sequence. What it said before that code is the
    baseline, as it judges every beginning; that takes the place of the paper's Monte Carlo search.

    It is here to be learned from: samples get worse than those of maximum likelihood (figures in docs/text.md), as
    Caccia et al. (2020, "Language GANs falling short") found of many such models. Use `autoregressive`.
    """

    spaces = (Tokens,)
    likelihood = "exact"
    turns = ("discriminator", "generator")

    def __init__(self, space: Space, given: Space | None, config: SeqGANConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Tokens)
        check_length(space, LONGEST, "seqgan", 128)
        check_labels(given, "seqgan")
        own = TokensConfig(width=config.width, layers=config.layers, context=space.length, given_dropout=0.0)
        self.generator = AutoregressiveTokens(space, given, own)
        self.discriminator = Discriminator(space, given, config)

    def player(self, turn: str) -> nn.Module:
        return self.generator if turn == "generator" else self.discriminator

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        given = self.some_given(batch, rng)
        if turn.name == "generator" and turn.progress < self.config.pretrain:
            return self.generator.nats(batch.x, given).mean(1)
        with torch.no_grad(), torch.autocast(batch.x.device.type, enabled=False):
            made = self.generator.sample(batch.size, given, rng)
        told = self.condition(self.discriminator.embed, given, batch.size)
        if turn.name == "discriminator":
            real, fake = -self.discriminator(batch.x, told), self.discriminator(made, told)
            return _mean(F.softplus(real), batch.x) + _mean(F.softplus(fake), made)
        with torch.no_grad():
            seen = self.discriminator(made, told).sigmoid()
        last = (made > 0).sum(1, keepdim=True).clamp(max=made.shape[1] - 1) + 1
        reward = seen.gather(1, last)
        self.note(reward=reward)
        return ((reward - seen[:, :-1]) * self.generator.nats(made, given)).mean(1)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        return self.generator.sample(n, given, rng)

    def reader(self, given: Tensor | None, n: int) -> Reader:
        return self.generator.reader(given, n)

    def log_prob(self, x: Tensor, given: Tensor | None, rng: Rng) -> Tensor:
        return self.generator.log_prob(x, given, rng)


class Discriminator(nn.Module):
    """How real each beginning of a sequence looks: (B, length) -> (B, 1 + length) logits, from that of nothing on."""

    def __init__(self, space: Tokens, given: Space | None, config: SeqGANConfig):
        super().__init__()
        told, heads = config.width if given is not None else 0, max(1, config.width // 64)
        self.embed = embedding(given, told)
        self.network = Transformer(
            space.vocabulary, space.length + 1, config.width, config.layers, heads, told, columns=space.columns
        )
        self.network.head = nn.Linear(config.width, 1)

    def forward(self, x: Tensor, told: Tensor | None) -> Tensor:
        return self.network(F.pad(x, (1, 0), value=self.network.start), told)[:, :, 0]


def _mean(losses: Tensor, x: Tensor) -> Tensor:
    """(B,): of those (B, 1 + length) of beginnings of x (B, length), the whole with its end being the last."""
    there = F.pad(x > 0, (2, 0), value=True)[:, :-1]
    return (losses * there).sum(1) / there.sum(1)


def seqgan(space: Space, given: Space | None, size: int, **changes: Any) -> SeqGAN:
    config = SeqGANConfig(width=64 * size, layers=1 + size)
    return SeqGAN(space, given, config.change(changes))
