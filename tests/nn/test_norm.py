"""Root mean square norms are torch's, with their gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.nn.norm import RMSNorm, rms_norm


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_as_torch_has_it(weighted: bool, scale: float):
    x = (scale * numbers(3, 5, 8)).requires_grad_()
    weight = numbers(8).requires_grad_() if weighted else None
    inputs = [x, weight] if weight is not None else [x]
    eps = torch.finfo(torch.float32).eps
    for ours, theirs in zip(
        *(_with_gradients(y, inputs) for y in (rms_norm(x, weight), F.rms_norm(x, (8,), weight, eps)))
    ):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * theirs.abs().max().item())


def _with_gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    direction = numbers(*y.shape, seed=1)
    return [y.detach(), *torch.autograd.grad((y * direction).sum(), inputs)]


def test_nothing_stays_nothing():
    x = torch.zeros(2, 4, requires_grad=True)
    y = rms_norm(x)
    y.sum().backward()
    assert torch.equal(y, x)
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_under_autocast_it_is_as_low_as_its_readers():
    norm, torchs, x = RMSNorm(16), nn.RMSNorm(16), numbers(4, 16).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = norm(x)
    assert y.dtype == torch.bfloat16
    assert torch.allclose(y.float(), torchs(x), atol=0.02)
    y.float().square().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32
    assert norm(x).dtype == torch.float32


def test_its_weights_are_those_of_torchs():
    assert RMSNorm(4).state_dict().keys() == nn.RMSNorm(4).state_dict().keys()
