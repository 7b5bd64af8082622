"""One step: rates, skipped gradients, divergence."""

from __future__ import annotations

import copy

import pytest
import torch

from anew.training.trainer import Plan, Trainer
from toys import LABEL, SPACES, tiny, toy_split, trainer


def test_a_single_step_learns():
    begun = trainer(tiny("vae", SPACES["fields"]), 1)
    before = copy.deepcopy(begun.model.state_dict())
    begun.advance()
    assert any(not torch.equal(before[name], now) for name, now in begun.model.state_dict().items())


def test_two_trainers_of_one_seed_are_one():
    a, b = (trainer(tiny("vae", SPACES["grey"], LABEL), 3) for _ in range(2))
    torch.manual_seed(1)
    first = [a.advance()["loss"] for _ in range(3)]
    torch.manual_seed(2)
    torch.rand(5)
    assert [b.advance()["loss"] for _ in range(3)] == first


def test_another_seed_is_another_run():
    a, b = (trainer(tiny("vae", SPACES["fields"]), 3, seed=seed) for seed in (0, 1))
    assert a.advance()["loss"] != b.advance()["loss"]


def test_budget_in_examples():
    split = toy_split(SPACES["grey"])
    assert Trainer(tiny("vae", SPACES["grey"]), split, Plan(160)).steps == 10
    critic_twice = Trainer(tiny("wgan", SPACES["grey"]), split, Plan(320))
    assert critic_twice.rounds == 2
    assert critic_twice.steps == 10
    critic_twice.advance()
    assert critic_twice.examples == 32
    assert Trainer(tiny("vae", SPACES["grey"]), split, Plan(1)).steps == 1


def test_fewer_examples_than_a_batch():
    few = Trainer(tiny("vae", SPACES["grey"]), toy_split(SPACES["grey"], n=3), Plan(64))
    assert few.advance()["loss"].isfinite()
    assert few.batches()[0].size == few.config.batch


def test_a_turn_that_plays_twice_sees_two_batches():
    session = trainer(tiny("wgan", SPACES["grey"]), 3)
    batches = list(session._batches())
    assert not torch.equal(batches[0].x, batches[1].x)
    assert torch.equal(batches[0].x, batches[2].x)  # the generator's first is the step's first


def test_a_gradient_that_is_not_finite_is_skipped(monkeypatch: pytest.MonkeyPatch):
    session = trainer(tiny("vae", SPACES["fields"], ema=0.0), 50)
    session.advance()
    loss = session.model.loss
    monkeypatch.setattr(session.model, "loss", lambda *a: loss(*a) * float("inf"))
    before = copy.deepcopy(session.model.state_dict())
    session.advance()
    assert all(torch.equal(before[name], now) for name, now in session.model.state_dict().items())
    assert session.skipped == 1
    monkeypatch.undo()
    session.advance()
    assert session.skipped == 0


def test_clipping_bounds_the_gradient():
    model = tiny("vae", SPACES["fields"], clip=1e-3, warmup=0.0, betas="0,0", decay="constant")
    session = trainer(model, 10)
    session.advance()
    moments = [state["exp_avg"].norm() for state in session.optimisers["fit"].parts[0][0].state.values()]
    assert torch.stack(moments).norm().item() == pytest.approx(1e-3, rel=1e-3)
