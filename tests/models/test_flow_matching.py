"""The solvers and guidance of flow matching, and what `auto` chooses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from anew.codecs.dataset import Split
from anew.errors import AnewError
from anew.models import build, recipes
from anew.models.auto import SIZES, choose_recipe, choose_size, read_size
from anew.models.flow_matching import PREDICTIONS, SOLVERS, STRIDES, FlowMatching, FlowMatchingConfig
from anew.rng import Rng
from anew.spaces import Grid, Tokens
from anew.training.trainer import Plan, Trainer
from toys import LABEL, SPACES, energy_distance, home, tiny, toy, trainer


def error(solver: str, steps: int) -> float:
    """Of solving dx/dt = x + t from x(0) = 1 to 1; the answer is 2e - 2."""
    x = torch.ones(1)
    for i in range(steps):
        x = SOLVERS[solver](lambda x, t: x + t, x, i / steps, (i + 1) / steps)
    return abs(x.item() - (2 * math.e - 2))


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_order_of_the_solver(solver: str, order: int):
    assert math.log2(error(solver, 16) / error(solver, 32)) == pytest.approx(order, abs=0.15)


def test_guidance_moves_samples_and_1_is_none():
    session = trainer(tiny("flow_matching", SPACES["grey"], LABEL), 30)
    for _ in range(30):
        session.advance()
    given, drawn = torch.zeros(4, 1), {}
    for weight in (1.0, 1.0 + 1e-6, 4.0):
        guided = tiny("flow_matching", SPACES["grey"], LABEL, guidance=weight).eval()
        guided.load_state_dict(session.model.state_dict())
        with torch.no_grad():
            drawn[weight] = guided.sample(4, given, Rng.for_samples(0, range(4)))
    assert torch.allclose(drawn[1.0], drawn[1.0 + 1e-6], atol=1e-4)
    assert not torch.allclose(drawn[1.0], drawn[4.0], atol=1e-3)


class Known(FlowMatching):
    """With a velocity that is known: 1 + stride, wherever it is asked for, and twice that in the second half."""

    def _velocity(self, x: Tensor, t: Tensor, told: Tensor | None, stride: Tensor | None = None) -> Tensor:
        assert stride is not None
        return ((1 + stride) * (1 + (t >= 0.5))).view(-1, 1, 1, 1).expand_as(x).float()


def test_two_steps_in_one():
    model = Known(SPACES["grey"], None, FlowMatchingConfig(width=8, shortcut=0.5))
    x = torch.zeros(3, 1, 8, 8)
    t, stride = torch.tensor([0.0, 0.5, 0.3]), torch.tensor([0, 1, STRIDES])
    target = model._in_two_steps(torch.full_like(x, 7.0), x, t, stride, None)
    assert target[:, 0, 0, 0].tolist() == [(2 + 4) / 2, (6 + 6) / 2, 7]


def test_strides_start_at_their_multiples():
    model = tiny("shortcut", SPACES["grey"], shortcut=0.5)
    assert isinstance(model, FlowMatching)
    t, stride = model._shortcuts(torch.full((1000,), 0.3), Rng.for_step(0, batch=1000))
    taken = stride < STRIDES
    assert 0.4 < taken.float().mean() < 0.6
    assert (t[~taken] == 0.3).all()
    steps = t[taken] * 2.0 ** stride[taken]
    assert torch.equal(steps, steps.round())
    assert (t[taken] + 2.0 ** -stride[taken].float() <= 1).all()
    assert set(stride.tolist()) == set(range(STRIDES + 1))


@pytest.mark.parametrize(("steps", "passes"), [(1, 1), (2, 2), (4, 4), (8, 8), (3, 5), (16, 31)])
def test_passes_of_the_network_for_a_sample(steps: int, passes: int, monkeypatch: pytest.MonkeyPatch):
    model = tiny("shortcut", SPACES["grey"], steps=steps).eval()
    assert isinstance(model, FlowMatching)
    forward, calls = model.net.forward, []
    monkeypatch.setattr(model.net, "forward", lambda *a: (calls.append(1), forward(*a))[1])
    model.sample(2, None, Rng.for_samples(0, range(2)))
    assert len(calls) == passes


def test_a_shortcut_is_closer_to_many_steps_after_learning():
    """One step of a model that learned shortcuts against one Euler step of the velocity."""

    def one_step(share: float) -> Tensor:
        changes = {"shortcut": share, "steps": 1, "solver": "euler", "ema": 0.0, "lr": 3e-3}
        session = trainer(tiny("shortcut", SPACES["grey"], **changes), 400)
        while session.step < session.steps:
            session.advance()
        with torch.no_grad():
            return session.model.eval().sample(64, None, Rng.for_samples(0, range(64)))

    x = toy(SPACES["grey"], 64)[0]
    assert energy_distance(one_step(0.3), x) < energy_distance(one_step(0.0), x)


@pytest.mark.parametrize("predict", ["x", "velocity"])
def test_either_prediction_gives_the_same_field(predict: str):
    """At the same velocity: what the network would have to say differs, what is followed doesn't."""
    x, end, t = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4), torch.tensor([0.2, 0.5])
    velocity = (end - x) / (1 - t.view(-1, 1, 1, 1))
    assert torch.allclose(PREDICTIONS[predict](end if predict == "x" else velocity, x, t), velocity)


