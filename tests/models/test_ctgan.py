"""What CTGAN asks its generator for."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.models import build
from anew.models.ctgan import CTGAN
from anew.models.model import Turn
from anew.rng import Rng
from anew.spaces import Batch, Field, Fields
from toys import tiny

SPACE = Fields((Field("a", 2), Field("n", 4, 4), Field("c", 3)))
ROWS = 1000


def model(space: Fields = SPACE, given: Fields | None = None, **changes: object) -> CTGAN:
    built = tiny("ctgan", space, given, **changes)
    assert isinstance(built, CTGAN)
    return built


def table() -> torch.Tensor:
    """`a` is 1 in one row of a hundred; `c` is never 2."""
    i = torch.arange(ROWS)
    return torch.stack([(i % 100 == 0).float(), (i % 4) + 0.5, (i % 2).float()], 1)


def test_rows_have_what_is_asked_for():
    of, x = model(), table()
    code, rows = of._ask(x, Rng.for_step(0, batch=ROWS))
    a, c = x[rows, 0].long(), 2 + x[rows, 2].long()  # numbered through the two categories
    assert ((code == a) | (code == c)).all()
    assert (code < 2).float().mean().item() == pytest.approx(0.5, abs=0.06), "each category as often as the other"


def test_codes_are_asked_for_by_the_logarithm_of_how_often_they_occur():
    code, _ = model()._ask(table(), Rng.for_step(0, batch=ROWS))
    rare, frequent = math.log(11), math.log(991)
    share = (code == 1).sum() / (code < 2).sum()
    assert share.item() == pytest.approx(rare / (rare + frequent), abs=0.06)
    assert (code != 4).all(), "none has it"


def test_samples_are_asked_for_as_often_as_codes_occur():
    of, x = model(), table()
    for step in range(1500):
        of._ask(x, Rng.for_step(step, batch=ROWS))
    assert torch.allclose(of.often, torch.tensor([0.99, 0.01, 0.5, 0.5, 0.0]), atol=1e-3)
    before = of.often.clone()
    of.eval()._ask(x, Rng.for_step(0, batch=ROWS))
    assert torch.equal(of.often, before), "only training looks"


def test_numbers_are_asked_for_where_there_are_no_categories():
    space = Fields((Field("n", 4, 4), Field("m", 3, 2)))
    code, rows = model(space)._ask(torch.tensor([[0.5, 0.0], [3.2, 1.9]]), Rng.for_step(0, batch=2))
    assert set(code.tolist()) <= {0, 3, 4, 5}
    assert set(rows.tolist()) <= {0, 1}


def test_a_generator_that_misses_what_is_asked_for_loses_more():
    of, losses = model().eval(), {}
    code = torch.zeros(100, dtype=torch.int64)
    for wanted in (5.0, -5.0):
        with torch.no_grad():
            of.generator[-1].weight.zero_()
            of.generator[-1].bias.zero_()[0] = wanted
            of.discriminator[-2].weight.zero_()  # a critic that cannot tell
            losses[wanted] = of._generator_loss(code, of._hot(code), Rng.for_step(0, batch=100)).mean().item()
    assert losses[-5.0] - losses[5.0] == pytest.approx(5, abs=0.02)


@pytest.mark.parametrize("pack", [1, 3, 10])
@pytest.mark.parametrize("n", [2, 7, 30])
def test_every_row_has_the_loss_of_its_pack(pack: int, n: int):
    of = model(pack=pack, dropout=0.0)
    loss = of.loss(Batch(table()[:n]), Turn("discriminator", 0.0), Rng.for_step(0, batch=n))
    assert loss.shape == (n,)
    assert len(loss.unique()) <= -(-n // pack)
    assert (loss == loss[0])[: min(pack, n)].all()


def test_it_says_what_couples():
    assert "packs of 4 rows" in model(pack=4).couples


def test_without_a_gradient_penalty_there_is_none():
    losses = []
    for weight in (0.0, 10.0):
        of = model(gradient_penalty=weight, dropout=0.0)
        losses.append(of.loss(Batch(table()), Turn("discriminator", 0.0), Rng.for_step(0, batch=ROWS)).mean().item())
    assert losses[1] > losses[0] + 0.1


def test_standardised_numbers_are_refused():
    with pytest.raises(AnewError, match="'w' is a standardised number; CTGAN needs numbers in bins"):
        build("ctgan", Fields((Field("a", 2), Field("w"))), None, 1)
