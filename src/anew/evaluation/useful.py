"""Are samples worth training on? Train on synthetic, test on real (Esteban et al. 2017), beside train on real.

A predictor of what is given, or of a few columns of a table, is fitted on samples, or on as many real examples for the
floor, and scored on the reference.
"""

from __future__ import annotations

from anew.evaluation.columns import columns
from anew.evaluation.examples import Examples, Real
from anew.evaluation.measure import Measure, Noted, Text, Values
from anew.evaluation.predict import predictor, reads, worst
from anew.evaluation.skills import average, readers
from anew.evaluation.value import Value


def _measure(x: Examples, real: Real) -> Values:
    if real.once(columns):
        return {"useful": _of_columns(x, real)}
    if not x.given:
        return {}
    learned = ((field, predictor(field, x.beside, x.given[field.name])) for field in real.fields)
    return {"useful": worst(reads(field, predict, real.reference) for field, predict in learned)}


def _of_columns(x: Examples, real: Real) -> Noted:
    """The mean over columns."""
    usual = real.once(_of_real)
    found = usual if x is real.unseen else _skills(x, real)
    if not usual:
        return Noted(None, "")
    listed = ", ".join(f"{name} {value.value:.3f} ({usual[name].value:.3f})" for name, value in found.items())
    return Noted(average(list(found.values())), f"Learned from samples (from real rows): {listed}.")


def _of_real(real: Real) -> dict[str, Value]:
    return _skills(real.unseen, real)


def _skills(x: Examples, real: Real) -> dict[str, Value]:
    found = ((name, read(real.reference)) for name, read in readers(x, real).items())
    return {name: value for name, value in found if value}


MEASURE = Measure(
    {
        "useful": Text(
            "Useful",
            "Does a model that learned from samples work on real data?",
            "share",
            "high",
            "A linear model of the features, fitted on samples, predicts what is given of real examples: the share of "
            "categories that are right, or the variance of numbers explained. Its floor has learned from real ones. Of "
            "tables, boosted trees predict the columns that are given, or else a few, from the others: the mean of the "
            "area under the ROC curve (categories) or of the variance explained (numbers).",
        )
    },
    _measure,
)
