"""Can an attacker tell who was in the training data? Attacks on training examples and on held-out ones.

From samples alone, in every view:

- density ratio: examples where samples lie more densely than real data does (van Breugel et al. 2023, "DOMIAS",
  equation 2), both densities by the distance to the fifth neighbour, and by that to the first;
- distance difference: examples that are closer to a sample than to other real examples (after Chen et al. 2020,
  "GAN-Leaks", section 4.5).

With the model as well: examples on which its loss is low (Yeom et al. 2018). The strongest attack counts. Which
one that is, is decided on one half of the examples and scored on the other, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from anew.evaluation import roc
from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.neighbours import radii_to
from anew.evaluation.value import Z95, Value, normal

Scores = Mapping[str, np.ndarray]  # {attack: (n,)}, higher for examples that were more likely trained on
K = 5  # neighbours that a density is estimated by
ALARMS = 0.01  # share of false alarms that an attacker accepts
SMALLEST = 100  # examples a side: of fewer, one in a hundred says nothing
TINY = 1e-9  # of a distance
ALARM, CALM = "training data recognised", "no sign of leaks"


class Strongest(NamedTuple):
    auc: Value
    hits: Value


def attack(targets: np.ndarray, samples: np.ndarray, population: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of targets (n, d), from samples (m, d) and real examples (k, d) that are none of the targets."""
    near, dense = (radii_to(targets, points, (1, min(K, len(points)))) for points in (samples, population))
    ratio, difference = np.log(dense + TINY) - np.log(near + TINY), dense - near
    return {"density ratio": ratio[:, 1], "nearest ratio": ratio[:, 0], "distance difference": difference[:, 0]}


def strongest(members: Scores, others: Scores, seed: int = 0) -> Strongest:
    """Of attacks on training examples (n,) and others (m,)."""
    rng = np.random.default_rng(seed)
    inside, outside = (rng.permutation(len(next(iter(side.values())))) for side in (members, others))
    halves = [(inside[start::2], outside[start::2]) for start in (0, 1)]
    aucs, hits = [], []
    for choose, score in (halves, halves[::-1]):
        pairs = {name: (members[name][choose[0]], others[name][choose[1]]) for name in members}
        by_auc = max(pairs, key=lambda name: roc.auc(*pairs[name]).value)
        by_hits = max(pairs, key=lambda name: roc.hits(*pairs[name], ALARMS).value)
        aucs.append(roc.auc(members[by_auc][score[0]], others[by_auc][score[1]]))
        hits.append(roc.hits(members[by_hits][score[0]], others[by_hits][score[1]], ALARMS))
    return Strongest(_average(aucs).clip(0, 1), _average(hits).clip(0, 1))


def _average(halves: list[Value]) -> Value:
    variances = [((value.high - value.low) / (2 * Z95)) ** 2 for value in halves]
    value = sum(value.value for value in halves) / len(halves)
    return normal(value, sum(variances) ** 0.5 / len(halves), sum(value.n for value in halves))


def _scores(x: Examples, targets: Examples, real: Real) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for view, rows in targets.views.items():
        attacks = attack(rows, x.views[view], real.population.views[view])
        found |= {f"{view}, {name}": scores for name, scores in attacks.items()}
    return found


def _measure(x: Examples, real: Real) -> Values:
    if min(len(real.members), len(real.held_out)) < SMALLEST:
        return {"membership": None, "recognised": None}
    members, others = (_scores(x, targets, real) for targets in (real.members, real.held_out))
    if x.losses:
        members, others = members | {"loss": -x.losses.members}, others | {"loss": -x.losses.others}
    found = strongest(members, others, real.seed)
    return {"membership": found.auc, "recognised": found.hits}


MEASURE = Measure(
    {
        "membership": Text(
            "Membership",
            "Can an attacker tell training data from unseen data?",
            "",
            "low",
            "AUC of the strongest attack, on samples and on the model; 0.5: it guesses. "
            "Here the ceiling is the training data itself, handed out.",
            ALARM,
            CALM,
        ),
        "recognised": Text(
            "Recognised",
            "How much of the training data does an attacker recognise, if one in a hundred of the others may be wrong?",
            "share",
            "low",
            "True positive rate at 1 % false positives, of the strongest attack. "
            "Here the ceiling is the training data itself, handed out.",
            ALARM,
            CALM,
        ),
    },
    _measure,
    impostor="copies",
    floor="reference",
)
