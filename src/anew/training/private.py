"""Training with differential privacy: DP-SGD (Abadi et al. 2016)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from anew.codecs.dataset import Split
from anew.errors import AnewError
from anew.models.model import Model, Turn
from anew.nn.conditioning import nothing_known
from anew.rng import generator
from anew.spaces import Batch
from anew.training.private_account import calibrate
from anew.training.private_gradients import Recorder
from anew.training.private_promise import Privacy
from anew.training.trainer import Group, Plan, Trainer

FEW = 4  # that are made up for a check
ELSE = "so it cannot be trained privately; choose another --model, such as vae"


def make_trainer(model: Model, data: Split, plan: Plan, group: Group, privacy: Privacy | None) -> Trainer:
    return Trainer(model, data, plan, group) if privacy is None else PrivateTrainer(model, data, plan, privacy, group)


class PrivateTrainer(Trainer):
    """Each batch is a Poisson sample; the gradient at each example is clipped, and noise added to their sum.

    All that is random follows from a secret that is drawn anew, kept in checkpoints, and forgotten with the last step:
    who knew it could take the noise away. Losses are not shown, as they tell of the examples.
    """

    def __init__(self, model: Model, data: Split, plan: Plan, privacy: Privacy, group: Group | None = None):
        super().__init__(model, data, plan, group)
        if model.couples:
            raise AnewError(f"{type(model).__name__} has {model.couples}, which ties examples together, {ELSE}")
        self.privacy = privacy
        self.memory["secret"] = secrets.randbits(128)
        self.recorders = {turn: Recorder(model.player(turn)) for turn in self.optimisers if turn not in model.blind}

    @property
    def seed(self) -> int:
        return self.memory["secret"]

    @property
    def rate(self) -> float:
        """The probability of an example to be in a batch."""
        return min(1.0, self.batch / len(self.data))

    @property
    def releases(self) -> int:
        """Noisy sums, over all of training."""
        return self.steps * sum(turn in self.recorders for turn in self.model.turns)

    def advance(self) -> dict[str, Tensor]:
        super().advance()
        if self.step == self.steps:
            del self.memory["secret"]
        return {}

    def backward(self, index: int, turn: Turn, batch: Batch, precision: str) -> Tensor:
        """Algorithm 1 of Abadi et al. 2016; the sum is divided by the size that batches have on average."""
        if turn.name in self.model.blind:
            return super().backward(index, turn, batch, precision)
        sums = self._clipped_sums(index, turn, batch)
        for number, parameter in enumerate(self.optimisers[turn.name].parameters):
            noise = self._noise(parameter, self.step, index, number)
            parameter.grad = (noise + sums.get(parameter, 0)) / self.batch
        return torch.zeros(())

    def _clipped_sums(self, index: int, turn: Turn, batch: Batch) -> dict[nn.Parameter, Tensor]:
        """An example whose gradient is not finite has no say."""
        if not batch.size:
            return {}
        repeats = self.privacy.repeats
        several = batch if repeats == 1 else self._repeated(batch)
        recorded = self.recorders[turn.name](lambda: self.losses(index, turn, several, "fp32") / repeats, repeats)
        norms = recorded.norms()
        if (finite := norms.isfinite()).all():
            return recorded.sums((self.privacy.clip / norms).clamp(max=1))
        some = Batch(batch.x[finite], None if batch.given is None else batch.given[finite])
        return self._clipped_sums(index, turn, some)

    def _repeated(self, batch: Batch) -> Batch:
        """All examples, then all again, and so on."""
        times = self.privacy.repeats
        return Batch(torch.cat([batch.x] * times), None if batch.given is None else torch.cat([batch.given] * times))

    def _noise(self, parameter: nn.Parameter, *keys: int) -> Tensor:
        """A normal draw for each of its numbers."""
        noise, clip = self.privacy.noise_multiplier, self.privacy.clip
        draws = torch.randn(parameter.shape, generator=generator(self.seed, "noise", *keys))
        return draws.mul_(noise * clip if noise else 0.0).to(parameter.device)

    def _batches(self) -> Iterator[Batch]:
        """Of each turn its own, so that each is a sample by itself."""
        for index, turn in enumerate(self.model.turns):
            if turn in self.model.blind:
                yield self._nothing()
            else:
                keys = (self.seed, "rows", self.step, index)
                yield self.data.batch(poisson(len(self.data), self.rate, *keys)).to(self.group.device)

    def _nothing(self) -> Batch:
        """What a turn is shown that needs no data."""
        return Batch(nothing_known(self.data.space, self.batch, self.group.device))

    def check(self) -> None:
        """Of the model, on examples that are made up: see `Recorder.check`. Raises AnewError."""
        stream, given = generator("made up"), self.model.given
        batch = Batch(self.data.space.random(FEW, stream), None if given is None else given.random(FEW, stream))
        before = [buffer.clone() for buffer in self.model.buffers()]
        for index, name in enumerate(self.model.turns):
            if recorder := self.recorders.get(name):
                loss = partial(self.losses, index, Turn(name, 0.5), batch.to(self.group.device), "fp32")
                recorder.check(loss, torch.rand(FEW, generator=stream).to(self.group.device))
        if not all(map(torch.equal, before, self.model.buffers())):
            raise AnewError(f"{type(self.model).__name__} keeps statistics of its batches, {ELSE}")


def settle(trainer: Trainer) -> Privacy:
    """The promise, with the noise that it takes over all of training. Raises AnewError for a model that cannot be."""
    assert isinstance(trainer, PrivateTrainer)
    trainer.check()
    privacy, rate, releases = trainer.privacy, trainer.rate, trainer.releases
    first, delta = privacy.codec_noise_multiplier, privacy.delta
    if first:
        from anew.codecs.table.columns.private import UNSEEN  # and pandas, only for tables

        if delta <= UNSEEN:
            raise AnewError(f"private.delta cannot be {delta:g}; the codec of tables takes {UNSEEN:g} of it already")
        delta -= UNSEEN
    noise, epsilon, accountant = calibrate(privacy.epsilon, delta, rate, releases, first)
    found = replace(privacy, epsilon=epsilon, accountant=accountant, noise_multiplier=noise)
    return replace(found, sampling_rate=rate, steps=releases)


def poisson(n: int, rate: float, *keys: object) -> Tensor:
    """Indices out of 0..n-1, each with probability `rate`, int64: how many is binomial, and any as many are alike."""
    stream = np.random.default_rng(generator(*keys).initial_seed())
    return torch.from_numpy(stream.choice(n, stream.binomial(n, rate), replace=False, shuffle=False))
