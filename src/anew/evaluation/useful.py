"""Are samples worth training on? Train on synthetic, test on real (Esteban et al. 2017), beside train on real.

A predictor of what is given is fitted on samples, or on as many real examples for the floor, and scored on the
reference.
"""

from __future__ import annotations

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.predict import predictor, score, worst
from anew.evaluation.value import Value
from anew.spaces import Field


def _measure(x: Examples, real: Real) -> Values:
    if not x.given:
        return {}
    test = real.reference

    def learned(field: Field) -> Value | None:
        predict = predictor(field, x.beside, x.given[field.name])
        return score(field, predict(test.beside), test.given[field.name]) if predict else None

    return {"useful": worst(real.fields, learned)}


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
