"""Texts by a grammar: whatever is drawn is what was asked for, in bytes and in parts of words."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.codecs.text.codes import Bytes, Codes, Parts
from anew.codecs.text.grammar import Grammar, Matcher
from anew.codecs.tokens import padded, unpadded
from anew.errors import AnewError

WORDS = ['the cat sat on the mat, 猫坐在垫子上 🐈 naïve {"name": "Zoë", "age": 12, "good": true}\n'] * 50
CODES: list[Codes] = [Bytes(), Parts.learn(WORDS, 330)]
both = pytest.mark.parametrize("codes", CODES, ids=["bytes", "parts"])
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 4},
        "age": {"enum": [1, 22]},
        "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
LARK = 'start: "(" list ")" | NAME\nlist: NAME | NAME ", " list\nNAME: /[a-z猫]{1,3}/'


def draw(matcher: Matcher, n: int, length: int, first: int = 0) -> torch.Tensor:
    """(n, length) what is allowed, each as likely, after `first` codes of anything."""
    generator, rules = torch.Generator().manual_seed(0), matcher.rules(n, first)
    x, done = torch.zeros(n, length, dtype=torch.int64), torch.zeros(n, dtype=torch.bool)
    for place in range(length):
        allowed = rules.allowed()
        assert allowed.shape == (n, matcher.codes)
        drawn = torch.multinomial(allowed.float(), 1, generator=generator)[:, 0].masked_fill(done, 0)
        x[:, place] = 1 if place < first else drawn
        done |= x[:, place] == 0
        rules.tell(x[:, place])
    return x


def texts(codes: Codes, x: torch.Tensor) -> list[str]:
    return codes.decode(unpadded(x))


@both
@pytest.mark.parametrize(
    "regex", [r"[0-9]{2}-[a-f]+", "[猫🐈é]{3}|naïve?", r"(the )?cat (sat|🐈){1,2}\.", "a/b\\\\n|\n\t", ""]
)
def test_what_is_drawn_matches_the_regex(codes: Codes, regex: str):
    matcher = Matcher(Grammar(regex=regex), codes, codes.vocabulary)
    x = draw(matcher, 40, 60)
    whole = matcher.whole(x)
    assert whole.float().mean() > 0.9
    for text, found in zip(texts(codes, x), whole.tolist()):
        assert found == bool(re.fullmatch(regex, text))


@both
def test_what_is_drawn_is_json_by_the_schema(codes: Codes):
    for schema in (SCHEMA, json.dumps(SCHEMA)):
        matcher = Matcher(Grammar(json_schema=schema), codes, codes.vocabulary)
        x = draw(matcher, 40, 200)
        whole = matcher.whole(x).tolist()
        assert sum(whole) > 30
        for text, found in zip(texts(codes, x), whole):
            if found:
                row = json.loads(text)
                assert set(row) == {"name", "age", "tags"}
                assert len(row["name"]) <= 4
                assert row["age"] in (1, 22)


@both
def test_what_is_drawn_follows_the_lark_grammar(codes: Codes):
    matcher = Matcher(Grammar(lark=LARK), codes, codes.vocabulary)
    x = draw(matcher, 40, 80)
    found = [text for text, whole in zip(texts(codes, x), matcher.whole(x).tolist()) if whole]
    assert len(found) > 30
    name = "[a-z猫]{1,3}"
    assert all(re.fullmatch(rf"\({name}(, {name})*\)|{name}", text) for text in found)


@both
@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_any_text_is_whole_or_not(codes: Codes, text: str):
    matcher = Matcher(Grammar(regex="(?s:.)*[^!]|"), codes, codes.vocabulary)
    x = padded(codes.encode([text, text + "!"]), 200)
    assert matcher.whole(x).tolist() == [not text.endswith("!"), False]


def test_json_as_people_indent_it_is_json_too():
    matcher = Matcher(Grammar(json_schema=SCHEMA), Bytes(), 256)
    row = {"name": "猫", "age": 1, "tags": [True, False]}
    tight, indented = (
        json.dumps(row, ensure_ascii=False, **ways) for ways in ({"separators": (",", ":")}, {"indent": 2})
    )
    usual = json.dumps(row, ensure_ascii=False)
    endless = usual.replace(": 1", ":" + " " * 9 + "1")
    x = padded(Bytes().encode([tight, indented, usual, endless]), 200)
    assert matcher.whole(x).tolist() == [True, True, True, False]


def test_it_holds_from_a_place_on():
    matcher = Matcher(Grammar(regex="b{2}"), Bytes(), 256)
    x = draw(matcher, 3, 8, first=4)
    assert texts(Bytes(), x) == ["\0\0\0\0bb"] * 3
    assert matcher.whole(x, 4).all()
    assert not matcher.whole(x).any()


def test_codes_that_stand_for_no_text_are_not_allowed():
    matcher = Matcher(Grammar(regex="(?s:.)*"), Bytes(), 259)
    allowed = matcher.rules(1).allowed()
    assert allowed.shape == (1, 260)
    assert not allowed[0, 257:].any()
    assert allowed[0, 0]


def test_what_is_picked_goes_on_alone():
    rules = Matcher(Grammar(regex="ab|cd|a{3}"), Bytes(), 256).rules(2)
    rules.tell(torch.tensor([b"a"[0] + 1, b"c"[0] + 1]))
    rules.pick(torch.tensor([1, 0, 0]))
    rules.tell(torch.tensor([b"d"[0] + 1, b"b"[0] + 1, b"a"[0] + 1]))
    assert [np.flatnonzero(row).tolist() for row in rules.allowed()] == [[0], [0], [b"a"[0] + 1]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"regex": "(a"}, "this regex cannot be followed: unclosed group"),
        ({"regex": "(?=a)b"}, "look-around"),
        ({"regex": r"(a)\1"}, "backreferences are not supported"),
        ({"regex": "\ud800"}, "this regex cannot be followed"),
        ({"lark": "start: x"}, 'this Lark grammar cannot be followed: .*unknown name: "x"'),
        ({"lark": ""}, "Empty grammar"),
        ({"json_schema": {"type": "objekt"}}, "this JSON schema cannot be followed: Invalid type: objekt"),
        ({"json_schema": "[1"}, "this JSON schema cannot be followed: EOF"),
        ({"json_schema": ""}, "this JSON schema cannot be followed"),
        ({"json_schema": {"a": {1}}}, "this JSON schema cannot be followed"),
        ({"json_schema": {"$ref": "http://example.com/x"}}, "this JSON schema cannot be followed"),
    ],
)
def test_what_cannot_be_followed_is_one_line(wrong: dict[str, str], said: str):
    with pytest.raises(AnewError, match=said) as found:
        Matcher(Grammar(**wrong), Bytes(), 256)  # type: ignore[arg-type]
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 300


@pytest.mark.parametrize("wrong", [{}, {"regex": "a", "lark": 'start: "a"'}, {"regex": "", "json_schema": {}}])
def test_a_grammar_is_one_thing(wrong: dict[str, str]):
    with pytest.raises(AnewError, match="give one of them"):
        Grammar(**wrong)  # type: ignore[arg-type]


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(AnewError, match=r"pip install 'anew\[constrained\]'"):
        Matcher(Grammar(regex="a"), Bytes(), 256)
