"""Each signal is provoked by a real small run and mended or told; healthy runs are left alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import anew
from anew.errors import AnewError
from anew.models.gan import GAN
from anew.models.vae import VAE
from anew.rng import Rng
from anew.run import Run
from anew.spaces import Batch
from anew.training.checkpoint import save_checkpoint
from anew.training.guard import ACTIONS, Guard
from anew.training.remedies import SIGNALS
from anew.training.signals import View, energy_distance, memorised, spread, vendi
from anew.training.trainer import Trainer
from toys import SPACES, tiny, toy, toy_split, trainer

SMALL = {"vae": {"width": 8, "batch": 32}, "dcgan": {"width": 8, "batch": 32}, "gan": {"width": 8, "batch": 32}}


def train(model: str, out: Path, examples: int = 32 * 200, source: str | Path = "digits", **settings: Any) -> Run:
    settings = SMALL.get(model, {}) | settings
    return anew.train(
        source, model, size=1, examples=examples, precision="fp32", out=out, settings=settings, show=False
    )


def events(run: Run) -> list[tuple[str, str]]:
    return [(event["signal"], event["did"]) for event in run.info.get("guard", [])]


# --- silence


@pytest.mark.parametrize(
    ("model", "settings", "steps"),
    [("vae", {}, 200), ("dcgan", {}, 1000), ("flow_matching", {"width": 8, "blocks": 1, "steps": 4, "batch": 32}, 200)],
)
def test_silent_on_a_healthy_run(model: str, settings: dict[str, Any], steps: int, tmp_path: Path):
    run = train(model, tmp_path / "run", 32 * steps, **settings)
    assert "guard" not in run.info
    assert "stopped" not in run.info
    assert [path.name for path in run.checkpoint.parent.iterdir()] == [run.checkpoint.name]


@pytest.mark.slow
def test_the_demo_is_not_stopped(tmp_path: Path):
    """Its discriminator overfits in time, which augmentation mends; its samples are good, and the last ones best."""
    run = anew.train("digits", "dcgan", given="label", size=2, examples=400_000, out=tmp_path / "run", show=False)
    assert "stopped" not in run.info
    assert run.info["result"]["examples"] >= 400_000 - run.info["model"]["configuration"]["batch"]


TALE = "".join(f"{a} and {b} went to the {c}.\n" for a in "ABCDEF" for b in "GHIJKL" for c in ("sea", "moon", "zoo"))
LETTERS = {"width": 16, "layers": 1, "context": 32, "batch": 16, "codec.length": 32}


def test_silent_where_held_out_text_is_learned_too(tmp_path: Path):
    (tmp_path / "tale.txt").write_text(TALE)
    run = train("autoregressive", tmp_path / "run", 16 * 150, tmp_path / "tale.txt", **LETTERS)
    assert "guard" not in run.info


# --- signals


def test_what_is_learned_by_heart_is_stopped_with_the_best_state(tmp_path: Path):
    """Letters at random: nothing of them can be learned but themselves."""
    letters = np.random.default_rng(0).choice(list("abcdefgh"), 1200)
    (tmp_path / "noise.txt").write_text("".join(letters))
    larger = LETTERS | {"width": 64, "layers": 2, "dropout": 0, "muon": 0.05}
    run = train("autoregressive", tmp_path / "run", 16 * 600, tmp_path / "noise.txt", **larger)
    assert events(run)[0][0] == "overfitting"
    assert "held-out examples lose" in run.info["stopped"]
    assert run.info["result"]["examples"] < 16 * 600


def test_not_finite_goes_back_and_slows_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    loss, calls = VAE.loss, []

    def poisoned(self: VAE, *arguments: Any) -> Tensor:
        calls.append(1)
        return loss(self, *arguments) * (float("nan") if 100 < len(calls) <= 103 else 1)

    monkeypatch.setattr(VAE, "loss", poisoned)
    run = train("vae", tmp_path / "run")
    assert events(run) == [
        ("not finite", "went back to the state of 3,200 examples, with a tenth of the rate (0.0001)")
    ]
    assert run.finished
    assert "stopped" not in run.info
    assert all(parameter.isfinite().all() for parameter in run.model.parameters())


def test_one_gradient_that_is_not_finite_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    loss, calls = VAE.loss, []

    def poisoned(self: VAE, *arguments: Any) -> Tensor:
        calls.append(1)
        return loss(self, *arguments) * (float("inf") if len(calls) % 50 == 0 else 1)

    monkeypatch.setattr(VAE, "loss", poisoned)
    assert not events(train("vae", tmp_path / "run"))


def test_a_rate_that_never_works_is_an_error(tmp_path: Path):
    with pytest.raises(AnewError, match=r"^training diverged: no finite gradient.*try --set lr=[^\n]*$"):
        train("vae", tmp_path / "run", lr=1e30, clip=0)


def test_a_rate_of_one_is_seen_and_lowered(tmp_path: Path):
    run = train("vae", tmp_path / "run", 32 * 400, lr=1)
    assert run.finished
    assert any("a tenth of the rate" in did for _, did in events(run)), events(run)


def test_posterior_collapse_warms_up_again(tmp_path: Path):
    run = train("vae", tmp_path / "run", beta=500, kl_warmup=0, latent=8)
    assert events(run)[0][0] == "posterior collapse"
    assert "the KL term grows anew" in events(run)[0][1]


def test_a_discriminator_twenty_times_too_strong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    begin = GAN.__init__

    def strong(self: GAN, *arguments: Any) -> None:
        begin(self, *arguments)
        self.dials["discriminator_rate"] = 20.0

    monkeypatch.setattr(GAN, "__init__", strong)
    run = train("gan", tmp_path / "run", loss="minimax", width=16, batch=64, examples=64 * 400)
    assert ("generator's gradient vanishes", "changed to the relativistic loss") in events(run)


def test_mode_collapse_goes_back_with_more_penalty_then_stops(tmp_path: Path):
    run = train("gan", tmp_path / "run", loss="minimax", critic_steps=8, width=16, examples=32 * 8 * 800)
    collapsed = [did for name, did in events(run) if name == "mode collapse"]
    assert "2 times the gradient penalty" in collapsed[0]


def test_one_kind_of_samples_that_are_all_the_same_is_a_collapse(tmp_path: Path):
    """As seen on crops of photographs: one of seven kinds was always the same picture, in a fifth of the samples."""
    session = trainer(tiny("dcgan", SPACES["grey"]), 1000)
    guard, x = Guard(session, toy_split(SPACES["grey"]), tmp_path), toy(SPACES["grey"], 64)[0]
    save_checkpoint(session, tmp_path / "state", 0)
    guard.keep(tmp_path / "state")
    session.step = 600
    assert guard.judge(x) is None
    x[:13] = x[0]
    event = guard.judge(x)
    assert event is not None
    assert event.signal == "mode collapse"
    assert event.saw.startswith("20% of the samples have a twin (0%")


def test_a_short_training_that_ends_narrow_is_told(tmp_path: Path):
    """While it is young, samples may be poor; there is nothing to go back to."""
    session = trainer(tiny("dcgan", SPACES["grey"]), 100)
    guard, x = Guard(session, toy_split(SPACES["grey"]), tmp_path), toy(SPACES["grey"], 64)[0]
    x[:] = x[0]
    session.step = 90
    assert guard.judge(x) is None
    session.step = session.steps
    event = guard.judge(x)
    assert event is not None
    assert event.signal == "mode collapse"
    assert event.did.startswith("too late to mend it; train for longer, or try --set lr=")


def few_pictures(folder: Path, n: int) -> Path:
    """`n` handwritten digits, of which 80 % are trained on."""
    folder.mkdir()
    import PIL.Image

    for i, picture in enumerate(load_digits().images[:n]):
        PIL.Image.fromarray((picture * 15.9).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def test_learning_eight_pictures_by_heart_is_stopped(tmp_path: Path):
    source = few_pictures(tmp_path / "pictures", 10)
    settings = {"width": 16, "blocks": 1, "batch": 32, "given_dropout": 0.0}
    run = train("flow_matching", tmp_path / "run", 32 * 600, source, **settings)
    assert events(run)[-1][0] == "memorisation"
    assert "stopped, with the best state so far" in events(run)[-1][1]
    assert "more data would help" in run.info["stopped"]
    assert run.finished
    assert run.info["result"]["examples"] < 32 * 600


def test_an_overfitting_discriminator_sees_augmented_pictures(tmp_path: Path):
    source = few_pictures(tmp_path / "pictures", 60)
    run = train("dcgan", tmp_path / "run", 32 * 700, source, width=16, lr=1e-3)
    assert ("discriminator overfits", "shows it augmented examples from now on (30%)") in events(run), events(run)


def test_samples_that_move_away_from_data_go_back(tmp_path: Path):
    """As varied as ever, but elsewhere."""
    session = trainer(tiny("vae", SPACES["grey"]), 10)
    guard = Guard(session, toy_split(SPACES["grey"]), tmp_path)
    save_checkpoint(session, tmp_path / "state", 0)
    x = toy(SPACES["grey"], 64)[0]
    assert guard.judge(x) is None
    guard.keep(tmp_path / "state")
    before = {name: value.clone() for name, value in session.model.state_dict().items()}
    session.advance()
    event = guard.judge(-x)
    assert event is not None
    assert event.signal == "divergence"
    assert event.did == "went back to the state of 0 examples, with a tenth of the rate (0.0001)"
    assert session.slower == 0.1
    assert all(torch.equal(value, before[name]) for name, value in session.model.state_dict().items())


def test_the_best_is_the_latest_that_chance_cannot_tell_from_the_nearest(tmp_path: Path):
    session = trainer(tiny("vae", SPACES["grey"]), 10)
    guard = Guard(session, toy_split(SPACES["grey"]), tmp_path)
    assert guard.chance > 0
    guard._keep_best(0.01)
    session.step = 1
    guard._keep_best(0.01 + guard.chance / 2)
    assert guard.memory["best"] == session.examples > 0
    session.step = 2
    guard._keep_best(0.01 + 2 * guard.chance)
    assert guard.memory["best"] == session.stride, "this one is worse"
    assert guard.memory["nearest"] == 0.01


def test_the_discriminator_is_examined_on_what_it_sees():
    """Or augmentation could never calm the alarm that raised it."""
    model = tiny("dcgan", SPACES["grey"]).eval()
    x = toy(SPACES["grey"], 32)[0]
    seen: list[Tensor] = []
    assert isinstance(model, GAN)
    model.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    for share in (0.0, 1.0):
        model.dials["augmented"] = share
        with torch.no_grad():
            model.examine(Batch(x), Batch(x), Rng.for_step(0, batch=32))
        assert torch.equal(seen[-1], x) == (share == 0)


# --- acting


def test_after_three_actions_it_stops_with_the_best_state(tmp_path: Path):
    run = train("vae", tmp_path / "run", beta=5000, kl_warmup=0, latent=8, lr=3e-3, examples=32 * 600)
    found = events(run)
    assert len(found) == ACTIONS + 1
    assert found[-1][1].startswith("stopped, with the best state so far")
    assert run.finished
    assert run.info["result"]["examples"] < 32 * 600
    again = train("vae", tmp_path / "run", beta=5000, kl_warmup=0, latent=8, lr=3e-3, examples=32 * 600)
    assert events(again) == found, "a run that was stopped is finished"
    assert len(again.sample(2)) == 2


def test_it_can_be_told_to_leave_a_run_alone(tmp_path: Path):
    assert not events(train("vae", tmp_path / "run", beta=500, kl_warmup=0, latent=8, guard=False))


def test_killed_and_resumed_is_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With actions before and after, and a checkpoint in between."""
    settings = {"beta": 500, "kl_warmup": 0, "latent": 8}
    whole = train("vae", tmp_path / "whole", **settings)
    advance = Trainer.advance

    def signalled(self: Trainer) -> Any:
        if self.step in (55, 90, 130) and self.step not in done:
            done.add(self.step)
            os.kill(os.getpid(), signal.SIGINT)
        return advance(self)

    done: set[int] = set()
    monkeypatch.setattr(Trainer, "advance", signalled)
    for _ in range(4):
        run = train("vae", tmp_path / "parts", **settings)
    assert run.finished
    assert events(run) == events(whole)
    assert run.weights.read_bytes() == whole.weights.read_bytes()


