"""The variational bound against its formulas."""

from __future__ import annotations

import pytest
import torch

from anew.errors import AnewError
from anew.models import build
from anew.models.model import Turn
from anew.models.vae import VAE, Perceptron, kl_to_standard_normal
from anew.rng import Rng
from anew.spaces import Batch, Grid
from toys import LABEL, SPACES, tiny, toy


def model(space: str = "fields", **changes: object) -> VAE:
    built = tiny("vae", SPACES[space], **changes)
    assert isinstance(built, VAE)
    return built


def loss(of: VAE, progress: float = 1.0) -> torch.Tensor:
    return of.loss(Batch(toy(of.space)[0]), Turn("fit", progress), Rng.for_step(0, batch=64))


def test_kl():
    mean, log_var = torch.randn(5, 3), torch.randn(5, 3)
    q = torch.distributions.Normal(mean, (log_var / 2).exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(kl_to_standard_normal(mean, log_var), expected, atol=1e-5)


def test_kl_grows_in():
    of = model(kl_warmup=0.5, beta=2.0)
    starts, middle, end = (loss(of, progress).mean().item() for progress in (0.0, 0.25, 1.0))
    kl = of.notes["kl"].item()
    assert starts == pytest.approx(of.notes["reconstruction"].item(), rel=1e-4)
    assert middle == pytest.approx(starts + kl, rel=1e-4)
    assert end == pytest.approx(starts + 2 * kl, rel=1e-4)


def test_free_bits_cost_at_least_themselves():
    free = loss(model(free_bits=3.0)).mean().item()
    of = model()
    loss(of)
    assert free == pytest.approx(of.notes["reconstruction"].item() + 3.0 * of.config.latent, rel=1e-4)


def test_one_importance_sample_is_the_bound():
    of = model(importance_samples=1).eval()
    x = toy(of.space)[0]
    bounds = [of.log_prob(x, None, Rng.for_step(seed, batch=64)).mean() for seed in range(200)]
    with torch.no_grad():
        losses = [-of.loss(Batch(x), Turn("fit", 1.0), Rng.for_step(seed, batch=64)).mean() for seed in range(200)]
    assert torch.stack(bounds).mean().item() == pytest.approx(torch.stack(losses).mean().item(), abs=0.05)


def test_network():
    assert not isinstance(model("grey").encoder, Perceptron)
    assert isinstance(model("grey", network="mlp").encoder, Perceptron)
    assert isinstance(build("vae", Grid(1, (16,)), None, 1).encoder, Perceptron)
    with pytest.raises(AnewError, match="unknown network 'cnn'"):
        model("grey", network="cnn")


def test_likelihood():
    assert not model("grey", likelihood="gaussian").head.discrete
    with pytest.raises(AnewError, match="unknown likelihood"):
        model("grey", likelihood="poisson")


def test_given_is_left_out_at_times():
    always, never = (tiny("vae", SPACES["fields"], LABEL, given_dropout=share).eval() for share in (1.0, 0.0))
    x, label = toy(SPACES["fields"])
    turn = Turn("fit", 1.0)
    for other in (label, 1 - label):
        same = torch.equal(*(always.loss(Batch(x, told), turn, Rng.for_step(0, batch=64)) for told in (label, other)))
        assert same
    told, untold = (never.loss(Batch(x, given), turn, Rng.for_step(0, batch=64)) for given in (label, 1 - label))
    assert not torch.equal(told, untold)
