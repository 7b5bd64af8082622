"""One row of the report card: a question, and a value between its floor and its ceiling that answers it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from anew.evaluation.value import Value

INCONCLUSIVE, GOOD, POOR = "inconclusive here", "as good as real data", "no better than the baseline"


@dataclass(frozen=True)
class Row:
    """`floor` is what other real data scores and `ceiling` what a trivial impostor does, measured alike.

    The floor is always the good end: for a row that is better high, it is the higher of the two.
    """

    key: str
    title: str
    question: str
    unit: str  # "" (a plain number), "share", or what follows the number: "× noise"
    value: Value | None
    floor: Value | None
    ceiling: Value | None
    better: Literal["low", "high"]
    verdict: str = ""
    note: str = ""
    impostor: str = "independent"  # who scored the ceiling

    def text(self, number: float) -> str:
        """A number of this row as people read it: "82 %", "3.1 × noise"."""
        if self.unit == "share":
            digits = 0 if abs(number) >= 0.0995 else 1
            return f"{_signed(100 * number, digits)} %"
        digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 9.995 else 2
        return f"{_signed(number, digits)} {self.unit}".strip()

    @property
    def is_worse(self) -> bool:
        """Surely worse than real data, or an alarm."""
        return self.says and self.verdict != GOOD and not self.verdict.startswith("no sign")

    @property
    def says(self) -> bool:
        """Whether the verdict says how good it is: without a floor, only that it is no better than the ceiling."""
        return self.verdict == POOR or (self.floor is not None and self.verdict not in ("", INCONCLUSIVE))

    def judged(self) -> Row:
        """This row with its verdict."""
        return replace(self, verdict=judge(self))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """Inverse of `to_json`."""
        values = {key: data[key] and Value(**data[key]) for key in ("value", "floor", "ceiling")}
        return cls(**{**data, **values})


def judge(row: Row) -> str:
    """Where the value stands, or that nothing can be said. Values whose intervals overlap count as equal."""
    value, floor, ceiling = row.value, row.floor, row.ceiling
    if value is None:
        return INCONCLUSIVE
    if floor is None or ceiling is None:
        return ""
    if _worse(row, value, floor) and _worse(row, value, ceiling):
        return POOR
    if not _worse(row, ceiling, floor) or (value.overlaps(floor) and value.overlaps(ceiling)):
        return INCONCLUSIVE
    if not _worse(row, value, floor):
        return GOOD
    if not _worse(row, ceiling, value):
        return POOR
    way = (ceiling.value - value.value) / (ceiling.value - floor.value)
    return f"{100 * way:.0f} % of the way to real data"


def _worse(row: Row, one: Value, other: Value) -> bool:
    """Whether `one` is surely worse than `other`."""
    return not one.overlaps(other) and (one.value > other.value) == (row.better == "low")


def _signed(number: float, digits: int) -> str:
    """Grouped by thousands, with a true minus sign and no negative zero."""
    text = f"{number:,.{digits}f}".replace("-", "−")
    return text.lstrip("−") if float(f"{number:.{digits}f}") == 0 else text
