"""How a file of cells in lines is written, found by looking: its encoding, its delimiter, and its header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from anew.errors import AnewError
from anew.sources.files import check_columns

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DELIMITERS = ",;\t|"
_ROWS = 100  # that are looked at
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*")
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x9f]")
_WHOLE = re.compile(r"\s*\d+\s*")

Chunks = Callable[[], Iterator[bytes]]  # the file from its beginning
Rows = list[list[str]]


class Format(NamedTuple):
    """`names` are those of the header, or column_1, column_2, ... if the first row is data."""

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header: bool

    def __str__(self) -> str:
        delimiter = {"\t": "tabs"}.get(self.delimiter, f"'{self.delimiter}'")
        first = "names" if self.header else "data (columns are called column_1, column_2, ...)"
        return f"{self.encoding}, {delimiter} between cells, the first row is {first}"


def find_format(chunks: Chunks, name: str, delimiter: str | None = None) -> Format:
    """Of the file `name`; raises AnewError for what is not text, for no rows, and for two columns of one name."""
    head = next(chunks(), b"")
    encoding = _find_encoding(chunks, head)
    text = head.decode(encoding, "ignore").removeprefix("\ufeff")
    if encoding == "latin-1" and len(_CONTROL.findall(text)) > len(text) / 10:
        raise AnewError(f"'{name}' is not text, though it is named so; save it as CSV (a spreadsheet can do that)")
    delimiter = delimiter or find_delimiter(text)
    rows = read_rows(text, delimiter)
    if not rows:
        raise AnewError(f"'{name}' is empty; expected a row of names and rows of data")
    header = len(rows) == 1 or not _is_data(rows)
    if header and len(rows) == 1:
        raise AnewError(f"'{name}' has one row only; expected a row of names and rows of data")
    names = [cell.strip() if header else "" for cell in rows[0]]
    return Format(encoding, delimiter, check_columns(names, name), header)


def find_delimiter(text: str) -> str:
    """The one with which most rows have as many cells as the first, two or more; a comma if there is none."""

    def agreement(delimiter: str) -> tuple[float, int]:
        rows = read_rows(text, delimiter)
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=agreement)


def read_rows(text: str, delimiter: str) -> Rows:
    """The first rows that are not empty. The last one may be cut where `text` is."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: Rows = []
    try:
        for row in islice(filter(None, rows), _ROWS):
            found.append(row)
    except csv.Error:  # a cell of more than 131,072 characters: the rows before it will do
        pass
    return found


# --- encoding


def _find_encoding(chunks: Chunks, head: bytes) -> str:
    """By its mark, or the first that all of the file can be read in."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    if _are_mostly_zero(head[1::2]) or _are_mostly_zero(head[::2]):
        return "utf-16-le" if _are_mostly_zero(head[1::2]) else "utf-16-be"
    if _reads(chunks, "utf-8"):
        return "utf-8"
    sample = next(chunk for chunk in chunks() if not chunk.isascii())
    if _is_chinese(sample) and _reads(chunks, "gb18030"):
        return "gb18030"
    return "windows-1252" if _reads(chunks, "windows-1252") else "latin-1"


def _are_mostly_zero(sample: bytes) -> bool:
    return sample.count(0) > len(sample) / 2


def _reads(chunks: Chunks, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks():
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(sample: bytes) -> bool:
    """Whether most pairs of high bytes are the frequent characters (level 1) and the signs of GB 2312.

    Western accented letters stand alone, or make rare characters.
    """
    pairs = re.findall(rb"[\x80-\xff].", sample, re.DOTALL)
    frequent = [pair for pair in pairs if 0xA1 <= pair[0] <= 0xD7 and pair[1] >= 0xA1]
    return len(frequent) > len(pairs) / 2


# --- header


def _is_data(rows: Rows) -> bool:
    """Whether the first row is one like the others. Where that is open, it is a header.

    It is if each column of numbers has a number there, and something says that these are no names, as years can be:
    one that is not whole, two that are equal, or a text that comes again in its column.
    """
    first, *rest = rows
    columns = list(zip(*(row for row in rest if len(row) == len(first))))
    numbers = [cell for cell, column in zip(first, columns) if _is_numeric(column)]
    if not numbers or not all(map(_is_number, numbers)):
        return False
    again = any(cell in column for cell, column in zip(first, columns) if not _is_numeric(column))
    return again or len(set(numbers)) < len(numbers) or not all(map(_WHOLE.fullmatch, numbers))


def _is_numeric(column: Sequence[str]) -> bool:
    known = [cell for cell in column if cell.strip()]
    return bool(known) and all(map(_is_number, known))


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell))
