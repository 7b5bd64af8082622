"""Entities for tests: families and their members."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

KINDS = ("farm", "town")


def tables(n: int = 60, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Families, and members of theirs: farms have 3 to 5, towns none to 2, each born some days after the one before."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(2, size=n)
    families = pd.DataFrame({"id": [f"F{i:03d}" for i in range(n)], "kind": np.array(KINDS)[kind]})
    rows = []
    for i in range(n):
        day = pd.Timestamp("2001-01-01") + pd.Timedelta(days=int(rng.integers(300)))
        for number in range(rng.integers(3, 6) if kind[i] == 0 else rng.integers(3)):
            rows.append((f"F{i:03d}", str(day.date()), number, rng.choice(["f", "m"])))
            day += pd.Timedelta(days=int(rng.integers(1, 5)))
    members = pd.DataFrame(rows, columns=["family", "born", "number", "sex"])
    return families, members.sample(frac=1, random_state=seed)


def write(folder: Path, n: int = 60) -> str:
    """The location of both tables, as files."""
    families, members = tables(n)
    families.to_csv(folder / "families.csv", index=False)
    members.to_csv(folder / "members.csv", index=False)
    return f"{folder / 'families.csv'}?children=members.csv&key=id:family&order=born"
