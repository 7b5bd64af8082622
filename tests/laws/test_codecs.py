"""What must be true of every codec: a record survives, and so does what was learned."""

from __future__ import annotations

import json
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch

from anew.codecs import CODECS, load_codec, make_codec, save_codec
from anew.codecs.codec import BadRecord, Codec
from anew.codecs.dataset import prepare
from anew.codecs.fitted import Fitted
from anew.errors import AnewError
from anew.sources import builtins, open_source
from anew.sources.entities import Entities
from anew.spaces import Batch, space_from_json, space_to_json
from toys import check_picking


def pictures() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (6, 7, 5, 3), dtype=np.uint8))


def rows() -> list[dict[str, Any]]:
    values = zip(["猫", "a/b", "", "猫", None, "狗"], [1.5, -2.0, 0.25, None, 3.0, 0.0], [True, False] * 3)
    return [{"kind": kind, "weight": weight, "good": good} for kind, weight, good in values]


def blocks() -> list[pd.DataFrame]:
    """One row each: records are counted as examples are."""
    kinds, weights = ["猫", "a/b", "猫", "", "狗", "a/b"], ["1.5", "-2", "?", "0.25", "3", "0.75"]
    table = pd.DataFrame({"kind": kinds, "weight": weights, "good": ["yes", "no"] * 3})
    return [table.iloc[[i]] for i in range(len(table))]


def graphs() -> list[nx.Graph]:
    """Of kinds of nodes and edges, and some that are not said."""
    found = [nx.path_graph(4), nx.cycle_graph(5), nx.star_graph(3), nx.complete_graph(4), nx.wheel_graph(6)]
    for first, graph in enumerate(found):
        nx.set_node_attributes(graph, {n: {"kind": "猫狗"[n % 2]} for n in graph if n >= first})
        nx.set_edge_attributes(graph, {edge: {"label": (sum(edge) + first) % 3} for edge in graph.edges})
    return found


def levels() -> list[str]:
    """Of several sizes, with a tile of three bytes."""
    return ["#####\n#S.G#\n#####", "####\n#SG#\n#..#\n####", "墙墙\nSG", "#\nS\nG", "S.G", "######\nS....G\n.墙..G."]


