"""Tables of log-probabilities."""

from __future__ import annotations

import copy

import torch

from anew.nn.tables import LogProbabilities, Prior, table


def test_they_sum_to_one_over_values():
    assert torch.allclose(table(5, 3).weight.exp().sum(0), torch.ones(3))
    assert torch.allclose(Prior(4)(torch.zeros(2, 4)).exp(), torch.full((2, 4), 0.25))


def test_the_gradient_is_how_often_each_is_expected_to_be_used():
    of_field, prior, codes = table(3, 2), Prior(2), torch.tensor([0, 2, 2])
    logs = prior(of_field(codes))
    (-logs.logsumexp(1)).sum().backward()
    shares = logs.detach().softmax(1)  # of the kinds, in each example
    assert prior.logs.grad is not None
    assert of_field.weight.grad is not None
    assert torch.allclose(-prior.logs.grad, shares.sum(0))
    assert torch.allclose(-of_field.weight.grad, torch.stack([shares[0], torch.zeros(2), shares[1:].sum(0)]))


def test_copies_are_still_told_from_other_parameters():
    assert isinstance(copy.deepcopy(table(3, 2)).weight, LogProbabilities)
    assert isinstance(copy.deepcopy(Prior(2)).to(torch.float64).logs, LogProbabilities)
