"""The average of the weights."""

from __future__ import annotations

import pytest
import torch

from anew.training.ema import EMA, exponent
from toys import SPACES, tiny


def profile(width: float, steps: int) -> torch.Tensor:
    """The weight of each step in the average after the last one: what EMA.update does, on one number a step."""
    model = tiny("vae", SPACES["fields"]).double()
    ema = EMA(model, width)
    average, latest = next(ema.model.parameters()), next(model.parameters())
    weights = torch.zeros(steps, dtype=torch.float64)
    for mark in range(1, steps + 1):  # the last average is linear in the steps: follow all marks by one factor
        latest.data.fill_(1.0)
        average.data.zero_()
        ema.update(mark)
        taken = average.flatten()[0].item()
        weights[: mark - 1] *= 1 - taken
        weights[mark - 1] = taken
    return weights


@pytest.mark.parametrize("width", [0.01, 0.05, 0.1, 0.2, 0.28])
def test_width_is_the_standard_deviation_of_the_profile(width: float):
    steps = 2000
    weights, times = profile(width, steps), (torch.arange(steps) + 1) / steps
    assert weights.sum().item() == pytest.approx(1, abs=1e-9)
    mean = (weights * times).sum()
    deviation = (weights * (times - mean).square()).sum().sqrt().item()
    assert deviation == pytest.approx(width, rel=0.03)


def test_exponent_of_known_profiles():
    assert exponent(0.1) == pytest.approx(6.94, abs=0.01)  # both from EDM2, section 3.1
    assert exponent(0.05) == pytest.approx(16.97, abs=0.01)


def test_first_step_forgets_the_start():
    model = tiny("vae", SPACES["fields"])
    ema = EMA(model, 0.1)
    with torch.no_grad():
        next(model.parameters()).fill_(3.0)
    ema.update(1)
    assert (next(ema.model.parameters()) == 3).all()


def test_no_width_keeps_the_latest():
    model = tiny("vae", SPACES["fields"])
    ema = EMA(model, 0.0)
    for step in range(1, 4):
        with torch.no_grad():
            next(model.parameters()).fill_(step)
        ema.update(step)
        assert (next(ema.model.parameters()) == step).all()


def test_buffers_follow_too():
    model = tiny("dcgan", SPACES["grey"])
    ema = EMA(model, 0.1)
    buffers = dict(model.named_buffers())
    counts = next(name for name in buffers if "num_batches" in name)
    means = next(name for name in buffers if "running_mean" in name)
    buffers[counts].fill_(7)
    buffers[means].fill_(2.0)
    ema.update(1)
    kept = dict(ema.model.named_buffers())
    assert kept[counts] == 7
    assert (kept[means] == 2).all()
