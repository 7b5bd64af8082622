"""The variational bound against its formulas."""

from __future__ import annotations

import pytest
import torch

from anew.errors import AnewError
from anew.models import build
from anew.models.model import Turn
from anew.models.vae import VAE, Perceptron, active_units, kl_to_standard_normal
from anew.rng import Rng
from anew.spaces import Batch, Grid
from toys import LABEL, SPACES, tiny, toy, trainer


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


def test_dials_turn_the_kl():
    of = model(kl_warmup=0.5)
    of.dials["kl_from"] = 0.4
    early, middle = loss(of, 0.3).mean().item(), loss(of, 0.65).mean().item()
    kl = of.notes["kl"].item()
    assert early == pytest.approx(of.notes["reconstruction"].item(), rel=1e-4)
    assert middle == pytest.approx(early + kl / 2, rel=1e-4)
    of.dials |= {"kl_from": 0.0, "free_bits": 3.0}
    assert loss(of).mean().item() == pytest.approx(early + 3.0 * of.config.latent, rel=1e-4)


def test_active_units():
    scale = torch.tensor([0.0, 0.05, 0.2, 1.0])
    mean = 5 + scale * torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    assert active_units(mean) == 2
    assert active_units(mean.view(1000, 1, 2, 2)) == 2


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


@pytest.mark.parametrize(("size", "cells"), [((28, 28), (7, 7)), ((30, 5), (8, 2)), ((128, 96), (32, 24))])
def test_a_map_of_latents(size: tuple[int, int], cells: tuple[int, int]):
    of = build("autoencoder", Grid(3, size), None, 1, {"width": 8})
    assert isinstance(of, VAE)
    assert of.latent_shape == (4, *cells)
    x = torch.rand(2, 3, *size) * 2 - 1
    z = of.encode(x)
    assert z.shape == (2, *of.latent_shape)
    assert of.decode(z).shape == x.shape


def test_a_higher_price_leaves_less_in_the_latents():
    kl = {}
    for recipe in ("vae", "beta-vae"):
        session = trainer(tiny(recipe, SPACES["grey"], lr=3e-3), 60)
        seen = [session.advance() for _ in range(session.steps)]
        kl[recipe] = seen[-1]["kl"].item()
    assert kl["beta-vae"] < 0.7 * kl["vae"]


def test_a_cell_of_the_map_sees_its_part_of_the_picture():
    of = build("autoencoder", Grid(1, (128, 128)), None, 1, {"width": 8, "blocks": 1})
    assert isinstance(of, VAE)
    with torch.no_grad():
        for block in [*of.encoder.blocks, *of.decoder.blocks]:
            block.norm1, block.norm2 = torch.nn.Identity(), torch.nn.Identity()  # which mix all cells
        of.encoder.head[0] = torch.nn.Identity()
        x = torch.zeros(1, 1, 128, 128)
        dot = x.clone()
        dot[..., 100, 40] = 1
        moved = (of.encode(dot) - of.encode(x)).abs().sum((0, 1)).nonzero()
    assert (moved - torch.tensor([25, 10])).abs().max() <= 6
    assert len(moved) > 0


@pytest.mark.parametrize(
    ("space", "changes", "message"),
    [
        (Grid(1, (28, 28)), {"map": 3}, "setting 'map' cannot be 3 where patch is 2; expected 2, 4, 8"),
        (Grid(1, (28, 28)), {"map": 2, "patch": 4}, "setting 'map' cannot be 2 where patch is 4"),
        (Grid(1, (28, 28)), {"network": "mlp"}, "not the network 'mlp'"),
        (Grid(1, (16,)), {}, "not Grid"),
    ],
)
def test_maps_that_cannot_be(space: Grid, changes: dict[str, object], message: str):
    with pytest.raises(AnewError, match=message):
        build("autoencoder", space, None, 1, changes)


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


# --- rows


def test_rows_are_drawn_where_pictures_are_shown_at_their_mode():
    of, rng = model("table").eval(), Rng.for_step(0, batch=500)
    with torch.no_grad():
        of.decoder.layers[-1].weight.zero_()  # whatever z is, all rows have the same distribution
        of.decoder.layers[-1].bias.zero_()
        x, modes = of.sample(500, None, rng), of.decode(torch.randn(500, *of.latent_shape))
    assert len(modes.unique(dim=0)) == 1
    assert torch.allclose(torch.bincount(x[:, 0].long(), minlength=3) / 500, torch.full((3,), 1 / 3), atol=0.08)
    assert len(x[:, 1].unique()) > 400


def test_a_perceptron_has_as_many_hidden_layers_as_blocks():
    for blocks in (1, 3):
        layers = [
            layer for layer in model("table", blocks=blocks).encoder.modules() if isinstance(layer, torch.nn.Linear)
        ]
        assert len(layers) == blocks + 1


def test_tvae_is_for_tables():
    assert build("tvae", SPACES["table"], None, 2).config.latent == 32
    with pytest.raises(AnewError, match="tvae models Fields data, not Grid; try model vae"):
        build("tvae", SPACES["grey"], None, 1)
