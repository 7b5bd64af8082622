"""A GAN for tables (Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.models.model import Config, Model, Turn, check_bins
from anew.nn.adversarial_losses import squared_gradient, wasserstein
from anew.nn.adversarial_rows import hard_rows, log_softmax_of, pack, row_critic, row_generator, soft_rows
from anew.nn.conditioning import nothing_known, vector_size, vectors
from anew.rng import Rng
from anew.spaces import Batch, Fields, Space

RECENT = 0.01  # weight of a batch in how often codes occur


@dataclass(frozen=True)
class CTGANConfig(Config):
    batch: int = 500
    lr: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.9)
    weight_decay: float = 1e-6
    clip: float = 0.0
    given_dropout: float = 0.0
    latent: int = 128
    width: int = 32  # an eighth of the hidden layers'
    pack: int = 2  # rows that the critic judges together; with the 10 of the paper it learns more slowly
    temperature: float = 0.2  # of the softmax that stands for a choice while the generator learns
    gradient_penalty: float = 10.0  # Gulrajani et al. 2017
    dropout: float = 0.2  # of the critic


class CTGAN(Model):
    """A generator is asked for rows with one code of one field, and a critic holds them against real rows that have it.

    Rare codes are asked for more often than they occur ("training by sampling"), here within each batch; in sampling,
    each as often as it occurs. Fields asked for are categories, or numbers where there are none. A model that follows
    what is given is asked for that and nothing else, as the two might contradict each other.
    """

    spaces = (Fields,)
    turns = ("discriminator", "generator")
    block = 8192

    def __init__(self, space: Space, given: Space | None, config: CTGANConfig):
        super().__init__(space, given, config)
        assert isinstance(space, Fields)
        check_bins(space, "CTGAN needs")
        every = range(len(space.fields))
        self.fields = space.fields
        self.asked = [i for i in every if not space.fields[i].intervals] or list(every)
        self.sizes = [space.fields[i].values for i in self.asked]
        self.often: Tensor  # each code of each of them occurs; of late, in training
        self.register_buffer("often", torch.cat([torch.full((size,), 1 / size) for size in self.sizes]))
        row, told = vector_size(space), vector_size(given) or sum(self.sizes)
        self.generator = row_generator(config.latent + told, 8 * config.width, row)
        self.discriminator = row_critic(config.pack * (row + told), 8 * config.width, config.dropout)
        self.couples = f"packs of {config.pack} rows, training by sampling, and batch norm"

    def player(self, turn: str) -> nn.Module:
        return self.generator if turn == "generator" else self.discriminator

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        if self.given is not None:
            code, x, told = None, batch.x, self._given(batch.given, batch.size)
        else:
            code, rows = self._ask(batch.x, rng)
            x, told = batch.x[rows], self._hot(code)
        if turn.name == "generator":
            return self._generator_loss(code, told, rng)
        return self._discriminator_loss(x, told, rng)

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        if self.given is not None:
            return hard_rows(self.fields, *self._outputs(self._given(given, n), rng))
        steps = self.often.cumsum(0)
        code = torch.searchsorted(steps, rng.uniform() * steps[-1], right=True).clamp(max=len(steps) - 1)
        return hard_rows(self.fields, *self._outputs(self._hot(code), rng))

    def _generator_loss(self, code: Tensor | None, told: Tensor, rng: Rng) -> Tensor:
        """To be taken for real, and to have what was asked for (section 4.3)."""
        outputs, u = self._outputs(told, rng)
        logits = self._judge(self._packs(soft_rows(self.fields, outputs, u, self.config.temperature), told))
        value = self._of_each(wasserstein(logits, logits)[1], len(told))
        if code is None:
            return value
        return value - log_softmax_of(self.fields, self.asked, outputs).gather(1, code[:, None])[:, 0]

    def _discriminator_loss(self, x: Tensor, told: Tensor, rng: Rng) -> Tensor:
        with torch.no_grad():
            fake = self._packs(soft_rows(self.fields, *self._outputs(told, rng), self.config.temperature), told)
        real = self._packs(vectors(self.space, x), told)
        real_logits, fake_logits = self._judge(real), self._judge(fake)
        self.note(real_logit=real_logits, fake_logit=fake_logits)
        value = wasserstein(real_logits, fake_logits)[0]
        if self.config.gradient_penalty:  # Gulrajani et al. 2017, equation 3
            share = rng.uniform(1)[: len(real)]
            between = (share * real + (1 - share) * fake).requires_grad_()
            slope = (squared_gradient(self._judge(between), between) + 1e-12).sqrt()
            value = value + self.config.gradient_penalty * (slope - 1).square()
        return self._of_each(value, len(x))

    def _ask(self, x: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
        """A code (B,), numbered through all that can be asked for, and a row (B,) of the batch that has it.

        A field at random; a code of it by the logarithm of how often it occurs; a row at random (section 4.3).
        """
        starts = torch.tensor([0, *self.sizes[:-1]], device=x.device).cumsum(0)
        codes = x[:, self.asked].nan_to_num().long() + starts
        counts = torch.bincount(codes.flatten(), minlength=sum(self.sizes))
        if self.training:
            self.often.lerp_(counts / len(x), RECENT)
        steps = (counts.log1p() / counts)[codes].cumsum(0).T.contiguous()  # (fields asked for, B)
        field = rng.integers(len(self.asked))
        at = steps[field]
        rows = torch.searchsorted(at, rng.uniform(1) * at[:, -1:], right=True)[:, 0].clamp(max=len(x) - 1)
        return codes[rows, field], rows

    def _hot(self, code: Tensor) -> Tensor:
        return F.one_hot(code, sum(self.sizes)).float()

    def _given(self, given: Tensor | None, n: int) -> Tensor:
        """As vectors (n, D), zeros for what is not known."""
        assert self.given is not None
        return vectors(self.given, nothing_known(self.given, n, self.often.device) if given is None else given)

    def _outputs(self, told: Tensor, rng: Rng) -> tuple[Tensor, Tensor]:
        """Of the generator, and uniform numbers to draw by."""
        outputs = self.generator(torch.cat([rng.normal(self.config.latent), told], 1)).float()
        return outputs, rng.uniform(outputs.shape[1])

    def _packs(self, rows: Tensor, told: Tensor) -> Tensor:
        return pack(torch.cat([rows, told], 1), self.config.pack)

    def _judge(self, packs: Tensor) -> Tensor:
        return self.discriminator(packs).float()

    def _of_each(self, value: Tensor, n: int) -> Tensor:
        """What packs have, for each of their rows."""
        return value.repeat_interleave(self.config.pack)[:n]


def ctgan(space: Space, given: Space | None, size: int, **changes: Any) -> CTGAN:
    """On tables."""
    return CTGAN(space, given, CTGANConfig(width=8 * 2**size).change(changes))
