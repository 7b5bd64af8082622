"""Muon's step, and what it is for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from anew.training.muon import QUINTICS, Muon, is_hidden, orthogonal
from anew.training.optimiser import Optimiser
from toys import SPACES, tiny, trainer


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (64, 96)])
def test_orthogonal(shape: tuple[int, int]):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    (found,) = orthogonal(matrix[None])
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.3
    assert values.max() < 1.4
    assert nn.functional.cosine_similarity(found.flatten(), (u @ v).flatten(), dim=0) > 0.95


def test_singular_values_come_near_one():
    values = torch.logspace(math.log10(0.003), 0, 10_000)
    for a, b, c in QUINTICS:
        values = a * values + b * values**3 + c * values**5
    assert 0.77 < values.min() < values.max() < 1.23


def test_a_step_has_the_size_of_the_rate_whatever_the_gradient():
    for scale in (1e-4, 1e4):
        weight = nn.Parameter(torch.zeros(64, 32, 3, 3))
        weight.grad = scale * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
        Muon([weight], lr=0.1).step()
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(0.1, rel=0.3)


def test_small_ones_are_left_to_adamw():
    model = tiny("vae", SPACES["grey"], width=32, muon=0.02)
    adamw, muon = (part for part, _ in Optimiser(model, model.config, 64).parts)
    hidden = muon.param_groups[0]["params"]
    others = adamw.param_groups[0]["params"]
    assert len(hidden) + len(others) == len(list(model.parameters()))
    assert all(is_hidden(p) for p in hidden)
    assert not any(is_hidden(p) for p in others)


def test_without_it_all_is_left_to_adamw():
    model = tiny("vae", SPACES["grey"], width=32)
    assert len(Optimiser(model, model.config, 64).parts) == 1


def test_it_learns():
    session = trainer(tiny("vae", SPACES["grey"], width=32, muon=0.02), 60)
    losses = [session.advance()["loss"].item() for _ in range(session.steps)]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
