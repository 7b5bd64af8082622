"""An empirical lower bound of epsilon: the audit of Steinke, Nasr and Jagielski 2023, with one run of training.

Every canary is put in or left out by a coin. Who sees the weights then guesses which; more right guesses than
differential privacy allows are a proof that there is none.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import binom
from torch import Tensor, nn

from anew.codecs.dataset import Split
from anew.models.model import Config, Model, Turn
from anew.rng import Rng, generator
from anew.spaces import Batch, Field, Fields, Space
from anew.training.private import PrivateTrainer
from anew.training.private_account import calibrate
from anew.training.private_promise import Privacy
from anew.training.trainer import Plan

EPSILON, DELTA, CANARIES, BATCH, STEPS, GUESSES = 3.0, 1e-5, 1000, 250, 20, 200


class Needles(Model):
    """Each canary has a weight of its own, which it pulls down as steeply as it can: the easiest there is to find."""

    spaces = (Fields,)

    def __init__(self, space: Space, given: Space | None, config: Config):
        super().__init__(space, given, config)
        self.layer = nn.Embedding(CANARIES, 1)
        nn.init.zeros_(self.layer.weight)

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        return 1e3 * self.layer(batch.x[:, 0].long())[:, 0]

    def sample(self, n: int, given: Tensor | None, rng: Rng) -> Tensor:
        raise NotImplementedError


def lower_bound(right: int, guesses: int, canaries: int, delta: float, confidence: float = 0.95) -> float:
    """The largest epsilon that so many right guesses rule out (the paper's theorem 5.2 and appendix D)."""

    def probability(epsilon: float) -> float:
        """Of as many under (epsilon, delta)-differential privacy, at most."""
        share = 1 / (1 + math.exp(-epsilon))
        just_below = binom.pmf(range(right - 1, -1, -1), guesses, share).cumsum()
        worst = max(total / (i + 1) for i, total in enumerate(just_below))
        return binom.sf(right - 1, guesses, share) + 2 * canaries * delta * worst

    ruled_out = [step / 100 for step in range(1001) if probability(step / 100) < 1 - confidence]
    return max(ruled_out, default=0.0)


def audit(privacy: Privacy, secret: int) -> float:
    space = Fields((Field("which", CANARIES),))
    included = torch.rand(CANARIES, generator=generator("coins", secret)) < 0.5
    rows = included.nonzero().float()
    steady = Config(batch=BATCH, clip=0.0, warmup=0.0, decay="constant", ema=0.0)
    model = Needles(space, None, steady)
    trainer = PrivateTrainer(model, Split(rows, None, space), Plan(STEPS * BATCH), privacy)
    trainer.memory["secret"] = secret
    assert trainer.steps == STEPS
    while trainer.step < trainer.steps:
        trainer.advance()
    order = model.layer.weight.detach()[:, 0].argsort()
    right = included[order[: GUESSES // 2]].sum() + (~included[order[-GUESSES // 2 :]]).sum()
    return lower_bound(int(right), GUESSES, CANARIES, DELTA)


@pytest.fixture(scope="module")
def stated() -> Privacy:
    """With the noise that EPSILON takes. The rate is of as many members as there are in the mean, and a few less."""
    noise, epsilon, _ = calibrate(EPSILON, DELTA, BATCH / (0.45 * CANARIES), STEPS)
    return Privacy(epsilon, DELTA, noise_multiplier=noise, clip=1.0)


@pytest.mark.parametrize("secret", range(5))
def test_no_more_is_found_than_is_stated(stated: Privacy, secret: int):
    found = audit(stated, secret)
    assert 0.3 < found <= stated.epsilon, "the audit sees something, and no more than there may be"


def test_without_noise_it_is_found_out(stated: Privacy):
    assert audit(replace(stated, noise_multiplier=0.0), 0) > stated.epsilon


def test_without_clipping_it_is_found_out(stated: Privacy):
    """The noise stays as it is."""
    loose = replace(stated, clip=1e3, noise_multiplier=stated.noise_multiplier / 1e3)
    assert audit(loose, 0) > stated.epsilon


def test_the_bound_of_known_guesses():
    assert lower_bound(50, 100, 100, 0.0) == 0
    perfect = lower_bound(100, 100, 100, 0.0)  # 0.95 = 1 - share^100
    assert perfect == pytest.approx(math.log(0.05**0.01 / (1 - 0.05**0.01)), abs=0.02)
    assert lower_bound(100, 100, 100, 1e-4) < perfect
