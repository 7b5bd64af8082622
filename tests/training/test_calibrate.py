"""A model becomes as sure as it should be of examples that it has not learned from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from anew.codecs.dataset import Split
from anew.models import build
from anew.nn.temperature import Temperature, temperatures
from anew.rng import Rng
from anew.spaces import Tokens
from anew.training.calibrate import calibrate
from anew.training.guard import Guard
from anew.training.trainer import Plan, Trainer

P = torch.tensor([0.5, 0.3, 0.15, 0.05])


def losses(temperature: Temperature, logits: Tensor, calls: int) -> list[float]:
    """What `calibrate` says, call after call, where codes are drawn by P; a part for each."""

    def parts() -> Iterator[Tensor]:
        for code, p in enumerate(P):
            yield -p * temperature(logits).log_softmax(0)[code]

    return [calibrate(temperature, parts) for _ in range(calls)]


def test_one_that_is_twice_too_sure():
    temperature = Temperature().eval()
    found = losses(temperature, 2 * P.log(), 6)
    assert torch.allclose(temperature.inverse, torch.tensor(0.5), atol=1e-4)
    assert found == sorted(found, reverse=True)
    assert abs(found[-1] - torch.distributions.Categorical(P).entropy()) < 1e-6


def test_one_that_is_far_from_sure_enough():
    temperature = Temperature().eval()
    losses(temperature, 0.1 * P.log(), 12)
    assert torch.allclose(temperature.inverse, torch.tensor(10.0), rtol=1e-3)


def test_one_that_says_nothing_stays_as_it_is():
    temperature = Temperature().eval()
    losses(temperature, torch.zeros(4), 3)
    assert temperature.inverse == 1


def test_a_model_without_temperature():
    assert calibrate(nn.Linear(2, 1), lambda: [torch.tensor(3.0), torch.tensor(0.5)]) == 3.5


def test_while_learning_it_is_one():
    temperature, logits = Temperature(), torch.randn(5)
    temperature.inverse.fill_(0.5)
    assert torch.equal(temperature.train()(logits), logits)
    assert torch.equal(temperature.eval()(logits), logits / 2)


def test_what_is_learned_by_heart_is_sure_of_nothing_else(tmp_path: Path):
    """Codes at random. The average and what is trained on have the same, and the best state has it, too."""
    space = Tokens(8, 12)
    train, held_out = (Split(torch.randint(1, 9, (64, 12)), None, space) for _ in range(2))
    model = build("autoregressive", space, None, 1, {"batch": 16})
    session = Trainer(model, train, Plan(16 * 150))
    for _ in range(150):
        session.advance()
    guard, average = Guard(session, held_out, tmp_path), session.ema.model
    for _ in range(6):
        guard.judge(None)
    (inverse,) = temperatures(average)
    assert inverse < 0.3
    assert temperatures(model) == [inverse]
    assert load_file(guard.best)["network.temperature.inverse"] < 0.3
    x = held_out.batch(torch.arange(64)).x
    calibrated = average.log_prob(x, None, Rng.for_step(batch=64)).mean()
    inverse.fill_(1.0)
    assert calibrated > average.log_prob(x, None, Rng.for_step(batch=64)).mean() + 1
