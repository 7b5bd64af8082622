"""Do samples have what they were asked to have?

A predictor of what is given, fitted on training examples, reads the samples (the classification accuracy score of a
conditional model, in the manner of Ravuri and Vinyals 2019, turned round). The floor says how well it reads real ones.
"""

from __future__ import annotations

from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.predict import Predictor, predictor, reads, worst


def _predictors(real: Real) -> dict[str, Predictor | None]:
    x, told = real.train.beside, real.train.given
    return {field.name: predictor(field, x, told[field.name]) for field in real.fields}


def _measure(x: Examples, real: Real) -> Values:
    if not x.given:
        return {}
    predictors = real.once(_predictors)
    return {"obeys": worst(reads(field, predictors[field.name], x) for field in real.fields)}


MEASURE = Measure(
    {
        "obeys": Text(
            "Obeys the given",
            "Do samples have what they were asked to have?",
            "share",
            "high",
            "As read by a linear model of the features, fitted on training data: the share of categories that are "
            "right, or the variance of numbers explained; the worst of what is given. Here the ceiling is chance.",
        )
    },
    _measure,
)
