"""Text: a file, or a folder of files, nested or not; the folders right below it are labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

from anew.errors import AnewError
from anew.sources.files import fingerprint, labels, readable, walk
from anew.sources.source import Record, Source

PROSE = {".txt", ".text", ".md", ".markdown", ".rst", ".tex", ".html", ".htm", ".srt", ".org", ".adoc"}
CODE = {
    *(".py", ".pyi", ".js", ".jsx", ".ts", ".tsx", ".java", ".kt", ".scala", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs"),
    *(".go", ".rs", ".rb", ".php", ".swift", ".m", ".r", ".jl", ".lua", ".pl", ".sh", ".bash", ".sql", ".css", ".hs"),
    *(".ml", ".ex", ".exs", ".erl", ".clj", ".lisp", ".el", ".vim", ".f90", ".f", ".v", ".vhd", ".asm", ".s", ".yaml"),
    *(".yml", ".toml", ".ini", ".cfg", ".cmake", ".gradle", ".dart", ".zig", ".nim"),
}


class Texts(Source):
    """Yields the path of each file with text, in the order of their names. If most are code, so are all."""

    reads: ClassVar[str] = "text or code: a file (txt, md, py, ...) or a folder of them, its subfolders being labels"

    @classmethod
    def accepts(cls, location: str) -> bool:
        path = Path(location)
        return is_text(path) if path.is_file() else path.is_dir() and any(walk(path, is_text))

    def __init__(self, location: str) -> None:
        path = Path(location).absolute()
        if path.is_file():
            self._root, self._paths = path.parent, [PurePosixPath(path.name)]
        else:
            self._root, self._paths = path, sorted(walk(path, is_text), key=str)
        if not self._paths:
            raise AnewError(f"the folder '{location}' holds no text; expected files such as .txt, .md or .py")
        self.codec = "code" if 2 * sum(map(is_code, self._paths)) > len(self._paths) else "text"  # type: ignore[misc]
        self.name = readable(path.stem if path.is_file() else path.name) or "data"
        self.location = str(path)

    def __iter__(self) -> Iterator[Record]:
        for path, given in zip(self._paths, labels(self._paths)):
            yield Record(self._root / path, dict(given), readable(str(path)))

    def __len__(self) -> int:
        return len(self._paths)

    def fingerprint(self) -> str:
        return fingerprint("texts", (self._root / path for path in self._paths), self._root)

    def describe(self) -> str:
        kinds = Counter(path.suffix.lower() for path in self._paths).most_common(4)
        listed = ", ".join(f"{count:,} {suffix}" for suffix, count in kinds)
        return f"{len(self._paths):,} files of text ({listed})" if len(self._paths) > 1 else ""


def is_text(path: os.PathLike[str]) -> bool:
    return PurePosixPath(path).suffix.lower() in PROSE | CODE


def is_code(path: os.PathLike[str]) -> bool:
    return PurePosixPath(path).suffix.lower() in CODE
