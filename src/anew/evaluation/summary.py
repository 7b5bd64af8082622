"""The report card as a table for a terminal: a row for each measure, a column for each run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from anew.evaluation.page import is_fact, standings
from anew.evaluation.report import Report
from anew.evaluation.row import Row
from anew.evaluation.selftest import FAILED, PASSED, Check
from anew.evaluation.value import Value


def table(reports: Sequence[Report]) -> Table:
    """With floor and ceiling for one run; the best and what ties with it marked for several."""
    alone = len(reports) == 1
    found = Table(box=None, header_style="bold")
    heads = ["", "samples", "95 %", "floor", "ceiling", ""] if alone else ["", *(r.name for r in reports)]
    for index, head in enumerate(heads):
        found.add_column(head, justify="right" if head else "left", no_wrap=alone and index < len(heads) - 1)
    keys = dict.fromkeys(row.key for report in reports for row in report.rows if not (alone and is_fact(row)))
    for key in keys:
        rows = [next((row for row in report.rows if row.key == key), None) for report in reports]
        found.add_row(*(_single(rows[0]) if alone and rows[0] else _several(rows)))
    return found


def checks(found: Sequence[Check]) -> Table:
    """What a self-test found."""
    made = Table("impostor", "row", "expected", "found", "", box=None, header_style="bold")
    for check in found:
        style = {PASSED: "green", FAILED: "red"}.get(check.outcome, "")
        made.add_row(check.impostor, check.row, check.expected, check.found, check.outcome, style=style)
    return made


def costs(report: Report) -> str:
    """What it took, in a line."""
    return ", ".join(f"{row.title.lower()} {_number(row, row.value)}" for row in report.rows if is_fact(row))


def _single(row: Row) -> list[str]:
    spread = " to ".join(_bare(row, row.value, end) for end in ("low", "high"))
    ends = [_bare(row, end) for end in (row.floor, row.ceiling)]
    return [row.title, _number(row, row.value), spread if row.value and row.value.n > 1 else "", *ends, row.verdict]


def _several(rows: Sequence[Row | None]) -> list[str]:
    first = next(row for row in rows if row)
    title = f"{first.title}, {first.unit}" if first.unit not in ("", "share") else first.title
    return [title, *(_cell(row, mark) for row, mark in standings(rows))]


def _cell(row: Row | None, mark: str) -> str:
    """The value, its interval and whether it is the best: "0.08 [0.04, 0.11] tie"."""
    if row is None or row.value is None:
        return ""
    ends = (_bare(row, row.value, end).removesuffix("%").strip() for end in ("low", "high"))
    interval = f" \\[{', '.join(ends)}]" if row.value.n > 1 else ""
    return f"{_bare(row, row.value)}{interval} {mark}".strip()


def _number(row: Row, value: Value | None) -> str:
    return row.text(value.value) if value else ""


def _bare(row: Row, value: Value | None, part: str = "value") -> str:
    """Without its unit."""
    return row.text(getattr(value, part)).removesuffix(row.unit).strip() if value else ""
