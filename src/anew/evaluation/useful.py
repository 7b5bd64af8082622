"""Are samples worth training on? Train on synthetic, test on real (Esteban et al. 2017), beside train on real.

A predictor of what is given is fitted on samples, or on as many real examples for the floor, and scored on the
reference.
"""

from __future__ import annotations

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.predict import predictor, reads, worst


def _measure(x: Examples, real: Real) -> Values:
    if not x.given:
        return {}
    learned = ((field, predictor(field, x.beside, x.given[field.name])) for field in real.fields)
    return {"useful": worst(reads(field, predict, real.reference) for field, predict in learned)}


MEASURE = Measure(
    {
        "useful": Text(
            "Useful",
            "Does a model that learned from samples work on real data?",
            "share",
            "high",
            "A linear model of the features, fitted on samples, predicts what is given of real examples: the share of "
            "categories that are right, or the variance of numbers explained. Its floor has learned from real ones.",
        )
    },
    _measure,
)
