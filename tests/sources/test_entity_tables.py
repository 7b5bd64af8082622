"""Rows that belong together, from one table or two, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import families
from anew.errors import AnewError
from anew.sources import open_source
from anew.sources.entities import Entities, Linked, join


def read(location: str) -> Entities:
    return join([record.content for record in open_source(location)])


def test_two_tables_are_joined_in_order(tmp_path: Path):
    found = read(families.write(tmp_path))
    assert len(found) == 60
    assert found.two
    parents, rows = families.tables()
    assert found.counts.sum() == len(rows)
    for number, one in enumerate(found):
        name = parents["id"][number]
        wanted = rows[rows["family"] == name].sort_values("born")
        assert one.rows["born"].tolist() == wanted["born"].tolist()
        assert set(one.rows["family"]) <= {name}


def test_one_table_has_an_entity_for_each_name(tmp_path: Path):
    families.tables()[1].to_csv(tmp_path / "members 家.csv", index=False)
    found = read(f"{tmp_path / 'members 家.csv'}?entity=family&order=number")
    assert not found.two
    assert len(found) == families.tables()[1]["family"].nunique()
    assert all(one.rows["number"].astype(int).is_monotonic_increasing for one in found)


def test_tables_of_a_database(tmp_path: Path):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    for name, table in zip(("families", "members"), families.tables()):
        table.to_sql(name, engine, index=False)
    location = f"sqlite:///{tmp_path / 'shop.db'}?table=families&children=members&key=id:family&order=born"
    assert np.array_equal(read(location).counts, read(families.write(tmp_path)).counts)


def test_what_belongs_to_nobody_is_left_out_and_said(tmp_path: Path):
    location = families.write(tmp_path)
    with (tmp_path / "members.csv").open("a") as file:
        file.write("F999,2001-01-01,0,f\n,2001-01-01,0,m\n")
    source = open_source(location)
    assert "2 rows of no entity are left out" in source.describe()


def test_the_fingerprint_is_of_both_tables_and_of_the_order(tmp_path: Path):
    location = families.write(tmp_path)
    before = open_source(location).fingerprint()
    assert open_source(location.replace("born", "number")).fingerprint() != before
    with (tmp_path / "members.csv").open("a") as file:
        file.write("F001,2002-01-01,9,f\n")
    assert open_source(location).fingerprint() != before


def test_taking_and_joining_are_inverse(tmp_path: Path):
    found = read(families.write(tmp_path))
    wanted = np.arange(len(found)) % 3 == 0
    first, second = found.take(wanted), found.take(~wanted)
    again = join([first, second])
    assert len(again) == len(found)
    assert sorted(again.counts) == sorted(found.counts)
    assert [len(one.rows) for one in first] == found.counts[wanted].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("key=id:family", "key=idd:family"), "did you mean 'id'"),
        (("key=id:family", "key=id:famly"), "did you mean 'family'"),
        (("&key=id:family", ""), "say key=NAME"),
        (("order=born", "order=bron"), "did you mean 'born'"),
        (("order=born", "sort=born"), "unknown part of a location"),
        (("key=id:family", "key=kind:family"), "comes twice"),
        (("members.csv", "others.csv"), "there is no file"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, change: tuple[str, str], message: str):
    location = families.write(tmp_path).replace(*change)
    with pytest.raises(AnewError, match=message):
        open_source(location).describe()


def test_other_kinds_of_data_have_no_rows(tmp_path: Path):
    (tmp_path / "a.txt").write_text("Once upon a time there was a table.\n")
    with pytest.raises(AnewError, match="not a table"):
        open_source(f"{tmp_path / 'a.txt'}?entity=name")


def test_plain_tables_are_none(tmp_path: Path):
    families.write(tmp_path)
    assert not Linked.accepts(str(tmp_path / "families.csv"))
    assert isinstance(next(iter(open_source(tmp_path / "families.csv"))).content, pd.DataFrame)
