"""Texts as a picture: in the letters that there are."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageFont

from anew.codecs.text import picture as text_picture
from anew.codecs.text.picture import draw_texts


@pytest.fixture(params=["the system's font", "Pillow's own"])
def font(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Pillow's own":
        monkeypatch.setattr(text_picture, "_font", lambda: ImageFont.load_default(13))


@pytest.mark.usefixtures("font")
@pytest.mark.parametrize("texts", [[""], ["x" * 5_000], ["猫🐈\t\x07\n" * 50], ["a"] * 40, [" \n \n"], ["\u2028" * 9]])
def test_wild_texts(texts: list[str]):
    picture = Image.open(io.BytesIO(draw_texts(texts)))
    assert picture.width < 1_700
    assert picture.height < 1_700


def test_letters_that_pillow_lacks_are_written_plainly():
    own = ImageFont.load_default(13)
    assert text_picture._writable("März, naïve, ﬁ, 猫", own) == "Marz, naive, fi, ?"
