"""The report card: every measure on samples, on other real data (floor) and on an impostor (ceiling)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from anew.errors import AnewError
from anew.evaluation import load
from anew.evaluation.distance import mmd_noise
from anew.evaluation.row import INCONCLUSIVE, Row
from anew.evaluation.told_apart import SMALLEST
from anew.evaluation.value import Value

Views = Mapping[str, np.ndarray]
FEW = 100  # with fewer examples a side, intervals are too wide to be worth much


class _Text(NamedTuple):
    title: str
    question: str
    unit: str
    better: Literal["low", "high"]
    note: str


TEXTS = {
    "told_apart": _Text(
        "Told apart",
        "Can a classifier tell samples from real data?",
        "",
        "low",
        "0: it cannot; 1: always. A lower bound of the Jensen-Shannon distance. "
        "View and classifier are chosen on examples other than those scored.",
    ),
    "auc": _Text(
        "Classifier AUC",
        "How often does the classifier rank the real one of two higher?",
        "",
        "low",
        "0.5: it guesses; 1: always. Of the same classifiers.",
    ),
    "mmd": _Text(
        "Kernel distance",
        "How far apart are the two distributions?",
        "× noise",
        "low",
        "Unbiased MMD² (KID). Between two sets of real data its mean is 0, so the unit is its standard "
        "deviation, by permutation; the number grows with n. The worst view counts.",
    ),
    "sliced_wasserstein": _Text(
        "Transport distance",
        "How far must samples move to become real data?",
        "× floor",
        "low",
        "Sliced Wasserstein-2; 1 is the distance between two sets of real data. The worst view counts.",
    ),
    "fidelity": _Text(
        "Fidelity",
        "How many of the samples look real?",
        "share",
        "high",
        "Clipped Density: lie samples where real data is dense? The worst view counts.",
    ),
    "coverage": _Text(
        "Coverage",
        "How much of the real data do samples cover?",
        "share",
        "high",
        "Clipped Coverage: has each real example enough samples near it? The worst view counts.",
    ),
    "copying": _Text(
        "Excess copies",
        "Are samples closer to training data than to unseen data?",
        "share",
        "low",
        "0 %: no more than chance; 100 %: all are. Here the ceiling is the training data itself.",
    ),
    "duplicates": _Text(
        "Near duplicates",
        "How many samples nearly repeat a training example?",
        "share",
        "low",
        "Beyond the 1 % of unseen real examples that do. Here the ceiling is the training data itself.",
    ),
}
COPYING = ("copying", "duplicates")  # in the order of `copying.Copies`
ALARM = "copies of training data"


def measure(
    generated: Views,
    reference: Views,
    held_out: Views,
    train: Views,
    baseline: Views,
    seed: int = 0,
    limit: int = 2_000,
) -> list[Row]:
    """The rows of TEXTS, from views {name: (n, d)} of samples and of the splits of real data.

    `reference` is the test split, `held_out` the validation split, `baseline` an impostor. All but `train`
    are cut to the same number of examples, at most `limit`, drawn by `seed`. Views are centred and divided
    by one number each, so that the training split has a mean square of 1 per dimension.
    """
    _check(generated=generated, reference=reference, held_out=held_out, train=train, baseline=baseline)
    n = min(limit, *(_size(views) for views in (generated, reference, held_out, baseline)))
    if n < SMALLEST:
        return [_row(key, {}, f"It needs {SMALLEST} examples a side; there are {n}.") for key in TEXTS]
    rng = np.random.default_rng(seed)
    generated, reference, unseen, baseline, copies = (
        _standardise(_cut(views, n, rng), train) for views in (generated, reference, held_out, baseline, train)
    )
    held_out, train = _standardise(_cut(held_out, limit, rng), train), _standardise(train, train)
    units = _units(unseen, reference, seed)
    roles = {"value": (generated, generated), "floor": (unseen, reference), "ceiling": (baseline, copies)}
    values = {
        role: _compare(x, reference, units, seed) | _copied(own, held_out, train) for role, (x, own) in roles.items()
    }
    note = f"Only {n} examples a side: intervals are wide." if n < FEW else ""
    return [_row(key, {role: of[key] for role, of in values.items()}, note) for key in TEXTS]


def trust(rows: list[Row], sizes: Mapping[str, int], views: list[str], seed: int = 0) -> dict[str, Any]:
    """What the card rests on: numbers of examples by split, views, seed, and what could not be concluded."""
    return {
        "examples": dict(sizes),
        "compared": max((row.value.n for row in rows if row.value and row.key == "fidelity"), default=0),
        "views": list(views),
        "seed": seed,
        "inconclusive": [row.title for row in rows if row.verdict == INCONCLUSIVE],
    }


def verdict(rows: list[Row]) -> str:
    """The card in one sentence, which ends with what could not be concluded."""
    found = {row.key: row for row in rows if row.value and row.verdict != INCONCLUSIVE}
    parts = [_apart(found), _quality(found), _copies(found), _open(found)]
    sentence = "; ".join(part for part in parts if part)
    return sentence[0].upper() + sentence[1:] + "."


def _apart(found: Mapping[str, Row]) -> str:
    row = found.get("told_apart")
    if row is None or row.value is None:
        return ""
    cannot = row.floor is not None and row.value.overlaps(row.floor)
    can = "cannot" if cannot else "can easily" if row.value.value > 0.9 else "can"
    return f"samples {can} be told apart from real ones ({row.text(row.value.value)} of 1)"


def _quality(found: Mapping[str, Row]) -> str:
    texts = {"fidelity": "{} of samples look real", "coverage": "{} of the data is covered"}
    values = [(text, found[key], found[key].value) for key, text in texts.items() if key in found]
    return " and ".join(text.format(row.text(value.value)) for text, row, value in values if value)


def _copies(found: Mapping[str, Row]) -> str:
    """One alarm is enough; that there is none takes both rows."""
    rows = [found[key] for key in COPYING if key in found]
    copied = [f"{row.title.lower()}: {row.text(row.value.value)}" for row in rows if row.value and row.verdict == ALARM]
    if copied:
        return f"training data is being copied ({', '.join(copied)})"
    return "no sign of copying" if len(rows) == len(COPYING) else ""


def _open(found: Mapping[str, Row]) -> str:
    questions = {
        "told_apart": "whether samples can be told apart from real ones",
        "fidelity": "how many look real",
        "coverage": "how much of the data is covered",
    }
    asked = [question for key, question in questions.items() if key not in found]
    asked += [] if _copies(found) else ["whether training data is being copied"]
    listed = " and ".join(filter(None, [", ".join(asked[:-1]), *asked[-1:]]))
    return f"{listed} could not be concluded" if asked else ""


def _row(key: str, values: Mapping[str, Value], note: str = "") -> Row:
    text = TEXTS[key]
    value, floor, ceiling = (values.get(role) for role in ("value", "floor", "ceiling"))
    full = f"{text.note} {note}".strip()
    row = Row(key, text.title, text.question, text.unit, value, floor, ceiling, text.better, note=full).judged()
    if key not in COPYING or value is None or floor is None or row.verdict == INCONCLUSIVE:
        return row
    alarm = value.low > max(0.0, floor.high)
    return replace(row, verdict=ALARM if alarm else "no sign of copying")


def _compare(x: Views, reference: Views, units: Mapping[str, Mapping[str, float]], seed: int) -> dict[str, Value]:
    """The measures that set x beside the reference: {row key: Value}."""
    apart = load("told_apart")(x, reference, seed=seed)
    values = {"told_apart": apart.distance, "auc": apart.auc}
    for key in ("fidelity", "coverage"):
        values[key] = _worst(key, [load(key)(x[view], reference[view]) for view in x])
    for key, unit in units.items():
        values[key] = _worst(key, [load(key)(x[view], reference[view]).over(unit[view]) for view in x])
    return values


def _copied(x: Views, held_out: Views, train: Views) -> dict[str, Value]:
    """The measures of copying: {row key: Value}."""
    found = [load("copying")(x[view], held_out[view], train[view]) for view in x]
    return {key: _worst(key, list(values)) for key, values in zip(COPYING, zip(*found))}


def _worst(key: str, values: list[Value]) -> Value:
    pick = max if TEXTS[key].better == "low" else min
    return pick(values, key=lambda value: value.value)


def _units(unseen: Views, reference: Views, seed: int) -> dict[str, dict[str, float]]:
    """What each distance is a multiple of, by view; 1 where real data does not vary."""
    floor = load("sliced_wasserstein")
    noise = {view: mmd_noise(x, reference[view], seed=seed) or 1.0 for view, x in unseen.items()}
    floors = {view: floor(x, reference[view]).value or 1.0 for view, x in unseen.items()}
    return {"mmd": noise, "sliced_wasserstein": floors}


def _cut(views: Views, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    rows = rng.permutation(_size(views))[:n]
    return {view: x[rows] for view, x in views.items()}


def _standardise(views: Views, train: Views) -> dict[str, np.ndarray]:
    """Fitted on the training split alone, so that the comparison of the other sets stays unbiased."""
    return {view: (x - train[view].mean(0)) / (np.sqrt(train[view].var(0).mean()) or 1.0) for view, x in views.items()}


def _size(views: Views) -> int:
    return min(len(x) for x in views.values())


def _check(**sets: Views) -> None:
    names = set(sets["reference"])
    for what, views in sets.items():
        if set(views) != names or not names:
            raise AnewError(
                f"the views of {what} are {sorted(views)}; expected those of the reference: {sorted(names)}"
            )
        for view, x in views.items():
            if not np.isfinite(x).all():
                raise AnewError(
                    f"the view '{view}' of {what} holds values that are not finite; "
                    "the model may have diverged, train it again with a lower learning rate"
                )