def test_every_signal_gives_advice():
    assert all(advice for _, advice in SIGNALS.values())


# --- what is measured


@pytest.mark.parametrize("space", SPACES)
def test_views_of_any_space(space: str):
    x, label = toy(SPACES[space], 64)
    seen = View(SPACES[space])(x)
    assert seen.shape[0] == 64
    assert seen.isfinite().all()
    one, other = (seen[label[:, 0] == kind] for kind in (0, 1))
    assert spread(one) < spread(seen)
    assert energy_distance(one, other) > energy_distance(one[::2], one[1::2]) + 0.1


def test_projection_keeps_distances():
    from anew.spaces import Grid

    space = Grid(3, (32, 32))
    x = space.random(20, torch.Generator().manual_seed(0))
    ratio = torch.pdist(View(space)(x)) / torch.pdist(x.flatten(1))
    assert (ratio - 1).abs().max() < 0.2


def test_vendi_counts():
    kinds = 100 * torch.eye(5).repeat(4, 1)
    assert vendi(kinds, 1.0) == pytest.approx(5, rel=1e-3)
    assert vendi(torch.zeros(8, 3), 1.0) == pytest.approx(1, rel=1e-3)


def test_memorised_counts_copies():
    train, other = (torch.randn(200, 20, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    assert memorised(other, train) == 0
    assert memorised(torch.cat([train[:50] + 0.01, other[:50]]), train) == 0.5
    assert memorised(other, train[:1]) == 0
