"""How much noise a promise takes: the account of noisy sums over samples of the data."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

from anew.errors import AnewError

SHARP = 20.0  # the epsilon above which the sharper of the two bounds takes minutes
MOST = 1e4  # noise
TOLERANCE = 0.01  # of the noise that is found, as a share


class Account(NamedTuple):
    """`noise` is the standard deviation of what is added to a sum, in units of the most that one example adds to it.
    `epsilon` is what is then spent, at most as much as was to be."""

    noise: float
    epsilon: float
    accountant: str


def calibrate(epsilon: float, delta: float, rate: float, steps: int, first: float = 0.0) -> Account:
    """The least noise with which `steps` noisy sums, each over a fresh sample of the examples (each of them is in it
    with probability `rate`), together are (epsilon, delta)-differentially private. Raises AnewError if there is none.

    `first` is the noise on what was released before, of all examples; 0 if nothing was.
    """
    before = [(first, 1.0, 1)] if first else []
    noise = find_noise(epsilon, lambda noise: spent([*before, (noise, rate, steps)], delta))
    epsilon = spent([*before, (noise, rate, steps)], delta)
    return Account(noise, epsilon, f"opacus {version('opacus')}, the lesser of PRV and RDP")


def find_noise(epsilon: float, spent: Callable[[float], float]) -> float:
    """The least noise with which no more than `epsilon` is `spent`, within TOLERANCE."""
    high = 1.0
    while spent(high) > epsilon:
        if (high := 2 * high) > MOST:
            raise AnewError(f"an epsilon of {epsilon:g} takes more noise than there is; ask for a larger one")
    low = high / 2
    while spent(low) <= epsilon:
        high, low = low, low / 2
    while high / low > 1 + TOLERANCE:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if spent(middle) <= epsilon else (middle, high)
    return high


def spent(releases: list[tuple[float, float, int]], delta: float) -> float:
    """Epsilon of all releases, each (noise, rate, steps): the lesser of two upper bounds, by privacy random variables
    (Gopi et al. 2021) where that converges, and by Renyi divergence (Mironov et al. 2019)."""
    try:
        from opacus.accountants import PRVAccountant, RDPAccountant
    except ImportError as error:
        raise AnewError("private training needs the package opacus; try: pip install 'anew[private]'") from error
    sharp, robust = PRVAccountant(), RDPAccountant()
    sharp.history = robust.history = releases
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about bounds that are not the sharpest
        epsilon = float(robust.get_epsilon(delta))
        if epsilon > SHARP:
            return epsilon
        try:
            return min(epsilon, float(sharp.get_epsilon(delta)))
        except (RuntimeError, ValueError):  # where its numbers don't suffice, it says so
            return epsilon
