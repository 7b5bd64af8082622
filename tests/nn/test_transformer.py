"""The Transformer is a distribution over sequences, and its cache changes nothing."""

from __future__ import annotations

import itertools

import pytest
import torch

from anew.errors import AnewError
from anew.nn.transformer import Transformer, rotate, rotations

START = 6


def net(vocabulary: int = 5, length: int = 7, condition: int = 0, columns: int = 0, causal: bool = True) -> Transformer:
    torch.manual_seed(0)
    built = Transformer(vocabulary, length, 16, 2, 2, condition, columns=columns, causal=causal)
    for parameter in built.parameters():  # what starts at zero would hide mistakes
        torch.nn.init.normal_(parameter, std=0.3)
    return built.eval().requires_grad_(False)


def codes(n: int = 3, vocabulary: int = 5, length: int = 7) -> torch.Tensor:
    drawn = torch.randint(vocabulary + 1, (n, length - 1), generator=torch.Generator().manual_seed(1))
    return torch.cat([torch.full((n, 1), vocabulary + 1), drawn], 1)


@pytest.mark.parametrize("columns", [0, 3])
def test_what_follows_is_told_what_stands_before_it_and_no_more(columns: int):
    of, x = net(columns=columns), codes()
    logits = of(x)
    assert logits.shape == (3, 7, 6)
    for place in range(7):
        other = x.clone()
        other[:, place] = (x[:, place] + 1) % 6
        same = (of(other) - logits).abs().amax((0, 2)) < 1e-6
        assert same.tolist() == [at < place for at in range(7)]


def test_without_an_order_all_places_see_all():
    of, x = net(causal=False), codes()
    other = x.clone()
    other[:, -1] = (x[:, -1] + 1) % 6
    assert ((of(other) - of(x)).abs().amax(2) > 1e-6).all()


@pytest.mark.parametrize("columns", [0, 3])
@pytest.mark.parametrize("read", [1, 4])
def test_steps_with_the_cache_are_the_whole(read: int, columns: int):
    of, x, told = net(condition=4, columns=columns), codes(), torch.randn(3, 4)
    logits, cache = of.begin(x[:, :read], told)
    steps = [logits, *(of.step(x[:, place : place + 1], cache) for place in range(read, 7))]
    assert torch.allclose(torch.stack(steps, 1), of(x, told)[:, read - 1 :], atol=1e-5)


@pytest.mark.parametrize("rows", [[2, 0, 2, 2], [1, 0, 0], [0, 1, 2], [2]])
def test_a_cache_goes_on_with_what_is_picked(rows: list[int]):
    of, x, told = net(condition=4), codes(), torch.randn(3, 4)
    _, cache = of.begin(x[:, :4], told)
    cache.pick(torch.tensor(rows))
    assert torch.allclose(of.step(x[rows, 4:5], cache), of(x, told)[rows, 4], atol=1e-5)


def test_probabilities_of_all_sequences_sum_to_one():
    of = net(vocabulary=2, length=3)
    everything = torch.tensor(list(itertools.product(range(3), repeat=3)))
    before = torch.cat([torch.full((27, 1), of.start), everything[:, :-1]], 1)
    logs = of(before).log_softmax(2).gather(2, everything[..., None]).sum((1, 2))
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_what_is_told_matters():
    of = net(condition=4)
    one, other, untold = (of(codes(), told) for told in (torch.zeros(3, 4), torch.ones(3, 4), None))
    assert not torch.allclose(one, other)
    assert not torch.allclose(one, untold)


def test_rotary_positions_are_relative():
    turns = rotations(10, 8)
    q, k = torch.randn(8), torch.randn(8)
    products = rotate(q.expand(10, 8), turns) @ rotate(k.expand(10, 8), turns).T
    for distance in range(-9, 10):
        diagonal = products.diagonal(distance)
        assert torch.allclose(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5)
    assert products[0].std() > 0.01


def test_heads_divide_the_width():
    with pytest.raises(AnewError, match="expected a multiple of 6"):
        Transformer(5, 7, 16, 2, 3)
