"""Does the model copy its training data? Samples are compared with held-out data that no honest model has seen.

Excess copies are a data-copying test in the spirit of Meehan et al. (2020), who compare the distances of
samples to the training set with those of held-out examples. That also reacts to samples that are merely
blurred or from dense regions; here each sample is asked whether its nearest real example was trained on. To
an honest model, training and held-out examples are exchangeable, so the answer is "yes" as often as
training examples are among the real ones, whatever the samples look like. No subsampling is needed to make
the two sets equally large.

Near duplicates are samples that are closer to a training example than 99 % of held-out examples are. Exact copies
are samples whose stored content is that of a training example.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.neighbours import Neighbours, nearest
from anew.evaluation.value import Value, highest, normal, share

ALARM, CALM = "copies of training data", "no sign of copying"
DUPLICATE = 0.01  # share of held-out examples that are closer to training than a near duplicate is


class Copies(NamedTuple):
    excess: Value  # 0: samples are as near to training as to held-out data; 1: all are nearer to training data
    duplicates: Value  # share of near duplicates among samples, beyond that among held-out examples


class Pair(NamedTuple):
    """A sample and its nearest training example, by their rows, and how far apart they are."""

    sample: int
    train: int
    distance: float
    near: bool  # a near duplicate


def copies(samples: np.ndarray, held_out: np.ndarray, train: np.ndarray, usual: np.ndarray | None = None) -> Copies:
    """Compares samples (n, d) with held-out (m, d) and training examples; `usual` are the distances (m,) of these."""
    to_train, usual = nearest(samples, train), nearest(held_out, train).distances if usual is None else usual
    excess = _excess(to_train, nearest(samples, held_out), len(train), len(held_out))
    return Copies(excess, _near_duplicates(to_train.distances, usual))


def closest_pairs(samples: np.ndarray, held_out: np.ndarray, train: np.ndarray, pairs: int = 20) -> list[Pair]:
    """The samples closest to a training example, each with that example, closest first."""
    limit = threshold(nearest(held_out, train).distances)
    distance, index = nearest(samples, train)
    return [
        Pair(int(i), int(index[i]), float(distance[i]), bool(distance[i] <= limit))
        for i in distance.argsort(kind="stable")[:pairs]
    ]


def threshold(distances: np.ndarray) -> float:
    """The distance to training that 1 % of the held-out examples do not exceed, from their distances (n,)."""
    return float(np.quantile(distances, DUPLICATE, method="lower"))


def _excess(train: Neighbours, held: Neighbours, trained: int, unseen: int) -> Value:
    """(share - expected) / (1 - expected): 0 for honest samples, 1 for copies of training examples.

    `share` of the samples are nearer to a training than to a held-out example; `expected` is the training
    share of all real examples. The interval is that of no copying: real examples are nearest to several
    samples each, so labels, not samples, are what is drawn at random.
    """
    (to_train, train_index), (to_held, held_index) = train, held
    n, expected = len(to_train), trained / (trained + unseen)
    closer = np.where(to_train == to_held, expected, to_train < to_held)
    owner = np.where(to_train < to_held, train_index, trained + held_index)
    weight = np.bincount(owner) / n
    sd = np.sqrt(expected / (1 - expected) * (weight**2).sum())
    return normal((closer.mean() - expected) / (1 - expected), sd, n).clip(-1, 1)


def _near_duplicates(distances: np.ndarray, held: np.ndarray) -> Value:
    """Difference of two shares, with Agresti & Caffo's (2000) variance, which no share of 0 or 1 can fool."""
    limit = threshold(held)
    hits, sizes = [(d <= limit).sum() for d in (distances, held)], [len(distances), len(held)]
    shares = [(h + 1) / (n + 2) for h, n in zip(hits, sizes)]
    sd = np.sqrt(sum(p * (1 - p) / (n + 2) for p, n in zip(shares, sizes)))
    return normal(hits[0] / sizes[0] - hits[1] / sizes[1], sd, sizes[0]).clip(-1, 1)


def _usual(real: Real) -> dict[str, np.ndarray]:
    return {view: nearest(x, real.train.views[view]).distances for view, x in real.held_out.views.items()}


def _measure(x: Examples, real: Real) -> Values:
    held_out, train, usual = real.held_out.views, real.train.views, real.once(_usual)
    found = [copies(view, held_out[name], train[name], usual[name]) for name, view in x.views.items()]
    values: Values = {"copying": highest(v.excess for v in found), "duplicates": highest(v.duplicates for v in found)}
    if x.digests is not None and real.known is not None:
        values["exact"] = share(int(np.isin(x.digests, real.known).sum()), len(x))
    return values


MEASURE = Measure(
    {
        "copying": Text(
            "Excess copies",
            "Are samples closer to training data than to unseen data?",
            "share",
            "low",
            "0 %: no more than chance; 100 %: all are. Here the ceiling is the training data itself.",
            ALARM,
            CALM,
        ),
        "duplicates": Text(
            "Near duplicates",
            "How many samples nearly repeat a training example?",
            "share",
            "low",
            "Beyond the 1 % of unseen real examples that do. Here the ceiling is the training data itself.",
            ALARM,
            CALM,
        ),
        "exact": Text(
            "Exact copies",
            "How many samples are a training example, value for value?",
            "share",
            "low",
            "As stored in files. Where few different examples are possible, some are to be expected: as many as among "
            "unseen ones, the floor. Here the ceiling is the training data itself.",
            ALARM,
            CALM,
        ),
    },
    _measure,
    impostor="copies",
    floor="reference",
    groups=True,
)
