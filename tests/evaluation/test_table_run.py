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
    run.info["result"]["examples"] = 4_900  # as if the minutes had been over before the plan's 5,000
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


def test_it_says_what_was_trained_on_and_not_what_was_planned(report: Report) -> None:
    assert report.run["trained on"].startswith("4,900 examples")


def test_what_is_given_is_a_column_as_well(report: Report) -> None:
    assert set(report.columns) == set(people(0))
    assert report.anonymity["quasi"] == ["kind", "age"]
