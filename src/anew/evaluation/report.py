"""What is known of a run's samples, as plain JSON: the page, the comparison and scripts read nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from anew.errors import AnewError
from anew.evaluation.groups import Group
from anew.evaluation.row import Row

VERSION = 2


@dataclass(frozen=True)
class Report:
    """`report.json`. Pictures are kept beside it, see `page.Pictures`."""

    name: str  # of the run
    verdict: str  # one sentence
    rows: list[Row]
    groups: list[Group] = field(default_factory=list)  # the quick rows for each class
    run: dict[str, Any] = field(default_factory=dict)  # facts for the header: {"Model": "ddpm, 2.1 M parameters"}
    trust: dict[str, Any] = field(default_factory=dict)  # see `card.trust`
    curves: Sequence[Mapping[str, float | None]] = field(default_factory=list)  # metrics records, each with "examples"
    pairs: list[dict[str, Any]] = field(default_factory=list)  # see `copying.Pair`, in the order of the pictures
    columns: dict[str, float] = field(default_factory=dict)  # of a table: how far each is from real data
    anonymity: dict[str, Any] = field(default_factory=dict)  # see `anonymity.beside_real`
    guard: list[dict[str, Any]] = field(default_factory=list)  # events: {"examples", "signal", "saw", "did"}
    commands: list[str] = field(default_factory=list)  # that make the run and this report again
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; a loss that was not finite, as of a run that diverged, is null."""
        curves = [{name: _finite(number) for name, number in record.items()} for record in self.curves]
        return asdict(self) | {"curves": curves}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Inverse of `to_json`; raises AnewError for what another version wrote."""
        found = data.get("version")
        if found != VERSION:
            raise AnewError(f"the report is of version {found}, expected {VERSION}; make it again")
        rows = [Row.from_json(row) for row in data["rows"]]
        return cls(**{**data, "rows": rows, "groups": [Group.from_json(group) for group in data["groups"]]})

    def dumps(self) -> str:
        """JSON text; a number that is not finite is an error."""
        return json.dumps(self.to_json(), indent=1, allow_nan=False)

    @classmethod
    def loads(cls, text: str) -> Report:
        return cls.from_json(json.loads(text))


def _finite(number: float | None) -> float | None:
    return number if number is None or math.isfinite(number) else None
