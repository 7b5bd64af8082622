"""The Transformer is a distribution over sequences, and its cache changes nothing."""

from __future__ import annotations

import itertools

import pytest
import torch

from anew.errors import AnewError
from anew.nn.transformer import Transformer, rotate, rotations
from anew.rng import Rng


def net(vocabulary: int = 5, length: int = 7, condition: int = 0) -> Transformer:
    torch.manual_seed(0)
    built = Transformer(vocabulary, length, 16, 2, 2, condition)
    for parameter in built.parameters():  # what starts at zero would hide mistakes
        torch.nn.init.normal_(parameter, std=0.3)
    return built.eval().requires_grad_(False)


def tokens(n: int = 3, vocabulary: int = 5, length: int = 7) -> torch.Tensor:
    return torch.randint(vocabulary + 1, (n, length), generator=torch.Generator().manual_seed(1))


def test_a_token_is_told_those_before_it_and_no_other():
    of, x = net(), tokens()
    logits = of(x)
    assert logits.shape == (3, 7, 6)
    for place in range(7):
        other = x.clone()
        other[:, place] = (x[:, place] + 1) % 6
        same = (of(other) - logits).abs().amax((0, 2)) < 1e-6
        assert same.tolist() == [at <= place for at in range(7)]


def test_steps_with_the_cache_are_the_whole():
    of, x, told = net(condition=4), tokens(), torch.randn(3, 4)
    logits, cache = of.begin(3, told)
    steps = [logits, *(of.step(column, cache) for column in x[:, :-1].unbind(1))]
    assert torch.allclose(torch.stack(steps, 1), of(x, told), atol=1e-5)


def test_probabilities_of_all_sequences_sum_to_one():
    of = net(vocabulary=2, length=3)
    everything = torch.tensor(list(itertools.product(range(3), repeat=3)))
    logs = of(everything).log_softmax(2).gather(2, everything[..., None]).sum((1, 2))
    assert logs.exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_samples_follow_the_probabilities():
    of, n = net(vocabulary=2, length=2), 4000
    drawn = of.sample(n, None, Rng.for_step(0, batch=n))
    pairs = torch.tensor(list(itertools.product(range(3), repeat=2)))
    expected = of(pairs).log_softmax(2).gather(2, pairs[..., None]).sum((1, 2)).exp()
    shares = torch.bincount(3 * drawn[:, 0] + drawn[:, 1], minlength=9) / n
    assert torch.allclose(shares, expected, atol=0.03)


def test_at_no_temperature_the_likeliest_is_drawn():
    of = net()
    drawn = of.sample(4, None, Rng.for_samples(0, range(4)), temperature=0.0)
    assert torch.equal(drawn, of(drawn).argmax(2))


def test_what_is_told_matters():
    of = net(condition=4)
    one, other, untold = (of(tokens(), told) for told in (torch.zeros(3, 4), torch.ones(3, 4), None))
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
