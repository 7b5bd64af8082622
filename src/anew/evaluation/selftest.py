"""Holds the card against impostors made of the user's own data: which rows notice what is wrong with them?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from anew.codecs.codec import Codec
from anew.codecs.dataset import Dataset, Progress, Split
from anew.errors import AnewError
from anew.evaluation import card
from anew.evaluation.build import SHOWN, describe, shown
from anew.evaluation.gather import Truth, effort, gather, shuffled, take
from anew.evaluation.modes import CELL, cells
from anew.evaluation.page import Pictures, render_comparison
from anew.evaluation.report import Report
from anew.evaluation.row import INCONCLUSIVE, Row
from anew.spaces import Batch
from anew.writing import check_writable, write, write_json

NOISE = 0.3  # share of the values that noise replaces
CLUSTERS = 8  # of which half are left out where there are no classes
HALF = (0.35, 0.65)  # what half of the data may cover
PASSED, FAILED = "passed", "failed"


class Impostor(NamedTuple):
    """How it is made of fresh real examples, and the rows that have to notice."""

    name: str
    make: Callable[[Batch, Truth], Batch]
    noticed: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    impostor: str
    row: str  # its title
    expected: str
    found: str
    outcome: str  # PASSED, FAILED, or INCONCLUSIVE where the data don't allow the row to tell


class SelfTest(NamedTuple):
    checks: list[Check]
    reports: list[Report]

    @property
    def passed(self) -> bool:
        """Whether no row failed, and each impostor was noticed by one of those that have to, or more."""
        noticed = {check.impostor for check in self.checks if check.outcome == PASSED}
        return all(check.outcome != FAILED for check in self.checks) and len(noticed) == len(IMPOSTORS)


def selftest(data: Dataset, out: Path, quick: bool = False, on_progress: Progress | None = None) -> SelfTest:
    """Writes selftest.html and selftest.json into `out`, and returns what is in them."""
    check_writable(out)
    looked_at = effort(quick)
    remaining, fresh = _set_aside(data, looked_at.compared)
    truth = gather(remaining, looked_at, on_progress)
    checks, reports, sheets = [], [], []
    for impostor in IMPOSTORS:
        batch = impostor.make(fresh, truth)
        generated = truth.of_batch(batch)
        rows = card.measure(generated, truth.real, on_progress=on_progress)
        checks += _check(impostor, rows, data.codec.frames)
        reports.append(replace(describe(impostor.name, truth, generated, rows), groups=[]))
        sheets.append(_sheet(data.codec, batch))
    write_json(out / "selftest.json", {"checks": [asdict(check) for check in checks]})
    write(out / "selftest.html", render_comparison([report.to_json() for report in reports], sheets, "Self-test"))
    return SelfTest(checks, reports)


def _sheet(codec: Codec, batch: Batch) -> Pictures:
    """None of tables."""
    return Pictures() if codec.frames else Pictures(samples=shown(codec, codec.decode(batch.x[:SHOWN])))


def _set_aside(data: Dataset, compared: int) -> tuple[Dataset, Batch]:
    """The data without some training examples, and these: real ones that nothing else is made of."""
    train, n = data.train, min(compared, len(data.test), len(data.validation))
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    count = min(2 * n, len(train) // 3)
    if count < card.SMALLEST:
        raise AnewError(f"a self-test needs {3 * card.SMALLEST} training examples or more; there are {len(train)}")
    aside, kept = order[:count], order[count:].sort().values
    given = None if train.given is None else train.given[kept]
    return replace(data, train=Split(train.x[kept], given, train.space)), train.batch(aside)


def _unseen(fresh: Batch, truth: Truth) -> Batch:
    return take(fresh, torch.arange(truth.real.n) % fresh.size)


def _copies(fresh: Batch, truth: Truth) -> Batch:
    del fresh
    return take(truth.chosen.train, torch.arange(truth.real.n) % truth.chosen.train.size)


def _half(fresh: Batch, truth: Truth) -> Batch:
    """Of the classes, if there are any, or of clusters. Classes of rows of a table may differ in little else."""
    codec = None if truth.data.codec.frames else truth.data.labels
    column = next((i for i, c in enumerate(codec.columns) if len(c.values) > 1), None) if codec else None
    if column is not None and fresh.given is not None:
        kinds = fresh.given[:, column].numpy()
    else:
        x = next(iter(truth.real.standardised(truth.of_batch(fresh)).views.values()))
        kinds = cells(x, CLUSTERS * CELL).means.predict(x.astype(np.float64))
    return take(fresh, torch.from_numpy(np.isin(kinds, _half_of(kinds)).nonzero()[0][: truth.real.n]))


def _noise(fresh: Batch, truth: Truth) -> Batch:
    return shuffled(_unseen(fresh, truth), truth.data.codec, NOISE)


def _independent(fresh: Batch, truth: Truth) -> Batch:
    return shuffled(_unseen(fresh, truth), truth.data.codec)


IMPOSTORS = (
    Impostor("unseen data", _unseen, ()),
    Impostor("copies", _copies, ("copying", "duplicates", "exact", "spans", "rare", "membership", "recognised")),
    Impostor("half of it", _half, ("coverage", "missed", "marginals", "told_apart")),
    Impostor("noise", _noise, ("fidelity", "told_apart")),
    Impostor("independent values", _independent, ("told_apart", "mmd", "sliced_wasserstein", "pairs")),
)


def _check(impostor: Impostor, rows: list[Row], table: bool) -> list[Check]:
    """Clusters of a table touch, so half of them covers more than half of it."""
    if not impostor.noticed:
        return [_calm(impostor.name, row) for row in rows]
    checks = [_notices(impostor.name, row) for row in rows if row.key in impostor.noticed]
    if impostor.make is _half and not table:
        checks += [_about_half(impostor.name, row) for row in rows if row.key == "coverage"]
    return checks


def _calm(name: str, row: Row) -> Check:
    return _outcome(name, row, "as good as real", not row.is_worse)


def _notices(name: str, row: Row) -> Check:
    """A row that does not notice cannot tell on these data, or from so few examples."""
    check = _outcome(name, row, "worse than real", row.is_worse)
    return replace(check, outcome=INCONCLUSIVE) if check.outcome == FAILED else check


def _about_half(name: str, row: Row) -> Check:
    low, high = HALF
    return _outcome(name, row, "about half", row.value is not None and row.value.low < high and row.value.high > low)


def _outcome(name: str, row: Row, expected: str, right: bool) -> Check:
    found = row.text(row.value.value) if row.value else "too few examples"
    outcome = INCONCLUSIVE if row.verdict == INCONCLUSIVE else PASSED if right else FAILED
    return Check(name, row.title, expected, found, outcome)


def _half_of(kinds: np.ndarray) -> np.ndarray:
    """The most frequent ones, until half of the examples are in."""
    values, counts = np.unique(kinds[~np.isnan(kinds)], return_counts=True)
    order = counts.argsort()[::-1]
    before = counts[order].cumsum() - counts[order]
    return values[order][before < counts.sum() / 2]
