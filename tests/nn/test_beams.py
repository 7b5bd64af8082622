"""Beams keep the likeliest beginnings."""

from __future__ import annotations

import pytest
import torch

from anew.nn.beams import EVEN, Beams, Ended

OPEN = torch.full((4,), -1)
SHARES = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])


def test_at_first_all_are_one():
    beams = Beams(2, 2, "cpu")
    rows, codes = beams.grow(SHARES[[0, 0, 1, 1]].log(), OPEN)
    assert rows.tolist() == [0, 0, 2, 2]
    assert codes.tolist() == [0, 1, 1, 0]
    assert beams.logs.exp().flatten().tolist() == pytest.approx([0.5, 0.3, 0.8, 0.1])


def test_the_likeliest_are_kept_whichever_they_came_from():
    beams = Beams(1, 2, "cpu")
    beams.grow(SHARES[[0, 0]].log(), OPEN[:2])
    rows, codes = beams.grow(SHARES[[1, 3]].log(), OPEN[:2])
    assert rows.tolist() == [0, 1]
    assert codes.tolist() == [1, 0]
    assert beams.logs.exp()[0].tolist() == pytest.approx([0.5 * 0.8, 0.3 * 0.9])


def test_longer_ones_are_made_up_to():
    beams = Beams(1, 2, "cpu")
    beams.grow(torch.tensor([[0.6, 0.0, 0.4], [0.6, 0.0, 0.4]]).log(), OPEN[:2])
    rows, codes = beams.grow(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).log(), torch.tensor([0, -1]))
    assert rows.tolist() == [0, 1]
    assert codes.tolist() == [0, 1]
    even = [(6 / 6) ** EVEN, (7 / 6) ** EVEN]
    assert beams.ranks[0].tolist() == pytest.approx(
        [torch.tensor(p).log().item() / n for p, n in zip((0.6, 0.4), even)]
    )


def test_where_too_few_are_possible_the_best_fills_the_places():
    beams = Beams(1, 4, "cpu")
    rows, codes = beams.grow(torch.tensor([[-torch.inf, -1.0, -torch.inf]]).expand(4, 3), OPEN)
    assert rows.tolist() == [0] * 4
    assert codes.tolist() == [1] * 4
    assert beams.logs.isinf().tolist() == [[False, True, True, True]]


def test_what_is_known_costs_nothing():
    beams = Beams(1, 2, "cpu")
    _, codes = beams.grow(SHARES[:2].log(), torch.tensor([2, 2]))
    assert codes.tolist() == [2, 2]
    assert beams.ranks[0, 0] == 0


def test_the_best_that_ended_stays():
    ended = Ended(torch.zeros(2, 3, dtype=torch.int64))
    x = torch.arange(12).view(4, 3)
    ended.keep(x, torch.tensor([[-3.0, -2.0], [-5.0, -6.0]]), torch.tensor([True, True, False, False]))
    ended.keep(x + 1, torch.tensor([[-2.5, -0.1], [-1.0, -0.5]]), torch.tensor([True, False, True, False]))
    assert ended.x.tolist() == [[3, 4, 5], [7, 8, 9]]
    assert ended.ranks.tolist() == [-2, -1]
