"""DP-SGD beside ordinary training; sampling, noise and clipping; what is promised, and what is refused."""

from __future__ import annotations

import copy
import json
import math
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from scipy.optimize import brentq
from scipy.stats import norm
from torch import Tensor

import anew
from anew.errors import AnewError
from anew.models.model import Model, Turn
from anew.run import Run
from anew.spaces import Batch
from anew.training import metrics
from anew.training.checkpoint import load_checkpoint, save_checkpoint
from anew.training.private import PrivateTrainer, poisson
from anew.training.private_account import calibrate, spent
from anew.training.private_promise import Privacy
from anew.training.trainer import Plan, Trainer
from toys import LABEL, SPACES, tiny, toy_split

NOTHING_DONE = {"noise_multiplier": 0.0, "clip": math.inf}


def private(model: Model, steps: int = 5, n: int = 64, secret: int = 0, **privacy: float) -> PrivateTrainer:
    rounds = max(model.turns.count(turn) for turn in model.turns)
    plan = Plan(steps * model.config.batch * rounds)
    data = toy_split(model.space, model.given, n)
    made = PrivateTrainer(model, data, plan, Privacy(3.0, 1e-5, **privacy))  # type: ignore[arg-type]
    made.memory["secret"] = secret
    return made


# --- beside ordinary training


@pytest.mark.parametrize(
    ("recipe", "space", "given"),
    [
        ("vae", "fields", True), ("vae", "tokens", False), ("autoregressive", "table", True),
        ("mixture", "table", False), ("flow_matching", "grey", False), ("gan", "grey", False), ("gan", "grey", True),
    ],
)  # fmt: skip
def test_without_noise_and_clipping_it_is_ordinary_training(recipe: str, space: str, given: bool):
    """On the same batches, and with the same random numbers."""
    model = tiny(recipe, SPACES[space], LABEL if given else None, lr=1e-2)
    twin = private(copy.deepcopy(model), 3, **NOTHING_DONE)
    rounds = max(model.turns.count(turn) for turn in model.turns)
    plain = Trainer(model, toy_split(model.space, model.given), Plan(3 * model.config.batch * rounds))
    for _ in range(3):
        plain.advance()
        shown = Trainer._batches(twin)
        twin._batches = lambda shown=shown: shown  # type: ignore[method-assign]
        twin.advance()
        for (name, ours), theirs in zip(twin.model.named_parameters(), plain.model.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4, msg=name)
        twin.model.load_state_dict(plain.model.state_dict())  # so that rounding does not grow


@pytest.mark.parametrize("recipe", ["vae", "autoregressive", "mixture"])
def test_gradients_without_noise_and_clipping(recipe: str):
    model = tiny(recipe, SPACES["table"])
    twin, plain = private(copy.deepcopy(model), **NOTHING_DONE), Trainer(model, toy_split(model.space), Plan(16))
    (batch,) = plain.batches()
    for trainer in (twin, plain):
        trainer.backward(0, Turn("fit", 0.5), batch, "fp32")
    for ours, theirs in zip(twin.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-6)


# --- clipping and noise


def gradient(trainer: PrivateTrainer, batch: Batch) -> Tensor:
    """The sum, before it is divided by the size of a batch."""
    trainer.backward(0, Turn("fit", 0.5), batch, "fp32")
    parts = [p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]
    trainer.model.zero_grad()
    return torch.cat(parts) * trainer.batch


def test_one_example_changes_the_sum_by_no_more_than_the_clip():
    trainer = private(tiny("mixture", SPACES["table"]), noise_multiplier=0.0, clip=0.05)
    batch = trainer.data.batch(torch.arange(16))
    whole = gradient(trainer, batch)
    for left_out in range(16):
        others = [i for i in range(16) if i != left_out]
        difference = whole - gradient(trainer, Batch(batch.x[others]))
        assert difference.norm().item() == pytest.approx(0.05, rel=1e-3)  # all of them are steeper


def test_the_mean_of_several_draws_is_clipped():
    """Each draws random numbers of its own; together they weigh as much as one."""
    once = private(tiny("vae", SPACES["table"]), noise_multiplier=0.0, clip=0.05)
    often = private(tiny("vae", SPACES["table"]), noise_multiplier=0.0, clip=0.05, repeats=50)
    one = once.data.batch(torch.arange(1))
    assert gradient(often, one).norm().item() == pytest.approx(0.05, rel=1e-3)
    often.privacy = replace(often.privacy, clip=math.inf)
    once.privacy = often.privacy
    means = [gradient(often, one) for often.step in (0, 1)]
    singles = []
    for once.step in range(50):
        once.privacy = replace(once.privacy, repeats=1)
        singles.append(gradient(once, one))
    apart = (means[0] - means[1]).norm()
    assert apart < 0.5 * torch.stack([(a - b).norm() for a, b in pairwise(singles)]).mean()
    assert (means[0] - torch.stack(singles).mean(0)).norm() < 2 * apart


