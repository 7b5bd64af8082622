"""The report card and the comparison as one self-contained HTML file each, which loads nothing."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anew.evaluation.anonymity import lines
from anew.evaluation.report import Report
from anew.evaluation.row import Row
from anew.evaluation.tables import HEIGHT, WIDTH, Sheet
from anew.evaluation.value import Value

POINTS = 300  # of a curve, at most
SMALL = 700  # pixels; narrower pictures are enlarged with hard edges
LETTERS = 600  # of a text, at most
CURVE_WIDTH, CURVE_HEIGHT = 300, 120
IMPOSTORS = {"independent": "baseline", "copies": "copies", "one": "one example"}  # the right end of a bar


Shown = bytes | Sequence[str]  # a PNG file, or texts


@dataclass(frozen=True)
class Pictures:
    """What is shown beside the report: samples and real ones, and (sample, training) pairs; or tables."""

    samples: Shown | None = None
    real: Shown | None = None
    pairs: Sequence[tuple[Shown, Shown]] = ()
    sheet: Sheet | None = None

    @property
    def are_texts(self) -> bool:
        return not isinstance(self.samples, bytes | None)


class Bar(NamedTuple):
    """Where things stand on a row's bar, in per cent of its width; real data is left, the baseline right."""

    floor: tuple[float, float]
    ceiling: tuple[float, float]
    interval: tuple[float, float]
    value: float


class Curve(NamedTuple):
    name: str
    points: str  # of an SVG polyline in CURVE_WIDTH x CURVE_HEIGHT
    low: str
    high: str
    last: str
    first: str
    examples: str


def render(report: Mapping[str, Any], pictures: Pictures | None = None) -> str:
    """The page of one run, from what `report.json` holds and its pictures."""
    card = Report.from_json(report)
    return template("page.html").render(
        report=card,
        pictures=pictures or Pictures(),
        facts=_facts(card.run),
        trust=_facts(card.trust),
        measured=[row for row in card.rows if not is_fact(row) and not is_legacy(row)],
        legacy=[row for row in card.rows if is_legacy(row)],
        groups=card.groups,
        costs=[row for row in card.rows if is_fact(row)],
        curves=curves(card.curves),
    )


def render_comparison(
    reports: Sequence[Mapping[str, Any]], pictures: Sequence[Pictures] | None = None, title: str = ""
) -> str:
    """The page of several runs on the same data, side by side."""
    cards = [Report.from_json(report) for report in reports]
    keys = {row.key: row for card in reversed(cards) for row in card.rows}
    order = {row.key: None for card in cards for row in card.rows}
    by_key = [{row.key: row for row in card.rows} for card in cards]
    table = [(keys[key], standings([rows.get(key) for rows in by_key])) for key in order]
    sheets = list(pictures or [Pictures()] * len(cards))
    real = next((sheet.real for sheet in sheets if sheet.real), None)
    return template("comparison.html").render(title=title, reports=cards, table=table, sheets=sheets, real=real)


def standings(rows: Sequence[Row | None]) -> list[tuple[Row | None, str]]:
    """Each run's row with "best", "tie" (its interval overlaps the best one's) or "" (also for costs)."""
    known = [row for row in rows if row is not None and row.value is not None]
    if len(known) < 2 or is_fact(known[0]):
        return [(row, "") for row in rows]
    pick = max if known[0].better == "high" else min
    best = pick((row.value for row in known if row.value), key=lambda value: value.value)
    level = [row is not None and row.value is not None and row.value.overlaps(best) for row in rows]
    mark = "tie" if sum(level) > 1 else "best"
    return [(row, mark if is_level else "") for row, is_level in zip(rows, level)]


def bar(row: Row) -> Bar | None:
    """The geometry of a row's bar; None where it has no value between two ends."""
    if row.value is None or row.floor is None or row.ceiling is None:
        return None
    start, length = row.floor.value, row.ceiling.value - row.floor.value
    if length == 0 or (length < 0) != (row.better == "high"):
        return None

    def place(number: float) -> float:
        return round(8 + 84 * min(max((number - start) / length, -0.08), 1.08), 2)

    def span(value: Value) -> tuple[float, float]:
        left, right = sorted((place(value.low), place(value.high)))
        return left, round(right - left, 2)

    return Bar(span(row.floor), span(row.ceiling), span(row.value), place(row.value.value))


