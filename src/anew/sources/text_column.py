"""A column of a table as text: reviews.csv?text=review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anew.errors import AnewError, unknown
from anew.sources.csv_files import Csv
from anew.sources.parquet_table import ParquetTable
from anew.sources.source import Record, Source, Unreadable

if TYPE_CHECKING:
    import pandas as pd

_ASKED = "?text="
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_TABLES = (ParquetTable, Csv)


class TextColumn(Source):
    """Yields the cells of a column of texts one by one; what the other columns say is given."""

    codec: ClassVar[str] = "text"
    reads: ClassVar[str] = "a column of texts in a .csv, .tsv or .parquet: reviews.csv?text=COLUMN"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return _ASKED in location and not Path(location).exists()

    def __init__(self, location: str) -> None:
        path, _, self._column = location.rpartition(_ASKED)
        self._table = _open(path)
        self.name, self.location = self._table.name, f"{self._table.location}{_ASKED}{self._column}"
        first = next((record.content for record in self._table if not isinstance(record.content, Unreadable)), None)
        columns = [] if first is None else list(first.columns)
        if self._column not in columns:
            raise unknown("column", self._column, columns)

    def __iter__(self) -> Iterator[Record]:
        done = 0
        for record in self._table:
            if isinstance(record.content, Unreadable):
                yield record
                continue
            for row in _rows(record.content):
                done += 1
                text = row.pop(self._column, None)
                content = Unreadable(f"has no '{self._column}'") if text is None else str(text)
                yield Record(content, row, f"{self.name}, row {done}")

    def __len__(self) -> int:
        return len(self._table)

    def fingerprint(self) -> str:
        return f"{self._table.fingerprint()}{_ASKED}{self._column}"

    def describe(self) -> str:
        return f"'{self._column}' is the text; {self._table.describe()}".rstrip("; ")


def _open(path: str) -> Source:
    for kind in _TABLES:
        if kind.accepts(path):
            return kind(path)
    raise AnewError(f"'{path}' is no table that can be read; expected a .csv, .tsv or .parquet before {_ASKED}COLUMN")


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Without what is missing, and with numbers as numbers."""
    for row in frame.astype(object).mask(frame.isna()).to_dict("records"):
        yield {str(name): _value(value) for name, value in row.items() if value == value and value != ""}


def _value(cell: Any) -> Any:
    """What is written as a number is one, but not 007."""
    if not isinstance(cell, str) or not _NUMBER.fullmatch(cell):
        return cell
    return float(cell) if "." in cell else int(cell)
