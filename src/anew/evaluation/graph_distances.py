"""Distances of two sets of graphs as the literature measures them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

# GRAN's (Liao et al. 2019, section 4.2 and code): Gaussian of the total variation, of these widths
WIDTHS = {"degrees": 1.0, "clustering": 0.1, "orbits": 30.0, "spectrum": 1.0}


def mmd(x: np.ndarray, y: np.ndarray, width: float) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-((cdist(a, b, "cityblock") / 2) ** 2) / (2 * width**2)).mean())

    return kernel(x, x) + kernel(y, y) - 2 * kernel(x, y)


def distances(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: mmd(a[name], b[name], width) for name, width in WIDTHS.items()}
