"""The networks of adversarial training: shapes at any size, and StyleGAN2's bricks against their formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anew.models.gan import NETWORKS
from anew.nn.dense import LAYERS, DenseBlock
from anew.nn.residual import ResizingBlock, start_even
from anew.nn.style import BatchDeviation, ModulatedConv, StyleGenerator, path_lengths
from anew.rng import Rng
from anew.spaces import Grid


@pytest.mark.parametrize("size", [(5, 7), (8, 8), (13, 4), (28, 28), (64, 48)])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_size(name: str, size: tuple[int, int]):
    space, network = Grid(3, size), NETWORKS[name]
    x = network.generator(space, 6, 4)(torch.randn(2, 6), Rng.for_samples(0, range(2)))
    assert x.shape == (2, *space.shape)
    critic, features = network.discriminator(space, 4, False)
    assert critic(x).shape == (2, features)


@pytest.mark.parametrize("name", NETWORKS)
def test_discriminators_can_do_without_batch_norm(name: str):
    critic, _ = NETWORKS[name].discriminator(Grid(1, (8, 8)), 4, False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in critic.modules())


@pytest.mark.parametrize("size", [(4, 4), (8, 6), (16, 12)])
def test_resizing_block_ends_at_its_size(size: tuple[int, int]):
    assert ResizingBlock(3, 5, size, norm=True)(torch.randn(2, 3, 8, 6)).shape == (2, 5, *size)


def test_dense_block_keeps_what_it_saw():
    x = torch.randn(2, 6, 4, 4)
    y = DenseBlock(6, 2)(x)
    assert y.shape == (2, 6 + 2 * LAYERS, 4, 4)
    assert torch.equal(y[:, :6], x)


def test_start_even_keeps_the_variance():
    layers = [part for _ in range(10) for part in (nn.Linear(200, 200), nn.LeakyReLU(0.2))]
    x = torch.randn(500, 200)
    assert start_even(nn.Sequential(*layers))(x).square().mean().item() == pytest.approx(1, abs=0.5)


def modulated(layer: ModulatedConv, x: Tensor, w: Tensor) -> Tensor:
    """Equations 1 to 3 as they stand: weights of each sample, each with a convolution of its own."""
    scale = layer.style(w)
    weights = layer.conv.weight[None] * scale[:, None, :, None, None]
    if layer.demodulate:
        weights = weights / weights.square().sum((2, 3, 4), keepdim=True).add(1e-8).sqrt()
    padding = layer.conv.padding
    return torch.cat([F.conv2d(row[None], weight, padding=padding) for row, weight in zip(x, weights, strict=True)])


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution(demodulate: bool):
    layer = ModulatedConv(3, 5, 3, 4, demodulate)
    x, w = torch.randn(2, 3, 6, 6), torch.randn(2, 4)
    assert torch.allclose(layer(x, w), modulated(layer, x, w), atol=1e-5)


def test_noise_counts_as_much_as_was_learned():
    generator = StyleGenerator(Grid(1, (8, 8)), 6, 4)
    x = torch.randn(1, 6)

    def draw(seed: int) -> Tensor:
        return generator(x, Rng.for_samples(seed, [0]))

    assert torch.equal(draw(0), draw(1))
    with torch.no_grad():
        for level in generator.levels:
            for layer in level.layers:
                layer.strength.fill_(0.5)
    assert not torch.allclose(draw(0), draw(1), atol=1e-3)
    assert torch.equal(draw(0), draw(0))


def test_style_depends_on_the_direction_only():
    generator = StyleGenerator(Grid(1, (8, 8)), 6, 4)
    x = torch.randn(2, 6)
    assert torch.allclose(generator.style(x), generator.style(3 * x), atol=1e-5)


def test_path_lengths_are_of_the_jacobian():
    generator = StyleGenerator(Grid(1, (4, 4)), 6, 4)
    x = torch.randn(1, 6)
    lengths = torch.cat([path_lengths(generator, x, Rng.for_samples(seed, [0])) for seed in range(400)])
    jacobian = torch.autograd.functional.jacobian(
        lambda w: generator.draw(w, Rng.for_samples(0, [0])).flatten(), generator.style(x).detach()
    )
    expected = jacobian.square().sum() / 16  # E |J^T y|^2 of a direction y of variance 1/16 in each pixel
    assert lengths.square().mean().item() == pytest.approx(expected.item(), rel=0.2)


def test_deviation_of_the_batch_is_one_more_channel():
    same = torch.randn(1, 3, 4, 4).expand(5, -1, -1, -1)
    assert BatchDeviation()(same)[:, 3].abs().max() < 1e-3
    apart = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    assert torch.allclose(BatchDeviation()(apart)[:, 3], torch.ones(2, 4, 4), atol=1e-4)
