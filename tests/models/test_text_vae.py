"""Sequences from a latent vector: the decoder listens to it, and what is written is what is scored."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from anew.drawing import Writing, draw
from anew.errors import AnewError
from anew.models import build
from anew.models.model import Turn
from anew.models.text_vae import TextVAE
from anew.nn.decoding import Style
from anew.nn.rules import Automaton
from anew.rng import Rng
from anew.spaces import Batch, Tokens
from toys import LABEL, tiny, trainer

SPACE = Tokens(3, 6)
X = torch.tensor([[1, 2, 3, 1, 2, 3], [3, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])


def model(space: Tokens = SPACE, **changes: object) -> TextVAE:
    built = tiny("text-vae", space, **changes)
    assert isinstance(built, TextVAE)
    return built


def losses(of: TextVAE, progress: float = 1.0) -> Tensor:
    return of.loss(Batch(X), Turn("fit", progress), Rng.for_step(0, batch=3))


def test_nothing_dropped_is_what_is_scored():
    of = model(word_dropout=0.0, kl_warmup=0.5).eval()
    mean, log_var = of._posterior(X, None)
    z = mean + (log_var / 2).exp() * Rng.for_step(0, batch=3).normal(*of.latent_shape)
    assert torch.allclose(losses(of, 0.0), -of._log_likelihood(z, X, None), atol=1e-4)


def test_free_bits_cost_nothing():
    of = model(kl_warmup=0.0)
    of.dials["free_bits"] = 7.0
    paid = losses(of)
    of.dials["free_bits"] = 0.0
    of.config = of.config.change({"beta": 0.0})
    assert torch.allclose(paid, losses(of) + 7.0 * of.config.latent, rtol=1e-4)


def test_dropped_codes_are_not_seen():
    """With all of them dropped, no code depends on others: what is lost of the two halves of sequences adds up."""
    of = model().eval()
    torch.manual_seed(0)
    for parameter in of.decoder.parameters():
        torch.nn.init.normal_(parameter, std=1.0)
    told = of._told(torch.zeros(4, *of.latent_shape), None)
    x = torch.tensor([[1, 1, 1, 2, 2, 2], [3, 3, 3, 3, 3, 3], [1, 1, 1, 3, 3, 3], [3, 3, 3, 2, 2, 2]])
    signs, dropped = torch.tensor([1.0, 1.0, -1.0, -1.0]), torch.ones(4, 6, dtype=torch.bool)
    assert (of._nats(x, told, dropped) * signs).sum().abs() < 1e-3
    assert (of._nats(x, told, ~dropped) * signs).sum().abs() > 0.01


def test_what_goes_on_after_its_end_is_impossible():
    of = model().eval()
    x = torch.tensor([[1, 0, 2, 0, 0, 0]])
    assert of.log_prob(x, None, Rng.for_step(0, batch=1)).item() == -torch.inf


def test_prompts_rules_and_styles_are_kept():
    of = model().eval()
    after = torch.tensor([[-1, 1, -1, -1], [0, -1, 0, -1]])  # 1 and 2 in turn; the end after a 1
    known = torch.full((4, 1), 1)
    x = draw(of, 4, None, 0, known=known, writing=Writing(Style(temperature=0.5), lambda n: Automaton(after, n)))
    assert {"".join(map(str, row)) for row in x.tolist()} <= {"100000", "121000", "121210", "121212"}
    assert torch.equal(
        draw(of, 1, None, 0, known=known[:1], first=2, writing=Writing()),
        draw(of, 4, None, 0, known=known, writing=Writing())[2:3],
    )
    nothing = torch.zeros(2, 6, dtype=torch.int64)
    assert SPACE.contains(of.search(nothing, nothing > 0, None, 2))


def test_points_of_two_kinds_become_two_kinds():
    of = model(latent=2, width=32, lr=3e-3)
    session = trainer(of, 200)
    rows = torch.where(
        torch.arange(64)[:, None] % 2 == 0, torch.tensor([1, 2, 1, 2, 1, 2]), torch.tensor([3, 3, 1, 0, 0, 0])
    )
    session.data = type(session.data)(rows.to(torch.uint8), None, SPACE)
    for _ in range(session.steps):
        session.advance()
    of = session.model.eval()
    with torch.no_grad():
        z = of.encode(rows[:2])
        assert torch.equal(of.decode(z), rows[:2])
        assert (z[0] - z[1]).abs().max() > 0.5
    drawn = {tuple(row) for row in draw(of, 60, None, 0).tolist()}
    assert {tuple(row) for row in rows[:2].tolist()} <= drawn


def test_what_it_cannot_take_is_refused():
    with pytest.raises(AnewError, match=r"codec\.length"):
        build("text-vae", Tokens(3, 5000), None, 1)
    with pytest.raises(AnewError, match="given labels, no texts"):
        build("text-vae", SPACE, Tokens(3, 4), 1)
    told = build("text-vae", SPACE, LABEL, 1, {"width": 16, "layers": 1, "latent": 3})
    assert draw(told, 2, torch.tensor([[1.0], [torch.nan]]), 0).shape == (2, 6)
