"""Codes of text: nothing is unknown, and what may follow is exactly UTF-8."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anew.codecs.text.codes import SMALL, Bytes, Codes, Parts, codes_from_json, learn_codes, utf8_table

WORDS = ["the cat sat on the mat, 猫坐在垫子上 🐈 naïve\n"] * 50
CODES: list[Codes] = [Bytes(), Parts.learn(WORDS, 300)]
both = pytest.mark.parametrize("codes", CODES, ids=["bytes", "parts"])


@both
@given(st.text(st.characters(exclude_categories=("Cs",))))
@example("<|endoftext|>")
@example("\u2028\x85 \xa0")
@example("  the  cat")
def test_any_text_survives(codes: Codes, text: str):
    row = codes.encode([text])[0]
    assert all(1 <= code <= codes.vocabulary for code in row)
    assert codes.decode([row]) == [text]
    assert b"".join(codes.bytes[code - 1] for code in row) == text.encode()


@both
def test_each_code_stands_for_bytes(codes: Codes):
    assert len(codes.bytes) == codes.vocabulary
    assert {bytes([value]) for value in range(256)} <= set(codes.bytes)


def test_bytes_that_are_no_text_are_replaced():
    assert Bytes().decode([[0xFF + 1, ord("a") + 1]]) == ["\ufffda"]


@pytest.mark.parametrize("codes", CODES, ids=["bytes", "parts"])
def test_json_brings_them_back(codes: Codes):
    again = codes_from_json(json.loads(json.dumps(codes.to_json())))
    assert again.vocabulary == codes.vocabulary
    assert again.bytes == codes.bytes
    assert again.encode(WORDS[:1]) == codes.encode(WORDS[:1])


def test_the_size_decides():
    assert isinstance(learn_codes(WORDS, SMALL - 1), Bytes)
    assert isinstance(learn_codes(WORDS, SMALL), Parts)
    assert isinstance(learn_codes(WORDS, SMALL, "bytes"), Bytes)
    assert isinstance(learn_codes(WORDS, 10, "parts"), Parts)
    assert learn_codes(WORDS, 10, None, 280).vocabulary == 280
    assert learn_codes(WORDS, 10, None, 60_000).vocabulary < 400, "there are no more parts in so few words"


def accepts(table: list[list[int]], data: bytes) -> bool:
    state = 0
    for byte in data:
        state = table[state][byte + 1]
        if state < 0:
            return False
    return table[state][0] >= 0


TABLE = utf8_table(Bytes()).tolist()
near = st.lists(st.sampled_from([0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5]))


@settings(max_examples=500)
@given(st.binary() | near.map(bytes))
@example(b"\xed\xa0\x80")  # half of a surrogate pair
@example(b"\xf4\x90\x80\x80")  # beyond the last character
@example(b"\xe0\x80\x80")  # longer than it need be
@example(b"\xc3")
def test_what_may_follow_is_utf8(data: bytes):
    try:
        data.decode()
        valid = True
    except UnicodeDecodeError:
        valid = False
    assert accepts(TABLE, data) is valid


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_all_of_utf8_may_follow(text: str):
    assert accepts(TABLE, text.encode())


def test_every_character_is_allowed():
    """One of each thousand, and those at the edges."""
    points = [*range(0, 0xD800, 997), 0xD7FF, *range(0xE000, 0x110000, 997), 0x10FFFF]
    assert all(accepts(TABLE, chr(point).encode()) for point in points)


def test_a_part_is_allowed_where_all_of_its_bytes_are():
    codes, table = CODES[1], utf8_table(CODES[1])
    for code, part in enumerate(codes.bytes, 1):
        state = 0
        for byte in part:
            state = TABLE[state][byte + 1] if state >= 0 else -1
        assert table[0, code] == state
    assert ((table[:, 1:] >= 0).any(1)).all(), "something may always follow"
