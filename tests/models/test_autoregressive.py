"""The autoregressive model of rows: the chain rule, filling in, and rows drawn by the million."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from anew.codecs.dataset import Split
from anew.drawing import draw
from anew.errors import AnewError
from anew.models import build
from anew.models.autoregressive import AutoregressiveRows
from anew.models.model import Turn
from anew.nn.rows import Walk
from anew.rng import Rng
from anew.spaces import Batch, Field, Fields
from anew.training.trainer import Plan, Trainer

ROWS = Fields((Field("many", 4), Field("weight", 6, 5), Field("two", 2)))


def fresh(**changes: object) -> AutoregressiveRows:
    torch.manual_seed(0)
    model = build("autoregressive", ROWS, None, 1, {"width": 16, "blocks": 1, "embedding": 4, **changes}).eval()
    assert isinstance(model, AutoregressiveRows)
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.4
    return model.requires_grad_(False)


def session(model: AutoregressiveRows, x: Tensor, steps: int) -> Trainer:
    return Trainer(model, Split(x, None, ROWS), Plan(steps * model.config.batch))


def rows(n: int) -> Tensor:
    return ROWS.random(n, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("told", [False, True])
def test_a_walk_says_what_the_network_says(told: bool):
    model, x = fresh(), rows(40)
    x[::3, 0], x[::2, 1] = torch.nan, torch.nan
    beside = torch.randn(40, 16) if told else None
    walk = Walk(model.network, x.where(torch.tensor([True, False, False]), torch.nan), beside)
    walk.tell(1, x[:, 1])
    walk.tell(2, x[:, 2])
    whole = model.network(x, beside).split(model.network.widths, 1)
    for field, outputs in enumerate(whole):
        torch.testing.assert_close(walk.outputs(field)[walk.which], outputs, rtol=1e-4, atol=1e-4)


def test_rows_that_are_alike_so_far_share_a_pass():
    walk = Walk(fresh().network, torch.full((100, 3), torch.nan), None)
    assert len(walk.outputs(0)) == 1
    walk.tell(2, torch.arange(100.0) % 2)
    assert len(walk.outputs(0)) == 2


def test_probabilities_of_all_rows_sum_to_one():
    model = fresh()
    codes = torch.tensor(list(itertools.product(range(4), range(6), range(2))), dtype=torch.float32)
    inside = (torch.arange(200) + 0.5) / 200  # the density within an interval has a mean of 1
    x = codes.repeat_interleave(200, 0)
    x[:, 1] += torch.where(x[:, 1] >= 1, inside.repeat(len(codes)), 0)
    assert model.log_prob(x, None, Rng.for_step(0, batch=len(x))).exp().sum() / 200 == pytest.approx(1, abs=1e-3)


def test_samples_are_drawn_as_often_as_they_are_likely():
    model, n = fresh(), 40_000
    x = draw(model, n, None, seed=1)
    assert ROWS.contains(x)
    cells = list(itertools.product(range(4), range(6)))
    seen = torch.stack([((x[:, 0] == a) & (x[:, 1].floor() == b)).float().mean() for a, b in cells])
    x = torch.tensor([[a, b + (j + 0.5) / 100 * (b > 0), torch.nan] for a, b in cells for j in range(100)])
    likely = model.log_prob(x, None, Rng.for_step(0, batch=len(x))).exp().view(-1, 100).mean(1)
    torch.testing.assert_close(seen, likely, atol=0.01, rtol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_sample_is_the_same_in_any_company(precision: str):
    model = fresh()
    model.precision = precision
    many = draw(model, 20_000, None, seed=3)
    assert torch.equal(draw(model, 5, None, seed=3), many[:5])
    assert torch.equal(draw(model, 2_000, None, seed=3, first=15_500), many[15_500:17_500])


def test_what_is_known_is_kept_and_followed():
    """`two` is a copy of whether `many` is 3."""
    x = rows(64)
    x[:, 2] = (x[:, 0] == 3).float()
    training = session(fresh(width=32, batch=64, lr=1e-2).requires_grad_(True), x, 150)
    for _ in range(training.steps):
        training.advance()
    model = training.model.eval().requires_grad_(False)
    known = torch.full((500, 3), torch.nan)
    known[:, 2] = torch.arange(500) % 2
    filled = draw(model, 500, None, seed=0, known=known)
    assert torch.equal(filled[:, 2], known[:, 2])
    assert ((filled[:, 0] == 3) == (filled[:, 2] == 1)).float().mean() > 0.9


def test_rows_with_cells_that_are_not_known_have_a_finite_loss():
    x = rows(32)
    x[::2, 0], x[5] = torch.nan, torch.nan
    training = session(fresh().requires_grad_(True), x, 3)
    assert all(training.advance()["loss"].isfinite() for _ in range(3))


def test_numbers_without_bins_are_refused():
    with pytest.raises(AnewError, match="'height' is a standardised number"):
        build("autoregressive", Fields((Field("height"),)), None, 1)


def test_of_many_fields_some_are_scored_and_it_is_right_on_average(monkeypatch: pytest.MonkeyPatch):
    model, batch = fresh(), Batch(rows(64))

    def losses(progress: float) -> Tensor:
        return model.loss(batch, Turn("fit", progress), Rng.for_step(0, batch=64))

    whole = losses(0.5)
    monkeypatch.setattr("anew.models.autoregressive_rows.SCORED", 2)
    some = torch.stack([losses(i / 300) for i in range(300)])
    assert some.isfinite().all()
    assert not torch.equal(some[0], some[1])
    assert some.mean().item() == pytest.approx(whole.mean().item(), rel=0.25)


@pytest.mark.parametrize(("scored", "focused"), [(64, True), (2, True), (64, False)])
def test_in_the_order_of_sampling_the_loss_is_the_chain_rule(
    scored: int, focused: bool, monkeypatch: pytest.MonkeyPatch
):
    """Unless all hidden fields are told: then later ones are told from less than the rows are drawn by."""
    monkeypatch.setattr("anew.models.autoregressive_rows.SCORED", scored)
    model, x, n = fresh(ordered=1.0, focused=focused), rows(3), 1_500
    for row in x:
        batch = Batch(row.expand(n, -1))
        turns = [Turn("fit", i / 20) for i in range(20)]
        losses = torch.cat([model.loss(batch, turn, Rng.for_step(turn, batch=n)) for turn in turns])
        nats = -model.log_prob(row[None], None, Rng.for_step(0, batch=1)).item()
        assert (losses.mean().item() == pytest.approx(nats, rel=0.05)) == focused
