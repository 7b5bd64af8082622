"""Levels as text: lines of tiles, each one character, or, of maps of Tiled, a number between commas."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anew.codecs.codec import BadRecord
from anew.codecs.level.tiled import read_map
from anew.sources.levels import LevelFile, decode_text, is_prose

UNKNOWN = "\ufffd"  # the tile that stands for those that were not learned
_MOST_CELLS = 4_000_000
_STACK = r"([0-9]+(/[0-9]+)*|\ufffd)"  # "5", or "12/0/3" in a map of three layers
_NUMBERS = re.compile(rf"{_STACK},({_STACK},)*{_STACK}?")
_JSON = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"')
_SKIPPED = re.compile("[\ufeff\ufe0e\ufe0f]")  # what says how a character is drawn, and is none


class Level(str):
    """The tiles of a level, all lines being equally long; and what was known beside them."""

    legend: Mapping[str, Any] | None = None
    map: Mapping[str, Any] | None = None  # of Tiled, without the tiles


def read_level(content: Any) -> Level:
    """From a `LevelFile`, text, the bytes of a file, a path, or a map of Tiled as a dictionary; raises BadRecord."""
    legend = None
    if isinstance(content, LevelFile):
        content, legend, tiled = content.level, content.legend, isinstance(content.level, bytes)
    else:
        content = _read(content) if isinstance(content, Path) else content
        tiled = isinstance(content, Mapping) or (isinstance(content, bytes) and bool(_JSON.match(content)))
    level = _from_map(content) if tiled else Level(_from_text(content))
    if cells_of(level) > _MOST_CELLS:
        raise BadRecord(f"has {cells_of(level):,} tiles; {_MOST_CELLS:,} at most: cut it up")
    level.legend = legend
    return level


def rows_of(level: str) -> list[Sequence[str]]:
    """The tiles, row by row."""
    lines = level.split("\n")
    return [line.rstrip(",").split(",") for line in lines] if are_numbers(level) else list(lines)


def text_of(rows: Sequence[Sequence[str]], numbers: bool) -> str:
    """Inverse of `rows_of`. A single number ends with a comma, so that it is taken for one."""
    if not numbers:
        return "\n".join("".join(row) for row in rows)
    return "\n".join(",".join(row) + "," * (len(row) == 1) for row in rows)


def are_numbers(level: str) -> bool:
    return bool(_NUMBERS.fullmatch(level.partition("\n")[0]))


def cells_of(level: str) -> int:
    first = level.partition("\n")[0]
    return (level.count("\n") + 1) * (len(first.rstrip(",").split(",")) if are_numbers(level) else len(first))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadRecord(f"cannot be read: {error.strerror or error}") from error


def _from_map(content: bytes | Mapping[str, Any]) -> Level:
    rows, rest = read_map(content)
    level = Level(text_of(rows, numbers=True))
    level.map = rest
    return level


def _from_text(content: Any) -> str:
    """Shorter lines are filled up with spaces, which editors take off."""
    if not isinstance(content, str | bytes):
        raise BadRecord(f"is a {type(content).__name__}; expected a level as text")
    try:
        text = decode_text(content) if isinstance(content, bytes) else content
    except ValueError as error:
        raise BadRecord("is not text in UTF-8") from error
    text = _SKIPPED.sub("", unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))).strip("\n")
    if not text.strip("\n"):
        raise BadRecord("is empty")
    if odd := next((sign for sign in set(text) - {"\n"} if unicodedata.category(sign) in ("Cc", "Cs")), None):
        name = "tabs" if odd == "\t" else f"the character {ord(odd):#04x}"
        raise BadRecord(f"holds {name}; expected lines of tiles, each one character")
    if is_prose(text):
        raise BadRecord("is prose, not lines of tiles")
    return _even(text)


def _even(text: str) -> str:
    if not are_numbers(text.partition("\n")[0].replace(" ", "")):
        lines = text.split("\n")
        width = max(map(len, lines))
        return "\n".join(line.ljust(width) for line in lines)
    rows = rows_of(text.replace(" ", ""))
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]) or not all(re.fullmatch(_STACK, cell) for cell in row):
            raise BadRecord(f"line {number} is not {len(rows[0])} whole numbers, as the first is")
    return text_of(rows, numbers=True)
