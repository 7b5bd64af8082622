"""Codes, and the prior over them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from anew.drawing import draw
from anew.errors import AnewError
from anew.models import build
from anew.models.model import Turn
from anew.models.vq_vae import VQVAE, Codebook, perplexity
from anew.rng import Rng
from anew.spaces import Batch, Grid
from toys import LABEL, SPACES, tiny, toy, trainer

SMALL = {"codes": 8, "prior_width": 32, "prior_layers": 1}


def model(space: str = "grey", **changes: object) -> VQVAE:
    built = tiny("vq-vae", SPACES[space], **(SMALL | changes))
    assert isinstance(built, VQVAE)
    return built


def test_encoded_is_made_of_codes():
    of = model(map=2)
    z = of.encode(toy(of.space, 8)[0])
    assert z.shape == (8, *of.latent_shape) == (8, 4, 4, 4)
    codes = F.normalize(of.autoencoder.codebook.codes, dim=1)
    assert torch.cdist(z.movedim(1, -1).reshape(-1, 4), codes).amin(1).max() < 1e-3


def test_the_nearest_code_is_chosen():
    codebook = Codebook(5, 3)
    z = F.normalize(torch.randn(2, 3, 4, 6), dim=1)
    code = codebook.look_up(codebook.scores(z).argmax(-1))
    distances = torch.cdist(z.movedim(1, -1).reshape(-1, 3), F.normalize(codebook.codes, dim=1))
    assert torch.allclose((z - code).norm(dim=1).flatten(), distances.amin(1), atol=1e-3)


def test_the_encoder_learns_through_the_codes():
    of = model(commitment=0.0)
    of.loss(Batch(toy(of.space)[0]), Turn("autoencoder", 0.0), Rng.for_step(0, batch=64)).mean().backward()
    weight = of.autoencoder.encoder.stem.weight
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_codes_that_nothing_chose_come_into_use():
    codebook = Codebook(16, 4)
    with torch.no_grad():
        codebook.codes.copy_(torch.tensor([1.0, 0, 0, 0]) + 0.01 * torch.randn(16, 4))
    z = F.normalize(torch.randn(256, 4, 1, 1), dim=1)
    optimiser = torch.optim.Adam(codebook.parameters(), 0.02)
    used = []
    for _ in range(300):
        used.append(perplexity(codebook.scores(z).argmax(-1), 16).item())
        optimiser.zero_grad()
        (-codebook.scores(z).logsumexp(-1)).mean().backward()
        optimiser.step()
    assert used[0] < 12 < used[-1]


def test_perplexity_counts_what_is_in_use():
    assert perplexity(torch.tensor([[3, 3], [3, 3]]), 8).item() == pytest.approx(1)
    assert perplexity(torch.arange(4), 8).item() == pytest.approx(4)


def test_the_prior_follows_what_is_given():
    of = tiny("vq-vae", SPACES["grey"], LABEL, map=2, lr=3e-3, ema=0.0, **SMALL)
    session = trainer(of, 80)
    for _ in range(session.steps):
        session.advance()
    x, label = toy(SPACES["grey"])
    drawn = draw(of.eval().requires_grad_(False), 64, label, seed=0)
    centres = torch.stack([x[label[:, 0] == kind].mean(0) for kind in (0, 1)])
    nearest = torch.cdist(drawn.flatten(1), centres.flatten(1)).argmin(1)
    assert (nearest == label[:, 0]).float().mean() > 0.9


def test_at_no_temperature_all_samples_are_one():
    x = draw(model(temperature=0.0).eval().requires_grad_(False), 3, None, seed=0)
    assert torch.allclose(x, x[:1].expand_as(x), atol=1e-5)


@pytest.mark.parametrize(
    ("space", "changes", "message"),
    [
        (Grid(1, (16,)), {}, "two dimensions"),
        (Grid(1, (28, 28)), {"map": 5}, "setting 'map' cannot be 5"),
        (Grid(1, (28, 28)), {"codes": 0}, "1 or more"),
        (Grid(1, (28, 28)), {"prior_width": 33}, "cannot have 1 heads; expected a multiple of 2"),
    ],
)
def test_what_cannot_be(space: Grid, changes: dict[str, object], message: str):
    with pytest.raises(AnewError, match=message):
        build("vq-vae", space, None, 1, changes)
