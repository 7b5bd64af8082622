"""Sources: files on disk, or something built in, as records. Importing this package imports none of them."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, cast

from anew.errors import AnewError, unknown
from anew.sources.source import Record, Source

if TYPE_CHECKING:
    import pandas as pd
    from networkx import Graph

__all__ = ["SOURCES", "Record", "Source", "builtins", "open_source", "readable"]

# Tried in this order, then those that others added through the entry-point group `anew.sources`.
SOURCES = {
    "digits": "anew.sources.digits:Digits",
    "wine": "anew.sources.tables:Wine",
    "breast-cancer": "anew.sources.tables:BreastCancer",
    "diabetes": "anew.sources.tables:Diabetes",
    "mazes": "anew.sources.mazes:Mazes",
    "levels": "anew.sources.levels:Levels",
    "atlas": "anew.sources.graph_builtins:Atlas",
    "community": "anew.sources.graph_builtins:Community",
    "grid-graphs": "anew.sources.graph_builtins:GridGraphs",
    "planar": "anew.sources.graph_builtins:Planar",
    "molecules": "anew.sources.graph_smiles:Molecules",
    "chorales": "anew.sources.chorales:Chorales",
    "chorale steps": "anew.sources.chorales:ChoraleSteps",
    "dates": "anew.sources.dates:Dates",
    "python-stdlib": "anew.sources.stdlib:PythonStdlib",
    "python-docstrings": "anew.sources.stdlib:PythonDocstrings",
    "text column": "anew.sources.text_column:TextColumn",
    "pairs": "anew.sources.pairs:Pairs",
    "scores": "anew.sources.scores:Scores",
    "entities": "anew.sources.entities:Linked",
    "idx": "anew.sources.idx:Idx",
    "numpy": "anew.sources.arrays:Numpy",
    "archive": "anew.sources.archive:Archive",
    "folder": "anew.sources.folder:Folder",
    "tu": "anew.sources.graph_tu:TuFolder",
    "graphs": "anew.sources.graph_files:GraphFiles",
    "smiles": "anew.sources.graph_smiles:Smiles",
    "parquet": "anew.sources.parquet:Parquet",
    "parquet table": "anew.sources.parquet_table:ParquetTable",
    "csv": "anew.sources.csv_files:Csv",
    "sql": "anew.sources.sql:Sql",
    "lines of text": "anew.sources.text_lines:TextLines",
    "text": "anew.sources.texts:Texts",
}


def open_source(location: str | os.PathLike[str] | pd.DataFrame | Sequence[Graph]) -> Source:
    """The source that reads what is at `location`: a path, the name of a built-in, a pandas frame, or networkx graphs.

    A built-in wins over a folder of the same name; `./digits` means the folder. Raises AnewError.
    """
    text = os.fspath(location) if isinstance(location, (str, os.PathLike)) else _keep(location)
    text = str(Path(text).expanduser()) if text.startswith("~") else text
    try:
        for _, kind in _kinds():
            if kind.accepts(text):
                return kind(text)
        raise _cannot_open(text)
    except OSError as error:
        raise AnewError(f"'{text}' cannot be read: {error.strerror or error}; check the path") from error


def builtins() -> dict[str, str]:
    """{name: one line about it} of the data that comes with anew and its plug-ins."""
    return {kind.builtin: kind.reads for _, kind in _kinds() if kind.builtin}


def readable() -> dict[str, str]:
    """{name: one line about it} of the files and folders that can be read."""
    return {name: kind.reads for name, kind in _kinds() if not kind.builtin}


def _keep(data: pd.DataFrame | Sequence[Graph]) -> str:
    """Where a frame, or a list of graphs, now lies; raises AnewError for what is none."""
    if isinstance(data, list) and data and all(hasattr(graph, "adj") for graph in data):
        from anew.sources.graph_files import keep as keep_graphs

        return str(keep_graphs(data))
    if not (hasattr(data, "columns") and hasattr(data, "iloc")):
        known = "a path, a built-in, a pandas frame or a list of networkx graphs"
        raise AnewError(f"there are no data in a {type(data).__name__}; give {known}")
    from anew.sources.frames import keep

    return str(keep(cast("pd.DataFrame", data)))


def _kinds() -> Iterator[tuple[str, type[Source]]]:
    added = {point.name: point.value for point in entry_points(group="anew.sources")}
    for name, path in (SOURCES | {name: added[name] for name in added.keys() - SOURCES.keys()}).items():
        try:
            yield name, pkgutil.resolve_name(path)
        except (ImportError, AttributeError, ValueError) as error:
            message = f"the source '{name}' ({path}) cannot be loaded: {error}; mend or uninstall its package"
            raise AnewError(message) from error


def _cannot_open(text: str) -> AnewError:
    path = Path(text)
    reads = "; ".join(readable().values())
    if path.is_dir():
        suffixes = sorted({child.suffix or child.name for child in path.iterdir()})[:8]
        found = f"holds nothing that anew reads (found {', '.join(suffixes)})" if suffixes else "is empty"
        return AnewError(f"the folder '{text}' {found}; anew reads: {reads}")
    if path.exists():
        return AnewError(f"'{text}' is not a kind of file that anew reads; it reads: {reads}")
    names = builtins()
    if get_close_matches(text, names, n=1, cutoff=0.5):
        return unknown("file, folder or built-in data", text, names)
    return AnewError(f"there is no file or folder '{text}'; give a path, or a built-in: {', '.join(names)}")
