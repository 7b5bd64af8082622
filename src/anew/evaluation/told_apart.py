"""Can a classifier tell samples from real data? A lower bound of the Jensen-Shannon distance, and the AUC.

A classifier two-sample test (Lopez-Paz & Oquab 2017) read as a variational bound, as in PolyGraph
Discrepancy (Krimmel et al. 2025): for any D with values in (0, 1), real data p and samples q,

    JSD(p, q) >= 1 + (E_p[log2 D(x)] + E_q[log2(1 - D(x))]) / 2     in bits, between 0 and 1.

The distance is the square root of the bound. Logistic regression and boosted trees are tried on every
feature view, and the worst counts; boosted trees are also shown the columns of a table as they are. Taking a
maximum over noise would find a difference where there is none, so the cross-fitting is nested: within each
of the five folds, view, classifier and temperature are chosen on a quarter of the other four, and only examples
that took part in neither the fit nor the choice are scored. At most CHOOSING examples take part in the choice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from anew.evaluation import roc
from anew.evaluation.columns import categories, coded, columns, learnable
from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.value import Z95, Value, mean, normal

Views = Mapping[str, np.ndarray]
COLUMNS = "columns"  # the view of a table's columns as they are, with NaN where they are missing
FOLDS = 5
CHOOSING = 4_000
SMALLEST = 20  # samples a side: four in each fold
OVERLAP = (1 + FOLDS / (FOLDS - 1)) ** 0.5  # widens intervals: folds share training data (Nadeau & Bengio 2003)
TEMPERATURES = (1.0, 0.5, 0.25, 0.125, 0.0625)  # they shrink the log-odds of a classifier that is too sure


class ToldApart(NamedTuple):
    distance: Value  # lower bound of the Jensen-Shannon distance, in [0, 1]
    auc: Value  # 0.5: cannot be told apart; 1: always
    chosen: tuple[str, ...]  # "view, classifier" of each fold


class _Choice(NamedTuple):
    view: str
    classifier: str
    temperature: float


def told_apart(samples: Views, reference: Views, seed: int = 0, categories: np.ndarray | None = None) -> ToldApart:
    """Compares views {name: (n, d)} of samples with the same views of real data.

    `categories` (d,) are those of the columns of the view COLUMNS that hold codes of categories, if there is one.
    """
    rng = np.random.default_rng(seed)
    views, real = _stack(samples, reference, rng)
    folds = [(rng.permutation(fit), test) for fit, test in _folds(real, FOLDS, seed)]
    classifiers = _Classifiers(seed, categories)
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda fold: _score(views, real, fold[0], fold[1], classifiers), folds))
    log_odds = np.empty(len(real))
    for (_, test), (_, scores) in zip(folds, found, strict=True):
        log_odds[test] = scores
    aucs = [roc.auc(log_odds[test][real[test]], log_odds[test][~real[test]]) for _, test in folds]
    bits = _bits(log_odds, real, cap=np.log(len(real)))
    distance = _mean_of_sides(bits, real).map(lambda v: min(max(v, 0.0), 1.0) ** 0.5)
    chosen = tuple(f"{choice.view}, {choice.classifier}" for choice, _ in found)
    return ToldApart(distance, _average(aucs, len(real) // 2).clip(0, 1), chosen)


class _Classifiers(NamedTuple):
    """Those that are tried."""

    seed: int
    categories: np.ndarray | None

    def names(self, view: str) -> tuple[str, ...]:
        return ("boosted trees",) if view == COLUMNS else ("logistic regression", "boosted trees")

    def fit(self, view: str, name: str, x: np.ndarray, real: np.ndarray) -> Any:
        if name == "logistic regression":
            return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200)).fit(x, real)
        known, x = (self.categories, learnable(x)) if view == COLUMNS else (None, x)
        options = {"max_leaf_nodes": 8, "early_stopping": False, "random_state": self.seed}
        return HistGradientBoostingClassifier(max_iter=60, categorical_features=known, **options).fit(x, real)


def _score(
    views: Views, real: np.ndarray, fit: np.ndarray, test: np.ndarray, classifiers: _Classifiers
) -> tuple[_Choice, np.ndarray]:
    """What is chosen on some of `fit` (rows in random order), fitted on all of it: log-odds of `test`."""
    with threadpool_limits(1):  # of this thread: fits this small lose time on threads of their own
        choice = _choose(views, real, fit[:CHOOSING], classifiers)
        x = views[choice.view]
        model = classifiers.fit(choice.view, choice.classifier, x[fit], real[fit])
        return choice, model.decision_function(x[test]) * choice.temperature


def _stack(samples: Views, reference: Views, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Equally many of each side, one under the other, and which are real: {view: (2n, d)}, (2n,)."""
    sizes = [len(next(iter(side.values()))) for side in (reference, samples)]
    n = min(sizes)
    rows, others = (rng.permutation(size)[:n] for size in sizes)
    views = {view: np.concatenate([reference[view][rows], samples[view][others]]) for view in reference}
    return views, np.arange(2 * n) < n


def _folds(real: np.ndarray, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return splitter.split(np.zeros(len(real)), real)


def _choose(views: Views, real: np.ndarray, among: np.ndarray, classifiers: _Classifiers) -> _Choice:
    """The view, classifier and temperature with the highest bound on a quarter of `among`."""
    fit, test = (among[rows] for rows in next(_folds(real[among], 4, classifiers.seed)))
    bounds = {}
    for view, x in views.items():
        for name in classifiers.names(view):
            log_odds = classifiers.fit(view, name, x[fit], real[fit]).decision_function(x[test])
            for t in TEMPERATURES:
                bits = _bits(log_odds * t, real[test], cap=np.log(len(real)))
                bounds[_Choice(view, name, t)] = bits.mean()
    return max(bounds, key=bounds.__getitem__)


def _bits(log_odds: np.ndarray, real: np.ndarray, cap: float) -> np.ndarray:
    """1 + log2 of the probability given to the truth, (n,); the log-odds are cut at +-`cap`."""
    margin = np.clip(np.where(real, log_odds, -log_odds), -cap, cap)
    return 1 - np.logaddexp(0, -margin) / np.log(2)


def _mean_of_sides(scores: np.ndarray, real: np.ndarray) -> Value:
    """The mean over two equally large groups, each with a variance of its own."""
    return _average([mean(scores[real]), mean(scores[~real])], len(scores) // 2)


def _average(values: list[Value], n: int) -> Value:
    """The mean of measurements that are independent but for what the folds share."""
    sds = np.array([v.high - v.value for v in values]) / Z95
    return normal(float(np.mean([v.value for v in values])), OVERLAP * np.sqrt((sds**2).sum()) / len(values), n)


def _measure(x: Examples, real: Real) -> Values:
    of = real.once(columns)
    samples, reference = ({**one.views, COLUMNS: coded(one, of)} if of else one.views for one in (x, real.reference))
    apart = told_apart(samples, reference, real.seed, categories(of))
    return {"told_apart": apart.distance, "auc": apart.auc}


MEASURE = Measure(
    {
        "told_apart": Text(
            "Told apart",
            "Can a classifier tell samples from real data?",
            "",
            "low",
            "0: it cannot; 1: always. A lower bound of the Jensen-Shannon distance. "
            "View and classifier are chosen on examples other than those scored.",
        ),
        "auc": Text(
            "Classifier AUC",
            "How often does the classifier rank the real one of two higher?",
            "",
            "low",
            "0.5: it guesses; 1: always. Of the same classifiers.",
        ),
    },
    _measure,
)
