"""The tables that contenders learn: a CSV file of yours, such as Adult, or one that scikit-learn ships.

Cells stay the text that they are in the file, with spaces and all, so that each contender meets the data as a user has
them. Scores read real and generated rows alike: without spaces around cells, and with one way to say "missing".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets

SHIPPED = {"breast-cancer": datasets.load_breast_cancer, "wine": datasets.load_wine}
TARGET = "income"  # of a file, if nothing is said
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "None", "<NA>")


class Files(NamedTuple):
    """The rows to train on and those held out, and how many; what is to be told from the other columns."""

    train: Path
    test: Path
    target: str
    counts: tuple[int, int]


def write(data: str, target: str | None, rows: int, seed: int, folder: Path) -> Files:
    """A seeded split: `rows` to train on, or two thirds of them if there are fewer; the rest to test.

    Raises ValueError if there is no such target, or the folder holds other rows.
    """
    frame, usual = shipped(data) if data in SHIPPED else (_raw(data), TARGET)
    if (target := target or usual) not in frame:
        raise ValueError(f"'{data}' has no column '{target}'; name another with --target: {', '.join(frame)}")
    order = np.random.default_rng(seed).permutation(len(frame))
    count = rows if rows < len(frame) else len(frame) * 2 // 3
    files = Files(folder / "train.csv", folder / "test.csv", target, (count, len(frame) - count))
    folder.mkdir(parents=True, exist_ok=True)
    for path, part in ((files.train, order[:count]), (files.test, order[count:])):
        text = frame.iloc[part].to_csv(index=False)
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise ValueError(f"'{path}' holds other rows than those of '{data}'; choose another --work")
        path.write_text(text, encoding="utf-8")
    return files


def shipped(name: str) -> tuple[pd.DataFrame, str]:
    """The table, and the name of its target, a category in words."""
    bunch = SHIPPED[name](as_frame=True)
    frame = bunch.data.assign(target=np.asarray(bunch.target_names)[bunch.target])
    return frame, "target"


def read(path: Path, numbers: Sequence[str] | None = None) -> pd.DataFrame:
    """Numbers as float64 with NaN, categories as text with "" for a missing cell.

    `numbers` are the columns of numbers; without it, those in which each cell that is not missing is one.
    """
    frame = _raw(path).apply(lambda column: column.str.strip())
    frame = frame.mask(frame.isin(MISSING), "")
    parsed = {name: pd.to_numeric(frame[name], errors="coerce").astype("float64") for name in frame}
    if numbers is None:
        numbers = [name for name in frame if (parsed[name].isna() == (frame[name] == "")).all()]
    return frame.assign(**{name: parsed[name] for name in numbers})


def numbers(frame: pd.DataFrame) -> list[str]:
    """The columns of numbers of what was read."""
    return [name for name in frame if frame[name].dtype == np.float64]


def _raw(path: str | Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)
