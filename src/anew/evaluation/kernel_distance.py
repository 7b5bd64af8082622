"""How far apart two distributions are: the maximum mean discrepancy with a polynomial kernel.

Raw, it says little, so the card shows it in units of what chance makes of two sets of real data.
"""

from __future__ import annotations

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.neighbours import blocks
from anew.evaluation.value import Value, highest, normal

PERMUTED = 2_000  # examples a side of which the noise is measured, at most


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """k(a, b) = (a·b / d + 1)^3 (Bińkowski et al. 2018, sec. 4): (n, m)."""
    k: np.ndarray = a @ b.T / a.shape[1] + 1
    return k * k * k  # much faster than a power


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
    """Standard deviation of `mmd` between two sets from one distribution, by permuting a and b (n, d).

    It is measured on PERMUTED of each at most, and falls with n (Gretton et al. 2012, theorem 12).
    """
    some = min(len(a), PERMUTED)
    if some < len(a):
        return mmd_noise(a[:some], b[:some], repeats, seed) * some / len(a)
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


def _mean_kernel(x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """Mean of k(x_i, y_j) over j, or over the other rows of x itself: (n,)."""
    others = x if y is None else y
    sums = np.concatenate([kernel(x[rows], others).sum(1) for rows in blocks(len(x), len(others))])
    if y is not None:
        return sums / len(y)
    return (sums - ((x * x).sum(1) / x.shape[1] + 1) ** 3) / (len(x) - 1)


def _units(real: Real) -> dict[str, float]:
    """By view; 1 where real data does not vary."""
    views, others = real.unseen.views, real.reference.views
    return {view: mmd_noise(x, others[view], seed=real.seed) or 1.0 for view, x in views.items()}


def _measure(x: Examples, real: Real) -> Values:
    units, reference = real.once(_units), real.reference.views
    return {"mmd": highest(mmd(x.views[view], reference[view]).over(unit) for view, unit in units.items())}


MEASURE = Measure(
    {
        "mmd": Text(
            "Kernel distance",
            "How far apart are the two distributions?",
            "× noise",
            "low",
            "Unbiased MMD² (KID). Between two sets of real data its mean is 0, so the unit is its standard "
            "deviation, by permutation; the number grows with n. The worst view counts.",
        )
    },
    _measure,
    groups=True,
)
