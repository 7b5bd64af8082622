"""Invertible maps against autograd's Jacobian and their own inverses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from anew.nn.bijection import Bijection, Chain, Folded, Mix, OnHalf, Planar, Scale, bisect
from anew.nn.coupling import Affine, Convolutional, Coupling, Elementwise, Perceptron, Spline, masks

Shape = tuple[int, ...]
TOLD = 3


def coupling(shape: Shape, map: Elementwise, mask: int = 0) -> Coupling:
    network = Perceptron if len(shape) == 1 else Convolutional
    return Coupling(masks(shape)[mask], network(shape[0], shape[0] * map.parameters, 8, 1, TOLD), map)


BIJECTIONS: dict[str, tuple[Callable[[Shape], Bijection], Shape]] = {
    "scale": (lambda shape: Scale(shape, TOLD), (2, 2, 3)),
    "scale of channels": (lambda shape: Scale((2, 1, 1), TOLD), (2, 2, 3)),
    "mix of a vector": (lambda shape: Mix(4), (4,)),
    "mix of channels": (lambda shape: Mix(3), (3, 2, 2)),
    "planar": (lambda shape: Planar(shape, TOLD), (1, 2, 2)),
    "affine vector": (lambda shape: coupling(shape, Affine()), (5,)),
    "affine picture": (lambda shape: coupling(shape, Affine(), 2), (3, 2, 2)),
    "spline vector": (lambda shape: coupling(shape, Spline(4, 2.0)), (5,)),
    "spline picture": (lambda shape: coupling(shape, Spline(4, 2.0), 1), (1, 3, 3)),
    "coupling of one": (lambda shape: coupling(shape, Affine(), 1), (1,)),
    "chain": (lambda shape: Chain([Mix(2), Scale(shape, TOLD), coupling(shape, Affine())]), (2, 2, 2)),
    "folded": (lambda shape: Folded(coupling((4, 1, 2), Affine(), 2), 2), (1, 2, 4)),
    "on half": (lambda shape: OnHalf(coupling((1, 2, 2), Affine())), (3, 2, 2)),
}


def disturbed(name: str) -> tuple[Bijection, Tensor, Tensor]:
    """A bijection with random parameters, examples and conditions."""
    make, shape = BIJECTIONS[name]
    torch.manual_seed(0)
    bijection = make(shape).requires_grad_(False)
    for parameter in bijection.parameters():
        parameter += (0.05 if parameter.dim() > 1 else 0.01) * torch.randn_like(parameter)  # vectors learn faster
    return bijection, 1.5 * torch.randn(6, *shape), torch.randn(6, TOLD)


@pytest.mark.parametrize("name", BIJECTIONS)
def test_inverse(name: str):
    bijection, x, told = disturbed(name)
    z, _ = bijection(x, told)
    assert z.shape == x.shape
    assert not torch.allclose(z, x, atol=1e-2)
    assert torch.allclose(bijection.inverse(z, told), x, atol=1e-4)


@pytest.mark.parametrize("name", BIJECTIONS)
def test_log_determinant(name: str):
    bijection, x, told = disturbed(name)
    _, log_det = bijection(x, told)
    jacobians = torch.autograd.functional.jacobian(lambda x: bijection(x, told)[0].flatten(1).sum(0), x)
    square = jacobians.flatten(2).transpose(0, 1)  # (B, D, D): of each example's z to its own x alone
    assert torch.allclose(square.slogdet()[1], log_det, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in BIJECTIONS if "mix" not in name])
def test_told(name: str):
    bijection, x, told = disturbed(name)
    assert not torch.allclose(bijection(x, told)[0], bijection(x, told.flip(0))[0], atol=1e-4)


@pytest.mark.parametrize("map", [Affine(), Spline(8, 3.0)])
def test_elementwise_starts_as_the_identity(map: Elementwise):
    x = torch.linspace(-4, 4, 101)[None]
    z, log_slope = map.forward(x, torch.zeros(1, map.parameters, 101))
    assert torch.allclose(z, x, atol=1e-5)
    assert torch.allclose(log_slope, torch.zeros_like(x), atol=1e-5)


def test_spline_rises_and_is_the_identity_beyond_its_bound():
    x = torch.linspace(-5, 5, 2001)[None]
    parameters = torch.randn(1, 14, 1, generator=torch.Generator().manual_seed(0))
    z, log_slope = Spline(5, 3.0).forward(x, parameters.expand(1, 14, 2001))
    assert (z.diff() > 0).all()
    assert torch.allclose(z[x.abs() > 3], x[x.abs() > 3], atol=1e-5)
    assert (log_slope[x.abs() > 3] == 0).all()
    assert not torch.allclose(z, x, atol=0.1)
    between = (log_slope.exp()[:, 1:] + log_slope.exp()[:, :-1]) / 2 * x.diff()
    assert torch.allclose(between.cumsum(1), z[:, 1:] - z[:, :1], atol=1e-2)


@pytest.mark.parametrize("pull", [-100.0, -1.0, 1.0])
def test_planar_stays_invertible_where_u_pulls_against_w(pull: float):
    planar = Planar((3,)).requires_grad_(False)
    planar.u.copy_(pull * planar.w)
    x = torch.randn(50, 3)
    z, log_det = planar(x)
    assert log_det.isfinite().all()
    assert torch.allclose(planar(planar.inverse(z))[0], z, atol=1e-4)


def test_bisection_finds_the_last_bit():
    target = torch.tensor([0.1, 2.0, 1e4])
    root = bisect(lambda a: a**3 - target, torch.zeros(3), target + 1)
    assert torch.allclose(root**3, target, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1,), (7,), (1, 3, 3), (3, 4, 5)])
def test_masks_move_everything_in_turn(shape: Shape):
    kept = masks(shape)
    assert all(mask.shape == shape for mask in kept)
    for one, other in zip(kept[::2], kept[1::2], strict=True):
        assert torch.equal(one, ~other)


def test_checkerboard():
    assert torch.equal(masks((1, 2, 2))[0][0], torch.tensor([[True, False], [False, True]]))
