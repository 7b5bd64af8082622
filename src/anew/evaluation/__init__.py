"""Measures that put a value, its interval and n on how good, how varied and how private samples are.

To add one: write `evaluation/x.py`, which ends with a `MEASURE` (see `measure.py`), and add its line here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from anew.errors import unknown

if TYPE_CHECKING:
    from anew.evaluation.measure import Measure

MEASURES = {  # in the order of the card
    "told_apart": "anew.evaluation.told_apart",
    "kernel_distance": "anew.evaluation.kernel_distance",
    "transport_distance": "anew.evaluation.transport_distance",
    "fidelity": "anew.evaluation.fidelity",
    "diversity": "anew.evaluation.diversity",
    "self_bleu": "anew.evaluation.self_bleu",
    "modes": "anew.evaluation.modes",
    "traits": "anew.evaluation.traits",
    "graph_distances": "anew.evaluation.graph_distances",
    "marginals": "anew.evaluation.marginals",
    "pairs": "anew.evaluation.pairs",
    "obeys": "anew.evaluation.obeys",
    "useful": "anew.evaluation.useful",
    "copying": "anew.evaluation.copying",
    "spans": "anew.evaluation.spans",
    "rare": "anew.evaluation.rare",
    "membership": "anew.evaluation.membership",
    "frechet": "anew.evaluation.frechet",
    "precision_recall": "anew.evaluation.precision_recall",
}


def load(name: str) -> Measure:
    """The measure called `name`, imported only now."""
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    measure: Measure = import_module(MEASURES[name]).MEASURE
    return measure
