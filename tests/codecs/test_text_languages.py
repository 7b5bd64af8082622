"""Grammars of programming languages: what is written by one parses, and nearly all that people write obeys it."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest

import anew
from anew.codecs.text.code_parts import parses
from anew.codecs.text.codes import Bytes
from anew.codecs.text.grammar import Grammar, Matcher
from anew.codecs.text.languages import LANGUAGES, grammar_of
from anew.codecs.tokens import padded
from anew.errors import AnewError
from anew.sampler import Sampler
from anew.sources.stdlib import PythonDocstrings

CODES = Bytes()


@pytest.fixture(scope="module")
def python() -> Matcher:
    return Matcher(Grammar(language="python"), CODES, CODES.vocabulary)


@pytest.fixture(scope="module")
def functions() -> list[str]:
    source = PythonDocstrings()
    source._paths = source._paths[::8]
    return [record.content for record in source]


def obeys(matcher: Matcher, text: str) -> bool:
    return bool(matcher.whole(padded(CODES.encode([text]), len(text.encode()) + 1))[0])


def test_what_people_write_obeys_it(python: Matcher, functions: list[str]):
    assert sum(obeys(python, text) for text in functions) >= 0.99 * len(functions) > 200


def test_what_is_drawn_parses(functions: list[str], tmp_path: Path):
    """Letters as they follow a few others in real functions: what comes of it is no sense."""
    path = tmp_path / "functions.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in functions), encoding="utf-8")
    settings = {"codec.codes": "bytes", "order": 3, "batch": 512}
    run = anew.train(
        path, "ngram", examples=1_000, precision="fp32", settings=settings, out=tmp_path / "run", show=False
    )
    language = Grammar(language="python")
    sampler = Sampler(run.model, run.codec, grammar=language, length=400)
    x = sampler.draw(60, None, seed=0)
    whole = Matcher(language, CODES, run.codec.space.vocabulary).whole(x)
    assert whole.sum() > 10
    assert [text for text in sampler.items(x[whole]) if not parses(text)] == []


WRONG = [
    "x = 1\n    y = 2", "if a:\n    6\nx\n    return", "for x in y:", "try:\n    a", "(a", "a b", "x if y", "a + not b",
    "def f(a=1, b):\n    pass", "f(a=1, b)", "f(*, a)", "f(a for a in b, c)", "[x for f(x) in y]", "('a'index)",
    "f(x) = 3", "del f(x)", "del *x", "(*a)", "class A(x for x in y): pass", "None = 1", "yield = 3", "01", "# a\rb c",
    "'a\n'", "f'{if}'", "b'é'", "'a' b'b'", "x = 'a\0'", "'\\x1'", "\"\"\"a\"",
]  # fmt: skip
RIGHT = [
    "x: int = 1  # one",
    "async def f(a, /, b, *c, d=1, **e) -> int:\n    await g()\n    return {**e, 'a': [*c]}",
    "@a.b(c)\nclass D(E, metaclass=F):\n\n    # about\n\n    x, (y, *z) = 1, (2, 3)",
    "x = (a and  # why\n     not b)",
    "(*a, b), (c,), (d)\ndel e, f.g",
    "with open(f'{a.b!r}{{}}', \"rb\") as c, d:\n    x[1:2, ::3] += lambda y=1, *z: y if y else z",
    "try:\n    a\nexcept (B, C) as d:\n    raise E from d\nelse:\n    f\nfinally:\n    g",
    "if (n := len(a)) > 10: b; c",
    "from . import a as b, c\nfrom ..d.e import (f,\n    g,)",
    "x = yield\nprint(*a, sep='', **b)",
    "'''a\n'b''c'''",
    "a = b'\\x00' rb'\\d' if not x is not y else -1.5e-3j",
    "def 猫(größe, имя=ひらがな):\n    return Σ + é2",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_python_does_not_obey_it(python: Matcher, text: str):
    assert not parses(text)
    assert not obeys(python, text + "\n")


@pytest.mark.parametrize("text", RIGHT)
def test_python_obeys_it(python: Matcher, text: str):
    assert parses(text)
    assert obeys(python, text + "\n")
    assert obeys(python, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_a_grammar_names_is_there(language: str):
    assert "python" in LANGUAGES
    Matcher(Grammar(language=language), CODES, 256)
    assert "_deeper" not in grammar_of(language)


def test_other_languages_are_told():
    with pytest.raises(AnewError, match="unknown language 'pyton'; did you mean 'python'"):
        Grammar(language="pyton")


def test_how_a_text_begins(python: Matcher):
    assert [python.begins(CODES.encode([text])[0]) for text in ("def f(", "def f)", "")] == [True, False, True]


def test_letters_of_names():
    """Python takes letters that are written in several ways for one, so that a name might be a keyword."""
    ranges = re.search(r"LETTER: /\[(.*?)\]", grammar_of("python"))[1]
    letters = re.findall(f"[{ranges}]", "".join(map(chr, range(sys.maxunicode))))
    assert len(letters) > 30_000
    assert [x for x in letters if not x.isidentifier() or unicodedata.normalize("NFKC", x) != x] == []
