"""Do samples repeat what only a few rows of the training data have?

A value, or a pair of values that are not rare themselves, is rare where one to three real rows have it. To an honest
model training rows and unseen ones are alike, so it repeats rare values of either as often as there are rows; what it
repeats of training rows beyond that has leaked. (A category that no unseen row has can only have been learned by
heart.) That is said of the column, or the pair of columns, in which it is greatest: which one that is, is decided on
half of the rare values and scored on the others, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from anew.evaluation.columns import columns, pairs
from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Noted, Text, Values
from anew.evaluation.value import normal

MOST = 3  # real rows that have what is rare
ALARM, CALM = "rare values leak", "no sign of leaks"


class Codes(NamedTuple):
    """The values of a column, or of two, as codes that are equal where they are: (n,) of training rows, ..."""

    train: np.ndarray
    unseen: np.ndarray
    samples: np.ndarray


class Repeats(NamedTuple):
    """The share of samples that repeat rare values of training rows, beyond chance; by two halves of these: (2,)."""

    value: np.ndarray
    variance: np.ndarray  # if nothing leaks: if it is chance who has a rare value


def repeats(codes: Codes, allowed: np.ndarray) -> Repeats:
    """Of the codes that are `allowed` (kinds,).

    A rare value that t training rows and u unseen ones have counts (t - r u) / (t + u), where r is how many training
    rows there are for one unseen one: 0 on average, with variance r / (t + u), if it is chance who has it.
    """
    kinds, ratio, n = len(allowed), len(codes.train) / len(codes.unseen), len(codes.samples)
    trained, unseen, hits = (np.bincount(side, minlength=kinds) for side in codes)
    found = np.flatnonzero(allowed & (hits > 0) & _is_rare(trained + unseen))
    having, weight = (trained + unseen)[found], hits[found] / n
    sums = ((trained - ratio * unseen)[found] / having * weight, weight**2 * ratio / having)
    half = _owners(codes, kinds)[found] % 2
    return Repeats(*(np.bincount(half, part, minlength=2) for part in sums))


def _is_rare(counts: np.ndarray) -> np.ndarray:
    return (counts >= 1) & (counts <= MOST)


def _owners(codes: Codes, kinds: int) -> np.ndarray:
    """(kinds,): the last real row that has each. Rows are in random order, and values of a row stay together."""
    owners = np.zeros(kinds, np.int64)
    real = np.concatenate([codes.train, codes.unseen])
    owners[real] = np.arange(len(real))
    return owners


def _looked_at(x: Examples, real: Real) -> Iterator[tuple[str, Repeats]]:
    """Each column and pair of columns by name."""
    sides, of = (real.train, real.held_out, x), real.once(columns)
    single = [_coded([column.of(side) for side in sides]) for column in of]
    common = []
    for column, codes in zip(of, single):
        kinds = 1 + max(side.max() for side in codes)
        yield column.name, repeats(codes, np.ones(kinds, bool))
        common.append(~_is_rare(np.bincount(np.concatenate(codes[:2]), minlength=kinds)))
    for i, j in pairs(of, real.seed):
        codes, kinds = _together(single[i], single[j])
        yield f"{of[i].name} with {of[j].name}", repeats(codes, common[i][kinds[0]] & common[j][kinds[1]])


def _coded(sides: list[pd.Series]) -> Codes:
    codes, _ = pd.factorize(pd.concat(sides, ignore_index=True), use_na_sentinel=False)
    return Codes(*np.split(codes, np.cumsum([len(side) for side in sides[:2]])))


def _together(one: Codes, other: Codes) -> tuple[Codes, tuple[np.ndarray, np.ndarray]]:
    """Codes of both, and which code of the one and of the other each stands for."""
    width = 1 + max(side.max() for side in other)
    both = [a * width + b for a, b in zip(one, other)]
    kinds, codes = np.unique(np.concatenate(both), return_inverse=True)
    return Codes(*np.split(codes, np.cumsum([len(side) for side in both[:2]]))), divmod(kinds, width)


def _measure(x: Examples, real: Real) -> Values:
    found = dict(_looked_at(x, real))
    if not found:
        return {}
    names = list(found)
    value, variance = (np.stack([getattr(one, part) for one in found.values()]) for part in ("value", "variance"))
    worst = (value / np.sqrt(variance + np.finfo(float).tiny)).argmax(0)  # by either half
    scored = list(zip(worst, (1, 0)))
    sd = np.sqrt(sum(variance[place] for place in scored))
    leak = normal(sum(value[place] for place in scored), sd, len(x)).clip(-1, 1)
    return {"rare": Noted(leak, f"Greatest in: {', '.join(dict.fromkeys(names[i] for i in worst))}.")}


MEASURE = Measure(
    {
        "rare": Text(
            "Rare values",
            "How many samples repeat a value, or a pair of values, that only one to three real rows have?",
            "share",
            "low",
            "Of training rows, beyond chance: beyond how often they repeat those of unseen rows. Of the column or pair "
            "in which it is worst. Here the ceiling is the training data itself.",
            ALARM,
            CALM,
        )
    },
    _measure,
    impostor="copies",
    floor="reference",
    tables=True,
)
