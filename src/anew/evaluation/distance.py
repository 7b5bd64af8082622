"""How far samples are from real data: kernel and optimal-transport distances, in the units of the features.

Both are raw: alone they say little, so the card shows them in multiples of what real data scores against
other real data.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.neighbours import blocks
from anew.evaluation.value import Value, normal


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """k(a, b) = (a·b / d + 1)^3 (Bińkowski et al. 2018, sec. 4): (n, m)."""
    return (a @ b.T / a.shape[1] + 1) ** 3


def mmd(samples: np.ndarray, reference: np.ndarray) -> Value:
    """Unbiased squared MMD with the cubic kernel, KID (Gretton et al. 2012, eq. 3): 0 on average if equal.

    The full U-statistic over (n, d) and (m, d), rather than KID's mean over blocks of it, which has the
    same expectation and a higher variance. The interval is that of its first-order projection.
    """
    x, y = samples.astype(np.float64), reference.astype(np.float64)
    within_x, within_y = _mean_kernel(x), _mean_kernel(y)
    x_to_y, y_to_x = _mean_kernel(x, y), _mean_kernel(y, x)
    value = within_x.mean() + within_y.mean() - 2 * x_to_y.mean()
    variance = 4 * ((within_x - x_to_y).var(ddof=1) / len(x) + (within_y - y_to_x).var(ddof=1) / len(y))
    return normal(value, np.sqrt(variance), len(x))


def mmd_noise(a: np.ndarray, b: np.ndarray, repeats: int = 200, seed: int = 0) -> float:
    """Standard deviation of `mmd` between two sets from one distribution, by permuting a and b (n, d)."""
    pool, n = np.concatenate([a, b]).astype(np.float64), len(a)
    rng = np.random.default_rng(seed)
    first = np.stack([rng.permutation(len(pool)) < n for _ in range(repeats)], 1).astype(np.float64)
    sums = np.zeros((3, repeats))  # of the kernel within the first set, within the second, and across
    for rows in blocks(len(pool), len(pool)):
        k = kernel(pool[rows], pool)
        k[np.arange(len(k)), np.arange(len(pool))[rows]] = 0
        to_first, to_all = k @ first, k.sum(1, keepdims=True)
        sums[0] += (first[rows] * to_first).sum(0)
        sums[1] += ((1 - first[rows]) * (to_all - to_first)).sum(0)
        sums[2] += ((1 - first[rows]) * to_first).sum(0)
    m = len(b)
    return float((sums[0] / (n * (n - 1)) + sums[1] / (m * (m - 1)) - 2 * sums[2] / (n * m)).std())


def sliced_wasserstein(samples: np.ndarray, reference: np.ndarray, projections: int = 256, seed: int = 0) -> Value:
    """Sliced Wasserstein-2 distance (Bonneel et al. 2015) of two (n, d), over seeded directions.

    Cut to equally many rows, the distance along a direction is that of the sorted values. The interval is
    the central limit theorem's (del Barrio & Loubes 2019): the variance of the Kantorovich potentials. It
    surrounds the expected value at this n, which is above zero even for two sets from one distribution.
    """
    n = min(len(samples), len(reference))
    directions = np.random.default_rng(seed).normal(size=(samples.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    x, y = (a[:n].astype(np.float64) @ directions for a in (samples, reference))
    ranks_x, ranks_y = x.argsort(0), y.argsort(0)
    x, y = np.take_along_axis(x, ranks_x, 0), np.take_along_axis(y, ranks_y, 0)
    squared = ((x - y) ** 2).mean()
    sides = (_potentials(x, y, ranks_x), _potentials(y, x, ranks_y))
    sd = np.sqrt(sum(side.var(ddof=1) for side in sides) / n)
    return normal(squared, sd, n).map(lambda v: max(v, 0.0) ** 0.5)


def _mean_kernel(x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """Mean of k(x_i, y_j) over j, or over the other rows of x itself: (n,)."""
    others = x if y is None else y
    sums = np.concatenate([kernel(x[rows], others).sum(1) for rows in blocks(len(x), len(others))])
    if y is not None:
        return sums / len(y)
    return (sums - ((x * x).sum(1) / x.shape[1] + 1) ** 3) / (len(x) - 1)


def _potentials(x: np.ndarray, y: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Kantorovich potential of each example up to a constant, the mean over directions: (n,).

    Along a direction it is the integral of 2 (x - T(x)), where T takes the i-th smallest x to the i-th
    smallest y; x and y (n, directions) are sorted, `ranks` says which example is where.
    """
    gap = x - y
    rises = np.diff(x, axis=0) * (gap[1:] + gap[:-1])
    potential = np.concatenate([np.zeros((1, x.shape[1])), rises.cumsum(0)])
    per_example = np.empty_like(potential)
    np.put_along_axis(per_example, ranks, potential, 0)
    return per_example.mean(1)
