"""Do samples have what they were asked to have?

A predictor of what is given, fitted on training examples, reads the samples (the classification accuracy score of a
conditional model, in the manner of Ravuri and Vinyals 2019, turned round). The floor says how well it reads real ones.
"""

from __future__ import annotations

from anew.evaluation.columns import columns
from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Text, Values
from anew.evaluation.predict import Predictor, predictor, reads, worst
from anew.evaluation.skills import Reader, readers


def _predictors(real: Real) -> dict[str, Predictor | None]:
    x, told = real.train.beside, real.train.given
    return {field.name: predictor(field, x, told[field.name]) for field in real.fields}


def _readers(real: Real) -> dict[str, Reader]:
    return readers(real.train, real)


def _measure(x: Examples, real: Real) -> Values:
    if not x.given:
        return {}
    if real.once(columns):
        return {"obeys": worst(read(x) for read in real.once(_readers).values())}
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
            "right, or the variance of numbers explained; the worst of what is given. Of tables, boosted trees read "
            "them from the other columns: the area under the ROC curve, or the variance. Here the ceiling is chance.",
        )
    },
    _measure,
)
