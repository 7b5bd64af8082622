"""Measures that put a value, its interval and n on how good, how varied and how private samples are.

To add one: write `evaluation/x.py`, a pure function from feature arrays to one `Value` or several, add its line
here and its row to `card.TEXTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from anew.errors import unknown

MEASURES = {
    "told_apart": "anew.evaluation.told_apart:told_apart",
    "mmd": "anew.evaluation.distance:mmd",
    "sliced_wasserstein": "anew.evaluation.distance:sliced_wasserstein",
    "fidelity": "anew.evaluation.fidelity:clipped_density",
    "coverage": "anew.evaluation.fidelity:clipped_coverage",
    "copying": "anew.evaluation.copying:copies",
    "cost": "anew.evaluation.cost:cost",
}


def load(name: str) -> Callable[..., Any]:
    """The measure called `name`, imported only now."""
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    module, function = MEASURES[name].split(":")
    measure: Callable[..., Any] = getattr(import_module(module), function)
    return measure
