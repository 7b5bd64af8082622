"""Rows that gradients can pass through, and packs."""

from __future__ import annotations

import torch

from anew.nn.adversarial_rows import hard_rows, log_softmax_of, pack, row_critic, row_generator, soft_rows
from anew.nn.conditioning import vector_size, vectors
from anew.spaces import Field, Fields

SPACE = Fields((Field("a", 3), Field("b", 4, 3), Field("c", 2, 2)))


def outputs(n: int = 50) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.randn(n, vector_size(SPACE), generator=g), torch.rand(n, vector_size(SPACE), generator=g)


def test_cold_soft_rows_are_the_vectors_of_the_hard_ones():
    out, u = outputs()
    hard, soft = hard_rows(SPACE.fields, out, u), soft_rows(SPACE.fields, out, u, 1e-3)
    assert SPACE.contains(hard)
    assert torch.allclose(soft, vectors(SPACE, hard), atol=2e-3)


def test_soft_rows_have_gradients():
    out, u = outputs()
    soft_rows(SPACE.fields, out.requires_grad_(), u, 0.2).square().sum().backward()
    assert out.grad is not None
    assert (out.grad.abs().sum(0) > 0).all()


def test_draws_follow_the_logits():
    out, u = torch.zeros(1, vector_size(SPACE)), torch.rand(20_000, vector_size(SPACE))
    out[0, :3] = torch.tensor([0.1, 0.2, 0.7]).log()
    codes = hard_rows(SPACE.fields, out.expand(20_000, -1), u)[:, 0].long()
    assert torch.allclose(torch.bincount(codes) / 20_000, torch.tensor([0.1, 0.2, 0.7]), atol=0.02)


def test_log_probabilities_of_some_fields():
    logs = log_softmax_of(SPACE.fields, [1, 2], outputs(5)[0])
    assert logs.shape == (5, 6)
    assert torch.allclose(torch.stack([part.exp().sum(1) for part in logs.split([4, 2], 1)]), torch.ones(2, 5))


def test_packs_hold_every_row_once_and_fill_up_from_the_front():
    rows = torch.arange(10.0).view(5, 2)
    assert torch.equal(pack(rows, 2), torch.tensor([[0.0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]))
    assert torch.equal(pack(rows, 1), rows)
    assert torch.equal(pack(rows[:1], 3), torch.tensor([[0.0, 1, 0, 1, 0, 1]]))


def test_players():
    assert row_generator(5, 8, 7)(torch.randn(3, 5)).shape == (3, 7)
    assert row_critic(6, 8, 0.5)(torch.randn(3, 6)).shape == (3,)
