"""The card of a run on a table whose truth is known: columns that are learned each on its own."""

from __future__ import annotations

import pytest
from people import people

import anew
from anew.evaluation.report import Report
from anew.evaluation.row import Row


@pytest.fixture(scope="module", params=[(), ("kind",)])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("run")
    people(0, 5_000).to_csv(folder / "people.csv", index=False)
    run = anew.train(folder / "people.csv", "independent", examples=5_000, given=request.param, out=folder / "run")
    found = run.report(quick=True, quasi=["kind", "age"], sensitive="town")
    assert Report.loads((folder / "run" / "report.json").read_text()) == found
    return found


def rows(report: Report) -> dict[str, Row]:
    return {row.key: row for row in report.rows}


def test_columns_are_real_but_not_together(report: Report) -> None:
    found = rows(report)
    assert not found["marginals"].is_worse
    assert all(found[key].is_worse for key in ("pairs", "told_apart", "useful"))
    assert not any(found[key].is_worse for key in ("copying", "duplicates", "exact", "rare", "membership"))


def test_the_likelihood_is_that_of_columns_on_their_own(report: Report) -> None:
    found = rows(report)["likelihood"]
    assert found.value is not None
    assert found.ceiling is not None
    assert found.value.value == pytest.approx(found.ceiling.value, rel=0.1)


def test_what_is_given_is_a_column_as_well(report: Report) -> None:
    assert set(report.columns) == set(people(0))
    assert report.anonymity["quasi"] == ["kind", "age"]