def tunes() -> list[list[list[int]]]:
    """Time steps of two voices."""
    return [[[60 + key + step // 3 % 5, -1 if step < key else 48] for step in range(12)] for key in range(6)]


def entities() -> list[Entities]:
    """Of none to five rows."""
    rows = pd.DataFrame({"who": list("abbccccddddd"), "did": ["来", "go"] * 6, "times": list(range(6)) * 2})
    parents = pd.DataFrame({"who": list("abcdef"), "kind": ["x", "y", "x", "y", "x", "y"]})
    owner = rows["who"].map({name: i for i, name in enumerate("abcdef")}).to_numpy()
    return list(Entities(parents, rows, owner, "who", "who"))[:5]


TEXTS = ("code", "text")  # codecs of which any text is a record
SAYINGS = ["Once upon a time\nthere was", "猫坐在垫子上。", "naïve café 🐈‍⬛\n", "  x\t=\t1;\n\n", "a", "Ω\u2028b"]

# name -> (records, options)
RECORDS: dict[str, tuple[list[Any], dict[str, str]]] = {
    "entities": (entities(), {}),
    "image": (pictures(), {}),
    "labels": (rows(), {"columns": "kind,weight,good"}),
    "level": (levels(), {}),
    "music": (tunes(), {}),
    "table": (blocks(), {}),
    "graph": (graphs(), {}),
    "code": (SAYINGS, {"fill": "0.5"}),
    "prompts": ([{"said": text} for text in SAYINGS], {"columns": "said"}),
    "text": (SAYINGS, {}),
    "molecule": (["CCO", "c1ccccc1O", "CC(=O)[O-]", "C[N+](C)(C)C", "C#N", "O=C=O"], {}),
}


def fitted(name: str) -> tuple[Codec, list[Any]]:
    contents, options = RECORDS[name]
    codec = make_codec(name, options)
    loaded = [codec.load(content) for content in contents]
    codec.fit(iter(loaded))
    return codec, loaded


def each(samples: Any) -> list[Any]:
    """The samples one by one: the rows of a table as dictionaries."""
    return samples.to_dict("records") if isinstance(samples, pd.DataFrame) else list(samples)


def passages(loaded: list[Any]) -> list[Any]:
    """The examples of records that hold several of them."""
    several = (record if isinstance(record, tuple | list) else [record] for record in loaded)
    return [getattr(one, "text", one) for record in several for one in record]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(a[k] == pytest.approx(b[k], abs=1e-5) for k in a)
    if isinstance(a, Entities):  # whatever they are called
        tables = [(x.parents.drop(columns=x.key), x.rows.drop(columns=x.link)) for x in (a, b)]
        return all(one.astype(str).equals(other.astype(str)) for one, other in zip(*tables))
    if isinstance(a, nx.Graph):  # whatever the order of the nodes
        return nx.is_isomorphic(a, b, dict.__eq__, dict.__eq__)
    return np.array_equal(np.asarray(a), np.asarray(b))


def test_every_codec_is_here():
    assert RECORDS.keys() == CODECS.keys()


every_codec = pytest.mark.parametrize("name", CODECS)


@every_codec
def test_decoded_and_encoded_is_the_record(name: str):
    codec, loaded = fitted(name)
    x = codec.encode(loaded)
    assert codec.space.contains(x)
    back = codec.decode(x)
    originals = each(pd.concat(loaded)) if codec.frames else passages(loaded)
    assert all(same(a, b) for a, b in zip(each(back), originals, strict=True))
    assert torch.equal(codec.encode(back).nan_to_num(9), x.nan_to_num(9))


@every_codec
def test_storing_loses_nothing(name: str):
    codec, loaded = fitted(name)
    x = codec.encode(loaded)
    assert torch.equal(codec.space.unpack(codec.space.pack(x)).nan_to_num(9), x.nan_to_num(9))


@every_codec
def test_json_brings_the_codec_back(name: str):
    codec, loaded = fitted(name)
    again = load_codec(json.loads(json.dumps(save_codec(codec), allow_nan=False)))
    assert again.space == codec.space
    assert torch.equal(again.encode(loaded).nan_to_num(9), codec.encode(loaded).nan_to_num(9))
    assert again.describe() == codec.describe()


@every_codec
def test_a_missing_part_of_its_json_is_found(name: str):
    state = save_codec(fitted(name)[0])
    for key in state:
        with pytest.raises((KeyError, TypeError, ValueError)):
            load_codec({other: value for other, value in state.items() if other != key})


@every_codec
def test_fitted_it_writes_other_records_the_same_way(name: str):
    codec, loaded = fitted(name)
    kept = Fitted(codec)
    for fact in ("blocks", "frames", "texts", "tells", "held_out", "shown", "endings", "beside", "extension"):
        assert getattr(kept, fact) == getattr(codec, fact)
    kept.fit(iter(loaded[:2]))
    again = kept.restored(json.loads(json.dumps(kept.to_json(), allow_nan=False)))
    for one in (kept, again):
        assert one.space == codec.space
        assert torch.equal(one.encode(loaded).nan_to_num(9), codec.encode(loaded).nan_to_num(9))
    assert json.dumps(kept.key()) == json.dumps(Fitted(fitted(name)[0]).key())
    assert kept.key() != codec.key()


@every_codec
def test_digest_tells_records_apart(name: str):
    codec, loaded = fitted(name)
    digests = [codec.digest(one) for one in loaded]
    assert len(set(digests)) == len(loaded)
    assert digests == [codec.digest(one) for one in loaded]


@every_codec
def test_what_is_not_a_record_is_a_bad_one(name: str):
    no_text = [] if name in TEXTS else ["no such thing"]
    for content in (None, 3, b"", b"\0\xff", [], object(), *no_text):
        with pytest.raises(BadRecord):
            make_codec(name, RECORDS[name][1]).load(content)


@every_codec
def test_an_unknown_option_is_refused(name: str):
    with pytest.raises(AnewError, match=r"unknown setting 'codec.nonsense'"):
        make_codec(name, {"nonsense": "1"})


@every_codec
def test_files_arrays_and_pictures(name: str):
    codec, loaded = fitted(name)
    samples = codec.decode(codec.encode(loaded))
    assert all(isinstance(codec.to_bytes(sample), bytes) for sample in each(samples))
    assert len(codec.to_array(samples)) == len(loaded)
    assert codec.show(samples).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", RECORDS)
def test_rules_that_are_picked_go_on(name: str):
    codec = fitted(name)[0]
    if codec.rules(1) is not None:
        check_picking(codec.rules, min(20, codec.space.length))


@pytest.mark.slow
@every_codec
def test_features_are_rows_of_numbers(name: str):
    codec, loaded = fitted(name)
    x = codec.encode(loaded)
    codec.fit_features(Batch(x, torch.zeros(len(x), 1)))
    views = codec.features(codec.decode(x))
    assert views
    for view in views.values():
        assert view.dtype == np.float32
        assert view.shape[0] == len(x)
        assert np.isfinite(view).all()


@every_codec
def test_space_is_json(name: str):
    space = fitted(name)[0].space
    assert space_from_json(json.loads(json.dumps(space_to_json(space)))) == space


CUT = ("music", "text", "code")  # codecs that cut what is long
LONG = ("chorales", "python-stdlib", "python-docstrings")  # that take some seconds to be read


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in builtins()]
)
def test_built_in_data_are_read_whole(name: str):
    source = open_source(name)
    data = prepare(source, make_codec(source.codec))
    splits = (data.train, data.validation, data.test)
    count = sum(map(len, splits))
    assert data.skipped_count == 0
    assert count == len(source) or (data.codec.name in CUT and count > len(source))
    assert min(map(len, splits)) > 0
    for split in splits:
        assert data.space.contains(split.batch(torch.arange(min(20, len(split)))).x)
