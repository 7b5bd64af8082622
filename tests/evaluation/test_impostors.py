"""The impostor keeps every marginal and breaks what holds them together."""

from __future__ import annotations

import pytest
import torch

from anew.evaluation.impostors import independent
from anew.rng import generator


@pytest.mark.parametrize("shape", [(200,), (200, 3), (200, 2, 4, 4)])
def test_every_coordinate_keeps_its_values(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=generator(0))
    mixed = independent(x, generator(1))
    assert mixed.shape == x.shape
    assert torch.equal(mixed.sort(0).values, x.sort(0).values)
    assert not torch.equal(mixed, x)


def test_coordinates_become_independent() -> None:
    x = torch.randn(2000, 1, generator=generator(0)).repeat(1, 3)
    assert torch.corrcoef(independent(x, generator(1)).T).sub(torch.eye(3)).abs().max() < 0.1


def test_codes_and_flags_are_mixed_too_and_the_seed_repeats_it() -> None:
    tokens = torch.arange(60).reshape(20, 3)
    assert independent(tokens, generator(1)).dtype == torch.int64
    assert torch.equal(independent(tokens, generator(1)), independent(tokens, generator(1)))
    assert not torch.equal(independent(tokens, generator(1)), independent(tokens, generator(2)))


def test_a_share_replaces_as_many_values() -> None:
    x = torch.arange(3000.0).reshape(300, 10)
    changed = (independent(x, generator(1), 0.3) != x).float().mean()
    assert changed == pytest.approx(0.3, abs=0.03)


def test_what_has_one_owner_stays_together() -> None:
    x = torch.arange(400.0)[:, None] + torch.tensor([0, 1_000, 2_000])
    mixed = independent(x, generator(1), owners=torch.tensor([0, 1, 1]))
    assert (mixed[:, 2] - mixed[:, 1] == 1_000).all()
    assert not torch.equal(mixed[:, 1] - mixed[:, 0], x[:, 1] - x[:, 0])
    noise = independent(x, generator(1), 0.3, torch.tensor([0, 1, 1])) != x
    assert torch.equal(noise[:, 1], noise[:, 2])
    assert noise.float().mean() == pytest.approx(0.3, abs=0.06)
