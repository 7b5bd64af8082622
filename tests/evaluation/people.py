"""A made-up table in which columns hang together, as measures see it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from anew.evaluation.examples import Examples, Real

TOWNS = np.array(["Ulm", "Köln", "北京", None], object)


def people(seed: int, n: int = 1_000) -> pd.DataFrame:
    """Of three kinds, which say much of their age, town and income; pay is that of the kind, give or take."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[0.55, 0.25, 0.2])
    town = np.where(rng.random(n) < 0.7, kind, rng.integers(0, 4, n))
    born = np.datetime64("1950-01-01") + (15 * 365 * kind + rng.integers(0, 9_000, n)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "kind": np.array(["a", "b", "c"])[kind],
            "age": (30 + 15 * kind + rng.normal(0, 5, n)).round(),
            "town": TOWNS[town],
            "born": born.astype("datetime64[s]"),
            "pay": np.where(rng.random(n) < 0.2, np.nan, (1_000 * (1 + kind) + rng.normal(0, 200, n)).round(2)),
            "member": pd.array(kind + rng.normal(0, 0.7, n) > 1, dtype="boolean"),
        }
    )


def shuffled(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Every column on its own."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: table[name].iloc[rng.permutation(len(table))].array for name in table})


def seen(table: pd.DataFrame) -> Examples:
    """With a view of ages alone."""
    return Examples({"age": table[["age"]].to_numpy(np.float64)}, table=table)


def real(train: pd.DataFrame | None = None, n: int = 1_000, seed: int = 0) -> Real:
    learned = people(0, 4 * n) if train is None else train
    sets = people(1, n), people(2, n), shuffled(people(3, n))
    return Real(seen(learned), *map(seen, sets), seed=seed)  # type: ignore[call-arg]
