"""What must be true of every recipe, on every space that it serves, with and without something given."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from anew.drawing import draw
from anew.errors import AnewError
from anew.models import build, recipes
from anew.models.model import Completes, Encodes, Model, Scores, Turn
from anew.nn.conditioning import vectors
from anew.rng import Rng
from anew.spaces import Batch, Field, Fields, Graph, Grid, Space, Tokens
from anew.training.checkpoint import save_weights
from toys import LABEL, SPACES, cases, energy_distance, home, tiny, toy, trainer, unordered

STEPS, MORE = 60, {"text-vae": 100}  # of a short training; its latents are found late


def given_space(told: bool) -> Fields | None:
    return LABEL if told else None


def fresh(recipe: str, space: str, told: bool, seed: int = 0) -> Model:
    return tiny(recipe, SPACES[space], given_space(told), seed, ema=0.0, lr=3e-3)


@cache
def trained(recipe: str, space: str, told: bool) -> Model:
    """After a short training on the toy set. Tests share it, so they leave it as it is."""
    session = trainer(fresh(recipe, space, told), MORE.get(recipe, STEPS))
    for _ in range(session.steps):
        session.advance()
    return session.model.eval().requires_grad_(False)


def batch(space: str, told: bool, n: int = 16) -> Batch:
    x, label = toy(SPACES[space], n)
    return Batch(x, label if told else None)


def losses(model: Model, examples: Batch, turn: str, streams: Sequence[int] | None = None) -> Tensor:
    """(B,), leaving the model as it was; row i draws from the stream `streams[i]`."""
    torch.manual_seed(0)
    rng = Rng.for_samples(0, streams or range(examples.size))
    return copy.deepcopy(model).train().requires_grad_(True).loss(examples, Turn(turn, 1.0), rng).detach()


every_case = pytest.mark.parametrize(("recipe", "space", "told"), cases())


def cases_of(ability: type) -> list[tuple[str, str, bool]]:
    return [case for case in cases() if isinstance(fresh(*case), ability)]


# --- the contract


def test_every_recipe_serves_a_space():
    assert {recipe for recipe, _, _ in cases()} == set(recipes())


@pytest.mark.parametrize("recipe", recipes())
def test_a_space_that_is_not_served_is_refused_in_words(recipe: str):
    served = {space for name, space, _ in cases() if name == recipe}
    for space in [space for name, space in SPACES.items() if name not in served]:
        with pytest.raises(AnewError, match=f"{type(space).__name__}|numbers in bins"):
            build(recipe, space, None, 1)


@pytest.mark.parametrize("recipe", recipes())
def test_an_unknown_setting_is_refused(recipe: str):
    with pytest.raises(AnewError, match="did you mean 'batch'"):
        build(recipe, SPACES[home(recipe)], None, 1, {"batchh": 3})


@every_case
def test_configuration_is_json(recipe: str, space: str, told: bool):
    config = fresh(recipe, space, told).config
    again = build(recipe, SPACES[space], given_space(told), 1, json.loads(json.dumps(asdict(config))))
    assert again.config == config


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@every_case
def test_loss_is_a_finite_float_for_each_example(recipe: str, space: str, told: bool, precision: torch.dtype):
    model = fresh(recipe, space, told)
    for turn in model.turns:
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            loss = losses(model, batch(space, told, 5), turn)
        assert loss.shape == (5,)
        assert loss.dtype == torch.float32
        assert loss.isfinite().all()


@every_case
def test_loss_is_of_one_example_unless_the_model_says_it_couples(recipe: str, space: str, told: bool):
    model, examples = trained(recipe, space, told), batch(space, told)
    changed = Batch(*(part if part is None else torch.cat([part[:1], part.flip(0)[1:]]) for part in examples))
    moved = 0.0
    for turn in dict.fromkeys(model.turns):
        one = losses(model, examples, turn, range(16))[0]
        other = losses(model, changed, turn, [0, *range(100, 115)])[0]
        moved = max(moved, abs((one - other).item()) / (1 + abs(one.item())))
    assert (moved > 1e-4) == bool(model.couples), f"moved by {moved}, couples: {model.couples or 'nothing'}"


@every_case
def test_a_turn_moves_only_its_player(recipe: str, space: str, told: bool):
    for turn in dict.fromkeys(fresh(recipe, space, told).turns):
        session = trainer(fresh(recipe, space, told), 10)
        session.advance()
        session.model.turns = (turn,)
        before = {name: p.detach().clone() for name, p in session.model.named_parameters()}
        session.advance()
        assert all(p.grad is None for p in session.model.parameters()), "the other player would learn from it"
        mine = {id(p) for p in session.model.player(turn).parameters()}
        moved = {name for name, p in session.model.named_parameters() if not torch.equal(p, before[name])}
        own = {name for name, p in session.model.named_parameters() if id(p) in mine}
        assert moved
        assert moved <= own


# --- learning


@pytest.mark.parametrize(("recipe", "space", "told"), [case for case in cases() if fresh(*case).turns == ("fit",)])
def test_loss_falls(recipe: str, space: str, told: bool):
    before, after = (m(recipe, space, told) for m in (fresh, trained))
    first, last = (losses(model, batch(space, told, 64), "fit").mean() for model in (before, after))
    assert last < 0.7 * first


@pytest.mark.parametrize(("recipe", "space", "told"), [case for case in cases() if fresh(*case).turns != ("fit",)])
def test_players_learn(recipe: str, space: str, told: bool):
    before, after = fresh(recipe, space, told), trained(recipe, space, told)
    for turn in after.turns:
        assert losses(after, batch(space, told), turn).isfinite().all()
        pairs = zip(before.player(turn).parameters(), after.player(turn).parameters(), strict=True)
        assert any(not torch.allclose(a, b, atol=1e-3) for a, b in pairs)


@pytest.mark.parametrize(("recipe", "space", "told"), [case for case in cases() if case[2]])
def test_samples_come_closer_to_the_data(recipe: str, space: str, told: bool):
    x, label = toy(SPACES[space])
    drawn = (draw(m(recipe, space, told).eval(), len(x), label, seed=0) for m in (fresh, trained))
    first, last, real = (unordered(SPACES[space], samples) for samples in (*drawn, x))
    assert energy_distance(last, real) < 0.9 * energy_distance(first, real)


# --- sampling


@every_case
def test_samples_live_in_the_space(recipe: str, space: str, told: bool):
    for model in (fresh(recipe, space, told).eval(), trained(recipe, space, told)):
        for given in [None, batch(space, told, 5).given]:
            x = draw(model, 5, given, seed=0)
            assert len(x) == 5
            assert SPACES[space].contains(x)


@every_case
def test_sample_i_is_the_same_in_any_batch(recipe: str, space: str, told: bool):
    model, given = trained(recipe, space, told), batch(space, told, 8).given
    together = model.sample(8, given, Rng.for_samples(5, range(8)))
    alone = model.sample(1, None if given is None else given[3:4], Rng.for_samples(5, [3]))
    assert torch.allclose(together[3], alone[0], atol=1e-4)


@pytest.mark.parametrize(("recipe", "space", "told"), [case for case in cases() if case[1] in ("grey", "colour")])
def test_seeds_and_indices_make_other_samples(recipe: str, space: str, told: bool):
    model = trained(recipe, space, told)
    one, other = draw(model, 8, None, seed=0), draw(model, 8, None, seed=1)
    assert not torch.equal(one, other)
    assert len(one.unique(dim=0)) > 1


@every_case
def test_saved_and_loaded_weights_are_the_same(recipe: str, space: str, told: bool, tmp_path: Path):
    session = trainer(fresh(recipe, space, told), 5)
    session.advance()
    save_weights(session, tmp_path / "weights")
    again = fresh(recipe, space, told, seed=1)
    again.load_state_dict(load_file(tmp_path / "weights"))
    state, kept = again.state_dict(), session.ema.model.state_dict()
    assert all(torch.equal(state[name], kept[name]) for name in kept)
    assert torch.equal(draw(again.eval(), 3, None, 0), draw(session.ema.model, 3, None, 0))


# --- abilities


@pytest.mark.parametrize(("recipe", "space", "told"), cases_of(Encodes))
def test_encoded_and_decoded_is_closer_than_the_mean(recipe: str, space: str, told: bool):
    model, examples = trained(recipe, space, told), batch(space, told, 64)
    assert isinstance(model, Encodes)
    z = model.encode(examples.x, examples.given)
    back = model.decode(z, examples.given)
    assert z.shape == (64, *model.latent_shape)
    assert SPACES[space].contains(back)
    x, reconstructed = (vectors(SPACES[space], t) for t in (examples.x, back))
    assert (x - reconstructed).square().mean() < 0.7 * (x - x.mean(0)).square().mean()


@pytest.mark.parametrize(("recipe", "space", "told"), [c for c in cases_of(Encodes) if fresh(*c).lossless])
def test_decoding_is_the_inverse_of_a_lossless_encoding(recipe: str, space: str, told: bool):
    for model in (fresh(recipe, space, told).eval(), trained(recipe, space, told)):
        assert isinstance(model, Encodes)
        examples = batch(space, told, 64)
        stored = SPACES[space].unpack(SPACES[space].pack(examples.x))
        with torch.no_grad():
            back = model.decode(model.encode(stored, examples.given), examples.given)
        assert torch.allclose(back, stored, atol=1e-4)


@pytest.mark.parametrize(("recipe", "space", "told"), cases_of(Scores))
def test_the_likely_is_more_likely(recipe: str, space: str, told: bool):
    model, examples = trained(recipe, space, told), batch(space, told, 32)
    assert isinstance(model, Scores)
    random = SPACES[space].random(32, torch.Generator().manual_seed(0))
    data, noise = (model.log_prob(x, examples.given, Rng.for_step(0, batch=32)) for x in (examples.x, random))
    assert data.shape == (32,)
    assert data.mean() > noise.mean() + 1
    if space in ("grey", "colour", "tokens", "graph"):
        assert (data <= 0).all()


@pytest.mark.parametrize(("recipe", "space", "told"), [c for c in cases_of(Scores) if fresh(*c).likelihood == "bound"])
def test_bound_tightens_with_more_importance_samples(recipe: str, space: str, told: bool):
    model, examples = trained(recipe, space, told), batch(space, told, 64)

    def mean(importance_samples: int, repeats: int) -> float:
        scorer = tiny(recipe, SPACES[space], given_space(told), importance_samples=importance_samples).eval()
        scorer.load_state_dict(model.state_dict())
        assert isinstance(scorer, Scores)
        rngs = [Rng.for_step(seed, batch=64) for seed in range(repeats)]
        return torch.stack([scorer.log_prob(examples.x, examples.given, rng) for rng in rngs]).mean().item()

    assert mean(64, repeats=1) > mean(1, repeats=20) - 0.01


ENUMERABLE: dict[str, tuple[Space, Tensor]] = {
    "grid": (Grid(1, (1, 1), levels=4), torch.linspace(-1, 1, 4).view(4, 1, 1, 1)),
    "tokens": (Tokens(2, 2), torch.cartesian_prod(torch.arange(3), torch.arange(3))),
    "fields": (Fields((Field("a", 3), Field("b", 2))), torch.cartesian_prod(torch.arange(3.0), torch.arange(2.0))),
    "graph": (
        Graph(2),
        torch.tensor([[[a, a * b * c], [a * b * c, b]] for a, b, c in product((0, 1), repeat=3)]).unique(dim=0),
    ),
}


@pytest.mark.parametrize("name", ENUMERABLE)
@pytest.mark.parametrize("recipe", dict.fromkeys(recipe for recipe, _, _ in cases_of(Scores)))
def test_probabilities_of_all_that_there_is_sum_to_one(recipe: str, name: str):
    space, everything = ENUMERABLE[name]
    try:
        model = tiny(recipe, space).eval()
    except AnewError:
        pytest.skip(f"{recipe} does not serve {name}")
    if hasattr(model.config, "importance_samples"):
        model = tiny(recipe, space, importance_samples=500).eval()
    if not isinstance(model, Scores):
        pytest.skip(f"{recipe} gives {name} no probability")
    with torch.no_grad():
        logs = model.log_prob(everything, None, Rng.for_step(0, batch=len(everything)))
    assert math.isclose(logs.exp().sum().item(), 1, abs_tol=0.05)


@pytest.mark.parametrize(("recipe", "space", "told"), cases_of(Completes))
def test_completing_keeps_what_is_known(recipe: str, space: str, told: bool):
    model, examples = trained(recipe, space, told), batch(space, told, 8)
    assert isinstance(model, Completes)
    mask = torch.rand(examples.x.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    x = model.complete(examples.x, mask, examples.given, Rng.for_samples(0, range(8)))
    assert torch.equal(x[mask], examples.x[mask])
    assert SPACES[space].contains(x)
