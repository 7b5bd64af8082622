"""How well the columns of a table can be predicted from each other: boosted trees, fitted on some rows, read others.

The skill is the area under the ROC curve for categories, each against all others and weighted by how frequent it is,
and the share of the variance explained for numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from anew.evaluation import roc
from anew.evaluation.columns import Column, categories, coded, columns, learnable
from anew.evaluation.examples import Examples, Real
from anew.evaluation.predict import SMALLEST, explained
from anew.evaluation.value import Value

FREQUENT = 10  # categories that are told apart, and how many a column may have to be chosen
CHOSEN = 5  # columns that are predicted where nothing is given

Reader = Callable[[Examples], Value | None]  # how well a column of the examples is predicted; None: too few to say


def targets(real: Real) -> tuple[Column, ...]:
    """The columns that are given; else the last ones with few categories, and then the last numbers.

    None where there are no others to predict them from.
    """
    of = real.once(columns) if len(real.once(columns)) > 1 else ()
    given = tuple(column for column in of if column.name in {field.name for field in real.fields})
    few = [column for column in of if column.values is not None and 2 <= len(column.values) <= FREQUENT]
    return given or tuple((few[::-1] + [column for column in of[::-1] if column.is_number])[:CHOSEN])


def readers(fit: Examples, real: Real) -> dict[str, Reader]:
    """Of the targets, each learned from all other columns; they guess where too little is known to learn from."""
    x = coded(fit, real.once(columns))

    def learn(target: Column) -> Reader:
        with threadpool_limits(1):  # fits this small lose time on threads of their own
            return _number(target, fit, x, real) if target.is_number else _category(target, fit, x, real)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        learned = pool.map(learn, real.once(targets))
        return dict(zip((target.name for target in real.once(targets)), learned))


def average(values: Sequence[Value], weights: Sequence[float] | None = None) -> Value:
    """The mean; the interval is that of values that go up and down together, the widest there can be."""
    ends = np.average([(one.value, one.low, one.high) for one in values], axis=0, weights=weights)
    return Value(float(ends[0]), float(ends[1]), float(ends[2]), min(one.n for one in values))


def _number(target: Column, fit: Examples, x: np.ndarray, real: Real) -> Reader:
    told, others = target.numbers(fit), _others(target, real)
    known = np.isfinite(told)
    if known.sum() < SMALLEST:
        return _guess(0.0)
    model = HistGradientBoostingRegressor(**_options(others, real)).fit(learnable(x[known][:, others]), told[known])

    def read(examples: Examples) -> Value | None:
        truth = target.numbers(examples)
        scored = np.isfinite(truth)
        if scored.sum() < SMALLEST:
            return None
        x = coded(examples, real.once(columns))[scored][:, others]
        with threadpool_limits(1):
            return explained(model.predict(x), truth[scored])

    return read


def _category(target: Column, fit: Examples, x: np.ndarray, real: Real) -> Reader:
    told, others = target.classes(fit, FREQUENT), _others(target, real)
    known = told > 0
    if known.sum() < SMALLEST or len(np.unique(told[known])) < 2:
        return _guess(0.5)
    model = HistGradientBoostingClassifier(**_options(others, real)).fit(learnable(x[known][:, others]), told[known])

    def read(examples: Examples) -> Value | None:
        truth = target.classes(examples, FREQUENT)
        scored = truth > 0
        if scored.sum() < SMALLEST:
            return None
        likely = np.zeros((scored.sum(), target.count(FREQUENT)))
        x = coded(examples, real.once(columns))[scored][:, others]
        with threadpool_limits(1):
            likely[:, model.classes_] = model.predict_proba(x)
        return _separated(likely, truth[scored])

    return read


def _guess(skill: float) -> Reader:
    return lambda examples: Value(skill, skill, skill, len(examples))


def _others(target: Column, real: Real) -> list[int]:
    return [i for i, column in enumerate(real.once(columns)) if column is not target]


def _options(others: list[int], real: Real) -> dict[str, Any]:
    """Of boosted trees."""
    known = categories(real.once(columns))[others]
    trees = {"max_iter": 60, "max_leaf_nodes": 8, "early_stopping": False}
    return {**trees, "random_state": real.seed, "categorical_features": known}


def _separated(likely: np.ndarray, truth: np.ndarray) -> Value | None:
    """Of probabilities (n, classes): the mean over classes, weighted by how frequent each is."""
    counts = np.bincount(truth, minlength=likely.shape[1])
    classes = [c for c in range(len(counts)) if min(counts[c], len(truth) - counts[c]) > 1]
    found = [roc.auc(likely[truth == c, c], likely[truth != c, c]).clip(0, 1) for c in classes]
    return average(found, counts[classes].tolist()) if found else None
