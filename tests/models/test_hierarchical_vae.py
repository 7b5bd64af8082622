"""Latents of many sizes against formulas, and what they are for: a better bound than one vector's."""

from __future__ import annotations

import pytest
import torch

from anew.errors import AnewError
from anew.models import build
from anew.models.hierarchical_vae import HierarchicalVAE, Normal
from anew.models.model import Turn
from anew.rng import Rng
from anew.spaces import Batch, Grid
from toys import SPACES, tiny, toy, trainer


def model(space: str = "grey", **changes: object) -> HierarchicalVAE:
    built = tiny("hierarchical-vae", SPACES[space], **changes)
    assert isinstance(built, HierarchicalVAE)
    return built


def test_normals():
    p, q = (Normal(torch.randn(5, 3), torch.randn(5, 3)) for _ in range(2))
    one, other = (torch.distributions.Normal(n.mean, (n.log_var / 2).exp()) for n in (p, q))
    assert torch.allclose(p.kl(q), torch.distributions.kl_divergence(one, other), atol=1e-5)
    z = torch.randn(5, 3)
    assert torch.allclose(p.log_prob(z) - q.log_prob(z), one.log_prob(z) - other.log_prob(z), atol=1e-5)


def test_one_latent_map_at_each_size_down_to_one_cell():
    of = build("hierarchical-vae", Grid(1, (28, 20)), None, 1)
    assert isinstance(of, HierarchicalVAE)
    assert of.sizes == [(14, 10), (7, 5), (4, 3), (2, 2), (1, 1)]
    assert of.latent_shape == (4 * (140 + 35 + 12 + 4 + 1),)


def test_latents_decode_to_what_was_encoded():
    of = model(lr=3e-3, ema=0.0, batch=32, width=16)
    train = trainer(of, 150)
    for _ in range(150):
        train.advance()
    x = toy(of.space)[0]
    back = of.eval().decode(of.encode(x))
    assert (back - x).square().mean() < 0.3 * x.var()


def test_the_bound_tightens_with_importance_samples():
    one, many = (model(importance_samples=k).eval() for k in (1, 64))
    many.load_state_dict(one.state_dict())
    x = toy(one.space)[0]
    bounds = [of.log_prob(x, None, Rng.for_step(0, batch=len(x))).mean() for of in (one, many)]
    assert bounds[0] <= bounds[1]


def test_the_loss_is_a_bound_of_one_sample():
    of = model(importance_samples=1, kl_warmup=0.0).eval()
    x = toy(of.space)[0]
    losses = of.loss(Batch(x), Turn("fit", 1.0), Rng.for_step(0, batch=len(x)))
    bound = of.log_prob(x, None, Rng.for_step(0, batch=len(x)))
    assert losses.mean().item() == pytest.approx(-bound.mean().item(), rel=0.05)  # KL: exact, or sampled


def test_only_pictures():
    with pytest.raises(AnewError, match="two dimensions"):
        build("hierarchical-vae", Grid(1, (64,)), None, 1)
