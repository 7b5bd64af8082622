"""Grammars of programming languages: what is written by one parses, and nearly all that people write obeys it."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
import torch

from anew.codecs.text.code_parts import parses
from anew.codecs.text.codes import Bytes
from anew.codecs.text.grammar import Grammar, Matcher
from anew.codecs.text.languages import LANGUAGES, grammar_of
from anew.codecs.tokens import padded, unpadded
from anew.errors import AnewError
from anew.sources.stdlib import PythonDocstrings

CODES, SEEN = Bytes(), 2  # letters before each, by which letters are drawn


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


def test_what_is_drawn_parses(python: Matcher, functions: list[str]):
    """Letters as often as they follow two others in real functions, and sometimes any; what comes of it is no sense."""
    follow: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for row in CODES.encode(functions):
        for place, code in enumerate([*row, 0]):
            follow[tuple(row[max(0, place - SEEN) : place])][code] += 1
    rules, generator, n = python.rules(100), torch.Generator().manual_seed(0), 100
    x, done = torch.zeros(n, 400, dtype=torch.int64), torch.zeros(n, dtype=torch.bool)
    for place in range(x.shape[1]):
        likely = torch.full((n, python.codes), 3e-5)
        for row, before in zip(likely, x[:, max(0, place - SEEN) : place].tolist()):
            if found := follow.get(tuple(before)):
                row[list(found)] += torch.tensor(list(found.values())) / found.total()
        drawn = torch.multinomial(likely * rules.allowed(), 1, generator=generator)[:, 0]
        x[:, place] = drawn.masked_fill(done, 0)
        done |= x[:, place] == 0
        rules.tell(x[:, place])
    whole = [text for text, ended in zip(CODES.decode(unpadded(x)), python.whole(x).tolist()) if ended]
    assert len(whole) > 10
    assert [text for text in whole if not parses(text)] == []


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
