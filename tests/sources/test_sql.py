"""Tables of databases, of which SQLite stands for all."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from anew.errors import AnewError
from anew.sources import database, open_source, sql
from anew.sources.database import find_place


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database with orders, which have a key and gaps, and with odd values."""
    path = tmp_path / "shop 猫.db"
    run(
        path,
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, n INTEGER, day DATE, paid BOOLEAN, who TEXT)",
        "INSERT INTO orders VALUES (3, 1.5, 1, '2024-03-20', 1, 'Ada'), (1, NULL, NULL, NULL, 0, '猫'), "
        "(2, 2, 7, '2024-03-21', NULL, NULL)",
        'CREATE TABLE "odd ones" (a, b, c)',
        "INSERT INTO \"odd ones\" VALUES (1, 'x', NULL), ('two', 'y', NULL), (1, 2.5, NULL)",
        "CREATE TABLE empty (a)",
        "CREATE TABLE dates (day DATE)",
        "INSERT INTO dates VALUES ('soon')",
    )
    return path


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def read(location: str) -> pd.DataFrame:
    return pd.concat([record.content for record in open_source(location)], ignore_index=True)


def test_a_table_is_typed_and_in_the_order_of_its_key(shop: Path):
    location = f"sqlite:///{shop}?table=orders"
    source = open_source(location)
    assert (source.codec, source.name, len(source)) == ("table", "orders", 3)
    assert source.location.endswith("?table=orders")
    expected = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "price": [None, 2, 1.5],
            "n": pd.array([None, 7, 1], "Int64"),
            "day": pd.to_datetime([None, "2024-03-21", "2024-03-20"]),
            "paid": pd.array([False, None, True], "boolean"),
            "who": ["猫", None, "Ada"],
        }
    )
    pd.testing.assert_frame_equal(read(location), expected, check_dtype=False)
    kinds = read(location).dtypes.map(str).to_dict()
    assert kinds.pop("day").startswith("datetime64")
    assert kinds == {"id": "int64", "price": "float64", "n": "Int64", "paid": "boolean", "who": "str"}


def test_blocks_have_the_same_types(shop: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "ROWS", 1)
    for table in ("orders", "odd ones"):
        records = list(open_source(f"sqlite:///{shop}?table={table}"))
        assert [record.examples for record in records] == [1, 1, 1]
        assert len({str(record.content.dtypes.to_dict()) for record in records}) == 1
        assert len({record.name for record in records}) == 3


def test_values_of_several_types_and_no_key(shop: Path):
    frame = read(f"sqlite:///{shop}?table=odd ones")
    assert sorted(map(tuple, frame[["a", "b"]].to_numpy())) == [("1", "2.5"), ("1", "x"), ("two", "y")]
    assert frame["c"].isna().all()


def test_query(shop: Path):
    text = "SELECT who, price * 2 AS double FROM orders WHERE id != 1 AND who IS NOT '%?:a&b' ORDER BY id DESC; "
    source = open_source(f"sqlite:///{shop}?query={text}")
    assert (source.name, len(source)) == ("query", 2)
    frame = read(source.location)
    assert frame["double"].tolist() == [3.0, 4.0]
    assert frame["who"].fillna("nobody").tolist() == ["Ada", "nobody"]


def test_a_relative_path_is_found_from_elsewhere(shop: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(shop.parent)
    source = open_source(f"sqlite:///{shop.name}?table=orders")
    monkeypatch.chdir("/")
    assert open_source(source.location).fingerprint() == source.fingerprint()


def test_the_fingerprint_follows_rows_and_values(shop: Path):
    location = f"sqlite:///{shop}?table=orders"
    found = [open_source(location).fingerprint() for _ in range(2)]
    run(shop, "UPDATE orders SET price = 9 WHERE id = 3")
    found.append(open_source(location).fingerprint())
    run(shop, "DELETE FROM orders WHERE id = 3")
    found.append(open_source(location).fingerprint())
    assert found[0] == found[1]
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("", "names no table; add"),
        ("?table=order", "unknown table 'order'; did you mean 'orders'"),
        ("?table=empty", "has no rows"),
        ("?query=SELECT * FROM orders", "add ORDER BY"),
        ("?query=SELEC * FROM orders ORDER BY id", "cannot be used: near"),
        ("?query=SELECT * FROM people ORDER BY id", "no such table: people"),
    ],
)
def test_what_is_not_there(shop: Path, rest: str, words: str):
    with pytest.raises(AnewError, match=words) as error:
        open_source(f"sqlite:///{shop}{rest}")
    assert "\n" not in str(error.value)


def test_no_database(tmp_path: Path):
    with pytest.raises(AnewError, match=r"there is no database '.*none.db'"):
        open_source(f"sqlite:///{tmp_path}/none.db?table=a")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "no.db").write_text("no database" * 999)
    with pytest.raises(AnewError, match="file is not a database"):
        open_source(f"sqlite:///{tmp_path}/no.db?table=a")
    for location in ("sqlite://?table=a", "sqlite:///:memory:?table=a"):
        with pytest.raises(AnewError, match="in memory"):
            open_source(location)


def test_a_date_that_is_none(shop: Path):
    with pytest.raises(AnewError, match=r"holds a value that is none.*query"):
        list(open_source(f"sqlite:///{shop}?table=dates"))


def test_a_table_that_is_gone(shop: Path):
    source = open_source(f"sqlite:///{shop}?table=orders")
    run(shop, "DROP TABLE orders")
    with pytest.raises(AnewError, match="cannot be used"):
        list(source)


# --- passwords


@pytest.fixture
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_passwords", {})
    monkeypatch.delenv("ANEW_SQL_PASSWORD", raising=False)


@pytest.mark.usefixtures("_forgotten")
def test_a_location_has_no_password():
    place = find_place("postgresql://me:se%40cret@host:1234/shop?sslmode=require&table=orders")
    assert str(place) == "postgresql://me@host:1234/shop?sslmode=require&table=orders"
    assert find_place(str(place)) == place
    assert database._passwords == {place.url: "se@cret"}


@pytest.mark.usefixtures("_forgotten")
@pytest.mark.parametrize(
    "location",
    [
        "postgresql+nodriver://me:secret@host/shop?table=a",
        "nodatabase://me:secret@host/shop?table=a",
        "postgresql://me:secret@host:port/shop?table=a",
        "postgresql://me:secret@host/shop",
        "postgresql://me:secret@host/shop?table=a",
    ],
)
def test_no_message_tells_a_password(location: str):
    with pytest.raises(AnewError) as error:
        open_source(location)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_without_sqlalchemy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(AnewError, match=r"pip install 'anew\[sql\]'"):
        open_source(f"sqlite:///{tmp_path}/a.db?table=a")