def test_a_gradient_below_the_clip_stays_as_it_is():
    trainer = private(tiny("mixture", SPACES["table"]), noise_multiplier=0.0, clip=1e3)
    batch = trainer.data.batch(torch.arange(16))
    free = private(tiny("mixture", SPACES["table"]), **NOTHING_DONE)
    torch.testing.assert_close(gradient(trainer, batch), gradient(free, batch))


def test_noise_is_as_large_as_was_said():
    trainer = private(tiny("vae", SPACES["table"], width=64), noise_multiplier=3.0, clip=0.5)
    nobody = trainer.data.batch(torch.arange(0))
    noise = gradient(trainer, nobody)
    assert len(noise) > 20_000
    assert noise.std().item() == pytest.approx(1.5, rel=0.03)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.05)
    trainer.step = 1
    again = gradient(trainer, nobody)
    assert torch.corrcoef(torch.stack([noise, again]))[0, 1].abs() < 0.05, "each step has noise of its own"


def test_an_example_without_a_finite_gradient_has_no_say(monkeypatch: pytest.MonkeyPatch):
    trainer = private(tiny("mixture", SPACES["table"]), noise_multiplier=0.0)
    batch, loss = trainer.data.batch(torch.arange(8)), trainer.model.loss
    wanted = gradient(trainer, Batch(batch.x[:6]))
    steep = torch.tensor([1.0] * 6 + [math.nan, math.inf])
    monkeypatch.setattr(trainer.model, "loss", lambda b, *rest: loss(b, *rest) * steep[: b.size])
    torch.testing.assert_close(gradient(trainer, batch), wanted)


def test_batches_may_be_empty():
    trainer = private(tiny("vae", SPACES["table"], batch=1), steps=20)
    sizes = [next(trainer._batches()).size for trainer.step in range(20)]
    assert 0 in sizes
    trainer.step = 0
    while trainer.step < trainer.steps:
        trainer.advance()
    assert all(parameter.isfinite().all() for parameter in trainer.model.parameters())


def test_losses_are_not_shown():
    assert private(tiny("vae", SPACES["table"])).advance() == {}


def test_the_generator_of_a_gan_sees_no_data():
    trainer = private(tiny("gan", SPACES["grey"]))
    shown = dict(zip(trainer.model.turns, trainer._batches(), strict=True))
    assert shown["discriminator"].x.isfinite().all()
    assert shown["generator"].x.isnan().all()
    assert trainer.releases == trainer.steps
    assert private(tiny("gan", SPACES["grey"], LABEL)).releases == 2 * trainer.steps  # it is told what is given
    twice = private(tiny("gan", SPACES["grey"], critic_steps=2))
    assert twice.releases == 2 * twice.steps


# --- sampling


def test_poisson_samples():
    n, rate, draws = 200, 0.1, 2_000
    taken = torch.zeros(draws, n)
    for draw in range(draws):
        rows = poisson(n, rate, "a", draw)
        assert len(rows.unique()) == len(rows)
        taken[draw, rows] = 1
    sizes = taken.sum(1)
    assert sizes.mean().item() == pytest.approx(n * rate, abs=0.5)
    assert sizes.var().item() == pytest.approx(n * rate * (1 - rate), rel=0.15)
    assert taken.mean(0).sub(rate).abs().max() < 5 * math.sqrt(rate * (1 - rate) / draws)
    together = torch.corrcoef(taken.T)
    assert (together - torch.eye(n)).abs().max() < 0.15, "whether one is in says nothing of another"


def test_poisson_samples_follow_from_their_keys():
    assert torch.equal(poisson(1000, 0.1, 1, 2), poisson(1000, 0.1, 1, 2))
    assert not torch.equal(poisson(1000, 0.1, 1, 2), poisson(1000, 0.1, 1, 3))
    assert len(poisson(10, 1.0, 0)) == 10


def test_each_turn_has_a_sample_of_its_own():
    trainer = private(tiny("gan", SPACES["grey"], LABEL))
    first, second = trainer._batches()
    assert not torch.equal(first.x, second.x)


# --- the account


@pytest.mark.parametrize(("noise", "steps"), [(2.0, 1), (5.0, 1), (5.0, 10)])
def test_without_sampling_it_is_the_gaussian_mechanism(noise: float, steps: int):
    """Balle and Wang 2018, theorem 8, solved for epsilon."""
    mu, delta = math.sqrt(steps) / noise, 1e-5

    def excess(epsilon: float) -> float:
        above = norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
        return above - delta

    exact = brentq(excess, 0, 50)
    assert exact <= spent([(noise, 1.0, steps)], delta) <= exact + 0.03


