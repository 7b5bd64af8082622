"""Where tables lie in databases, and how to get there, through SQLAlchemy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anew.errors import AnewError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_PASSWORD = "ANEW_SQL_PASSWORD"
_FILES = ("http", "https", "ftp", "s3", "gs", "file")  # what is there is no database
_SCHEME = re.compile(r"([a-z][a-z0-9_]+)(\+[a-z0-9_]+)?://", re.IGNORECASE)
_LOCATION = re.compile(r"(?P<url>.*?)([?&](?P<what>table|query)=(?P<text>.+))?", re.DOTALL)

# Given in this process, by URL without it. Runs, messages and files hold URLs without a password.
_passwords: dict[str, str] = {}


class Place(NamedTuple):
    """Rows of a database: `url` has no password; `text` is the name of a table, or a query."""

    url: str
    what: str  # "table" or "query"
    text: str

    def __str__(self) -> str:
        return f"{self.url}{'&' if '?' in self.url else '?'}{self.what}={self.text}"

    @property
    def file(self) -> Path | None:
        """Of a database that is one, which only SQLite's are."""
        url = _parse(self.url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def is_database(location: str) -> bool:
    scheme = _SCHEME.match(location)
    return scheme is not None and scheme[1].lower() not in _FILES


def find_place(location: str) -> Place:
    """Of `sqlite:///shop.db?table=orders`, or `...?query=SELECT ...`, which is taken as it stands, to its end.

    Raises AnewError for what is no such location, and where SQLAlchemy is missing.
    """
    match = _LOCATION.fullmatch(location)
    url = _parse(match["url"] if match else location)
    plain = url._replace(password=None)  # `set` would leave it
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise AnewError("a database in memory has no tables yet; give its file: sqlite:///shop.db?table=orders")
        plain = plain.set(database=str(Path(url.database).absolute()))
    text = plain.render_as_string()
    if url.password:
        _passwords[text] = str(url.password)
    if match is None or match["what"] is None:
        raise AnewError(f"'{text}' names no table; add ?table=NAME, or ?query=SELECT ... ORDER BY ...")
    return Place(text, match["what"], match["text"])


@contextmanager
def connect(place: Place) -> Iterator[Connection]:
    """For one transaction. Raises AnewError, which tells no password, for whatever the database does not do."""
    import pandas as pd
    import sqlalchemy as sa

    url = _parse(place.url)
    if password := _passwords.get(place.url) or (os.environ.get(_PASSWORD) if url.username else None):
        url = url.set(password=password)
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            yield connection
    except ModuleNotFoundError as error:
        raise AnewError(f"'{place.url}' needs a driver: pip install {error.name}") from error
    except (sa.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
        hint = f"check it, and the password in ${_PASSWORD}" if url.username else "check it"
        raise AnewError(f"'{place}' cannot be used: {_reason(error)}; {hint}") from error


def _parse(url: str) -> URL:
    """Raises AnewError, which does not tell the URL: it may hold a password."""
    try:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ModuleNotFoundError as error:
        raise AnewError("tables of a database need SQLAlchemy: pip install 'anew[sql]'") from error
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        known = "expected such as sqlite:///shop.db?table=orders or postgresql://user@host/shop?table=orders"
        raise AnewError(f"the location of the database cannot be understood; {known}") from error
    except ModuleNotFoundError:  # the driver, which `connect` names
        pass
    return parsed


def _reason(error: Exception) -> str:
    """In one line, as the database says it."""
    cause = error.__cause__ or error
    return str(getattr(cause, "orig", None) or cause).splitlines()[0]
