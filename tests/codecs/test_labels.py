"""The codec of what is given: categories, numbers, what is missing, and what a command line says."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from anew.codecs import load_codec, make_codec, save_codec
from anew.codecs.codec import BadRecord
from anew.codecs.labels import LabelCodec
from anew.errors import AnewError
from anew.spaces import Batch, Field, Fields

ROWS: list[dict[str, Any]] = [
    {"digit": 10, "kind": "b", "score": 1.0, "good": True},
    {"digit": 2, "kind": "a", "score": 3.0, "good": False},
    {"digit": np.int64(2), "kind": "猫", "score": None, "good": None},
    {"kind": "a", "score": math.nan, "good": np.bool_(True)},
]


def fitted(rows: list[dict[str, Any]], *columns: str) -> LabelCodec:
    codec = make_codec("labels", {"columns": ", ".join(columns)})
    assert isinstance(codec, LabelCodec)
    codec.fit(iter(rows))
    return codec


CODEC = fitted(ROWS, "digit", "kind", "score", "good")


def test_fit_and_encode():
    assert CODEC.space == Fields((Field("digit", 2), Field("kind", 3), Field("score"), Field("good", 2)))
    nan = math.nan
    expected = torch.tensor([[1, 1, -1, 1], [0, 0, 1, 0], [0, 2, nan, nan], [nan, 0, nan, 1]])
    assert torch.equal(CODEC.encode(ROWS).nan_to_num(9), expected.nan_to_num(9))
    assert CODEC.space.contains(CODEC.encode(ROWS))


def test_decode_gives_the_values_back():
    row = {"digit": 10, "kind": "b", "score": 1.0, "good": True}
    assert CODEC.decode(CODEC.encode(ROWS))[0] == row
    assert CODEC.decode(CODEC.encode(ROWS))[3] == {"digit": None, "kind": "a", "score": None, "good": True}


def test_texts_of_a_command_line():
    typed = {"digit": "10", "kind": "b", "score": "1", "good": "True"}
    assert torch.equal(CODEC.encode([typed]), CODEC.encode(ROWS[:1]))
    assert CODEC.encode([{"digit": 10.0}])[0, 0] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"digit": 7}, "unknown digit '7'"),
        ({"kind": "bb"}, "did you mean 'b'"),
        ({"score": "much"}, "'much' is not a number"),
        ({"score": [1]}, "is not a number"),
    ],
)
def test_values_that_were_never_seen(row: dict[str, Any], message: str):
    with pytest.raises(AnewError, match=message):
        CODEC.encode([row])
    assert CODEC.known(row | {"good": True}) == {"good": True} | {
        name: None for name in ("digit", "kind", "score") if name not in row
    }


def test_many_whole_numbers_are_a_number():
    codec = fitted([{"n": n} for n in range(1001)], "n")
    assert codec.space == Fields((Field("n"),))
    x = codec.encode([{"n": n} for n in range(1001)])
    assert abs(float(x.mean())) < 1e-5
    assert abs(float(x.std(correction=0)) - 1) < 1e-5
    assert codec.decode(x)[-1] == {"n": 1000}


def test_columns_that_cannot_be_given():
    with pytest.raises(AnewError, match=r"'colour'.*digit, kind, score, good"):
        fitted(ROWS, "colour")
    with pytest.raises(AnewError, match="1001 distinct"):
        fitted([{"id": f"row {n}"} for n in range(1001)], "id")


def test_one_value_is_enough():
    assert fitted([{"a": "x"}], "a").space == Fields((Field("a", 1),))
    assert fitted([{"a": 0.5}], "a").encode([{"a": 0.5}]).tolist() == [[0]]


def test_json_brings_the_codec_back():
    again = load_codec(save_codec(CODEC))
    assert again.space == CODEC.space
    assert torch.equal(again.encode(ROWS).nan_to_num(9), CODEC.encode(ROWS).nan_to_num(9))
    assert (
        again.describe()
        == CODEC.describe()
        == ("digit: 2 categories, kind: 3 categories, score: a number, good: 2 categories")
    )


def test_features_are_one_hot_or_standardised():
    CODEC.fit_features(Batch(CODEC.encode(ROWS)))
    assert CODEC.features(ROWS)["plain"][3].tolist() == [0, 0, 1, 0, 0, 0, 0, 1]


def test_files_and_pictures():
    assert CODEC.to_bytes({"kind": "猫"}).decode() == '{"kind": "猫"}\n'
    array = CODEC.to_array(CODEC.decode(CODEC.encode(ROWS)))
    assert array["kind"].tolist() == ["b", "a", "猫", "a"]
    np.savez(io.BytesIO(), array, allow_pickle=False)
    for rows in ([], ROWS):
        assert Image.open(io.BytesIO(CODEC.show(rows, 2))).format == "PNG"


def test_load_and_digest():
    assert CODEC.load(ROWS[0]) == ROWS[0]
    assert CODEC.digest({"a": 1, "b": 2}) == CODEC.digest({"b": 2, "a": 1}) != CODEC.digest({"a": 2, "b": 1})
    with pytest.raises(BadRecord):
        CODEC.load("text")


def test_rows_are_encoded_by_what_is_known_of_each():
    rows = [{"kind": "a", "n": 1.5}, {"kind": "b", "n": 2.5}]
    codec = fitted(rows, "kind", "n")
    others = [*rows, {"kind": "c", "n": 1.5}, {"n": "x"}, {"kind": "a", "n": float("nan")}, rows[0]]
    found = codec.encode_known(others)
    assert torch.equal(found.nan_to_num(9), codec.encode([codec.known(row) for row in others]).nan_to_num(9))
    assert found.isnan().tolist() == [[False, False]] * 2 + [[True, False], [True, True], [False, True], [False, False]]
