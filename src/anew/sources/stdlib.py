"""Built-in code: the standard library of the Python that runs, and its docstrings with the functions they are of."""

from __future__ import annotations

import ast
import os
import sysconfig
import textwrap
import warnings
from collections.abc import Iterator
from functools import cached_property
from inspect import cleandoc
from pathlib import Path
from platform import python_version
from typing import ClassVar

from anew.sources.files import fingerprint
from anew.sources.source import Record, Source

_LEFT_OUT = {
    *("test", "tests", "idle_test", "idlelib", "lib2to3", "turtledemo", "site-packages", "dist-packages"),
    *("ensurepip", "encodings", "pydoc_data", "msilib", "__pycache__"),  # tables, and what is packed
}
_DOCSTRING, _FUNCTION = 250, 500  # characters of those that are pairs, at most


class PythonStdlib(Source):
    """Yields the path of each file of Python that is not empty, without tests."""

    codec: ClassVar[str] = "code"
    reads: ClassVar[str] = "code: the standard library of your Python"
    builtin: ClassVar[str] = "python-stdlib"

    @classmethod
    def accepts(cls, location: str) -> bool:
        return location == cls.builtin

    def __init__(self, location: str = "") -> None:
        self.name = self.location = self.builtin
        self._root = Path(sysconfig.get_path("stdlib"))
        self._paths = sorted(_files(self._root))

    def __iter__(self) -> Iterator[Record]:
        for path in self._paths:
            yield Record(path, {}, path.relative_to(self._root).as_posix())

    def __len__(self) -> int:
        return len(self._paths)

    def fingerprint(self) -> str:
        return fingerprint(f"{self.builtin} {python_version()}", self._paths, self._root)


class PythonDocstrings(PythonStdlib):
    """Yields short functions and methods without their docstring, which is given, in the order of the files."""

    reads: ClassVar[str] = "pairs: docstrings and the functions they are of, from the standard library of your Python"
    builtin: ClassVar[str] = "python-docstrings"

    def __iter__(self) -> Iterator[Record]:
        for name, docstring, function in self._functions:
            yield Record(function, {"docstring": docstring}, name)

    def __len__(self) -> int:
        return len(self._functions)

    @cached_property
    def _functions(self) -> list[tuple[str, str, str]]:
        """Each with its name and its docstring."""
        return [found for path in self._paths for found in _documented(path, path.relative_to(self._root).as_posix())]


def _files(root: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in _LEFT_OUT and not name.startswith("config-")]
        paths = (Path(folder, name) for name in names if name.endswith(".py"))
        yield from (path for path in paths if path.stat().st_size)


def _documented(path: Path, name: str) -> Iterator[tuple[str, str, str]]:
    """Of each function that has more than a docstring: where it is, the docstring, and the rest of it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    with warnings.catch_warnings(action="ignore"):
        tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.body) > 1:
            docstring, function = ast.get_docstring(node), _without_docstring(node, lines)
            if docstring and len(docstring) <= _DOCSTRING and len(function) <= _FUNCTION and _parses(function):
                yield f"{name}: {node.name}", cleandoc(docstring), function


def _without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> str:
    """As it is written, from its decorators on, not indented."""
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    head, body = lines[start - 1 : node.body[0].lineno - 1], lines[node.body[0].end_lineno : node.end_lineno]
    return textwrap.dedent("".join([*head, *body]).expandtabs())


def _parses(function: str) -> bool:
    """Whether taking out the docstring left a function."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return isinstance(ast.parse(function).body[0], ast.FunctionDef | ast.AsyncFunctionDef)
    except (SyntaxError, IndexError):
        return False