def tone(row: Row) -> str:
    """The colour a row's verdict is shown in: good, fair, bad or unknown."""
    if not row.says:
        return "unknown"
    if row.verdict.startswith(("as good", "no sign")):
        return "good"
    return "fair" if "%" in row.verdict else "bad"


def curves(records: Sequence[Mapping[str, float | None]]) -> list[Curve]:
    """One panel for each number in the records, over the examples seen."""
    names = {name: None for record in records for name in record if name != "examples"}
    found = (_curve(name, _points(records, name)) for name in names)
    return [curve for curve in found if curve]


def _curve(name: str, points: list[tuple[float, float]]) -> Curve | None:
    if len(points) < 2:
        return None
    bins = np.array_split(np.array(points, dtype=float), min(POINTS, len(points)))
    x, y = np.array([part.mean(0) for part in bins]).T
    across = (x - x.min()) / (np.ptp(x) or 1) * CURVE_WIDTH
    down = (y.max() - y) / (np.ptp(y) or 1) * CURVE_HEIGHT
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down))
    ends = (f"{points[i][0]:,.0f}" for i in (0, -1))
    return Curve(name, path, f"{y.min():.4g}", f"{y.max():.4g}", f"{y[-1]:.4g}", *ends)


def _points(records: Sequence[Mapping[str, float | None]], name: str) -> list[tuple[float, float]]:
    """(examples seen, value), without what is missing or not finite."""
    pairs = ((record.get("examples"), record.get(name)) for record in records)
    return [(x, y) for x, y in pairs if isinstance(x, int | float) and isinstance(y, int | float) and math.isfinite(y)]


def is_fact(row: Row) -> bool:
    return row.key.startswith("cost/")


def is_legacy(row: Row) -> bool:
    """Of which other tools speak."""
    return row.key.startswith("legacy/")


def _facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    known = ((name, value) for name, value in values.items() if value not in (None, ""))
    return [(name[:1].upper() + name[1:], _text(value)) for name, value in known]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _interval(row: Row) -> str:
    """The interval without a unit, and n; empty where the value was measured once."""
    if row.value is None or row.value.n < 2:
        return ""
    low, high = (row.text(end).removesuffix(row.unit).strip() for end in (row.value.low, row.value.high))
    return f"{low} to {high}, n = {row.value.n:,}"


def _unbroken(text: str) -> str:
    """With spaces that no line is broken at around "%", "×" and "="."""
    for sign in ("%", "×", "= "):
        text = text.replace(f" {sign}", f"\N{NO-BREAK SPACE}{sign}")
    return text.replace("= ", "=\N{NO-BREAK SPACE}").replace("× ", "×\N{NO-BREAK SPACE}")


def _shown(what: Shown, title: str) -> Markup:
    return _picture(what, title) if isinstance(what, bytes) else _texts(what, title)


def _texts(texts: Sequence[str], title: str) -> Markup:
    """Their beginnings, one below the other."""
    short = (text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…" for text in texts)
    parts = Markup("").join(Markup("<pre>{}</pre>").format(text) for text in short)
    return Markup('<div class="texts" role="group" aria-label="{}">{}</div>').format(title, parts)


def _picture(png: bytes, title: str) -> Markup:
    """An image that is part of the page; its width is in the PNG's header."""
    kind = "small" if int.from_bytes(png[16:20], "big") < SMALL else "large"
    source = f"data:image/png;base64,{b64encode(png).decode()}"
    return Markup('<img class="{}" src="{}" alt="{}">').format(kind, source, title)


@cache
def _environment(folder: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("anew", name) for name in (folder, "evaluation")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    environment.globals |= {
        "bar": bar,
        "tone": tone,
        "is_fact": is_fact,
        "is_legacy": is_legacy,
        "impostors": IMPOSTORS,
        "interval": _interval,
        "shown": _shown,
        "width": CURVE_WIDTH,
        "height": CURVE_HEIGHT,
        "histogram_size": (WIDTH, HEIGHT),
        "lines": lines,
    }
    return environment


def template(name: str, folder: str = "evaluation") -> Any:
    """Of a folder of anew; base.html, which they extend, is what all pages look like."""
    return _environment(folder).get_template(name)
