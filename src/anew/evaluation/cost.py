"""What the model costs: facts of the run as rows without a floor or a ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from anew.evaluation.row import Row
from anew.evaluation.value import Value


class _Fact(NamedTuple):
    title: str
    question: str
    unit: str
    better: Literal["low", "high"]


FACTS = {
    "parameters": _Fact("Parameters", "How large is the model?", "", "low"),
    "training_seconds": _Fact("Training time", "How long did it train?", "s", "low"),
    "examples": _Fact("Examples seen", "How many examples did it train on, counting repeats?", "", "low"),
    "examples_per_second": _Fact("Training speed", "How fast does it train?", "examples/s", "high"),
    "samples_per_second": _Fact("Sampling speed", "How fast are new samples made?", "samples/s", "high"),
    "memory_megabytes": _Fact("Memory", "How much memory did training need at its peak?", "MB", "low"),
}


def cost(facts: Mapping[str, float | None]) -> list[Row]:
    """A row for each fact in FACTS that is known; each was measured once, so it has no interval."""
    return [
        Row(f"cost/{key}", fact.title, fact.question, fact.unit, _once(number), None, None, fact.better)
        for key, fact in FACTS.items()
        if (number := facts.get(key)) is not None
    ]


def _once(number: float) -> Value:
    return Value(float(number), float(number), float(number), 1)
