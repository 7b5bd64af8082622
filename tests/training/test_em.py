"""Expectation maximisation against counting and its theory."""

from __future__ import annotations

import torch

from anew.codecs.dataset import Split
from anew.models import build
from anew.models.mixture import Mixture
from anew.nn.tables import LogProbabilities, table
from anew.spaces import Field, Fields
from anew.training.em import EM, most_likely
from anew.training.trainer import Plan, Trainer

SPACE = Fields((Field("a", 3), Field("b", 4, 3)))


def rows(n: int = 200) -> torch.Tensor:
    return SPACE.random(n, torch.Generator().manual_seed(0))


def session(x: torch.Tensor, examples: int, recipe: str = "mixture", **changes: object) -> Trainer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(recipe, SPACE, None, 1, changes)
    return Trainer(model, Split(x, None, SPACE), Plan(examples))


def test_without_a_prior_the_most_likely_are_the_shares():
    counts = torch.tensor([[1.0, 6.0], [3.0, 2.0]])
    assert torch.allclose(most_likely(counts, 0.0).exp(), torch.tensor([[0.25, 0.75], [0.75, 0.25]]))


def test_the_prior_is_spread_as_all_columns_are():
    counts = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 0.0]])
    found = most_likely(counts, 2.0).exp()
    assert torch.allclose(found.sum(0), torch.ones(2))
    assert torch.allclose(found[:, 1], torch.tensor([0.25, 0.75, 0.0]), atol=1e-4)
    assert torch.allclose(found[:, 0], torch.tensor([1.5, 4.5, 0.0]) / 6, atol=1e-4)
    assert (found > 0).all(), "what was never seen can still come"


def test_noise_may_make_counts_negative():
    assert most_likely(torch.tensor([[-1.0], [2.0]]), 0.1).isfinite().all()


def test_at_no_rate_the_counts_are_the_mean_of_all_batches():
    layer = table(3, 1)
    em = EM([p for p in layer.parameters() if isinstance(p, LogProbabilities)], lr=0.0, prior=0.0)
    for codes in ([0, 0, 1, 2], [1, 1, 1, 2], [2, 2, 0, 0]):
        em.zero_grad()
        (-layer(torch.tensor(codes))).sum(1).mean().backward()
        em.step()
    assert torch.allclose(layer.weight.exp()[:, 0], torch.tensor([4.0, 4.0, 4.0]) / 12)


def test_a_whole_step_never_loses_likelihood():
    """Dempster et al. 1977, theorem 1: each step with all the data, at a rate of 1 and without a prior."""
    x = rows()
    trained = session(x, 200 * 10, batch=200, lr=1.0, decay="constant", kinds=4)
    for part, _ in trained.optimisers["fit"].parts:
        part.param_groups[0]["prior"] = 0.0
    losses = [trained.advance()["loss"].item() for _ in range(trained.steps)]
    assert all(after <= before + 1e-4 for before, after in zip(losses, losses[1:]))
    assert losses[-1] < losses[0] - 0.05


def test_independent_counts():
    x = rows()
    trained = session(x, 10 * 200, "independent", batch=200)
    for _ in range(trained.steps):
        trained.advance()
    model = trained.model
    assert isinstance(model, Mixture)
    for layer, column in zip(model.tables, x.unbind(1)):
        expected = torch.bincount(column.long(), minlength=len(layer.weight)) / 200
        assert torch.allclose(layer.weight.exp()[:, 0], expected, atol=1e-5)


def test_what_is_not_known_in_training_has_no_say():
    x = rows()
    holes = x.clone()
    holes[::2, 0] = torch.nan
    trained = session(holes, 10 * 200, "independent", batch=200)
    for _ in range(trained.steps):
        trained.advance()
    expected = torch.bincount(x[1::2, 0].long(), minlength=3) / 100
    assert torch.allclose(trained.model.tables[0].weight.exp()[:, 0], expected, atol=1e-4)
