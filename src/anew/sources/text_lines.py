"""Lines of JSON, each with a text: the form in which collections of documents are passed on."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from anew.errors import AnewError
from anew.sources.dialogue import MESSAGES, dialogue
from anew.sources.files import fingerprint, readable
from anew.sources.source import Record, Source, Unreadable

TEXTS = ("text", "content", "document", "body", "story")  # names that the text of a line may have
_LONGEST = 2**30  # characters of a line
_LOOKED_AT = 20  # lines


class TextLines(Source):
    """Yields the text of each line, or its dialogue as text, with what else the line says as given."""

    codec: ClassVar[str] = "text"
    reads: ClassVar[str] = 'a .jsonl (.gz) file with a "text" or "messages" in each line'

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        named = path.name.lower().endswith((".jsonl", ".jsonl.gz", ".ndjson"))
        return named and path.is_file() and _name_of_text(path) is not None

    def __init__(self, location: str) -> None:
        self._path = Path(location).absolute()
        name = _name_of_text(self._path)
        if name is None:
            raise AnewError(f'no line of \'{location}\' has a text; expected lines such as {{"text": "Once ..."}}')
        self._text = name
        self.name, self.location = readable(self._path.name.split(".")[0]), str(self._path)

    def __iter__(self) -> Iterator[Record]:
        try:
            with _open(self._path) as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield self._record(line, f"{self._path.name}, line {number}")
        except (EOFError, zlib.error) as error:
            raise AnewError(f"'{self.location}' is damaged or cut short ({error}); copy it again") from error

    def __len__(self) -> int:
        return max(1, self._path.stat().st_size // 1000)

    def fingerprint(self) -> str:
        return fingerprint("lines of text", [self._path], self._path.parent)

    def _record(self, line: str, name: str) -> Record:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return Record(Unreadable("is not a line of JSON"), {}, name)
        if (text := _text(row, self._text)) is None:
            return Record(Unreadable(f'has no "{self._text}"'), {}, name)
        given = {key: value for key, value in row.items() if isinstance(value, str | int | float | bool)}
        return Record(text, {key: value for key, value in given.items() if key != self._text}, name)


def _text(row: Any, name: str) -> str | None:
    """What a line calls so; None if it is no text, and no dialogue."""
    found = row.get(name) if isinstance(row, dict) else None
    return found if isinstance(found, str) else dialogue(found) if name == MESSAGES else None


def _open(path: Path) -> io.TextIOWrapper:
    start = gzip.open if path.suffix.lower() == ".gz" else open
    return start(path, "rt", encoding="utf-8-sig", errors="replace")


def _name_of_text(path: Path) -> str | None:
    """What the first lines call their text; None if they have none."""
    try:
        with _open(path) as lines:
            for _ in range(_LOOKED_AT):
                row = json.loads(lines.readline(_LONGEST) or "{}")
                names = [name for name in (*TEXTS, MESSAGES) if _text(row, name) is not None]
                if names:
                    return names[0]
    except (OSError, ValueError, RecursionError, EOFError, zlib.error):
        pass
    return None
