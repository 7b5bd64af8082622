"""Settings from texts and JSON."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import pytest

from anew.errors import AnewError
from anew.models import build
from anew.models.model import Config
from toys import SPACES, TINY, cases


@dataclass(frozen=True)
class Own(Config):
    flag: bool = False
    word: str = "a"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("batch", "32", 32),
        ("batch", 32, 32),
        ("lr", "1e-4", 1e-4),
        ("lr", 1, 1.0),
        ("betas", "0,0.9", (0.0, 0.9)),
        ("betas", "(0.5, 0.9)", (0.5, 0.9)),
        ("betas", [0.5, 0.9], (0.5, 0.9)),
        ("flag", "true", True),
        ("flag", "0", False),
        ("flag", True, True),
        ("word", "b", "b"),
    ],
)
def test_read(name: str, given: Any, expected: Any):
    value = getattr(Own().change({name: given}), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("batch", "many"), ("batch", "1.5"), ("batch", 0), ("batch", None), ("lr", ""), ("lr", -1), ("lr", "nan"),
        ("lr", "inf"), ("warmup", 1.1), ("given_dropout", -0.1), ("betas", "0.9"), ("betas", "0.9,1"),
        ("betas", "0.9,0.9,0.9"), ("betas", 3), ("flag", "perhaps"),
    ],
)  # fmt: skip
def test_what_is_not_possible_is_refused(name: str, given: Any):
    with pytest.raises(AnewError, match=f"setting '{name}' cannot be '{given}'; ".replace("(", r"\(")):
        Own().change({name: given})


def test_unknown():
    with pytest.raises(AnewError, match="unknown setting 'wrd'; did you mean 'word'"):
        Own().change({"wrd": 1})


def test_others_stay():
    assert Own(batch=3).change({"lr": 0.5}) == Own(batch=3, lr=0.5)


@pytest.mark.parametrize(("recipe", "space", "told"), [case for case in cases() if case[1] != "colour"])
def test_the_least_of_every_setting_builds_or_is_refused(recipe: str, space: str, told: bool):
    config = build(recipe, SPACES[space], None, 1).config
    small = {field.name: TINY[field.name] for field in fields(config) if field.name in TINY}
    for field in fields(config):
        for value in (0, 1, -1, "x"):
            with suppress(AnewError):
                build(recipe, SPACES[space], None, 1, small | {field.name: value})