@pytest.mark.parametrize(
    ("noise", "rate", "steps", "delta", "least", "most"),
    [
        (4.0, 0.01, 10_000, 1e-5, 0.94, 1.26),  # Abadi et al. 2016, section 3.2: 1.26 by moments
        (1.3, 250 / 60_000, 3_600, 1e-5, 0.85, 1.18),  # the tutorial of TensorFlow Privacy: 1.18 by Renyi divergence
        (1.1, 256 / 60_000, 14_040, 1e-5, 2.379, 2.40),  # dp-accounting 0.6: 2.3796 by privacy loss distributions
        (1.0, 0.0064, 5_000, 4e-6, 2.685, 2.71),  # the same: 2.6854
    ],
)
def test_figures_of_others(noise: float, rate: float, steps: int, delta: float, least: float, most: float):
    assert least <= spent([(noise, rate, steps)], delta) <= most


@pytest.mark.parametrize("epsilon", [3.0, 40.0])
def test_the_noise_that_is_found_is_enough_and_not_much_more(epsilon: float):
    found = calibrate(epsilon, 1e-5, 0.1, 20)
    assert found.epsilon <= epsilon
    assert spent([(found.noise, 0.1, 20)], 1e-5) == found.epsilon
    assert spent([(found.noise / 1.02, 0.1, 20)], 1e-5) > epsilon
    assert "opacus" in found.accountant


def test_more_noise_spends_less_and_more_steps_or_examples_spend_more():
    usual = spent([(2.0, 0.1, 10)], 1e-5)
    assert spent([(3.0, 0.1, 10)], 1e-5) < usual < spent([(2.0, 0.1, 20)], 1e-5)
    assert usual < spent([(2.0, 0.2, 10)], 1e-5)


def test_too_little_epsilon():
    with pytest.raises(AnewError, match="ask for a larger one"):
        calibrate(1e-7, 1e-5, 0.1, 10)


def test_opacus_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    with pytest.raises(AnewError, match=r"pip install 'anew\[private\]'"):
        calibrate(3.0, 1e-5, 0.1, 10)


# --- the secret


def test_another_secret_is_another_run():
    a, b, c = (private(tiny("vae", SPACES["table"]), secret=secret) for secret in (1, 1, 2))
    for trainer in (a, b, c):
        trainer.advance()
    first, second, third = (torch.cat([p.flatten() for p in trainer.model.parameters()]) for trainer in (a, b, c))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_all_that_is_random_follows_from_the_secret():
    a, b = (private(tiny("mixture", SPACES["table"]), secret=secret) for secret in (1, 2))
    nobody, somebody = a.data.batch(torch.arange(0)), a.data.batch(torch.arange(8))
    assert not torch.equal(gradient(a, nobody), gradient(b, nobody)), "noise"
    assert not torch.equal(next(a._batches()).x, next(b._batches()).x), "samples"
    a, b = (private(tiny("vae", SPACES["table"]), secret=secret, **NOTHING_DONE) for secret in (1, 2))
    assert not torch.equal(gradient(a, somebody), gradient(b, somebody)), "what the model draws"


@pytest.mark.parametrize("recipe", ["vae", "autoregressive"])
def test_resumed_bit_for_bit(recipe: str, tmp_path: Path):
    """The secret comes with the checkpoint; dropout is random, too."""
    changes = {"dropout": 0.5} if recipe == "autoregressive" else {}
    whole = private(tiny(recipe, SPACES["table"], LABEL, **changes), 6, secret=5)
    for step in range(6):
        if step == 3:
            save_checkpoint(whole, tmp_path / "state", 0)
        whole.advance()
    resumed = private(tiny(recipe, SPACES["table"], LABEL, seed=1, **changes), 6, secret=6)
    load_checkpoint(resumed, tmp_path / "state")
    while resumed.step < resumed.steps:
        resumed.advance()
    for ours, theirs in zip(resumed.ema.model.state_dict().values(), whole.ema.model.state_dict().values()):
        assert torch.equal(ours, theirs)


def test_the_secret_is_forgotten_with_the_last_step(tmp_path: Path):
    trainer = private(tiny("vae", SPACES["table"]), 2, secret=123_456_789)
    trainer.advance()
    save_checkpoint(trainer, tmp_path / "on the way", 0)
    trainer.advance()
    save_checkpoint(trainer, tmp_path / "over", 0)
    assert b"123456789" in (tmp_path / "on the way").read_bytes()
    assert b"123456789" not in (tmp_path / "over").read_bytes()


# --- runs


