"""The learning rate as a function of how far training is."""

from __future__ import annotations

import math

from anew.errors import unknown

DECAYS = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1.0 - t,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),  # Loshchilov and Hutter 2017, equation 5
}


def rate(progress: float, warmup: float, decay: str) -> float:
    """What the learning rate is multiplied by at `progress` (0 to 1): it rises over `warmup`, then decays."""
    if decay not in DECAYS:
        raise unknown("decay", decay, DECAYS)
    if progress < warmup:
        return progress / warmup
    return DECAYS[decay]((progress - warmup) / (1 - warmup) if warmup < 1 else 1.0)
