"""Text becomes codes and text again: short documents whole, long ones as passages."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.codecs import make_codec
from anew.codecs.text.codec import TextCodec
from anew.errors import AnewError
from anew.nn.rules import Rules

LINES = [f"Line {i} says what line {i % 7} said.\n" for i in range(33_000)]
LONG = "".join(LINES[:2_000])  # about 60,000 characters
texts = st.text(st.characters(exclude_characters="\0\r\ufeff"), min_size=1, max_size=60).filter(str.strip)


def fitted(*documents: str, **options: str) -> TextCodec:
    codec = make_codec("text", options)
    assert isinstance(codec, TextCodec)
    codec.fit(codec.load(document) for document in documents)
    return codec


PARTS = fitted(LONG, codes="parts", vocabulary="300")


@settings(deadline=None)
@given(texts)
@pytest.mark.parametrize("options", [{}, {"codes": "parts", "vocabulary": "300"}], ids=["bytes", "parts"])
def test_any_text_survives(options: dict[str, str], text: str):
    codec = PARTS if options else fitted(LONG)
    text = text.encode("utf-8", "replace").decode()
    x = codec.encode([text])
    assert codec.space.contains(x)
    assert codec.decode(x) == [text]


@settings(deadline=None)
@given(texts)
def test_any_text_alone_can_be_learned_from(text: str):
    codec = fitted(text)
    assert codec.decode(codec.encode([codec.load(text)])) == [codec.load(text)[0].text]


def test_short_documents_are_whole():
    codec = fitted("one", "twenty two", "猫")
    assert codec.space.length == len("twenty two")
    assert codec.space.vocabulary == 256
    assert codec.describe().startswith("14 characters of text as bytes, documents of up to 10 codes")


def test_long_documents_are_passages():
    codec = fitted(LONG)
    loaded = codec.load(LONG)
    x = codec.encode([loaded])
    assert len(x) == codec.count(loaded) == pytest.approx(len(LONG) / 2048, abs=2)
    assert 1800 < codec.space.length <= 2560
    assert "passages" in codec.describe()
    found = codec.decode(x)
    assert all(passage in LONG and passage.startswith("Line ") for passage in found)
    assert "".join(part.text for part in loaded) == LONG


def test_stretches_are_picked_and_told_apart():
    codec = fitted(LONG * 10)
    loaded = codec.load(LONG * 10)
    digests = codec.digests(loaded)
    assert len(digests) == codec.count(loaded)
    assert len(loaded) < len(digests), "passages that lie side by side are held out together"
    for part in (loaded[:1], loaded[1:]):
        chosen = {codec.digest([one]) for one in part}
        rows = np.array([digest in chosen for digest in digests])
        assert codec.pick(loaded, rows) == part
    assert codec.told(loaded, {"label": "a"}, ["label", "b"]) == [{"label": "a", "b": None}] * len(digests)


def test_a_shorter_length_makes_more_passages():
    loaded, codec = fitted(LONG, length="256").load(LONG), fitted(LONG, length="256")
    x = codec.encode([loaded])
    assert x.shape == (codec.count(loaded), 256)
    assert codec.count(loaded) == pytest.approx(len(LONG) / 256, rel=0.1)


def test_few_characters_are_bytes_and_many_are_parts():
    assert fitted(LONG).space.vocabulary == 256
    codec = fitted("".join(LINES))
    assert codec.space.vocabulary == 512
    assert fitted(LONG, vocabulary="400").space.vocabulary == 400
    assert codec.space.length < 2048, "parts are longer than a byte"


def test_learning_twice_finds_the_same_parts():
    assert fitted(LONG, codes="parts").to_json() == fitted(LONG, codes="parts").to_json()


@pytest.mark.parametrize("options", [{"length": "7"}, {"length": "70000"}, {"vocabulary": "256"}])
def test_options_out_of_range(options: dict[str, str]):
    with pytest.raises(AnewError, match="out of range"):
        make_codec("text", options)


def test_nothing_to_learn_from():
    with pytest.raises(AnewError, match="no text"):
        make_codec("text").fit(iter([]))


def test_one_giant_line_and_many_tiny_documents():
    giant = fitted("ab" * 1_000_000)
    loaded = giant.load("ab" * 1_000_000)
    assert giant.count(loaded) == pytest.approx(2_000_000 / 2048, abs=1)
    assert all("\n" not in passage for passage in giant.decode(giant.encode([loaded[:1]])))
    tiny = fitted(*map(str, range(20_000)))
    assert tiny.space.length == 5


def test_samples_begin_with_a_prompt():
    codec = fitted("Once upon a time", codes="bytes")
    begun = codec.begun("Once 猫")
    assert codec.decode(begun[None]) == ["Once 猫"]
    assert len(codec.begun("Once" * 100)) == codec.space.length


@pytest.mark.parametrize("codec", [fitted(LONG), PARTS], ids=["bytes", "parts"])
def test_whatever_is_drawn_by_the_rules_is_utf8(codec: TextCodec):
    rules = codec.rules(200)
    rows = draw(rules, 30, np.random.default_rng(0))
    for row in rows:
        piece = b"".join(codec.codes.bytes[code - 1] for code in row[row > 0])
        getincrementaldecoder("utf-8")().decode(piece, final=bool((row == 0).any()))
    assert (rows == 0).any()


def draw(rules: Rules, length: int, rng: np.random.Generator) -> np.ndarray:
    """(n, length): what is allowed, each as likely."""
    columns: list[np.ndarray] = []
    for _ in range(length):
        drawn = np.array([rng.choice(np.flatnonzero(row)) for row in rules.allowed().numpy()])
        column = np.where(columns[-1] == 0, 0, drawn) if columns else drawn
        rules.tell(torch.from_numpy(column))
        columns.append(column)
    return np.stack(columns, 1)


def test_files_of_many_samples():
    codec = fitted("one", "two")
    assert codec.together(["one\n\n", "猫"], [], ".txt").decode() == f"one\n\n{'-' * 40}\n\n猫\n"
    told = [{"said": "a"}, {"said": None}]
    rows = [json.loads(line) for line in codec.together(["one", "猫\n"], told, ".jsonl").splitlines()]
    assert rows == [{"text": "one", "said": "a"}, {"text": "猫\n", "said": None}]
    assert codec.to_bytes("猫") == "猫".encode()


def test_what_is_counted():
    codec = fitted("one", "two")
    found = codec.traits(["The cat, the cat!\nA 12", "", "猫"])
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(found, (3,))
    assert found["characters"].tolist() == [22, 0, 1]
    assert found["words a line"][0] == 3
    assert found["distinct words"][0] == pytest.approx(4 / 6)
    assert found["digits"][0] == pytest.approx(2 / 22)
    assert np.isnan(found["capitals"][1])
    name, amounts = codec.amounts(["猫", "ab"])
    assert (name, amounts.tolist()) == ("byte", [3, 2])


def test_pictures_of_wild_texts():
    codec = fitted("one", "two")
    for wild in ([""], ["x" * 5_000], ["猫🐈\t\x07\n" * 50], ["a"] * 40, [" \n \n"]):
        assert codec.show(wild).startswith(b"\x89PNG")
