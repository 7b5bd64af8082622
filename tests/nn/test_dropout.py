"""Dropout from random bytes: as many are left out as were asked for, and the mean stays."""

from __future__ import annotations

import pytest
import torch

from anew.nn.dropout import LEVELS, Dropout, kept


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_share_and_the_mean(p: float, dtype: torch.dtype):
    torch.manual_seed(0)
    mask = kept(torch.empty(1001, 999, dtype=dtype), p)
    share = min(max(1, round(LEVELS * p)), LEVELS - 1) / LEVELS
    assert mask.dtype == dtype
    assert (mask == 0).float().mean().item() == pytest.approx(share, abs=0.002)
    assert mask.unique().tolist() == pytest.approx([0, 1 / (1 - share)], rel=0.01)
    assert mask.float().mean().item() == pytest.approx(1, rel=0.1 if p > 0.9 else 0.01)


def test_neighbours_have_nothing_to_do_with_each_other():
    torch.manual_seed(0)
    mask = (kept(torch.empty(2**20), 0.5) > 0).double()
    for apart in range(1, 17):
        assert abs(torch.corrcoef(torch.stack([mask[apart:], mask[:-apart]]))[0, 1]) < 0.005


def test_gradients_go_where_values_went():
    torch.manual_seed(0)
    x = torch.randn(5, 7, requires_grad=True)
    y = Dropout(0.3)(x)
    y.sum().backward()
    torch.testing.assert_close(y.detach(), x.detach() * x.grad)


def test_nothing_is_left_out_later_and_a_seed_repeats_it():
    layer, x = Dropout(0.5), torch.ones(3, 3)
    torch.manual_seed(0)
    first = layer(x)
    torch.manual_seed(0)
    assert torch.equal(layer(x), first)
    assert torch.equal(Dropout(1.0)(x), torch.zeros(3, 3))
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(layer.eval()(x), x)
    assert layer.train()(torch.empty(0, 4)).shape == (0, 4)
