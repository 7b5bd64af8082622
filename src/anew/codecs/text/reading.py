"""Text as people have it: files of any encoding and any length, as stretches that fit into memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from anew.codecs.codec import BadRecord

STEP = 2048  # characters from the start of one passage to that of the next
_TOGETHER = 8  # passages of a stretch, at most
_STRETCHES = 32  # that a document is cut into, at least, if it has as many passages
_LARGEST = 2**31  # bytes of a file
_CONTROL = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_MARKS = (  # the first bytes of encodings that say so; of UTF-32 first, as that of UTF-16 is the beginning of its own
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Stretch(NamedTuple):
    """A part of a document, from the start of a line on, and where in it passages start."""

    text: str
    starts: tuple[int, ...]


def read_text(content: Any) -> str:
    """Text, or the bytes of a file, or its path, with lines that end in newlines. Raises BadRecord for what is none."""
    if isinstance(content, Path):
        content = _read(content)
    text = _decoded(content) if isinstance(content, bytes) else content
    if not isinstance(text, str):
        raise BadRecord(f"is a {type(content).__name__}, not text")
    if "\0" in text:
        raise BadRecord("holds zero bytes, so it is not text")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadRecord("is empty")
    return text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair has no bytes


def stretches(text: str, step: int = STEP) -> Iterator[Stretch]:
    """All of a document, in parts that are long enough to be held out as one and many enough to choose from."""
    passages = -(-len(text) // step)
    size = step * max(1, min(_TOGETHER, passages // _STRETCHES))
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= size + step // 2 else _line_start(text, start + size, start)
        yield Stretch(text[start:end], tuple(_starts(text[start:end], step)))
        start = end


def _starts(text: str, step: int) -> Iterator[int]:
    """About every `step` characters, at the start of a line if one is near."""
    for start in range(0, max(1, len(text) - step // 2), step):
        yield _line_start(text, start, start - step // 4) if start else 0


def _line_start(text: str, place: int, after: int) -> int:
    """The last start of a line up to `place`, or else `place`, if none comes `after`."""
    found = text.rfind("\n", max(0, after), place) + 1
    return found if found > after else place


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadRecord(f"is larger than {_LARGEST // 2**30} GiB; split it into several files")
        return path.read_bytes()
    except OSError as error:
        raise BadRecord(f"cannot be read: {error.strerror or error}") from error


def _decoded(data: bytes) -> str:
    """As UTF-8 or what its mark says; as Western European (cp1252) if it is none of those and looks like text."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if len(_CONTROL.findall(text)) + text.count("\ufffd") > len(text) / 100:
        raise BadRecord("is not text in any usual encoding; save it as UTF-8")
    return text
