"""Samples of any space as vectors."""

from __future__ import annotations

import math

import pytest
import torch

from anew.errors import AnewError
from anew.nn.conditioning import embedding, forget, fourier, vector_size, vectors
from anew.spaces import Field, Fields, Graph, Grid, Space, Tokens

SPACES: list[Space] = [Grid(2, (3, 2)), Tokens(3, 4), Fields((Field("kind", 3), Field("weight"))), Graph(3, 2, 1)]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_vectors_have_the_size_that_is_said_and_tell_samples_apart(space: Space):
    x = space.random(6, torch.Generator().manual_seed(0))
    v = vectors(space, x)
    assert v.shape == (6, vector_size(space))
    assert v.dtype == torch.float32
    for i in range(6):
        for j in range(i):
            assert torch.equal(v[i], v[j]) == torch.equal(x[i], x[j])


def test_no_space():
    assert vector_size(None) == 0
    assert embedding(None, 8) is None


def test_what_is_not_known_is_zeros():
    space = Fields((Field("kind", 3), Field("weight")))
    rows = torch.tensor([[1.0, 2.5], [math.nan, 0.0], [0.0, math.nan]])
    assert vectors(space, rows).tolist() == [[0, 1, 0, 2.5, 1], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]]


def test_forget():
    given = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    left = forget(given, torch.tensor([True, False]))
    assert left[0].isnan().all()
    assert left[1].tolist() == [3, 4]
    with pytest.raises(AnewError, match="given_dropout=0"):
        forget(torch.tensor([[1]]), torch.tensor([True]))


def test_times_are_told_apart():
    waves = fourier(torch.linspace(0, 1, 101), 32)
    assert waves.shape == (101, 32)
    assert waves.abs().max() <= 1
    assert torch.cdist(waves, waves).fill_diagonal_(9).min() > 0.01
