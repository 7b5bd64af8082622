"""A report is plain JSON that comes back as it was."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from anew.errors import AnewError
from anew.evaluation.cost import cost
from anew.evaluation.report import VERSION, Report
from anew.evaluation.row import Row
from anew.evaluation.value import Value

ROW = Row("fidelity", "Fidelity", "Real?", "share", Value(0.8, 0.7, 0.9, 50), None, None, "high", "fine", "a note")
REPORT = Report(
    name="digits",
    verdict="Samples look real.",
    rows=[ROW, *cost({"parameters": 10})],
    run={"model": "gan"},
    trust={"views": ["pixels"], "seed": 0},
    curves=[{"examples": 10, "loss": 0.5}],
    pairs=[{"sample": 1, "train": 2, "distance": 0.1, "near": True}],
    commands=["anew report digits"],
)


def test_a_report_survives_json() -> None:
    assert Report.loads(REPORT.dumps()) == REPORT
    assert Report.from_json(REPORT.to_json()) == REPORT
    assert json.loads(REPORT.dumps())["version"] == VERSION


@pytest.mark.parametrize("version", [VERSION + 1, None])
def test_a_report_of_another_version_is_an_error(version: int | None) -> None:
    with pytest.raises(AnewError, match=f"version {version}, expected {VERSION}"):
        Report.from_json(REPORT.to_json() | {"version": version})


def test_losses_that_are_not_finite_become_null() -> None:
    diverged = replace(REPORT, curves=[{"examples": 1, "loss": math.nan}, {"examples": 2, "loss": math.inf}])
    assert Report.loads(diverged.dumps()).curves == [{"examples": 1, "loss": None}, {"examples": 2, "loss": None}]


def test_a_measurement_that_is_not_finite_is_an_error() -> None:
    broken = replace(REPORT, rows=[replace(ROW, value=Value(math.nan, 0, 1, 5))])
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.dumps()