def train(out: str | Path = "run", **changes: Any) -> Run:
    arguments: dict[str, Any] = {"model": "vae", "size": 1, "examples": 640, "private": 30.0, "show": False}
    settings = {"width": 4, "network": "mlp", "batch": 64, "private.codec": "public"} | changes.pop("settings", {})
    settings = {name: value for name, value in settings.items() if value is not None}
    return anew.train("digits", out=out, **{**arguments, **changes}, settings=settings)


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_elsewhere")
def test_a_run_states_what_it_promises():
    run = train(settings={"private.clip": 0.5})
    told = json.loads(Path("run/run.json").read_text())["privacy"]
    n = run.info["source"]["train"]
    assert told["unit"].startswith("one example")
    assert 29 < told["epsilon"] <= 30
    assert told["delta"] == pytest.approx(1 / (10 * n))
    assert told["sampling_rate"] == pytest.approx(64 / n)
    assert (told["clip"], told["steps"]) == (0.5, 10)
    assert spent([(told["noise_multiplier"], 64 / n, 10)], told["delta"]) == told["epsilon"]
    assert "opacus" in told["accountant"]
    assert any("codec" in line for line in told["not_covered"])
    assert run.info["model"]["configuration"]["guard"] is False
    assert len(run.sample(2)) == 2


@pytest.mark.usefixtures("_elsewhere")
def test_a_batch_of_more_than_there_are_is_of_all():
    told = train(settings={"batch": 5000}, examples=10_000).info["privacy"]
    assert (told["sampling_rate"], told["steps"]) == (1.0, 2)


@pytest.mark.usefixtures("_elsewhere")
def test_a_run_holds_no_losses_and_no_secret():
    run = train()
    assert all(record.keys() == {"examples", "seconds", "examples_per_second"} for record in metrics.read(run.metrics))
    with safe_open(run.checkpoint, "pt") as file:
        assert "secret" not in json.loads(file.metadata()["memory"])


@pytest.mark.usefixtures("_elsewhere")
def test_the_same_call_twice_has_other_noise():
    first, second = train("a"), train("b")
    assert first.info["privacy"] == second.info["privacy"]
    assert first.weights.read_bytes() != second.weights.read_bytes()


@pytest.mark.usefixtures("_elsewhere")
def test_stopped_and_called_again(monkeypatch: pytest.MonkeyPatch):
    advance = PrivateTrainer.advance

    def stopped(self: PrivateTrainer) -> dict[str, Tensor]:
        if self.step == 4:
            raise KeyboardInterrupt
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(PrivateTrainer, "advance", stopped)
        with pytest.raises(KeyboardInterrupt):
            train()
    assert train().finished
    with pytest.raises(AnewError, match=r"private: 30\.0 there, 2\.0 here"):
        train(private=2.0)
    with pytest.raises(AnewError, match="asked for otherwise"):
        train(private=None, settings={"private.codec": None})


@pytest.mark.usefixtures("_elsewhere")
def test_minutes_are_of_private_steps():
    run = train(examples=None, minutes=0.01)
    assert run.info["privacy"]["steps"] == run.info["training"]["examples"] // 64
    assert run.info["training"]["precision"] == "fp32"


@pytest.mark.usefixtures("_elsewhere")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"private": 0.0}, "private cannot be 0.0; expected a number above 0"),
        ({"private": math.nan}, "private cannot be nan"),
        ({"private": None}, "private.codec is a setting of private training; ask for it: --private 3"),
        ({"settings": {"private.codec": None}}, "what the codec learned of the data.*--set private.codec=public"),
        ({"settings": {"private.codec": "yes"}}, "private.codec cannot be 'yes'; it is 'public', or left out"),
        ({"settings": {"private.clib": 1}}, "did you mean 'private.clip'"),
        ({"settings": {"private.clip": 0}}, "private.clip cannot be '0'"),
        ({"settings": {"private.clip": "much"}}, "private.clip cannot be 'much'"),
        ({"settings": {"private.repeats": 1.5}}, "private.repeats cannot be '1.5'; expected a whole number"),
        ({"settings": {"private.delta": 1}}, "private.delta cannot be '1'; expected a number above 0 and below 1"),
        ({"settings": {"guard": True}}, "the guard looks at the examples"),
        ({"precision": "bf16"}, "private training is in fp32"),
        ({"devices": 2}, "on one device; leave out --devices"),
        ({"inside": "other"}, "leave out --in"),
        ({"model": "dcgan", "settings": {"network": None}}, "GAN has batch norm.*choose another --model, such as vae"),
        ({"model": "realnvp", "settings": {"network": None}}, "Flow cannot be trained privately"),
        ({"private": 1e-6}, "takes more noise than there is"),
    ],
)
def test_what_would_not_be_private_is_refused(changes: dict[str, Any], message: str):
    with pytest.raises(AnewError, match=message) as caught:
        train(**changes)
    assert "\n" not in str(caught.value)
    assert not Path("run/run.json").exists()
