"""Levels of games: text grids and maps of Tiled, in a folder or a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

from anew.errors import AnewError
from anew.sources.files import fingerprint, image_formats, labels, readable, walk
from anew.sources.source import Record, Source, Unreadable

_LEGEND, _EXAMPLE = "legend.json", '{"solid": "#", "start": "S", "goal": "G"}'
_ENDINGS = (".lvl", ".level", ".xsb", ".sok", ".tmj")  # of levels for certain
_PERHAPS = (".txt", ".json")  # that are looked into
_WITH_LEGEND = (".csv",)  # tables if no legend lies beside them
_MAPS = (".tmj", ".json")
_LOOKED_AT, _HEAD, _LARGEST = 20, 2**16, 2**26  # files, bytes of each, and bytes of one that is read
_BETWEEN = re.compile(r"$|;(\s|\w|$)|[A-Z][a-z]+:( |$)")  # lines between levels: empty, "; 12" or "Title: A way out"
_LINE = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"[^\W\d_]{2,}")


class LevelFile(NamedTuple):
    """The content of a record: a level as text, or a map of Tiled as bytes, and the legend that lay beside it."""

    level: str | bytes
    legend: Mapping[str, Any] | None = None


class Levels(Source):
    """Yields each level of a file, or of all files of a folder, in the order of their names.

    Levels in one file are separated by empty lines, or by comments as collections of Sokoban have them. A file named
    legend.json, which says what the tiles mean, makes levels of what could be something else. Raises AnewError for a
    legend that is no JSON.
    """

    codec: ClassVar[str] = "level"
    reads: ClassVar[str] = "levels of games as text (.txt, .lvl, ...), or maps of Tiled (.tmj, .json), or a folder"

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        if not path.is_dir():
            return path.is_file() and _is_level_file(path)
        if (path / _LEGEND).is_file():
            return True
        found = sorted(walk(path, lambda _: True))
        if any(name.suffix.lower() in _ENDINGS for name in found):
            return True
        perhaps = [path / name for name in found if name.suffix.lower() in _PERHAPS]
        pictures = any(name.suffix.lower() in image_formats() for name in found)
        return bool(perhaps) and not pictures and all(map(_looks_like_levels, perhaps[:_LOOKED_AT]))

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        self._root = path if path.is_dir() else path.parent
        self._legend = _read_legend(self._root / _LEGEND)
        self._paths = sorted(walk(path, self._is_wanted), key=str) if path.is_dir() else [PurePosixPath(path.name)]
        if not self._paths:
            raise AnewError(f"the folder '{location}' holds no levels; expected text grids (.txt) or Tiled maps (.tmj)")
        self._count: int | None = None
        self.name = readable(path.name if path.is_dir() else path.stem) or "levels"
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        count = 0
        for path, given in zip(self._paths, labels(self._paths)):
            for record in _read(self._root / path, readable(str(path)), self._legend):
                count += 1
                yield Record(record.content, dict(given), record.name)
        self._count = count

    def __len__(self) -> int:
        """Files, until all were read once."""
        return len(self._paths) if self._count is None else self._count

    def fingerprint(self) -> str:
        legend = [] if self._legend is None else [PurePosixPath(_LEGEND)]
        return fingerprint("levels", (self._root / path for path in [*self._paths, *legend]), self._root)

    def _is_wanted(self, path: PurePosixPath) -> bool:
        endings = _ENDINGS + _PERHAPS + (_WITH_LEGEND if self._legend is not None else ())
        return path.suffix.lower() in endings and path.name != _LEGEND


def decode_text(content: bytes) -> str:
    """Text of UTF-8, or of UTF-16 with its mark; raises ValueError."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def split_levels(text: str) -> list[str]:
    """The levels of a file: what stands between empty lines and comments."""
    found: list[list[str]] = [[]]
    for line in _LINE.split(text):
        if not _BETWEEN.match(line):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


def is_prose(text: str) -> bool:
    """Whether most of it is words: two letters or more that differ, side by side, between spaces or marks."""
    words = [word for word in _WORD.findall(text) if len(set(word)) > 1]
    spaces = text.count(" ")
    return len(words) > 1 and spaces >= len(words) / 2 and 2 * sum(map(len, words)) > len(text) - spaces


def _is_level_file(path: Path) -> bool:
    ending, legend = path.suffix.lower(), (path.parent / _LEGEND).is_file()
    if ending in _ENDINGS or (legend and ending in _PERHAPS + _WITH_LEGEND and path.name != _LEGEND):
        return True
    return ending in _PERHAPS and _looks_like_levels(path)


def _looks_like_levels(path: Path) -> bool:
    """When in doubt, it is something else: a text, or a table."""
    try:
        if path.suffix.lower() == ".json":
            content = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
            return b'"layers"' in content and b'"tilewidth"' in content
        with path.open("rb") as file:
            head = file.read(_HEAD)
        levels = split_levels(decode_text(head if len(head) < _HEAD else head[: head.rfind(b"\n")]))
    except (OSError, ValueError):  # a link to nowhere, no rights, no text
        return False
    return bool(levels) and all(map(_looks_like_a_level, islice(levels, _LOOKED_AT)))


def _looks_like_a_level(text: str) -> bool:
    """Lines of nearly one width, of few characters, of which hardly any make words or numbers, and none parts cells."""
    lines = text.split("\n")
    width, cells = max(map(len, lines)), sum(map(len, lines))
    words = [word for word in _WORD.findall(text) if len(set(word)) > 2]
    signs = sum(not character.isalnum() for character in text) - len(lines) + 1
    return (
        len(lines) > 2
        and width > 2
        and cells >= 0.9 * width * len(lines)
        and len(set(text)) <= 64
        and 10 * sum(map(len, words)) < cells
        and 10 * signs >= cells
        and not any(all(mark in line for line in lines) for mark in ",;\t")
        and not all(map(_are_numbers, lines))
    )


def _are_numbers(line: str) -> bool:
    """Whether it is numbers between spaces."""
    cells = line.split()
    return bool(cells) and all(re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", cell) for cell in cells)


def _read(path: Path, name: str, legend: Mapping[str, Any] | None) -> Iterator[Record]:
    """The levels of a file, or why there are none."""
    try:
        content = path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST else None
    except OSError:
        content = b""
    if content is None:
        yield Record(Unreadable("is no file of 64 MB at most"), {}, name)
    elif path.suffix.lower() in _MAPS:
        yield Record(LevelFile(content, legend), {}, name)
    else:
        yield from _split(content, name, legend)


def _split(content: bytes, name: str, legend: Mapping[str, Any] | None) -> Iterator[Record]:
    try:
        levels = split_levels(decode_text(content))
    except ValueError:
        levels, reason = [], "is not text in UTF-8"
    else:
        reason = "is empty"
    if not levels:
        yield Record(Unreadable(reason), {}, name)
    for number, level in enumerate(levels, 1):
        yield Record(LevelFile(level, legend), {}, f"{name}: level {number}" if len(levels) > 1 else name)


def _read_legend(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        legend = json.loads(decode_text(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise AnewError(f"'{path}' is no JSON ({error}); expected such as {_EXAMPLE}") from error
    if not isinstance(legend, dict):
        raise AnewError(f"'{path}' holds no JSON object; expected such as {_EXAMPLE}")
    return legend
