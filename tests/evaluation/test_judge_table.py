"""Tables from anywhere get a card: honest rows, copies, columns on their own; sorted files; what is given; errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from people import people, shuffled

import anew
from anew.codecs import make_codec
from anew.codecs.dataset import prepare
from anew.errors import AnewError
from anew.evaluation.report import Report
from anew.evaluation.row import Row
from anew.evaluation.selftest import FAILED, selftest
from anew.sources import open_source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows to learn from, others held out, and as samples others sorted by kind, copies, and shuffled columns."""
    root = tmp_path_factory.mktemp("people")
    tables = {"real": people(0, 2_000), "held": people(1, 1_000), "copies": people(0, 2_000)[:700]}
    tables |= {"honest": people(2, 700).sort_values("kind"), "impostor": shuffled(people(2, 700))}
    for name, table in tables.items():
        table.to_csv(root / f"{name}.csv", index=False)
    tables["honest"].to_parquet(root / "honest.parquet")
    return root


def judged(folder: Path, generated: str, out: Path, **more: Any) -> Report:
    return anew.judge(
        folder / generated, folder / "real.csv", out=out, held_out=folder / "held.csv", quick=True, **more
    )


def row(report: Report, key: str) -> Row:
    return next(row for row in report.rows if row.key == key)


@pytest.mark.parametrize("name", ["honest.csv", "honest.parquet"])
def test_honest_rows_are_as_good_as_real_in_whatever_order_and_file(folder: Path, tmp_path: Path, name: str) -> None:
    report = judged(folder, name, tmp_path)
    assert [found.key for found in report.rows if found.is_worse] == []
    assert row(report, "pairs").value.n == 500  # type: ignore[union-attr]
    assert list(report.columns) != []
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "北京" in page
    assert Report.loads((tmp_path / "report.json").read_text()).columns == report.columns


def test_copies_of_rows_raise_the_alarms(folder: Path, tmp_path: Path) -> None:
    report = judged(folder, "copies.csv", tmp_path, quasi=["kind", "age"], sensitive="town")
    assert row(report, "exact").value.value > 0.98  # type: ignore[union-attr]
    assert all(row(report, key).is_worse for key in ("copying", "duplicates", "exact", "rare"))
    assert "rare values of training data are repeated" in report.verdict
    assert report.pairs[0]["distance"] == 0
    assert report.anonymity["generated"]["rows"] == 700


def test_columns_on_their_own_are_told_apart(folder: Path, tmp_path: Path) -> None:
    report = judged(folder, "impostor.csv", tmp_path, given=["kind"])
    assert all(row(report, key).is_worse for key in ("told_apart", "pairs", "obeys", "useful"))
    assert not any(row(report, key).is_worse for key in ("marginals", "exact", "rare"))
    assert "kind 0." in row(report, "useful").note
    group = report.groups[0]
    assert group.name == "kind a"
    assert {"marginals", "pairs"} <= {found.key for found in group.rows}


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (lambda table: table[:5], {}, "has 5 usable table records; 20 are needed"),
        (lambda table: table.drop(columns="kind"), {"given": ["kind"]}, "does not say what 'kind' is"),
        (lambda table: table.drop(columns=["pay", "age"]), {}, "has no column 'age', which the real data have"),
        (lambda table: table, {"quasi": ["ages"]}, "unknown column 'ages'; did you mean 'age'"),
    ],
)
def test_bad_tables_are_an_error(folder: Path, tmp_path: Path, change: Any, more: dict[str, Any], message: str) -> None:
    change(pd.read_csv(folder / "honest.csv")).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(AnewError, match=message):
        anew.judge(tmp_path / "bad.csv", folder / "real.csv", out=tmp_path / "out", quick=True, **more)
    assert not (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize("given", [(), ("kind",)])
def test_the_card_can_be_trusted_on_a_table(folder: Path, tmp_path: Path, given: tuple[str, ...]) -> None:
    people(5, 6_000).to_csv(tmp_path / "more.csv", index=False)
    source = open_source(str(tmp_path / "more.csv"))
    found = selftest(prepare(source, make_codec(source.codec, {}), given), tmp_path / "out", quick=True)
    assert found.passed, [check for check in found.checks if check.outcome == FAILED]
    noticed = {(check.impostor, check.row): check.outcome for check in found.checks}
    for expected in [("copies", "Rare values"), ("copies", "Exact copies"), ("independent values", "Pairs of columns")]:
        assert noticed[expected] == "passed", expected
