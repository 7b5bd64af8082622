"""How well scores tell two groups apart: the area under the ROC curve, and the hits at few false alarms."""

from __future__ import annotations

import numpy as np

from anew.evaluation.value import Value, normal


def auc(positive: np.ndarray, negative: np.ndarray) -> Value:
    """Area under the ROC curve of scores (n,) and (m,), with the interval of DeLong et al. (1988)."""
    above, below = _placements(positive, negative), _placements(negative, positive)
    variance = above.var(ddof=1) / len(positive) + below.var(ddof=1) / len(negative)
    return normal(above.mean(), np.sqrt(variance), min(len(positive), len(negative)))


def hits(positive: np.ndarray, negative: np.ndarray, alarms: float) -> Value:
    """The share of `positive` (n,) above what a share of `alarms` of `negative` (m,) is above.

    The variance is that of the share, and that of the threshold: how far the share moves if the latter's false alarms
    are a standard error more or less.
    """
    error = np.sqrt(alarms * (1 - alarms) / len(negative))
    less, found, more = (_above(positive, negative, rate) for rate in (max(alarms - error, 0), alarms, alarms + error))
    p = (found * len(positive) + 1) / (len(positive) + 2)
    sd = np.hypot(np.sqrt(p * (1 - p) / len(positive)), (more - less) / 2)
    return normal(found, float(sd), min(len(positive), len(negative))).clip(0, 1)


def _above(positive: np.ndarray, negative: np.ndarray, alarms: float) -> float:
    return float((positive > np.quantile(negative, 1 - alarms, method="higher")).mean())


def _placements(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The share of `others` that each score is above, half of what it equals: (n,)."""
    others = np.sort(others)
    return (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / (2 * len(others))