def test_unknown_prediction():
    with pytest.raises(AnewError, match="unknown prediction 'noise'"):
        tiny("flow_matching", SPACES["grey"], predict="noise")


def test_unknown_solver():
    with pytest.raises(AnewError, match="did you mean 'euler'"):
        tiny("flow_matching", SPACES["grey"], solver="eule")


def test_two_dimensions():
    with pytest.raises(AnewError, match="two dimensions"):
        build("flow_matching", Grid(1, (16,)), None, 1)


@pytest.mark.parametrize("space", [Grid(1, (8, 8)), Grid(3, (200, 100)), Grid(1, (64,)), Tokens(3, 4)], ids=str)
def test_auto_chooses_what_can_be_built(space: Grid | Tokens):
    recipe = choose_recipe(space, 5)
    assert recipe in recipes()
    assert build(recipe, space, None, 1).space == space
    assert choose_recipe(Grid(1, (28, 28)), 5) == "dcgan"
    assert choose_recipe(Grid(1, (28, 28)), 1) == "flow_matching"
    assert choose_recipe(Grid(3, (32, 32)), 5) == choose_recipe(Grid(1, (64, 64)), 5) == "flow_matching"


def test_sizes():
    chosen = [choose_size(minutes, Grid(1, (8, 8))) for minutes in (0.1, 1, 5, 60, 1e6)]
    assert chosen == sorted(chosen)
    assert set(chosen) <= set(SIZES)
    assert [read_size(str(size)) for size in SIZES] == list(SIZES)
    for text in ("0", "7", "", "large", "1.5"):
        with pytest.raises(AnewError, match="expected auto, or 1"):
            read_size(text)


COUNTED = ("erdos-renyi", "configuration-model", "block-model")  # as large as the data make them


@pytest.mark.parametrize("recipe", sorted(recipes().keys() - {"independent", *COUNTED}))
def test_larger_is_larger(recipe: str):
    space = SPACES[home(recipe)]
    counts = [sum(p.numel() for p in build(recipe, space, None, size).parameters()) for size in (1, 2, 3)]
    assert counts[0] < counts[1] < counts[2]


def test_pictures_that_are_moved_in_training_are_not_in_samples():
    """A picture with one bright half: it is mirrored half of the time, and samples never are."""
    space = SPACES["grey"]
    x = torch.full((64, *space.shape), -1.0)
    x[..., : space.size[1] // 2] = 1.0
    model = tiny("flow_matching", space, moved=0.5)
    trainer = Trainer(model, Split(space.pack(x), None, space), Plan(32 * 150))
    for _ in range(trainer.steps):
        trainer.advance()
    drawn = trainer.model.eval().sample(64, None, Rng.for_samples(0, range(64)))
    assert drawn[..., : space.size[1] // 2].mean() > 0.7
    assert drawn[..., space.size[1] // 2 :].mean() < -0.7


def test_more_than_all_pictures_cannot_be_moved():
    with pytest.raises(AnewError, match="setting 'moved' cannot be '7'; expected a share from 0 to 1"):
        tiny("flow_matching", SPACES["grey"], moved="7")


def test_few_pictures_are_moved():
    model = tiny("flow_matching", SPACES["grey"])
    shares = [model.adapt(passes)["moved"] for passes in (5, 100, 1000, 5000)]
    assert shares == sorted(shares)
    assert shares[1] == 0 < shares[2]
