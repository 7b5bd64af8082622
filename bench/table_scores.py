"""How generated rows compare with real ones: pure functions of tables, the same for every contender.

A table is a DataFrame as `table_data.read` gives it: numbers as float64 with NaN, categories as text with "" where
missing. Boosted trees are scikit-learn's HistGradientBoostingClassifier with its defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors
from table_data import numbers

LARGE = 20_000  # rows a side of the stricter test
DRAWS = 4  # of the rows by which two tables are told apart
CATEGORIES = 254  # that the trees tell apart; rarer ones are one more
BINS = 10  # of numbers, beside categories
FALSE_POSITIVES = 0.01
KEYS = ("told_apart", "told_apart_large", "shape", "trend", "utility", "copies", "membership")

Encode = Callable[[pd.DataFrame], np.ndarray]


def scores(rows: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, target: str, seed: int) -> dict[str, float]:
    """Of generated rows; as many are looked at as there were to train on."""
    rows = rows.head(len(train))
    return {
        "told_apart": told_apart(test, rows, seed),
        "told_apart_large": told_apart(train.head(LARGE), rows, seed),
        "shape": shape(test, rows),
        "trend": trend(test, rows),
        "utility": utility(rows, test, target, seed),
        "copies": copies(rows, train),
        "membership": membership(rows, train, test),
    }


def floor(train: pd.DataFrame, test: pd.DataFrame, target: str, seed: int) -> dict[str, float]:
    """Of real rows in the place of generated ones: those to train on beside the others, or one half beside the other.

    Copies are test rows that stand among the training rows. Half of the test rows are what an attacker sees.
    """
    seen, unseen = test.iloc[::2], test.iloc[1::2]
    return {
        "told_apart": told_apart(test, train, seed),
        "told_apart_large": told_apart(train.iloc[::2], train.iloc[1::2], seed),
        "shape": shape(test, train),
        "trend": trend(test, train),
        "utility": utility(train, test, target, seed),
        "copies": copies(test, train),
        "membership": membership(seen, train, unseen),
    }


def told_apart(real: pd.DataFrame, rows: pd.DataFrame, seed: int) -> float:
    """How well boosted trees tell the two apart: area under the ROC curve, 0.5 is not at all.

    The mean over several draws of as many of each, as one moves by 0.005. (Lopez-Paz & Oquab 2017.)
    """
    return float(np.mean([_told_apart(real, rows, DRAWS * seed + draw) for draw in range(DRAWS)]))


def _told_apart(real: pd.DataFrame, rows: pd.DataFrame, seed: int) -> float:
    """Half to fit, half to score, and the other way round; the mean."""
    count = min(len(real), len(rows)) // 2 * 2
    both = pd.concat([real.sample(count, random_state=seed), rows.sample(count, random_state=seed)])
    x, y = encoder(both)(both), np.repeat([0, 1], count)
    half = np.arange(2 * count) % 2 == 0
    areas = [_area(trees(both, seed).fit(x[fit], y[fit]), x[~fit], y[~fit]) for fit in (half, ~half)]
    return float(np.mean(areas))


def utility(rows: pd.DataFrame, test: pd.DataFrame, target: str, seed: int) -> float:
    """Trained on `rows`, tested on real ones: the area under the ROC curve of boosted trees that tell the target.

    With more than two classes the mean of each against the rest. NaN if the rows lack a class. (Esteban et al. 2017.)
    """
    x, truth = test.drop(columns=target), test[target].astype(str)
    if not set(truth) <= set(rows[target].astype(str)):
        return float("nan")
    rows = rows[rows[target].astype(str).isin(set(truth))]
    encode = encoder(rows.drop(columns=target))
    model = trees(x, seed).fit(encode(rows[x.columns]), rows[target].astype(str))
    return _area(model, encode(x), truth)


def shape(real: pd.DataFrame, rows: pd.DataFrame) -> float:
    """The mean over columns of 1 - KS distance (numbers) or 1 - total variation (categories).

    As SDMetrics defines KSComplement, which leaves missing cells out, and TVComplement, where they are a category.
    """
    parts = [
        1 - (_ks(real[name], rows[name]) if name in numbers(real) else _variation(real[name], rows[name]))
        for name in real
    ]
    return float(np.mean(parts))


def trend(real: pd.DataFrame, rows: pd.DataFrame) -> float:
    """The mean over pairs of columns of how alike their dependence is.

    As SDMetrics defines it: two columns of numbers have CorrelationSimilarity, 1 - |difference of Pearson's r| / 2;
    others ContingencySimilarity, 1 - total variation of the joint table, with numbers in ten bins of the real range.
    """
    return float(np.nanmean(list(_trends(real, rows))))


def _trends(real: pd.DataFrame, rows: pd.DataFrame) -> Iterator[float]:
    those, binned, also = numbers(real), _binned(real, real), _binned(real, rows)
    for a, b in combinations(real, 2):
        if a in those and b in those:
            yield 1 - abs(real[a].corr(real[b]) - rows[a].corr(rows[b])) / 2
        else:
            yield 1 - _variation(binned[[a, b]], also[[a, b]])


def copies(rows: pd.DataFrame, train: pd.DataFrame) -> float:
    """The share of rows that stand among the training rows, in every cell."""
    known = set(pd.util.hash_pandas_object(train, index=False))
    return float(pd.util.hash_pandas_object(rows[train.columns], index=False).isin(known).mean())


def membership(rows: pd.DataFrame, members: pd.DataFrame, others: pd.DataFrame) -> float:
    """The true positive rate at 1 % false positives of an attacker who says that what is near to a row was trained on.

    Near is the Euclidean distance to the closest row (Chen et al. 2020), over ranks of numbers and categories, where
    two that differ are 1 apart. As many members as others; ties are broken by chance. 0.01 is no better than chance.
    """
    embed = _embedding(members)
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(embed(rows))
    asked = pd.concat([members.head(len(others)), others])
    distance = nearest.kneighbors(embed(asked))[0][:, 0]
    truth = np.arange(len(asked)) < min(len(members), len(others))
    false, true, _ = roc_curve(truth, -distance, drop_intermediate=False)
    return float(np.interp(FALSE_POSITIVES, false, true))


# Tables as matrices


def encoder(known: pd.DataFrame) -> Encode:
    """Tables as float64 (rows, columns): numbers as they are, categories by how common they are, NaN if not known."""
    codes = {
        name: {value: min(code, CATEGORIES) for code, value in enumerate(known[name].value_counts().index)}
        for name in known
        if name not in numbers(known)
    }
    return lambda table: np.column_stack([table[n].map(codes[n]) if n in codes else table[n] for n in known])


def trees(table: pd.DataFrame, seed: int) -> HistGradientBoostingClassifier:
    """Boosted trees for tables such as this one, encoded."""
    categories = [name not in numbers(table) for name in table]
    return HistGradientBoostingClassifier(categorical_features=categories, random_state=seed)


def _area(model: HistGradientBoostingClassifier, x: np.ndarray, truth: np.ndarray | pd.Series) -> float:
    chances = model.predict_proba(x)
    return float(roc_auc_score(truth, chances[:, 1] if chances.shape[1] == 2 else chances, multi_class="ovr"))


def _embedding(known: pd.DataFrame) -> Encode:
    """Tables as float64 (rows, features) in which Euclidean distances mean something: see `membership`."""

    def embed(table: pd.DataFrame) -> np.ndarray:
        parts: list[np.ndarray] = []
        for name in known:
            if name in numbers(known):
                missing = table[name].isna().to_numpy()
                among = np.sort(known[name].dropna())
                rank = np.searchsorted(among, table[name]) + np.searchsorted(among, table[name], side="right")
                parts += [np.where(missing, 0.5, rank / 2 / max(1, len(among))), missing]
            else:
                parts += [(table[name] == value).to_numpy() / np.sqrt(2) for value in known[name].unique()]
        return np.column_stack(parts)

    return embed


def _ks(a: pd.Series, b: pd.Series) -> float:
    """The largest difference of two distribution functions; 1 if one has no values and the other has."""
    a, b = np.sort(a.dropna()), np.sort(b.dropna())
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    points = np.concatenate([a, b])
    shares = (np.searchsorted(part, points, side="right") / len(part) for part in (a, b))
    return float(np.abs(np.subtract(*shares)).max())


def _variation(a: pd.Series | pd.DataFrame, b: pd.Series | pd.DataFrame) -> float:
    """Half the sum of how much the shares of the values, or of their combinations, differ."""
    shares, others = (part.value_counts(normalize=True) for part in (a, b))
    return float(shares.sub(others, fill_value=0).abs().sum() / 2)


def _binned(real: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """With a number's bin in its place: beyond the real range the outermost bin, and one more for missing cells."""
    bins = {}
    for name in numbers(real):
        inner = np.linspace(real[name].min(), real[name].max(), BINS + 1)[1:-1]
        bins[name] = np.where(table[name].isna(), BINS, np.searchsorted(inner, table[name], side="right"))
    return table.assign(**bins)
