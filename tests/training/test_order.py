"""Which examples come when."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from anew.training.order import Order

sizes, seeds = st.integers(1, 50), st.integers(0, 3)


@given(sizes, seeds, st.integers(0, 5))
def test_every_epoch_is_a_permutation(n: int, seed: int, epoch: int):
    assert sorted(Order(n, seed).at(epoch * n, n).tolist()) == list(range(n))


@given(sizes, seeds, st.lists(st.tuples(st.integers(0, 200), st.integers(1, 120)), min_size=1, max_size=5))
def test_depends_on_the_position_only(n: int, seed: int, spans: list[tuple[int, int]]):
    order, whole = Order(n, seed), Order(n, seed).at(0, 320)
    for start, count in spans:
        assert torch.equal(order.at(start, count), whole[start : start + count])


def test_epochs_and_seeds_differ():
    first, second = Order(100, 0).at(0, 200).split(100)
    assert not torch.equal(first, second)
    assert not torch.equal(first, Order(100, 1).at(0, 100))
