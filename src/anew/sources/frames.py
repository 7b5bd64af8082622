"""A pandas frame as data: it is kept as a file, so that a run finds it again."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from anew.errors import AnewError
from anew.sources.files import check_columns
from anew.writing import cache_folder, write

if TYPE_CHECKING:
    import pandas as pd


def keep(frame: pd.DataFrame) -> Path:
    """Where the frame now lies under $ANEW_CACHE: the same content at the same path, of the same date.

    Names of columns become texts, and the index is left out; see `as_cells`. Raises AnewError for two columns of one
    name.
    """
    content = _to_parquet(frame)
    path = cache_folder() / "frames" / f"frame-{blake2b(content, digest_size=6).hexdigest()}.parquet"
    if not path.exists():
        write(path, content)
        os.utime(path, (0, 0))
    return path


def as_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """With texts for the columns that no file can hold as they are, such as values of several types."""
    cells = frame.copy(deep=False)
    for name in frame.columns:
        if not _fits(frame[name]):
            cells[name] = frame[name].map(str, na_action="ignore")
    return cells


def _to_parquet(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    names = check_columns([str(name) for name in frame.columns], "the frame")
    if not len(frame) or not names:
        raise AnewError("the frame is empty; expected rows and columns")
    plain = as_cells(frame.set_axis(list(names), axis=1))
    plain.attrs = {}
    file = pa.BufferOutputStream()
    try:
        parquet.write_table(pa.Table.from_pandas(plain, preserve_index=False), file)
    except (pa.ArrowException, UnicodeError) as error:
        raise AnewError(f"the frame cannot be kept as a file ({error}); give a file of it") from error
    return file.getvalue().to_pybytes()


def _fits(column: pd.Series) -> bool:
    """Whether a file can hold the column as it is."""
    import pyarrow as pa

    try:
        return not isinstance(pa.Array.from_pandas(column).type, pa.BaseExtensionType)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return False
