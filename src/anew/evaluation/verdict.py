"""The card in a sentence, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anew.evaluation import copying, membership, rare
from anew.evaluation.examples import Real
from anew.evaluation.row import INCONCLUSIVE, Row

QUESTIONS = {
    "told_apart": "whether samples can be told apart from real ones",
    "fidelity": "how many look real",
    "coverage": "how much of the data is covered",
}


def verdict(rows: list[Row]) -> str:
    """Ends with what could not be concluded."""
    found = {row.key: row for row in rows if row.value and row.verdict != INCONCLUSIVE}
    parts = [_apart(found), _quality(found), _copies(found), _leaks(found), _recognised(found), _open(found)]
    sentence = "; ".join(part for part in parts if part)
    return sentence[0].upper() + sentence[1:] + "."


def trust(rows: list[Row], sizes: Mapping[str, int], real: Real) -> dict[str, Any]:
    """Numbers of examples by split, views, seed, and what could not be concluded."""
    return {
        "examples": dict(sizes),
        "compared": max((row.value.n for row in rows if row.value and row.key == "fidelity"), default=0),
        "views": list(real.reference.views),
        "seed": real.seed,
        "inconclusive": [row.title for row in rows if row.verdict == INCONCLUSIVE],
    }


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
    """One alarm is enough; that there is none takes the rows that compare with unseen data."""
    rows = [found[key] for key in copying.MEASURE.texts if key in found]
    alarms = [row for row in rows if row.verdict == copying.ALARM]
    if alarms:
        listed = ", ".join(f"{row.title.lower()}: {row.text(row.value.value)}" for row in alarms if row.value)
        return f"training data is being copied ({listed})"
    return "no sign of copying" if {"copying", "duplicates"} <= set(found) else ""


def _leaks(found: Mapping[str, Row]) -> str:
    row = found.get("rare")
    if row is None or row.value is None or row.verdict != rare.ALARM:
        return ""
    return f"rare values of training data are repeated ({row.text(row.value.value)} of samples)"


def _recognised(found: Mapping[str, Row]) -> str:
    row = found.get("membership")
    alarms = [key for key in membership.MEASURE.texts if key in found and found[key].verdict == membership.ALARM]
    if not alarms or row is None or row.value is None:
        return ""
    return f"an attacker can tell training data from unseen data (AUC {row.text(row.value.value)})"


def _open(found: Mapping[str, Row]) -> str:
    asked = [question for key, question in QUESTIONS.items() if key not in found]
    asked += [] if _copies(found) else ["whether training data is being copied"]
    listed = " and ".join(filter(None, [", ".join(asked[:-1]), *asked[-1:]]))
    return f"{listed} could not be concluded" if asked else ""
