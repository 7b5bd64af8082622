"""Texts that are given become codes and texts again."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.codecs.codec import BadRecord
from anew.codecs.text.prompts import PromptCodec, PromptOptions, are_prompts
from anew.errors import AnewError


def fitted(*texts: Any) -> PromptCodec:
    codec = PromptCodec(PromptOptions(("said",)))
    codec.fit([{"said": text} for text in texts])
    return codec


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_any_text_survives(text: str):
    codec = fitted(text)
    known = text.encode("utf-8", "replace").decode()
    assert codec.decode(codec.encode([{"said": text}])) == [{"said": known}]


def test_what_is_not_known_has_no_codes():
    codec = fitted("a", "bcd", None)
    rows = [{}, {"said": None}, {"said": math.nan}, {"said": ""}, {"other": "a"}]
    assert not codec.encode(rows).any()
    assert codec.decode(codec.encode(rows)) == [{"said": None}] * len(rows)
    assert codec.encode([{"said": 12}]).any(), "a number is written as people write it"
    assert codec.known({"said": "a", "other": 1}) == {"said": "a"}


def test_of_long_texts_the_end_is_left_out():
    assert fitted("a" * 10_000).space.length == 512
    codec = fitted(*["abc"] * 1_000, "a" * 200)
    assert codec.space.length == 3
    assert codec.decode(codec.encode([{"said": "abcdef"}])) == [{"said": "abc"}]
    assert "3 codes" in codec.describe()


def test_nothing_is_known():
    with pytest.raises(AnewError, match="nothing is known of 'said'"):
        fitted(None, "", math.nan)


def test_rows_only():
    with pytest.raises(BadRecord, match="names with values"):
        PromptCodec(PromptOptions(("said",))).load("a text")


def test_files_and_pictures():
    codec = fitted("ab")
    assert codec.to_bytes({"said": "猫"}) == "猫".encode()
    assert codec.show([{"said": None}, {"said": "猫" * 500}]).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"sentence {i}" for i in range(100)], True),
        ([f"sentence {i % 60}" for i in range(100)], True),
        (["cat", "dog"] * 50, False),
        (list(range(100)), False),
        ([f"sentence {i}" for i in range(20)], False),
        ([], False),
        ([None] * 100, False),
    ],
)
def test_texts_are_told_from_categories(values: list[Any], expected: bool):
    assert are_prompts([{"said": value} for value in values], ["said"]) is expected
    assert not are_prompts([{"said": value, "more": 1} for value in values], ["said", "more"])
