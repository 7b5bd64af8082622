"""The report card: every measure on samples, on other real data (floor) and on an impostor (ceiling)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from anew.evaluation import MEASURES, load
from anew.evaluation.examples import Examples, Real, check, some
from anew.evaluation.measure import Measure, Noted, Text
from anew.evaluation.row import INCONCLUSIVE, Row
from anew.evaluation.value import Value

SMALLEST = 20  # examples a side, below which nothing is measured
FEW = 100  # with fewer, intervals are too wide to be worth much


def measure(
    generated: Examples,
    real: Real,
    only: Iterable[str] = tuple(MEASURES),
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[Row]:
    """The rows of all measures that make sense, in their order; as many samples as `real.n` are drawn."""
    check(generated, real.reference, "generated")
    samples = real.standardised(some(generated, real.n, np.random.default_rng(real.seed)))
    names, rows = list(only), []
    for done, name in enumerate(names):
        if on_progress:
            on_progress("measuring", done, len(names))
        rows += _rows(load(name), samples, real)
    if on_progress:
        on_progress("measuring", len(names), len(names))
    return rows


def _rows(of: Measure, samples: Examples, real: Real) -> list[Row]:
    if of.tables and real.train.table is None:
        return []
    n = min(len(samples), real.n)
    if n < SMALLEST:
        note = f"It needs {SMALLEST} examples a side; there are {n}."
        return [_row(key, text, {}, of.impostor, note) for key, text in of.texts.items()]
    impostor, floor = real.impostors[of.impostor], getattr(real, of.floor)
    found = {role: of.measure(x, real) for role, x in (("value", samples), ("floor", floor), ("ceiling", impostor))}
    few = f"Only {n} examples a side: intervals are wide." if n < FEW else ""
    rows = []
    for key, text in of.texts.items():
        if key in found["value"]:
            noted = {role: _noted(values.get(key)) for role, values in found.items()}
            values = {role: one.value for role, one in noted.items()}
            rows.append(_row(key, text, values, of.impostor, f"{noted['value'].note} {few}"))
    return rows


def _noted(found: Value | Noted | None) -> Noted:
    return found if isinstance(found, Noted) else Noted(found, "")


def _row(key: str, text: Text, values: dict[str, Value | None], impostor: str, note: str = "") -> Row:
    value, floor, ceiling = (values.get(role) for role in ("value", "floor", "ceiling"))
    full = " ".join(f"{text.note} {note}".split())
    row = Row(key, text.title, text.question, text.unit, value, floor, ceiling, text.better, "", full, impostor)
    row = row.judged()
    if not text.alarm or value is None or floor is None or row.verdict == INCONCLUSIVE:
        return row
    return replace(row, verdict=text.alarm if value.low > max(0.0, floor.high) else text.calm)
