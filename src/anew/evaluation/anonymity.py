"""How many rows of a table share their quasi-identifiers: what others may know of a person, such as age and post code.

Of the groups of rows that are equal in all of them:

- k (Sweeney 2002): the size of the smallest;
- l (Machanavajjhala et al. 2006, "distinct l-diversity"): the fewest different values of what is sensitive in one;
- t (Li et al. 2007): the furthest that what is sensitive is distributed in one from how it is in the whole table, by
  the earth mover's distance: between two categories it is 1, between two numbers their ranks' share of all.

They are properties of a table, and no guarantee: a table of k = 1 may say nothing true of anybody, and one of high k
may give a secret away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from anew.errors import AnewError, unknown
from anew.evaluation.examples import Examples, Real

SMALL = 5  # rows of a group that is called small


@dataclass(frozen=True)
class Anonymity:
    """Of `rows` rows in `groups` groups."""

    rows: int
    groups: int
    k: int
    small: float  # share of the rows that are in groups of fewer than SMALL
    diversity: int | None  # l; None if nothing is called sensitive
    closeness: float | None  # t


def anonymity(table: pd.DataFrame, quasi: Sequence[str], sensitive: str | None = None) -> Anonymity:
    """What is missing is a value like any other."""
    group = table.groupby(list(quasi), dropna=False, sort=False, observed=True).ngroup().to_numpy()
    sizes = np.bincount(group)
    small = float(sizes[sizes < SMALL].sum() / len(table))
    diversity, closeness = _sensitive(group, table[sensitive]) if sensitive else (None, None)
    return Anonymity(len(table), len(sizes), int(sizes.min()), small, diversity, closeness)


def beside_real(generated: Examples, real: Real, quasi: Sequence[str], sensitive: str | None) -> dict[str, Any]:
    """For the report: as many generated rows as training rows. Empty if nothing is asked."""
    if not quasi or generated.table is None or real.train.table is None:
        return {}
    n = min(len(generated), len(real.train))
    sides = {"real": real.train.table, "generated": generated.table}
    found = {side: asdict(anonymity(table.iloc[:n], quasi, sensitive)) for side, table in sides.items()}
    return {"quasi": list(quasi), "sensitive": sensitive, **found}


def lines(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What `beside_real` found, as (what, real, generated) for people."""
    titles = {
        "rows": "Rows",
        "groups": "Groups",
        "k": "k: rows of the smallest group",
        "small": f"Rows in groups of fewer than {SMALL}",
        "diversity": f"l: fewest different values of {found['sensitive']} in a group",
        "closeness": f"t: furthest that {found['sensitive']} in a group is from the whole table, 0 to 1",
    }
    sides = [found[side] for side in ("real", "generated")]
    return [
        (title, *(_shown(key, side[key]) for side in sides))  # type: ignore[misc]
        for key, title in titles.items()
        if sides[0][key] is not None
    ]


def check_columns(real: Real, quasi: Sequence[str], sensitive: str | None) -> None:
    """Raises AnewError for columns that are not there, or make no sense together."""
    names = [] if real.train.table is None else list(real.train.table.columns)
    for name in (*quasi, *([sensitive] if sensitive else ())):
        if not names:
            raise AnewError(f"'{name}' is no column: these data are no table; leave out --quasi and --sensitive")
        if name not in names:
            raise unknown("column", name, names)
    if sensitive and not quasi:
        raise AnewError(f"--sensitive {sensitive} needs --quasi: the columns that others may know")
    if sensitive in quasi:
        raise AnewError(f"'{sensitive}' cannot be both sensitive and known to others; leave it out of --quasi")


def _shown(key: str, number: float) -> str:
    if key == "small":
        return f"{100 * number:.1f} %"
    return f"{number:.2f}" if key == "closeness" else f"{number:,}"


def _sensitive(group: np.ndarray, column: pd.Series) -> tuple[int, float]:
    """l and t."""
    is_number = column.dtype.kind in "iufM"
    codes, values = pd.factorize(column, sort=is_number, use_na_sentinel=False)
    whole = np.bincount(codes, minlength=len(values)) / len(codes)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order])) + 1
    diversity, closeness = len(values), 0.0
    for part in np.split(codes[order], starts):
        counts = np.bincount(part, minlength=len(values))
        diversity = min(diversity, int((counts > 0).sum()))
        closeness = max(closeness, _moved(counts, whole, is_number))
    return diversity, closeness


def _moved(counts: np.ndarray, whole: np.ndarray, ordered: bool) -> float:
    """The earth mover's distance of a group of the counts (values,) from the shares `whole`."""
    gaps = counts / counts.sum() - whole
    return float(np.abs(gaps.cumsum()).sum() / max(len(gaps) - 1, 1) if ordered else np.abs(gaps).sum() / 2)
