"""Randomness that is passed in."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from anew.rng import Rng, generator


def draws(rng: Rng) -> list[Tensor]:
    return [rng.normal(3), rng.uniform(2, 2), rng.integers(5), rng.normal()]


@given(st.integers(0, 9), st.lists(st.integers(0, 1000), min_size=1, max_size=6, unique=True))
def test_a_sample_is_the_same_alone(seed: int, indices: list[int]):
    together = draws(Rng.for_samples(seed, indices))
    for row, index in enumerate(indices):
        alone = draws(Rng.for_samples(seed, [index]))
        assert all(torch.equal(a[row], b[0]) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_share_the_numbers_of_one(processes: int):
    whole, each = draws(Rng.for_step(0, 7, batch=8)), 8 // processes
    parts = [draws(Rng.for_step(0, 7, batch=8, keep=slice(i * each, (i + 1) * each))) for i in range(processes)]
    for index, drawn in enumerate(whole):
        assert torch.equal(drawn, torch.cat([part[index] for part in parts]))


def test_shapes_ranges_and_rows():
    rng = Rng.for_step(0, batch=500)
    assert rng.rows == 500
    assert Rng.for_step(0, batch=8, keep=slice(2, 5)).rows == 3
    assert Rng.for_samples(0, range(7)).rows == 7
    assert rng.normal().shape == (500,)
    assert rng.normal(2, 3).shape == (500, 2, 3)
    uniform, whole = rng.uniform(), rng.integers(3)
    assert 0 <= uniform.min() < 0.1
    assert 0.9 < uniform.max() < 1
    assert set(whole.tolist()) == {0, 1, 2}
    assert whole.dtype == torch.int64
    assert rng.normal(20).std().item() == pytest.approx(1, abs=0.05)


def test_draws_differ_from_each_other():
    rng = Rng.for_samples(0, range(3))
    first, second = rng.normal(4), rng.normal(4)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, Rng.for_samples(1, range(3)).normal(4))
    assert not torch.equal(Rng.for_step(0, 1, batch=3).normal(4), Rng.for_step(0, 2, batch=3).normal(4))


def test_the_global_generator_has_no_part():
    torch.manual_seed(0)
    one = Rng.for_step(0, batch=3).normal(4)
    torch.manual_seed(1)
    assert torch.equal(Rng.for_step(0, batch=3).normal(4), one)
    assert torch.rand(1).item() == torch.rand(1, generator=torch.Generator().manual_seed(1)).item()


def test_numbers_never_change():
    """Runs of the past would no longer be repeated by their seeds."""
    assert torch.randint(1000, (4,), generator=generator(0, "order", 1)).tolist() == NUMBERS


NUMBERS = [153, 583, 458, 505]
