"""Data whose answers are known."""

from __future__ import annotations

import numpy as np

N, D = 300, 6


def gaussian(seed: int, n: int = N, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, D)) + shift


def two_modes(seed: int, n: int = N) -> np.ndarray:
    """The first half around 0, the second around 12."""
    x = gaussian(seed, n)
    x[n // 2 :] += 12
    return x
