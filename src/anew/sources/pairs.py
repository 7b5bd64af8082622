"""Pairs of texts: two files that belong together line by line, such as x.en and x.de, or x.src and x.tgt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, readable
from anew.sources.source import Record, Source
from anew.sources.texts import CODE, PROSE

_ROLES = {".src": ".tgt", ".source": ".target", ".input": ".output"}  # what is given, and what is learned
_NAMES = {".src": "source", ".tgt": "target"}  # that are written out
_LETTERS = 2  # of the name of a language


class Pairs(Source):
    """Yields the lines of one file; those of the other are given, by the name of its ending.

    What is learned is the target, or, of languages, the file that is opened.
    """

    codec: ClassVar[str] = "text"
    reads: ClassVar[str] = (
        "pairs of lines: two files beside each other, such as train.en and train.de, or .src and .tgt"
    )

    @classmethod
    def accepts(cls, location: str) -> bool:
        return _find(Path(location)) is not None

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        found = _find(path)
        if found is None:
            raise AnewError(f"there is no file of pairs beside '{location}'; expected two such as x.en and x.de")
        self._given, self._learned = found
        self._column = _name(self._given)
        self._count = _check(*found)
        self.name, self.location = readable(path.stem), str(path)

    def __iter__(self) -> Iterator[Record]:
        for number, (given, learned) in enumerate(zip(_lines(self._given), _lines(self._learned)), 1):
            yield Record(learned, {self._column: given}, f"{readable(self._learned.name)}, line {number}")

    def __len__(self) -> int:
        return self._count

    def fingerprint(self) -> str:
        return fingerprint("pairs", [self._given, self._learned], self._learned.parent)

    def describe(self) -> str:
        return f"pairs of lines: '{self._learned.name}' is learned, --given {self._column} is '{self._given.name}'"


def _find(path: Path) -> tuple[Path, Path] | None:
    """What is given, and what is learned; None if this is no pair, or several."""
    ending = path.suffix.lower()
    if not path.is_file():
        return None
    for given, learned in _ROLES.items():
        if ending in (given, learned):
            pair = path.with_suffix(given), path.with_suffix(learned)
            return pair if all(each.is_file() for each in pair) else None
    if not _is_language(ending):
        return None
    beside = [other for other in path.parent.iterdir() if other.stem == path.stem and other != path]
    others = [other for other in beside if _is_language(other.suffix.lower()) and other.is_file()]
    return (others[0], path) if len(others) == 1 and _is_plausible(others[0], path) else None


def _is_language(ending: str) -> bool:
    """Whether it may be one: two letters."""
    letters = ending.removeprefix(".")
    return len(letters) == _LETTERS and letters.isascii() and letters.isalpha()


def _is_plausible(one: Path, other: Path) -> bool:
    """Whether two files are in two languages: an ending such as .pl may also be that of code."""
    known = [path.suffix.lower() in CODE | PROSE for path in (one, other)]
    return not any(known) or (not all(known) and _count(one) == _count(other))


def _count(path: Path) -> int:
    return sum(1 for _ in _lines(path))


def _name(path: Path) -> str:
    ending = path.suffix.lower()
    return _NAMES.get(ending, ending.removeprefix("."))


def _check(given: Path, learned: Path) -> int:
    """How many lines both have; raises AnewError if one has more."""
    counts = [_count(path) for path in (given, learned)]
    if counts[0] != counts[1]:
        found = f"'{given.name}' has {counts[0]:,} lines, '{learned.name}' {counts[1]:,}"
        raise AnewError(f"{found}; expected as many: line by line they belong together")
    return counts[0]


def _lines(path: Path) -> Iterator[str]:
    """Ended by line feeds only: other characters that end lines belong to the text."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        for line in file:
            yield line.rstrip("\r\n")
