"""Killed and resumed equals uninterrupted, bit for bit, for every recipe."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import anew
from anew.models import recipes
from anew.run import Run
from anew.training.checkpoint import load_checkpoint, save_checkpoint
from anew.training.trainer import Trainer
from toys import LABEL, SPACES, cases, home, tiny, trainer

STEPS = 6


def begin(recipe: str, space: str, told: bool, seed: int = 0, **plan: Any) -> Trainer:
    """The seed is that of the first weights, which a checkpoint replaces."""
    return trainer(tiny(recipe, SPACES[space], LABEL if told else None, seed), STEPS, **plan)


def go(session: Trainer, until: int = STEPS) -> Trainer:
    while session.step < until:
        session.advance()
    return session


def state(session: Trainer) -> dict[str, torch.Tensor]:
    """All that training goes on from, read without the help of what saves it."""
    tensors = dict(session.model.state_dict(prefix="model."))
    tensors |= session.ema.model.state_dict(prefix="average.")
    for turn, optimiser in session.optimisers.items():
        for kind, (part, _) in enumerate(optimiser.parts):
            for index, moments in part.state_dict()["state"].items():
                tensors |= {f"{turn}.{kind}.{index}.{name}": value for name, value in moments.items()}
    return tensors


def assert_same(a: Trainer, b: Trainer) -> None:
    one, other = state(a), state(b)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert a.step == b.step


@pytest.mark.parametrize(("recipe", "space", "told"), cases())
def test_resumed_is_uninterrupted(recipe: str, space: str, told: bool, tmp_path: Path):
    whole = go(begin(recipe, space, told))
    save_checkpoint(go(begin(recipe, space, told), 2), tmp_path / "state", 1.5)
    resumed = begin(recipe, space, told, seed=1)
    assert load_checkpoint(resumed, tmp_path / "state") == 1.5
    assert resumed.step == 2
    assert_same(go(resumed), whole)


@pytest.mark.parametrize("plan", [{"precision": "bf16"}, {"channels_last": True}])
@pytest.mark.parametrize("recipe", recipes())
def test_in_other_precisions_and_layouts(recipe: str, plan: dict[str, Any], tmp_path: Path):
    whole = go(begin(recipe, home(recipe), True, **plan))
    save_checkpoint(go(begin(recipe, home(recipe), True, **plan), 3), tmp_path / "state", 0)
    resumed = begin(recipe, home(recipe), True, seed=1, **plan)
    load_checkpoint(resumed, tmp_path / "state")
    assert_same(go(resumed), whole)


def test_with_dropout(tmp_path: Path):
    def dropping(seed: int = 0) -> Trainer:
        return trainer(tiny("flow_matching", SPACES["grey"], seed=seed, dropout=0.3), STEPS)

    whole = go(dropping())
    save_checkpoint(go(dropping(), 2), tmp_path / "state", 0)
    torch.rand(3)  # what the global generator did meanwhile has no part
    resumed = dropping(seed=1)
    load_checkpoint(resumed, tmp_path / "state")
    assert_same(go(resumed), whole)
    without = go(trainer(tiny("flow_matching", SPACES["grey"]), STEPS))
    assert not torch.equal(next(without.model.parameters()), next(whole.model.parameters()))


def test_with_muon(tmp_path: Path):
    def learning(seed: int = 0) -> Trainer:
        return trainer(tiny("vae", SPACES["grey"], seed=seed, muon=0.02, width=32), STEPS)

    whole = go(learning())
    save_checkpoint(go(learning(), 2), tmp_path / "state", 0)
    resumed = learning(seed=1)
    load_checkpoint(resumed, tmp_path / "state")
    assert_same(go(resumed), whole)


@pytest.mark.parametrize("recipe", recipes())
def test_stopped_before_the_first_step(recipe: str, tmp_path: Path):
    save_checkpoint(begin(recipe, home(recipe), False), tmp_path / "state", 0)
    resumed = begin(recipe, home(recipe), False, seed=1)
    load_checkpoint(resumed, tmp_path / "state")
    assert_same(go(resumed), go(begin(recipe, home(recipe), False)))


def train(recipe: str, out: Path) -> Run:
    settings = {"width": 8, "batch": 16}
    return anew.train("digits", recipe, size=1, examples=320, precision="fp32", out=out, settings=settings, show=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("recipe", ["vae", "gan"])
def test_signalled_and_called_again(
    recipe: str, number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = train(recipe, tmp_path / "whole")
    advance = Trainer.advance

    steps = []

    def signalled(self: Trainer) -> Any:
        steps.append(self.step)
        if steps == list(range(8)):
            os.kill(os.getpid(), number)
        return advance(self)

    monkeypatch.setattr(Trainer, "advance", signalled)
    stopped = train(recipe, tmp_path / "stopped")
    assert not stopped.finished
    assert steps == list(range(8))
    assert "not finished" in repr(stopped)
    assert len(stopped.sample(2)) == 2  # what there is can be looked at already
    resumed = train(recipe, tmp_path / "stopped")
    assert resumed.finished
    assert steps == list(range(20)), "nothing is done twice"
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    assert resumed.info["result"]["examples"] == whole.info["result"]["examples"]


def test_signal_handlers_are_given_back(tmp_path: Path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    train("vae", tmp_path / "run")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
