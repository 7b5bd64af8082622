"""Entities as sequences of codes: nothing of a row is lost, and whatever is drawn by the rules is whole rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import anew
import families
from anew.codecs.entity.codec import EntityCodec, EntityOptions
from anew.errors import AnewError
from anew.samples import Samples
from anew.sources import open_source
from anew.sources.entities import Entities, join


def load(location: str) -> Entities:
    return join([record.content for record in open_source(location)])


@pytest.fixture
def found(tmp_path: Path) -> Entities:
    return load(families.write(tmp_path))


def fitted(found: Entities, **options: int) -> EntityCodec:
    codec = EntityCodec(EntityOptions(**options))
    codec.fit([found])
    return codec


def test_an_entity_comes_back(found: Entities):
    codec = fitted(found)
    x = codec.encode([found])
    assert codec.space.contains(x)
    back = join(codec.decode(x))
    assert np.array_equal(back.counts, found.counts)
    assert back.parents["kind"].tolist() == found.parents["kind"].tolist()
    assert back.rows["sex"].tolist() == found.rows["sex"].tolist()
    assert back.rows["number"].astype(int).tolist() == found.rows["number"].astype(int).tolist()
    apart = pd.to_datetime(back.rows["born"]) - pd.to_datetime(found.rows["born"])
    assert apart.abs().max() <= pd.Timedelta(days=5), "the first day of 300 is known by a part of a bin"


def test_rows_belong_to_entities_that_are_there_under_new_names(found: Entities):
    codec = fitted(found)
    back = join(codec.decode(codec.encode([found])))
    assert set(back.rows["family"]) <= set(back.parents["id"])
    assert not set(back.parents["id"]) & set(found.parents["id"])
    assert back.parents["id"].is_unique


def test_rows_stay_in_order(found: Entities):
    codec = fitted(found)
    for one in codec.decode(codec.encode([found])):
        assert pd.to_datetime(one.rows["born"]).is_monotonic_increasing


@pytest.mark.parametrize("length", [None, 9])
def test_all_that_is_drawn_by_the_rules_is_whole_rows(found: Entities, length: int | None):
    codec = fitted(found, **({"length": length} if length else {}))
    generator, n = torch.Generator().manual_seed(0), 200
    x, rules, done = torch.zeros(n, codec.space.length, dtype=torch.int64), codec.rules(n), torch.zeros(n).bool()
    assert rules is not None
    for place in range(codec.space.length):
        drawn = torch.multinomial(rules.allowed().float(), 1, generator=generator)[:, 0].masked_fill(done, 0)
        x[:, place] = drawn
        done |= drawn == 0
        rules.tell(drawn)
    back = codec.decode(x)
    assert len(back) == n
    whole, codes = join(back), codec.child.space.fields
    assert whole.rows["sex"].isin(["f", "m"]).all()
    assert np.array_equal(join(codec.decode(codec.encode(back))).counts, whole.counts)
    sexes = next(i for i, field in enumerate(codes) if field.name == "sex")
    first = codec._slots[1].starts[sexes]
    written = ((x >= first) & (x < first + codes[sexes].values)).sum(1)
    assert torch.isin(written - torch.from_numpy(whole.counts), torch.tensor([0, 1])).all(), (
        "a row that is cut is left out"
    )


def test_entities_without_rows(found: Entities):
    codec = fitted(found)
    alone = found.take(found.counts == 0)
    assert len(alone)
    back = join(codec.decode(codec.encode([alone])))
    assert len(back) == len(alone)
    assert not len(back.rows)


def test_a_table_of_visits_has_nothing_but_rows(tmp_path: Path):
    families.tables()[1].to_csv(tmp_path / "members.csv", index=False)
    found = load(f"{tmp_path / 'members.csv'}?entity=family")
    codec = fitted(found)
    back = join(codec.decode(codec.encode([found])))
    assert np.array_equal(back.counts, found.counts)
    assert list(back.rows) == ["family", "born", "number", "sex"] or set(back.rows) == set(found.rows)
    assert codec.files([back]) is None


def test_two_tables_are_saved_as_two(found: Entities, tmp_path: Path):
    codec = fitted(found)
    samples = Samples(codec, codec.decode(codec.encode([found])))
    samples.save(tmp_path / "made")
    parents, children = (pd.read_csv(tmp_path / "made" / name) for name in ("parents.csv", "children.csv"))
    assert len(parents) == len(found)
    assert set(children["family"]) <= set(parents["id"])
    samples.save(tmp_path / "made.csv")
    joined = pd.read_csv(tmp_path / "made.csv")
    assert len(joined) == len(children)
    assert {"id", "kind", "row.born"} <= set(joined)


def test_traits_tell_how_many_rows_there_are(found: Entities):
    traits = fitted(found).traits(list(found))
    assert np.array_equal(traits["rows"], found.counts)
    assert traits["mean number"].shape == (len(found),)


def test_columns_of_the_parents_can_be_given(found: Entities):
    """They are left out of what is learned, told with each entity, and written beside samples."""
    codec = EntityCodec()
    codec.give(["kind"])
    codec.fit([found])
    assert "kind" not in {column.name for column in codec.parent.columns}
    told = codec.told(found, {}, ["kind"])
    assert [row["kind"] for row in told] == found.parents["kind"].tolist()
    again = EntityCodec.from_json(codec.to_json())
    samples = Samples(again, again.decode(again.encode([found])), told)
    assert samples[0].parents["kind"].tolist() == found.parents["kind"].tolist()[:1]
    assert join(list(samples)).parents["kind"].tolist() == found.parents["kind"].tolist()
    assert join(list(samples[:3])).parents["kind"].tolist() == found.parents["kind"].tolist()[:3]
    assert torch.equal(again.encode(list(samples)), codec.encode([found]))
    codec.give(["id"])
    with pytest.raises(AnewError, match="unknown column of the entities 'id'"):
        codec.fit([found])


def test_families_of_the_kind_that_is_asked_for(tmp_path: Path):
    """Farms have three to five members, towns two at most."""
    location = families.write(tmp_path, 300)
    run = anew.train(location, given="kind", examples=20_000, size=1, out=tmp_path / "run", show=False)
    for kind, least, most in (("farm", 2.5, 5), ("town", 0, 2)):
        drawn = run.sample(40, given={"kind": kind})
        assert least < join(list(drawn)).counts.mean() <= most
        drawn.save(tmp_path / kind)
        assert set(pd.read_csv(tmp_path / kind / "parents.csv")["kind"]) == {kind}


def test_what_is_asked_of_a_column(found: Entities):
    codec = EntityCodec(EntityOptions({"number": "category"}))
    codec.fit([found])
    assert {column.name: column.kind for column in codec.child.columns}["number"] == "category"
    with pytest.raises(AnewError, match="out of range"):
        EntityOptions(length=1)
