"""bf16 where it is right, fp32 where it is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from anew.models import recipes
from anew.models.model import Turn
from anew.models.vae import VAE
from anew.rng import Rng
from anew.spaces import Batch
from anew.training import precision
from anew.training.precision import AGREEMENT, Speed, agreement, choose
from anew.training.trainer import Plan, Trainer
from toys import SPACES, home, tiny, toy_split

PLAN = Plan(10**6)


class WrongInHalf(VAE):
    """Its gradient points the other way in bf16."""

    def loss(self, batch: Batch, turn: Turn, rng: Rng) -> Tensor:
        sign = -1 if torch.is_autocast_enabled("cpu") else 1
        return sign * super().loss(batch, turn, rng)


def make(plan: Plan, wrong: bool = False, recipe: str = "vae", space: str = "fields") -> Trainer:
    model = tiny(recipe, SPACES[space])
    if wrong:
        model = WrongInHalf(model.space, None, model.config)
    return Trainer(model, toy_split(model.space), plan)


@pytest.fixture
def half_is_fast(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Pretends that bf16 takes a tenth of the time; the plans that were tried."""
    tried: list[Plan] = []

    def seconds(trainer: Trainer) -> float:
        tried.append(trainer.plan)
        return 0.1 if trainer.plan.precision == "bf16" else 1.0

    monkeypatch.setattr(precision, "seconds_per_step", seconds)
    return tried


@pytest.mark.parametrize("recipe", recipes())
def test_gradients_agree(recipe: str):
    assert agreement(make(PLAN, recipe=recipe, space=home(recipe))) > AGREEMENT


def test_gradients_that_do_not_agree():
    assert agreement(make(PLAN, wrong=True)) < -AGREEMENT


def test_the_fast_one_is_chosen_where_it_is_right(half_is_fast: list[Plan]):
    assert choose(make, PLAN).plan.precision == "bf16"
    assert {plan.precision for plan in half_is_fast} == {"fp32", "bf16"}


def test_the_right_one_is_chosen_where_the_fast_one_is_wrong(half_is_fast: list[Plan]):
    assert choose(lambda plan: make(plan, wrong=True), PLAN) == Speed(PLAN, 1.0)


def test_who_asks_for_one_gets_it(half_is_fast: list[Plan]):
    assert choose(lambda plan: make(plan, wrong=True), PLAN, "bf16").plan.precision == "bf16"
    assert {plan.precision for plan in half_is_fast} == {"bf16"}


def test_a_small_gain_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(precision, "seconds_per_step", lambda t: 0.97 if t.plan.precision == "bf16" else 1.0)
    assert choose(make, PLAN).plan.precision == "fp32"


def test_layouts_are_for_convolutions(monkeypatch: pytest.MonkeyPatch):
    tried: list[Any] = []
    monkeypatch.setattr(precision, "seconds_per_step", lambda t: tried.append(t.plan.channels_last) or 1.0)
    choose(make, PLAN, "fp32")
    assert set(tried) == {False}
    choose(lambda plan: make(plan, space="grey"), PLAN, "fp32")
    assert set(tried) == {False, True}


def test_measured_on_real_steps():
    assert 0 < choose(make, PLAN).seconds < 5
