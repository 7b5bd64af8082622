"""Predicts what is given from features: a linear model, fitted in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from anew.evaluation.examples import Examples
from anew.evaluation.value import Value, lowest, mean, share
from anew.spaces import Field

Predictor = Callable[[np.ndarray], np.ndarray]
SHRINKAGE = 10.0
SMALLEST = 20  # examples to fit on, and to score on


def predictor(field: Field, x: np.ndarray, told: np.ndarray) -> Predictor | None:
    """From features (n, d) to a category or a number (n,); None if too little is known to fit one."""
    known = ~np.isnan(told)
    if known.sum() < SMALLEST or len(np.unique(told[known])) < 2:
        return None
    model = RidgeClassifier(SHRINKAGE) if field.values else Ridge(SHRINKAGE)
    predict: Predictor = make_pipeline(StandardScaler(), model).fit(x[known], told[known]).predict
    return predict


def score(field: Field, predicted: np.ndarray, told: np.ndarray) -> Value | None:
    """The share of categories that are right, or of the variance of numbers explained; None for too few."""
    known = ~np.isnan(told)
    predicted, told, n = predicted[known], told[known], int(known.sum())
    if n < SMALLEST:
        return None
    if field.values:
        return share(int((predicted == told).sum()), n)
    return explained(predicted, told)


def reads(field: Field, predict: Predictor | None, examples: Examples) -> Value | None:
    """How well the field is predicted of examples; None where there is no predictor, or too little to score."""
    return score(field, predict(examples.beside), examples.given[field.name]) if predict else None


def worst(scores: Iterable[Value | None]) -> Value | None:
    """The lowest of those that can be said."""
    known = [value for value in scores if value]
    return lowest(known) if known else None


def explained(predicted: np.ndarray, told: np.ndarray) -> Value:
    """The coefficient of determination, of (n,)."""
    return mean(1 - (predicted - told) ** 2 / (told.var() or 1.0)).clip(0, 1)
