"""Code: cut where definitions begin, learned with gaps, and whether it parses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.codecs import load_codec, make_codec, save_codec
from anew.codecs.text.code import CodeCodec
from anew.codecs.text.code_filling import GAP, Filling
from anew.codecs.text.code_parts import definitions, parses
from anew.codecs.text.codes import Bytes, Parts
from anew.errors import AnewError
from anew.nn.rules import Automaton

PYTHON = '''"""A module.

def of many things, it says.
"""

import os


@cached(
    size=3,
)
# as it was
async def one(
    a,
):
    """First.

    Second.
    """

    return a  # 猫


class Two:
    def f(self):
        pass

    x = 1
TOP = 2

def three(): return 3
'''


def fitted(*files: str, **options: str) -> CodeCodec:
    codec = make_codec("code", options)
    assert isinstance(codec, CodeCodec)
    codec.fit(codec.load(file.encode()) for file in files)
    return codec


def function(i: int) -> str:
    return f"def function_{i}(x):\n    # {i * 7} 猫\n    return x + {i}\n\n\n"


def test_python_is_cut_at_definitions():
    parts = definitions(PYTHON)
    assert "".join(parts) == PYTHON
    heads = [part.strip().splitlines()[0] for part in parts]
    assert heads == [
        '"""A module.',
        "@cached(",
        "class Two:",
        "TOP = 2",
        "def three(): return 3",
    ]


def test_other_languages_are_cut_at_empty_lines():
    text = "#include <a>\n\nint f() {\n\n  return 1;\n}\n\nint g() {\n}\n"
    assert definitions(text) == ["#include <a>\n\n", "int f() {\n\n  return 1;\n}\n\n", "int g() {\n}\n"]


@given(
    st.lists(st.sampled_from(["def f():", "class A:", "@x", "    x", "x", "", ")", "# y", "\t\n", '"""']), min_size=1)
)
def test_parts_hold_all_of_a_file(lines: list[str]):
    text = "\n".join(lines)
    parts = definitions(text)
    assert "".join(parts) == text
    assert all(part.strip() for part in parts) or len(parts) == 1


