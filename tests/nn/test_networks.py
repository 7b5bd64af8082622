"""Networks on grids of every size, and augmentation."""

from __future__ import annotations

import pytest
import torch

from anew.errors import AnewError
from anew.nn.augment import AUGMENTATIONS, augment
from anew.nn.conv import Decoder, Encoder, folded, group_norm, halvings, level_widths, resize
from anew.nn.mlp import mlp
from anew.nn.unet import UNet
from anew.rng import Rng

SIZES = [(1, 1), (1, 9), (5, 7), (8, 8), (13, 4), (28, 28)]


@pytest.mark.parametrize("size", SIZES)
def test_any_size(size: tuple[int, int]):
    x, told = torch.randn(2, 3, *size), torch.randn(2, 5)
    assert Encoder(3, size, 8, 6, 5)(x, told).shape == (2, 6)
    assert Decoder(4, 3, size, 8, 5)(torch.randn(2, 4), told).shape == x.shape
    for patch, side in ((1, 1), (1, 4), (2, 4)):
        z = Encoder(3, size, 8, 6, 5, patch, side, blocks=2)(x, told)
        assert z.shape == (2, 6, *folded(size, side))
        assert Decoder(6, 3, size, 8, 5, patch, side, blocks=2)(z, told).shape == x.shape
    for patch in (1, 2):
        net = UNet(3, size, 8, blocks=1, patch=patch, condition=5)
        assert net(x, torch.rand(2), told).shape == x.shape


@pytest.mark.parametrize("size", SIZES)
def test_halvings_end_small(size: tuple[int, int]):
    sizes = halvings(size)
    assert sizes[0] == size
    assert max(sizes[-1]) <= 4
    assert min(min(pair) for pair in sizes) >= 1


def test_halvings_of_mnist():
    assert halvings((28, 28)) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    assert level_widths(32, 4) == [32, 64, 128, 128]


def test_resize_keeps_the_mean():
    x = torch.rand(1, 2, 8, 8)
    for size in ((4, 4), (16, 16)):
        assert resize(x, size).shape[2:] == size
        assert resize(x, size).mean().item() == pytest.approx(x.mean().item(), abs=1e-5)
    assert resize(x, (8, 8)) is x


@pytest.mark.parametrize("channels", [1, 3, 8, 24, 100, 512])
def test_groups_divide_the_channels(channels: int):
    assert group_norm(channels)(torch.randn(2, channels, 3, 3)).shape == (2, channels, 3, 3)


def test_mlp():
    layers = mlp([3, 5, 2])
    assert layers(torch.randn(4, 3)).shape == (4, 2)
    assert len(mlp([3, 2])) == 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_is_of_each_example_and_differentiable(name: str):
    x = (torch.rand(6, 1, 8, 8) * 2 - 1).requires_grad_()
    seen = augment(name, x, Rng.for_samples(0, range(6)))
    assert seen.shape == x.shape
    alone = augment(name, x[2:3], Rng.for_samples(0, [2]))
    assert torch.allclose(seen[2], alone[0], atol=1e-6)
    seen.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert not torch.allclose(seen, x)


def test_translation_moves_by_an_eighth_at_most():
    x = torch.full((200, 1, 16, 16), -1.0)
    x[:, :, 8, 8] = 1.0
    seen = augment("translation", x, Rng.for_step(0, batch=200))
    places = (seen[:, 0] == 1).nonzero()[:, 1:]
    assert len(places) == 200
    assert places.min() == 6
    assert places.max() == 10
    assert set(seen.unique().tolist()) == {-1.0, 1.0}


def test_no_and_unknown_augmentation():
    x = torch.zeros(1, 1, 2, 2)
    assert augment("", x, Rng.for_step(0, batch=1)) is x
    with pytest.raises(AnewError, match="unknown augmentation 'colour'; did you mean 'color'"):
        augment("colour", x, Rng.for_step(0, batch=1))
