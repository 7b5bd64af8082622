"""Code in parts that stand on their own, and whether it parses."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

_NAME = r"(?:async )?def \w+ *[(\[]|class \w+ *[(\[:]"
_NAMES = re.compile(rf"^(?:{_NAME})", re.MULTILINE)  # definitions of Python
_BEGINS = re.compile(rf"^(?:@\w|{_NAME})", re.MULTILINE)  # they, or their decorators
_ENDS = re.compile(r"^[^\s#)\]}]", re.MULTILINE)  # what is no part of it any more
_BETWEEN = re.compile(r"\n\s*\n(?=[^\s)\]}])")  # of other languages: empty lines before one that is not indented
_LONGEST = 50_000  # characters that are parsed


def definitions(text: str) -> list[str]:
    """All of a file, in parts: functions and classes of Python and what stands between them, or blocks of lines."""
    cuts = [*(_of_python(text) if _NAMES.search(text) else (found.end() for found in _BETWEEN.finditer(text)))]
    parts, start = [], 0
    for cut in [*cuts, len(text)]:
        if text[start:cut].strip():  # empty lines go with what follows
            parts.append(text[start:cut])
            start = cut
    return [*parts[:-1], parts[-1] + text[start:]] if parts else [text]


def parses(text: str) -> bool:
    """Whether it is Python. Nothing is run, and what is very long or deep is none."""
    if len(text) > _LONGEST:
        return False
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _of_python(text: str) -> Iterator[int]:
    """Where definitions that are not indented begin and end."""
    end = 0
    while (begin := _BEGINS.search(text, end)) and (name := _NAMES.search(text, begin.start())):
        yield begin.start()
        found = _ENDS.search(text, name.end())
        end = found.start() if found else len(text)
        yield end
