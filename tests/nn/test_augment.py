"""Pictures that are moved: some of them, in the way that is told."""

from __future__ import annotations

import torch

from anew.nn import augment
from anew.nn.augment import HOW, moved
from anew.rng import Rng


def pictures(n: int) -> torch.Tensor:
    return torch.rand(n, 3, 16, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_nothing_is_moved():
    x = pictures(8)
    same, how = moved(x, Rng.for_step(0, batch=8), share=0.0)
    assert torch.equal(same, x)
    assert torch.equal(how, torch.zeros(8, HOW))


def test_a_share_is_moved_and_told_apart():
    x = pictures(2000)
    seen, how = moved(x, Rng.for_step(0, batch=2000), share=0.2)
    changed = (seen != x).flatten(1).any(1)
    assert torch.equal(changed, (how != 0).any(1))
    assert 0.45 < changed.float().mean() < 0.53  # 1 - 0.8 ** 3
    assert seen.isfinite().all()
    assert seen.abs().max() <= 1
    assert len(how[changed].unique(dim=0)) > 0.7 * changed.sum()  # mirrored alone is the same for all


def test_mirrored_alone(monkeypatch):
    for name, still in {"SHIFT": 0.0, "ANGLE": 0.0, "ZOOM": 1.0}.items():
        monkeypatch.setattr(augment, name, still)
    x = pictures(50)
    seen, how = moved(x, Rng.for_step(0, batch=50), share=0.5)
    mirrored = how[:, 0] == -2
    assert 10 < mirrored.sum() < 40
    assert torch.allclose(seen[mirrored], x[mirrored].flip(3), atol=1e-5)
    assert torch.allclose(seen[~mirrored], x[~mirrored], atol=1e-5)
