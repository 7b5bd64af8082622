"""The area under the curve is scikit-learn's, and hits are counted at the right threshold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from anew.evaluation import roc


@pytest.mark.parametrize("rounded", [False, True])
def test_the_area_is_that_of_scikit_learn_with_ties_too(rounded: bool) -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(size=80) + 0.7, rng.normal(size=120)
    if rounded:
        positive, negative = positive.round(), negative.round()
    truth = roc_auc_score(np.r_[np.ones(80), np.zeros(120)], np.r_[positive, negative])
    assert roc.auc(positive, negative).value == pytest.approx(truth)


def test_hits_are_above_what_few_of_the_others_reach() -> None:
    negative = np.arange(100.0)
    assert roc.hits(np.array([98.5, 98.6, 50.0, 99.5]), negative, 0.01).value == 0.25
    assert roc.hits(np.array([98.5, 98.6, 50.0, 99.5]), negative, 0.02).value == 0.75
    assert roc.hits(negative, negative, 0.01).value == pytest.approx(0.01, abs=0.01)