def test_files_are_cut_and_texts_stay_whole(tmp_path: Path):
    text = "".join(map(function, range(9)))
    path = tmp_path / "a.py"
    path.write_text(text, encoding="utf-8")
    codec = make_codec("code")
    assert codec.count(codec.load(path)) == codec.count(codec.load(text.encode())) == 9
    assert codec.count(codec.load(text)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", True),
        ("def f(:\n", False),
        ("    x = 1\n", False),
        ("print 'old'", False),
        (r"'\d'", True),  # a warning, and nothing that people should see
        ("x = 1\0", False),
        ("(" * 10_000 + ")" * 10_000, False),
        ("-" * 40_000 + "1", False),
        ("a" + ".b" * 20_000, False),
        ("[" * 5_000, False),
        ("x = 1\n" * 20_000, False),  # longer than is looked at
        ("1" * 10_000, False),  # of more digits than Python reads
        ("\ud800", False),
        ("", True),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_parses(text: str, expected: bool):
    assert parses(text) is expected


def test_only_python_is_asked_whether_it_parses():
    codec = fitted(*map(function, range(9)))
    assert codec.traits(["x = 1", "x ="])["parses"].tolist() == [True, False]
    assert "of Python" in codec.describe()
    other = fitted(*(f"int f{i}() {{ return {i}; }}\n" for i in range(9)))
    assert "parses" not in other.traits(["x = 1"])
    assert "of code" in other.describe()


FILES = [function(i) for i in range(60)]
FILLED = {
    "bytes": fitted("".join(FILES), fill="0.5", codes="bytes"),
    "parts": fitted("".join(FILES), fill="0.5", codes="parts", vocabulary="300"),
}
both = pytest.mark.parametrize("kind", FILLED)


@both
def test_gaps_are_learned_and_read_in_order(kind: str):
    codec = FILLED[kind]
    texts = [text.strip() for text in FILES]
    x = codec.encode(texts)
    assert codec.space.contains(x)
    moved = (x == codec._filling.before).any(1)
    assert 15 < moved.sum() < 45
    assert codec.decode(x) == texts
    assert torch.equal(codec.encode(codec.decode(x)), x)
    for row in x[moved].tolist():
        places = [row.index(code) for code in (codec._filling.before, codec._filling.after, codec._filling.middle)]
        assert places[0] == 0
        assert places == sorted(places)
        assert row[-1] == 0, "what fills a gap comes to an end"


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\0"), max_size=80))
@both
def test_any_text_survives(kind: str, text: str):
    codec = FILLED[kind]
    text = text.encode("utf-8", "replace").decode()
    x = codec.encode([text])
    whole = codec.decode(x)[0]
    assert text.startswith(whole.rstrip("\ufffd"))
    if len(text.encode()) < codec.space.length - 4:
        assert whole == text


@pytest.mark.parametrize("codes", [Bytes(), Parts.learn(FILES, 300)], ids=["bytes", "parts"])
def test_long_passages_are_cut_to_fit(codes: Bytes | Parts):
    filling = Filling(codes, 1.0, 64)
    rows = filling.write([text * 4 for text in FILES])
    moved = [row for row in rows if row[0] == filling.before]
    assert len(moved) > 40
    assert max(map(len, moved)) < 64
    for row, text in zip(rows, FILES, strict=True):
        assert (text * 4).startswith(filling.read(row).rstrip("\ufffd"))


@both
def test_what_is_learned_may_be_drawn(kind: str):
    codec = FILLED[kind]
    x = codec.encode([text.strip() for text in FILES])
    rules = codec.rules(len(x))
    assert isinstance(rules, Automaton)
    for place in range(x.shape[1]):
        done = x[:, place - 1] == 0 if place else torch.zeros(len(x), dtype=torch.bool)
        allowed = rules.allowed().gather(1, x[:, place : place + 1])[:, 0]
        assert (allowed | done).all()
        rules.tell(x[:, place])


def test_the_three_codes_keep_their_order():
    codec = FILLED["bytes"]
    before, after, middle = (codec._filling.before + i for i in range(3))
    letter, half = ord("a") + 1, 0xE7 + 1  # the latter begins a character of three bytes
    for row, good in (
        ([before, letter, after, middle, letter, 0], True),
        ([before, after, middle, 0], True),
        ([letter, 0], True),
        ([0], True),
        ([letter, before], False),
        ([after], False),
        ([before, 0], False),
        ([before, middle], False),
        ([before, before], False),
        ([before, half, after], False),
        ([before, after, letter, 0], False),
        ([before, after, middle, half, 0], False),
    ):
        rules, found = codec.rules(1), True
        assert rules is not None
        for code in row:
            found &= bool(rules.allowed()[0, code])
            rules.tell(torch.tensor([code]))
        assert found is good, row


def test_a_prompt_with_a_gap():
    codec = FILLED["bytes"]
    begun = codec.begun(f"def f(x):{GAP}return x").tolist()
    assert codec._filling.read([*begun, *codec.codes.encode([" y; "])[0]]) == "def f(x): y; return x"
    assert codec.decode(codec.begun("def f")[None]) == ["def f"]
    with pytest.raises(AnewError, match="give less of it"):
        codec.begun(GAP + "x" * codec.space.length)
    with pytest.raises(AnewError, match=r"codec\.fill=0\.5"):
        fitted(*FILES).begun(GAP)


def test_whatever_a_model_draws_is_read():
    codec = FILLED["bytes"]
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(0, codec.space.vocabulary + 1, (200, codec.space.length)))
    x[:50, 0] = codec._filling.before
    assert all(isinstance(text, str) for text in codec.decode(x))


def test_options_and_what_is_kept():
    with pytest.raises(AnewError, match="out of range"):
        make_codec("code", {"fill": "1.5"})
    codec = FILLED["parts"]
    again = load_codec(json.loads(json.dumps(save_codec(codec))))
    x = codec.encode(FILES)
    assert torch.equal(again.encode(FILES), x)
    assert again.decode(x) == codec.decode(x)
    assert "50% are learned with a gap" in again.describe()
