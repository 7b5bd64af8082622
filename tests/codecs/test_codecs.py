"""The table of codecs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

import anew.codecs
from anew.codecs import CODECS, codec_class, make_codec
from anew.codecs.codec import Codec
from anew.codecs.image.codec import ImageCodec
from anew.errors import AnewError


def test_import_is_light():
    code = "import sys, anew.codecs; print('torch' in sys.modules, 'PIL' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "False"]


@pytest.mark.parametrize("name", CODECS)
def test_members_know_their_names(name: str):
    assert issubclass(codec_class(name), Codec)
    assert codec_class(name).name == name


def test_unknown_name():
    with pytest.raises(AnewError, match="did you mean 'image'"):
        codec_class("imagee")


@dataclass(frozen=True)
class AllKinds:
    whole: int = 1
    maybe: int | None = None
    share: float = 0.5
    on: bool = False
    word: str = "a"
    words: tuple[str, ...] = ()


class Configured(ImageCodec):
    Options: ClassVar[type] = AllKinds

    def __init__(self, options: Any) -> None:
        self.options = options


def test_options_from_texts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(anew.codecs, "codec_class", lambda _: Configured)
    changes = {"whole": "2", "maybe": "3", "share": "1e-3", "on": "yes", "word": "b", "words": "a, b"}
    assert make_codec("any", changes).options == AllKinds(2, 3, 1e-3, True, "b", ("a", "b"))
    assert make_codec("any", {"maybe": "none"}).options == AllKinds()
    for key, text in {"whole": "2.5", "on": "perhaps", "share": "x"}.items():
        with pytest.raises(AnewError, match=f"codec.{key}={text}"):
            make_codec("any", {key: text})
