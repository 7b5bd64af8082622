"""The quick rows of the card for each class or group, on its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from anew.codecs.labels import LabelCodec
from anew.evaluation import MEASURES, card, load
from anew.evaluation.examples import Examples, Real
from anew.evaluation.row import Row

MOST, LARGE = 20, 100  # groups, and examples of one, below which intervals say nothing


@dataclass(frozen=True)
class Group:
    """Those of whom one thing is given; `n` real examples and samples each are compared."""

    name: str
    n: int
    rows: list[Row]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Group:
        return cls(data["name"], data["n"], [Row.from_json(row) for row in data["rows"]])


def groups(generated: Examples, real: Real, codec: LabelCodec | None) -> list[Group]:
    """By the first category that is given, the most frequent ones; those of fewer than LARGE examples are left out."""
    column = next((c for c in codec.columns if c.values), None) if codec and generated.given else None
    if column is None:
        return []
    samples, found = real.standardised(generated), []
    quick = [name for name in MEASURES if load(name).groups]
    for code in _frequent(real.train.given[column.name]):
        n = min((part.given[column.name] == code).sum() for part in (samples, real.held_out, real.reference))
        if n >= LARGE:
            name = f"{column.name} {column.values[int(code)]}"
            own = samples.take(samples.given[column.name] == code)
            found.append(Group(name, int(n), card.measure(own, real.only(column.name, code), quick)))
    return found


def _frequent(codes: np.ndarray) -> list[float]:
    values, counts = np.unique(codes[~np.isnan(codes)], return_counts=True)
    return sorted(values[counts.argsort()[::-1][:MOST]])
